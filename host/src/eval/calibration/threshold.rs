//! The threshold and the limit of the free energy.

use emocue_data::model::Calibration;
use emocue_models::decision::{DecisionError, energy};

use super::sources::{Draft, Sources, View};

/// The lowest threshold on the top probability with an accuracy of at least `right` under every condition, and the
/// condition that determines it; 1 if there is none.
pub(super) fn threshold(
    draft: &Draft,
    sources: &Sources<'_>,
    right: f64,
) -> Result<(f32, String), DecisionError> {
    let mut highest = (0.0, String::new());
    for (at, view) in sources.views.iter().enumerate() {
        let scores = sources.scores(draft, (0, at))?;
        let found = lowest(scores.answers(), right);
        if found > highest.0 || at == 0 {
            highest = (found, view.name.clone());
        }
    }
    Ok(highest)
}

/// The same for one list of answers, each with its probability and whether it is right.
pub(super) fn lowest(answers: &[(f32, bool)], right: f64) -> f32 {
    let mut answers = answers.to_vec();
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut hits, mut lowest) = (0, 1.0);
    for (at, (top, hit)) in answers.iter().enumerate() {
        hits += usize::from(*hit);
        // A threshold accepts all answers of equal probability.
        let last_of_equals = answers.get(at + 1).is_none_or(|(next, _)| next < top);
        if last_of_equals && hits as f64 >= right * (at + 1) as f64 {
            lowest = *top;
        }
    }
    lowest
}

/// The quantile `familiar`, `0..=1`, of the free energy of output number `output` over the rows of `clean`.
pub(super) fn energy_limit(clean: &View, output: usize, familiar: f64) -> Option<f32> {
    let logits = clean.evidence.iter().filter_map(|evidence| evidence.outputs.get(output));
    let mut energies: Vec<f32> = logits.map(|logits| energy(logits)).collect();
    energies.sort_by(f32::total_cmp);
    let place = (energies.len() as f64 * familiar).ceil() as usize;
    energies.get(place.saturating_sub(1)).copied()
}

/// The highest accuracy, `0..=1` in whole percent, for which [`super::fit`] finds a threshold with at least `coverage`
/// under every condition; 0 if there is none.
pub fn reachable(calibration: &Calibration, coverage: f64) -> f64 {
    let views = calibration.conditions.iter().map(|condition| &condition.curve);
    let of_view = |curve: &Vec<emocue_data::model::AbstentionPoint>| {
        let enough = curve.iter().filter(|point| point.coverage >= coverage);
        enough.map(|point| point.accuracy).fold(0.0, f64::max)
    };
    let clean = of_view(&calibration.curve);
    let accuracy = views.map(of_view).fold(clean, f64::min);
    (100.0 * accuracy).floor() / 100.0
}
