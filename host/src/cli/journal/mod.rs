//! `emocue journal`: the wearer's journals.

mod forget;
mod key;
mod pull;
mod show;

use clap::{Args, Subcommand};
use emocue_models::failure::Failure;

/// The wearer's own journals: create a key, copy them from a badge, show them, remove them.
#[derive(Args, Debug)]
#[command(after_help = "\
A journal is kept only if its wearer starts one on the badge, and only the wearer's key opens it.

  emocue journal key
  emocue journal pull --on ssh://pi@badge.local --to journals
  emocue journal show journals --html week.html
  emocue journal forget journals --yes

docs/journal.md describes what is stored, and what others can see of it.")]
pub struct JournalArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Key(key::KeyArgs),
    Pull(pull::PullArgs),
    Show(show::ShowArgs),
    Forget(forget::ForgetArgs),
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help.
pub fn run(args: &JournalArgs) -> Result<(), Box<dyn Failure>> {
    match &args.action {
        Action::Key(args) => key::run(args),
        Action::Pull(args) => pull::run(args),
        Action::Show(args) => show::run(args),
        Action::Forget(args) => forget::run(args),
    }
}
