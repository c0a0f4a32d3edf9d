//! A V4L2 camera, as a text names it.

use std::path::PathBuf;
use std::str::FromStr;

use super::error::SourceError;
use super::keys;

/// A pixel format from which luma can be extracted, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// 8-bit luma alone.
    Grey,
    /// A luma plane, then interleaved chroma at half the size.
    Nv12,
    /// 4:2:2, luma in every second byte.
    Yuyv,
    /// A JPEG picture per frame.
    Mjpg,
}

impl Pixels {
    /// All of them, cheapest first.
    pub const ALL: [Self; 4] = [Self::Grey, Self::Nv12, Self::Yuyv, Self::Mjpg];

    /// As `format=` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grey => "grey",
            Self::Nv12 => "nv12",
            Self::Yuyv => "yuyv",
            Self::Mjpg => "mjpg",
        }
    }

    /// The format that `format=NAME` names.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pixels| pixels.name() == name)
    }
}

/// The format that is requested from a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestedFormat {
    /// Width, px.
    pub width: u32,
    /// Height, px.
    pub height: u32,
    /// Frames per second.
    pub fps: u32,
    /// A pixel format, or `None` for the best one.
    pub pixels: Option<Pixels>,
}

/// The default request.
const USUAL: RequestedFormat = RequestedFormat { width: 640, height: 480, fps: 30, pixels: None };

/// A V4L2 camera as named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V4l2Settings {
    /// The device node, such as `/dev/video0` or one of the persistent names in `/dev/v4l/by-id`.
    pub node: PathBuf,
    /// The requested format; the nearest one that the camera has is used.
    pub wanted: RequestedFormat,
}

impl FromStr for V4l2Settings {
    type Err = SourceError;

    /// The text after `v4l2:`, such as `/dev/video0?size=640x480&fps=30&format=auto`.
    fn from_str(text: &str) -> Result<Self, SourceError> {
        let (node, settings) = text.split_once('?').unwrap_or((text, ""));
        if node.is_empty() {
            return Err(SourceError("v4l2: no node is named".to_owned()));
        }
        let mut wanted = USUAL;
        keys::each("v4l2", settings, |key, value| {
            match (key, value) {
                ("size", size) => {
                    let (width, height) = keys::size(size)?;
                    (wanted.width, wanted.height) = (width as u32, height as u32);
                }
                ("fps", fps) => wanted.fps = keys::fps(fps)?,
                ("format", "auto") => wanted.pixels = None,
                ("format", name) => wanted.pixels = Some(Pixels::of_name(name)?),
                _ => return None,
            }
            Some(())
        })?;
        Ok(Self { node: node.into(), wanted })
    }
}

impl V4l2Settings {
    /// The camera at `node` with the usual format.
    pub fn of_node(node: PathBuf) -> Self {
        Self { node, wanted: USUAL }
    }

    /// The camera's name for reports and errors.
    pub fn name(&self) -> String {
        format!("v4l2:{}", self.node.display())
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everything_but_the_node_has_a_default() {
        let plain: V4l2Settings = "/dev/video0".parse().unwrap();
        let wanted = RequestedFormat { width: 640, height: 480, fps: 30, pixels: None };
        assert_eq!(plain, V4l2Settings { node: "/dev/video0".into(), wanted });
        assert_eq!(plain.name(), "v4l2:/dev/video0");
        let all = "/dev/v4l/by-id/usb-A:B?size=320x240&fps=15&format=yuyv";
        let all: V4l2Settings = all.parse().unwrap();
        assert_eq!(
            all.wanted,
            RequestedFormat { width: 320, height: 240, fps: 15, pixels: Some(Pixels::Yuyv) }
        );
    }

    #[test]
    fn a_wrong_setting_is_named_with_what_to_write() {
        for (text, part) in [
            ("", "no node"),
            ("?fps=3", "no node"),
            ("/dev/video0?fps=0", "fps=0"),
            ("/dev/video0?size=640", "size=640"),
            ("/dev/video0?format=h264", "format=h264"),
            ("/dev/video0?colour=red", "colour=red"),
            ("/dev/video0?fast", "fast"),
        ] {
            let error = failure::line(&text.parse::<V4l2Settings>().unwrap_err());
            assert!(error.contains(part) && error.contains("format=auto|grey"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(
            width in 64u32..=4096, height in 64u32..=4096, fps in 1u32..=240, format in 0usize..5,
        ) {
            let pixels = Pixels::ALL.get(format).copied();
            let name = pixels.map_or("auto", Pixels::name);
            let text = format!("/dev/video7?format={name}&size={width}x{height}&fps={fps}");
            let settings: V4l2Settings = text.parse().unwrap();
            prop_assert_eq!(settings.wanted, RequestedFormat { width, height, fps, pixels });
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a-z/?&=,x0-9]{0,40}") {
            let _ = text.parse::<V4l2Settings>();
        }
    }
}
