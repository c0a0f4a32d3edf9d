//! The tests' fixture: a card's root, files to flash, and a listing of all files.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use emocue_flash::FlashProgress;
use emocue_flash::component::{AppFile, Components, ConfigFile};
use emocue_flash::key;
use emocue_flash::sign::{Changes, sign};
use emocue_flash::table::{FileSource, TABLE};
use emocue_models::bundle::{Bundle, DEFAULT};
use tempfile::TempDir;

/// ELF numbers.
pub(crate) const ARM: u8 = 40;
pub(crate) const AARCH64: u8 = 183;

/// A folder with everything that a flash needs, and a card's root.
pub(crate) struct Kit {
    pub(crate) folder: TempDir,
}

/// The ELF header of a program for a machine.
pub(crate) fn elf(machine: u8, wide: bool) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', if wide { 2 } else { 1 }, 1, 1];
    bytes.resize(18, 0);
    bytes.extend([machine, 0, 1, 0, 0, 0]);
    bytes
}

impl Kit {
    /// With a root that runs 64-bit ARM programs, an app for it, a signed bundle and a configuration.
    pub(crate) fn new() -> Self {
        let kit = Self { folder: tempfile::tempdir().unwrap() };
        for folder in ["root/etc", "root/usr/bin", "root/var/lib", "home"] {
            fs::create_dir_all(kit.path(folder)).unwrap();
        }
        symlink("usr/bin", kit.path("root/bin")).unwrap();
        symlink("dash", kit.path("root/usr/bin/sh")).unwrap();
        kit.write("root/usr/bin/dash", &elf(AARCH64, true));
        kit.write("app", &app(AARCH64, true, 300_000));
        kit.write("emocue.toml", b"board = \"pi-zero-2w\"\n");
        let changes =
            Changes { intended_use: Some("building and testing".into()), content_version: None };
        let secret = kit.key("other.key");
        kit.write("mine.emocue", &sign(DEFAULT, &secret, &changes).unwrap());
        kit
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The program, and the configuration too if `config`, read and checked.
    pub(crate) fn components(&self, config: bool) -> Components {
        let (app, toml) = (self.path("app"), self.path("emocue.toml"));
        let text = fs::read_to_string(&toml).unwrap();
        Components {
            app: Some(AppFile::new(app, self.read("app")).unwrap()),
            config: config.then(|| ConfigFile::new(toml, text).unwrap()),
            bundle: None,
        }
    }

    /// Creates a key.
    pub(crate) fn key(&self, name: &str) -> emocue_models::bundle::SecretKey {
        key::create(&self.path(name)).unwrap();
        key::read_secret(&self.path(name)).unwrap()
    }

    /// An unsigned bundle without an intended use.
    pub(crate) fn unsigned(&self, name: &str) {
        let bundle = Bundle::read(DEFAULT).unwrap();
        let mut manifest = bundle.manifest().clone();
        manifest.provenance.remove("intended-use");
        let payloads: Vec<_> = bundle.payloads().collect();
        self.write(name, &Bundle::pack(manifest, &payloads).unwrap());
    }

    /// Runs `emocue flash` without a terminal, with its own home folder.
    pub(crate) fn flash(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_emocue"))
            .arg("flash")
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.path("home"))
            .env_remove("XDG_CONFIG_HOME")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

/// A program that never runs.
pub(crate) fn app(machine: u8, wide: bool, bytes: usize) -> Vec<u8> {
    let mut app = elf(machine, wide);
    app.extend(b" emocue-badge ");
    app.extend((app.len()..bytes).map(|at| (at * 31 / 8) as u8));
    app
}

/// The standard output of a run that must succeed.
pub(crate) fn good(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The standard error of a run that must end with `code`.
pub(crate) fn bad(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// All files below a folder with their modes and contents or link targets.
pub(crate) fn tree(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut tree = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        let metadata = path.symlink_metadata().unwrap();
        let content = if metadata.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else if metadata.is_dir() {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            Vec::new()
        } else {
            fs::read(&path).unwrap()
        };
        tree.insert(path, (metadata.permissions().mode() & 0o7777, content));
    }
    tree
}

/// The expected files of the table for these contents.
pub(crate) fn expected<'a>(
    app: &'a [u8],
    config: &'a [u8],
    bundle: &'a [u8],
) -> impl Iterator<Item = (&'static str, u32, Result<&'a [u8], &'static str>)> {
    use emocue_flash::Component;
    TABLE.iter().map(move |place| {
        let content = match place.source {
            FileSource::Inside(bytes) => Ok(bytes),
            FileSource::Link(to) => Err(to),
            FileSource::Named => Ok(match place.component {
                Component::App => app,
                Component::Config => config,
                Component::Bundle => bundle,
            }),
        };
        (place.path, place.mode, content)
    })
}

/// Stops a flash after some bytes.
pub(crate) struct StopAfter {
    pub(crate) left: u64,
}

impl FlashProgress for StopAfter {
    fn advance(&mut self, bytes: u64) {
        self.left = self.left.saturating_sub(bytes);
    }

    fn stop(&self) -> bool {
        self.left == 0
    }
}

/// Whether a program is installed; without it a test prints a note and is skipped, except in CI.
pub(crate) fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = folders.map(|folder| folder.join(program)).any(|file| file.is_file());
    assert!(found || std::env::var_os("CI").is_none(), "{program} is missing, and this is CI");
    if !found {
        println!("skipped: {program} is not installed");
    }
    found
}
