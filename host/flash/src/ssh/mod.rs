//! A badge with an SSH server, reached by the system's `ssh`.
//!
//! All commands use one connection and the remote shell. Files are sent to `cat`, so that only `ssh` is needed and
//! progress can be shown. `ssh` verifies the badge's host key; no option that would weaken this is passed or accepted.

mod address;
mod answer;
mod badge;
mod error;
mod facts;
mod options;
mod session;

use std::collections::BTreeSet;

use emocue_models::bundle::Sha256;

pub use address::Address;
pub use error::SshError;
pub use options::SshSettings;
pub use session::{RemoteOutput, SshSession};
pub(crate) use session::{call, no_program};

use self::answer::values;
use self::facts::Facts;
use crate::component::Component;
use crate::console::FlashProgress;
use crate::elf;
use crate::root::{Existing, FileContent, PlannedFile, RootError, RootFs};
use crate::shell::quote;
use crate::table::{self, BadgeFile, folder, folder_mode, folders, old, waiting};

/// A badge over SSH.
#[derive(Debug)]
pub struct Ssh {
    session: SshSession,
    facts: Facts,
}

impl Ssh {
    /// Logs in and determines facts about the system.
    ///
    /// # Errors
    /// [`SshError`] with the output of `ssh` and help.
    pub fn open(address: Address, settings: SshSettings) -> Result<Self, SshError> {
        let session = SshSession::open(address, settings)?;
        let facts = Facts::ask(&session)?;
        Ok(Self { session, facts })
    }

    /// The remote path of a path of the badge.
    fn path(&self, path: &str) -> String {
        format!("{}{path}", self.session.address().root)
    }

    /// The same, quoted for a shell.
    fn word(&self, path: &str) -> String {
        quote(&self.path(path))
    }

    /// The path of the badge's program.
    fn program(&self) -> &str {
        self.facts.program.as_deref().unwrap_or(table::APP)
    }

    /// Runs a script with permission to write, and returns its output if it succeeds.
    fn root(&self, what: &str, script: &str) -> Result<String, SshError> {
        let output = self.session.run(&self.facts.elevated(script))?;
        output.good(what)
    }

    /// Writes a file beside its final path and compares the hash that the badge reads back.
    fn stage(
        &self,
        file: &PlannedFile<'_>,
        staged: &mut Staged,
        progress: &mut dyn FlashProgress,
    ) -> Result<(), SshError> {
        let path = file.place.path;
        let beside = waiting(path);
        let script = match file.content {
            FileContent::Link(to) => {
                let beside = self.word(&beside);
                format!("{}rm -f {beside}\nln -s {} {beside}\n", self.folders(path), quote(to))
            }
            FileContent::File(_) => self.receive(path, &beside, file.place.mode),
        };
        staged.files.push(beside);
        let script = self.facts.elevated(&script);
        let what = format!("writing {}", self.path(path));
        match file.content {
            FileContent::Link(_) => staged.learn(&self.session.run(&script)?.good(&what)?),
            FileContent::File(bytes) => {
                let output = self.session.send(&script, path, bytes, progress)?;
                let output = output.good(&what)?;
                staged.learn(&output);
                read_back(path, &output, bytes)?;
            }
        }
        Ok(())
    }

    /// A script that creates the parent folders of `path` and prints those that are new.
    fn folders(&self, path: &str) -> String {
        let mut script = "set -e\n".to_owned();
        for inner in folders(path) {
            let (word, mode) = (self.word(inner), folder_mode(inner));
            let above = quote(&format!("{}/", self.path(folder(inner))));
            script += &format!(
                "if [ ! -d {word} ]; then mkdir -m {mode:o} {word}; \
                 chown \"$(stat -c %u:%g {above})\" {word}; echo made={inner}; fi\n"
            );
        }
        script
    }

    /// A script that writes its input to `beside`, with the mode and owner of the final file, and prints its hash.
    fn receive(&self, path: &str, beside: &str, mode: u32) -> String {
        let (word, above) = (self.word(beside), quote(&format!("{}/", self.path(folder(path)))));
        format!(
            "{}umask 077\nrm -f {word}\ncat > {word}\nchmod {mode:o} {word}\n\
             chown \"$(stat -c %u:%g {above})\" {word}\nsync {word} 2>/dev/null || sync\n\
             echo \"sha256=$(sha256sum < {word})\"\n",
            self.folders(path)
        )
    }

