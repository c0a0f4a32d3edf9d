//! `emocue journal forget`

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use clap::Args;
use emocue_models::failure::{Failure, Problem, exit};

use crate::journal::{files, journals_in};
use crate::output::outln;

/// Remove journals from this computer, or from a badge's card.
#[derive(Args, Debug)]
#[command(after_help = "\
Without --yes it only lists what it would remove. What is removed here stays on the badge's card, and vice versa: \
name both. Cards and SSDs keep old blocks for a while; data left in them is still sealed.")]
pub(super) struct ForgetArgs {
    /// Journals, or folders of them
    #[arg(required = true, value_name = "DIR|FILE")]
    places: Vec<PathBuf>,
    /// Remove them
    #[arg(long)]
    yes: bool,
}

/// Lists journals, and removes them with `--yes`.
pub(super) fn run(args: &ForgetArgs) -> Result<(), Box<dyn Failure>> {
    let journals = journals_in(&args.places)?;
    if let Some(other) = journals.iter().find(|path| !files::is_journal(path)) {
        let message = format!("{} is not a journal, so nothing was removed", other.display());
        let help = "Name files that end in .sealed, or a folder that has no others of that name.";
        return Err(Problem::new(message).help(help).code(exit::INPUT).into());
    }
    for path in &journals {
        let bytes = fs::symlink_metadata(path).map_or(0, |found| found.len());
        outln!("{}: {bytes} bytes", path.display());
    }
    let count = journals.len();
    let these = if count == 1 { "This journal is" } else { "These journals are" };
    if !args.yes {
        return Err(Problem::usage(format!("nothing was removed: {count} to remove"))
            .help(format!("{these} gone for good with --yes."))
            .into());
    }
    for path in &journals {
        remove(path)?;
    }
    outln!(
        "{count} removed. Flash cards and SSDs keep old blocks for a while, as sealed as before."
    );
    outln!(
        "What was copied from a badge is still on its card, and what is on a card may have been copied: `emocue journal \
         forget` takes those folders, too."
    );
    Ok(())
}

/// Removes a file, and syncs its folder.
fn remove(path: &Path) -> Result<(), Problem> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let removed = fs::remove_file(path).and_then(|()| match cfg!(unix) {
        true => File::open(folder.unwrap_or(Path::new(".")))?.sync_all(),
        false => Ok(()),
    });
    removed.map_err(|error| {
        let message = format!("cannot remove {}: {error}", path.display());
        Problem::new(message).code(exit::OUTPUT)
    })
}
