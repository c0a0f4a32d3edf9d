//! `emocue data landmarks`: landmarks of a dataset's rows.

use std::path::PathBuf;

use clap::Args;
use emocue_models::bundle::{Bundle, bytes_of, in_bundle};
use emocue_models::failure::Failure;
use emocue_models::files::write_atomically;

use super::super::eval::with_bar;
use super::super::output::{CSV, OverwriteArg};
use super::super::source::SourceArgs;
use super::json;
use crate::output::{errln, outln};
use crate::quantize::inputs::even;
use emocue_data::Split;
use emocue_data::landmarks::{LandmarkStudy, find_all, study, text};

/// Arguments of `landmarks`.
#[derive(Args, Debug)]
pub(super) struct LandmarksArgs {
    #[command(flatten)]
    data: SourceArgs,
    /// The bundle whose detector is used: a file, or "default" for the embedded one
    #[arg(long, default_value = "default", value_name = "FILE")]
    bundle: PathBuf,
    /// Number of rows, evenly spaced over the Training split
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Process every row of the dataset and write its landmarks, for --landmarks of other commands
    #[arg(short, long, value_name = "CSV", conflicts_with = "rows")]
    output: Option<PathBuf>,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Studies the rows and prints the result.
pub(super) fn run(args: &LandmarksArgs) -> Result<(), Box<dyn Failure>> {
    if let Some(path) = &args.output {
        args.overwrite.check(path, CSV, &[])?;
    }
    let bytes = bytes_of(&args.bundle)?;
    let bundle = Bundle::read(&bytes).map_err(in_bundle(&args.bundle))?;
    let data = args.data.read()?;
    let rows = match args.output {
        Some(_) => (0..data.len()).collect(),
        None => some(&data.rows(Split::Training), args.rows as usize),
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let found = with_bar(rows.len(), |done| find_all(&data, &rows, &bundle, threads, done))?;
    let result = study(&found);
    if args.json {
        outln!("{}", json(&result)?);
    } else {
        print(&result, data.side());
    }
    if let Some(path) = &args.output {
        write_atomically(path, text(&data, &rows, &found).as_bytes())?;
        errln!("the landmarks of {} rows are in {}", result.faces, path.display());
    }
    Ok(())
}

fn some(rows: &[usize], count: usize) -> Vec<usize> {
    even(count, rows.len()).map(|at| rows[at]).collect()
}

fn print(LandmarkStudy { rows, faces, landmarks }: &LandmarkStudy, side: usize) {
    outln!("{faces} faces in {rows} rows; px of the {side}x{side} row, pixel centres at .5\n");
    outln!("{:<18} {:>12} {:>12} {:>12}", "", "mean", "median", "deviation");
    for spread in landmarks {
        let [mean, median, deviation] = [spread.mean, spread.median, spread.deviation]
            .map(|point| format!("{:.1}, {:.1}", point.x, point.y));
        outln!("{:<18} {mean:>12} {median:>12} {deviation:>12}", spread.landmark);
    }
}
