//! Why a V4L2 camera gives no frames.

use std::io;
use std::time::Duration;

use emocue_models::failure::{Failure, exit, sentence};

use super::plane::BadBuffer;

/// A V4L2 camera that gives no frames.
#[derive(Debug, thiserror::Error)]
pub enum V4l2Error {
    /// Built without the `v4l2` feature.
    #[error("{name}: this program was built without V4L2 cameras")]
    NotBuilt {
        /// The camera.
        name: String,
        /// Its node.
        node: String,
    },
    /// No camera at all.
    #[error("{name}: no camera is connected that V4L2 gives pictures of")]
    NoWebcam {
        /// The source's name.
        name: String,
    },
    /// The node does not exist, or has no hardware.
    #[error("{name}: no camera is connected there")]
    Missing {
        /// The camera.
        name: String,
    },
    /// The user may not open the node.
    #[error("{name}: not permitted")]
    NotPermitted {
        /// The camera.
        name: String,
        /// How to get access, as a part of a sentence.
        remedy: String,
    },
    /// Another program streams from it.
    #[error("{name}: another program is using it")]
    Busy {
        /// The camera.
        name: String,
        /// Its node.
        node: String,
    },
    /// A node without pictures, such as a camera's metadata.
    #[error("{name}: this node gives no pictures")]
    NotACamera {
        /// The camera.
        name: String,
        /// Which node has pictures, as a part of a sentence.
        remedy: String,
    },
    /// A sensor without an image signal processor.
    #[error("{name}: a camera module that gives only raw Bayer data here")]
    OnlyBayer {
        /// The camera.
        name: String,
    },
    /// None of its formats can be used.
    #[error("{name}: it offers {offered}, of which none can be used")]
    Unsupported {
        /// The camera.
        name: String,
        /// Its formats.
        offered: String,
        /// What to use instead, as a part of a sentence.
        remedy: String,
    },
    /// It went away while streaming.
    #[error("{name}: the camera was unplugged")]
    Unplugged {
        /// The camera.
        name: String,
    },
    /// No frame came in time.
    #[error("{name}: no frame for {} ms", .waited.as_millis())]
    Silent {
        /// The camera.
        name: String,
        /// The time without a frame.
        waited: Duration,
    },
    /// Frames came, but none was whole.
    #[error("{name}: its frames are damaged: {reason}")]
    Damaged {
        /// The camera.
        name: String,
        /// What was wrong with the last one.
        reason: BadBuffer,
    },
    /// The driver refused.
    #[error("{name}: {call} failed: {reason}")]
    Driver {
        /// The camera.
        name: String,
        /// The call of V4L2.
        call: &'static str,
        /// The system's error.
        reason: io::Error,
    },
    /// The driver does not stop streaming, so the camera stays open until this program ends.
    #[error("{name}: the driver does not let go of the camera: STREAMOFF failed: {reason}")]
    Stuck {
        /// The camera.
        name: String,
        /// The system's error.
        reason: io::Error,
    },
}

/// Linux's errno values for a device that is gone.
const ENXIO: i32 = 6;
const ENODEV: i32 = 19;

/// Whether the device behind an open file is gone.
pub fn is_gone(reason: &io::Error) -> bool {
    matches!(reason.raw_os_error(), Some(ENODEV | ENXIO))
}

impl V4l2Error {
    /// See [`CameraError::may_heal`](crate::camera::CameraError::may_heal).
    pub fn may_heal(&self) -> bool {
        match self {
            Self::Missing { .. }
            | Self::Busy { .. }
            | Self::Unplugged { .. }
            | Self::Silent { .. }
            | Self::Damaged { .. }
            | Self::Driver { .. } => true,
            Self::NotBuilt { .. }
            | Self::NoWebcam { .. }
            | Self::NotPermitted { .. }
            | Self::NotACamera { .. }
            | Self::OnlyBayer { .. }
            | Self::Unsupported { .. }
            | Self::Stuck { .. } => false,
        }
    }

    /// The error for a failed `call` on `node` once the node is open.
    pub fn of_call(name: &str, node: &str, call: &'static str, reason: io::Error) -> Self {
        let name = name.to_owned();
        if is_gone(&reason) {
            return Self::Unplugged { name };
        }
        match reason.kind() {
            io::ErrorKind::ResourceBusy => Self::Busy { name, node: node.to_owned() },
            _ => Self::Driver { name, call, reason },
        }
    }

