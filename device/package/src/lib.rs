//! The files of a badge, and their paths.
//!
//! [`FILES`] is the one list. `emocue flash` uses the paths for local files (`/usr/local`, `/etc`), a package those for
//! distribution files (`/usr`), so both can be installed together: systemd and udev then use the local files.

/// A file of a badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstalledFile {
    /// What it holds.
    pub content: Content,
    /// Its permission bits.
    pub mode: u32,
    /// Where `emocue flash` puts it, if it does.
    pub flash: Option<&'static str>,
    /// Where a package puts it, if it does.
    pub package: Option<&'static str>,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The badge's program.
    Program,
    /// The configuration: the owner's where it is flashed, [`FIRST_CONFIG`] in a package.
    Config,
    /// This text.
    Text(&'static str),
    /// A file of the sources, by its path from their root.
    Source(&'static str),
}

/// Where the program is put by `emocue flash`, and by a package.
pub const PROGRAM: Places =
    Places { flash: "/usr/local/bin/emocue-badge", package: "/usr/bin/emocue-badge" };

/// Where the service's unit is put.
pub const UNIT: Places = Places {
    flash: "/etc/systemd/system/emocue-badge.service",
    package: "/usr/lib/systemd/system/emocue-badge.service",
};

/// Where the device rules are put.
pub const RULES: Places = Places {
    flash: "/etc/udev/rules.d/99-emocue.rules",
    package: "/usr/lib/udev/rules.d/99-emocue.rules",
};

/// The badge's configuration, in both.
pub const CONFIG: &str = "/etc/emocue/emocue.toml";

/// The state folder, in both.
pub const STATE: &str = "/var/lib/emocue";

/// The name of the service.
pub const SERVICE: &str = "emocue-badge.service";

/// The user that the service runs as.
pub const USER: &str = "emocue";

/// The configuration in a package, whose scripts copy it to [`CONFIG`] if there is none.
pub const FIRST_CONFIG: &str = include_str!("../emocue.toml");

/// Where a package puts [`FIRST_CONFIG`]. It is not a conffile: a purge would then remove the owner's configuration also
/// from a badge that `emocue flash` set up, before any script of the package runs.
const FIRST_CONFIG_PLACE: &str = "/usr/share/emocue-badge/emocue.toml";

/// A file's two places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// By `emocue flash`.
    pub flash: &'static str,
    /// By a package.
    pub package: &'static str,
}

impl Places {
    /// A text that names flashed files, as it reads in a package.
    pub fn as_packaged(text: &str) -> String {
        [PROGRAM, UNIT, RULES]
            .iter()
            .fold(text.to_owned(), |text, places| text.replace(places.flash, places.package))
    }
}

