//! A network's logits for rows, with the image quality of their faces: the data to which a decision is fitted.

use std::sync::{Mutex, PoisonError};

use emocue_models::decision::Sight;
use emocue_models::luma::Luma;
use emocue_run::RunError;

use crate::dataset::Dataset;
use crate::model::{ClassifierModel, ModelError};

/// Rows that a thread takes at once.
const BATCH: usize = 16;

/// The network's outputs for one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Index of the row in the dataset.
    pub row: usize,
    /// The logits of each of the graph's outputs.
    pub outputs: Vec<Vec<f32>>,
    /// The image quality of the face.
    pub sight: Sight,
}

/// A change of a row before the network is run on it.
pub type RowChange<'a> = &'a (dyn Fn(Luma) -> Luma + Sync);

/// Runs `model` on `rows`, each after `change` if there is one, on `threads` threads; the result does not depend on
/// their number. `progress` receives how many more rows are done.
///
/// # Errors
/// [`ModelError`] when the network fails.
pub fn evidence(
    model: &ClassifierModel,
    data: &Dataset,
    rows: &[usize],
    change: Option<RowChange<'_>>,
    threads: usize,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Evidence>, ModelError> {
    let mut found = vec![Evidence::default(); rows.len()];
    let work = Mutex::new(rows.chunks(BATCH).zip(found.chunks_mut(BATCH)));
    let run = || -> Result<(), RunError> {
        let mut net = model.load()?;
        loop {
            let next = work.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((rows, targets)) = next else { return Ok(()) };
            for (row, target) in rows.iter().zip(targets) {
                let picture = data.picture(*row);
                let (outputs, sight) = match change {
                    None => net.evidence_of_row(picture)?,
                    Some(change) => {
                        let mut frame = Luma::new(data.side(), data.side());
                        frame.pixels_mut().copy_from_slice(picture);
                        net.evidence_of_row(change(frame).pixels())?
                    }
                };
                *target = Evidence { row: *row, outputs, sight };
            }
            progress(rows.len());
        }
    };
    std::thread::scope(|scope| {
        let threads = threads.clamp(1, rows.len().div_ceil(BATCH).max(1));
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles.into_iter().try_for_each(|handle| match handle.join() {
            Ok(result) => result.map_err(ModelError::from),
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    Ok(found)
}
