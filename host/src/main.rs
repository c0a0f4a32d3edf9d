//! `emocue`, the badge's companion on the host.

#![warn(clippy::disallowed_macros)]

use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{Parser, Subcommand};
use emocue_host::cli;
use emocue_host::guard::{Limits, guarded};
use emocue_host::output::errln;
use emocue_models::failure::{self, Failure, Problem};

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    failed, for a reason that no other code names
  2    wrong arguments, recipe, plan or configuration
  3    an input cannot be read or is invalid: a dataset, a picture, a graph, a checkpoint
  4    an output cannot be written
  5    a bundle or a network cannot be used, or is refused
  7    a folder cannot be used: full, not writable, or another training runs in it
  9    the badge cannot be reached, or refuses what it was sent
  130  stopped by Ctrl-C
  141  nobody reads the output";

/// Train, judge, pack: the badge's companion.
#[derive(Parser)]
#[command(
    version,
    after_help = AFTER_HELP
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Baseline(cli::baseline::BaselineArgs),
    Boxes(cli::boxes::BoxesArgs),
    Bundle(cli::bundle::BundleArgs),
    Calibrate(cli::calibrate::CalibrateArgs),
    Compare(Box<cli::compare::CompareArgs>),
    Data(cli::data::DataArgs),
    Train(Box<cli::plan::TrainVerb>),
    Flash(cli::flash::FlashArgs),
    Gather(cli::gather::GatherArgs),
    Average(cli::average::AverageArgs),
    Export(cli::export::ExportArgs),
    Eval(Box<cli::eval::EvalArgs>),
    Import(cli::import::ImportArgs),
    Infer(cli::infer::InferArgs),
    Journal(cli::journal::JournalArgs),
    Key(cli::key::KeyArgs),
    Monitor(cli::monitor::MonitorArgs),
    Quantize(cli::quantize::QuantizeArgs),
    Report(cli::report::ReportArgs),
    Voice(cli::voice::VoiceArgs),
}

impl Verb {
    /// For a verb that runs graphs from elsewhere. A training needs what it needs; `flash` asks and holds a port, and has
    /// its bundle checked by another process.
    fn limits(&self) -> Option<Limits> {
        match self {
            Self::Bundle(_) | Self::Import(_) | Self::Infer(_) => Some(Limits::GRAPH),
            Self::Baseline(_)
            | Self::Boxes(_)
            | Self::Calibrate(_)
            | Self::Compare(_)
            | Self::Eval(_) => Some(Limits::DATASET),
            Self::Quantize(_) | Self::Data(_) => Some(Limits::DATASET),
            _ => None,
        }
    }
}

/// Reports a failure and ends the program.
fn fail(failure: &dyn Failure) -> ! {
    // A closed standard error cannot be reported.
    let _ = failure::write(failure, &mut std::io::stderr());
    std::process::exit(failure.exit_code().into())
}

/// A picture or video where a verb belongs: the badge's program looks at those.
fn picture_as_verb(error: &clap::Error) -> Option<Problem> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let extension = Path::new(word).extension()?.to_str()?.to_ascii_lowercase();
    ["jpg", "jpeg", "png", "y4m"].contains(&extension.as_str()).then(|| {
        Problem::usage(format!("unknown command {word:?}")).help(format!(
            "To look at it: `emocue-badge run --camera {word} --display overlay:looks`."
        ))
    })
}

fn main() -> ExitCode {
    emocue_host::output::end_when_output_fails();
    let cli = Cli::try_parse().unwrap_or_else(|error| {
        if let Some(problem) = picture_as_verb(&error) {
            fail(&problem);
        }
        if !error.use_stderr() {
            error.exit();
        }
        // It quotes words of the command line.
        errln!("{}", error.to_string().trim_end());
        std::process::exit(error.exit_code())
    });
    match cli.verb.limits().map(guarded) {
        Some(Ok(Some(code))) => return ExitCode::from(code),
        Some(Err(problem)) => fail(&problem),
        None | Some(Ok(None)) => {}
    }
    let result: Result<(), Box<dyn Failure>> = match cli.verb {
        Verb::Baseline(args) => cli::baseline::run(&args),
        Verb::Boxes(args) => cli::boxes::run(&args),
        Verb::Bundle(args) => cli::bundle::run(&args),
        Verb::Calibrate(args) => cli::calibrate::run(&args),
        Verb::Compare(args) => cli::compare::run(&args),
        Verb::Data(args) => cli::data::run(&args),
        Verb::Train(args) => cli::plan::run(&args),
        Verb::Flash(args) => cli::flash::run(&args),
        Verb::Gather(args) => cli::gather::run(&args),
        Verb::Average(args) => cli::average::run(&args),
        Verb::Export(args) => cli::export::run(&args),
        Verb::Eval(args) => cli::eval::run(&args),
        Verb::Import(args) => cli::import::run(&args),
        Verb::Infer(args) => cli::infer::run(&args),
        Verb::Journal(args) => cli::journal::run(&args),
        Verb::Key(args) => cli::key::run(&args),
        Verb::Monitor(args) => cli::monitor::run(&args),
        Verb::Quantize(args) => cli::quantize::run(&args),
        Verb::Report(args) => cli::report::run(&args),
        Verb::Voice(args) => cli::voice::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => fail(failure.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_shown_to_the_badges_program() {
        let refused = |word: &str| Cli::try_parse_from(["emocue", word]).err().unwrap();
        let problem = picture_as_verb(&refused("me.JPG")).unwrap();
        assert!(failure::line(&problem).contains("emocue-badge run --camera me.JPG"));
        assert!(picture_as_verb(&refused("evla")).is_none());
    }
}
