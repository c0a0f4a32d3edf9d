//! A decision, ready to be applied to every face.

use super::{Decision, DecisionError, Prior, Quality, SecondHead};
use crate::label::LabelSet;

/// How far below the threshold the highest probability of an unsure answer is held.
const BELOW: f32 = 0.001;

/// Applies a [`Decision`]; allocates only when it is made.
#[derive(Clone, Debug)]
pub struct Decider {
    temperature: f32,
    threshold: f32,
    /// Subtracted from the first head's logits.
    shift: Vec<f32>,
    second: Option<Second>,
    quality: Quality,
    energy_limit: Option<f32>,
}

/// A second head.
#[derive(Clone, Debug)]
struct Second {
    output: usize,
    labels: LabelSet,
    weight: f32,
    temperature: f32,
    shift: Vec<f32>,
    /// From its classes to the first head's.
    mapping: Vec<Option<usize>>,
    /// For each class of the first head, whether the second head has it.
    known: Vec<bool>,
    own: Vec<f32>,
    mapped: Vec<f32>,
}

impl Decider {
    /// For a first head with the classes `labels`; `temperature` is above 0, `threshold` is `0..=1`.
    ///
    /// # Errors
    /// [`DecisionError`] when the decision does not fit these classes.
    pub fn new(
        decision: &Decision,
        labels: &LabelSet,
        temperature: f32,
        threshold: f32,
    ) -> Result<Self, DecisionError> {
        decision.check(labels)?;
        let second = decision.second.as_ref().map(|head| Second::new(head, labels)).transpose()?;
        Ok(Self {
            temperature,
            threshold,
            shift: shift(&decision.prior, labels),
            second,
            quality: decision.quality,
            energy_limit: decision.energy_limit,
        })
    }

    /// Which output of the graph the second head is, and its classes.
    pub fn second(&self) -> Option<(usize, LabelSet)> {
        self.second.as_ref().map(|second| (second.output, second.labels))
    }

    /// How poor image quality lowers confidence.
    pub fn quality(&self) -> &Quality {
        &self.quality
    }

    /// Writes the probabilities of the first head's classes, each `0..=1`, sum 1. `logits` and `second` are of the two
    /// heads, finite and one for each class; `shortfall` is [`Quality::shortfall`].
    ///
    /// # Panics
    /// When `second` has another length than the second head's classes.
    pub fn answer(
        &mut self,
        logits: &[f32],
        second: Option<&[f32]>,
        shortfall: f32,
        probabilities: &mut [f32],
    ) {
        let doubt = shortfall.exp();
        softmax(logits, &self.shift, self.temperature * doubt, probabilities);
        if let (Some(head), Some(second)) = (&mut self.second, second) {
            head.mix(second, doubt, probabilities);
        }
        let telling = second.filter(|_| self.second.is_some()).unwrap_or(logits);
        if self.energy_limit.is_some_and(|limit| energy(telling) > limit) {
            hold_below(self.threshold.min(UNFAMILIAR), probabilities);
        }
    }
}

impl Second {
    fn new(head: &SecondHead, first: &LabelSet) -> Result<Self, DecisionError> {
        let labels = head.label_set()?;
        let mapping = labels.mapping_to(first);
        Ok(Self {
            output: head.output as usize,
            labels,
            weight: head.weight,
            temperature: head.temperature,
            shift: shift(&head.prior, &labels),
            known: (0..first.len()).map(|class| mapping.contains(&Some(class))).collect(),
            mapping,
            own: vec![0.0; labels.len()],
            mapped: vec![0.0; first.len()],
        })
    }

    /// Mixes its probabilities into the first head's.
    fn mix(&mut self, logits: &[f32], doubt: f32, probabilities: &mut [f32]) {
        assert_eq!(logits.len(), self.own.len(), "one logit per class of the second head");
        softmax(logits, &self.shift, self.temperature * doubt, &mut self.own);
        self.mapped.fill(0.0);
        for (probability, class) in self.own.iter().zip(&self.mapping) {
            if let Some(class) = class {
                self.mapped[*class] += probability;
            }
        }
        let total: f32 = self.mapped.iter().sum();
        if total < f32::MIN_POSITIVE {
            return;
        }
        let known = || self.known.iter().zip(&self.mapped);
        let mass: f32 = probabilities
            .iter()
            .zip(known())
            .filter(|(_, (known, _))| **known)
            .map(|(p, _)| p)
            .sum();
        for (probability, (known, other)) in probabilities.iter_mut().zip(known()) {
            if *known {
                *probability += self.weight * (mass * other / total - *probability);
            }
        }
    }
}

