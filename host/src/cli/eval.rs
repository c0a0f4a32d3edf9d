//! `emocue eval`

use crate::output::{errln, out, outln};
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use emocue_models::label::LabelSet;
use indicatif::ProgressBar;

use super::SourceArgs;
use super::eval_detector::{DetectorArgs, DetectorOutput};
use super::eval_groups::GroupFaces;
use super::folds::FoldArgs;
use super::open::open_model;
use super::output::{HTML, OverwriteArg};
use crate::eval::card::{EvalFile, FORMAT};
use crate::eval::conditions::text::side_by_side;
use crate::eval::conditions::{steps, under_conditions};
use crate::eval::context::{Environment, command_line};
use crate::eval::folds::evaluate_folds;
use crate::eval::protocol::AppliedProtocol;
use crate::eval::{EvalError, Judged, evaluate, table, without_rows};
use crate::report::{ReportError, ReportExamples, ReportPage, choose};
use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_data::folds::Folds;
use emocue_data::model::ClassifierModel;
use emocue_data::model::labels::label_set;
use emocue_data::predict::PredictSettings;
use emocue_models::bundle::DEFAULT_NAME;
use emocue_models::failure::{Failure, Problem};
use emocue_models::files::write_atomically;
use emocue_models::luma::Luma;

/// Evaluate classifiers as deployed: in tract, with the badge's own preprocessing.
///
/// Every figure is named with its protocol. FER+ is scored three ways: `ferplus.plurality` (the top vote is
/// one of the eight classes), `ferplus.authors` (as its authors test: single votes dropped, then more than
/// half of the rest) and `ferplus.majority` (more than half of all ten votes); `label` is the dataset's own.
/// With --detector it evaluates face detectors on pictures with annotated faces instead.
#[derive(Args, Debug)]
#[command(mut_arg("fer2013", |arg| arg.required_unless_present_any(["data", "detector", "groups"])))]
pub struct EvalArgs {
    /// A bundle's file, or "default" for the embedded one; evaluated if nothing else is given.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "ensemble"])]
    bundle: Option<PathBuf>,
    /// An ONNX graph with input [1,1,side,side]; repeatable, each is evaluated by itself.
    #[arg(long, value_name = "ONNX")]
    model: Vec<PathBuf>,
    /// Two or more graphs or bundles, evaluated by the mean of their probabilities.
    #[arg(long, value_name = "FILE", num_args = 2.., conflicts_with = "folds")]
    ensemble: Vec<PathBuf>,
    /// Classes of graphs that do not name their own: a label set, a list in the network's order (angry,happy,neutral), or
    /// a .json or .toml file with one.
    #[arg(long, value_name = "SET", value_parser = label_set)]
    labels: Option<LabelSet>,
    #[command(flatten)]
    data: SourceArgs,
    #[command(flatten)]
    detectors: DetectorArgs,
    /// Rows for evaluation.
    #[arg(long, value_enum, default_value = "private", conflicts_with = "folds")]
    split: SplitArg,
    #[command(flatten)]
    folds: FoldArgs,
    /// Average the answers for every picture and its mirror image.
    #[arg(long)]
    flip: bool,
    /// Shift and scale every face by up to this fraction of its side.
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = fraction)]
    jitter: f32,
    /// Also evaluate every row under each condition of a fixed list: dark, blurred, small, rotated, occluded.
    #[arg(long, conflicts_with_all = ["folds", "detector"])]
    conditions: bool,
    /// Number of threads; the result does not depend on it.
    #[arg(long, default_value_t = PredictSettings::default().threads, value_parser = super::count::threads)]
    threads: usize,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Also write an HTML page.
    #[arg(long, value_name = "HTML")]
    report: Option<PathBuf>,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Show this many pictures that are wrong with the highest probability, and as many of the most uncertain ones, in
    /// the page. They show people's faces: such a page must not be published.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 0,
        requires = "report",
        conflicts_with = "folds"
    )]
    examples: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitArg {
    /// PublicTest, for model selection.
    Public,
    /// PrivateTest, for reported results.
    Private,
    /// The training rows.
    Training,
    /// Every split that has rows.
    All,
}

