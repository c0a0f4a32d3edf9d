//! Chooses the strength of the prior correction and the weight of the second head.

use emocue_models::decision::DecisionError;

use super::figures::Choice;
use super::sources::{Draft, Sources};

/// The values that are tried.
const STRENGTHS: [f32; 8] = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8];
const WEIGHTS: [f32; 8] = [0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5];

/// Strength and weight of a draft.
fn setting(Draft { decision, .. }: &Draft) -> (f32, f32) {
    (decision.prior.strength, decision.second.as_ref().map_or(0.0, |second| second.weight))
}

/// The values to choose from.
pub(super) struct Range {
    pub(super) strengths: Vec<f32>,
    pub(super) weights: Vec<f32>,
}

impl Range {
    /// All values, except where one is fixed or not applicable.
    pub(super) fn new(
        prior: Option<f32>,
        has_prior: bool,
        mix: Option<f32>,
        has_second: bool,
    ) -> Self {
        let of = |fixed: Option<f32>, is_there: bool, tried: &[f32]| match (fixed, is_there) {
            (Some(value), _) => vec![value],
            (None, true) => tried.to_vec(),
            (None, false) => vec![0.0],
        };
        Self { strengths: of(prior, has_prior, &STRENGTHS), weights: of(mix, has_second, &WEIGHTS) }
    }
}

/// Chooses the draft with the highest [`Choice::balance`] over all sources whose accuracy by the first source is at
/// most `cost` below that of the first strength and weight. Also returns the tried choices that have the same strength
/// or weight. `draft` makes a draft from a strength and a weight.
pub(super) fn choose(
    range: &Range,
    cost: f64,
    sources: &Sources<'_>,
    draft: impl Fn(f32, f32) -> Result<Draft, DecisionError>,
) -> Result<(Draft, Vec<Choice>), DecisionError> {
    let mut tried = Vec::new();
    for strength in &range.strengths {
        for weight in &range.weights {
            let draft = draft(*strength, *weight)?;
            let what = format!("prior {strength:.2}, mix {weight:.2}");
            let choice = Choice::of(what, &draft, sources, false)?;
            tried.push((draft, choice));
        }
    }
    let best = tried.first().map_or(0.0, |(_, choice)| choice.accuracy());
    let allowed = |choice: &Choice| choice.accuracy() >= best - cost - 1e-9;
    let chosen = tried
        .iter()
        .filter(|(_, choice)| allowed(choice))
        .max_by(|(_, a), (_, b)| a.balance().total_cmp(&b.balance()));
    let chosen = chosen.or(tried.first()).map(|(draft, _)| draft.clone());
    let chosen = match chosen {
        Some(chosen) => chosen,
        None => draft(0.0, 0.0)?,
    };
    // Only those with the chosen strength or weight are returned, since a table of all would be long.
    let (strength, weight) = setting(&chosen);
    let near = |(draft, choice): (Draft, Choice)| {
        let (other_strength, other_weight) = setting(&draft);
        (strength == other_strength || weight == other_weight).then_some(choice)
    };
    Ok((chosen, tried.into_iter().filter_map(near).collect()))
}
