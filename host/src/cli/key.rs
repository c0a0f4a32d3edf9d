//! `emocue key`: creates a key that signs bundles, and prints its public key for badges.

use crate::output::outln;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use emocue_flash::key;
use emocue_models::failure::Failure;

/// Create a key that signs bundles, or show its public key.
#[derive(Args, Debug)]
pub struct KeyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a key pair; the secret key signs bundles, the public key goes into badges
    New {
        /// File for the secret key, which only you can read; the public key is written next to it, as FILE.pub
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Print the public key of a file, as a badge's configuration names it under [update] keys
    Show {
        /// A secret key's or a .pub file
        key: String,
    },
}

/// Creates or reads a key, and prints the public key.
///
/// # Errors
/// [`KeyError`](key::KeyError); an existing key is never replaced.
pub fn run(args: &KeyArgs) -> Result<(), Box<dyn Failure>> {
    match &args.action {
        Action::New { output } => {
            let public = key::create(output)?;
            outln!("secret key {}: keep it, and keep it to yourself", output.display());
            outln!("public key {}: for badges", key::public_path(output).display());
            outln!("{public}");
        }
        Action::Show { key } => outln!("{}", key::public(key)?),
    }
    Ok(())
}
