//! A command line without a subcommand.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Error};
use emocue_config::nearest;
use emocue_device::cli::Cli;
use emocue_models::failure::{self, Failure as _, Problem};
use emocue_models::plain::PlainWriter;

/// Ends the program as clap does; a word that is not a command gets a hint of its own.
pub(crate) fn end_with(error: Error) -> ! {
    let Some(problem) = unknown_command(&error) else {
        if !error.use_stderr() {
            error.exit();
        }
        // The message quotes words of the command line.
        let _ = write!(PlainWriter(std::io::stderr()), "{error}");
        std::process::exit(error.exit_code())
    };
    let _ = failure::write(&problem, &mut std::io::stderr());
    std::process::exit(problem.exit_code().into())
}

fn unknown_command(error: &Error) -> Option<Problem> {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return None;
    }
    let ContextValue::String(word) = error.get(ContextKind::InvalidSubcommand)? else {
        return None;
    };
    let command = Cli::command();
    let verbs: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
    let help = match nearest(word, &verbs) {
        Some(verb) => format!("Did you mean `emocue-badge {verb}`?"),
        None if is_picture(word) => {
            format!("To look at it: `emocue-badge run --camera {word} --display overlay:looks`.")
        }
        None => format!("Commands: {}.", verbs.join(", ")),
    };
    Some(Problem::usage(format!("unknown command {word:?}")).help(help))
}

/// Whether a word is or looks like something that `--camera` accepts.
fn is_picture(word: &str) -> bool {
    let path = Path::new(word);
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    let known = ["jpg", "jpeg", "png", "y4m"];
    path.exists() || known.contains(&extension.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn a_word_that_is_not_a_command_gets_a_hint() {
        for (word, hint) in [
            ("rnu", "`emocue-badge run`"),
            ("docter", "`emocue-badge doctor`"),
            ("photo.jpg", "run --camera photo.jpg --display overlay:looks"),
            ("xyzzyxyz", "demo, run, practice, cameras"),
        ] {
            let error = Cli::try_parse_from(["emocue-badge", word]).unwrap_err();
            let problem = unknown_command(&error).unwrap();
            let text = failure::line(&problem);
            assert!(text.contains(hint), "{text}");
            assert_eq!(problem.exit_code(), 2);
        }
        assert!(unknown_command(&Cli::try_parse_from(["x", "run"]).unwrap_err()).is_none());
    }
}
