//! The files of version 0.1, a folder for copies of them, and the comparison of results.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use emocue_models::bundle::{Bundle, DEFAULT, SecretKey};
use flate2::read::GzDecoder;
use serde_json::Value;
use tempfile::TempDir;

/// Tolerance of figures of the same networks, since rounding differs between processors.
pub(crate) const SAME_NETWORK: f64 = 1e-4;
/// Tolerance of figures of resumed trainings, in which rounding errors accumulate.
pub(crate) const SAME_TRAINING: f64 = 1e-3;

pub(crate) const DATA: [&str; 4] = ["--fer2013", "rows/fer.csv.gz", "--ferplus", "rows/votes.csv"];

pub(crate) fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/v0.1").join(name)
}

pub(crate) fn bytes(name: &str) -> Vec<u8> {
    let bytes = fs::read(kept(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    if !name.ends_with(".gz") {
        return bytes;
    }
    let mut plain = Vec::new();
    GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
    plain
}

pub(crate) fn text(name: &str) -> String {
    String::from_utf8(bytes(name)).unwrap()
}

pub(crate) fn json(name: &str) -> Value {
    serde_json::from_slice(&bytes(name)).unwrap()
}

/// The key that signed the bundles; its file is not stored.
pub(crate) fn secret() -> SecretKey {
    SecretKey::from_seed(&[7; 32])
}

/// Keys whose values depend on the run, or are texts for users.
pub(crate) const FREE: [&str; 6] =
    ["seconds", "environment", "command", "about", "bytes", "sha256"];

/// Checks that `new` has all values of `old`; keys may have been added.
pub(crate) fn says(new: &Value, old: &Value, tolerance: f64, at: &str) -> Result<(), String> {
    match (new, old) {
        (Value::Object(new), Value::Object(old)) => old
            .iter()
            .filter(|(key, _)| !FREE.contains(&key.as_str()))
            .try_for_each(|(key, old)| {
                says(new.get(key).unwrap_or(&Value::Null), old, tolerance, &format!("{at}.{key}"))
            }),
        (Value::Array(new), Value::Array(old)) if new.len() == old.len() => new
            .iter()
            .zip(old)
            .enumerate()
            .try_for_each(|(i, (new, old))| says(new, old, tolerance, &format!("{at}[{i}]"))),
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            let near = (a - b).abs() <= tolerance * b.abs().max(1.0);
            near.then_some(()).ok_or_else(|| format!("{at} is {a}, was {b}"))
        }
        (new, old) if new == old => Ok(()),
        (new, old) => Err(format!("{at} is {new}, was {old}")),
    }
}

#[track_caller]
pub(crate) fn assert_says(new: &Value, old: &Value, tolerance: f64) {
    says(new, old, tolerance, "").unwrap_or_else(|difference| panic!("{difference}"));
}

/// The lines of `metrics.jsonl`.
pub(crate) fn lines(text: &str) -> Value {
    text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()).collect()
}

/// A folder with copies, in which the programs run.
pub(crate) struct Place(pub(crate) TempDir);

impl Place {
    pub(crate) fn with(folders: &[&str]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        folders.iter().for_each(|folder| place.copy(folder, folder));
        place
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Copies a folder; files that are compressed only for the repository are decompressed.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        fs::create_dir_all(self.at(to)).unwrap();
        for entry in fs::read_dir(kept(from)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let (from, to) = (format!("{from}/{name}"), format!("{to}/{name}"));
            if kept(&from).is_dir() {
                self.copy(&from, &to);
            } else if from.ends_with(".csv.gz") {
                fs::copy(kept(&from), self.at(&to)).unwrap();
            } else {
                fs::write(self.at(to.trim_end_matches(".gz")), bytes(&from)).unwrap();
            }
        }
    }

    /// A command for one of the programs, which are in the folder of the tests.
    pub(crate) fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut path = std::env::current_exe().unwrap();
        path.pop();
        path.pop();
        path.push(program);
        assert!(path.exists(), "build the whole workspace first: there is no {}", path.display());
        let mut command = Command::new(path);
        command.args(words).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, program: &str, words: &[&str]) -> Output {
        self.command(program, words).output().unwrap()
    }

    #[track_caller]
    pub(crate) fn emocue(&self, words: &[&str]) -> String {
        succeeded(&self.run("emocue", words))
    }

    #[track_caller]
    pub(crate) fn badge(&self, words: &[&str]) -> String {
        succeeded(&self.run("emocue-badge", words))
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// The default bundle with content version `version`, signed by the key of the state folders.
    pub(crate) fn release(&self, version: u32) -> Vec<u8> {
        let bundle = Bundle::read(DEFAULT).unwrap();
        let mut manifest = bundle.manifest().clone();
        manifest.content_version = version;
        let payloads: Vec<_> = bundle.payloads().collect();
        Bundle::sign(&Bundle::pack(manifest, &payloads).unwrap(), &secret()).unwrap()
    }
}

#[track_caller]
pub(crate) fn succeeded(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}
