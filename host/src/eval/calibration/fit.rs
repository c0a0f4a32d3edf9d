//! The steps of a fit.

use emocue_data::model::{Calibration, ConditionCalibration};
use emocue_models::decision::{Decision, DecisionError, Prior, SecondHead};
use emocue_models::failure::{Failure, exit};

use super::super::protocol::AppliedProtocol;
use super::choose::{Range, choose};
use super::figures::Choice;
use super::golden;
use super::sources::{Draft, Outputs, Sources, View};
use super::{quality, threshold};

/// Natural logarithms of the range of temperatures that is searched: 1/10 to 10.
const SEARCHED: (f64, f64) = (-2.3, 2.3);
/// Steps of the golden-section search.
const STEPS: usize = 30;

/// The goals of a fit, and settings that are fixed.
#[derive(Clone, Debug, PartialEq)]
pub struct FitSettings {
    /// Required accuracy of answers that are not unsure, under every condition, `0..1`.
    pub right: f64,
    /// Largest loss of accuracy for more balanced answers, `0..=1`.
    pub cost: f64,
    /// Strength of the prior correction; chosen if `None`.
    pub prior: Option<f32>,
    /// Weight of the second head; chosen if `None`.
    pub mix: Option<f32>,
    /// Temperature of the first head; fitted if `None`.
    pub temperature: Option<f32>,
    /// Total weight of the sources after the first when fitting the temperature, `0..=1`.
    pub label_weight: f64,
    /// Share of the clean rows below the limit of the free energy, `0..=1`; `None` for no limit.
    pub familiar: Option<f64>,
}

/// The result of a fit.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The calibration for a graph's metadata.
    pub calibration: Calibration,
    /// The figures of the tried strengths and weights.
    pub tried: Vec<Choice>,
    /// The figures after each step, the last one with conditions.
    pub steps: Vec<Choice>,
    /// The condition that determines the threshold.
    pub hardest: String,
}

/// Nothing can be fitted.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// No row has a class that the network knows.
    #[error("no row has a class that the network knows")]
    NoRows,
    /// A setting that is invalid for the network.
    #[error(transparent)]
    Decision(#[from] DecisionError),
    /// A setting that needs something that the graph does not have.
    #[error("{setting}: the graph has no {missing}")]
    Missing {
        /// The setting.
        setting: &'static str,
        /// What it needs.
        missing: &'static str,
    },
}

