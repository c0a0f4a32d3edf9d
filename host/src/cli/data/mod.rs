//! `emocue data`: inspecting datasets and preparing pictures.

mod landmarks;
mod prepare;
mod progress;
mod show;
mod summary;

use clap::{Args, Subcommand};
use emocue_models::failure::{Failure, Problem};

/// Inspect datasets and prepare pictures
#[derive(Args, Debug)]
pub struct DataArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Count classes, splits, identical and empty pictures, and conflicting labels
    Summary(summary::SummaryArgs),
    /// Draw some pictures of every class on a contact sheet
    Show(show::ShowArgs),
    /// Detect the faces in raw pictures (a seventh of the longer side or more) and crop them as the badge does
    Prepare(prepare::PrepareArgs),
    /// Detect the faces in a dataset's rows; print the positions of eyes, nose and mouth, or write them for every row
    Landmarks(landmarks::LandmarksArgs),
}

/// Runs the verb and prints the result.
///
/// # Errors
/// The failure, with help.
pub fn run(args: &DataArgs) -> Result<(), Box<dyn Failure>> {
    match &args.action {
        Action::Summary(args) => summary::run(args),
        Action::Show(args) => show::run(args),
        Action::Prepare(args) => prepare::run(args),
        Action::Landmarks(args) => landmarks::run(args),
    }
}

/// A result as indented JSON.
fn json(value: &impl serde::Serialize) -> Result<String, Problem> {
    serde_json::to_string_pretty(value).map_err(|error| Problem::new(error.to_string()))
}
