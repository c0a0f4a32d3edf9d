//! `emocue export`

use std::path::PathBuf;

use burn::tensor::Device;
use clap::Args;

use crate::export::{Head, export};
use crate::files::write_atomically;
use crate::train::checkpoint::Checkpoint;
use crate::train::optimizer;

/// Write a trained classifier as an ONNX graph.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The training's folder.
    #[arg(long, value_name = "DIR", default_value = "runs/badge")]
    run: PathBuf,
    /// Which of the two heads.
    #[arg(long, value_enum, default_value = "ferplus-8")]
    head: Head,
    /// The graph: normalised luma [N,1,48,48] to logits.
    #[arg(short, long, value_name = "FILE", default_value = "classifier.onnx")]
    out: PathBuf,
}

/// Runs the verb.
///
/// # Errors
/// What went wrong and what to do next.
pub fn run(args: &ExportArgs) -> Result<(), Box<dyn std::error::Error>> {
    let at = Checkpoint::load(&args.run, &Device::flex().autodiff(), optimizer)?;
    let bytes = export(&at.average, args.head)?.to_bytes();
    write_atomically(&args.out, &bytes)?;
    println!(
        "{}: {} bytes, {} after step {} (seed {})",
        args.out.display(),
        bytes.len(),
        args.head.labels().id,
        at.state.step,
        at.state.seed
    );
    Ok(())
}
