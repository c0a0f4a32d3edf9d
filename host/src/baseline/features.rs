//! Pictures as feature vectors: their pixels, reduced pixels, or a network's features.

use std::thread;

use emocue_models::bundle::Bundle;
use emocue_models::crop::Preprocess;
use emocue_models::failure::{Failure, exit};
use emocue_run::{RunError, Session};

use super::cut::{CutError, before_dense};
use super::threads;
use emocue_data::dataset::Dataset;

/// Side of reduced pictures, px.
const SMALL: usize = 24;

/// Batch size of a network.
const BATCH: usize = 16;

/// A matrix with one feature vector for each row, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    values: Vec<f32>,
    width: usize,
}

/// The kind of features.
pub enum Features<'a> {
    /// Its pixels, each `0..=1`.
    Pixels,
    /// Means of squares of pixels, 24x24 in all, each `0..=1`.
    SmallPixels,
    /// The input of the last dense layer of a bundle's classifier: its pooled features.
    Network(&'a Bundle<'a>),
}

/// The features cannot be computed.
#[derive(Debug, thiserror::Error)]
pub enum FeatureError {
    /// The pictures' size is not a multiple of the smaller one.
    #[error("pictures of {0} px cannot become {SMALL} px by whole squares")]
    Side(usize),
    /// The network takes another size.
    #[error("{network} takes pictures of {size} px, but the dataset has {side} px")]
    NetworkSide {
        /// The bundle's classifier.
        network: String,
        /// Side of its input, px.
        size: usize,
        /// Side of the dataset's pictures, px.
        side: usize,
    },
    /// The network has no features to read.
    #[error("{network}: {source}")]
    Cut {
        /// The bundle's classifier.
        network: String,
        /// The reason.
        source: CutError,
    },
    /// The network does not run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A thread panicked.
    #[error("a thread stopped; its message is above")]
    Thread,
}

impl Failure for FeatureError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Side(_) => "Use --features pixels.",
            Self::NetworkSide { .. } => "Name another --bundle, or use --features pixels.",
            Self::Cut { source, .. } => return source.help(),
            Self::Run(error) => return error.help(),
            Self::Thread => return None,
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Side(_) | Self::NetworkSide { .. } => exit::USAGE,
            Self::Cut { source, .. } => source.exit_code(),
            Self::Run(error) => error.exit_code(),
            Self::Thread => exit::FAILED,
        }
    }
}

impl Matrix {
    /// `values` in rows of `width`.
    ///
    /// # Panics
    /// When `width` is 0 or does not divide their number: a defect of the caller.
    pub fn new(values: Vec<f32>, width: usize) -> Self {
        assert!(width > 0 && values.len().is_multiple_of(width), "whole rows");
        Self { values, width }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Values in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// Every row.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }

    /// Every row, to be changed in place.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.values.chunks_exact_mut(self.width)
    }
}

impl Features<'_> {
    /// One vector for each of `rows`; `done` receives how many more rows are finished, from any thread.
    ///
    /// # Errors
    /// [`FeatureError`] when the pictures' size does not fit or the network fails.
    pub fn of(
        &self,
        data: &Dataset,
        rows: &[usize],
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<Matrix, FeatureError> {
        match self {
            Self::Pixels => {
                let pixels = rows.iter().flat_map(|row| data.picture(*row));
                let values = pixels.map(|pixel| f32::from(*pixel) / 255.0).collect();
                Ok(Matrix::new(values, data.side() * data.side()))
            }
            Self::SmallPixels => {
                if data.side() == 0 || !data.side().is_multiple_of(SMALL) {
                    return Err(FeatureError::Side(data.side()));
                }
                let values = rows.iter().flat_map(|row| smaller(data.picture(*row), data.side()));
                Ok(Matrix::new(values.collect(), SMALL * SMALL))
            }
            Self::Network(bundle) => network(bundle, data, rows, done),
        }
    }
}

/// Means of squares of pixels, as fractions of white.
fn smaller(picture: &[u8], side: usize) -> Vec<f32> {
    let step = side / SMALL;
    let mut sums = vec![0u32; SMALL * SMALL];
    for (y, line) in picture.chunks_exact(side).enumerate() {
        for (x, pixel) in line.iter().enumerate() {
            sums[y / step * SMALL + x / step] += u32::from(*pixel);
        }
    }
    let white = 255.0 * (step * step) as f32;
    sums.into_iter().map(|sum| sum as f32 / white).collect()
}

