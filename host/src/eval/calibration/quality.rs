//! How much poor sight lowers confidence, fitted to rows under conditions.

use emocue_models::decision::{DecisionError, MEASURES};

use super::sources::{Draft, Sources, View};

/// What a weight may be.
const WEIGHTS: [f32; 11] = [0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2];
/// Rounds over all measures.
const ROUNDS: usize = 3;
/// Share of the clean rows that are seen worse than what counts as good.
const POOR: f64 = 0.1;

/// The measures that rows of a dataset differ in: all have one size, and no landmarks.
fn is_fitted(measure: &str) -> bool {
    !["size", "turn"].contains(&measure)
}

/// Finds the weights that make the right classes of all views most probable. A weight stays 0 where it does not help.
pub(super) fn fit(mut draft: Draft, sources: &Sources<'_>) -> Result<Draft, DecisionError> {
    let Some(clean) = sources.views.first() else { return Ok(draft) };
    let places: Vec<usize> = (0..MEASURES.len()).filter(|at| is_fitted(MEASURES[*at])).collect();
    for at in &places {
        let good = good(clean, *at);
        *draft.decision.quality.measures_mut()[*at] =
            emocue_models::decision::Measure { good, weight: 0.0 };
    }
    let all = 0..sources.views.len();
    let mut least = sources.mean_loss(&draft, all.clone())?;
    for _ in 0..ROUNDS {
        let before = least;
        for at in &places {
            for weight in WEIGHTS {
                let mut other = draft.clone();
                other.decision.quality.measures_mut()[*at].weight = weight;
                let loss = sources.mean_loss(&other, all.clone())?;
                if loss < least - 1e-6 {
                    (least, draft) = (loss, other);
                }
            }
        }
        if before - least < 1e-5 {
            break;
        }
    }
    Ok(draft)
}

/// The value that a tenth of the clean rows does not reach; for noise, that a tenth exceeds.
fn good(clean: &View, at: usize) -> f32 {
    let mut values: Vec<f32> = clean.evidence.iter().map(|it| it.sight.values()[at]).collect();
    values.sort_by(f32::total_cmp);
    let share = if MEASURES[at] == "noise" { 1.0 - POOR } else { POOR };
    let place = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
    values.get(place).copied().unwrap_or(1.0).clamp(0.001, 10_000.0)
}
