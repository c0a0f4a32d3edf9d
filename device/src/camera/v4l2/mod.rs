//! V4L2 cameras: webcams, and other devices that give pictures without a helper program.
//!
//! Code that needs no hardware is always compiled: the choice of format ([`mod@format`]), luma extraction from a buffer
//! ([`plane`]), the list of nodes ([`nodes`]) and the report on them ([`report`]). The feature `v4l2` adds the camera
//! itself.

pub mod error;
mod finding;
pub mod format;
pub mod nodes;
pub mod plane;
#[cfg(all(feature = "v4l2", target_os = "linux"))]
mod probe;
pub mod report;
#[cfg(all(feature = "v4l2", target_os = "linux"))]
mod stream;

use emocue_config::source::V4l2Settings;

use super::Camera;
pub use error::V4l2Error;
pub use report::list;
#[cfg(all(feature = "v4l2", target_os = "linux"))]
pub use stream::V4l2;

/// A camera; it is opened by its first [`Camera::next`], so that it may be plugged in later. It keeps colours if
/// displays want them.
///
/// # Errors
/// [`V4l2Error::NotBuilt`] in a program without the feature `v4l2`.
#[cfg(all(feature = "v4l2", target_os = "linux"))]
pub fn open(settings: &V4l2Settings, keeps_colors: bool) -> Result<Box<dyn Camera>, V4l2Error> {
    Ok(Box::new(V4l2::new(settings.clone()).with_colors(keeps_colors)))
}

/// A camera; it is opened by its first [`Camera::next`], so that it may be plugged in later. It keeps colours if
/// displays want them.
///
/// # Errors
/// [`V4l2Error::NotBuilt`] in a program without the feature `v4l2`.
#[cfg(not(all(feature = "v4l2", target_os = "linux")))]
pub fn open(settings: &V4l2Settings, _: bool) -> Result<Box<dyn Camera>, V4l2Error> {
    Err(V4l2Error::NotBuilt { name: settings.name(), node: settings.node.display().to_string() })
}

/// The first camera that gives pictures; `note` receives its node.
///
/// # Errors
/// [`V4l2Error::NoWebcam`] where there is none, [`V4l2Error::NotBuilt`] in a program without the feature `v4l2`.
pub fn open_first(
    keeps_colors: bool,
    note: &mut dyn FnMut(&str),
) -> Result<Box<dyn Camera>, V4l2Error> {
    const NAME: &str = "webcam";
    if !cfg!(all(feature = "v4l2", target_os = "linux")) {
        return Err(V4l2Error::NotBuilt { name: NAME.into(), node: "/dev/video0".into() });
    }
    let node = report::first_camera().ok_or(V4l2Error::NoWebcam { name: NAME.into() })?;
    note(&format!("{NAME}: {}", node.path.display()));
    open(&V4l2Settings::of_node(node.path), keeps_colors)
}

#[cfg(all(test, not(all(feature = "v4l2", target_os = "linux"))))]
mod tests {
    use emocue_models::failure::Failure as _;

    use super::*;

    #[test]
    fn without_the_feature_it_says_how_to_build_with_it() {
        let settings: V4l2Settings = "/dev/video3".parse().unwrap();
        let error = open(&settings, false).err().unwrap();
        let help = error.help().unwrap();
        assert!(help.contains("--features v4l2"), "{help}");
        assert!(help.contains("-i /dev/video3"), "{help}");
        assert!(!error.may_heal());
        let error = open_first(false, &mut |_| ()).err().unwrap();
        assert!(error.help().unwrap().contains("pipe:ffmpeg"), "{error}");
    }
}