impl Failure for FitError {
    fn help(&self) -> Option<String> {
        match self {
            Self::NoRows => Some("Give data with a validation split and the same classes.".into()),
            Self::Decision(_) => None,
            Self::Missing { missing: "second head", .. } => {
                Some("Train with two heads; `emocue export` writes both into one graph.".into())
            }
            Self::Missing { .. } => Some(
                "Export the graph from its training again, or give data with Training rows.".into(),
            ),
        }
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

/// Fits the decision for `outputs` to `views`, of which the first has the clean rows. `applied` are the sources of
/// labels, the main one first.
///
/// # Errors
/// [`FitError`] when no row counts, or a setting is invalid for the network.
pub fn fit(
    outputs: &Outputs,
    applied: &[AppliedProtocol<'_>],
    views: &[View],
    settings: &FitSettings,
) -> Result<Fitted, FitError> {
    let has_prior = !outputs.shares.is_empty();
    for (is_asked, is_there, setting, missing) in [
        (settings.prior.is_some_and(|it| it > 0.0), has_prior, "--prior", "class shares"),
        (settings.mix.is_some_and(|it| it > 0.0), outputs.second.is_some(), "--mix", "second head"),
    ] {
        if is_asked && !is_there {
            return Err(FitError::Missing { setting, missing });
        }
    }
    let sources = Sources::new(outputs.labels, applied, views, settings.label_weight);
    let plain = Draft { decision: Decision::default(), temperature: 1.0, threshold: 0.0 };
    let before = match applied.is_empty() || views.is_empty() {
        true => return Err(FitError::NoRows),
        false => sources.scores(&plain, (0, 0))?,
    };
    if before.rows() == 0 {
        return Err(FitError::NoRows);
    }
    let mut steps = Vec::new();
    let first_alone = cooled(&plain, |draft| sources.loss(draft, (0, 0)))?;
    steps.push(Choice::of("temperature, first source", &first_alone, &sources, false)?);
    let both = cooled(&plain, |draft| sources.mean_loss(draft, 0..1))?;
    if applied.len() > 1 {
        steps.push(Choice::of("temperature, all sources", &both, &sources, false)?);
    }

    let head = |weight: f32, temperature: f32| second(outputs, weight, temperature);
    let second_temperature = second_temperature(outputs, &sources)?;
    let draft = |strength: f32, weight: f32| -> Result<Draft, DecisionError> {
        let mut draft = plain.clone();
        draft.decision.prior = prior(outputs, strength);
        let mut draft = cooled(&draft, |draft| sources.loss(draft, (0, 0)))?;
        draft.decision.second = head(weight, second_temperature).filter(|_| weight > 0.0);
        cooled(&draft, |draft| sources.mean_loss(draft, 0..1))
    };
    let range = Range::new(settings.prior, has_prior, settings.mix, outputs.second.is_some());
    let (mut chosen, tried) = choose(&range, settings.cost, &sources, draft)?;
    if let Some(temperature) = settings.temperature {
        chosen = chosen.heated(temperature / chosen.temperature);
    }
    let is_plain = chosen.decision.is_neutral();
    if !is_plain {
        steps.push(Choice::of(chosen_text(&chosen), &chosen, &sources, false)?);
    }
    if views.len() > 1 {
        chosen = quality::fit(chosen, &sources)?;
        // Measures without weight are omitted.
        let decision = &mut chosen.decision;
        if decision.quality.is_unused() {
            decision.quality = Default::default();
        }
    }
    if let Some(share) = settings.familiar {
        // The free energy of the second head is the better measure, even if the head has weight 0.
        let decision = &mut chosen.decision;
        decision.second = decision.second.take().or_else(|| head(0.0, second_temperature));
        let output = usize::from(decision.second.is_some());
        decision.energy_limit = threshold::energy_limit(&views[0], output, share);
    }
    let (found, hardest) = threshold::threshold(&chosen, &sources, settings.right)?;
    chosen.threshold = found;
    steps.push(Choice::of("with sight and threshold", &chosen, &sources, true)?);
    let calibration = calibration(&chosen, &sources, before.calibration_error())?;
    Ok(Fitted { calibration, tried, steps, hardest })
}

/// The draft with both temperatures scaled by the common factor of smallest `loss`.
fn cooled(
    draft: &Draft,
    loss: impl Fn(&Draft) -> Result<f64, DecisionError>,
) -> Result<Draft, DecisionError> {
    // An invalid draft fails here, since errors are ignored below.
    loss(draft)?;
    let of = |logarithm: f64| loss(&draft.heated(logarithm.exp() as f32)).unwrap_or(f64::MAX);
    Ok(draft.heated(golden(SEARCHED.0, SEARCHED.1, STEPS, of).exp() as f32))
}

/// The temperature of the second head alone, by the last source, whose labels it was trained on.
fn second_temperature(outputs: &Outputs, sources: &Sources<'_>) -> Result<f32, DecisionError> {
    let (Some(head), Some(last)) =
        (second(outputs, 1.0, 1.0), sources.applied.len().checked_sub(1))
    else {
        return Ok(1.0);
    };
    let decision = Decision { second: Some(head), ..Decision::default() };
    let draft = Draft { decision, temperature: 1.0, threshold: 0.0 };
    let alone = cooled(&draft, |draft| sources.loss(draft, (last, 0)))?;
    Ok(alone.decision.second.map_or(1.0, |second| second.temperature))
}

/// The second head, if there is one.
fn second(outputs: &Outputs, weight: f32, temperature: f32) -> Option<SecondHead> {
    outputs.second.map(|labels| SecondHead {
        output: 1,
        labels: labels.id.to_owned(),
        weight,
        temperature,
        prior: Prior::default(),
    })
}

/// The prior; a class that did not occur in the targets is not made more frequent.
fn prior(outputs: &Outputs, strength: f32) -> Prior {
    if strength == 0.0 {
        return Prior::default();
    }
    let share = |share: &f32| if *share > 0.0 { share.min(1.0) } else { 1.0 };
    Prior { strength, shares: outputs.shares.iter().map(share).collect() }
}

fn chosen_text(draft: &Draft) -> String {
    let mix = draft.decision.second.as_ref().map_or(0.0, |second| second.weight);
    format!("prior {:.2}, mix {mix:.2}", draft.decision.prior.strength)
}

fn calibration(
    chosen: &Draft,
    sources: &Sources<'_>,
    before: f64,
) -> Result<Calibration, DecisionError> {
    let clean = sources.scores(chosen, (0, 0))?;
    let conditions = (1..sources.views.len()).map(|view| {
        let scores = sources.scores(chosen, (0, view))?;
        let at = scores.at_threshold();
        Ok(ConditionCalibration {
            condition: sources.views[view].name.clone(),
            accuracy: scores.accuracy(),
            error: scores.calibration_error(),
            at_threshold: [at.coverage, at.accuracy],
            curve: scores.abstention(),
        })
    });
    let found = clean.at_threshold();
    Ok(Calibration {
        temperature: chosen.temperature,
        threshold: chosen.threshold,
        protocol: sources.applied.first().map_or("", |it| it.protocol.name).to_owned(),
        rows: clean.rows(),
        error: [before, clean.calibration_error()],
        at_threshold: [found.coverage, found.accuracy],
        curve: clean.abstention(),
        decision: chosen.decision.clone(),
        conditions: conditions.collect::<Result<_, _>>()?,
    })
}
