//! Faces with apparent groups under conditions: does the answer stay what it was, and for whom less?
//!
//! Pictures with groups seldom have expression labels. What can be measured without them: whether the most probable class
//! of a degraded face is that of the clean one, and how often an answer is sure. Where there are labels, accuracy too.

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

/// A group with fewer faces is shown, and left out of worst, spread and sentences.
pub const LEAST: usize = 30;

/// Everybody, beside the groups.
pub const EVERYBODY: &str = "everybody";

/// Groups could not be judged.
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
    /// An expression that the network does not answer.
    #[error("{picture}: \"{expression}\" is not a class of the network ({classes})")]
    Expression {
        /// Which picture.
        picture: String,
        /// Its label.
        expression: String,
        /// The network's classes.
        classes: String,
    },
    /// Not one picture shows a face.
    #[error("the detector found no face in any of the {pictures} pictures")]
    NoFace {
        /// How many were searched.
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
    /// Faces that were judged: the largest of each picture.
    pub faces: usize,
    /// Share of pictures in which a face was found, by group.
    pub found: Vec<FoundFigure>,
    /// The faces as they are, then under each condition.
    pub conditions: Vec<GroupsUnder>,
    /// What stands out, in plain words, the worst first.
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
    /// Everybody, then each group; groups of gender, age and origin overlap.
    pub groups: Vec<GroupFigures>,
    /// The group whose answers changed most often; `null` of clean faces.
    pub worst: Option<String>,
    /// Difference of agreement between the groups whose answers changed least and most often.
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
    /// Share of the sure answers whose class is not that of the clean face; `null` where none is sure.
    pub sure_changed: Option<Figure>,
    /// Share of right answers among faces with an expression label; `null` where there is none.
    pub accuracy: Option<Figure>,
}

/// What was answered to one face under one condition.
#[derive(Clone, Copy, Debug, PartialEq)]
struct GroupAnswer {
    class: usize,
    sure: bool,
}

/// What groups are judged by.
pub struct GroupsTask<'a> {
    /// The folder's name.
    pub set: String,
    /// The pictures.
    pub faces: Vec<&'a GroupedFace>,
    /// Finds the face in each.
    pub detector: OpenDetector<'a>,
    /// As for every other row.
    pub settings: PredictSettings,
}

impl GroupsTask<'_> {
    /// Pictures to search, for a progress bar.
    pub fn pictures(&self) -> usize {
        self.faces.len()
    }

    /// Finds and crops the faces, once for all networks.
    ///
    /// # Errors
    /// [`GroupsError`] when a picture cannot be read, the detector fails or finds nothing.
    pub fn rows(&self, progress: &(dyn Fn(usize) + Sync)) -> Result<GroupRows, GroupsError> {
        GroupRows::find(self, progress)
    }

    /// Rows that are shown to the networks, for a progress bar.
    pub fn steps(rows: &GroupRows) -> usize {
        rows.len() * (ROW_CONDITIONS.len() + 1)
    }

    /// Asks `models` about the faces as they are and under every condition.
    ///
    /// # Errors
    /// [`GroupsError`] when a network fails or does not know an expression.
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
    /// Of groups in any order, everybody first.
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
    /// Of the answers to a group's faces; `None` of none.
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
