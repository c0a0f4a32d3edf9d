//! Runs the badge's program over SSH.

use super::answer::values;
use super::error::SshError;
use super::{Ssh, read_back};
use crate::component::Component;
use crate::console::FlashProgress;
use crate::root::RootError;
use crate::shell::quote;
use crate::table::{APP, CONFIG, SERVICE, STATE, USER, waiting};
use crate::text::indented;

/// Exit code of `emocue-badge slot install` when it refuses the bundle.
const REFUSED: i32 = 5;
/// Its exit code when it cannot use its state folder.
const NO_STATE: i32 = 7;
/// Its exit code when it does not know the signer and its button is not pressed.
const NOT_ACCEPTED: i32 = 8;

impl Ssh {
    /// Runs the new program's demo, as the logged-in user, before the program is renamed into place.
    pub(super) fn try_demo(&self) -> Result<(), SshError> {
        let program = self.word(&waiting(APP));
        let output = self.session.run(&format!("{program} demo --display json > /dev/null"))?;
        match output.code {
            Some(0) => Ok(()),
            _ => Err(SshError::Demo(indented(&output.all()))),
        }
    }

    /// Checks the new configuration with the badge's program: the new one if it is flashed, too.
    pub(super) fn check_config(
        &self,
        new: bool,
        progress: &mut dyn FlashProgress,
    ) -> Result<(), SshError> {
        let program = if new { self.word(&waiting(APP)) } else { self.word(self.program()) };
        let file = waiting(CONFIG);
        let script = format!(
            "if [ -x {program} ]; then {program} config check {}; else echo absent=; fi",
            self.word(&file)
        );
        let output = self.session.run(&self.facts.elevated(&script))?;
        // The temporary path would mean nothing to the user.
        let printed = output.all().replace(&self.path(&file), "the new emocue.toml");
        match output.code {
            Some(0) if values(&output.out, "absent").next().is_some() => {
                progress.say(
                    "config: no emocue-badge is there yet, so only this computer has checked it",
                );
                Ok(())
            }
            Some(0) => Ok(()),
            _ => Err(SshError::ConfigRefused(indented(&printed))),
        }
    }

    /// Makes the running system load new users, udev rules and units.
    pub(super) fn announce(&self, progress: &mut dyn FlashProgress) -> Result<(), SshError> {
        if !self.session.address().root.is_empty() || !self.facts.systemd {
            return Ok(());
        }
        progress.say("the system learns of its new user, rules and service");
        let script = "set -e\nsystemd-sysusers\nudevadm control --reload\nudevadm trigger\n\
             systemctl daemon-reload\nmodprobe --quiet i2c-dev || true\n";
        self.root("loading the new system files", script).map(drop)
    }

    /// Passes a bundle to the badge, which checks it and may require a press of its button.
    pub(super) fn install_bundle(
        &self,
        bytes: &[u8],
        progress: &mut dyn FlashProgress,
    ) -> Result<(), SshError> {
        let script = "set -e\nd=$(mktemp -d /tmp/emocue-XXXXXX)\nchmod 755 \"$d\"\n\
            cat > \"$d/bundle.emocue\"\nchmod 644 \"$d/bundle.emocue\"\nsync\necho \"folder=$d\"\n\
            echo \"sha256=$(sha256sum < \"$d/bundle.emocue\")\"\n";
        let output = self.session.send(script, "bundle", bytes, progress)?;
        let printed = output.good("sending the bundle")?;
        let folder = values(&printed, "folder").next().unwrap_or_default().to_owned();
        let sent = read_back("the bundle", &printed, bytes);
        let installed = sent.and_then(|()| self.slot_install(&folder, progress));
        if folder.starts_with("/tmp/emocue-") {
            let _ = self.session.run(&format!("rm -rf {}", quote(&folder)));
        }
        match installed {
            Err(_) if progress.stop() => Err(RootError::Interrupted.into()),
            installed => installed,
        }
    }

    /// Whether the target is the running system, with systemd.
    pub(super) fn runs_here(&self) -> bool {
        self.session.address().root.is_empty() && self.facts.systemd
    }

