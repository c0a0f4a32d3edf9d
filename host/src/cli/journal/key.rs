//! `emocue journal key`

use std::path::PathBuf;

use clap::Args;
use emocue_journal::JournalSecretKey;
use emocue_models::failure::Failure;

use crate::journal::default_key;
use crate::output::outln;

/// Create a key for journals, and print its public key for the badge.
#[derive(Args, Debug)]
pub(super) struct KeyArgs {
    /// File for the secret key, which only you can read [default: ~/.config/emocue/journal.key]
    file: Option<PathBuf>,
    /// Print the public key of the existing file; create none
    #[arg(long)]
    public: bool,
}

/// Creates or shows a key; an existing key is never replaced.
pub(super) fn run(args: &KeyArgs) -> Result<(), Box<dyn Failure>> {
    let file = args.file.clone().unwrap_or_else(default_key);
    if args.public {
        outln!("{}", JournalSecretKey::read_file(&file)?.public());
        return Ok(());
    }
    let secret = JournalSecretKey::random()?;
    secret.write_new(&file)?;
    let public = secret.public();
    outln!("secret key {}: keep it, and keep it to yourself.", file.display());
    outln!("Without it nobody can open your journals, you neither: copy it to a safe place.");
    outln!("public key {public}");
    outln!();
    outln!("For the badge's configuration, on its card or over SSH (not through a cable):");
    outln!();
    outln!("[journal]");
    outln!("key = \"{public}\"");
    Ok(())
}
