//! What every case needs: the programs, keys, signed releases, and a healthy badge's answers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use tempfile::TempDir;

use super::process::{Done, finish};
use crate::Result;
use crate::cargo::{Profile, badge, root};

/// Result of a step of a case; the error is a message.
pub(super) type Reported<T> = std::result::Result<T, String>;

/// Result of a case; the error is a message.
pub(super) type Verdict = Reported<()>;

/// The badge's embedded bundle, from which the releases are made.
const DEFAULT_BUNDLE: &str = "models/bundles/default.emocue";

/// Release numbers, higher than that of any embedded bundle.
pub(super) const ONE: u64 = 101;
pub(super) const TWO: u64 = 102;
pub(super) const THREE: u64 = 103;
/// Higher than all releases of a case; it checks whether the badge still installs a release.
pub(super) const NEWEST: u64 = 999;

/// Folder of the portraits that the badge classifies.
const PICTURES: &str = "models/run/pictures";

/// Programs, keys and releases.
pub(super) struct Lab {
    badge: PathBuf,
    host: PathBuf,
    folder: TempDir,
    /// The key that the badges trust, 64 hexadecimal digits.
    pub(super) key: String,
    /// A healthy badge's output for the portraits.
    answers: Mutex<Option<String>>,
    /// Held while a release is made, so that no other thread reads an incomplete file.
    signing: Mutex<()>,
    pub(super) quick: bool,
    pub(super) seed: u64,
}

impl Lab {
    /// Makes the keys and classifies the portraits.
    pub(super) fn open(quick: bool, seed: u64) -> Result<Self> {
        let badge = badge(Profile::Release);
        let host = badge.with_file_name(format!("emocue{}", std::env::consts::EXE_SUFFIX));
        for program in [&badge, &host] {
            if !program.is_file() {
                return Err(
                    format!("{} is not built; leave out --no-build", program.display()).into()
                );
            }
        }
        let folder = tempfile::tempdir()?;
        let mut lab = Self {
            badge,
            host,
            folder,
            key: String::new(),
            answers: Mutex::new(None),
            signing: Mutex::new(()),
            quick,
            seed,
        };
        lab.key = lab.new_key("trusted")?;
        lab.new_key("foreign")?;
        Ok(lab)
    }

    fn new_key(&self, name: &str) -> Result<String> {
        let done = self.host(&["key", "new", "-o"], &[&self.folder.path().join(name)])?;
        let key = done.stdout.split_whitespace().last().unwrap_or_default().to_owned();
        if key.len() != 64 {
            return Err(format!("`emocue key new` prints no key: {}", done.stdout).into());
        }
        Ok(key)
    }

    fn host(&self, words: &[&str], paths: &[&Path]) -> Result<Done> {
        let done = finish(Command::new(&self.host).current_dir(root()).args(words).args(paths))?;
        if done.code != Some(0) {
            return Err(format!("`emocue {}`: {}", words.join(" "), done.told()).into());
        }
        Ok(done)
    }

    /// The host's program, without arguments.
    pub(super) fn host_command(&self) -> Command {
        let mut command = Command::new(&self.host);
        command.current_dir(root());
        command
    }

    /// Path of the secret key whose public key the badges trust.
    pub(super) fn key_file(&self) -> PathBuf {
        self.folder.path().join("trusted")
    }

    /// The badge's program, without arguments.
    pub(super) fn badge(&self) -> Command {
        let mut command = Command::new(&self.badge);
        command.current_dir(root());
        command
    }

    /// The bundle of that release, signed with the key that the badges trust.
    pub(super) fn release(&self, version: u64) -> Result<PathBuf> {
        self.signed("trusted", version)
    }

    /// The bundle of that release, signed with a key that no badge trusts.
    pub(super) fn foreign(&self, version: u64) -> Result<PathBuf> {
        self.signed("foreign", version)
    }

    fn signed(&self, key: &str, version: u64) -> Result<PathBuf> {
        let bundle = self.folder.path().join(format!("{key}-{version}.emocue"));
        let _held = self.signing.lock().map_err(|_| "a release could not be made")?;
        if !bundle.exists() {
            let version = version.to_string();
            let words = ["bundle", "sign", DEFAULT_BUNDLE, "--content-version", &version, "--key"];
            let out = Path::new("-o");
            self.host(&words, &[&self.folder.path().join(key), out, &bundle])?;
        }
        Ok(bundle)
    }

    /// An unsigned bundle.
    pub(super) fn unsigned(&self) -> PathBuf {
        root().join(DEFAULT_BUNDLE)
    }

    /// The portraits' folder.
    pub(super) fn pictures(&self) -> PathBuf {
        root().join(PICTURES)
    }

    /// The output for the portraits of a healthy badge without an installed bundle.
    pub(super) fn answers(&self) -> Reported<String> {
        let mut answers = self.answers.lock().map_err(|_| "the portraits were not answered")?;
        if let Some(answers) = &*answers {
            return Ok(answers.clone());
        }
        let mut command = self.badge();
        command.args(["run", "--display", "json", "--camera"]).arg(self.pictures());
        let done = finish(&mut command).map_err(|e| e.to_string())?;
        let pictures = fs::read_dir(self.pictures()).map_err(|e| e.to_string())?;
        let jpegs = pictures
            .flatten()
            .filter(|file| file.path().extension().is_some_and(|extension| extension == "jpg"));
        if done.code != Some(0) || done.stdout.lines().count() != jpegs.count() {
            return Err(format!("a badge without faults does not answer: {}", done.told()));
        }
        Ok(answers.insert(done.stdout).clone())
    }
}
