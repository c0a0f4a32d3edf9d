//! Teachers: exported networks whose probabilities a student learns (knowledge distillation, Hinton et al. 2015).
//!
//! A teacher is run once on every training picture and its mirror image, in tract; its outputs are stored beside the
//! checkpoint, so that a resumed training does not run it again.

use std::path::Path;

use emocue_models::failure::{Failure, exit};
use emocue_models::hex;
use emocue_models::label::LabelSet;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use emocue_data::dataset::Dataset;
use emocue_data::model::ClassifierModel;
use emocue_data::model::ModelError;
use emocue_data::predict::{PredictSettings, predict};
use emocue_models::files::write_atomically;

/// One teacher's outputs for the training rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Teacher {
    labels: LabelSet,
    /// `[rows, classes]`, natural logarithms of the probabilities.
    logarithms: Vec<f32>,
}

/// The content of a file of a teacher's outputs.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// SHA-256 of the graph and of the pictures.
    of: [u8; 32],
    /// `[rows, classes]`: natural logarithms of the probabilities, averaged over a picture and its mirror image.
    logarithms: Vec<f32>,
}

/// A teacher's outputs cannot be obtained.
#[derive(Debug, thiserror::Error)]
pub enum TeacherError {
    /// The network cannot be read or fails.
    #[error("the teacher cannot answer: {0}")]
    Model(#[from] ModelError),
    /// Its outputs cannot be stored.
    #[error("the teacher's answers cannot be kept: {0}")]
    Io(#[from] std::io::Error),
}

impl Failure for TeacherError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Model(error) => error.help(),
            Self::Io(_) => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Model(error) => error.exit_code(),
            Self::Io(_) => exit::FOLDER,
        }
    }
}

impl Teacher {
    /// Runs `model` on `rows` of `data`, or reads its outputs from the folder `cache`. `progress` receives how many
    /// more rows are done.
    ///
    /// # Errors
    /// [`TeacherError`] when the network fails or the outputs cannot be written.
    pub fn ask(
        model: &ClassifierModel,
        data: &Dataset,
        rows: &[usize],
        cache: &Path,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<Self, TeacherError> {
        let labels = model.labels();
        let mut hash = Sha256::new_with_prefix(model.sha256().to_string());
        rows.iter().for_each(|row| hash.update(data.picture(*row)));
        let of: [u8; 32] = hash.finalize().into();
        let name = hex::encode(&of[..6]);
        let cache = cache.join(format!("teacher-{name}.bin"));
        let kept = std::fs::read(&cache).ok().and_then(|bytes| postcard::from_bytes(&bytes).ok());
        let fits =
            |kept: &Kept| kept.of == of && kept.logarithms.len() == rows.len() * labels.len();
        if let Some(Kept { logarithms, .. }) = kept.filter(fits) {
            return Ok(Self { labels, logarithms });
        }
        let settings = PredictSettings { flip: true, ..PredictSettings::default() };
        let asked = std::slice::from_ref(model);
        let answers = predict(asked, data, rows, settings, progress)?;
        let logarithm = |p: &f32| p.max(f32::MIN_POSITIVE).ln();
        let logarithms = answers.iter().flat_map(|(_, row)| row.iter().map(logarithm)).collect();
        let kept = Kept { of, logarithms };
        let bytes = postcard::to_allocvec(&kept).map_err(std::io::Error::other)?;
        write_atomically(&cache, &bytes).map_err(std::io::Error::from)?;
        Ok(Self { labels, logarithms: kept.logarithms })
    }

    /// Its label set.
    pub fn labels(&self) -> LabelSet {
        self.labels
    }

    /// Its probabilities `[classes]` for training row number `at`, at `temperature`, `> 0`.
    pub fn probabilities(&self, at: usize, temperature: f32) -> Vec<f32> {
        let classes = self.labels.len();
        let row = &self.logarithms[at * classes..(at + 1) * classes];
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f32> = row.iter().map(|v| ((v - top) / temperature).exp()).collect();
        let sum: f32 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::VALENCE_3;

    use super::*;

    #[test]
    fn temperature_softens() {
        let logarithms = [0.8f32, 0.1, 0.1, 0.6, 0.3, 0.1].iter().map(|p| p.ln()).collect();
        let teacher = Teacher { labels: VALENCE_3, logarithms };
        let plain = teacher.probabilities(1, 1.0);
        assert!((plain[0] - 0.6).abs() < 1e-6 && (plain[1] - 0.3).abs() < 1e-6, "{plain:?}");
        let soft = teacher.probabilities(1, 4.0);
        assert!(soft[0] < 0.45 && (soft.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{soft:?}");
    }
}
