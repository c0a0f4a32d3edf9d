//! Crops of the faces in pictures with annotated groups.

use emocue_data::Split;
use emocue_data::dataset::{Dataset, Row};
use emocue_data::picture;
use emocue_models::crop::Preprocess;
use emocue_models::geometry::Face;
use emocue_models::label::LabelSet;
use emocue_models::resample::Resampler;
use emocue_run::Detector;

use super::super::detector::interval::share;
use super::super::parallel;
use super::{
    EVERYBODY, FoundFigure, GroupAnswer, GroupFigures, GroupsError, GroupsTask, GroupsUnder,
};

/// Side of a row, px: twice a network's usual input, so that cropping loses no detail that matters under a condition.
const SIDE: usize = 96;

/// The smallest face to detect, px of the picture, which it should nearly fill.
pub const LEAST_SIDE: f32 = 40.0;

/// Cropped faces with their groups.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupRows {
    rows: Vec<GroupRow>,
    /// Every group's name, number of pictures, and number of pictures with a detected face;
    /// [`EVERYBODY`](super::EVERYBODY) first.
    groups: Vec<(String, usize, usize)>,
}

#[derive(Clone, Debug, PartialEq)]
struct GroupRow {
    name: String,
    groups: Vec<String>,
    expression: Option<String>,
    pixels: Vec<u8>,
}

impl GroupRows {
    pub(super) fn find(
        task: &GroupsTask<'_>,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<Self, GroupsError> {
        let preprocess = Preprocess::of_size(SIDE);
        type Desk = (Box<dyn Detector + Send>, Vec<Face>, Resampler);
        let open = || -> Result<Desk, GroupsError> {
            Ok(((task.detector)()?, Vec::new(), Resampler::default()))
        };
        let crop = |(detector, found, resampler): &mut Desk, at: usize| {
            let frame = picture::read(&task.faces[at].file)?;
            detector.detect(&frame, found)?;
            progress(1);
            let largest = found.iter().max_by(|a, b| a.rect.area().total_cmp(&b.rect.area()));
            Ok::<_, GroupsError>(largest.map(|face| {
                let mut pixels = vec![0; preprocess.pixels()];
                preprocess.crop(&frame, face, resampler, &mut pixels);
                pixels
            }))
        };
        let cropped = parallel::run(task.settings.threads, task.faces.len(), open, crop)?;
        let mut groups = vec![(EVERYBODY.to_owned(), 0, 0)];
        let mut rows = Vec::new();
        for (face, pixels) in task.faces.iter().zip(cropped) {
            for name in [EVERYBODY].into_iter().chain(face.groups.iter().map(String::as_str)) {
                let at = groups.iter().position(|(known, ..)| known == name);
                let at = at.unwrap_or_else(|| {
                    groups.push((name.to_owned(), 0, 0));
                    groups.len() - 1
                });
                groups[at].1 += 1;
                groups[at].2 += usize::from(pixels.is_some());
            }
            rows.extend(pixels.map(|pixels| GroupRow {
                name: face.name.clone(),
                groups: face.groups.clone(),
                expression: face.expression.clone(),
                pixels,
            }));
        }
        if rows.is_empty() {
            return Err(GroupsError::NoFace { pictures: task.faces.len() });
        }
        groups[1..].sort();
        Ok(Self { rows, groups })
    }

    /// Number of faces.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Always false: [`GroupsTask::rows`] returns an error without faces.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The faces as a dataset for a network with these classes, and the right class of each if known.
    pub(super) fn dataset(
        &self,
        labels: LabelSet,
    ) -> Result<(Dataset, Vec<Option<usize>>), GroupsError> {
        let mut data = Dataset::new("groups", labels, SIDE);
        let mut truths = Vec::new();
        for row in &self.rows {
            let class = |expression: &String| {
                labels.class_of(expression).ok_or_else(|| GroupsError::Expression {
                    picture: row.name.clone(),
                    expression: expression.clone(),
                    classes: labels.names.join(", "),
                })
            };
            let truth = row.expression.as_ref().map(class).transpose()?;
            let split = Split::PrivateTest;
            let label = truth.unwrap_or_default();
            data.push(Row { split, label, subject: None, origin: row.name.clone() }, &row.pixels);
            truths.push(truth);
        }
        Ok((data, truths))
    }

    /// The share of each group's pictures with a detected face.
    pub(super) fn found(&self) -> Vec<FoundFigure> {
        let figure = |(group, pictures, found): &(String, usize, usize)| {
            Some(FoundFigure { group: group.clone(), found: share(*found, *pictures)? })
        };
        self.groups.iter().filter_map(figure).collect()
    }

    /// The figures of the answers, one for each face.
    pub(super) fn under(
        &self,
        condition: &str,
        answers: &[GroupAnswer],
        clean: &[GroupAnswer],
        truths: &[Option<usize>],
    ) -> GroupsUnder {
        let figures = |(group, ..): &(String, usize, usize)| {
            let own = (0..self.rows.len())
                .filter(|at| group == EVERYBODY || self.rows[*at].groups.contains(group));
            GroupFigures::of(group, own.map(|at| (answers[at], clean[at], truths[at])))
        };
        let groups = self.groups.iter().filter_map(figures).collect();
        GroupsUnder::of(condition, condition == "clean", groups)
    }
}
