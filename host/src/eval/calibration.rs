//! Confidence that means what it says: one temperature for the logits (Guo et al. 2017), and the probability below
//! which an answer is unsure.

use super::metrics::Scores;
use super::protocol::AppliedProtocol;
use emocue_data::model::Calibration;
use emocue_data::predict::Predictions;
use emocue_models::decide::most_probable;
use emocue_models::decision::Decision;

/// Logarithms of the temperatures among which is searched: 1/10 to 10.
const SEARCHED: std::ops::Range<f64> = -2.3..2.3;
/// Halvings, nearly, of that range.
const STEPS: usize = 40;

/// Fits the temperature to the least negative log-likelihood of the right classes, and the threshold to the most
/// answers of which a share of `right` (`0..=1`) is right. `None` when no row counts.
///
/// `answers` must be without a temperature of their own.
pub fn fit(
    answers: &Predictions,
    applied: &AppliedProtocol<'_>,
    right: f64,
) -> Option<Calibration> {
    let rows: Vec<(usize, Vec<f32>)> = answers
        .iter()
        .filter_map(|(row, probabilities)| {
            Some((applied.truth(row)?, applied.answer(probabilities)))
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    let temperature = temperature(&rows) as f32;
    let threshold = threshold(&rows, temperature, right);
    let judged = |temperature: f32, threshold: f32| {
        let mut scores = Scores::new(applied.labels, threshold);
        rows.iter().for_each(|(truth, p)| scores.add(*truth, &softened(p, temperature)));
        scores
    };
    let (before, after) = (judged(1.0, 0.0), judged(temperature, threshold));
    let found = after.at_threshold();
    Some(Calibration {
        temperature,
        threshold,
        protocol: applied.protocol.name.to_owned(),
        rows: rows.len(),
        error: [before.calibration_error(), after.calibration_error()],
        at_threshold: [found.coverage, found.accuracy],
        curve: after.abstention(),
        decision: Decision::default(),
    })
}

/// The largest share of right answers, in whole percent and `0..=1`, for which [`fit`] finds a threshold at or above
/// which at least a share of `coverage` is answered; 0 where there is none.
pub fn reachable(calibration: &Calibration, coverage: f64) -> f64 {
    let enough = calibration.curve.iter().filter(|point| point.coverage >= coverage);
    let accuracy = enough.map(|point| point.accuracy).fold(0.0, f64::max);
    (100.0 * accuracy).floor() / 100.0
}

/// Probabilities as another temperature would have made them.
fn softened(probabilities: &[f32], temperature: f32) -> Vec<f32> {
    let logarithm = |p: &f32| p.max(f32::MIN_POSITIVE).ln() / temperature;
    let logits: Vec<f32> = probabilities.iter().map(logarithm).collect();
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = logits.iter().map(|logit| (logit - most).exp()).collect();
    let sum: f32 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Golden-section search: the loss has one minimum, since it is convex in the temperature's inverse.
fn temperature(rows: &[(usize, Vec<f32>)]) -> f64 {
    let loss = |logarithm: f64| -> f64 {
        let temperature = logarithm.exp() as f32;
        let surprise = |(truth, p): &(usize, Vec<f32>)| {
            -f64::from(softened(p, temperature)[*truth].max(f32::MIN_POSITIVE).ln())
        };
        rows.iter().map(surprise).sum()
    };
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (SEARCHED.start, SEARCHED.end);
    for _ in 0..STEPS {
        let (left, right) = (high - ratio * (high - low), low + ratio * (high - low));
        if loss(left) < loss(right) { high = right } else { low = left }
    }
    ((low + high) / 2.0).exp()
}

/// The lowest top probability at and above which a share of `right` is right; 1 where even the surest answers
/// are worse.
fn threshold(rows: &[(usize, Vec<f32>)], temperature: f32, right: f64) -> f32 {
    let mut answers: Vec<(f32, bool)> = rows
        .iter()
        .filter_map(|(truth, p)| {
            let (answer, _) = most_probable(p)?;
            Some((softened(p, temperature)[answer], answer == *truth))
        })
        .collect();
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut hits, mut lowest) = (0, 1.0);
    for (at, (top, hit)) in answers.iter().enumerate() {
        hits += usize::from(*hit);
        // A threshold lets all equal answers pass.
        let last_of_equals = answers.get(at + 1).is_none_or(|(next, _)| next < top);
        if last_of_equals && hits as f64 >= right * (at + 1) as f64 {
            lowest = *top;
        }
    }
    lowest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn top(probabilities: &[f32]) -> usize {
        most_probable(probabilities).unwrap().0
    }

    /// Answers of a classifier that knows its chances, then made too sure by `temperature`.
    fn rows(temperature: f32) -> Vec<(usize, Vec<f32>)> {
        let mut rows = Vec::new();
        for step in 1..20 {
            let p = 0.5 + step as f32 / 40.0;
            for at in 0..100 {
                // Right in a share of p of the cases.
                let truth = usize::from(at as f32 / 100.0 >= p);
                rows.push((truth, softened(&[p, 1.0 - p], 1.0 / temperature)));
            }
        }
        rows
    }

    #[test]
    fn the_temperature_that_was_applied_is_found() {
        for expected in [0.5f32, 1.0, 2.5] {
            let found = temperature(&rows(expected)) as f32;
            assert!((found / expected - 1.0).abs() < 0.03, "{found} for {expected}");
        }
    }

    #[test]
    fn the_threshold_is_the_lowest_that_keeps_the_promise() {
        let rows = rows(1.0);
        let found = threshold(&rows, 1.0, 0.85);
        let answered: Vec<_> = rows.iter().filter(|(_, p)| p[top(p)] >= found).collect();
        let right = answered.iter().filter(|(truth, p)| top(p) == *truth).count();
        assert!(right as f64 >= 0.85 * answered.len() as f64);
        assert!((0.6..0.8).contains(&found), "{found}");
        assert_eq!(
            threshold(&rows, 1.0, 0.0),
            rows.iter().map(|(_, p)| p[top(p)]).fold(1.0, f32::min)
        );
        let wrong = [(1, vec![0.9, 0.1])];
        assert_eq!(threshold(&wrong, 1.0, 0.5), 1.0);
    }

    #[test]
    fn softening_keeps_the_order_and_the_sum() {
        let soft = softened(&[0.7, 0.2, 0.1, 0.0], 3.0);
        assert!(soft.is_sorted_by(|a, b| a >= b) && soft[0] < 0.7, "{soft:?}");
        assert!((soft.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
