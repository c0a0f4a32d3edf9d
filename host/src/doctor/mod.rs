//! `emocue doctor`: checks this computer's prerequisites for training and flashing, and says how to get what is
//! missing.

mod data;
mod gpu;
mod keys;
mod machine;
mod outside;
mod tools;

use std::io::{self, Write};
use std::path::Path;

use emocue_models::failure::{Failure, hint};
use serde::Serialize;

/// The outcome of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum CheckOutcome {
    /// It exists and works.
    Ok {
        /// What was found.
        found: String,
    },
    /// It is missing, and not every user needs it.
    Note {
        /// What is missing, or what was found instead.
        found: String,
        /// How to get it; `None` if nothing has to be done.
        #[serde(rename = "fix", skip_serializing_if = "Option::is_none")]
        how: Option<String>,
    },
    /// It exists and does not work.
    Problem {
        /// What is wrong.
        found: String,
        /// How to fix it.
        fix: String,
    },
}

impl CheckOutcome {
    fn ok(found: impl Into<String>) -> Self {
        Self::Ok { found: found.into() }
    }

    fn note(found: impl Into<String>) -> Self {
        Self::Note { found: found.into(), how: None }
    }

    /// Something that is missing, and how to get it.
    fn missing(found: impl Into<String>, how: impl Into<String>) -> Self {
        Self::Note { found: found.into(), how: Some(how.into()) }
    }

    fn problem(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Problem { found: found.into(), fix: fix.into() }
    }

    /// A problem from `failure`, with its help as the fix, or else `fix`.
    fn failure(failure: &dyn Failure, fix: &str) -> Self {
        Self::problem(failure.to_string(), hint(failure).unwrap_or_else(|| fix.to_owned()))
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The name of the check, one word.
    pub name: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub outcome: CheckOutcome,
}

/// All checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// The checks, from the GPU to the keys.
    pub checks: Vec<Check>,
}

/// Checks this computer, and the datasets in `data`, if given. Nothing is changed; of other programs only `nvidia-smi`
/// is run.
pub fn examine(data: Option<&Path>) -> Findings {
    let gpu = gpu::Gpu::look();
    let mut checks = vec![
        Check { name: "gpu", outcome: gpu.check() },
        Check { name: "cuda", outcome: gpu::cuda(&gpu) },
        Check { name: "vulkan", outcome: gpu::vulkan() },
        Check { name: "cpu", outcome: machine::cpu() },
        Check { name: "memory", outcome: machine::memory() },
        Check { name: "space", outcome: machine::space() },
        Check { name: "data", outcome: data::check(data) },
    ];
    checks.extend(tools::check());
    checks.push(Check { name: "key", outcome: keys::signing() });
    checks.push(Check { name: "journal-key", outcome: keys::journal() });
    Findings { checks }
}

impl Findings {
    /// Number of checks that found a problem; notes do not count.
    pub fn problems(&self) -> usize {
        let is_problem = |check: &&Check| matches!(check.outcome, CheckOutcome::Problem { .. });
        self.checks.iter().filter(is_problem).count()
    }

    /// Writes a line for each check, and below it how to get or fix what is missing.
    ///
    /// # Errors
    /// Whatever `out` returns.
    pub fn write_lines(&self, mut out: impl Write) -> io::Result<()> {
        for Check { name, outcome } in &self.checks {
            let (state, found, below) = match outcome {
                CheckOutcome::Ok { found } => ("ok", found, None),
                CheckOutcome::Note { found, how } => {
                    ("note", found, how.as_ref().map(|how| ("to get it", how)))
                }
                CheckOutcome::Problem { found, fix } => ("problem", found, Some(("fix", fix))),
            };
            writeln!(out, "{state:<9}{name:<13}{found}")?;
            if let Some((word, text)) = below {
                writeln!(out, "{:22}{word}: {text}", "")?;
            }
        }
        match self.problems() {
            0 => writeln!(out, "no problem found"),
            1 => writeln!(out, "1 problem"),
            problems => writeln!(out, "{problems} problems"),
        }
    }

    /// Writes one JSON object on one line.
    ///
    /// # Errors
    /// Whatever `out` returns.
    pub fn write_json(&self, mut out: impl Write) -> io::Result<()> {
        serde_json::to_writer(&mut out, self)?;
        writeln!(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_no_problems_and_say_how_to_get_what_is_missing() {
        let check = |name, outcome| Check { name, outcome };
        let mut findings = Findings {
            checks: vec![
                check("cpu", CheckOutcome::ok("2 cores")),
                check("ssh", CheckOutcome::missing("not on the PATH", "sudo apt install x")),
                check("gpu", CheckOutcome::note("none")),
            ],
        };
        let lines = |findings: &Findings| {
            let mut out = Vec::new();
            findings.write_lines(&mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(
            lines(&findings),
            "ok       cpu          2 cores\n\
             note     ssh          not on the PATH\n                      to get it: sudo apt install x\n\
             note     gpu          none\nno problem found\n"
        );
        findings.checks.push(check("space", CheckOutcome::problem("full", "make room")));
        assert!(lines(&findings).ends_with("fix: make room\n1 problem\n"));
        let mut out = Vec::new();
        findings.write_json(&mut out).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["checks"][1]["fix"], "sudo apt install x");
        assert!(json["checks"][2].get("fix").is_none());
        assert_eq!(json["checks"][3]["outcome"], "problem");
    }
}
