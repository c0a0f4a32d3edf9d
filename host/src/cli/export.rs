//! `emocue export`

use std::path::PathBuf;

use burn::tensor::Device;
use clap::Args;

use emocue_models::files::write_atomically;
use emocue_train::checkpoint::Checkpoint;
use emocue_train::export::onnx;
use emocue_train::optimizer::optimizer;

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
}

/// Runs the verb.
///
/// # Errors
/// What went wrong and what to do next.
pub fn run(args: &ExportArgs) -> Result<(), Box<dyn std::error::Error>> {
    let at = Checkpoint::load(&args.run, &Device::flex().autodiff(), optimizer)?;
    let net = at.exported(&args.run, &Device::flex())?;
    let labels = net.labels();
    let Some(head) = labels.iter().position(|set| set.id == args.head) else {
        let known: Vec<&str> = labels.iter().map(|set| set.id).collect();
        let asked = &args.head;
        return Err(format!("no head {asked:?}\n  This network has: {}.", known.join(", ")).into());
    };
    let bytes = onnx(&at.state.recipe, &net, head)?;
    write_atomically(&args.out, &bytes)?;
    println!(
        "{}: {} bytes, {} after step {} (seed {})",
        args.out.display(),
        bytes.len(),
        args.head,
        at.state.step,
        at.state.seed
    );
    Ok(())
}