    /// The error for a failed `open` of `node`; `remedy` says how to get access if permission is missing.
    pub fn of_open(
        name: &str,
        node: &str,
        reason: io::Error,
        remedy: impl FnOnce() -> String,
    ) -> Self {
        match reason.kind() {
            io::ErrorKind::NotFound => Self::Missing { name: name.to_owned() },
            io::ErrorKind::PermissionDenied => {
                Self::NotPermitted { name: name.to_owned(), remedy: remedy() }
            }
            _ if is_gone(&reason) => Self::Missing { name: name.to_owned() },
            _ => Self::of_call(name, node, "open", reason),
        }
    }
}

impl Failure for V4l2Error {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::NotBuilt { node, .. } => {
                return Some(format!(
                    "Build it on Linux with `cargo build --release --features v4l2` (needs libclang), or pipe frames \
                     in: --camera 'pipe:ffmpeg -nostdin -v error -f v4l2 -i {node} -f yuv4mpegpipe -'."
                ));
            }
            Self::NoWebcam { .. } => {
                "Connect one; `emocue-badge cameras` lists every video node, and why it cannot be used."
            }
            Self::Missing { .. } => "`emocue-badge cameras` lists those that are.",
            Self::NotPermitted { remedy, .. }
            | Self::NotACamera { remedy, .. }
            | Self::Unsupported { remedy, .. } => return Some(sentence(remedy)),
            Self::Busy { node, .. } => return Some(format!("`fuser -v {node}` tells which one.")),
            Self::OnlyBayer { .. } => {
                "Use --camera pipe:rpicam on a Raspberry Pi, --camera pipe:gst-argus on a Jetson."
            }
            Self::Unplugged { .. } => "Plug it in again.",
            Self::Silent { .. } => "Check its cable, or plug it in again.",
            Self::Damaged { .. } => "Try another cable or port, or a smaller size (?size=320x240).",
            Self::Driver { .. } => "Plug it in again, or try another format (?format=...) or size.",
            Self::Stuck { .. } => "Start the badge again.",
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

/// How a user joins the group `gid` that may open a node, by the text of `/etc/group`.
pub fn group_remedy(gid: u32, groups: &str) -> String {
    let named = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(gid)).then_some(name)
    });
    match named {
        // Adding oneself to root's group does not help: the node's own group is wrong then.
        Some(name) if gid != 0 => {
            format!(
                "add yourself to group {name}: `sudo usermod -aG {name} $USER`, then log in again"
            )
        }
        _ => format!("its group is number {gid}; a udev rule should give it to group video"),
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;

    use super::*;

    fn opening(errno: i32) -> V4l2Error {
        let reason = io::Error::from_raw_os_error(errno);
        V4l2Error::of_open("v4l2:/dev/video0", "/dev/video0", reason, || "join video".to_owned())
    }

    #[test]
    fn refusals_are_told_apart_by_their_number() {
        let table = [
            (2, "no camera is connected", true),
            (6, "no camera is connected", true),
            (19, "no camera is connected", true),
            (13, "not permitted; join video", false),
            (16, "fuser -v /dev/video0", true),
            (5, "open failed", true),
        ];
        for (errno, words, heals) in table {
            let error = opening(errno);
            let text = failure::line(&error);
            assert!(text.contains(words), "{errno}: {text}");
            assert_eq!(error.may_heal(), heals, "{error}");
        }
        let gone = io::Error::from_raw_os_error(19);
        let gone = V4l2Error::of_call("v4l2:/dev/video0", "/dev/video0", "VIDIOC_DQBUF", gone);
        assert!(gone.to_string().contains("was unplugged"), "{gone}");
    }

    #[test]
    fn the_group_to_join_is_the_nodes_own() {
        let groups = "root:x:0:\nvideo:x:44:pi,ada\nbroken\n:::\nrender:x:107:\n";
        assert!(group_remedy(44, groups).contains("sudo usermod -aG video $USER"));
        assert!(group_remedy(107, groups).contains("-aG render $USER"));
        for gid in [0, 9] {
            assert!(group_remedy(gid, groups).contains("udev"));
        }
    }
}
