//! `emocue compare`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_data::model::labels::label_set;
use emocue_data::predict::PredictSettings;
use emocue_models::failure::{Failure, Problem};
use emocue_models::files::write_atomically;
use emocue_models::label::LabelSet;

use super::SourceArgs;
use super::baseline::{limit, progress};
use super::compare_models::ModelNames;
use super::eval_detector::DetectorArgs;
use super::output::{HTML, OverwriteArg};
use crate::baseline::examples::BaselineTarget;
use crate::compare::card::{CompareFile, FORMAT};
use crate::compare::learners::{Learner, Lessons, Timing};
use crate::compare::network::{NamedNetwork, NetworkScores};
use crate::compare::{protocol, rows, target, text};
use crate::eval::context::{Environment, command_line};
use crate::output::{errln, out, outln};
use crate::report::compare;

/// Compare networks, trainings and baseline classifiers in one table.
///
/// Every recognizer answers for the same rows and is evaluated by the same protocol, as `emocue eval` and `emocue
/// baseline` evaluate it. The default bundle's classifier is always included: CPU times are multiples of its own.
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// Another bundle's file; repeatable
    #[arg(long, value_name = "FILE")]
    bundle: Vec<PathBuf>,
    /// An ONNX graph with input [1,1,side,side]; repeatable
    #[arg(long, value_name = "ONNX")]
    model: Vec<PathBuf>,
    /// The folder of a training, whose exported graph is compared under its recipe's name; repeatable
    #[arg(long, value_name = "DIR")]
    run: Vec<PathBuf>,
    /// Baseline classifiers to train with their default settings, or none
    #[arg(
        long,
        value_name = "NAME,...",
        value_enum,
        value_delimiter = ',',
        default_value = "knn,mlp,forest"
    )]
    baseline: Vec<BaselineArg>,
    /// Classes of graphs that do not name their own: a label set or a list such as angry,happy,neutral
    #[arg(long, value_name = "SET", value_parser = label_set)]
    labels: Option<LabelSet>,
    #[command(flatten)]
    data: SourceArgs,
    /// Rows for evaluation
    #[arg(long, value_enum, default_value = "public")]
    split: SplitArg,
    /// Reference labels (default: the FER+ votes if they are joined and every network has their classes, else the
    /// dataset's own labels)
    #[arg(long, value_enum)]
    target: Option<BaselineTarget>,
    /// For a quick test: baselines are trained on only the first Training rows, and detectors get only this many
    /// pictures of each set
    #[arg(long, value_name = "N", value_parser = limit)]
    limit: Option<usize>,
    /// Also distinguish pictures of none, one and several people with this detector, named as for `emocue eval
    /// --detector`; repeatable
    #[arg(long, help_heading = HEADING, value_name = "NAME")]
    detector: Vec<PathBuf>,
    /// A set of annotated faces; repeatable
    #[arg(long, help_heading = HEADING, value_name = "PATH", requires = "detector")]
    faces: Vec<PathBuf>,
    /// A folder of pictures without faces; repeatable
    #[arg(long, help_heading = HEADING, value_name = "FOLDER", requires = "detector")]
    empty: Vec<PathBuf>,
    /// Number of threads for evaluation; the figures do not depend on it
    #[arg(long, default_value_t = PredictSettings::default().threads, value_parser = super::count::threads)]
    threads: usize,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Also write an HTML page
    #[arg(long, value_name = "HTML")]
    report: Option<PathBuf>,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

