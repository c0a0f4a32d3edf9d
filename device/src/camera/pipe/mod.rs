//! Cameras behind another program: frames from a child process.
//!
//! Camera modules on a ribbon cable give plain V4L2 only raw Bayer data; the maker's own program turns that into
//! pictures and writes them to its standard output. Any other program that writes frames will do as well.

#[cfg(unix)]
mod child;
mod error;
mod frames;
#[cfg(unix)]
mod guard;
#[cfg(unix)]
mod live;
#[cfg(all(test, unix))]
pub(crate) mod scripted;

use std::path::Path;

use emocue_config::source::PipeSettings;

use super::Camera;
pub use error::PipeError;
pub use frames::Frames;
#[cfg(unix)]
pub use guard::{GUARD, guard};
#[cfg(unix)]
pub use live::Pipe;

/// The camera, which keeps colours where displays want them; its program is started by its first [`Camera::next`], and ends also when this process is killed where
/// the program `guard` is named ([`Pipe::new`]).
///
/// # Errors
/// [`PipeError::NotHere`] where there is no poll(2).
pub fn open(
    settings: &PipeSettings,
    guard: Option<&Path>,
    keeps_colors: bool,
) -> Result<Box<dyn Camera>, PipeError> {
    #[cfg(unix)]
    return Ok(Box::new(
        Pipe::new(settings.clone(), guard.map(Path::to_owned)).with_colors(keeps_colors),
    ));
    #[cfg(not(unix))]
    let _ = (guard, keeps_colors);
    #[cfg(not(unix))]
    return Err(PipeError::NotHere { name: settings.name.clone() });
}
