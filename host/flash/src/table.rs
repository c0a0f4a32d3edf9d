//! What goes where on a badge.

use crate::component::Component;

/// A file's place on a badge.
#[derive(Debug, PartialEq, Eq)]
pub struct BadgeFile {
    /// The component that it belongs to.
    pub component: Component,
    /// Its path.
    pub path: &'static str,
    /// Its permission bits.
    pub mode: u32,
    /// What is written there.
    pub source: FileSource,
    /// Whether the file before it stays, with `.old` added to its name.
    pub keep_old: bool,
}

/// What is written to a place.
#[derive(Debug, PartialEq, Eq)]
pub enum FileSource {
    /// The file that the user named.
    Named,
    /// A file of this program.
    Inside(&'static [u8]),
    /// A symbolic link that leads there.
    Link(&'static str),
}

/// The badge's program.
pub const APP: &str = "/usr/local/bin/emocue-badge";

/// The badge's configuration.
pub const CONFIG: &str = "/etc/emocue/emocue.toml";

/// What the badge keeps.
pub const STATE: &str = "/var/lib/emocue";

/// Whose service it is.
pub const SERVICE: &str = "emocue-badge.service";

/// Whom the service runs as.
pub const USER: &str = "emocue";

const UNIT: &str = "/etc/systemd/system/emocue-badge.service";

/// Everything, in the order in which it is put into place: a program before what starts it.
pub static TABLE: [BadgeFile; 7] = [
    BadgeFile {
        component: Component::App,
        path: APP,
        mode: 0o755,
        source: FileSource::Named,
        keep_old: true,
    },
    BadgeFile {
        component: Component::App,
        path: "/usr/lib/sysusers.d/emocue.conf",
        mode: 0o644,
        source: FileSource::Inside(include_bytes!("../../../device/systemd/emocue.conf")),
        keep_old: false,
    },
    BadgeFile {
        component: Component::App,
        path: "/etc/udev/rules.d/99-emocue.rules",
        mode: 0o644,
        source: FileSource::Inside(include_bytes!("../../../device/udev/99-emocue.rules")),
        keep_old: false,
    },
    BadgeFile {
        component: Component::App,
        path: UNIT,
        mode: 0o644,
        source: FileSource::Inside(include_bytes!("../../../device/systemd/emocue-badge.service")),
        keep_old: false,
    },
    BadgeFile {
        component: Component::App,
        path: "/etc/systemd/system/multi-user.target.wants/emocue-badge.service",
        mode: 0o777,
        source: FileSource::Link(UNIT),
        keep_old: false,
    },
    BadgeFile {
        component: Component::Config,
        path: CONFIG,
        mode: 0o644,
        source: FileSource::Named,
        keep_old: true,
    },
    // The badge takes it from there at its next start, with every check that a bundle must pass.
    BadgeFile {
        component: Component::Bundle,
        path: "/var/lib/emocue/incoming/bundle.emocue",
        mode: 0o600,
        source: FileSource::Named,
        keep_old: false,
    },
];

/// Permission bits of a folder that has to be made: nobody but the badge looks into what it keeps.
pub fn folder_mode(path: &str) -> u32 {
    let private =
        path.strip_prefix(STATE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if private { 0o700 } else { 0o755 }
}

/// The folder of a path; `""` for a file in the root.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path.
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Where a file waits before it is put into place: always the same name, so that what a broken connection left is
/// overwritten next time, and one that systemd and udev overlook.
pub fn waiting(path: &str) -> String {
    format!("{}/.{}.emocue-new", folder(path), name(path))
}

/// Where the file before it goes.
pub fn old(path: &str) -> String {
    format!("{path}.old")
}

/// The folders above a path that may be missing, outermost first.
pub fn folders(path: &str) -> impl Iterator<Item = &str> {
    let path = folder(path);
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    ends.map(move |end| &path[..end]).filter(|folder| !folder.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_whole_and_different() {
        for (index, place) in TABLE.iter().enumerate() {
            assert!(place.path.starts_with('/') && !place.path.contains(['\'', ' ', '"']));
            assert!(TABLE[..index].iter().all(|other| other.path != place.path));
        }
    }

    #[test]
    fn the_unit_starts_what_is_put_into_place() {
        let unit = TABLE.iter().find(|place| place.path == UNIT).unwrap();
        let FileSource::Inside(text) = unit.source else { panic!("{unit:?}") };
        let text = std::str::from_utf8(text).unwrap();
        assert!(text.contains(&format!("ExecStart={APP} run --config {CONFIG}\n")));
        assert!(text.contains(&format!("User={USER}\n")));
        assert!(text.contains("WantedBy=multi-user.target\n"));
        assert_eq!(STATE, "/var/lib/emocue");
        assert!(text.contains("StateDirectory=emocue\n"));
    }

    #[test]
    fn paths_are_taken_apart() {
        assert_eq!(waiting("/a/b/c"), "/a/b/.c.emocue-new");
        assert_eq!(folders("/a/b/c").collect::<Vec<_>>(), ["/a", "/a/b"]);
        assert_eq!(folders("/c").count(), 0);
        assert_eq!(folder_mode("/var/lib/emocue/incoming"), 0o700);
        assert_eq!(folder_mode("/var/lib/emocue-other"), 0o755);
    }
}
