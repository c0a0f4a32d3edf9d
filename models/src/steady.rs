//! The steadied answer: temporal smoothing of one face's probabilities, with hysteresis.
//!
//! Probabilities are averaged exponentially. An answer is entered at one threshold and left at a lower one, replaced
//! only by a class that leads clearly, and stays for a minimum time. Everything is in seconds, so that the number of
//! frames in a second changes nothing. [`crate::decide`] is the same decision for a single picture.

use serde::{Deserialize, Serialize};

use crate::decide::most_probable;

/// The most classes that a [`Steady`] can average.
pub const MAX_CLASSES: usize = 16;

/// How an answer is steadied. `cargo xtask steadiness --fit` finds the values for another classifier.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SteadySettings {
    /// Time constant of the average, s; 0 for no average.
    pub tau_s: f32,
    /// Averaged probability at which a class becomes the answer, `0..=1`; the bundle's own threshold where it is
    /// `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enter: Option<f32>,
    /// Averaged probability below which an answer may be left, `0..=1`.
    pub stay: f32,
    /// An answer above `stay` is replaced only by a class that is more probable by this, `0..=1`.
    pub lead: f32,
    /// Minimum time that an answer is shown, s.
    pub dwell_s: f32,
    /// The answer becomes "unsure" after this time without a class that can be entered or kept, s.
    pub unsure_after_s: f32,
    /// A face that is not found keeps its answer on the screen for this time, s.
    pub hold_s: f32,
    /// A face that is not found for this time counts as another face when it returns, s.
    pub forget_after_s: f32,
}

impl Default for SteadySettings {
    /// Fitted to the default bundle's classifier on acted, talking and still faces at 8 and 30 frames a second.
    fn default() -> Self {
        Self {
            tau_s: 0.22,
            enter: None,
            stay: 0.3,
            lead: 0.4,
            dwell_s: 0.5,
            unsure_after_s: 0.8,
            hold_s: 0.8,
            forget_after_s: 1.0,
        }
    }
}

/// The steadied answer of one face.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// No class was probable enough for some time.
    Unsure,
    /// This class.
    Class(usize),
}

/// The answer of one face, steadied over time.
#[derive(Clone, Copy, Debug)]
pub struct Steady {
    average: [f32; MAX_CLASSES],
    classes: usize,
    settled: Option<Settled>,
    /// The most probable class of the last probabilities.
    latest: Option<usize>,
    /// Time since the answer changed, s.
    since: f32,
    /// Time without a class that can be entered or kept, s.
    weak: f32,
    /// Time since the last probabilities, s.
    unseen: f32,
}

impl Default for Steady {
    fn default() -> Self {
        Self::new()
    }
}

impl Steady {
    /// Nothing is known yet.
    pub const fn new() -> Self {
        Self {
            average: [0.0; MAX_CLASSES],
            classes: 0,
            settled: None,
            latest: None,
            since: 0.0,
            weak: 0.0,
            unseen: 0.0,
        }
    }

    /// Advances by `elapsed` s, at the end of which a classifier gave `probabilities`, `None` if it did not run;
    /// returns the answer, `None` while there is none yet. `threshold` is the bundle's own.
    ///
    /// Probabilities beyond [`MAX_CLASSES`] are ignored. If one is not finite, all count as `None`.
    pub fn step(
        &mut self,
        elapsed: f32,
        probabilities: Option<&[f32]>,
        threshold: f32,
        settings: &SteadySettings,
    ) -> Option<Settled> {
        let elapsed = elapsed.max(0.0);
        self.since += elapsed;
        self.unseen += elapsed;
        if let Some(probabilities) = probabilities.filter(|p| p.iter().all(|p| p.is_finite())) {
            self.observe(probabilities, settings.tau_s);
        }
        let Some((best, highest)) = most_probable(self.average()) else { return self.settled };
        let kept = match self.settled {
            Some(Settled::Class(class)) => self.average().get(class).is_some_and(|probability| {
                *probability >= settings.stay
                    && (best == class || highest - probability < settings.lead)
            }),
            _ => false,
        };
        let wanted = if kept {
            self.weak = 0.0;
            self.settled
        } else if highest >= settings.enter.unwrap_or(threshold) {
            self.weak = 0.0;
            Some(Settled::Class(best))
        } else {
            self.weak += elapsed;
            let is_unsure = self.weak >= settings.unsure_after_s - ROUNDING;
            if is_unsure { Some(Settled::Unsure) } else { self.settled }
        };
        let may_change = self.settled.is_none() || self.since >= settings.dwell_s - ROUNDING;
        if wanted != self.settled && may_change {
            self.settled = wanted;
            self.since = 0.0;
        }
        self.settled
    }

    fn observe(&mut self, probabilities: &[f32], tau: f32) {
        let share = match self.classes {
            0 => 1.0,
            _ => 1.0 - (-self.unseen / tau.max(f32::MIN_POSITIVE)).exp(),
        };
        self.classes = probabilities.len().min(MAX_CLASSES);
        for (average, probability) in self.average.iter_mut().zip(probabilities) {
            *average += share * (probability - *average);
        }
        self.latest = most_probable(&probabilities[..self.classes]).map(|(class, _)| class);
        self.unseen = 0.0;
    }

    /// Ages the average by one time constant, after a sudden change in the face's appearance.
    pub fn discount(&mut self, settings: &SteadySettings) {
        self.unseen += settings.tau_s;
    }

