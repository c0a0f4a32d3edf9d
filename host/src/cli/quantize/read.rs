//! Reads and checks the float graphs and their calibration inputs.

use std::path::{Path, PathBuf};

use emocue_data::model::metadata;
use emocue_data::picture::{self, pictures_in};
use emocue_models::failure::{Failure, Problem, exit};
use emocue_models::files;
use emocue_quantize::CalibrationInput;
use emocue_quantize::onnx::OnnxGraph;
use emocue_run::mtcnn::{Mtcnn, MtcnnSettings};
use emocue_run::single_shot::{Outputs, SingleShot, SingleShotSettings};

use super::QuantizeArgs;
use crate::cli::eval::with_bar;
use crate::import::adopt::outputs_of;
use crate::import::cascade::CascadeInputs;
use crate::import::mtcnn::{FILES, nets_in};
use crate::quantize::QuantizeFailure;
use crate::quantize::inputs::{self, even};

/// Pictures from which a detector's calibration inputs come; more add little.
const SEARCHED: usize = 160;

/// A network to quantize.
pub(super) struct FloatNetwork {
    /// Its name in messages.
    pub(super) name: String,
    pub(super) onnx: Vec<u8>,
    pub(super) rows: Vec<CalibrationInput>,
    /// Whether outputs stay floats: a detector's boxes and landmarks need a finer resolution than 8 bits.
    pub(super) keep_outputs: bool,
    /// The path of the result.
    pub(super) output: PathBuf,
}

/// The networks in `args`: three in a folder, or one file.
pub(super) fn networks(args: &QuantizeArgs) -> Result<Vec<FloatNetwork>, Box<dyn Failure>> {
    match args.model.is_dir() {
        true => cascade(args),
        false => graph(args).map(|network| vec![network]),
    }
}

/// MTCNN's three networks, each with its inputs for pictures.
fn cascade(args: &QuantizeArgs) -> Result<Vec<FloatNetwork>, Box<dyn Failure>> {
    let pictures = args.data.data.as_deref().ok_or_else(|| {
        Problem::usage("a detector is calibrated on pictures")
            .help("Name a folder of them, with and without faces, with --data.")
    })?;
    let pictures = pictures_in(pictures)?;
    let nets = nets_in(&args.model)?;
    // Small faces are included, so that more windows reach the later networks.
    let settings = MtcnnSettings { min_face: 24.0, ..MtcnnSettings::default() };
    let mut seen = CascadeInputs::new(Mtcnn::load(&nets, settings)?);
    with_bar(pictures.len().min(SEARCHED), |progress| {
        even(SEARCHED, pictures.len()).try_for_each(|at| -> Result<(), Box<dyn Failure>> {
            seen.add(&picture::read(&pictures[at])?)?;
            progress(1);
            Ok(())
        })
    })?;
    let seen = seen.into_inputs(args.rows);
    let networks = [(nets.pnet, seen.pnet), (nets.rnet, seen.rnet), (nets.onet, seen.onet)];
    let network = |(name, (onnx, rows)): (&str, (Vec<u8>, Vec<CalibrationInput>))| FloatNetwork {
        name: name.to_owned(),
        onnx,
        rows,
        keep_outputs: args.keep_outputs,
        output: args.output.join(name),
    };
    Ok(FILES.into_iter().zip(networks).map(network).collect())
}

/// One graph with rows of a dataset, or with centre crops of pictures.
fn graph(args: &QuantizeArgs) -> Result<FloatNetwork, Box<dyn Failure>> {
    let name = args.model.display().to_string();
    let onnx = files::read_at_most(&args.model, files::MAX_BINARY)
        .map_err(|error| Problem::new(format!("cannot read {name}: {error}")).code(exit::INPUT))?;
    let output = args.output.clone();
    if let (Ok(outputs), false, Some(folder)) = (outputs_of(&onnx), args.raw, &args.data.data) {
        let rows = frames(&onnx, outputs, folder, args.rows)?;
        return Ok(FloatNetwork { name, onnx, rows, keep_outputs: true, output });
    }
    let metadata = metadata::read(&onnx).map_err(|error| Problem::at(&name, &error))?;
    let shape = OnnxGraph::read(&onnx).and_then(|graph| graph.input_shape(args.shape.as_deref()));
    let shape =
        shape.map_err(|error| QuantizeFailure { network: name.clone(), error: error.into() })?;
    let rows = match (args.raw, &args.data.data) {
        (true, Some(folder)) => middles(folder, &shape, args.rows)?,
        _ => {
            let preprocess = metadata.preprocess_for(shape.last().copied());
            let preprocess = preprocess.map_err(|error| Problem::at(&name, &error))?;
            inputs::rows(&args.data.read()?, &preprocess, args.rows, &shape)
        }
    };
    Ok(FloatNetwork { name, onnx, rows, keep_outputs: args.keep_outputs, output })
}

/// The inputs of a single-network detector for pictures.
fn frames(
    onnx: &[u8],
    outputs: Outputs,
    folder: &Path,
    count: usize,
) -> Result<Vec<CalibrationInput>, Box<dyn Failure>> {
    let pictures = pictures_in(folder)?;
    let mut detector = SingleShot::load(onnx, outputs, None, SingleShotSettings::default())?;
    let count = count.min(SEARCHED);
    with_bar(count.min(pictures.len()), |progress| {
        inputs::searched(&mut detector, &pictures, count, &progress)
    })
}

/// Centre crops of the pictures in `folder` for an input of `shape`.
fn middles(
    folder: &Path,
    shape: &[usize],
    count: usize,
) -> Result<Vec<CalibrationInput>, Box<dyn Failure>> {
    let [1, 1, side, width] = *shape else {
        return Err(Problem::usage(format!("--raw needs an input [1,1,S,S], not {shape:?}")).into());
    };
    if side != width {
        let message = format!("--raw needs a square input, not {side}x{width}");
        let help = format!("Name one with --shape 1,1,{side},{side}.");
        return Err(Problem::usage(message).help(help).into());
    }
    let pictures = pictures_in(folder)?;
    Ok(inputs::middles(&pictures, side, count)?)
}
