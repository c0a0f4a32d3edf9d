//! Errors of SSH, and of commands on a badge.

use std::io;

use emocue_models::failure::{Failure, exit};

use super::address::Address;
use crate::root::RootError;
use crate::text::indented;

/// SSH, or a command over it, failed.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// An error that is common to all root file systems.
    #[error(transparent)]
    Root(#[from] RootError),
    /// `ssh` cannot be run.
    #[error("failed to run {program:?}: {source}")]
    Program {
        /// The command that was run.
        program: String,
        /// The operating system's error.
        source: io::Error,
    },
    /// A temporary file or folder on this computer cannot be used.
    #[error("cannot use the folder for temporary files: {0}")]
    Scratch(io::Error),
    /// The host key has changed.
    #[error(
        "{address} shows another host key than the one this computer knows, so nothing was sent\n{output}"
    )]
    HostKeyChanged {
        /// Address of the badge.
        address: String,
        /// Its name in `known_hosts`.
        known_as: String,
        /// The command to log in manually.
        login: String,
        /// The output of ssh.
        output: String,
    },
    /// The host key is unknown.
    #[error(
        "this computer does not know {address} yet, and there is no terminal to ask on\n{output}"
    )]
    HostKeyUnknown {
        /// Address of the badge.
        address: String,
        /// The command to log in manually.
        login: String,
        /// The output of ssh.
        output: String,
    },
    /// Authentication failed.
    #[error("{address} does not let you in\n{output}")]
    Denied {
        /// Address of the badge.
        address: String,
        /// The command to install a key.
        copy: String,
        /// The output of ssh.
        output: String,
    },
    /// No connection.
    #[error("cannot connect to {address}\n{output}")]
    Unreachable {
        /// Address of the badge.
        address: String,
        /// The command to log in manually.
        login: String,
        /// The output of ssh.
        output: String,
    },
    /// The user may not write to the system.
    #[error("{address} does not let this user write to its system")]
    NotWritable {
        /// Address of the badge.
        address: String,
    },
    /// The root folder is not that of a Linux system.
    #[error("{address} is not the root of a Linux system: {missing}")]
    NoSystem {
        /// Address of the badge.
        address: String,
        /// What is missing.
        missing: String,
    },
    /// The output is not that of the script.
    #[error("{address} did not run the script that it was sent:\n{output}")]
    LoginShell {
        /// Address of the badge.
        address: String,
        /// The output.
        output: String,
    },
    /// A command failed.
    #[error("{what} failed on the badge:\n{output}")]
    Command {
        /// The purpose of the command.
        what: String,
        /// The output of the command.
        output: String,
    },
    /// An option is refused.
    #[error("--ssh-option {option}: {reason}")]
    Option {
        /// The option.
        option: String,
        /// The reason.
        reason: &'static str,
    },
    /// The program does not run on the badge.
    #[error("the new program fails its own demo on the badge, so the old one stays:\n{0}")]
    Demo(String),
    /// The badge's check refuses the configuration.
    #[error("the badge refuses this configuration, so the old one stays:\n{0}")]
    ConfigRefused(String),
    /// The badge refuses the bundle.
    #[error("the badge refuses the bundle, so it continues with the one that it has:\n{output}")]
    BundleRefused {
        /// The output of the badge's program.
        output: String,
        /// Help.
        help: &'static str,
    },
    /// The files are installed, but the service does not start.
    #[error("the files are in place, but the badge does not start:\n{output}")]
    NotStarted {
        /// The output of systemd and the badge's program.
        output: String,
        /// What to do.
        help: String,
    },
    /// Everything is installed, but the badge reports a problem.
    #[error("everything is in place, but the badge reports a problem:\n{output}")]
    SelfTest {
        /// The output of the badge's program.
        output: String,
    },
}

impl Failure for SshError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Root(error) => return error.help(),
            Self::Program { .. } => {
                "Install OpenSSH's client (`sudo apt install openssh-client`), or name another one in EMOCUE_SSH."
            }
            Self::HostKeyChanged { known_as, login, .. } => {
                return Some(format!(
                    "Was the badge's system installed anew? Then forget the old key: `ssh-keygen -R '{known_as}'`\n\
                     and log in once by hand, comparing the fingerprint: `{login}`.\n\
                     Otherwise somebody may be between you and the badge."
                ));
            }
            Self::HostKeyUnknown { login, .. } => {
                return Some(format!(
                    "Log in once by hand and compare the fingerprint: `{login}`."
                ));
            }
            Self::Denied { copy, .. } => {
                return Some(format!(
                    "Give it your key, once: `{copy}`; or run this in a terminal, to type the password."
                ));
            }
            Self::Unreachable { login, .. } => {
                return Some(format!(
                    "Is the badge on, in the same network, and its SSH server enabled? `{login}` must work."
                ));
            }
            Self::NotWritable { .. } => {
                "Log in as root (ssh://root@...), or allow the user to use sudo without a password."
            }
            Self::NoSystem { .. } => {
                "The path behind the host is the root of a Linux system; leave it out for the badge's own."
            }
            Self::LoginShell { .. } => {
                "The user's login shell there has to run commands (`ssh HOST true`): give the user /bin/sh or bash, or log in as another one."
            }
            Self::Demo(_) => {
                "A message about GLIBC means a system that is older than the build: see \"Build for a board\" in docs/flashing.md."
            }
            Self::BundleRefused { help, .. } => help,
            Self::NotStarted { help, .. } => return Some(help.clone()),
            Self::SelfTest { .. } => "docs/recovery.md says what to do.",
            Self::Scratch(_)
            | Self::Command { .. }
            | Self::Option { .. }
            | Self::ConfigRefused(_) => return None,
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Root(error) => error.exit_code(),
            Self::Option { .. } => exit::USAGE,
            Self::Program { .. } | Self::Scratch(_) => exit::FAILED,
            _ => exit::BADGE,
        }
    }
}

impl SshError {
    /// The error for the output of an `ssh` that exited with 255.
    pub(crate) fn of(address: &Address, printed: &str) -> Self {
        let (output, login) = (indented(printed), address.by_hand("ssh"));
        let has = |needle: &str| printed.contains(needle);
        if has("IDENTIFICATION HAS CHANGED") {
            let known_as = address.known_as();
            return Self::HostKeyChanged { address: address.to_string(), known_as, login, output };
        }
        if has("Host key verification failed") {
            return Self::HostKeyUnknown { address: address.to_string(), login, output };
        }
        if has("Permission denied") || has("Too many authentication failures") {
            let copy = address.by_hand("ssh-copy-id");
            return Self::Denied { address: address.to_string(), copy, output };
        }
        Self::Unreachable { address: address.to_string(), login, output }
    }
}
