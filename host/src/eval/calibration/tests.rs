use emocue_data::Split;
use emocue_data::dataset::{Dataset, Row};
use emocue_data::evidence::Evidence;
use emocue_data::model::Calibration;
use emocue_data::votes::Votes;
use emocue_models::decision::Sight;
use emocue_models::label::{FER_7, FERPLUS_8, LabelSet};

use super::super::protocol::AppliedProtocol;
use super::threshold::{lowest, lowest_of_all};
use super::*;

const SETTINGS: FitSettings = FitSettings {
    right: 0.0,
    cost: 1.0,
    prior: None,
    mix: None,
    temperature: None,
    label_weight: 0.5,
    familiar: None,
};

/// As many rows of FER2013's first two classes as `truths` says, with FER+ votes for the same.
fn dataset(truths: &[usize], votes: bool) -> Dataset {
    let mut data = Dataset::new("test", FER_7, 1);
    for truth in truths {
        let (split, origin) = (Split::PublicTest, String::new());
        data.push(Row { split, label: *truth, subject: None, origin }, &[0]);
    }
    // Anger and disgust, in the order of the votes' columns.
    let vote = |truth: &usize| {
        let mut of = [0; 10];
        of[4 + truth] = 10;
        Votes(of)
    };
    if votes { data.with_votes(truths.iter().map(vote).collect()) } else { data }
}

/// Logits with probability `p` for one class, multiplied by `gain`, in the order of `labels`.
fn logits(labels: LabelSet, p: f32, gain: f32) -> Vec<f32> {
    let mut logits = vec![-40.0; labels.len()];
    for (name, p) in [("anger", p), ("disgust", 1.0 - p)] {
        logits[labels.index_of(name).unwrap()] = gain * p.ln();
    }
    logits
}

/// Rows whose logits are calibrated except for the factor `gain`: right classes, and the evidence for `labels`.
fn chances(labels: &[LabelSet], gain: f32, sight: Sight) -> (Vec<usize>, Vec<Evidence>) {
    let (mut truths, mut all) = (Vec::new(), Vec::new());
    for step in 1..20 {
        let p = 0.5 + step as f32 / 40.0;
        for at in 0..100 {
            // Anger in a fraction p of the cases.
            truths.push(usize::from(at as f32 / 100.0 >= p));
            let outputs = labels.iter().map(|labels| logits(*labels, p, gain)).collect();
            all.push(Evidence { row: all.len(), outputs, sight });
        }
    }
    (truths, all)
}

fn view(name: &str, evidence: Vec<Evidence>) -> View {
    View { name: name.to_owned(), evidence }
}

fn outputs(labels: LabelSet, second: Option<LabelSet>, shares: &[f32]) -> Outputs {
    Outputs { labels, second, shares: shares.to_vec() }
}

#[test]
fn the_temperature_that_was_applied_is_found() {
    for gain in [0.5f32, 1.0, 2.0] {
        let (truths, evidence) = chances(&[FER_7], gain, Sight::default());
        let data = dataset(&truths, false);
        let applied = AppliedProtocol::all(&data, FER_7);
        let views = [view("clean", evidence)];
        let fitted = fit(&outputs(FER_7, None, &[]), &applied, &views, &SETTINGS).unwrap();
        let Calibration { temperature, decision, error, rows, .. } = fitted.calibration;
        assert!((temperature / gain - 1.0).abs() < 0.03, "{temperature} for {gain}");
        assert!(decision.is_neutral() && error[1] <= error[0] + 1e-6 && rows == 1900);
        let fixed = FitSettings { temperature: Some(3.0), ..SETTINGS };
        let fitted = fit(&outputs(FER_7, None, &[]), &applied, &views, &fixed).unwrap();
        assert!((fitted.calibration.temperature - 3.0).abs() < 1e-5);
    }
}

