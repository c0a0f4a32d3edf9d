//! `emocue quantize FOLDER`: MTCNN's three networks, each on what it sees in pictures.

use std::error::Error;
use std::path::Path;

use emocue_run::mtcnn::{Mtcnn, MtcnnNets, MtcnnSettings};

use super::{QuantizeArgs, table};
use crate::cli::create_dir;
use crate::cli::eval::with_bar;
use crate::import::cascade::Watched;
use crate::import::mtcnn::{FILES, nets_in};
use emocue_data::picture;
use emocue_data::picture::pictures_in;
use emocue_models::files::write_atomically;
use emocue_quantize::quantize;

/// Pictures that are searched; more say little more.
const PICTURES: usize = 160;

/// Quantizes the networks in the folder `args.model` into the folder `args.output`.
pub(super) fn run(args: &QuantizeArgs) -> Result<(), Box<dyn Error>> {
    let pictures = args.data.data.as_deref().ok_or(
        "a detector is calibrated on pictures\n  Name a folder of them, with and without faces, with --data.",
    )?;
    let pictures = pictures_in(pictures)?;
    let nets = nets_in(&args.model)?;
    let inputs = inputs(&nets, &pictures, args.rows)?;
    create_dir(&args.output)?;
    let networks = [(nets.pnet, inputs.pnet), (nets.rnet, inputs.rnet), (nets.onet, inputs.onet)];
    let mut results = Vec::new();
    for (name, (float, rows)) in FILES.into_iter().zip(networks) {
        let result = quantize(&float, &rows, args.settings());
        let result = result.map_err(|error| format!("{name}: {error}"))?;
        results.push((name, float.len(), rows.len(), result));
    }
    // Only now, so that a network that fails leaves nothing half-written.
    for (name, before, rows, result) in results {
        let path = args.output.join(name);
        write_atomically(&path, &result.onnx)?;
        let (path, after) = (path.display(), result.onnx.len());
        println!("{path}: {after} bytes of {before}; {rows} inputs calibrated it");
        print!("{}", table(&result.layers));
    }
    Ok(())
}

fn inputs(
    nets: &MtcnnNets,
    pictures: &[std::path::PathBuf],
    count: usize,
) -> Result<MtcnnNets<Vec<emocue_run::Recorded>>, Box<dyn Error>> {
    // Small faces too: more windows reach the later networks.
    let settings = MtcnnSettings { min_face: 24.0, ..MtcnnSettings::default() };
    let mut watched = Watched::new(Mtcnn::load(nets, settings)?);
    let used = pictures.len().min(PICTURES);
    with_bar(used, |progress| {
        (0..used).try_for_each(|at| -> Result<(), Box<dyn Error>> {
            let path: &Path = &pictures[at * pictures.len() / used];
            watched.see(&picture::read(path)?)?;
            progress(1);
            Ok(())
        })
    })?;
    Ok(watched.inputs(count))
}