const HEADING: &str = "Detectors";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum BaselineArg {
    /// k nearest neighbours with either metric; k is chosen on PublicTest
    Knn,
    /// A multilayer perceptron
    Mlp,
    /// A random forest
    Forest,
    /// No baseline classifier
    None,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitArg {
    /// PublicTest, for model selection
    Public,
    /// PrivateTest, for reported results
    Private,
}

/// Rows for the time measurement of recognizers.
const TIMED: usize = 32;

/// Runs the verb.
///
/// # Errors
/// The failure, with help.
pub fn run(args: &CompareArgs) -> Result<(), Box<dyn Failure>> {
    if let Some(page) = &args.report {
        args.overwrite.check(page, HTML, &[])?;
    }
    let file = measure(args)?;
    if args.json {
        let json = serde_json::to_string_pretty(&file);
        outln!("{}", json.map_err(|error| Problem::new(error.to_string()))?);
    } else {
        out!("{}", text::text(&file));
    }
    if let Some(path) = &args.report {
        write_atomically(path, compare::page(&file)?.as_bytes())?;
        errln!("the page is in {}", path.display());
    }
    Ok(())
}

/// Runs the comparison; everything is read and checked before anything is trained.
fn measure(args: &CompareArgs) -> Result<CompareFile, Box<dyn Failure>> {
    let learners = args.learners()?;
    let data = args.data.read()?;
    let split = args.split();
    let rows = rows(&data, split)?;
    let networks = args.networks(&data)?;
    let named = networks.iter().map(|network| (network.name.as_str(), &network.model));
    let target = target(&data, named, args.target)?;
    let lessons = match learners.as_slice() {
        [] => None,
        some => Some(Lessons::new(&data, target, split, args.limit, some)?),
    };
    let judge = |network: &NamedNetwork| {
        let bar = progress(rows.len(), format!("rows judged by {}", network.name));
        let advance = |count: usize| bar.inc(count as u64);
        let scores = network.judge(&data, split, protocol(target), args.threads, &advance)?;
        bar.finish_and_clear();
        Ok::<NetworkScores, Box<dyn Failure>>(scores)
    };
    let scores = networks.iter().map(judge).collect::<Result<Vec<_>, _>>()?;
    let detectors = match args.detector.as_slice() {
        [] => None,
        detector => {
            let args_of = DetectorArgs::plain(detector, &args.faces, &args.empty, args.limit);
            Some(args_of.measure(args.threads)?)
        }
    };
    let also_in_training = scores.first().map_or(0, |first| first.also_in_training);
    let timed = &rows[..rows.len().min(TIMED)];
    let mut recognizers = Vec::new();
    let mut reference = networks[0].answer(&data)?;
    for (at, (network, found)) in networks.iter().zip(scores).enumerate() {
        let reference = (at > 0).then_some(&mut reference);
        recognizers.push(network.recognizer(found.scores, &data, timed, reference)?);
    }
    for learner in learners {
        let Some(lessons) = &lessons else { continue };
        let bar = progress(lessons.steps(learner), format!("steps of {}", learner.name()));
        bar.tick();
        let mut timing = Timing { reference: &mut reference, rows: timed };
        let learned = lessons.learn(learner, &mut timing, &|count| bar.inc(count as u64))?;
        recognizers.extend(learned);
        bar.finish_and_clear();
    }
    Ok(CompareFile {
        format: FORMAT.to_owned(),
        environment: Environment::here(),
        command: command_line(std::env::args()),
        dataset: data.layout().to_owned(),
        split: split.name().to_owned(),
        rows: rows.len(),
        also_in_training,
        protocol: protocol(target).to_owned(),
        training_rows: lessons.as_ref().map(Lessons::training_rows),
        recognizers,
        detectors,
    })
}

impl CompareArgs {
    fn split(&self) -> Split {
        match self.split {
            SplitArg::Public => Split::PublicTest,
            SplitArg::Private => Split::PrivateTest,
        }
    }

    /// The learners in the order of the command, each once.
    fn learners(&self) -> Result<Vec<Learner>, Problem> {
        if self.baseline.contains(&BaselineArg::None) && self.baseline.len() > 1 {
            return Err(Problem::usage("--baseline none has no other name beside it")
                .help("Name learners, such as --baseline knn,forest, or none alone."));
        }
        let mut learners = Vec::new();
        for name in &self.baseline {
            let learner = match name {
                BaselineArg::Knn => Learner::Knn,
                BaselineArg::Mlp => Learner::Mlp,
                BaselineArg::Forest => Learner::Forest,
                BaselineArg::None => continue,
            };
            if !learners.contains(&learner) {
                learners.push(learner);
            }
        }
        Ok(learners)
    }

    /// All networks, the default bundle's first. Of a training with several heads, the one with the compared label set
    /// is used.
    fn networks(&self, data: &Dataset) -> Result<Vec<NamedNetwork>, Box<dyn Failure>> {
        let Self { bundle: bundles, model: models, run: runs, labels, .. } = self;
        let names = ModelNames { bundles, models, runs, labels: *labels };
        let by_votes = data.has_votes() && self.target != Some(BaselineTarget::Label);
        let own = data.labels().id;
        let wanted =
            if by_votes { vec![BaselineTarget::Ferplus.labels(data).id, own] } else { vec![own] };
        Ok(names.open(&wanted)?)
    }
}
