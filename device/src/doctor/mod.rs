//! `emocue-badge doctor`: what works on this machine, and how to fix what does not.

mod access;
mod host;
mod machine;
mod model;
mod service;
mod settings;
mod slots;
#[cfg(test)]
mod tests;
mod voice;

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;

use emocue_config::Config;
use emocue_models::failure::{Failure, hint, line};

use crate::show::language;

pub use access::GROUPS;
pub use host::Host;

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "lowercase")]
pub enum CheckOutcome {
    /// It works.
    Ok {
        /// What was found.
        found: String,
    },
    /// It does not work.
    Problem {
        /// What is wrong.
        found: String,
        /// How to fix it. The name in JSON is older.
        #[serde(rename = "mend")]
        fix: String,
    },
    /// It was not checked.
    Skip {
        /// Why not.
        why: String,
    },
}

impl CheckOutcome {
    /// It works.
    pub fn ok(found: impl Into<String>) -> Self {
        Self::Ok { found: found.into() }
    }

    /// It does not work, and this fixes it.
    pub fn problem(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::Problem { found: found.into(), fix: fix.into() }
    }

    /// `failure`, with its help as the fix, or `fix` where it has none.
    pub fn failure(failure: &dyn Failure, fix: &str) -> Self {
        Self::problem(failure.to_string(), hint(failure).unwrap_or_else(|| fix.to_owned()))
    }

    /// It was not checked.
    pub fn skip(why: impl Into<String>) -> Self {
        Self::Skip { why: why.into() }
    }
}

/// One line of the doctor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The name of the check: one word.
    pub name: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub outcome: CheckOutcome,
}

/// Checks one piece of hardware that the configuration names.
pub type Probe<'a> = &'a dyn Fn(&Config) -> CheckOutcome;

/// Checks that need a driver. Each is called once its device could be opened.
pub struct Probes<'a> {
    /// Formats and sizes of the camera, or whether its program is installed.
    pub camera: Probe<'a>,
    /// Whether a panel answers at its address.
    pub panel: Probe<'a>,
    /// Size and format of a screen's framebuffer.
    pub screen: Probe<'a>,
    /// Whether lines exist and are free.
    pub pins: Probe<'a>,
}

/// The results of all checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// In the order of a badge's layers, from its configuration to its service.
    pub checks: Vec<Check>,
}

/// Checks everything that the configuration in `file`, with the settings received over the link, or the built-in
/// configuration needs on `host`.
pub fn examine(file: Option<&Path>, host: &Host, probes: &Probes) -> Findings {
    let mut checks = Vec::new();
    let mut note = |name, outcome| checks.push(Check { name, outcome });
    let config = match settings::effective(host, file) {
        Ok((config, outcome)) => {
            note("config", configuration(file, &config));
            note("settings", outcome);
            config
        }
        Err(error) => {
            let fix = "correct it; the checks below go by what is built in";
            note("config", CheckOutcome::problem(line(&error), fix));
            note("settings", CheckOutcome::skip("they lie over a configuration that can be read"));
            Config::default()
        }
    };
    note("board", machine::board(host, &config));
    note("model", model::check(config.look.bundle.as_deref()));
    note("slots", slots::check(host, &config));
    note("cpu", machine::cpu(host));
    note("heat", machine::heat(host, &config));
    note("power", machine::power(host));
    note("memory", machine::memory(host));
    note("space", machine::space(host));
    note("groups", access::groups(host, &config));
    note("camera", access::camera(host, file, &config, probes));
    note("panel", access::panel(host, &config, probes));
    note("screen", access::screen(host, &config, probes));
    note("pins", access::pins(host, &config, probes));
    note("voice", voice::check(host, &config));
    note("link", access::link(host, &config));
    note("service", service::check(host));
    Findings { checks }
}

fn configuration(file: Option<&Path>, config: &Config) -> CheckOutcome {
    if let Err(error) = language::load(&config.panel.language) {
        return CheckOutcome::failure(&error, "until then the words are English");
    }
    match (file, &config.board) {
        (Some(file), Some(board)) => CheckOutcome::ok(format!("{}, over {board}", file.display())),
        (Some(file), None) => CheckOutcome::ok(file.display().to_string()),
        (None, _) => {
            CheckOutcome::skip("none is given, so the rest goes by what is built in: --config FILE")
        }
    }
}

impl Findings {
    /// How many checks found a problem.
    pub fn problems(&self) -> usize {
        self.checks
            .iter()
            .filter(|check| matches!(check.outcome, CheckOutcome::Problem { .. }))
            .count()
    }

    /// Writes a line for each check, and the fix below each problem.
    ///
    /// # Errors
    /// Whatever `out` returns.
    pub fn write_lines(&self, mut out: impl Write) -> io::Result<()> {
        let mut line = |state: &str, name: &str, text: &str| {
            let mut lines = text.lines();
            writeln!(out, "{state:<9}{name:<9}{}", lines.next().unwrap_or_default())?;
            lines.try_for_each(|more| writeln!(out, "{:18}{more}", ""))
        };
        for Check { name, outcome } in &self.checks {
            match outcome {
                CheckOutcome::Ok { found } => line("ok", name, found)?,
                CheckOutcome::Problem { found, fix } => {
                    line("problem", name, found)?;
                    line("", "", &format!("fix: {fix}"))?;
                }
                CheckOutcome::Skip { why } => line("skip", name, why)?,
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