    /// A script that renames a staged file to its final path.
    fn commit(&self, place: &BadgeFile) -> String {
        let (here, beside) = (self.word(place.path), self.word(&waiting(place.path)));
        let mut script = String::new();
        if place.keep_old {
            let kept = self.word(&old(place.path));
            script += &format!(
                "if [ -e {here} ] || [ -L {here} ]; then \
                 ln -f {here} {kept} 2>/dev/null || cp -pf {here} {kept}; fi\n"
            );
        }
        script + &format!("mv -f {beside} {here}\n")
    }

    fn write(
        &self,
        files: &[&PlannedFile<'_>],
        staged: &mut Staged,
        progress: &mut dyn FlashProgress,
    ) -> Result<(), SshError> {
        let not_stopped = |progress: &dyn FlashProgress| match progress.stop() {
            true => Err(RootError::Interrupted),
            false => Ok(()),
        };
        for file in files {
            not_stopped(progress)?;
            self.stage(file, staged, progress)?;
        }
        let names: BTreeSet<&str> = files.iter().map(|file| file.place.component.name()).collect();
        let has = |component: Component| names.contains(component.name());
        if has(Component::App) {
            progress.say("the new program passes its demo on the badge: trying");
            self.try_demo()?;
        }
        if has(Component::Config) {
            self.check_config(has(Component::App), progress)?;
        }
        not_stopped(progress)?;
        let steps: String = files.iter().map(|file| self.commit(file.place)).collect();
        self.root("putting the files into place", &format!("set -e\n{steps}sync\n"))?;
        Ok(())
    }

    /// Removes files that were staged and not renamed.
    fn discard(&self, staged: &Staged) {
        let files = staged.files.iter().map(|file| format!("rm -f {}\n", self.word(file)));
        let folders =
            staged.folders.iter().rev().map(|made| format!("rmdir {}\n", self.word(made)));
        let script: String = files.chain(folders).collect();
        // If the connection is lost, the files remain under names that systemd and udev ignore, and the next flash
        // overwrites them.
        let _ = self.session.run(&self.facts.elevated(&script));
    }
}

/// The files that a flash has staged so far.
#[derive(Debug, Default)]
struct Staged {
    files: Vec<String>,
    folders: Vec<String>,
}

impl Staged {
    /// Records the folders that a script has created.
    fn learn(&mut self, output: &str) {
        self.folders.extend(values(output, "made").map(str::to_owned));
    }
}

/// Compares the hash that a script printed with that of the bytes sent.
fn read_back(path: &str, output: &str, bytes: &[u8]) -> Result<(), SshError> {
    let hash = Sha256::of(bytes).to_string();
    match values(output, "sha256").any(|value| value.split(' ').next() == Some(hash.as_str())) {
        true => Ok(()),
        false => Err(RootError::ReadBack(path.to_owned()).into()),
    }
}

/// The machine of a badge's programs, from the header of its shell that a script printed, else from its kernel's name.
fn machine_in(output: &str, uname: &str) -> Option<elf::Machine> {
    let digits = values(output, "sh").next().unwrap_or_default();
    let byte = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    let header: Vec<u8> = (0..digits.len()).step_by(2).map_while(byte).collect();
    elf::Machine::of(&header).or_else(|| elf::Machine::of_uname(uname))
}

/// The existing file at a path, from the output of a script.
fn existing_in(output: &str) -> Existing {
    let value = |key| values(output, key).next();
    if let Some(to) = value("link") {
        return Existing::Link(to.to_owned());
    }
    if value("nothing").is_some() {
        return Existing::Nothing;
    }
    let mode = value("mode").and_then(|mode| u32::from_str_radix(mode, 8).ok());
    let digits = value("sha256").and_then(|value| value.split(' ').next()).unwrap_or_default();
    // A digest is deserialized from its text.
    let sha256 = serde_json::from_value::<Sha256>(digits.into()).ok();
    match mode.zip(sha256) {
        Some((mode, sha256)) => Existing::File { sha256, mode },
        None => Existing::Other,
    }
}

/// Parses the output of a remote shell as that of each script, for fuzz targets: returns whether there was an answer,
/// the errors, and the existing file.
#[cfg(feature = "test-util")]
pub fn read_output(address: &Address, printed: &str) -> (bool, Vec<SshError>, Option<Existing>) {
    let mut errors = vec![SshError::of(address, printed)];
    let Some(output) = answer::answer(printed) else { return (false, errors, None) };
    let uname = match Facts::parse(output, address) {
        Ok(facts) => facts.as_badge(&facts.elevated(&facts.uname)),
        Err(error) => {
            errors.push(error);
            String::new()
        }
    };
    errors.extend(read_back("/etc/emocue/badge.toml", output, b"text").err());
    Staged { files: Vec::new(), folders: Vec::new() }.learn(output);
    let _ = machine_in(output, &uname);
    (true, errors, Some(existing_in(output)))
}

impl RootFs for Ssh {
    type Error = SshError;

