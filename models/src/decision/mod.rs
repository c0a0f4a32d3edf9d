//! From a network's outputs to probabilities: the manifest's entries for it, and the one implementation, for badge and
//! host.
//!
//! 1. From the logits of the first head, `strength * ln(share)` of each class is subtracted: a class that was frequent in
//!    training is answered less often (Menon et al. 2021).
//! 2. They are divided by the temperature and become probabilities `p` by the softmax. Poor image quality raises the
//!    temperature ([`Quality`]).
//! 3. The probabilities of a second head, computed in the same way, are mapped to the first head's classes by name.
//!    Over the classes that both heads have, they are renormalised to `r`, and `p` becomes
//!    `(1 - weight) * p + weight * m * r`, where `m` is the sum of `p` over those classes; a class that only the first
//!    head has keeps its probability. So the sum stays 1.
//! 4. Where the free energy of the second head's logits, or of the first's where there is no second,
//!    `-ln(sum(exp(logit)))`, is above a limit (Liu et al. 2020), the input is out of distribution: the probabilities
//!    are scaled towards the uniform distribution until none reaches the threshold. FER2013's head separates
//!    backgrounds from faces better than FER+'s.
//!
//! The default skips 1, 3 and 4, and its temperature is constant.

mod decider;
mod sight;

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, exit};
use crate::label::LabelSet;

pub use decider::{Decider, energy};
pub use sight::{MEASURES, Measure, Quality, Sight};

/// How outputs become probabilities, besides temperature and threshold. Part of a bundle since runtime 5.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Decision {
    /// Correction for the class frequencies of the training.
    pub prior: Prior,
    /// The second head, if it is used.
    pub second: Option<SecondHead>,
    /// How poor image quality lowers confidence.
    pub quality: Quality,
    /// Free energy above which the input counts as out of distribution, so that the answer is unsure.
    pub energy_limit: Option<f32>,
}

/// Logit adjustment for the class frequencies of the training (Menon et al. 2021).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prior {
    /// `0..=2`; 0 for not at all, 1 as if all classes had been equally frequent.
    pub strength: f32,
    /// Share of each class in the training's targets, each above 0 and at most 1; may be empty if `strength` is 0.
    pub shares: Vec<f32>,
}

/// Another output of the network, with classes of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondHead {
    /// Which output of the graph, `1..=63`; 0 is the first head.
    pub output: u32,
    /// Identifier of its label set.
    pub labels: String,
    /// Its weight in the mixture, `0..=1`.
    pub weight: f32,
    /// Its logits are divided by it, `0.01..=100`.
    pub temperature: f32,
    /// Correction for the class frequencies of its training.
    #[serde(default)]
    pub prior: Prior,
}

/// An invalid decision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct DecisionError {
    /// Which entry: `"second.weight"`.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Failure for DecisionError {
    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

fn wrong(field: &str, reason: impl Into<String>) -> DecisionError {
    DecisionError { field: field.to_owned(), reason: reason.into() }
}

impl Decision {
    /// Whether it changes nothing.
    pub fn is_neutral(&self) -> bool {
        *self == Self::default()
    }

    /// The lowest [runtime](crate::bundle::manifest::RUNTIME) that knows it.
    pub fn runtime(&self) -> u32 {
        if self.is_neutral() { 1 } else { 5 }
    }

    /// Checks every entry, for a network whose first head has the classes `labels`.
    ///
    /// # Errors
    /// [`DecisionError`] naming the first invalid entry.
    pub fn check(&self, labels: &LabelSet) -> Result<(), DecisionError> {
        self.prior.check("prior", labels)?;
        if let Some(second) = &self.second {
            second.check(labels)?;
        }
        for (name, Measure { good, weight }) in MEASURES.iter().zip(self.quality.measures()) {
            if !(0.001..=10_000.0).contains(&good) {
                return Err(wrong(&format!("quality.{name}.good"), "not in 0.001..=10000"));
            }
            if !(0.0..=4.0).contains(&weight) {
                return Err(wrong(&format!("quality.{name}.weight"), "not in 0..=4"));
            }
        }
        match self.energy_limit {
            Some(limit) if !limit.is_finite() => Err(wrong("energy_limit", "not a number")),
            _ => Ok(()),
        }
    }
}

