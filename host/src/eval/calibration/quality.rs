//! Fits how much poor image quality lowers the probabilities, on rows under conditions.

use emocue_models::decision::{DecisionError, MEASURES};

use super::sources::{Draft, Sources, View};

/// The weights that are tried.
const WEIGHTS: [f32; 11] = [0.0, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2];
/// Rounds over all measures.
const ROUNDS: usize = 3;
/// Share of the clean rows whose quality is below the limit of good quality.
const POOR: f64 = 0.1;

/// Whether a measure can be fitted to a dataset's rows, which all have the same size and no landmarks.
fn is_fitted(measure: &str) -> bool {
    !["size", "turn"].contains(&measure)
}

/// Finds the weights of smallest loss over all views. A weight that does not reduce the loss stays 0.
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

/// The 10th percentile of a measure over the clean rows; for noise, the 90th.
fn good(clean: &View, at: usize) -> f32 {
    let mut values: Vec<f32> = clean.evidence.iter().map(|it| it.sight.values()[at]).collect();
    values.sort_by(f32::total_cmp);
    let share = if MEASURES[at] == "noise" { 1.0 - POOR } else { POOR };
    let place = ((values.len() as f64 * share) as usize).min(values.len().saturating_sub(1));
    values.get(place).copied().unwrap_or(1.0).clamp(0.001, 10_000.0)
}