#[test]
fn the_threshold_keeps_the_promise_under_every_condition() {
    let (truths, evidence) = chances(&[FER_7], 1.0, Sight::default());
    let data = dataset(&truths, false);
    let applied = AppliedProtocol::all(&data, FER_7);
    // Half of the answers are reversed: wrong with high probability.
    let mut hard = evidence.clone();
    for evidence in hard.iter_mut().step_by(2) {
        evidence.outputs[0].swap(0, 1);
    }
    let settings = FitSettings { right: 0.8, ..SETTINGS };
    let only =
        |views: &[View]| fit(&outputs(FER_7, None, &[]), &applied, views, &settings).unwrap();
    let clean = only(&[view("clean", evidence.clone())]);
    assert!(
        (0.5..0.75).contains(&clean.calibration.threshold),
        "{:?}",
        clean.calibration.threshold
    );
    assert!(clean.calibration.at_threshold[1] >= 0.8);
    let both = only(&[view("clean", evidence), view("hard", hard)]);
    assert_eq!((both.hardest.as_str(), both.calibration.threshold), ("hard", 1.0));
    let condition = &both.calibration.conditions[0];
    assert_eq!((condition.condition.as_str(), condition.at_threshold[0]), ("hard", 0.0));
    assert!(reachable(&both.calibration, 0.5) < reachable(&clean.calibration, 0.5));
    assert!(text::text(&both).contains("sets the threshold"), "{}", text::text(&both));
}

#[test]
fn equal_answers_pass_a_threshold_together() {
    let answers = [(0.9, true), (0.8, true), (0.8, false), (0.7, false)];
    assert_eq!(
        [0.0, 0.5, 0.66, 0.7, 1.0].map(|right| lowest(&answers, right, 0.0)),
        [0.7, 0.7, 0.8, 0.9, 0.9]
    );
    assert_eq!(lowest(&[(0.9, false)], 0.5, 0.0), 1.0);
}

#[test]
fn a_threshold_is_right_often_enough_in_every_list() {
    let list = |answers: &[(f32, bool, usize)]| -> Vec<(f32, bool)> {
        answers.iter().flat_map(|(top, hit, count)| vec![(*top, *hit); *count]).collect()
    };
    // At 0.9 it is right in 8 of 10, from 0.8 on in 18 of 20.
    let clean = list(&[(0.95, true, 8), (0.92, false, 2), (0.8, true, 10)]);
    let mask = list(&[(0.93, true, 9), (0.9, true, 1), (0.85, false, 10)]);
    assert_eq!(lowest_of_all(&[&clean], 0.9), (0.8, 0));
    assert_eq!(lowest_of_all(&[&mask], 0.9), (0.9, 0));
    // The mask's 0.9 has an accuracy of 80 % in the clean list, whose next one is 0.95.
    assert_eq!(lowest_of_all(&[&clean, &mask], 0.9), (0.95, 0));
}

#[test]
fn a_frequent_class_counts_less_where_that_is_more_balanced() {
    // The answer is always anger, with a slightly lower probability if the class is disgust.
    let truths: Vec<usize> = (0..100).map(|row| usize::from(row % 10 == 0)).collect();
    let data = dataset(&truths, false);
    let applied = AppliedProtocol::all(&data, FER_7);
    let p = |truth: &usize| if *truth == 0 { 0.95 } else { 0.6 };
    let evidence = |(row, truth): (usize, &usize)| Evidence {
        row,
        outputs: vec![logits(FER_7, p(truth), 1.0)],
        sight: Sight::default(),
    };
    let views = [view("clean", truths.iter().enumerate().map(evidence).collect())];
    let shares = [0.9, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0];
    let fitted = fit(&outputs(FER_7, None, &shares), &applied, &views, &SETTINGS).unwrap();
    let prior = &fitted.calibration.decision.prior;
    assert!(prior.strength > 0.0, "{prior:?}");
    // Classes that do not occur in the targets are not raised.
    assert_eq!(prior.shares, [0.9, 0.1, 1.0, 1.0, 1.0, 1.0, 1.0]);
    assert_eq!(fitted.steps.last().unwrap().accuracy(), 1.0);
    let fixed = FitSettings { prior: Some(0.0), ..SETTINGS };
    let fitted = fit(&outputs(FER_7, None, &shares), &applied, &views, &fixed).unwrap();
    assert!(fitted.calibration.decision.is_neutral());
    assert_eq!(fitted.steps.last().unwrap().accuracy(), 0.9);
}