/// All files in the order of installation: the program before the service that starts it.
pub const FILES: &[InstalledFile] = &[
    both(Content::Program, 0o755, PROGRAM),
    both(
        Content::Text(include_str!("../../systemd/emocue.conf")),
        0o644,
        Places { flash: "/etc/sysusers.d/emocue.conf", package: "/usr/lib/sysusers.d/emocue.conf" },
    ),
    both(
        Content::Text(include_str!("../../systemd/modules-load.conf")),
        0o644,
        Places {
            flash: "/etc/modules-load.d/emocue.conf",
            package: "/usr/lib/modules-load.d/emocue.conf",
        },
    ),
    both(Content::Text(include_str!("../../udev/99-emocue.rules")), 0o644, RULES),
    both(Content::Text(include_str!("../../systemd/emocue-badge.service")), 0o644, UNIT),
    both(Content::Config, 0o644, Places { flash: CONFIG, package: FIRST_CONFIG_PLACE }),
    document("device/README.md", "/usr/share/doc/emocue-badge/README.md"),
    document("docs/flashing.md", "/usr/share/doc/emocue-badge/flashing.md"),
    document("docs/recovery.md", "/usr/share/doc/emocue-badge/recovery.md"),
    document("docs/displays.md", "/usr/share/doc/emocue-badge/displays.md"),
    document("docs/json.md", "/usr/share/doc/emocue-badge/json.md"),
    document("docs/languages.md", "/usr/share/doc/emocue-badge/languages.md"),
    document("docs/voice.md", "/usr/share/doc/emocue-badge/voice.md"),
    document("docs/responsible-use.md", "/usr/share/doc/emocue-badge/responsible-use.md"),
    document("models/bundles/CARD.md", "/usr/share/doc/emocue-badge/model-card.md"),
    document("SECURITY.md", "/usr/share/doc/emocue-badge/SECURITY.md"),
    document("device/boards/example.toml", "/usr/share/doc/emocue-badge/boards/example.toml"),
    document("device/boards/classroom.toml", "/usr/share/doc/emocue-badge/boards/classroom.toml"),
    document("device/boards/pi-zero-2w.toml", "/usr/share/doc/emocue-badge/boards/pi-zero-2w.toml"),
    document("device/boards/pi-3.toml", "/usr/share/doc/emocue-badge/boards/pi-3.toml"),
    document("device/boards/pi-4.toml", "/usr/share/doc/emocue-badge/boards/pi-4.toml"),
    document("device/boards/pi-5.toml", "/usr/share/doc/emocue-badge/boards/pi-5.toml"),
    document(
        "device/boards/jetson-nano.toml",
        "/usr/share/doc/emocue-badge/boards/jetson-nano.toml",
    ),
    document(
        "device/boards/jetson-orin.toml",
        "/usr/share/doc/emocue-badge/boards/jetson-orin.toml",
    ),
    document("device/systemd/jetson-csi.conf", "/usr/share/doc/emocue-badge/jetson-csi.conf"),
    document("device/systemd/screen.conf", "/usr/share/doc/emocue-badge/screen.conf"),
    document("device/systemd/voice.conf", "/usr/share/doc/emocue-badge/voice.conf"),
];

const fn both(content: Content, mode: u32, places: Places) -> InstalledFile {
    InstalledFile { content, mode, flash: Some(places.flash), package: Some(places.package) }
}

const fn document(source: &'static str, package: &'static str) -> InstalledFile {
    InstalledFile {
        content: Content::Source(source),
        mode: 0o644,
        flash: None,
        package: Some(package),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn no_place_is_taken_twice() {
        for place in [|file: &InstalledFile| file.flash, |file: &InstalledFile| file.package] {
            let mut places: Vec<_> = FILES.iter().filter_map(place).collect();
            let all = places.len();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), all);
            assert!(places.iter().all(|path| path.starts_with('/') && !path.contains(['\'', ' '])));
        }
    }

    #[test]
    fn a_package_keeps_out_of_what_belongs_to_the_owner() {
        for path in FILES.iter().filter_map(|file| file.package) {
            assert!(path.starts_with("/usr/") && !path.starts_with("/usr/local/"), "{path}");
        }
    }

    #[test]
    fn a_package_and_a_flashed_badge_have_no_file_in_common() {
        let flashed: Vec<_> = FILES.iter().filter_map(|file| file.flash).collect();
        assert!(!FILES.iter().filter_map(|file| file.package).any(|path| flashed.contains(&path)));
    }

    #[test]
    fn files_of_the_sources_are_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        for file in FILES {
            if let Content::Source(path) = file.content {
                assert!(root.join(path).is_file(), "{path}");
            }
        }
    }

    #[test]
    fn every_board_is_listed() {
        let boards = Path::new(env!("CARGO_MANIFEST_DIR")).join("../boards");
        for board in boards.read_dir().unwrap() {
            let path = format!("device/boards/{}", board.unwrap().file_name().to_str().unwrap());
            let listed = |file: &InstalledFile| matches!(file.content, Content::Source(source) if source == path);
            assert!(FILES.iter().any(listed), "{path}");
        }
    }

    #[test]
    fn the_packages_unit_starts_the_packages_program() {
        let unit = FILES.iter().find(|file| file.package == Some(UNIT.package)).unwrap();
        let Content::Text(text) = unit.content else { panic!("{unit:?}") };
        let packaged = Places::as_packaged(text);
        assert!(packaged.contains("ExecStart=/usr/bin/emocue-badge run --config"), "{packaged}");
        assert!(!packaged.contains("ExecStart=/usr/local"), "{packaged}");
        assert!(
            text.contains(&format!("User={USER}\n")) && text.contains("StateDirectory=emocue\n")
        );
    }
}
