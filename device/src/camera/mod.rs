//! Sources of frames: V4L2 cameras, child processes, pictures, folders, Y4M streams and synthetic clips, all as a
//! [`Camera`].

mod error;
mod folder;
mod mounted;
mod none;
mod open;
#[cfg(unix)]
mod patience;
pub mod pipe;
#[cfg(unix)]
mod stamps;
mod stills;
mod synthetic;
pub mod v4l2;
mod video;
mod y4m;
mod ycbcr;

use std::time::Instant;

use emocue_models::colors::Colors;
use emocue_models::luma::Luma;

pub use error::CameraError;
pub use mounted::Mounted;
pub use none::NoCamera;
pub use open::{OpenOptions, open, open_with};
pub use stills::{Stills, decode as decode_picture};
pub use synthetic::Synthetic;
pub use y4m::Y4m;

/// Information about a frame, besides its pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameInfo {
    /// A file name, or the source's own name: `"stdin"`, `"synthetic"`.
    pub source: String,
    /// Number of the frame, from 0.
    pub index: u64,
    /// Time since the source's start, ms, if frames have timestamps; pictures have none.
    pub time_ms: Option<u64>,
    /// When a live camera's sensor captured it, for its latency; files have none.
    pub captured: Option<Instant>,
}

/// Frame rate as a fraction, frames per seconds: 30000 / 1001 for NTSC's 29.97 Hz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At least 1.
    pub frames: u32,
    /// At least 1.
    pub seconds: u32,
}

/// What [`Camera::next`] found.
#[derive(Debug)]
pub enum CameraRead {
    /// A frame, written into the caller's buffers.
    Frame,
    /// None yet, as from a camera that is still starting: it is open; call again.
    Nothing,
    /// None for so long that the camera counts as missing: it is still open; call again.
    Silent(CameraError),
    /// The end of the source. A live camera has no end.
    End,
}

impl CameraRead {
    /// Whether there is a frame.
    pub fn is_frame(&self) -> bool {
        matches!(self, Self::Frame)
    }
}

/// A source of frames.
pub trait Camera: Send {
    /// Writes the next frame into `frame` and `info`, whose allocations are reused. A live camera blocks for about a
    /// second; only the camera knows how long its start takes, so the caller closes it only on an error.
    ///
    /// # Errors
    /// [`CameraError`] when this one frame could not be read. The caller may call again: a folder continues with its
    /// next picture, a broken stream returns [`CameraRead::End`]. Without a frame, the content of `frame` and `info` is
    /// unspecified.
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<CameraRead, CameraError>;

    /// Whether frames arrive in real time, so that one that is not read in time is replaced by the next.
    ///
    /// An error of a live camera means that it is missing at present: the next call of [`Camera::next`] opens it again.
    fn is_live(&self) -> bool {
        false
    }

    /// The last frame's colours, where the source has them and was opened to keep them
    /// ([`OpenOptions::keeps_colors`]). Only displays use them.
    fn colors(&self) -> Option<&Colors> {
        None
    }

    /// The frame rate, if a stream's header has it.
    fn rate(&self) -> Option<Rate> {
        None
    }

    /// Stops streaming and closes the device; [`Camera::next`] opens it again.
    fn close(&mut self) {}
}
