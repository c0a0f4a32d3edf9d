//! The learning rate over time.

use std::f64::consts::PI;

use crate::recipe::{Decay, Schedule};

/// Learning rate of a step as a factor of the peak: linear warm-up from 0, then the recipe's decay.
///
/// `step` counts from 0 over the whole training; `scores` are the validation scores of the finished epochs, higher is
/// better, which only [`Decay::Plateau`] uses.
pub fn factor(schedule: &Schedule, step: usize, steps_per_epoch: usize, scores: &[f32]) -> f64 {
    let total = (schedule.epochs * steps_per_epoch) as f64;
    let warmup = (schedule.warmup_epochs * steps_per_epoch as f64).min(total);
    let position = step as f64 + 1.0;
    if position <= warmup {
        return position / warmup;
    }
    match schedule.decay {
        Decay::Constant => 1.0,
        Decay::Cosine => {
            let progress = (position - warmup) / (total - warmup).max(1.0);
            0.5 * (1.0 + (PI * progress.min(1.0)).cos())
        }
        Decay::Step { every, factor } => factor.powi((step / steps_per_epoch / every) as i32),
        Decay::Plateau { patience, factor, floor } => {
            factor.powi(plateaus(scores, patience) as i32).max(floor)
        }
    }
}

/// How often the score did not improve for `patience` epochs in a row.
fn plateaus(scores: &[f32], patience: usize) -> usize {
    let (mut best, mut waited, mut count) = (f32::NEG_INFINITY, 0, 0);
    for score in scores {
        if *score > best {
            (best, waited) = (*score, 0);
        } else {
            waited += 1;
            if waited == patience {
                (waited, count) = (0, count + 1);
            }
        }
    }
    count
}

/// Index of the best score; of equal scores the first.
pub fn best(scores: &[f32]) -> Option<usize> {
    let better = |best: Option<usize>, (index, score): (usize, &f32)| match best {
        Some(at) if scores[at] >= *score => Some(at),
        _ => Some(index),
    };
    scores.iter().enumerate().fold(None, better)
}

/// Whether the score did not improve in the last `patience` epochs; always false for a patience of 0.
pub fn exhausted(scores: &[f32], patience: usize) -> bool {
    patience > 0 && best(scores).is_some_and(|best| scores.len() - 1 - best >= patience)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(decay: Decay) -> Schedule {
        Schedule { epochs: 10, warmup_epochs: 2.0, decay, patience: 0 }
    }

    #[test]
    fn cosine_climbs_to_the_peak_and_ends_at_zero() {
        let schedule = schedule(Decay::Cosine);
        let rates: Vec<f64> = (0..1000).map(|step| factor(&schedule, step, 100, &[])).collect();
        assert!(rates[..200].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[199..].windows(2).all(|pair| pair[0] > pair[1]));
        assert_eq!(rates[199], 1.0);
        assert!(rates[999].abs() < 1e-9);
    }

    #[test]
    fn steps_fall_by_the_factor() {
        let schedule = schedule(Decay::Step { every: 3, factor: 0.1 });
        let at = |epoch: usize| factor(&schedule, epoch * 100 + 50, 100, &[]);
        assert_eq!((at(2), at(5), at(8)), (1.0, 0.1, 0.1f64.powi(2)));
    }

    #[test]
    fn plateaus_fall_when_nothing_improves() {
        let schedule = schedule(Decay::Plateau { patience: 2, factor: 0.5, floor: 0.2 });
        let at = |scores: &[f32]| factor(&schedule, 500, 100, scores);
        assert_eq!(at(&[0.1, 0.2, 0.3]), 1.0);
        assert_eq!(at(&[0.3, 0.2, 0.3]), 0.5);
        assert_eq!(at(&[0.3, 0.2, 0.3, 0.4, 0.4]), 0.5);
        assert_eq!(at(&[0.3; 20]), 0.2);
    }

    #[test]
    fn patience_ends_after_the_best() {
        assert_eq!(best(&[0.1, 0.3, 0.3, 0.2]), Some(1));
        assert!(!exhausted(&[0.1, 0.3, 0.3, 0.2], 3));
        assert!(exhausted(&[0.1, 0.3, 0.3, 0.2], 2));
        assert!(!exhausted(&[0.3; 20], 0) && !exhausted(&[], 1));
    }
}
