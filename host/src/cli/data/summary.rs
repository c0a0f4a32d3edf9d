//! `emocue data summary`

use std::error::Error;

use clap::Args;

use crate::cli::SourceArgs;
use emocue_data::summary::Summary;

/// What `summary` is told.
#[derive(Args, Debug)]
pub(super) struct SummaryArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Reads the dataset and prints what is in it.
pub(super) fn run(args: &SummaryArgs) -> Result<(), Box<dyn Error>> {
    let summary = Summary::of(&args.source.read()?);
    if args.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        print!("{summary}");
    }
    Ok(())
}
