//! Why a badge cannot be reached over SSH, or does not do what it is asked.

use std::io;

use super::Address;
use crate::error::indented;

/// SSH, or a command over it, failed.
#[derive(Debug, thiserror::Error)]
pub enum SshError {
    /// There is no `ssh`.
    #[error(
        "cannot run {program:?}: {source}\n  Install OpenSSH's client (`sudo apt install openssh-client`), or name another one in EMOCUE_SSH."
    )]
    Program {
        /// What was run.
        program: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A folder or file of this computer.
    #[error("cannot use the folder for temporary files: {0}")]
    Scratch(io::Error),
    /// Another key than last time.
    #[error(
        "{address} shows another host key than the one this computer knows, so nothing was sent\n{said}\n  Was the badge's system installed anew? Then forget the old key: `ssh-keygen -R '{known_as}'`\n  and log in once by hand, comparing the fingerprint: `{login}`.\n  Otherwise somebody may be between you and the badge."
    )]
    HostKeyChanged {
        /// Which badge.
        address: String,
        /// What `known_hosts` calls it.
        known_as: String,
        /// How to log in by hand.
        login: String,
        /// What ssh says.
        said: String,
    },
    /// A key that nobody has seen.
    #[error(
        "this computer does not know {address} yet, and nobody is there to ask\n{said}\n  Log in once by hand and compare the fingerprint: `{login}`."
    )]
    HostKeyUnknown {
        /// Which badge.
        address: String,
        /// How to log in by hand.
        login: String,
        /// What ssh says.
        said: String,
    },
    /// No password, no key.
    #[error(
        "{address} does not let you in\n{said}\n  Give it your key, once: `{copy}`; or run this in a terminal, to type the password."
    )]
    Denied {
        /// Which badge.
        address: String,
        /// How to give it a key.
        copy: String,
        /// What ssh says.
        said: String,
    },
    /// No connection.
    #[error(
        "cannot connect to {address}\n{said}\n  Is the badge on, in the same network, and its SSH server enabled? `{login}` must work."
    )]
    Unreachable {
        /// Which badge.
        address: String,
        /// How to log in by hand.
        login: String,
        /// What ssh says.
        said: String,
    },
    /// Files belong to root there.
    #[error(
        "{address} does not let this user write to its system\n  Log in as root (ssh://root@...), or allow the user to use sudo without a password."
    )]
    NoRoot {
        /// Which badge.
        address: String,
    },
    /// No system there.
    #[error(
        "{address} has no etc there\n  The path behind the host is the root of a Linux system; leave it out for the badge's own."
    )]
    NoSystem {
        /// Which badge.
        address: String,
    },
    /// A command failed.
    #[error("{what} failed on the badge:\n{said}")]
    Command {
        /// What was to be done.
        what: String,
        /// What it says.
        said: String,
    },
    /// An option that is not passed on.
    #[error("--ssh-option {option}: {reason}")]
    Option {
        /// Which.
        option: String,
        /// Why not.
        reason: &'static str,
    },
}

impl SshError {
    /// What `ssh` itself says when it ends with 255, told with what to do.
    pub(crate) fn of(address: &Address, said: &str) -> Self {
        let (text, login) = (indented(said), address.by_hand("ssh"));
        let address_text = address.to_string();
        let has = |needle: &str| said.contains(needle);
        if has("IDENTIFICATION HAS CHANGED") {
            let known_as = address.known_as();
            return Self::HostKeyChanged { address: address_text, known_as, login, said: text };
        }
        if has("Host key verification failed") {
            return Self::HostKeyUnknown { address: address_text, login, said: text };
        }
        if has("Permission denied") || has("Too many authentication failures") {
            let copy = address.by_hand("ssh-copy-id");
            return Self::Denied { address: address_text, copy, said: text };
        }
        Self::Unreachable { address: address_text, login, said: text }
    }
}
