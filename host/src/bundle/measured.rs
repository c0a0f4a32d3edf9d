//! The results of `emocue eval --json` under conditions and by group, for a bundle's metrics and its model card.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use emocue_data::degrade::Condition;
use emocue_data::model::ClassifierModel;
use emocue_models::failure::{Failure, exit};

use crate::eval::card::{EvalFile, Evaluation};
use crate::eval::conditions::{ConditionFigures, ConditionsResult};
use crate::eval::groups::GroupsResult;

/// Prefix of the metrics' names.
const CONDITIONS: &str = "conditions.";

/// An evaluation that does not fit a bundle.
#[derive(Debug, thiserror::Error)]
pub enum MeasuredError {
    /// It is of another network, or of other settings.
    #[error("it measured {measured}, not {classifier} with temperature {temperature}")]
    AnotherModel {
        /// The evaluated network.
        measured: String,
        /// The packed network.
        classifier: String,
        /// The packed temperature.
        temperature: f32,
    },
    /// It has neither conditions nor groups.
    #[error("it has no figures under conditions and none by group")]
    Nothing,
}

impl Failure for MeasuredError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::AnotherModel { .. } => {
                "Measure the graph that is packed: emocue eval --model ONNX --conditions --json."
            }
            Self::Nothing => "Measure with --conditions, with --groups CSV, or with both.",
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

/// A bundle's figures of its classifier.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MeasuredFigures {
    /// Metrics for the manifest.
    pub metrics: BTreeMap<String, f64>,
    /// Sections for the model card, Markdown; each begins with its heading.
    pub sections: Vec<String>,
}

impl MeasuredFigures {
    /// The figures of `classifier` in `file`.
    ///
    /// # Errors
    /// [`MeasuredError`] when the file is of another classifier or has no such figures.
    pub fn of(file: &EvalFile, classifier: &ClassifierModel) -> Result<Self, MeasuredError> {
        let (sha256, temperature) =
            (classifier.sha256().to_string(), classifier.spec().temperature);
        let is_own = |evaluation: &&Evaluation| match evaluation.models.as_slice() {
            [model] => model.sha256 == sha256 && model.temperature == temperature,
            _ => false,
        };
        let evaluation = file.evaluations.iter().find(is_own).ok_or_else(|| {
            let name = |evaluation: &Evaluation| match evaluation.models.as_slice() {
                [model] => format!("{} with temperature {}", model.name, model.temperature),
                _ => evaluation.name.clone(),
            };
            MeasuredError::AnotherModel {
                measured: file.evaluations.iter().map(name).collect::<Vec<_>>().join(", "),
                classifier: classifier.name().to_owned(),
                temperature,
            }
        })?;
        let mut figures = Self::default();
        if let Some((on, result)) = conditions(evaluation) {
            figures.metrics = metrics(result);
            figures.sections.push(conditions_section(&on, &file.command, result));
        }
        if let Some(result) = &evaluation.groups {
            figures.sections.push(groups_section(&file.command, result));
        }
        if figures.sections.is_empty() { Err(MeasuredError::Nothing) } else { Ok(figures) }
    }

    /// `card` with the sections that it does not have yet.
    pub fn added_to(&self, card: &str) -> String {
        let mut card = card.trim_end().to_owned();
        for section in &self.sections {
            let heading = section.lines().next().unwrap_or_default();
            if !card.lines().any(|line| line.trim_end() == heading) {
                card = format!("{card}\n\n{}", section.trim_end());
            }
        }
        card + "\n"
    }
}

/// The results under conditions of the last split that has any, by the main protocol.
fn conditions(evaluation: &Evaluation) -> Option<(String, &ConditionsResult)> {
    evaluation.splits.iter().rev().find_map(|split| {
        let of = |protocol: &str| format!("{} of {}, {protocol}", split.split, evaluation.dataset);
        split.protocols.iter().find_map(|p| Some((of(&p.protocol), p.conditions.as_ref()?)))
    })
}

