//! `emocue export`

use crate::output::outln;
use std::path::PathBuf;

use clap::Args;

use super::output::{ONNX, OverwriteArg};
use emocue_models::failure::{Failure, Problem};
use emocue_models::files::write_atomically;
use emocue_train::export::TrainedNetwork;
use emocue_train::face::{self, checkpoint::FaceState};

/// Export a trained network as an ONNX graph, also from an unfinished training.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The training's folder.
    #[arg(long, value_name = "DIR", default_value = "runs/badge")]
    run: PathBuf,
    /// The label set of one of a classifier's heads.
    #[arg(long, default_value = "ferplus-8")]
    head: String,
    /// The graph: of a classifier from normalised luma [N,1,48,48] to logits, of a detector from [1,1,H,W] to its cells.
    #[arg(short, long, value_name = "FILE", default_value = "classifier.onnx")]
    out: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help.
pub fn run(args: &ExportArgs) -> Result<(), Box<dyn Failure>> {
    args.overwrite.check(&args.out, ONNX, &[])?;
    if let Ok(state) = FaceState::peek(&args.run) {
        let bytes = face::run::graph(&args.run)?;
        write_atomically(&args.out, &bytes)?;
        let (frames, seed) = (state.frames, state.seed);
        let path = args.out.display();
        outln!("{path}: {} bytes, a detector after {frames} frames (seed {seed})", bytes.len());
        return Ok(());
    }
    let trained = TrainedNetwork::load(&args.run)?;
    let labels = trained.labels();
    let Some(head) = labels.iter().position(|set| set.id == args.head) else {
        let known: Vec<&str> = labels.iter().map(|set| set.id).collect();
        let help = format!("This network has: {}.", known.join(", "));
        return Err(Problem::usage(format!("no head {:?}", args.head)).help(help).into());
    };
    let bytes = trained.onnx(head).map_err(|error| Problem::new(error.to_string()))?;
    write_atomically(&args.out, &bytes)?;
    outln!(
        "{}: {} bytes, {} after step {} (seed {})",
        args.out.display(),
        bytes.len(),
        args.head,
        trained.state().step,
        trained.state().seed
    );
    Ok(())
}
