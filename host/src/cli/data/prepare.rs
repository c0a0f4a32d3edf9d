//! `emocue data prepare`

use crate::output::outln;
use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use emocue_models::bundle::Bundle;
use emocue_models::failure::{Failure, Problem};
use emocue_run::{Networks, RunError};

use super::progress::Progress;
use crate::cli::count;
use crate::cli::interrupt::{stop_on_ctrl_c, stopped};
use emocue_data::picture::kinds;
use emocue_data::prepare::{
    Faces, Fallback, How, Jobs, LOG, MIN_FACE, PrepareOutcome, PrepareSettings, PreparedRecord,
    Preparer, jobs, run as prepare,
};
use emocue_data::{SIDE, threads};
use emocue_models::bundle::{bytes_of, in_bundle};

/// Arguments of `prepare`.
#[derive(Args, Debug)]
pub(super) struct PrepareArgs {
    /// Folder of raw pictures, in folders per class or any others
    #[arg(long, value_name = "DIR")]
    input: PathBuf,
    /// Folder for the results, in the same subfolders; pictures that are already done are skipped
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// How a detected face is made square
    #[arg(long, value_enum, default_value = "align")]
    how: How,
    /// Handling of a picture whose face is not detected or too small
    #[arg(long, value_enum, default_value = "skip")]
    fallback: Fallback,
    /// Which faces of a picture are used
    #[arg(long, value_enum, default_value = "largest")]
    faces: Faces,
    /// Smallest face, as a fraction of the picture's shorter side; 0 accepts every face
    #[arg(long, value_name = "PART", default_value_t = 0.0, value_parser = share)]
    min_share: f32,
    /// Width and height of the results, px
    #[arg(long, value_name = "PX", default_value_t = SIDE as u16, value_parser = clap::value_parser!(u16).range(8..=512))]
    side: u16,
    /// The bundle whose detector is used: a file, or "default" for the embedded one
    #[arg(long, default_value = "default", value_name = "FILE")]
    bundle: PathBuf,
    /// Number of threads
    #[arg(long, default_value_t = threads(), value_parser = count::threads)]
    workers: usize,
}

fn share(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| format!("\"{text}\" is not a number"))?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("expected 0 to 1".into()) }
}

/// Prepares the pictures and prints the outcomes.
pub(super) fn run(args: &PrepareArgs) -> Result<(), Box<dyn Failure>> {
    let bytes = bytes_of(&args.bundle)?;
    let bundle = Bundle::read(&bytes).map_err(in_bundle(&args.bundle))?;
    let manifest = bundle.manifest();
    let settings = PrepareSettings {
        how: args.how,
        fallback: args.fallback,
        faces: args.faces,
        side: args.side.into(),
        min_share: args.min_share,
        detector: format!("{} {}", manifest.name, manifest.content_version),
    };
    let Jobs { pictures, ignored } = jobs(&args.input, &args.out)?;
    let preparer = || {
        let Networks { detector, classifier } = Networks::from_bundle(&bundle, Some(MIN_FACE))?;
        Ok(Preparer::new(detector, classifier.preprocess(), settings.clone()))
    };
    let preparers: Vec<Preparer> =
        (0..args.workers).map(|_| preparer()).collect::<Result<_, RunError>>()?;

    let stop = stop_on_ctrl_c().map_err(|error| Problem::new(error.to_string()))?;
    let mut outcomes: BTreeMap<PrepareOutcome, usize> = BTreeMap::new();
    let (mut done, mut results) = (0, 0);
    let mut progress = Progress::new(pictures.len());
    prepare(
        &args.input,
        &args.out,
        &pictures,
        preparers,
        &stop,
        |records: &[PreparedRecord]| {
            for record in records {
                *outcomes.entry(record.outcome).or_default() += 1;
                results += usize::from(!record.output.is_empty());
            }
            done += 1;
            progress.step();
        },
    )?;
    progress.finish();
    let out = args.out.display();
    outln!("{done} of {} pictures, {results} results in {out}", pictures.len());
    for (outcome, count) in &outcomes {
        outln!("  {count:>7} {}", words(*outcome, args));
    }
    if !ignored.is_empty() {
        let count: usize = ignored.values().sum();
        outln!("  {count:>7} files skipped, not pictures by their names: {}", kinds(&ignored));
    }
    outln!("  {LOG} there says what became of each");
    if done < pictures.len() {
        let what = format!("stopped after {done} of {} pictures", pictures.len());
        return Err(stopped(what, "The same command continues where it stopped.").into());
    }
    Ok(())
}

fn words(outcome: PrepareOutcome, args: &PrepareArgs) -> String {
    let then = match args.fallback {
        Fallback::Whole => "fallback: taken whole",
        Fallback::Skip => "skipped (--fallback whole takes them whole)",
    };
    match outcome {
        PrepareOutcome::Aligned => "faces aligned by eyes, nose and mouth".to_owned(),
        PrepareOutcome::Cropped => "faces cut out by their boxes".to_owned(),
        PrepareOutcome::Whole => "taken whole, as asked".to_owned(),
        PrepareOutcome::NoFace => format!("without a face, {then}"),
        PrepareOutcome::SmallFace => {
            format!("with a face below --min-share {}, {then}", args.min_share)
        }
        PrepareOutcome::Unreadable => "unreadable, skipped".to_owned(),
    }
}
