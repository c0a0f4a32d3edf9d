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
    let mut answers = Vec::new();
    for (at, view) in sources.views.iter().enumerate() {
        answers.push((&view.name, sources.scores(draft, (0, at))?));
    }
    let lists: Vec<_> = answers.iter().map(|(_, scores)| scores.answers()).collect();
    let (found, at) = lowest_of_all(&lists, right);
    Ok((found, answers.get(at).map_or_else(String::new, |(name, _)| (*name).clone())))
}

/// The same for lists of answers, each with its probability and whether it is right; the number of the list that
/// determines it. A higher threshold than a list's own may have a lower accuracy there, so each list is asked again.
pub(super) fn lowest_of_all(lists: &[&[(f32, bool)]], right: f64) -> (f32, usize) {
    let mut highest = (0.0, 0);
    loop {
        let before = highest.0;
        for (at, answers) in lists.iter().enumerate() {
            let found = lowest(answers, right, highest.0);
            if found > highest.0 {
                highest = (found, at);
            }
        }
        if highest.0 == before {
            return highest;
        }
    }
}

/// The lowest threshold from `from` on at which the answers of a list are right often enough; `from` itself where it
/// accepts none or is as good, and 1 if there is none.
pub(super) fn lowest(answers: &[(f32, bool)], right: f64, from: f32) -> f32 {
    let mut answers: Vec<_> = answers.iter().filter(|(top, _)| *top >= from).collect();
    answers.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut hits, mut lowest) = (0, if answers.is_empty() { from } else { 1.0 });
    for (at, (top, hit)) in answers.iter().enumerate() {
        hits += usize::from(*hit);
        // A threshold accepts all answers of equal probability.
        let last_of_equals = answers.get(at + 1).is_none_or(|(next, _)| next < top);
        if last_of_equals && hits as f64 >= right * (at + 1) as f64 {
            // The last one: `from` accepts the same answers.
            let all = at + 1 == answers.len() && from > 0.0;
            lowest = if all { from } else { *top };
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
