//! Cameras behind another program: frames from a child process.
//!
//! Camera modules on a ribbon cable give plain V4L2 only raw Bayer data; the maker's own program turns that into
//! pictures and writes them to its standard output. Any other program that writes frames will do as well.

#[cfg(unix)]
mod child;
mod error;
mod frames;
#[cfg(unix)]
mod live;

use emocue_config::source::PipeSettings;

use super::Camera;
pub use error::PipeError;
pub use frames::Frames;
#[cfg(unix)]
pub use live::Pipe;

/// The camera; its program is started by its first [`Camera::next`].
///
/// # Errors
/// [`PipeError::NotHere`] where there is no poll(2).
pub fn open(settings: &PipeSettings) -> Result<Box<dyn Camera>, PipeError> {
    #[cfg(unix)]
    return Ok(Box::new(Pipe::new(settings.clone())));
    #[cfg(not(unix))]
    return Err(PipeError::NotHere { name: settings.name.clone() });
}
