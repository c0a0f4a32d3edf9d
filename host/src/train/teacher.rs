//! Teachers: exported networks whose answers a student learns (Hinton et al. 2015).
//!
//! A teacher answers every training picture and its mirror once, in tract; the answers are kept beside
//! the checkpoint, so that a resumed training does not ask again.

use std::path::{Path, PathBuf};

use emocue_models::label::LabelSet;
use emocue_models::run::{Classifier as _, ExpressionNet, RunError};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::dataset::Dataset;
use crate::files::write_atomically;

/// One teacher's answers to the training rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Teacher {
    labels: LabelSet,
    answers: Answers,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Answers {
    /// SHA-256 of the graph and of the pictures.
    of: [u8; 32],
    /// `[rows, 2, classes]` natural logarithms of probabilities, of the picture and of its mirror.
    logarithms: Vec<f32>,
}

/// A teacher cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum TeacherError {
    /// tract cannot run it.
    #[error("the teacher {path} cannot answer: {source}", path = .0.display(), source = .1)]
    Run(PathBuf, RunError),
    /// Its answers cannot be kept.
    #[error("the teacher's answers cannot be kept: {0}")]
    Io(#[from] std::io::Error),
}

impl Teacher {
    /// Asks `net`, which was loaded from the graph `onnx` at `path`, about `rows` of `data`, or reads
    /// what it said before from `cache`. `progress` gets the rows done.
    ///
    /// # Errors
    /// [`TeacherError`] when the network fails or the answers cannot be written.
    pub fn ask(
        path: &Path,
        onnx: &[u8],
        net: &mut ExpressionNet,
        data: &Dataset,
        rows: &[usize],
        cache: &Path,
        mut progress: impl FnMut(usize),
    ) -> Result<Self, TeacherError> {
        let labels = net.labels();
        let mut hash = Sha256::new_with_prefix(onnx);
        rows.iter().for_each(|row| hash.update(data.picture(*row)));
        let of: [u8; 32] = hash.finalize().into();
        let name: String = of.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        let cache = cache.join(format!("teacher-{name}.bin"));
        let kept = std::fs::read(&cache).ok().and_then(|bytes| postcard::from_bytes(&bytes).ok());
        let expected = rows.len() * 2 * labels.len();
        if let Some(answers) =
            kept.filter(|kept: &Answers| kept.of == of && kept.logarithms.len() == expected)
        {
            return Ok(Self { labels, answers });
        }
        let mut logarithms = Vec::with_capacity(expected);
        let run = |error| TeacherError::Run(path.to_owned(), error);
        for (done, row) in rows.iter().enumerate() {
            let picture = data.picture(*row);
            let mirror: Vec<u8> =
                picture.chunks(data.side()).flat_map(|line| line.iter().rev().copied()).collect();
            for view in [picture, &mirror] {
                let answer = net.classify_row(view).map_err(run)?;
                logarithms.extend(answer.iter().map(|p| p.max(f32::MIN_POSITIVE).ln()));
            }
            progress(done + 1);
        }
        let answers = Answers { of, logarithms };
        let bytes = postcard::to_allocvec(&answers).map_err(std::io::Error::other)?;
        write_atomically(&cache, &bytes)?;
        Ok(Self { labels, answers })
    }

    /// The classes it answers in.
    pub fn labels(&self) -> LabelSet {
        self.labels
    }

    /// Its probabilities for training row number `at`, the mean of both views, each softened by
    /// `temperature`.
    pub fn probabilities(&self, at: usize, temperature: f32) -> Vec<f32> {
        let classes = self.labels.len();
        let views = &self.answers.logarithms[at * 2 * classes..(at + 1) * 2 * classes];
        let mut mean = vec![0.0; classes];
        for view in views.chunks_exact(classes) {
            let top = view.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weights: Vec<f32> = view.iter().map(|v| ((v - top) / temperature).exp()).collect();
            let sum: f32 = weights.iter().sum();
            mean.iter_mut().zip(weights).for_each(|(m, w)| *m += 0.5 * w / sum);
        }
        mean
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::VALENCE_3;

    use super::*;

    #[test]
    fn temperature_softens_and_both_views_count() {
        let logarithms = [[0.8f32, 0.1, 0.1], [0.6, 0.3, 0.1]].concat();
        let logarithms = logarithms.iter().map(|p| p.ln()).collect();
        let teacher = Teacher { labels: VALENCE_3, answers: Answers { of: [0; 32], logarithms } };
        let plain = teacher.probabilities(0, 1.0);
        assert!((plain[0] - 0.7).abs() < 1e-6 && (plain[1] - 0.2).abs() < 1e-6, "{plain:?}");
        let soft = teacher.probabilities(0, 4.0);
        assert!(soft[0] < 0.5 && (soft.iter().sum::<f32>() - 1.0).abs() < 1e-6, "{soft:?}");
    }
}
