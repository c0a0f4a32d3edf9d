//! The badge of one case: its configuration, state and commands, and its expected answers at a start.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::lab::{Lab, Reported};
use super::process::{Done, finish};
use super::tree::Tree;

/// A folder with a badge's configuration and, below `disk`, its state.
pub(super) struct Badge<'lab> {
    pub(super) lab: &'lab Lab,
    /// The simulated disk; it contains only the state folder.
    pub(super) disk: PathBuf,
    pub(super) config: PathBuf,
}

/// What a badge runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    Slot {
        slot: char,
        version: u64,
    },
    /// The embedded bundle; `said` is whether the badge reported it.
    Embedded {
        said: bool,
    },
}

/// What a badge may run.
#[derive(Clone, Debug, Default)]
pub(super) struct May {
    pub(super) versions: Vec<u64>,
    pub(super) embedded: bool,
}

impl May {
    /// One of these releases and nothing else.
    pub(super) fn run(versions: &[u64]) -> Self {
        Self { versions: versions.to_vec(), embedded: false }
    }

    /// The embedded bundle, too.
    pub(super) fn or_embedded(self) -> Self {
        Self { embedded: true, ..self }
    }
}

/// Output of `emocue-badge slot status --json`.
#[derive(Debug, Deserialize)]
pub(super) struct Status {
    pub(super) next: Next,
    pub(super) slots: BTreeMap<String, Slot>,
    #[serde(default)]
    pub(super) notes: Vec<String>,
}

/// What the next start runs.
#[derive(Debug, Deserialize)]
pub(super) struct Next {
    pub(super) slot: String,
    #[serde(default)]
    pub(super) content_version: Option<u64>,
}

/// A slot.
#[derive(Debug, Deserialize)]
pub(super) struct Slot {
    pub(super) state: String,
    #[serde(default)]
    pub(super) content_version: Option<u64>,
    #[serde(default)]
    pub(super) starts_left: Option<u64>,
}

impl<'lab> Badge<'lab> {
    /// A badge in `folder` with an empty state folder.
    pub(super) fn new(lab: &'lab Lab, folder: &Path) -> Reported<Self> {
        let badge = Self::without_state(lab, folder)?;
        fs::create_dir_all(badge.state()).map_err(|e| e.to_string())?;
        Ok(badge)
    }

    /// A badge in `folder` without a state folder.
    pub(super) fn without_state(lab: &'lab Lab, folder: &Path) -> Reported<Self> {
        let badge = Self { lab, disk: folder.join("disk"), config: folder.join("emocue.toml") };
        fs::create_dir_all(&badge.disk).map_err(|e| e.to_string())?;
        let text = format!(
            "[panel]\nenabled = false\n[update]\nkeys = [{:?}]\nstate = {:?}\nhealthy_s = 60\n",
            lab.key,
            badge.state().display().to_string(),
        );
        fs::write(&badge.config, text).map_err(|e| e.to_string())?;
        Ok(badge)
    }

    /// A badge in `folder` with a copy of another badge's disk.
    pub(super) fn with(lab: &'lab Lab, folder: &Path, disk: &Tree) -> Reported<Self> {
        let badge = Self::without_state(lab, folder)?;
        disk.write(&badge.disk).map_err(|e| e.to_string())?;
        Ok(badge)
    }

    /// The contents of its disk.
    pub(super) fn tree(&self) -> Reported<Tree> {
        Tree::read(&self.disk).map_err(|e| e.to_string())
    }

    /// Its state folder.
    pub(super) fn state(&self) -> PathBuf {
        self.disk.join("state")
    }

    /// `slot` with these arguments and its configuration.
    pub(super) fn slot(&self, arguments: &[&str]) -> Command {
        let mut command = self.lab.badge();
        command.arg("slot").args(arguments).arg("--config").arg(&self.config);
        command
    }

    /// `slot install` of a file.
    pub(super) fn install_file(&self, bundle: &Path) -> Command {
        let mut command = self.slot(&["install"]);
        command.arg(bundle);
        command
    }

    /// `slot install` of a release.
    pub(super) fn install_command(&self, version: u64) -> Reported<Command> {
        Ok(self.install_file(&self.lab.release(version).map_err(|e| e.to_string())?))
    }

    /// The command for a start that classifies the portraits.
    pub(super) fn start(&self) -> Command {
        let mut command = self.lab.badge();
        command.args(["run", "--display", "json", "--camera"]).arg(self.lab.pictures());
        command.arg("--config").arg(&self.config);
        command
    }

    /// Installs a release.
    pub(super) fn install(&self, version: u64) -> Reported<()> {
        succeeds(&mut self.install_command(version)?, &format!("slot install of release {version}"))
    }

