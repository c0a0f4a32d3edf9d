//! `emocue average`

use std::path::PathBuf;

use clap::Args;
use emocue_models::failure::{Failure, Problem, exit};
use emocue_models::files::{self, write_atomically};
use emocue_quantize::average;

use super::output::{ONNX, OverwriteArg};
use crate::output::outln;

/// Average the weights of several trainings of one network that started from the same weights.
#[derive(Args, Debug)]
pub struct AverageArgs {
    /// Float graphs of one architecture; the metadata is taken from the first.
    #[arg(required = true, num_args = 2.., value_name = "GRAPH")]
    graphs: Vec<PathBuf>,
    /// Weight of each graph, in order; equal by default.
    #[arg(long, value_delimiter = ',', value_name = "SHARE,...")]
    shares: Vec<f32>,
    /// The graph to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

/// Runs the verb.
///
/// # Errors
/// What went wrong and what to do next.
pub fn run(args: &AverageArgs) -> Result<(), Box<dyn Failure>> {
    args.overwrite.check(&args.output, ONNX, &[])?;
    let count = args.graphs.len();
    let shares = match args.shares.len() {
        0 => vec![1.0; count],
        given if given == count => args.shares.clone(),
        given => {
            let problem = Problem::usage(format!("{given} shares for {count} graphs"));
            return Err(problem.help("Give one for each graph: --shares 0.3,0.7.").into());
        }
    };
    let read = |path: &PathBuf| {
        files::read_at_most(path, files::MAX_BINARY).map_err(|error| {
            Problem::new(format!("cannot read {}: {error}", path.display())).code(exit::INPUT)
        })
    };
    let bytes = args.graphs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let graphs: Vec<(&[u8], f32)> = bytes.iter().map(Vec::as_slice).zip(shares).collect();
    let mean = average(&graphs).map_err(|error| {
        Problem::new(error.to_string())
            .help("Give float graphs (before quantize) of trainings that share their [net] and heads, and positive shares.")
            .code(exit::INPUT)
    })?;
    write_atomically(&args.output, &mean)?;
    outln!("{}: {} bytes, the mean of {count} graphs", args.output.display(), mean.len());
    Ok(())
}
