//! `emocue report`

use crate::output::outln;
use std::path::PathBuf;

use clap::Args;

use super::output::{HTML, OverwriteArg};
use crate::eval::context::{Environment, command_line, portable};
use crate::report::{EvaluatedRun, ReportPage, read_eval};
use emocue_models::failure::Failure;
use emocue_models::files::write_atomically;

/// Write one HTML page about a training and its evaluation.
///
/// The page is self-contained and shows no picture; `emocue eval --report` can also show examples.
#[derive(Args, Debug)]
pub struct ReportArgs {
    /// The training's folder: its curves and its recipe.
    #[arg(long, value_name = "DIR", required_unless_present = "eval")]
    run: Option<PathBuf>,
    /// Output of `emocue eval --json`; repeatable.
    #[arg(long, value_name = "JSON", num_args = 1..)]
    eval: Vec<PathBuf>,
    /// The page's title instead of the run's or the first network's name.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// The HTML file to write.
    #[arg(short, long, value_name = "FILE", default_value = "report.html")]
    out: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help.
pub fn run(args: &ReportArgs) -> Result<(), Box<dyn Failure>> {
    args.overwrite.check(&args.out, HTML, &[])?;
    let run = args.run.as_deref().map(EvaluatedRun::read).transpose()?;
    let files = args.eval.iter().map(|path| read_eval(path)).collect::<Result<Vec<_>, _>>()?;
    let folder = args.run.as_ref().map(|folder| portable(&folder.display().to_string()));
    let network = files.first().and_then(|file| file.evaluations.first());
    let title = args.title.clone().or(folder).or(network.map(|network| network.name.clone()));
    let report = ReportPage {
        title: title.unwrap_or_else(|| "Report".to_owned()),
        run,
        files,
        examples: Vec::new(),
        row: None,
        environment: Environment::here(),
        command: command_line(std::env::args()),
    };
    let html = report.html()?;
    write_atomically(&args.out, html.as_bytes())?;
    outln!("{}: {} bytes", args.out.display(), html.len());
    Ok(())
}
