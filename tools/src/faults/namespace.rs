//! Shell scripts in a mount namespace of their own.

use std::process::Command;

use super::process::{Done, finish};
use crate::Result;

/// How to make a mount namespace on this machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Namespace {
    /// Options of `unshare`, as root or with a user namespace.
    options: &'static str,
}

impl Namespace {
    /// Tries both; `None` when this machine allows no mounts.
    pub(super) fn find() -> Option<Self> {
        ["-m", "-rm"].into_iter().map(|options| Self { options }).find(|namespace| {
            let probe = "mount -t tmpfs -o size=4k tmpfs /mnt && umount /mnt";
            namespace.script(probe, &[]).is_ok_and(|done| done.code == Some(0))
        })
    }

    /// Runs a shell script with these arguments.
    pub(super) fn script(self, script: &str, arguments: &[&str]) -> Result<Done> {
        Ok(finish(
            Command::new("unshare").args([self.options, "sh", "-c", script, "sh"]).args(arguments),
        )?)
    }

    /// A command that runs `script` and then `command`. The script takes its own arguments from `$1` on and shifts them
    /// away.
    pub(super) fn prepared(self, script: &str, arguments: &[&str], command: &Command) -> Command {
        let mut all = Command::new("unshare");
        let script = format!("{script} && shift {} && exec \"$@\"", arguments.len());
        all.args([self.options, "sh", "-c", &script, "sh"]).args(arguments);
        all.arg(command.get_program()).args(command.get_args());
        if let Some(here) = command.get_current_dir() {
            all.current_dir(here);
        }
        all
    }
}
