//! Preparation of many pictures on several threads.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use super::face::{Prepared, Preparer};
use super::log::Log;
use super::{Job, PrepareError, PrepareOutcome, PreparedRecord};
use crate::{DataError, picture};
use emocue_models::files::write_atomically;

/// Prepares the pictures that the log in `out` does not have yet, with one thread for each of `preparers`, until `stop`
/// is set. `progress` receives the records of every finished picture, those of earlier runs first.
///
/// # Errors
/// [`PrepareError`] when a network fails, a result cannot be written, or `out` has results of other settings.
pub fn run(
    input: &Path,
    out: &Path,
    jobs: &[Job],
    preparers: Vec<Preparer>,
    stop: &AtomicBool,
    mut progress: impl FnMut(&[PreparedRecord]),
) -> Result<(), PrepareError> {
    let Some(first) = preparers.first() else { return Ok(()) };
    let (mut log, done) = Log::open(out, first.settings())?;
    let known: HashSet<&str> = done.iter().flatten().map(|record| record.file.as_str()).collect();
    let left: Vec<&Job> = jobs.iter().filter(|job| !known.contains(job.file.as_str())).collect();
    let asked: HashSet<&str> = jobs.iter().map(|job| job.file.as_str()).collect();
    let is_asked =
        |records: &&Vec<PreparedRecord>| records.iter().all(|r| asked.contains(r.file.as_str()));
    done.iter().filter(is_asked).for_each(|records| progress(records));

    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let (sender, finished) = mpsc::channel();
    std::thread::scope(|scope| {
        for mut preparer in preparers {
            let (sender, left, next, failed) = (sender.clone(), &left, &next, &failed);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let Some(job) = left.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    match one(&mut preparer, input, out, job) {
                        Ok(records) => {
                            if sender.send(records).is_err() {
                                break;
                            }
                        }
                        Err(error) => {
                            next.store(left.len(), Ordering::Relaxed);
                            if let Ok(mut failed) = failed.lock() {
                                failed.get_or_insert(error);
                            }
                            break;
                        }
                    }
                }
            });
        }
        drop(sender);
        for records in finished {
            log.add(&records)?;
            progress(&records);
        }
        Ok::<_, PrepareError>(())
    })?;
    match failed.into_inner() {
        Ok(Some(error)) => Err(error),
        _ => Ok(()),
    }
}

/// Prepares one picture and writes the results.
fn one(
    preparer: &mut Preparer,
    input: &Path,
    out: &Path,
    job: &Job,
) -> Result<Vec<PreparedRecord>, PrepareError> {
    let file = job.file.clone();
    let picture = match picture::read(&input.join(&file)) {
        Ok(picture) => picture,
        Err(error) => {
            let note = match error {
                DataError::File { what, .. } => what,
                other => other.to_string(),
            };
            let (output, outcome) = (String::new(), PrepareOutcome::Unreadable);
            return Ok(vec![PreparedRecord { file, output, outcome, share: None, note }]);
        }
    };
    let faces = preparer.prepare(&picture)?;
    let side = preparer.settings().side as u32;
    let record = |(index, face): (usize, Prepared)| -> Result<PreparedRecord, PrepareError> {
        let Prepared { outcome, share, square } = face;
        let output = match square {
            Some(square) => write(out, job.output(index), &square, side)?,
            None => String::new(),
        };
        Ok(PreparedRecord { file: file.clone(), output, outcome, share, note: String::new() })
    };
    faces.into_iter().enumerate().map(record).collect()
}

/// Writes a square as PNG and returns its name.
fn write(out: &Path, output: String, square: &[u8], side: u32) -> Result<String, PrepareError> {
    let path = out.join(&output);
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(square, side, side, ExtendedColorType::L8)
        .map_err(|source| PrepareError::Png { file: output.clone(), source })?;
    write_atomically(&path, &png).map_err(std::io::Error::from)?;
    Ok(output)
}
