//! `emocue`, the badge's companion on the host.

#![warn(clippy::disallowed_macros)]

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use clap::error::{ContextKind, ContextValue};
use emocue_host::cli::{self, Cli, Verb};
use emocue_host::guard::{Limits, guarded};
use emocue_host::output::errln;
use emocue_models::failure::{self, Failure, Problem};

/// The limits of a verb that runs untrusted graphs. A training has no limits; `flash` asks questions and holds a port,
/// so it has its bundle checked by another process.
fn limits(verb: &Verb) -> Option<Limits> {
    match verb {
        Verb::Bundle(_) | Verb::Import(_) | Verb::Infer(_) => Some(Limits::GRAPH),
        Verb::Baseline(_)
        | Verb::Boxes(_)
        | Verb::Calibrate(_)
        | Verb::Compare(_)
        | Verb::Eval(_) => Some(Limits::DATASET),
        Verb::Quantize(_) | Verb::Data(_) => Some(Limits::DATASET),
        _ => None,
    }
}

/// Reports a failure and ends the program.
fn fail(failure: &dyn Failure) -> ! {
    // A closed standard error cannot be reported.
    let _ = failure::write(failure, &mut std::io::stderr());
    std::process::exit(failure.exit_code().into())
}

/// Help for a picture or video in place of a verb: the badge's program processes those.
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
        // It quotes words of the command line, which `errln` escapes.
        errln!("{}", error.to_string().trim_end());
        std::process::exit(error.exit_code())
    });
    match limits(&cli.verb).map(guarded) {
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
        Verb::Doctor(args) => return cli::doctor::run(&args),
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