    /// The averaged probabilities; empty before the first ones.
    pub fn average(&self) -> &[f32] {
        &self.average[..self.classes]
    }

    /// Whether the most probable class of the last probabilities is not the answer, so that it may be about to change.
    pub fn is_undecided(&self) -> bool {
        self.settled != self.latest.map(Settled::Class)
    }

    /// What [`Steady::step`] returned last.
    pub fn settled(&self) -> Option<Settled> {
        self.settled
    }
}

/// Tolerance for the rounding error in a sum of many short times, s.
const ROUNDING: f32 = 1e-4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SETTINGS: SteadySettings = SteadySettings {
        tau_s: 0.2,
        enter: Some(0.62),
        stay: 0.3,
        lead: 0.3,
        dwell_s: 0.5,
        unsure_after_s: 0.8,
        hold_s: 0.8,
        forget_after_s: 1.0,
    };

    /// Probabilities of three classes of which `class` has `top`.
    fn looks(class: usize, top: f32) -> [f32; 3] {
        let mut probabilities = [(1.0 - top) / 2.0; 3];
        probabilities[class] = top;
        probabilities
    }

    /// The answers at `fps` frames per second, for durations, s, and their probabilities.
    fn answers(fps: usize, given: &[(f32, [f32; 3])]) -> Vec<(f32, Option<Settled>)> {
        let (mut steady, mut time, mut out) = (Steady::new(), 0.0, Vec::new());
        for (seconds, probabilities) in given {
            for _ in 0..(seconds * fps as f32).round() as usize {
                let elapsed = if out.is_empty() { 0.0 } else { 1.0 / fps as f32 };
                time += elapsed;
                out.push((time, steady.step(elapsed, Some(probabilities), 0.5, &SETTINGS)));
            }
        }
        out
    }

    fn changes(answers: &[(f32, Option<Settled>)]) -> Vec<(f32, Option<Settled>)> {
        let mut changes = vec![answers[0]];
        changes
            .extend(answers.windows(2).filter(|pair| pair[0].1 != pair[1].1).map(|pair| pair[1]));
        changes
    }

    #[test]
    fn a_clear_change_is_shown_within_350_ms_at_any_rate() {
        for fps in [5, 8, 30] {
            let changes = changes(&answers(fps, &[(2.0, looks(0, 0.9)), (2.0, looks(1, 0.9))]));
            let [(_, first), (at, second)] = changes[..] else { panic!("{fps}: {changes:?}") };
            assert_eq!((first, second), (Some(Settled::Class(0)), Some(Settled::Class(1))));
            let delay = at - 2.0;
            assert!((0.0..=0.401).contains(&delay), "{fps}: {delay}");
        }
    }

    #[test]
    fn a_flicker_changes_nothing() {
        let mut steady = Steady::new();
        for frame in 0..300 {
            let probabilities = looks(frame % 2, 0.7);
            let settled = steady.step(1.0 / 30.0, Some(&probabilities), 0.5, &SETTINGS);
            assert_eq!(settled, Some(Settled::Class(0)), "{frame}");
        }
    }

    #[test]
    fn nothing_probable_is_unsure_only_after_a_while() {
        let changes = changes(&answers(10, &[(1.0, looks(0, 0.9)), (3.0, looks(0, 0.36))]));
        let [(_, Some(Settled::Class(0)))] = changes[..] else { panic!("{changes:?}") };
        // Without an earlier answer there is none to keep.
        let changes = self::changes(&answers(10, &[(3.0, looks(0, 0.36))]));
        assert_eq!(changes[0].1, None);
        assert_eq!((changes.len(), changes[1].1), (2, Some(Settled::Unsure)));
        assert!((0.79..0.91).contains(&changes[1].0), "{changes:?}");
    }

    #[test]
    fn the_same_sequence_as_the_reference_s() {
        // From the reference implementation in Python: probabilities of three classes at 10 frames a second.
        let tops = [[0.9, 0.5, 0.7, 0.34], [0.4, 0.36, 0.2, 0.38]];
        let given: Vec<[f32; 3]> =
            (0..80).map(|i| looks(i / 11 % 3, tops[i / 40][i % 4])).collect();
        let mut steady = Steady::new();
        let settled: Vec<i32> = given
            .iter()
            .map(|probabilities| match steady.step(0.1, Some(probabilities), 0.5, &SETTINGS) {
                None => -2,
                Some(Settled::Unsure) => -1,
                Some(Settled::Class(class)) => class as i32,
            })
            .collect();
        let runs: Vec<(i32, usize)> =
            settled.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect();
        assert_eq!(runs, [(0, 16), (1, 12), (2, 52)]);
    }

    proptest! {
        #[test]
        fn every_answer_dwells_and_any_time_and_number_is_taken(
            steps in prop::collection::vec((-1.0f32..3.0, 0usize..3, prop::num::f32::ANY), 1..200),
        ) {
            let (mut steady, mut shown, mut since) = (Steady::new(), None, f32::INFINITY);
            for (elapsed, class, top) in steps {
                since += elapsed.max(0.0);
                let settled = steady.step(elapsed, Some(&looks(class, top)), 0.5, &SETTINGS);
                if settled != shown {
                    prop_assert!(shown.is_none() || since >= SETTINGS.dwell_s - 2.0 * ROUNDING);
                    (shown, since) = (settled, 0.0);
                }
            }
        }
    }
}
