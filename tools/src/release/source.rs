//! The sources of a release: version, commit, time, and section of the changelog.

use std::process::Command;

use emocue_models::failure::Problem;

use crate::Result;
use crate::cargo::{output, root};

/// Facts about the sources.
pub(crate) struct Sources {
    /// The version of all crates.
    pub(crate) version: &'static str,
    /// Unix time of every file of the release, s.
    pub(crate) time: u64,
    /// The commit, if this is a checkout.
    pub(crate) commit: Option<String>,
}

impl Sources {
    /// The sources of this workspace.
    ///
    /// # Errors
    /// When something is not committed, unless `allow_dirty`; when there is neither git nor `SOURCE_DATE_EPOCH`.
    pub(crate) fn here(allow_dirty: bool) -> Result<Self> {
        let commit = git(&["rev-parse", "HEAD"]);
        if commit.is_some() && !allow_dirty {
            let changed = git(&["status", "--porcelain"]).unwrap_or_default();
            if let Some(first) = changed.lines().next() {
                let all = changed.lines().count();
                let message = format!("{all} files are not committed: {} ...", first.trim());
                let help =
                    "Commit them, or say --allow-dirty for a release that is only tried out.";
                return Err(Problem::usage(message).help(help).into());
            }
        }
        let time = match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(seconds) => Some(seconds),
            Err(_) => git(&["log", "-1", "--format=%ct"]),
        };
        let time = time.ok_or_else(|| {
            let help =
                "Release from a git checkout, or set SOURCE_DATE_EPOCH to seconds since 1970.";
            Problem::usage("the sources do not tell their time").help(help)
        })?;
        let time = time.trim().parse().map_err(|_| {
            Problem::usage(format!("SOURCE_DATE_EPOCH is {time:?}")).help("A number.")
        })?;
        Ok(Self { version: env!("CARGO_PKG_VERSION"), time, commit })
    }

    /// The time as `date` formats it.
    pub(crate) fn date(&self, format: &str) -> Result<String> {
        let mut date = Command::new("date");
        date.env("LC_ALL", "C").args(["-u", "-d", &format!("@{}", self.time), format]);
        Ok(output(&mut date)?.trim_end().to_owned())
    }
}

/// The output of git, if this is a checkout.
fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").current_dir(root()).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}

/// The changelog's section about `version`, without its heading; the section `Unreleased` if there is none.
pub(crate) fn notes<'a>(changelog: &'a str, version: &str) -> Option<&'a str> {
    let part = |name: &str| {
        let mut found = None;
        for (at, _) in changelog.match_indices("\n## ").map(|(at, text)| (at + 1, text)) {
            let (heading, rest) = changelog[at..].split_once('\n')?;
            let title = heading.trim_start_matches("## ").trim_start_matches('[');
            let title = title.split([']', ' ']).next().unwrap_or_default();
            if title == name {
                found = Some(rest.find("\n## ").map_or(rest, |end| &rest[..end]));
                break;
            }
        }
        found
    };
    part(version).or_else(|| part("Unreleased")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "# Changelog\n\n## Unreleased\n\n### Added\n- New.\n\n## [0.2.0] - 2026-01-02\n- Two.\n\n## 0.1.0\n- One.\n";

    #[test]
    fn notes_are_those_of_the_version() {
        assert_eq!(notes(LOG, "0.2.0"), Some("- Two."));
        assert_eq!(notes(LOG, "0.1.0"), Some("- One."));
        assert_eq!(notes(LOG, "0.3.0"), Some("### Added\n- New."));
        assert_eq!(notes("# Changelog\n", "0.3.0"), None);
    }

    #[test]
    fn this_changelog_has_notes() {
        let log = std::fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
        assert!(notes(&log, env!("CARGO_PKG_VERSION")).is_some());
    }
}