impl Prior {
    fn check(&self, field: &str, labels: &LabelSet) -> Result<(), DecisionError> {
        let Self { strength, shares } = self;
        if !(0.0..=2.0).contains(strength) {
            return Err(wrong(&format!("{field}.strength"), "not in 0..=2"));
        }
        let field = format!("{field}.shares");
        if shares.is_empty() && *strength == 0.0 {
            return Ok(());
        }
        if shares.len() != labels.len() {
            let (found, expected) = (shares.len(), labels.len());
            let reason = format!("{found} shares for the {expected} classes of {}", labels.id);
            return Err(wrong(&field, reason));
        }
        match shares.iter().zip(labels.names).find(|(share, _)| !(**share > 0.0 && **share <= 1.0))
        {
            Some((share, class)) => Err(wrong(
                &field,
                format!("the share of {class} is {share}, expected above 0 to 1"),
            )),
            None => Ok(()),
        }
    }
}

impl SecondHead {
    fn check(&self, first: &LabelSet) -> Result<(), DecisionError> {
        let labels = self.label_set()?;
        if !labels.mapping_to(first).iter().any(Option::is_some) {
            let reason = format!("no class of {} is one of {}", labels.id, first.id);
            return Err(wrong("second.labels", reason));
        }
        if !(1..=63).contains(&self.output) {
            return Err(wrong("second.output", "not in 1..=63"));
        }
        if !(0.0..=1.0).contains(&self.weight) {
            return Err(wrong("second.weight", "not in 0..=1"));
        }
        if !(0.01..=100.0).contains(&self.temperature) {
            return Err(wrong("second.temperature", "not in 0.01..=100"));
        }
        self.prior.check("second.prior", &labels)
    }

    /// Its classes.
    ///
    /// # Errors
    /// [`DecisionError`] when no such label set is known.
    pub fn label_set(&self) -> Result<LabelSet, DecisionError> {
        LabelSet::by_id(&self.labels)
            .ok_or_else(|| wrong("second.labels", format!("unknown label set {:?}", self.labels)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::{FER_7, FERPLUS_8};

    /// Everything in use.
    pub(super) fn full() -> Decision {
        let shares = vec![0.35, 0.25, 0.12, 0.12, 0.08, 0.02, 0.04, 0.02];
        Decision {
            prior: Prior { strength: 0.3, shares },
            second: Some(SecondHead {
                output: 1,
                labels: FER_7.id.to_owned(),
                weight: 0.25,
                temperature: 1.5,
                prior: Prior::default(),
            }),
            quality: Quality { light: Measure { good: 60.0, weight: 0.2 }, ..Quality::default() },
            energy_limit: Some(-1.0),
        }
    }

    #[test]
    fn names_the_entry_that_cannot_be() {
        type Change = fn(&mut Decision);
        let changes: [(&str, Change); 15] = [
            ("prior.strength", |d| d.prior.strength = -0.1),
            ("prior.strength", |d| d.prior.strength = f32::NAN),
            ("prior.shares", |d| d.prior.shares.clear()),
            ("prior.shares", |d| d.prior.shares.truncate(7)),
            ("prior.shares", |d| d.prior.shares[5] = 0.0),
            ("prior.shares", |d| d.prior.shares[5] = f32::NAN),
            ("second.labels", |d| d.second.as_mut().unwrap().labels = "fer-9".into()),
            ("second.labels", |d| d.second.as_mut().unwrap().labels = "positive,negative".into()),
            ("second.output", |d| d.second.as_mut().unwrap().output = 0),
            ("second.weight", |d| d.second.as_mut().unwrap().weight = 1.5),
            ("second.temperature", |d| d.second.as_mut().unwrap().temperature = 0.0),
            ("second.prior.shares", |d| d.second.as_mut().unwrap().prior.strength = 0.1),
            ("quality.light.good", |d| d.quality.light.good = 0.0),
            ("quality.turn.weight", |d| d.quality.turn.weight = -1.0),
            ("energy_limit", |d| d.energy_limit = Some(f32::INFINITY)),
        ];
        for (field, change) in changes {
            let mut decision = full();
            change(&mut decision);
            assert_eq!(decision.check(&FERPLUS_8).unwrap_err().field, field);
        }
        full().check(&FERPLUS_8).unwrap();
        Decision::default().check(&FERPLUS_8).unwrap();
    }

    #[test]
    fn json_without_entries_is_neutral() {
        assert_eq!(serde_json::from_str::<Decision>("{}").unwrap(), Decision::default());
        let json = serde_json::to_string(&full()).unwrap();
        assert_eq!(serde_json::from_str::<Decision>(&json).unwrap(), full());
        assert_eq!((Decision::default().runtime(), full().runtime()), (1, 5));
    }
}