    /// Confirms the release on trial.
    pub(super) fn confirm(&self) -> Reported<()> {
        succeeds(&mut self.slot(&["confirm"]), "slot confirm")
    }

    /// The badge's slot status.
    pub(super) fn status(&self) -> Reported<Status> {
        status(&done(&mut self.slot(&["status", "--json"]))?)
    }
    /// Starts it and checks that it answers both portraits as a healthy badge does.
    pub(super) fn boot(&self) -> Reported<Runs> {
        self.answered(&done(&mut self.start())?)
    }

    /// The release that an ended start ran, if its answers are correct.
    pub(super) fn answered(&self, done: &Done) -> Reported<Runs> {
        if done.code != Some(0) {
            return Err(format!("the badge does not start: {}", done.told()));
        }
        if done.stdout != self.lab.answers()? {
            let lines = done.stdout.lines().count();
            return Err(format!("the badge answers otherwise, in {lines} lines: {}", done.told()));
        }
        runs(&done.stderr)
    }

    /// Starts it and checks that it answers and runs an allowed release.
    pub(super) fn boots(&self, may: &May) -> Reported<Runs> {
        let runs = self.boot()?;
        allowed(runs, may)?;
        Ok(runs)
    }

    /// Checks that it has recovered: it installs a newer release and runs it.
    pub(super) fn takes(&self, version: u64) -> Reported<()> {
        self.install(version)?;
        self.boots(&May::run(&[version])).map(drop)
    }
}

/// Checks that `runs` is allowed.
pub(super) fn allowed(runs: Runs, may: &May) -> Reported<()> {
    let allowed = match runs {
        Runs::Slot { version, .. } => may.versions.contains(&version),
        Runs::Embedded { .. } => may.embedded,
    };
    if allowed { Ok(()) } else { Err(format!("it runs {runs:?}, but may run {may:?}")) }
}

/// Runs a command of a case to its end.
pub(super) fn done(command: &mut Command) -> Reported<Done> {
    finish(command).map_err(|e| format!("cannot start {command:?}: {e}"))
}

fn succeeds(command: &mut Command, what: &str) -> Reported<()> {
    let done = done(command)?;
    if done.code == Some(0) { Ok(()) } else { Err(format!("{what}: {}", done.told())) }
}

/// Parses the output of `slot status --json`.
pub(super) fn status(done: &Done) -> Reported<Status> {
    if done.code != Some(0) {
        return Err(format!("slot status: {}", done.told()));
    }
    serde_json::from_str(&done.stdout)
        .map_err(|e| format!("slot status --json is not what it should be: {e}; {}", done.stdout))
}

/// The release that the badge reports to run.
fn runs(stderr: &str) -> Reported<Runs> {
    let said = stderr.lines().find_map(|line| line.strip_prefix("emocue-badge: runs "));
    let Some(said) = said else { return Ok(Runs::Embedded { said: false }) };
    if said.starts_with("the embedded bundle") {
        return Ok(Runs::Embedded { said: true });
    }
    // "slot b: default 8, on trial, 2 starts left"
    let parsed = said.strip_prefix("slot ").and_then(|said| {
        let (slot, rest) = said.split_once(": ")?;
        let name = rest.split(',').next()?;
        Some((slot.chars().next()?, name.rsplit(' ').next()?.parse().ok()?))
    });
    let (slot, version) = parsed.ok_or_else(|| format!("what it runs is not clear: {said}"))?;
    Ok(Runs::Slot { slot, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_read_from_what_it_says() {
        let slot = "something\nemocue-badge: runs slot b: default 8, on trial, 2 starts left\n";
        assert_eq!(runs(slot), Ok(Runs::Slot { slot: 'b', version: 8 }));
        assert_eq!(
            runs("emocue-badge: runs slot a: two words 12\n"),
            Ok(Runs::Slot { slot: 'a', version: 12 })
        );
        let inside = "emocue-badge: runs the embedded bundle: slot a is damaged: x\n";
        assert_eq!(runs(inside), Ok(Runs::Embedded { said: true }));
        assert_eq!(runs(""), Ok(Runs::Embedded { said: false }));
        assert!(runs("emocue-badge: runs slot b: default\n").is_err());
    }

    #[test]
    fn another_release_than_allowed_is_not() {
        let two = Runs::Slot { slot: 'a', version: 2 };
        let inside = Runs::Embedded { said: true };
        assert!(allowed(two, &May::run(&[1, 2])).is_ok());
        assert!(allowed(two, &May::run(&[1]).or_embedded()).is_err());
        assert!(allowed(inside, &May::run(&[1])).is_err());
        assert!(allowed(inside, &May::default().or_embedded()).is_ok());
    }
}
