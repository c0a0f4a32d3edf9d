//! `emocue infer`

use crate::output::outln;
use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use emocue_models::failure::{Failure, Problem, exit};
use emocue_quantize::onnx::decode;
use emocue_run::Session;

use super::open::read;
use super::output::OverwriteArg;
use emocue_models::files::write_atomically;

/// Run an ONNX graph in tract on raw values, to compare it with another runtime.
#[derive(Args, Debug)]
pub struct InferArgs {
    /// The graph; one input of f32.
    model: PathBuf,
    /// The input's shape, e.g. 1,1,48,48.
    #[arg(long, value_delimiter = ',', required = true)]
    shape: Vec<usize>,
    /// Concatenated inputs: little-endian f32, row-major.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// For each input all outputs of the graph: little-endian f32, row-major.
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Run all inputs this many times and print the minimum wall time of a run, ms.
    #[arg(long, value_name = "TIMES")]
    time: Option<usize>,
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help.
pub fn run(args: &InferArgs) -> Result<(), Box<dyn Failure>> {
    args.overwrite.allow(&args.out, &[])?;
    let size = args.shape.iter().try_fold(4usize, |size, axis| size.checked_mul(*axis));
    let size = size
        .filter(|size| *size > 0)
        .ok_or_else(|| Problem::usage("the shape has no or too many values"))?;
    let input = read(&args.input)?;
    if input.len() % size != 0 {
        return Err(Problem::new(format!(
            "{} has {} bytes, which is not a multiple of {size} (shape {:?} of f32)",
            args.input.display(),
            input.len(),
            args.shape
        ))
        .code(exit::INPUT)
        .into());
    }
    let name = args.model.display().to_string();
    let onnx = read(&args.model)?;
    decode(&onnx).map_err(|error| {
        let problem = Problem::new(format!("{name}: {error}")).code(exit::NETWORK);
        error.help().map_or(problem.clone(), |help| problem.help(help))
    })?;
    let session = Session::load(&name, &onnx, &args.shape)?;
    let mut out = Vec::new();
    let mut least = f64::INFINITY;
    for _ in 0..args.time.unwrap_or(1).max(1) {
        out.clear();
        for one in input.chunks_exact(size) {
            let start = Instant::now();
            let outputs = session.run(|target| {
                for (value, bytes) in target.iter_mut().zip(one.chunks_exact(4)) {
                    *value = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                }
            })?;
            least = least.min(start.elapsed().as_secs_f64());
            for index in 0..outputs.len() {
                out.extend(outputs.get(index)?.iter().flat_map(|value| value.to_le_bytes()));
            }
        }
    }
    write_atomically(&args.out, &out)?;
    match args.time {
        Some(_) => outln!("{:.4}", 1e3 * least),
        None => outln!("{} ({} bytes)", args.out.display(), out.len()),
    }
    Ok(())
}
