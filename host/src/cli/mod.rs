//! The command line, and its verbs, one file each: arguments and what they do.

pub mod average;
pub mod baseline;
pub mod begun;
pub mod boxes;
pub mod bundle;
pub mod calibrate;
pub mod compare;
mod compare_models;
mod count;
pub mod data;
mod detectors;
pub mod doctor;
pub mod eval;
mod eval_detector;
mod eval_groups;
pub mod export;
pub mod flash;
pub mod folds;
pub mod gather;
pub mod import;
pub mod infer;
mod interrupt;
pub mod journal;
mod judge;
pub mod key;
pub mod monitor;
mod onet;
pub mod open;
pub mod output;
pub mod plan;
pub mod quantize;
pub mod report;
pub mod source;
pub mod train;
mod train_face;
mod train_view;
pub mod voice;

pub use output::{OverwriteArg, UntestedArg};
pub use source::SourceArgs;

use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    failed, for a reason that no other code names; `doctor` found a problem
  2    wrong arguments, recipe, plan or configuration
  3    an input cannot be read or is invalid: a dataset, a picture, a graph, a checkpoint
  4    an output cannot be written
  5    a bundle or a network cannot be used, or is refused
  7    a folder cannot be used: full, not writable, or another training runs in it
  9    the badge cannot be reached, or refuses what it was sent
  130  stopped by Ctrl-C
  141  nobody reads the output";

/// Train, evaluate, pack: the badge's companion.
#[derive(Parser)]
#[command(name = "emocue", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What the program is asked to do.
// Their words are those of their arguments.
#[allow(missing_docs)]
#[derive(Subcommand)]
pub enum Verb {
    Baseline(baseline::BaselineArgs),
    Boxes(boxes::BoxesArgs),
    Bundle(bundle::BundleArgs),
    Calibrate(calibrate::CalibrateArgs),
    Compare(Box<compare::CompareArgs>),
    Data(data::DataArgs),
    Doctor(doctor::DoctorArgs),
    Train(Box<plan::TrainVerb>),
    Flash(flash::FlashArgs),
    Gather(gather::GatherArgs),
    Average(average::AverageArgs),
    Export(export::ExportArgs),
    Eval(Box<eval::EvalArgs>),
    Import(import::ImportArgs),
    Infer(infer::InferArgs),
    Journal(journal::JournalArgs),
    Key(key::KeyArgs),
    Monitor(monitor::MonitorArgs),
    Quantize(quantize::QuantizeArgs),
    Report(report::ReportArgs),
    Voice(voice::VoiceArgs),
}
