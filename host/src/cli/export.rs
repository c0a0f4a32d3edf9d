//! `emocue export`

use crate::output::outln;
use std::path::PathBuf;

use clap::Args;

use super::output::{ONNX, OverwriteArg};
use emocue_models::failure::{Failure, Problem};
use emocue_models::files::write_atomically;
use emocue_train::export::TrainedNetwork;

/// Write a trained classifier as an ONNX graph.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The training's folder.
    #[arg(long, value_name = "DIR", default_value = "runs/badge")]
    run: PathBuf,
    /// The label set of one of the network's heads.
    #[arg(long, default_value = "ferplus-8")]
    head: String,
    /// The graph: normalised luma [N,1,48,48] to logits.
    #[arg(short, long, value_name = "FILE", default_value = "classifier.onnx")]
    out: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

/// Runs the verb.
///
/// # Errors
/// What went wrong and what to do next.
pub fn run(args: &ExportArgs) -> Result<(), Box<dyn Failure>> {
    args.overwrite.check(&args.out, ONNX, &[])?;
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