/// Divides the rows among the threads, each with its own session.
fn network(
    bundle: &Bundle<'_>,
    data: &Dataset,
    rows: &[usize],
    done: &(dyn Fn(usize) + Sync),
) -> Result<Matrix, FeatureError> {
    let spec = &bundle.manifest().classifier;
    let (network, preprocess) = (&spec.network, &spec.preprocess);
    let (size, side) = (preprocess.size, data.side());
    if size != side {
        return Err(FeatureError::NetworkSide { network: network.clone(), size, side });
    }
    let onnx = before_dense(bundle.payload(network).unwrap_or_default())
        .map_err(|source| FeatureError::Cut { network: network.clone(), source })?;
    let share = rows.len().div_ceil(threads()).max(1);
    let parts = thread::scope(|scope| {
        let run = |part| {
            let onnx = &onnx;
            scope.spawn(move || run(network, onnx, preprocess, data, part, done))
        };
        let handles: Vec<_> = rows.chunks(share).map(run).collect();
        let join = |handle: thread::ScopedJoinHandle<'_, _>| {
            handle.join().map_err(|_| FeatureError::Thread)?
        };
        handles.into_iter().map(join).collect::<Result<Vec<_>, _>>()
    })?;
    let values = parts.concat();
    let width = (values.len() / rows.len().max(1)).max(1);
    Ok(Matrix::new(values, width))
}

fn run(
    name: &str,
    onnx: &[u8],
    preprocess: &Preprocess,
    data: &Dataset,
    rows: &[usize],
    done: &(dyn Fn(usize) + Sync),
) -> Result<Vec<f32>, FeatureError> {
    let (size, pixels) = (preprocess.size, preprocess.pixels());
    let session = Session::load(name, onnx, &[BATCH, 1, size, size])?;
    let mut values = Vec::new();
    for rows in rows.chunks(BATCH) {
        let outputs = session.run(|input| {
            for (row, target) in rows.iter().zip(input.chunks_exact_mut(pixels)) {
                preprocess.normalise(data.picture(*row), target);
            }
        })?;
        let found = outputs.get(0)?;
        // The last batch may be padded with black pictures.
        values.extend_from_slice(&found[..found.len() / BATCH * rows.len()]);
        done(rows.len());
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use emocue_models::bundle;
    use emocue_models::label::FER_7;

    use super::*;
    use emocue_data::dataset::Row;
    use emocue_data::{SIDE, Split};

    fn data(side: usize, count: usize) -> Dataset {
        let mut data = Dataset::new("test", FER_7, side);
        for number in 0..count {
            let split = Split::Training;
            let picture: Vec<u8> =
                (0..side * side).map(|at| ((at * 7 + number * 31) % 256) as u8).collect();
            data.push(Row { split, label: 0, subject: None, origin: String::new() }, &picture);
        }
        data
    }

    #[test]
    fn pixels_are_fractions_of_white() {
        let data = data(48, 2);
        let all = Features::Pixels.of(&data, &[1, 0], &|_| ()).unwrap();
        assert_eq!((all.len(), all.width()), (2, 2304));
        assert_eq!(all.row(1)[3], 21.0 / 255.0);
        let small = Features::SmallPixels.of(&data, &[0], &|_| ()).unwrap();
        assert_eq!((small.len(), small.width()), (1, 576));
        // Columns 0 and 1 of lines 0 and 1: 0, 7, 336 - 256, 343 - 256.
        assert!((small.row(0)[0] - (7 + 80 + 87) as f32 / 4.0 / 255.0).abs() < 1e-6);
        let odd = Features::SmallPixels.of(&self::data(40, 1), &[0], &|_| ()).unwrap_err();
        assert!(odd.to_string().contains("40 px"), "{odd}");
    }

    #[test]
    fn a_networks_features_do_not_depend_on_the_batch() {
        let bundle = Bundle::read(bundle::DEFAULT).unwrap();
        let (data, counted) = (data(SIDE, 20), AtomicUsize::new(0));
        let rows: Vec<usize> = (0..20).collect();
        let count = |rows| {
            counted.fetch_add(rows, Ordering::Relaxed);
        };
        let all = Features::Network(&bundle).of(&data, &rows, &count).unwrap();
        assert_eq!((all.len(), counted.load(Ordering::Relaxed)), (20, 20));
        assert!(all.width() >= 32, "{} features", all.width());
        let one = Features::Network(&bundle).of(&data, &[7], &|_| ()).unwrap();
        for (a, b) in one.row(0).iter().zip(all.row(7)) {
            assert!((a - b).abs() < 1e-4, "{a} is not {b}");
        }
        let error = Features::Network(&bundle).of(&self::data(24, 1), &[0], &|_| ()).unwrap_err();
        assert!(error.to_string().contains("takes pictures of 48 px"), "{error}");
    }
}
