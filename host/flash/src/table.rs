//! Paths and modes of the files on a badge.

use std::sync::LazyLock;

pub use emocue_package::{CONFIG, SERVICE, STATE, USER};
use emocue_package::{Content, FILES, InstalledFile, UNIT};

use crate::component::Component;

/// A file on a badge.
#[derive(Debug, PartialEq, Eq)]
pub struct BadgeFile {
    /// The component that it belongs to.
    pub component: Component,
    /// Its path.
    pub path: &'static str,
    /// Its permission bits.
    pub mode: u32,
    /// The source of its content.
    pub source: FileSource,
    /// Whether the previous file is kept, with `.old` appended to its name.
    pub keep_old: bool,
}

/// The source of a file's content.
#[derive(Debug, PartialEq, Eq)]
pub enum FileSource {
    /// The file that the user named.
    Named,
    /// A file that is embedded in this program.
    Inside(&'static [u8]),
    /// A symbolic link with this target.
    Link(&'static str),
}

/// The badge's program.
pub const APP: &str = emocue_package::PROGRAM.flash;

/// Where the program may be, the one that runs first: flashed, from a package.
pub(crate) const APPS: [&str; 2] = [emocue_package::PROGRAM.flash, emocue_package::PROGRAM.package];

/// The link by which systemd starts the service.
const WANTED: &str = "/etc/systemd/system/multi-user.target.wants/emocue-badge.service";

/// Path of a bundle that the badge installs at its next start.
const INCOMING: &str = "/var/lib/emocue/incoming/bundle.emocue";

/// All files, in the order in which they are installed: those of [`emocue_package::FILES`], the link that starts the
/// service, a bundle.
pub static TABLE: LazyLock<Vec<BadgeFile>> = LazyLock::new(|| {
    let mut table: Vec<_> = FILES.iter().filter_map(of_package).collect();
    let before_config = table.iter().position(|file| file.component == Component::Config);
    table.insert(
        before_config.unwrap_or(table.len()),
        BadgeFile {
            component: Component::App,
            path: WANTED,
            mode: 0o777,
            source: FileSource::Link(UNIT.flash),
            keep_old: false,
        },
    );
    // The badge installs it at its next start, with all checks of a bundle.
    table.push(BadgeFile {
        component: Component::Bundle,
        path: INCOMING,
        mode: 0o600,
        source: FileSource::Named,
        keep_old: false,
    });
    table
});

/// The entry of a package's file; `None` for a file that is not flashed.
fn of_package(file: &InstalledFile) -> Option<BadgeFile> {
    let (component, source) = match file.content {
        Content::Program => (Component::App, FileSource::Named),
        Content::Config => (Component::Config, FileSource::Named),
        Content::Text(text) => (Component::App, FileSource::Inside(text.as_bytes())),
        // Documents are only in packages.
        Content::Source(_) => return None,
    };
    let keep_old = source == FileSource::Named;
    Some(BadgeFile { component, path: file.flash?, mode: file.mode, source, keep_old })
}

/// Permission bits of a new folder: the state folder is private to the badge's user.
pub fn folder_mode(path: &str) -> u32 {
    let private =
        path.strip_prefix(STATE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if private { 0o700 } else { 0o755 }
}

/// The folder of a path; `""` for a file in the root.
pub fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last component of a path.
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// The path of a staged file. The name is always the same, so that a file left by a broken connection is overwritten
/// next time; systemd and udev ignore it.
pub fn waiting(path: &str) -> String {
    format!("{}/.{}.emocue-new", folder(path), name(path))
}

/// The path of the previous file.
pub fn old(path: &str) -> String {
    format!("{path}.old")
}

/// The parent folders of a path that may be missing, outermost first.
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
    fn what_is_flashed_is_where_the_system_looks_for_it() {
        let table: Vec<_> = TABLE.iter().map(|file| (file.path, file.mode)).collect();
        assert_eq!(
            table,
            [
                ("/usr/local/bin/emocue-badge", 0o755),
                ("/etc/sysusers.d/emocue.conf", 0o644),
                ("/etc/modules-load.d/emocue.conf", 0o644),
                ("/etc/udev/rules.d/99-emocue.rules", 0o644),
                ("/etc/systemd/system/emocue-badge.service", 0o644),
                ("/etc/systemd/system/multi-user.target.wants/emocue-badge.service", 0o777),
                ("/etc/emocue/emocue.toml", 0o644),
                ("/var/lib/emocue/incoming/bundle.emocue", 0o600),
            ]
        );
    }

    #[test]
    fn the_unit_starts_what_is_put_into_place() {
        let unit = TABLE.iter().find(|place| place.path == UNIT.flash).unwrap();
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
