//! `emocue data landmarks`: where eyes, nose and mouth lie in FER2013.

use crate::output::outln;
use std::path::PathBuf;

use clap::Args;
use emocue_models::bundle::Bundle;
use emocue_models::failure::Failure;
use emocue_run::Networks;

use super::json;
use super::progress::Progress;
use emocue_data::Split;
use emocue_data::fer2013;
use emocue_data::landmarks::{LandmarkStudy, MIN_FACE, study};
use emocue_models::bundle::{bytes_of, in_bundle};

/// Arguments of `landmarks`.
#[derive(Args, Debug)]
pub(super) struct LandmarksArgs {
    /// fer2013.csv, plain or gzipped, in Kaggle's layout
    #[arg(long, value_name = "CSV")]
    fer2013: PathBuf,
    /// The bundle whose detector looks: a file, or "default" for the embedded one
    #[arg(long, default_value = "default", value_name = "FILE")]
    bundle: PathBuf,
    /// How many rows, spread evenly over the split
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..))]
    rows: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

/// Studies the rows and prints the result.
pub(super) fn run(args: &LandmarksArgs) -> Result<(), Box<dyn Failure>> {
    let bytes = bytes_of(&args.bundle)?;
    let bundle = Bundle::read(&bytes).map_err(in_bundle(&args.bundle))?;
    let mut detector = Networks::from_bundle(&bundle, Some(MIN_FACE))?.detector;
    let fer = fer2013::read(&args.fer2013)?;
    let rows = fer.rows(Split::Training);
    let step = (rows.len() / args.rows as usize).max(1);
    let rows: Vec<usize> = rows.into_iter().step_by(step).take(args.rows as usize).collect();
    let mut progress = Progress::new(rows.len());
    let pictures = rows.iter().map(|row| fer.picture(*row));
    let found = study(pictures, detector.as_mut(), || progress.step())?;
    progress.finish();
    if args.json {
        outln!("{}", json(&found)?);
    } else {
        print(&found);
    }
    Ok(())
}

fn print(LandmarkStudy { rows, faces, landmarks }: &LandmarkStudy) {
    outln!("{faces} faces in {rows} rows; px of the 48x48 row, pixel centres at .5\n");
    outln!("{:<18} {:>12} {:>12} {:>12}", "", "mean", "median", "deviation");
    for spread in landmarks {
        let [mean, median, deviation] = [spread.mean, spread.median, spread.deviation]
            .map(|point| format!("{:.1}, {:.1}", point.x, point.y));
        outln!("{:<18} {mean:>12} {median:>12} {deviation:>12}", spread.landmark);
    }
}
