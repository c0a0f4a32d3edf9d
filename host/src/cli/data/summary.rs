//! `emocue data summary`

use crate::output::{out, outln};
use clap::Args;
use emocue_models::failure::Failure;

use super::json;
use crate::cli::SourceArgs;
use emocue_data::summary::Summary;

/// Arguments of `summary`.
#[derive(Args, Debug)]
pub(super) struct SummaryArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Reads the dataset and prints its summary.
pub(super) fn run(args: &SummaryArgs) -> Result<(), Box<dyn Failure>> {
    let summary = Summary::of(&args.source.read()?);
    if args.json {
        outln!("{}", json(&summary)?);
    } else {
        out!("{summary}");
    }
    Ok(())
}