impl SplitArg {
    fn splits(self, data: &Dataset) -> Vec<Split> {
        match self {
            Self::Public => vec![Split::PublicTest],
            Self::Private => vec![Split::PrivateTest],
            Self::Training => vec![Split::Training],
            Self::All => [Split::Training, Split::PublicTest, Split::PrivateTest]
                .into_iter()
                .filter(|split| !data.rows(*split).is_empty())
                .collect(),
        }
    }
}

fn fraction(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| format!("\"{text}\" is not a number"))?;
    if (0.0..=0.5).contains(&value) { Ok(value) } else { Err("expected 0 to 0.5".into()) }
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help.
pub fn run(args: &EvalArgs) -> Result<(), Box<dyn Failure>> {
    if !args.detectors.detector.is_empty() {
        let EvalArgs { threads, json, report, overwrite, .. } = args;
        let (threads, json, report, overwrite) = (*threads, *json, report.as_ref(), *overwrite);
        return args.detectors.run(&DetectorOutput { threads, json, report, overwrite });
    }
    if let Some(page) = &args.report {
        args.overwrite.check(page, HTML, &[])?;
    }
    if args.detectors.limits_nothing() {
        let problem = Problem::usage("--limit has no set of faces to limit");
        return Err(problem.help("Name one with --groups CSV, or judge a --detector.").into());
    }
    let models = models(args)?;
    let faces = args.detectors.groups.as_deref();
    let faces = faces.map(|labels| GroupFaces::read(labels, args.bundle.as_deref())).transpose()?;
    let data = if args.data.is_named() { Some(args.data.read()?) } else { None };
    let mut judged = match &data {
        Some(data) => judge_rows(args, &models, data)?,
        None => {
            let set = faces.as_ref().map_or("", |faces| faces.set.as_str());
            let judge = |models: &Vec<_>| without_rows(models, set, settings(args));
            models.iter().map(judge).collect::<Result<_, _>>()?
        }
    };
    if let Some(faces) = &faces {
        faces.judge(&args.detectors, settings(args), &models, &mut judged)?;
    }
    let examples = match &data {
        Some(data) => examples(args, &judged, data).map_err(of_report)?,
        None => Vec::new(),
    };
    let file = EvalFile {
        format: FORMAT.to_owned(),
        environment: Environment::here(),
        command: command_line(std::env::args()),
        evaluations: judged.into_iter().map(|judged| judged.evaluation).collect(),
    };
    if args.json {
        let json = serde_json::to_string_pretty(&file);
        outln!("{}", json.map_err(|error| Problem::new(error.to_string()))?);
    } else {
        let mut texts: Vec<String> = file.evaluations.iter().map(table::text).collect();
        texts.extend(side_by_side(&file.evaluations).map(|table| table.text()));
        out!("{}", texts.join("\n\n"));
    }
    if let Some(path) = &args.report {
        let names: Vec<&str> = file.evaluations.iter().map(|e| e.name.as_str()).collect();
        let title = names.join(", ");
        let (environment, command) = (file.environment.clone(), file.command.clone());
        let row = data.as_ref().filter(|_| args.examples > 0 && args.conditions);
        let row = row.and_then(|data| row_to_show(data, args.split));
        let files = vec![file];
        let report = ReportPage { title, run: None, files, examples, row, environment, command };
        write_atomically(path, report.html().map_err(of_report)?.as_bytes())?;
        errln!("the page is in {}", path.display());
        if args.examples > 0 {
            errln!("  It shows people's faces: do not publish or commit it.");
        }
    }
    Ok(())
}