/// What is subtracted from each logit.
fn shift(prior: &Prior, labels: &LabelSet) -> Vec<f32> {
    match prior.strength {
        0.0 => vec![0.0; labels.len()],
        strength => prior.shares.iter().map(|share| strength * share.ln()).collect(),
    }
}

/// `softmax((logits - shift) / temperature)` (Guo et al. 2017) without overflow.
fn softmax(logits: &[f32], shift: &[f32], temperature: f32, probabilities: &mut [f32]) {
    let mut highest = f32::NEG_INFINITY;
    for (probability, (logit, shift)) in probabilities.iter_mut().zip(logits.iter().zip(shift)) {
        *probability = logit - shift;
        highest = highest.max(*probability);
    }
    for probability in probabilities.iter_mut() {
        *probability = ((*probability - highest) / temperature).exp();
    }
    let sum: f32 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|probability| *probability /= sum);
}

/// The most that any class of input that is out of distribution has: less than what keeps an answer over time
/// (`SteadySettings::stay`, 0.3 by default).
const UNFAMILIAR: f32 = 0.3;

/// The free energy of logits, `-ln(sum(exp(logit)))` (Liu et al. 2020); high for input that is out of distribution.
pub fn energy(logits: &[f32]) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
    -(highest + sum.ln())
}

