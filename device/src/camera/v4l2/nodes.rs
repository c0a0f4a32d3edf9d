//! The video nodes, and the role of each, as far as it is known without opening them.

use std::fs;
use std::path::{Path, PathBuf};

/// A video node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Such as `/dev/video0`.
    pub path: PathBuf,
    /// The driver's name for it.
    pub name: String,
    /// Its hardware, which several nodes may share.
    pub device: Option<PathBuf>,
}

/// The role of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Possibly a camera, depending on its formats.
    Unknown,
    /// A codec or image processor, which processes pictures of other nodes.
    Processor,
    /// The CSI-2 receiver of a camera module, which lists every format but gives only raw Bayer data unless a media
    /// pipeline is configured.
    Receiver,
}

/// Name prefixes of nodes that look like cameras by their formats but are not.
const ROLES: [(&str, Role); 6] = [
    ("bcm2835-codec", Role::Processor),
    ("bcm2835-isp", Role::Processor),
    ("pispbe", Role::Processor),
    ("rpi-hevc", Role::Processor),
    ("rpivid", Role::Processor),
    ("rp1-cfe", Role::Receiver),
];

impl Node {
    /// Its role, by its name.
    pub fn role(&self) -> Role {
        let known = ROLES.iter().find(|(prefix, _)| self.name.starts_with(prefix));
        known.map_or(Role::Unknown, |(_, role)| *role)
    }
}

/// All video nodes in the order of their numbers; `dev` is `/dev`, `class` is `/sys/class/video4linux`.
pub fn nodes(dev: &Path, class: &Path) -> Vec<Node> {
    let entries = fs::read_dir(class).into_iter().flatten().flatten();
    let mut nodes: Vec<_> = entries
        .filter_map(|entry| {
            let file = entry.file_name();
            let number: u32 = file.to_str()?.strip_prefix("video")?.parse().ok()?;
            Some((number, node(dev, class, file.to_str()?)))
        })
        .collect();
    nodes.sort_by_key(|(number, _)| *number);
    nodes.into_iter().map(|(_, node)| node).collect()
}

/// The node that `path` leads to; links such as those below `/dev/v4l/by-id` are followed.
pub fn of_path(path: &Path, dev: &Path, class: &Path) -> Node {
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let file = real.file_name().unwrap_or_default().to_string_lossy();
    Node { path: path.to_owned(), ..node(dev, class, &file) }
}

fn node(dev: &Path, class: &Path, file: &str) -> Node {
    let folder = class.join(file);
    let name = fs::read_to_string(folder.join("name")).unwrap_or_default();
    Node {
        path: dev.join(file),
        name: name.trim().to_owned(),
        device: fs::canonicalize(folder.join("device")).ok(),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nodes_come_in_order_with_name_and_hardware() {
        let root = tempfile::tempdir().unwrap();
        let (dev, class) = (root.path().join("dev"), root.path().join("class"));
        let usb = root.path().join("usb1");
        fs::create_dir_all(&usb).unwrap();
        fs::create_dir_all(dev.join("by-id")).unwrap();
        let names = [
            ("video10", "bcm2835-codec-decode"),
            ("video2", "Webcam"),
            ("video3", "Webcam"),
            ("vbi0", "x"),
        ];
        for (file, name) in names {
            let folder = class.join(file);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("name"), format!("{name}\n")).unwrap();
            fs::write(dev.join(file), "").unwrap();
            if name == "Webcam" {
                symlink(&usb, folder.join("device")).unwrap();
            }
        }
        let all = nodes(&dev, &class);
        let paths: Vec<_> = all.iter().map(|node| node.path.clone()).collect();
        assert_eq!(paths, ["video2", "video3", "video10"].map(|file| dev.join(file)));
        assert_eq!(all[0].device, all[1].device);
        assert_eq!((all[0].role(), all[2].role()), (Role::Unknown, Role::Processor));

        let link = dev.join("by-id/webcam");
        symlink("../video2", &link).unwrap();
        let linked = of_path(&link, &dev, &class);
        assert_eq!((linked.path, linked.name.as_str()), (link, "Webcam"));
        assert_eq!(nodes(&dev, &root.path().join("none")), []);
    }
}