    /// Starts the service, or restarts it if more than a bundle is new: only a running badge can ask for a button press
    /// for a new key.
    pub(super) fn start(
        &self,
        components: &[Component],
        progress: &mut dyn FlashProgress,
    ) -> Result<(), SshError> {
        if !self.runs_here() {
            return Ok(());
        }
        progress.say("the badge starts");
        let anew = components.iter().any(|component| *component != Component::Bundle);
        let verb = if anew { "restart" } else { "start" };
        let script = format!(
            "systemctl enable {SERVICE} >/dev/null 2>&1\nsystemctl {verb} {SERVICE} || \
             {{ journalctl --unit {SERVICE} --lines 20 --no-pager --output cat; exit 1; }}"
        );
        let output = self.session.run(&self.facts.elevated(&script))?;
        if output.code == Some(0) {
            return Ok(());
        }
        let is_new = components.contains(&Component::App);
        let has_old = is_new && self.session.run(&format!("[ -e {APP}.old ]"))?.code == Some(0);
        let mut help = "docs/recovery.md says what to do.".to_owned();
        if has_old {
            help += &format!(
                "\nThe program before it: sudo mv {APP}.old {APP} && sudo systemctl restart {SERVICE}"
            );
        }
        if components.contains(&Component::Bundle) {
            help += "\nThe bundle was not sent: flash it when the badge runs.";
        }
        Err(SshError::NotStarted { output: indented(&output.all()), help })
    }

    fn slot_install(&self, folder: &str, progress: &mut dyn FlashProgress) -> Result<(), SshError> {
        let (state, config) = (self.word(STATE), self.word(CONFIG));
        let file = quote(&format!("{folder}/bundle.emocue"));
        let here = self.session.address().root.is_empty();
        let own = here && self.facts.user;
        // The running badge's configuration defines its state folder; for another root, the folder is within that root.
        let place = if here { String::new() } else { format!(" --state {state}") };
        let install = format!("{} slot install {file}{place}", self.word(self.program()));
        let make = match own {
            true => format!("install -d -m 700 -o {USER} -g {USER} {state}"),
            false => format!("mkdir -p -m 700 {state}"),
        };
        let install = if own { self.facts.as_badge(&install) } else { install };
        let script = format!(
            "[ -d {state} ] || {make}\nif [ -e {config} ]; then {install} --config {config}; else {install}; fi"
        );
        progress.say("the badge looks at the bundle; where it knows no key yet, press its button when it asks");
        let output = self.session.follow(&self.facts.elevated(&script), progress)?;
        let help = match output.code {
            Some(0) => return Ok(()),
            Some(REFUSED) => {
                "docs/recovery.md says what to do about keys that the badge does not know."
            }
            Some(NOT_ACCEPTED) => {
                "Press the badge's button when its panel asks; or put your public key (`emocue key show FILE`) into [update] keys of its configuration, and flash that."
            }
            Some(NO_STATE) => {
                "Its folder /var/lib/emocue cannot be used: docs/recovery.md says what to do."
            }
            _ => "Flash the program too (--app), if the badge has none or an old one.",
        };
        Err(SshError::BundleRefused { output: indented(&output.all()), help })
    }

    /// Asks the badge for its status and a self-test.
    pub(super) fn check_badge(
        &self,
        progress: &mut dyn FlashProgress,
    ) -> Result<Option<String>, SshError> {
        let app = self.program();
        let status = format!("{app} slot status --config {CONFIG}");
        let status = self.session.run(&self.facts.elevated(&status))?;
        status.all().lines().for_each(|line| progress.say(line));
        let doctor = format!("{app} doctor --config {CONFIG}");
        let doctor = if self.facts.user { self.facts.as_badge(&doctor) } else { doctor };
        let output = self.session.run(&self.facts.elevated(&doctor))?;
        match output.code {
            Some(0) => {
                output.all().lines().for_each(|line| progress.say(line));
                Ok(None)
            }
            _ => Err(SshError::SelfTest { output: indented(&output.all()) }),
        }
    }
}