/// Scales probabilities towards the uniform distribution until none reaches `threshold`, which keeps their order; to
/// the uniform distribution itself where even that reaches it.
fn hold_below(threshold: f32, probabilities: &mut [f32]) {
    let even = 1.0 / probabilities.len().max(1) as f32;
    let top = probabilities.iter().copied().fold(0.0, f32::max);
    if top < threshold {
        return;
    }
    let share = ((threshold - BELOW - even) / (top - even)).clamp(0.0, 1.0);
    let share = if share.is_nan() { 0.0 } else { share };
    for probability in probabilities {
        *probability = even + share * (*probability - even);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::full;
    use super::*;
    use crate::decide::{decide, most_probable};
    use crate::label::{FER_7, FERPLUS_8};

    const LOGITS: [f32; 8] = [2.0, 0.5, 1.5, -1.0, 0.0, -3.0, 1.0, -2.0];
    const SECOND: [f32; 7] = [0.0, -1.0, 2.0, 0.5, -0.5, 3.0, 1.0];

    fn answer(decision: &Decision, shortfall: f32) -> [f32; 8] {
        let mut decider = Decider::new(decision, &FERPLUS_8, 1.25, 0.5).unwrap();
        let mut probabilities = [0.0; 8];
        decider.answer(&LOGITS, Some(&SECOND), shortfall, &mut probabilities);
        probabilities
    }

    /// The softmax by its definition.
    fn plain(logits: &[f32], temperature: f32) -> Vec<f32> {
        let weights: Vec<f32> = logits.iter().map(|l| (l / temperature).exp()).collect();
        weights.iter().map(|w| w / weights.iter().sum::<f32>()).collect()
    }

    fn near(found: &[f32], expected: &[f32]) {
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6, "{found:?} {expected:?}");
        }
    }

    #[test]
    fn a_neutral_decision_is_the_softmax_bit_by_bit() {
        let highest = 2.0f32;
        let weights = LOGITS.map(|logit| ((logit - highest) / 1.25f32).exp());
        let sum: f32 = weights.iter().sum();
        assert_eq!(answer(&Decision::default(), 0.0), weights.map(|weight| weight / sum));
    }

    #[test]
    fn frequent_classes_count_less() {
        let decision = Decision { prior: full().prior, ..Decision::default() };
        let shifted: Vec<f32> = LOGITS
            .iter()
            .zip(&decision.prior.shares)
            .map(|(logit, share)| logit - 0.3 * share.ln())
            .collect();
        near(&answer(&decision, 0.0), &plain(&shifted, 1.25));
    }

    #[test]
    fn heads_mix_over_the_classes_that_both_know() {
        let decision = Decision { second: full().second, ..Decision::default() };
        let found = answer(&decision, 0.0);
        let (p, r) = (plain(&LOGITS, 1.25), plain(&SECOND, 1.5));
        let contempt = FERPLUS_8.index_of("contempt").unwrap();
        for (class, name) in FERPLUS_8.names.iter().enumerate() {
            let expected = match FER_7.index_of(name) {
                Some(other) => 0.75 * p[class] + 0.25 * (1.0 - p[contempt]) * r[other],
                None => p[class],
            };
            assert!((found[class] - expected).abs() < 1e-6, "{name}: {} {expected}", found[class]);
        }
        assert_eq!(most_probable(&found).unwrap().0, 0);
        // Alone, the second head says "surprise".
        let mut alone = decision;
        alone.second.as_mut().unwrap().weight = 1.0;
        assert_eq!(most_probable(&answer(&alone, 0.0)).unwrap().0, 2);
    }

    #[test]
    fn poor_sight_lowers_confidence_and_keeps_the_order() {
        let (good, poor) = (answer(&full(), 0.0), answer(&full(), 1.0));
        assert!(most_probable(&poor).unwrap().1 < most_probable(&good).unwrap().1);
        let decision = Decision::default();
        near(&answer(&decision, 1.0), &plain(&LOGITS, 1.25 * 1f32.exp()));
    }

    #[test]
    fn what_is_no_expression_is_unsure() {
        let energy_of = -LOGITS.iter().map(|l| l.exp()).sum::<f32>().ln();
        assert!((energy(&LOGITS) - energy_of).abs() < 1e-5);
        let limited = |energy_limit| Decision { energy_limit, ..Decision::default() };
        let mut known =
            Decider::new(&limited(Some(energy_of + 0.01)), &FERPLUS_8, 0.5, 0.5).unwrap();
        let mut strange =
            Decider::new(&limited(Some(energy_of - 0.01)), &FERPLUS_8, 0.5, 0.5).unwrap();
        let (mut a, mut b) = ([0.0; 8], [0.0; 8]);
        known.answer(&LOGITS, None, 0.0, &mut a);
        strange.answer(&LOGITS, None, 0.0, &mut b);
        assert_eq!((decide(&a, 0.5), decide(&b, 0.5)), (Some(0), None));
        assert_eq!(most_probable(&b).unwrap().0, 0);
        assert!((b.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{b:?}");
        // With a second head, only that head's energy counts, even at a weight of 0.
        let mut head = full().second.unwrap();
        head.weight = 0.0;
        let limit = Some(energy(&SECOND) + 0.01);
        let decision = Decision { second: Some(head), ..limited(limit) };
        let mut familiar = Decider::new(&decision, &FERPLUS_8, 0.5, 0.5).unwrap();
        assert!(energy(&LOGITS) > energy(&SECOND));
        familiar.answer(&LOGITS, Some(&SECOND), 0.0, &mut a);
        assert_eq!(decide(&a, 0.5), Some(0));
        // Nothing is below the uniform distribution.
        let mut even = [0.5, 0.25, 0.25];
        hold_below(0.2, &mut even);
        near(&even, &[1.0 / 3.0; 3]);
    }

    proptest! {
        #[test]
        fn every_answer_sums_to_one(
            logits in prop::array::uniform8(-1e6_f32..1e6), second in prop::array::uniform7(-1e6_f32..1e6),
            shortfall in 0.0_f32..2.3, weight in 0.0_f32..=1.0, strength in 0.0_f32..=2.0,
        ) {
            let mut decision = full();
            decision.prior.strength = strength;
            decision.second.as_mut().unwrap().weight = weight;
            let mut decider = Decider::new(&decision, &FERPLUS_8, 0.01, 0.5).unwrap();
            let mut probabilities = [0.0; 8];
            decider.answer(&logits, Some(&second), shortfall, &mut probabilities);
            prop_assert!(probabilities.iter().all(|p| (0.0..=1.0001).contains(p)), "{probabilities:?}");
            prop_assert!((probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        }
    }
}
