//! `emocue baseline`: simple learners on the same rows.

mod forest;
mod knn;
mod mlp;

use crate::output::outln;
use std::borrow::Cow;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use emocue_models::bundle::Bundle;
use emocue_models::label::LabelSet;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::SourceArgs;
use crate::baseline::examples::{BaselineExamples, BaselineTarget};
use crate::baseline::features::{Features, Matrix};
use crate::eval::card::ScoreCard;
use crate::eval::metrics::Scores;
use crate::eval::table;
use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_models::bundle::{bytes_of, in_bundle};
use emocue_models::failure::{Failure, Problem};

/// Results of baseline classifiers on the same rows
#[derive(Args, Debug)]
pub struct BaselineArgs {
    #[command(subcommand)]
    learner: Learner,
}

#[derive(Debug, Subcommand)]
enum Learner {
    /// k nearest neighbours: a sweep over k on PublicTest
    Knn(knn::KnnArgs),
    /// A multilayer perceptron, trained by plain stochastic gradient descent
    Mlp(mlp::MlpArgs),
    /// A random forest
    Forest(forest::ForestArgs),
}

#[derive(Args, Debug)]
struct Common {
    #[command(flatten)]
    data: SourceArgs,
    /// Rows for evaluation
    #[arg(long, value_enum, default_value = "public")]
    split: SplitArg,
    /// Labels to learn
    #[arg(long, value_enum, default_value = "label")]
    target: BaselineTarget,
    /// Features of a picture
    #[arg(long, value_enum, default_value = "pixels")]
    features: FeaturesArg,
    /// The bundle of `--features network`: a file, or "default" for the embedded one
    #[arg(long, value_name = "FILE", default_value = "default")]
    bundle: PathBuf,
    /// Train on only this many of the first Training rows, for a quick test
    #[arg(long, value_name = "ROWS", value_parser = limit)]
    limit: Option<usize>,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitArg {
    Public,
    Private,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FeaturesArg {
    /// Every pixel
    Pixels,
    /// 24x24 means of pixels
    #[value(name = "pixels-24")]
    SmallPixels,
    /// The last pool layer of a bundle's classifier
    Network,
}

/// The data for every learner.
struct Task {
    data: Dataset,
    labels: LabelSet,
    bundle: Option<Vec<u8>>,
    training: Sample,
    leaked: usize,
}

struct Sample {
    features: Matrix,
    classes: Vec<usize>,
}

/// The common part of all learners' JSON reports.
#[derive(Serialize)]
struct Header<'a> {
    baseline: &'static str,
    dataset: &'static str,
    features: String,
    bundle: Option<Cow<'a, str>>,
    training_rows: usize,
    leaked_rows: usize,
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help.
pub fn run(args: &BaselineArgs) -> Result<(), Box<dyn Failure>> {
    match &args.learner {
        Learner::Knn(args) => knn::run(args),
        Learner::Mlp(args) => mlp::run(args),
        Learner::Forest(args) => forest::run(args),
    }
}

impl Common {
    fn split(&self) -> Split {
        match self.split {
            SplitArg::Public => Split::PublicTest,
            SplitArg::Private => Split::PrivateTest,
        }
    }

    fn task(&self) -> Result<Task, Box<dyn Failure>> {
        let data = self.data.read()?;
        let bundle = match self.features {
            FeaturesArg::Network => Some(bytes_of(&self.bundle)?.into_owned()),
            FeaturesArg::Pixels | FeaturesArg::SmallPixels => None,
        };
        let BaselineExamples { rows, classes, leaked } =
            self.target.examples(&data, Split::Training)?.first(self.limit);
        let features = self.features(&data, bundle.as_deref(), &rows)?;
        if !self.json {
            outln!(
                "{} Training rows of {}; left out {leaked} identical to a test row",
                rows.len(),
                data.layout()
            );
        }
        let labels = self.target.labels(&data);
        Ok(Task { data, labels, bundle, training: Sample { features, classes }, leaked })
    }

    fn sample(&self, task: &Task, split: Split) -> Result<Sample, Box<dyn Failure>> {
        let BaselineExamples { rows, classes, .. } = self.target.examples(&task.data, split)?;
        let features = self.features(&task.data, task.bundle.as_deref(), &rows)?;
        Ok(Sample { features, classes })
    }

    fn features(
        &self,
        data: &Dataset,
        bundle: Option<&[u8]>,
        rows: &[usize],
    ) -> Result<Matrix, Box<dyn Failure>> {
        let bundle = bundle.map(|bytes| Bundle::read(bytes).map_err(in_bundle(&self.bundle)));
        let bundle = bundle.transpose()?;
        let features = match (&bundle, self.features) {
            (Some(bundle), _) => Features::Network(bundle),
            (None, FeaturesArg::SmallPixels) => Features::SmallPixels,
            (None, FeaturesArg::Pixels | FeaturesArg::Network) => Features::Pixels,
        };
        let bar = progress(rows.len(), "rows read by the network");
        let features = features.of(data, rows, &|count| bar.inc(count as u64))?;
        bar.finish_and_clear();
        Ok(features)
    }

    fn header(&self, baseline: &'static str, task: &Task) -> Header<'_> {
        let features = self.features.to_possible_value();
        Header {
            baseline,
            dataset: task.data.layout(),
            features: features.map_or_else(String::new, |value| value.get_name().to_owned()),
            bundle: (self.features == FeaturesArg::Network).then(|| self.bundle.to_string_lossy()),
            training_rows: task.training.classes.len(),
            leaked_rows: task.leaked,
        }
    }
}

/// Prints the figures of a trained learner.
fn report(
    common: &Common,
    name: &'static str,
    task: &Task,
    settings: &impl Serialize,
    epochs: &[mlp::EpochReport],
    seconds: f64,
    scores: &Scores,
) -> Result<(), Box<dyn Failure>> {
    #[derive(Serialize)]
    struct BaselineReport<'a, S> {
        #[serde(flatten)]
        header: Header<'a>,
        settings: &'a S,
        training_seconds: f64,
        #[serde(skip_serializing_if = "<[_]>::is_empty")]
        epochs: &'a [mlp::EpochReport],
        split: &'static str,
        scores: &'a ScoreCard,
    }
    let scores = &ScoreCard::of(scores);
    let (split, header) = (common.split().name(), common.header(name, task));
    if common.json {
        let training_seconds = seconds;
        return print_json(&BaselineReport {
            header,
            settings,
            training_seconds,
            epochs,
            split,
            scores,
        });
    }
    outln!("trained in {seconds:.1} s");
    outln!("{}", table::card(&format!("{name}, {split}"), scores));
    Ok(())
}

fn print_json(report: &impl Serialize) -> Result<(), Box<dyn Failure>> {
    let text = serde_json::to_string_pretty(report);
    outln!("{}", text.map_err(|error| Problem::new(error.to_string()))?);
    Ok(())
}

/// Parses a number of training rows.
pub(in crate::cli) fn limit(text: &str) -> Result<usize, String> {
    let rows: usize = text.parse().map_err(|_| format!("\"{text}\" is not a number of rows"))?;
    if rows > 0 { Ok(rows) } else { Err("expected at least 1".into()) }
}

/// A progress bar on a terminal, else hidden.
pub(in crate::cli) fn progress(length: usize, what: impl Into<Cow<'static, str>>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64).with_message(what);
    let template = "{elapsed_precise} [{wide_bar}] {pos}/{len} {msg}, {eta} left";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
