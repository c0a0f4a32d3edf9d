//! The steps in a bare system and their expected results: `steps.toml`.

use serde::Deserialize;

use super::System;
use crate::Result;

/// A step.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// Description for people.
    pub(super) says: String,
    /// The shell commands; the first failure ends them.
    pub(super) run: String,
    /// Whether they must fail.
    #[serde(default)]
    pub(super) fails: bool,
    /// Texts that they must print.
    #[serde(default)]
    pub(super) words: Vec<String>,
    /// The systems of the step; all when empty.
    #[serde(default)]
    pub(super) on: Vec<System>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Steps {
    step: Vec<Step>,
}

/// The steps for a system.
pub(super) fn of(system: System) -> Result<Vec<Step>> {
    let steps: Steps = toml::from_str(include_str!("steps.toml"))?;
    Ok(steps
        .step
        .into_iter()
        .filter(|step| step.on.is_empty() || step.on.contains(&system))
        .collect())
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_system_has_steps() {
        for system in System::value_variants() {
            assert!(of(*system).unwrap().len() > 20);
        }
    }
}
