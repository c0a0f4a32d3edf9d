//! `emocue eval --groups` for classifiers

use std::path::Path;

use emocue_data::faces::groups::{self, GroupedFace};
use emocue_data::model::ClassifierModel;
use emocue_data::predict::PredictSettings;
use emocue_models::bundle::DEFAULT_NAME;
use emocue_models::failure::Failure;

use super::detectors::NamedDetector;
use super::eval::with_bar;
use super::eval_detector::DetectorArgs;
use crate::eval::Judged;
use crate::eval::groups::{GroupsTask, LEAST_SIDE};

/// Pictures with annotated groups, and the detector for their faces.
pub(super) struct GroupFaces {
    /// The folder's name.
    pub(super) set: String,
    faces: Vec<GroupedFace>,
    detector: NamedDetector,
}

impl GroupFaces {
    /// Reads the annotations, and the detector of the evaluated bundle, else of the embedded one.
    pub(super) fn read(labels: &Path, bundle: Option<&Path>) -> Result<Self, Box<dyn Failure>> {
        let folder = labels.parent().and_then(Path::file_name);
        let set = folder.or(labels.file_name()).unwrap_or_default().to_string_lossy().into_owned();
        let detector = bundle.unwrap_or(Path::new(DEFAULT_NAME));
        let detector = NamedDetector::read(detector, Some(LEAST_SIDE))?;
        Ok(Self { set, faces: groups::read(labels)?, detector })
    }

    /// Adds the figures of each of `models` to its evaluation.
    pub(super) fn judge(
        &self,
        args: &DetectorArgs,
        settings: PredictSettings,
        models: &[Vec<ClassifierModel>],
        judged: &mut [Judged],
    ) -> Result<(), Box<dyn Failure>> {
        let task = GroupsTask {
            set: self.set.clone(),
            faces: args.limited(self.faces.iter()),
            detector: Box::new(|| self.detector.open(None)),
            settings,
        };
        let rows = with_bar(task.pictures(), |progress| task.rows(progress))?;
        for (models, judged) in models.iter().zip(judged) {
            let steps = GroupsTask::steps(&rows);
            let result = with_bar(steps, |progress| task.judge(&rows, models, progress))?;
            judged.evaluation.groups = Some(result);
        }
        Ok(())
    }
}
