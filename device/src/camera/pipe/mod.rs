//! Cameras through another program: frames from a child process.
//!
//! Camera modules on a ribbon cable give only raw Bayer data through V4L2; the vendor's program converts it and writes
//! frames to its standard output. Any other program that writes frames works as well.

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

/// A camera that keeps colours if displays want them. Its program is started by the first [`Camera::next`]. With
/// `guard` it also ends when this process is killed ([`Pipe::new`]).
///
/// # Errors
/// [`PipeError::NotHere`] on systems without poll(2).
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
