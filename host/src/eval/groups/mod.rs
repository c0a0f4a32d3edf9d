//! Evaluation by apparent group under conditions: how often the answer changes, and for which groups more often.
//!
//! Pictures with annotated groups seldom have expression labels. Without them, two figures can be measured: agreement
//! (whether the most probable class of a degraded face is that of the clean one) and coverage. With labels, accuracy is
//! measured too.

mod rows;
pub mod sentences;
pub mod text;

use emocue_data::DataError;
use emocue_data::degrade::ROW_CONDITIONS;
use emocue_data::faces::groups::GroupedFace;
use emocue_data::model::{ClassifierModel, ModelError};
use emocue_data::predict::{PredictSettings, predict};
use emocue_models::decide::most_probable;
use emocue_models::failure::Failure;
use emocue_run::RunError;
use serde::{Deserialize, Serialize};

use super::detector::OpenDetector;
use super::detector::interval::{Figure, share};
use super::threshold;

pub use rows::{GroupRows, LEAST_SIDE};

/// Smallest number of faces of a group; smaller groups are shown, but left out of worst, spread and sentences.
pub const LEAST: usize = 30;

/// Name of the group of all faces.
pub const EVERYBODY: &str = "everybody";

/// Groups cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum GroupsError {
    /// A picture cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A detector failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A classifier failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An annotated expression is not a class of the network.
    #[error("{picture}: \"{expression}\" is not a class of the network ({classes})")]
    Expression {
        /// Name of the picture.
        picture: String,
        /// Its label.
        expression: String,
        /// The network's classes.
        classes: String,
    },
    /// No face was found in any picture.
    #[error("the detector found no face in any of the {pictures} pictures")]
    NoFace {
        /// Number of pictures.
        pictures: usize,
    },
}

impl Failure for GroupsError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.help(),
            Self::Run(error) => error.help(),
            Self::Model(error) => error.help(),
            Self::Expression { .. } => {
                Some("Leave its cell in the column expression empty.".to_owned())
            }
            Self::NoFace { .. } => Some("Name pictures that a face nearly fills.".to_owned()),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Data(error) => error.exit_code(),
            Self::Run(error) => error.exit_code(),
            Self::Model(error) => error.exit_code(),
            Self::Expression { .. } | Self::NoFace { .. } => emocue_models::failure::exit::INPUT,
        }
    }
}

/// Figures by apparent group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupsResult {
    /// The folder of the pictures.
    pub set: String,
    /// Pictures that were searched for a face.
    pub pictures: usize,
    /// Number of evaluated faces: the largest of each picture.
    pub faces: usize,
    /// Share of pictures in which a face was found, by group.
    pub found: Vec<FoundFigure>,
    /// The clean faces, then under each condition.
    pub conditions: Vec<GroupsUnder>,
    /// Sentences about the most notable figures, the worst first.
    pub sentences: Vec<String>,
}

/// How often a face was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundFigure {
    /// The group's name, or `"everybody"`.
    pub group: String,
    /// Share of its pictures.
    pub found: Figure,
}

/// Figures under one condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupsUnder {
    /// The condition's name, or `"clean"`.
    pub condition: String,
    /// All faces, then each group; groups of gender, age and origin overlap.
    pub groups: Vec<GroupFigures>,
    /// The group with the lowest agreement; `null` for clean faces.
    pub worst: Option<String>,
    /// Difference between the highest and the lowest agreement of a group.
    pub spread: Option<f64>,
}

/// Figures of one group under one condition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupFigures {
    /// The group's name, or `"everybody"`.
    pub group: String,
    /// Share of faces whose most probable class is that of the clean face.
    pub agreement: Figure,
    /// Share of answers that are not unsure.
    #[serde(rename = "sure_coverage")]
    pub coverage: Figure,
    /// Of the answers that are not unsure, the share whose class is not that of the clean face; `null` if there is no
    /// such answer.
    pub sure_changed: Option<Figure>,
    /// Accuracy on faces with an expression label; `null` if there is none.
    pub accuracy: Option<Figure>,
}

/// The answer to one face under one condition.
#[derive(Clone, Copy, Debug, PartialEq)]
struct GroupAnswer {
    class: usize,
    sure: bool,
}

/// The data of an evaluation by group.
pub struct GroupsTask<'a> {
    /// The folder's name.
    pub set: String,
    /// The pictures.
    pub faces: Vec<&'a GroupedFace>,
    /// The detector that finds the face in each.
    pub detector: OpenDetector<'a>,
    /// Settings for running the networks.
    pub settings: PredictSettings,
}