#[test]
fn a_second_head_that_knows_better_counts() {
    let (truths, mut evidence) = chances(&[FERPLUS_8, FER_7], 1.0, Sight::default());
    // The first head has no information.
    evidence.iter_mut().for_each(|evidence| evidence.outputs[0] = vec![0.0; 8]);
    let data = dataset(&truths, true);
    let applied: Vec<_> = AppliedProtocol::all(&data, FERPLUS_8);
    let applied = [applied[0].clone(), applied[3].clone()];
    let views = [view("clean", evidence)];
    let two = outputs(FERPLUS_8, Some(FER_7), &[]);
    let fitted = fit(&two, &applied, &views, &SETTINGS).unwrap();
    let second = fitted.calibration.decision.second.clone().unwrap();
    assert!(second.weight > 0.05, "{second:?}");
    assert!((fitted.steps.last().unwrap().accuracy() - 0.75).abs() < 0.02);
    let shown = text::text(&fitted);
    assert!(
        shown.contains("ferplus.plurality and label") && shown.contains("fer-7 counts"),
        "{shown}"
    );
    let one = outputs(FERPLUS_8, None, &[]);
    let mixed = FitSettings { mix: Some(0.5), ..SETTINGS };
    let error = fit(&one, &applied, &views, &mixed).unwrap_err().to_string();
    assert_eq!(error, "--mix: the graph has no second head");
    let shifted = FitSettings { prior: Some(0.5), ..SETTINGS };
    let error = fit(&one, &applied, &views, &shifted).unwrap_err().to_string();
    assert_eq!(error, "--prior: the graph has no class shares");
}

#[test]
fn poor_sight_lowers_confidence_where_answers_are_worse() {
    let bright = Sight { sharpness: 0.3, light: 120.0, contrast: 40.0, ..Sight::default() };
    let dark = Sight { light: 12.0, ..bright };
    let (truths, evidence) = chances(&[FER_7], 1.0, bright);
    let data = dataset(&truths, false);
    let applied = AppliedProtocol::all(&data, FER_7);
    // In the dark, logits are too large by a factor of 3.
    let (_, hard) = chances(&[FER_7], 3.0, dark);
    let settings = FitSettings { temperature: Some(1.0), ..SETTINGS };
    let views = [view("clean", evidence), view("dark", hard)];
    let fitted = fit(&outputs(FER_7, None, &[]), &applied, &views, &settings).unwrap();
    let quality = fitted.calibration.decision.quality;
    assert!(quality.light.weight > 0.1, "{quality:?}");
    assert_eq!([quality.sharpness.weight, quality.size.weight], [0.0; 2]);
    let calibration = &fitted.calibration;
    assert!(
        calibration.error[1] < 0.02 && calibration.conditions[0].error < 0.08,
        "{calibration:?}"
    );
    // All clean rows are below the limit.
    let settings = FitSettings { familiar: Some(1.0), ..settings };
    let limited = fit(&outputs(FER_7, None, &[]), &applied, &views, &settings).unwrap();
    assert!(limited.calibration.decision.energy_limit.is_some());
    assert_eq!(limited.calibration.at_threshold[0], 1.0);
}

#[test]
fn rows_that_do_not_count_are_refused() {
    let data = dataset(&[0], false);
    let applied = AppliedProtocol::all(&data, FER_7);
    let views = [view("clean", Vec::new())];
    for (applied, views) in [(&applied[..], &views[..]), (&[], &views), (&applied, &[])] {
        let error = fit(&outputs(FER_7, None, &[]), applied, views, &SETTINGS).unwrap_err();
        assert!(matches!(error, FitError::NoRows), "{error}");
    }
}
