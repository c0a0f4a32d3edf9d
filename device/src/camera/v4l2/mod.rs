//! Cameras that V4L2 knows: webcams, and whatever else gives pictures without a helper.
//!
//! What needs no hardware is always compiled: settings, the choice of format ([`mod@format`]), luma out of a buffer
//! ([`plane`]), what nodes there are ([`nodes`]) and the report on them ([`report`]). The feature `v4l2` adds the
//! camera itself.

pub mod error;
pub mod format;
pub mod nodes;
pub mod plane;
#[cfg(all(feature = "v4l2", target_os = "linux"))]
mod probe;
pub mod report;
#[cfg(all(feature = "v4l2", target_os = "linux"))]
mod stream;

use std::path::PathBuf;
use std::str::FromStr;

use super::{Camera, SourceError, settings};
pub use error::V4l2Error;
use format::{Pixels, Wanted};
pub use report::list;
#[cfg(all(feature = "v4l2", target_os = "linux"))]
pub use stream::V4l2;

/// A V4L2 camera as named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct V4l2Settings {
    /// The node, such as `/dev/video0` or one of the lasting names below `/dev/v4l/by-id`.
    pub node: PathBuf,
    /// What it is asked for; the nearest that it has is taken.
    pub wanted: Wanted,
}

impl FromStr for V4l2Settings {
    type Err = SourceError;

    /// What follows `v4l2:`, such as `/dev/video0?size=640x480&fps=30&format=auto`.
    fn from_str(text: &str) -> Result<Self, SourceError> {
        let (node, settings) = text.split_once('?').unwrap_or((text, ""));
        if node.is_empty() {
            return Err(SourceError("v4l2: no node is named".to_owned()));
        }
        let mut wanted = Wanted { width: 640, height: 480, fps: 30, pixels: None };
        settings::each("v4l2", settings, |key, value| {
            match (key, value) {
                ("size", size) => {
                    let (width, height) = settings::size(size)?;
                    (wanted.width, wanted.height) = (width as u32, height as u32);
                }
                ("fps", fps) => wanted.fps = settings::fps(fps)?,
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
    /// The camera's name for reports and errors.
    pub fn name(&self) -> String {
        format!("v4l2:{}", self.node.display())
    }

    /// The camera; it is opened by its first [`Camera::next`], so that one that is not there yet may come later.
    ///
    /// # Errors
    /// [`V4l2Error::NotBuilt`] in a program without the feature `v4l2`.
    #[cfg(all(feature = "v4l2", target_os = "linux"))]
    pub fn open(&self) -> Result<Box<dyn Camera>, V4l2Error> {
        Ok(Box::new(V4l2::new(self.clone())))
    }

    /// The camera; it is opened by its first [`Camera::next`], so that one that is not there yet may come later.
    ///
    /// # Errors
    /// [`V4l2Error::NotBuilt`] in a program without the feature `v4l2`.
    #[cfg(not(all(feature = "v4l2", target_os = "linux")))]
    pub fn open(&self) -> Result<Box<dyn Camera>, V4l2Error> {
        Err(V4l2Error::NotBuilt { name: self.name(), node: self.node.display().to_string() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everything_but_the_node_has_a_default() {
        let plain: V4l2Settings = "/dev/video0".parse().unwrap();
        let wanted = Wanted { width: 640, height: 480, fps: 30, pixels: None };
        assert_eq!(plain, V4l2Settings { node: "/dev/video0".into(), wanted });
        assert_eq!(plain.name(), "v4l2:/dev/video0");
        let all = "/dev/v4l/by-id/usb-A:B?size=320x240&fps=15&format=yuyv";
        let all: V4l2Settings = all.parse().unwrap();
        assert_eq!(
            all.wanted,
            Wanted { width: 320, height: 240, fps: 15, pixels: Some(Pixels::Yuyv) }
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
            let error = text.parse::<V4l2Settings>().unwrap_err().to_string();
            assert!(error.contains(part) && error.contains("format=auto|grey"), "{error}");
        }
    }

    #[test]
    #[cfg(not(all(feature = "v4l2", target_os = "linux")))]
    fn without_the_feature_it_says_how_to_build_with_it() {
        let settings: V4l2Settings = "/dev/video3".parse().unwrap();
        let error = settings.open().err().unwrap();
        assert!(error.to_string().contains("--features v4l2"), "{error}");
        assert!(error.to_string().contains("-i /dev/video3"), "{error}");
        assert!(!error.may_heal());
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_is_read(
            width in 64u32..=4096, height in 64u32..=4096, fps in 1u32..=240, format in 0usize..5,
        ) {
            let format = format::FORMATS.get(format);
            let name = format.map_or("auto", |format| format.name);
            let text = format!("/dev/video7?format={name}&size={width}x{height}&fps={fps}");
            let settings: V4l2Settings = text.parse().unwrap();
            let pixels = format.map(|format| format.pixels);
            prop_assert_eq!(settings.wanted, Wanted { width, height, fps, pixels });
        }

        #[test]
        fn no_text_makes_it_panic(text in "[a-z/?&=,x0-9]{0,40}") {
            let _ = text.parse::<V4l2Settings>();
        }
    }
}