impl GroupsTask<'_> {
    /// Pictures to search, for a progress bar.
    pub fn pictures(&self) -> usize {
        self.faces.len()
    }

    /// Detects and crops the faces, once for all networks.
    ///
    /// # Errors
    /// [`GroupsError`] when a picture cannot be read, the detector fails or finds nothing.
    pub fn rows(&self, progress: &(dyn Fn(usize) + Sync)) -> Result<GroupRows, GroupsError> {
        GroupRows::find(self, progress)
    }

    /// Number of rows that networks are run on, for a progress bar.
    pub fn steps(rows: &GroupRows) -> usize {
        rows.len() * (ROW_CONDITIONS.len() + 1)
    }

    /// Runs `models` on the faces, clean and under every condition.
    ///
    /// # Errors
    /// [`GroupsError`] when a network fails or lacks an annotated expression.
    pub fn judge(
        &self,
        rows: &GroupRows,
        models: &[ClassifierModel],
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<GroupsResult, GroupsError> {
        let labels = emocue_data::model::common_labels(models)?;
        let (data, truths) = rows.dataset(labels)?;
        let all: Vec<usize> = (0..data.len()).collect();
        let threshold = threshold(models);
        let answers = |condition| -> Result<Vec<GroupAnswer>, GroupsError> {
            let settings = PredictSettings { condition, ..self.settings };
            let answers = predict(models, &data, &all, settings, progress)?;
            let answer = |(_, probabilities): (usize, &[f32])| {
                let (class, top) = most_probable(probabilities).unwrap_or_default();
                GroupAnswer { class, sure: top >= threshold }
            };
            Ok(answers.iter().map(answer).collect())
        };
        let clean = answers(None)?;
        let mut conditions = vec![rows.under("clean", &clean, &clean, &truths)];
        for condition in &ROW_CONDITIONS {
            let under = answers(Some(condition))?;
            conditions.push(rows.under(condition.name, &under, &clean, &truths));
        }
        let mut result = GroupsResult {
            set: self.set.clone(),
            pictures: self.faces.len(),
            faces: data.len(),
            found: rows.found(),
            conditions,
            sentences: Vec::new(),
        };
        result.sentences = sentences::sentences(&result);
        Ok(result)
    }
}

impl GroupsUnder {
    /// The figures of groups, [`EVERYBODY`] first.
    fn of(condition: &str, is_clean: bool, groups: Vec<GroupFigures>) -> Self {
        let enough = groups
            .iter()
            .filter(|group| !is_clean && group.group != EVERYBODY && group.agreement.of >= LEAST);
        let by_agreement =
            |a: &&GroupFigures, b: &&GroupFigures| a.agreement.value.total_cmp(&b.agreement.value);
        let (worst, best) = (enough.clone().min_by(by_agreement), enough.max_by(by_agreement));
        let spread = worst.zip(best).map(|(w, b)| b.agreement.value - w.agreement.value);
        let worst = worst.map(|group| group.group.clone());
        Self { condition: condition.to_owned(), groups, worst, spread }
    }

    /// The figures of a group.
    pub fn group(&self, name: &str) -> Option<&GroupFigures> {
        self.groups.iter().find(|figures| figures.group == name)
    }
}

impl GroupFigures {
    /// The figures of the answers to a group's faces; `None` without answers.
    fn of(
        group: &str,
        answers: impl Iterator<Item = (GroupAnswer, GroupAnswer, Option<usize>)>,
    ) -> Option<Self> {
        let (mut faces, mut same, mut sure, mut sure_changed) = (0, 0, 0, 0);
        let (mut labelled, mut right) = (0, 0);
        for (answer, clean, truth) in answers {
            let agrees = answer.class == clean.class;
            faces += 1;
            same += usize::from(agrees);
            sure += usize::from(answer.sure);
            sure_changed += usize::from(answer.sure && !agrees);
            labelled += usize::from(truth.is_some());
            right += usize::from(truth == Some(answer.class));
        }
        Some(Self {
            group: group.to_owned(),
            agreement: share(same, faces)?,
            coverage: share(sure, faces)?,
            sure_changed: share(sure_changed, sure),
            accuracy: share(right, labelled),
        })
    }
}

#[cfg(test)]
mod tests;
