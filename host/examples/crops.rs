//! Writes many crops of a few faces, each with a random offset and brightness, as consecutive luma bytes: inputs for
//! the comparison of runtimes. The same number of rows of FER2013 follows if its file is named too.
//!
//! ```sh
//! cargo run --release -p emocue-host --example crops -- crops-48.u8 48 512 models/run/pictures/*.jpg
//! ```

use std::error::Error;
use std::path::Path;

use emocue_data::{Split, fer2013, picture};
use emocue_models::bundle::Bundle;
use emocue_models::crop::Preprocess;
use emocue_models::resample::Resampler;
use emocue_run::Networks;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The detector is fixed, so that the crops do not change with the default bundle's detector.
static MTCNN: &[u8] = include_bytes!("../../tests/data/mtcnn.emocue");

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [output, side, count, pictures @ ..] = arguments.as_slice() else {
        return Err("crops FILE SIDE COUNT PICTURE...".into());
    };
    let (side, count): (usize, usize) = (side.parse()?, count.parse()?);
    let mut networks = Networks::from_bundle(&Bundle::read(MTCNN)?, None)?;
    let mut found = Vec::new();
    let (tables, pictures): (Vec<&String>, Vec<&String>) =
        pictures.iter().partition(|path| path.ends_with(".csv") || path.ends_with(".csv.gz"));
    for path in pictures {
        let frame = picture::read(Path::new(path))?;
        let mut faces = Vec::new();
        networks.detector.detect(&frame, &mut faces)?;
        found.push((faces.first().copied().ok_or(format!("no face in {path}"))?, frame));
    }
    let preprocess = Preprocess::of_size(side);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut resampler = Resampler::default();
    let mut crops = vec![0; count * preprocess.pixels()];
    for (at, crop) in crops.chunks_exact_mut(preprocess.pixels()).enumerate() {
        let (face, frame) = &found[at % found.len()];
        let mut off = |limit: f32| rng.random_range(-limit..limit);
        let face = face.jittered(off(0.15), off(0.15), 1.0 + off(0.25));
        let (gain, offset) = (1.0 + off(0.4), off(50.0));
        preprocess.crop(frame, &face, &mut resampler, crop);
        let lit =
            |pixel: &mut u8| *pixel = (f32::from(*pixel) * gain + offset).clamp(0.0, 255.0) as u8;
        crop.iter_mut().for_each(lit);
    }
    for table in tables {
        let data = fer2013::read(Path::new(table))?.resized(side);
        let rows = data.rows(Split::PublicTest);
        for at in 0..count.min(rows.len()) {
            crops.extend_from_slice(data.picture(rows[at * rows.len() / count.max(1)]));
        }
    }
    std::fs::write(output, crops)?;
    Ok(())
}
