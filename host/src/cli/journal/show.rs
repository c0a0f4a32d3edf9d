//! `emocue journal show`

use std::path::PathBuf;

use clap::Args;
use emocue_journal::JournalSecretKey;
use emocue_models::failure::{Failure, line};
use emocue_models::files::write_atomically;

use crate::cli::OverwriteArg;
use crate::cli::output::HTML;
use crate::journal::{Journals, default_key, journals_in, json, open, text};
use crate::output::{errln, outln};
use crate::report::journal::page;

/// Open journals with their key and show them: a table, a page or JSON.
#[derive(Args, Debug)]
#[command(after_help = "\
A record that cannot be opened is named and left out; the rest is shown.

  emocue journal show journals
  emocue journal show journals --html journal.html
  emocue journal show journals/journal-0003-1a2b3c4d.sealed --key other.key --json")]
pub(super) struct ShowArgs {
    /// Journals, or folders of them
    #[arg(required = true, value_name = "DIR|FILE")]
    places: Vec<PathBuf>,
    /// The secret key [default: ~/.config/emocue/journal.key]
    #[arg(long, value_name = "KEYFILE")]
    key: Option<PathBuf>,
    /// Write a self-contained HTML page with a row for each day
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print everything as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

/// Shows journals.
pub(super) fn run(args: &ShowArgs) -> Result<(), Box<dyn Failure>> {
    if let Some(html) = &args.html {
        args.overwrite.check(html, HTML, &[])?;
    }
    let key = JournalSecretKey::read_file(&args.key.clone().unwrap_or_else(default_key))?;
    let opening = open(&journals_in(&args.places)?, &key).some()?;
    for error in &opening.refused {
        errln!("warning: {}", line(error));
    }
    let notes = opening.notes();
    for note in &notes {
        errln!("note: {note}");
    }
    for copy in &opening.copies {
        errln!("note: {} is a copy of another, and does not count twice", copy.display());
    }
    let journals = Journals::of(&opening.files);
    if let Some(html) = &args.html {
        let page = page(&journals, &notes);
        write_atomically(html, page.as_bytes())?;
        if !args.json {
            outln!("{}: {} bytes", html.display(), page.len());
        }
    }
    if args.json {
        outln!("{}", json::object(&opening, &journals));
    } else if args.html.is_none() {
        crate::output::out!("{}", text::table(&journals));
    }
    Ok(())
}
