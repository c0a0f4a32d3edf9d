//! The options that a user may pass to `ssh`.

use std::path::PathBuf;

use super::error::SshError;

/// Options that affect the verification of the badge's host key, and options through which such an option could be set.
const REFUSED: [&str; 15] = [
    "stricthostkeychecking",
    "userknownhostsfile",
    "globalknownhostsfile",
    "knownhostscommand",
    "nohostauthenticationforlocalhost",
    "hostkeyalias",
    "checkhostip",
    "verifyhostkeydns",
    "updatehostkeys",
    "revokedhostkeys",
    "hostkeyalgorithms",
    "casignaturealgorithms",
    "include",
    "match",
    "host",
];

/// Settings for `ssh`.
#[derive(Clone, Debug, Default)]
pub struct SshSettings {
    /// A configuration file other than the user's, as for `ssh -F`.
    pub config: Option<PathBuf>,
    options: Vec<String>,
}

impl SshSettings {
    /// Settings with `options`, each `KEY=VALUE` as for `ssh -o`.
    ///
    /// # Errors
    /// [`SshError::Option`] for those that would weaken the check of the badge's host key.
    pub fn new(config: Option<PathBuf>, options: &[String]) -> Result<Self, SshError> {
        let refuse =
            |option: &String, reason| Err(SshError::Option { option: option.clone(), reason });
        for option in options {
            let Some((key, value)) = option.split_once('=') else {
                return refuse(option, "expected KEY=VALUE, as in ConnectTimeout=5");
            };
            let key = key.to_ascii_lowercase();
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric()) {
                return refuse(option, "expected KEY=VALUE, as in ConnectTimeout=5");
            }
            if value.chars().any(char::is_control) {
                return refuse(option, "a value is one line");
            }
            let strict = key == "stricthostkeychecking"
                && ["yes", "ask"].contains(&value.to_ascii_lowercase().as_str());
            if REFUSED.contains(&key.as_str()) && !strict {
                return refuse(
                    option,
                    "this could send your files to a stranger, so it is not passed on; `ssh-keygen -R HOST` forgets a host key that has changed",
                );
            }
        }
        Ok(Self { config, options: options.to_vec() })
    }

    /// The arguments for `ssh`.
    pub(super) fn arguments(&self) -> impl Iterator<Item = std::ffi::OsString> + '_ {
        let config = self.config.iter().flat_map(|config| ["-F".into(), config.into()]);
        config.chain(self.options.iter().flat_map(|option| ["-o".into(), option.into()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_weakens_the_check_of_the_host_key_is_passed_on() {
        let taken = |option: &str| SshSettings::new(None, &[option.to_owned()]).is_ok();
        for option in ["ConnectTimeout=5", "IdentityFile=/a b", "StrictHostKeyChecking=yes"] {
            assert!(taken(option), "{option}");
        }
        for option in [
            "StrictHostKeyChecking=no",
            "stricthostkeychecking=accept-new",
            "UserKnownHostsFile=/dev/null",
            "GLOBALKNOWNHOSTSFILE=/dev/null",
            "KnownHostsCommand=/bin/true",
            "NoHostAuthenticationForLocalhost=yes",
            "HostKeyAlias=other",
            "Include=/tmp/x",
            "StrictHostKeyChecking no",
            " StrictHostKeyChecking=no",
            "StrictHostKeyChecking",
            "=x",
            "ConnectTimeout=5\nStrictHostKeyChecking=no",
        ] {
            assert!(!taken(option), "{option}");
        }
    }
}
