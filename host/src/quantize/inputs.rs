//! Calibration inputs: rows of a dataset, or centre crops of pictures.

use std::path::PathBuf;

use emocue_data::dataset::Dataset;
use emocue_data::{DataError, Split, picture, resize};
use emocue_models::crop::Preprocess;
use emocue_models::failure::Failure;
use emocue_models::geometry::Rect;
use emocue_quantize::CalibrationInput;
use emocue_run::Recorded;
use emocue_run::single_shot::SingleShot;

use crate::eval::detector::frame::fit;

/// `count` evenly spaced indices below `total`; all if there are no more.
pub(crate) fn even(count: usize, total: usize) -> impl Iterator<Item = usize> {
    let count = count.min(total);
    (0..count).map(move |at| at * total / count)
}

/// `count` rows of the Training split, or of all splits if it is empty, preprocessed for a classifier with input
/// `shape`.
pub fn rows(
    data: &Dataset,
    preprocess: &Preprocess,
    count: usize,
    shape: &[usize],
) -> Vec<CalibrationInput> {
    let data = data.clone().resized(preprocess.size);
    let mut from = data.rows(Split::Training);
    if from.is_empty() {
        from = (0..data.len()).collect();
    }
    let row = |at: usize| {
        let mut values = vec![0.0; preprocess.pixels()];
        preprocess.normalise(data.picture(from[at]), &mut values);
        CalibrationInput { shape: shape.to_vec(), values }
    };
    even(count, from.len()).map(row).collect()
}

/// The inputs of a single-network detector for `count` pictures, each fitted into a frame as in an evaluation; `done`
/// receives how many more pictures are done.
///
/// # Errors
/// When a picture cannot be read or the network fails.
pub fn searched(
    detector: &mut SingleShot,
    pictures: &[PathBuf],
    count: usize,
    done: &dyn Fn(usize),
) -> Result<Vec<CalibrationInput>, Box<dyn Failure>> {
    let mut inputs = Vec::new();
    for at in even(count, pictures.len()) {
        let fitted = fit(&picture::read(&pictures[at])?, &[]);
        let seen = detector.inputs(&fitted.frame)?.into_iter();
        inputs.extend(seen.map(|Recorded { shape, values }| CalibrationInput { shape, values }));
        done(1);
    }
    Ok(inputs)
}

/// The centre squares of `count` pictures as luma `0..=255`, `[1, 1, side, side]`.
///
/// # Errors
/// [`DataError`] naming the picture.
pub fn middles(
    pictures: &[PathBuf],
    side: usize,
    count: usize,
) -> Result<Vec<CalibrationInput>, DataError> {
    let middle = |at: usize| {
        let frame = picture::read(&pictures[at])?;
        let (width, height) = (frame.width() as f32, frame.height() as f32);
        let square = width.min(height);
        let rect = Rect::new((width - square) / 2.0, (height - square) / 2.0, square, square);
        let values = resize::cut(&frame, &rect, side).into_iter().map(f32::from).collect();
        Ok(CalibrationInput { shape: vec![1, 1, side, side], values })
    };
    even(count, pictures.len()).map(middle).collect()
}
