//! `emocue-badge cameras`: the cameras, and how to name them.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use emocue_config::source::presets;

pub use super::finding::Finding;
use super::format::{PixelFormat, Sizes, code};
use super::nodes::{Node, nodes};

const DEV: &str = "/dev";
const CLASS: &str = "/sys/class/video4linux";

/// Everything that [`list`] prints.
#[derive(Clone, Debug, PartialEq)]
pub struct CameraReport {
    /// Every video node with the result of probing it.
    pub nodes: Vec<(Node, Finding)>,
    /// Whether there are media controllers, as camera modules have.
    pub media: bool,
    /// [`presets`] of child processes whose program is installed.
    pub presets: Vec<&'static str>,
}

/// Prints the cameras, their formats and how to use them.
///
/// # Errors
/// The writer's own.
pub fn list(out: &mut impl Write) -> io::Result<()> {
    write!(out, "{}", survey())
}

/// The first video node that gives pictures.
pub(super) fn first_camera() -> Option<Node> {
    let nodes = nodes(Path::new(DEV), Path::new(CLASS));
    nodes.into_iter().find(|node| matches!(probe(node), Finding::Camera { .. }))
}

/// Surveys this machine.
fn survey() -> CameraReport {
    let dev = Path::new(DEV);
    let nodes = nodes(dev, Path::new(CLASS));
    let media = fs::read_dir(dev).into_iter().flatten().flatten();
    let path = std::env::var_os("PATH").unwrap_or_default();
    CameraReport {
        nodes: nodes
            .into_iter()
            .map(|node| {
                let finding = probe(&node);
                (node, finding)
            })
            .collect(),
        media: media
            .map(|entry| entry.file_name())
            .any(|file| file.to_string_lossy().starts_with("media")),
        presets: presets()
            .filter(|(_, program)| on_path(program, &path))
            .map(|(name, _)| name)
            .collect(),
    }
}

#[cfg(all(feature = "v4l2", target_os = "linux"))]
use super::probe::probe;

#[cfg(not(all(feature = "v4l2", target_os = "linux")))]
fn probe(_: &Node) -> Finding {
    Finding::Unusable("not looked at: this program was built without --features v4l2".to_owned())
}

/// Whether one of the folders of `path` has `program`; `/usr/sbin` is not on every user's `PATH`.
fn on_path(program: &str, path: &OsStr) -> bool {
    let folders = std::env::split_paths(path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join(program)).any(|file| file.is_file())
}

impl fmt::Display for CameraReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nodes.is_empty() {
            writeln!(f, "No video node: no USB camera is connected, or its driver is not loaded.")?;
        }
        for (node, finding) in &self.nodes {
            writeln!(f, "{}  {}", node.path.display(), node.name)?;
            match finding {
                Finding::Camera { offers, choice } => {
                    for offer in offers {
                        writeln!(f, "  {}  {}", code(offer.fourcc), Listed(&offer.sizes))?;
                    }
                    let taken = code(PixelFormat::of(choice.pixels).fourcc);
                    let (width, height) = (choice.width, choice.height);
                    writeln!(
                        f,
                        "  --camera v4l2:{}  takes {taken} {width}x{height}",
                        node.path.display()
                    )?;
                }
                Finding::Unusable(why) => writeln!(f, "  {why}")?,
            }
        }
        for preset in &self.presets {
            writeln!(f, "Camera module on the ribbon cable:\n  --camera pipe:{preset}")?;
        }
        if self.presets.is_empty() {
            let there = if self.media {
                "There is a media controller, perhaps of a camera module"
            } else {
                "A camera module"
            };
            writeln!(
                f,
                "{there} on the ribbon cable: it needs its maker's program, which is not installed.\n  \
                 Raspberry Pi: sudo apt install rpicam-apps, then --camera pipe:rpicam\n  \
                 Jetson: sudo apt install nvidia-l4t-gstreamer, then --camera pipe:gst-argus"
            )?;
        }
        Ok(())
    }
}

struct Listed<'a>(&'a [Sizes]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("any size");
        }
        for (i, sizes) in self.0.iter().enumerate() {
            f.write_str(if i > 0 { ", " } else { "" })?;
            match sizes {
                Sizes::Exact { width, height, fps } => {
                    write!(f, "{width}x{height}")?;
                    if let Some(fps) = fps {
                        write!(f, " {fps:.0} fps")?;
                    }
                }
                Sizes::Steps { min, max, .. } => {
                    write!(f, "{}x{} to {}x{}", min[0], min[1], max[0], max[1])?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use emocue_config::source::RequestedFormat;

    use super::super::format::{Offer, choose};
    use super::*;

    fn node(path: &str, name: &str) -> Node {
        Node { path: path.into(), name: name.to_owned(), device: None }
    }

    #[test]
    fn a_webcam_is_listed_with_what_to_write() {
        let offers = vec![
            Offer {
                fourcc: *b"YUYV",
                sizes: vec![
                    Sizes::Exact { width: 640, height: 480, fps: Some(30.0) },
                    Sizes::Exact { width: 1280, height: 720, fps: Some(10.0) },
                ],
            },
            Offer { fourcc: *b"Y8\0\0", sizes: Vec::new() },
        ];
        let wanted = RequestedFormat { width: 640, height: 480, fps: 30, pixels: None };
        let choice = choose(&offers, &wanted).unwrap();
        let report = CameraReport {
            nodes: vec![
                (node("/dev/video0", "HD Webcam"), Finding::Camera { offers, choice }),
                (node("/dev/video1", "HD Webcam"), Finding::Unusable("no pictures".to_owned())),
            ],
            media: false,
            presets: vec!["rpicam"],
        };
        let expected = "\
/dev/video0  HD Webcam
  YUYV  640x480 30 fps, 1280x720 10 fps
  Y8    any size
  --camera v4l2:/dev/video0  takes YUYV 640x480
/dev/video1  HD Webcam
  no pictures
Camera module on the ribbon cable:
  --camera pipe:rpicam
";
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn without_any_camera_it_says_what_to_install() {
        let report = CameraReport { nodes: Vec::new(), media: true, presets: Vec::new() };
        let text = report.to_string();
        for part in
            ["No video node", "media controller", "apt install rpicam-apps", "pipe:gst-argus"]
        {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_program_is_found_where_path_says() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("rpicam-vid"), "").unwrap();
        assert!(on_path("rpicam-vid", folder.path().as_os_str()));
        assert!(!on_path("nvargus-nothing", folder.path().as_os_str()));
    }

    #[test]
    fn this_machine_can_be_listed() {
        let mut out = Vec::new();
        list(&mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("ribbon cable"));
    }
}