/// Accuracies, `0..=1`, and the mean calibration error.
fn metrics(result: &ConditionsResult) -> BTreeMap<String, f64> {
    let named = |figures: &ConditionFigures| {
        (format!("{CONDITIONS}{}", figures.name.replace(' ', "-")), figures.accuracy)
    };
    let mut metrics: BTreeMap<String, f64> = result.lines().map(named).collect();
    let worst = result.worst().map(|worst| (format!("{CONDITIONS}worst"), worst.accuracy));
    metrics.extend(worst);
    let error = (format!("{CONDITIONS}mean.calibration_error"), result.mean.calibration_error);
    metrics.extend([error]);
    metrics
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

fn about(condition: &str) -> &str {
    Condition::of_row(condition).map_or(condition, |known| known.about)
}

fn conditions_section(on: &str, command: &str, result: &ConditionsResult) -> String {
    let mut text =
        format!("## Under conditions\n\n{on}: `{command}`. Each face again, made harder.\n");
    // Writing into a string cannot fail.
    if let Some(worst) = result.worst() {
        _ = writeln!(
            text,
            "\nWorst {}: {} of the answers are right. There {} are shown as sure, and {} of those are right.",
            about(&worst.name),
            percent(worst.accuracy),
            percent(worst.coverage),
            percent(worst.accuracy_at_threshold)
        );
    }
    text += "\n| faces | right | balanced | calibration error | sure | right when sure |\n|---|---|---|---|---|---|\n";
    for figures in result.lines() {
        let name = match figures.name.as_str() {
            "clean" => "as they are".to_owned(),
            "mean" => format!("mean of {} conditions", result.conditions.len()),
            name => format!("{} ({name})", about(name)),
        };
        _ = writeln!(
            text,
            "| {name} | {} | {} | {} | {} | {} |",
            percent(figures.accuracy),
            percent(figures.balanced_accuracy),
            percent(figures.calibration_error),
            percent(figures.coverage),
            percent(figures.accuracy_at_threshold)
        );
    }
    text
}

fn groups_section(command: &str, result: &GroupsResult) -> String {
    let mut text = format!(
        "## By apparent group\n\n{} faces of {}, labelled with apparent age, gender and origin: `{command}`.\n\n",
        result.faces, result.set
    );
    for sentence in &result.sentences {
        text += &format!("- {sentence}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use emocue_models::bundle::{Bundle, DEFAULT};

    use super::*;
    use crate::eval::card::FORMAT;
    use crate::eval::context::Environment;

    /// An evaluation of the default bundle, written by hand.
    fn file(classifier: &ClassifierModel) -> EvalFile {
        let figures = |name: &str, accuracy: f64| ConditionFigures {
            name: name.to_owned(),
            accuracy,
            coverage: 0.5,
            accuracy_at_threshold: 0.75,
            ..ConditionFigures::default()
        };
        let result = ConditionsResult {
            clean: figures("clean", 0.8),
            conditions: vec![figures("light x0.1", 0.25), figures("hand", 0.55)],
            mean: figures("mean", 0.4),
            worst: "light x0.1".to_owned(),
        };
        let groups = GroupsResult {
            set: "faces".to_owned(),
            pictures: 9,
            faces: 8,
            found: Vec::new(),
            conditions: Vec::new(),
            sentences: vec!["The answer changed most often at night.".to_owned()],
        };
        let card = serde_json::json!({
            "labels": "fer-7", "rows": 0, "accuracy": 0.8,
            "macro_average": {"precision": 0.0, "recall": 0.0, "f1": 0.0},
            "weighted_average": {"precision": 0.0, "recall": 0.0, "f1": 0.0},
            "calibration_error": 0.0, "threshold": 0.5, "sure_coverage": 0.0, "sure_accuracy": 0.0,
            "classes": [], "confusion": [], "confusion_normalised": [], "reliability": [], "abstention": [],
        });
        let evaluation = serde_json::json!({
            "name": "default", "labels": "ferplus-8", "dataset": "fer2013", "flip": false, "jitter": 0.0,
            "folds": null, "groups": groups,
            "models": [{
                "name": "default", "labels": "ferplus-8", "side": 48, "bytes": 1,
                "temperature": classifier.spec().temperature, "sha256": classifier.sha256().to_string(),
            }],
            "splits": [{
                "split": "PublicTest", "rows": 9, "also_in_training": 0,
                "protocols": [{
                    "protocol": "ferplus.plurality", "about": "", "all": card, "not_in_training": null,
                    "conditions": result,
                }],
            }],
        });
        EvalFile {
            format: FORMAT.to_owned(),
            environment: Environment::here(),
            command: "emocue eval --conditions".to_owned(),
            evaluations: vec![serde_json::from_value(evaluation).unwrap()],
        }
    }

    fn classifier() -> ClassifierModel {
        ClassifierModel::from_bundle("default", &Bundle::read(DEFAULT).unwrap()).unwrap()
    }

    #[test]
    fn metrics_and_sections_come_from_the_file() {
        let classifier = classifier();
        let found = MeasuredFigures::of(&file(&classifier), &classifier).unwrap();
        for (name, value) in [
            ("conditions.clean", 0.8),
            ("conditions.mean", 0.4),
            ("conditions.worst", 0.25),
            ("conditions.light-x0.1", 0.25),
            ("conditions.hand", 0.55),
        ] {
            assert_eq!(found.metrics.get(name), Some(&value), "{name}");
        }
        let card = found.added_to("# Model card\n");
        for line in [
            "Worst in a tenth of the light: 25.0 % of the answers are right. There 50.0 % are shown as sure, and 75.0 % of \
             those are right.",
            "| mean of 2 conditions | 40.0 % |",
            "| with a hand before the mouth (hand) | 55.0 % |",
            "- The answer changed most often at night.",
        ] {
            assert!(card.contains(line), "{line}: {card}");
        }
        assert_eq!(found.added_to(&card), card, "nothing is added twice");
    }

    #[test]
    fn figures_of_another_network_or_of_nothing_are_refused() {
        let classifier = classifier();
        let mut other = file(&classifier);
        other.evaluations[0].models[0].sha256 = "00".repeat(32);
        let error = MeasuredFigures::of(&other, &classifier).unwrap_err();
        assert!(
            error.to_string().starts_with("it measured default with temperature 0.7"),
            "{error}"
        );
        let softened = classifier.clone().with_calibration(Some(2.0), None);
        assert!(MeasuredFigures::of(&file(&classifier), &softened).is_err());
        let mut bare = file(&classifier);
        bare.evaluations[0].splits.clear();
        bare.evaluations[0].groups = None;
        let error = MeasuredFigures::of(&bare, &classifier).unwrap_err();
        assert!(matches!(error, MeasuredError::Nothing), "{error}");
    }
}