    fn title(&self) -> String {
        self.session.address().to_string()
    }

    fn machine(&mut self) -> Result<elf::Machine, SshError> {
        // A 64-bit kernel may run 32-bit programs, as in the 32-bit edition of Raspberry Pi OS.
        let script = format!(
            "echo \"sh=$(head -c {} {} 2>/dev/null | od -An -v -tx1 | tr -d ' \\n')\"",
            elf::HEADER,
            self.word("/bin/sh")
        );
        let output = self.root("looking at /bin/sh", &script)?;
        let machine = machine_in(&output, &self.facts.uname);
        let machine = machine.ok_or_else(|| RootError::UnknownMachine {
            place: self.title(),
            reason: format!("it has no /bin/sh, and calls itself {:?}", self.facts.uname),
        })?;
        Ok(machine)
    }

    fn existing(&mut self, path: &str) -> Result<Existing, SshError> {
        let word = self.word(path);
        let script = format!(
            "if [ -L {word} ]; then echo \"link=$(readlink {word})\"\n\
             elif [ -f {word} ]; then echo \"mode=$(stat -c %a {word})\"; echo \"sha256=$(sha256sum < {word})\"\n\
             elif [ -e {word} ]; then echo other=\nelse echo nothing=\nfi\n"
        );
        let what = format!("looking at {}", self.path(path));
        let output = self.root(&what, &script)?;
        Ok(existing_in(&output))
    }

    fn handed_over(&self, component: Component) -> Option<&'static str> {
        (component == Component::Bundle).then_some("into the slot that does not run")
    }

    fn install(
        &mut self,
        files: &[&PlannedFile<'_>],
        progress: &mut dyn FlashProgress,
    ) -> Result<(), SshError> {
        let is_bundle = |file: &&&PlannedFile<'_>| file.place.component == Component::Bundle;
        let bundle = files.iter().find(is_bundle).map(|file| file.content);
        let others: Vec<&PlannedFile<'_>> =
            files.iter().filter(|file| !is_bundle(file)).copied().collect();
        let mut staged = Staged::default();
        if let Err(error) = self.write(&others, &mut staged, progress) {
            self.discard(&staged);
            // Ctrl-C also reaches ssh, so that it fails.
            return Err(if progress.stop() { RootError::Interrupted.into() } else { error });
        }
        if others.iter().any(|file| file.place.component == Component::App) {
            self.announce(progress)?;
            // The program, its user and its groups are there now.
            self.facts = Facts::ask(&self.session)?;
        }
        let mut components: Vec<Component> =
            files.iter().map(|file| file.place.component).collect();
        components.dedup();
        self.start(&components, progress)?;
        match bundle {
            Some(FileContent::File(bytes)) => self.install_bundle(bytes, progress),
            _ => Ok(()),
        }
    }

    fn self_test(&mut self, progress: &mut dyn FlashProgress) -> Result<Option<String>, SshError> {
        if !self.session.address().root.is_empty() {
            return Ok(Some(
                "This is another system's root: the badge tests itself when that one starts."
                    .to_owned(),
            ));
        }
        if !self.runs_here() {
            return Ok(Some(format!(
                "systemd does not run there, so the badge was not started: `{} run --config {}` does that.",
                self.program(),
                table::CONFIG
            )));
        }
        self.check_badge(progress)
    }
}