/// The networks to evaluate: each by itself, or those of an ensemble together.
fn models(args: &EvalArgs) -> Result<Vec<Vec<ClassifierModel>>, Box<dyn Failure>> {
    let open = |name: &PathBuf| open_model(name, args.labels);
    let mut models: Vec<Vec<ClassifierModel>> = Vec::new();
    for name in &args.model {
        models.push(vec![open(name)?]);
    }
    if !args.ensemble.is_empty() {
        models.push(args.ensemble.iter().map(open).collect::<Result<_, _>>()?);
    }
    if models.is_empty() {
        let name = args.bundle.clone().unwrap_or_else(|| DEFAULT_NAME.into());
        models.push(vec![open(&name)?]);
    }
    Ok(models)
}

fn judge_rows(
    args: &EvalArgs,
    models: &[Vec<ClassifierModel>],
    data: &Dataset,
) -> Result<Vec<Judged>, Box<dyn Failure>> {
    Ok(match args.folds.divide(data)? {
        Some(folds) => vec![cross_validate(args, &models.concat(), data, &folds)?],
        None => models.iter().map(|group| judge(args, group, data)).collect::<Result<_, _>>()?,
    })
}

/// The first row of the last evaluated split.
fn row_to_show(data: &Dataset, split: SplitArg) -> Option<Luma> {
    let row = *data.rows(*split.splits(data).last()?).first()?;
    Luma::from_raw(data.side(), data.side(), data.picture(row).to_vec()).ok()
}

fn of_report(error: ReportError) -> Problem {
    Problem::new(error.to_string())
}

/// Example pictures of every evaluation by its first protocol on its last split, if requested.
fn examples(
    args: &EvalArgs,
    judged: &[Judged],
    data: &Dataset,
) -> Result<Vec<ReportExamples>, ReportError> {
    let mut chosen = Vec::new();
    for Judged { evaluation, predictions } in judged.iter().filter(|_| args.examples > 0) {
        let (Some(split), Some(answers)) = (evaluation.splits.last(), predictions.last()) else {
            continue;
        };
        if let Some(applied) = AppliedProtocol::all(data, answers.labels()).first() {
            let title = format!("{}, {}, {}", evaluation.name, split.split, applied.protocol.name);
            chosen.push(choose(title, data, applied, answers, args.examples)?);
        }
    }
    Ok(chosen)
}

fn judge(args: &EvalArgs, group: &[ClassifierModel], data: &Dataset) -> Result<Judged, EvalError> {
    let splits = args.split.splits(data);
    let rows = splits.iter().map(|split| data.rows(*split).len()).sum();
    let settings = settings(args);
    let mut judged = with_bar(rows, |progress| evaluate(group, data, &splits, settings, progress))?;
    if args.conditions {
        with_bar(steps(rows), |progress| {
            under_conditions(&mut judged, group, data, settings, progress)
        })?;
    }
    Ok(judged)
}

fn cross_validate(
    args: &EvalArgs,
    models: &[ClassifierModel],
    data: &Dataset,
    folds: &Folds,
) -> Result<Judged, EvalError> {
    let only = args.folds.index();
    let rows = only.map_or(data.len(), |fold| folds.rows(fold).len());
    let evaluation = with_bar(rows, |progress| {
        evaluate_folds(models, data, folds, only, settings(args), progress)
    })?;
    Ok(Judged { evaluation, predictions: Vec::new() })
}

fn settings(args: &EvalArgs) -> PredictSettings {
    let EvalArgs { jitter, flip, threads, .. } = args;
    PredictSettings { jitter: *jitter, flip: *flip, condition: None, threads: (*threads).max(1) }
}

/// Shows the progress of `work` if standard error is a terminal.
pub(super) fn with_bar<T>(rows: usize, work: impl FnOnce(&(dyn Fn(usize) + Sync)) -> T) -> T {
    let terminal = std::io::stderr().is_terminal();
    let bar = if terminal { ProgressBar::new(rows as u64) } else { ProgressBar::hidden() };
    let result = work(&|done| bar.inc(done as u64));
    bar.finish_and_clear();
    result
}
