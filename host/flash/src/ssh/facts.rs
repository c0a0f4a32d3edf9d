//! Facts about a badge's system, determined after logging in.

use super::address::Address;
use super::answer::values;
use super::error::SshError;
use super::session::SshSession;
use crate::shell::quote;
use crate::system::{FOLDERS, PROGRAMS, missing};
use crate::table::{APPS, USER};

/// Groups with access to the badge's devices, as in its service unit.
const GROUPS: [&str; 3] = ["video", "i2c", "gpio"];

/// The facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Output of `uname -m`.
    pub(super) uname: String,
    /// Whether commands need `sudo` to write.
    sudo: bool,
    /// Whether the badge's user exists.
    pub(super) user: bool,
    /// Whether systemd runs there.
    pub(super) systemd: bool,
    /// The badge's program, if it is installed: flashed, or from a package.
    pub(super) program: Option<String>,
    /// Those of [`GROUPS`] that exist.
    groups: Vec<String>,
}

impl Facts {
    /// Runs the script that determines them.
    pub(super) fn ask(session: &SshSession) -> Result<Self, SshError> {
        let word = |path: &str| quote(&format!("{}{path}", session.address().root));
        let folders = FOLDERS.map(|path| format!("[ -d {} ] && echo folder={path}\n", word(path)));
        let programs = PROGRAMS.map(|path| {
            let word = word(path);
            format!("{{ [ -e {word} ] || [ -L {word} ]; }} && echo program={path}\n")
        });
        let script = format!(
            "echo \"uname=$(uname -m)\"\n{}{}[ -w {} ] && echo writes=\n\
             sudo -n true 2>/dev/null && echo sudo=\nid -u {USER} >/dev/null 2>&1 && echo user=\n\
             [ -d /run/systemd/system ] && echo systemd=\n{}\
             for g in {}; do getent group $g >/dev/null 2>&1 && echo group=$g; done\ntrue\n",
            folders.concat(),
            programs.concat(),
            word("/etc"),
            APPS.map(|app| format!("[ -x {} ] && echo app={app}\n", word(app))).concat(),
            GROUPS.join(" ")
        );
        let output = session.run(&script)?.good("looking around")?;
        Self::parse(&output, session.address())
    }

    /// Parses the output of the script.
    pub(super) fn parse(output: &str, address: &Address) -> Result<Self, SshError> {
        let has = |key| values(output, key).next().is_some();
        let says =
            |key, path: &str| Ok::<_, SshError>(values(output, key).any(|value| value == path));
        let missing = missing(|path| says("folder", path), |path| says("program", path))?;
        if let Some(missing) = missing {
            return Err(SshError::NoSystem { address: address.to_string(), missing });
        }
        if !has("writes") && !has("sudo") {
            return Err(SshError::NotWritable { address: address.to_string() });
        }
        Ok(Self {
            uname: values(output, "uname").next().unwrap_or_default().to_owned(),
            sudo: !has("writes"),
            user: has("user"),
            systemd: has("systemd"),
            program: values(output, "app").next().map(str::to_owned),
            groups: values(output, "group").map(str::to_owned).collect(),
        })
    }

    /// Wraps a script so that it runs with permission to write.
    pub(super) fn elevated(&self, script: &str) -> String {
        match self.sudo {
            true => format!("sudo -n sh -c {}", quote(script)),
            false => script.to_owned(),
        }
    }

    /// Wraps a command so that it runs as the badge's service does; it must be [`elevated`](Self::elevated).
    pub(super) fn as_badge(&self, command: &str) -> String {
        let groups: String = self.groups.iter().map(|group| format!(" -G {group}")).collect();
        format!("runuser -u {USER}{groups} -- {command}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_run_as_who_may() {
        let root = Facts { groups: vec!["i2c".into(), "gpio".into()], ..Facts::default() };
        assert_eq!(root.elevated("echo 'a'"), "echo 'a'");
        let user = Facts { sudo: true, ..root.clone() };
        assert_eq!(user.elevated("echo 'a'"), r"sudo -n sh -c 'echo '\''a'\'''");
        let command = root.as_badge("emocue-badge slot status");
        assert_eq!(command, "runuser -u emocue -G i2c -G gpio -- emocue-badge slot status");
    }
}
