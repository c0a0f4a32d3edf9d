//! Where frames come from: pictures, folders, Y4M streams and drawn clips behind one [`Camera`].

mod folder;
mod picture;
pub mod pipe;
mod source;
mod synthetic;
pub mod v4l2;
mod y4m;

use std::io;
use std::time::Instant;

use emocue_models::luma::{Luma, Orientation};

pub use picture::{Stills, decode as decode_picture};
pub use source::{SOURCES, Source, SourceError};
pub use synthetic::{Synthetic, SyntheticSettings};
pub use y4m::Y4m;

/// The largest frame taken, px: a 50-megapixel photo. What claims more is refused before decoding.
pub const MAX_PIXELS: u64 = 50_000_000;

/// What a source knows about a frame besides its pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FrameInfo {
    /// A file name, or the source's own name: `"stdin"`, `"synthetic"`.
    pub source: String,
    /// Counts frames from 0.
    pub index: u64,
    /// Time since the source's start in ms, where frames have one; pictures have none.
    pub time_ms: Option<u64>,
    /// When a live camera's sensor gave it, which tells a frame's age; files have none.
    pub captured: Option<Instant>,
}

/// A source of frames.
pub trait Camera: Send {
    /// Writes the next frame into `frame` and `info`, whose allocations are reused; `false` at the end.
    ///
    /// # Errors
    /// [`CameraError`] when this one frame could not be read. The caller may ask again: a folder goes
    /// on with its next picture, a broken stream says that it is at its end. After an error `frame` and
    /// `info` hold nothing of use.
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<bool, CameraError>;

    /// Whether frames come by themselves, so that one which nobody took in time is replaced by the next.
    ///
    /// An error of a live camera means that it is missing for now: the next call of [`Camera::next`] opens it again.
    fn is_live(&self) -> bool {
        false
    }

    /// Stops streaming and closes the device, so that nothing can be seen; [`Camera::next`] opens it again.
    fn close(&mut self) {}
}

/// A frame or a whole source that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// The operating system refused.
    #[error("cannot read {name}: {reason}; {next}", next = advice(.reason))]
    Io {
        /// The path, or `"stdin"`.
        name: String,
        /// The system's own words.
        reason: io::Error,
    },
    /// A folder without a single picture.
    #[error("{name}: no pictures in this folder; put .jpg, .jpeg or .png files into it")]
    EmptyFolder {
        /// The folder.
        name: String,
    },
    /// Neither a picture nor a stream.
    #[error(
        "{name}: neither JPEG, PNG nor Y4M; a video can be piped in: \
         ffmpeg -i VIDEO -f yuv4mpegpipe - | emocue-badge run --camera -"
    )]
    UnknownFormat {
        /// The file.
        name: String,
    },
    /// A picture or stream that claims more than [`MAX_PIXELS`].
    #[error("{name}: {width}x{height} px is more than 50 megapixels; scale it down first")]
    TooLarge {
        /// The file.
        name: String,
        /// Claimed width, px.
        width: u64,
        /// Claimed height, px.
        height: u64,
    },
    /// The file ends before its content does.
    #[error("{name}: cut off at byte {at}: {missing}; copy or record it again")]
    Truncated {
        /// The file or stream.
        name: String,
        /// How many bytes there were.
        at: u64,
        /// What was still expected.
        missing: &'static str,
    },
    /// A damaged or unsupported picture.
    #[error("{name}: not a picture that can be read: {reason}; save it again as JPEG or PNG")]
    Picture {
        /// The file.
        name: String,
        /// The decoder's own words.
        reason: String,
    },
    /// A damaged or unsupported stream.
    #[error(
        "{name}: byte {at}: {reason}; write it again with \
         ffmpeg -i VIDEO -pix_fmt yuv420p -f yuv4mpegpipe FILE.y4m"
    )]
    Stream {
        /// The file or stream.
        name: String,
        /// Where reading stopped.
        at: u64,
        /// What is wrong there.
        reason: String,
    },
}

/// The next step after an input error of the operating system.
fn advice(reason: &io::Error) -> String {
    match reason.kind() {
        io::ErrorKind::NotFound => format!("--camera takes {SOURCES}"),
        io::ErrorKind::PermissionDenied => "check who may read it".to_owned(),
        _ => "check the file and its disk".to_owned(),
    }
}

/// A camera mounted askew: every frame is turned and mirrored upright.
pub struct Mounted<C> {
    camera: C,
    orientation: Orientation,
    raw: Luma,
}

impl<C: Camera> Mounted<C> {
    /// Corrects `camera`'s frames by `orientation`.
    pub fn new(camera: C, orientation: Orientation) -> Self {
        Self { camera, orientation, raw: Luma::default() }
    }
}

impl<C: Camera> Camera for Mounted<C> {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<bool, CameraError> {
        if self.orientation.is_identity() {
            return self.camera.next(frame, info);
        }
        let more = self.camera.next(&mut self.raw, info)?;
        if more {
            self.orientation.apply(&self.raw, frame);
        }
        Ok(more)
    }

    fn is_live(&self) -> bool {
        self.camera.is_live()
    }

    fn close(&mut self) {
        self.camera.close();
    }
}

impl<C: Camera + ?Sized> Camera for Box<C> {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<bool, CameraError> {
        (**self).next(frame, info)
    }

    fn is_live(&self) -> bool {
        (**self).is_live()
    }

    fn close(&mut self) {
        (**self).close();
    }
}
