//! Runs networks on rows, on several threads; the result does not depend on their number.

use std::sync::{Mutex, PoisonError};

use emocue_models::label::LabelSet;
use emocue_models::luma::Luma;
use emocue_run::{Classifier, ExpressionNet, RunError};
use rand::RngExt;

use crate::dataset::Dataset;
use crate::degrade::Condition;
use crate::model::average::Member;
use crate::model::{ClassifierModel, ModelError, common_labels};
use crate::random::generator;

/// Rows that a thread takes at once.
const BATCH: usize = 16;

/// Settings for running networks on rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PredictSettings {
    /// Largest random shift and scaling of every face, as a fraction of its side, which simulates a detector's errors;
    /// 0 for none. The same row always gets the same offset.
    pub jitter: f32,
    /// Whether probabilities are averaged over the picture and its mirror image.
    pub flip: bool,
    /// The condition that is applied to every row first, if any.
    pub condition: Option<&'static Condition>,
    /// Number of threads, at least 1; each loads every network once.
    pub threads: usize,
}

impl Default for PredictSettings {
    /// The settings of deployment, on all cores.
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { jitter: 0.0, flip: false, condition: None, threads }
    }
}

/// Probabilities for some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    labels: LabelSet,
    rows: Vec<usize>,
    probabilities: Vec<f32>,
}

impl Predictions {
    /// Label set of the probabilities.
    pub fn labels(&self) -> LabelSet {
        self.labels
    }

    /// Each row's index in the dataset with its probabilities, in the order of the request.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        self.rows.iter().copied().zip(self.probabilities.chunks_exact(self.labels.len()))
    }
}

/// Runs `models` on `rows`; returns the mean of their probabilities in the classes that they share.
///
/// `progress` receives how many more rows are done.
///
/// # Errors
/// [`ModelError`] when a network fails or the models share no classes.
pub fn predict(
    models: &[ClassifierModel],
    data: &Dataset,
    rows: &[usize],
    settings: PredictSettings,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Predictions, ModelError> {
    let labels = common_labels(models)?;
    let mut probabilities = vec![0.0; rows.len() * labels.len()];
    // Each thread takes the next batch and writes to that batch's slice, so the order of threads does not matter.
    let work = Mutex::new(rows.chunks(BATCH).zip(probabilities.chunks_mut(BATCH * labels.len())));
    let threads = settings.threads.clamp(1, rows.len().div_ceil(BATCH).max(1));
    let run = || -> Result<(), RunError> {
        let mut viewer = Viewer::new(models, labels, data.side(), settings)?;
        loop {
            let next = work.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((rows, targets)) = next else { return Ok(()) };
            for (row, target) in rows.iter().zip(targets.chunks_exact_mut(labels.len())) {
                viewer.answer(data.picture(*row), *row, target)?;
            }
            progress(rows.len());
        }
    };
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles.into_iter().try_for_each(|handle| match handle.join() {
            Ok(result) => result.map_err(ModelError::from),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(Predictions { labels, rows: rows.to_vec(), probabilities })
}

/// One thread's networks.
struct Viewer {
    members: Vec<Member>,
    settings: PredictSettings,
    /// The row as a frame, and its mirror image.
    frame: Luma,
    mirror: Luma,
}

impl Viewer {
    fn new(
        models: &[ClassifierModel],
        labels: LabelSet,
        side: usize,
        settings: PredictSettings,
    ) -> Result<Self, RunError> {
        let members = models.iter().map(|model| Member::load(model, labels));
        let members = members.collect::<Result<Vec<_>, _>>()?;
        let (frame, mirror) = (Luma::new(side, side), Luma::new(side, side));
        Ok(Self { members, settings, frame, mirror })
    }

    /// Writes the mean probabilities into `target`, which must be 0.
    fn answer(&mut self, picture: &[u8], row: usize, target: &mut [f32]) -> Result<(), RunError> {
        self.frame.pixels_mut().copy_from_slice(picture);
        if let Some(condition) = self.settings.condition {
            self.frame = condition.apply_to_row(std::mem::take(&mut self.frame));
        }
        let weight = 1.0 / self.members.len() as f32;
        let offset = (self.settings.jitter > 0.0).then(|| Offset::of(row, self.settings.jitter));
        if self.settings.flip {
            let side = self.frame.width();
            for (line, mirrored) in
                self.frame.pixels().chunks(side).zip(self.mirror.pixels_mut().chunks_mut(side))
            {
                mirrored.copy_from_slice(line);
                mirrored.reverse();
            }
        }
        for member in &mut self.members {
            if self.settings.flip {
                member.look(&self.frame, offset, weight / 2.0, target)?;
                member.look(&self.mirror, offset.map(Offset::mirrored), weight / 2.0, target)?;
            } else {
                member.look(&self.frame, offset, weight, target)?;
            }
        }
        Ok(())
    }
}

impl Member {
    /// Adds `weight` times the probabilities for the row in `frame` to `sum`.
    fn look(
        &mut self,
        frame: &Luma,
        offset: Option<Offset>,
        weight: f32,
        sum: &mut [f32],
    ) -> Result<(), RunError> {
        let (net, mapping) = self.parts();
        let probabilities = see(net, frame, offset)?;
        Self::add(mapping, probabilities, weight, sum);
        Ok(())
    }
}

/// Runs the badge's own code, for a row that is a crop already, or for a face with an offset.
fn see<'a>(
    net: &'a mut ExpressionNet,
    frame: &Luma,
    offset: Option<Offset>,
) -> Result<&'a [f32], RunError> {
    match offset {
        None => net.classify_row(frame.pixels()),
        Some(Offset { x, y, scale }) => {
            let face = net.face_of_row(frame.width()).jittered(x, y, scale);
            net.classify(frame, &face)
        }
    }
}

/// The offset of a face: shifts as fractions of its side, and a scale factor.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Offset {
    x: f32,
    y: f32,
    scale: f32,
}

impl Offset {
    /// A random offset of up to `limit` in either direction, the same for the same row.
    fn of(row: usize, limit: f32) -> Self {
        let mut rng = generator(0, 0, row);
        let [x, y, change] = [(); 3].map(|()| rng.random_range(-limit..=limit));
        Self { x, y, scale: 1.0 + change }
    }

    /// The offset in the mirror image.
    fn mirrored(self) -> Self {
        Self { x: -self.x, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_stay_within_their_limit_and_belong_to_the_row() {
        for row in 0..200 {
            let Offset { x, y, scale } = Offset::of(row, 0.1);
            assert!(x.abs() <= 0.1 && y.abs() <= 0.1 && (scale - 1.0).abs() <= 0.1001);
            assert_eq!(Offset::of(row, 0.1), Offset { x, y, scale });
        }
        assert_ne!(Offset::of(1, 0.1), Offset::of(2, 0.1));
    }
}
