//! `emocue calibrate`

use crate::output::{out, outln};
use std::path::PathBuf;

use clap::Args;

use super::SourceArgs;
use super::eval::with_bar;
use super::open::{is_onnx, open_model};
use super::output::{ONNX, OverwriteArg};
use crate::eval::calibration::{FitSettings, Outputs, View, fit, reachable, text::text};
use crate::eval::protocol::AppliedProtocol;
use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_data::degrade::{Condition, ROW_CONDITIONS};
use emocue_data::evidence::{RowChange, evidence};
use emocue_data::model::metadata::{self, CALIBRATION};
use emocue_data::model::{Calibration, ClassifierModel, ModelError};
use emocue_data::predict::PredictSettings;
use emocue_models::failure::{Failure, Problem, exit};
use emocue_models::files::write_atomically;
use emocue_models::label::LabelSet;
use emocue_quantize::onnx::Model;

/// Calibrate a classifier's outputs, and write the calibration into its graph.
///
/// Everything is fitted on PublicTest, in tract: a temperature on all labels of the data (FER+ by plurality, and the
/// dataset's own), the strength of the prior correction, the weight of a second head, how much poor image quality
/// lowers confidence, and the threshold. `emocue eval` and `emocue bundle pack` use the graph's calibration; evaluate
/// the graph before and after with `emocue eval --model A --model B --report page.html`.
#[derive(Args, Debug)]
pub struct CalibrateArgs {
    /// The classifier, quantized or not.
    model: PathBuf,
    #[command(flatten)]
    data: SourceArgs,
    /// Required accuracy of the answers above the threshold, under every condition; below the threshold, the badge is
    /// unsure.
    #[arg(long, default_value_t = 0.9, value_parser = share, value_name = "SHARE")]
    right: f64,
    /// Required share of the answers that reach the threshold; below it nothing is written, since a badge would be
    /// unsure of nearly every face.
    #[arg(long, default_value_t = 0.1, value_parser = share, value_name = "SHARE")]
    min_answered: f64,
    /// Largest loss of plain accuracy for more balanced answers.
    #[arg(long, default_value_t = 0.005, value_parser = share, value_name = "SHARE")]
    cost: f64,
    /// Strength of the prior correction, 0 to 2 (default: fitted).
    #[arg(long, value_parser = at_most::<2>, value_name = "STRENGTH")]
    prior: Option<f32>,
    /// Weight of the second head in the answer, 0 to 1 (default: fitted).
    #[arg(long, value_parser = at_most::<1>, value_name = "SHARE")]
    mix: Option<f32>,
    /// The temperature, 0.05 to 50 (default: fitted).
    #[arg(long, value_parser = temperature, value_name = "TEMPERATURE")]
    temperature: Option<f32>,
    /// Weight of the dataset's own labels in fitting the temperature if there are votes, too, 0 to 1.
    #[arg(long, default_value_t = 0.1, value_parser = share, value_name = "SHARE")]
    label_weight: f64,
    /// Answer unsure above a free energy that this share of the rows does not exceed, for inputs that do not look like
    /// an expression.
    #[arg(long, value_parser = share, value_name = "SHARE")]
    familiar: Option<f64>,
    /// Also fit to the rows under these conditions: `all`, or comma-separated names.
    #[arg(long, value_name = "NAMES", num_args = 0..=1, default_missing_value = "all")]
    conditions: Option<String>,
    /// Print the calibration as JSON.
    #[arg(long)]
    json: bool,
    /// The calibrated graph; may be the same file.
    #[arg(short, long, value_name = "ONNX")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

/// Coverage for which a help line suggests a setting.
const LIKELY: f64 = 0.5;

fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("\"{text}\" is not a number"))?;
    if (0.0..1.0).contains(&value) { Ok(value) } else { Err("expected 0 to less than 1".into()) }
}

fn at_most<const MOST: u8>(text: &str) -> Result<f32, String> {
    number(text, 0.0, MOST.into())
}

fn temperature(text: &str) -> Result<f32, String> {
    number(text, 0.05, 50.0)
}

fn number(text: &str, least: f32, most: f32) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| format!("\"{text}\" is not a number"))?;
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(format!("expected {least} to {most}"))
    }
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help; nothing is written then.
pub fn run(args: &CalibrateArgs) -> Result<(), Box<dyn Failure>> {
    if !is_onnx(&args.model) {
        let name = args.model.display();
        return Err(Problem::usage(format!("{name} is not an .onnx file"))
            .help("Calibrate the graph, then pack it; `emocue bundle unpack` gives a bundle's graphs.")
            .into());
    }
    args.overwrite.check(&args.output, ONNX, &[&args.model])?;
    let conditions = conditions(args.conditions.as_deref())?;
    let model = open_model(&args.model, None)?.uncalibrated();
    let data = args.data.read()?;
    let applied = sources(&data, model.labels());
    let outputs = outputs(&model, &data)?;
    let views = views(&model, &data, &conditions)?;
    let settings = FitSettings {
        right: args.right,
        cost: args.cost,
        prior: args.prior,
        mix: args.mix,
        temperature: args.temperature,
        familiar: args.familiar,
        label_weight: args.label_weight,
    };
    let fitted = fit(&outputs, &applied, &views, &settings)?;
    let calibration = &fitted.calibration;
    if calibration.at_threshold[0] < args.min_answered {
        return Err(too_few(args, calibration, &fitted.hardest).into());
    }
    let failed = |error| Problem::new(format!("cannot write the calibration as JSON: {error}"));
    let json = serde_json::to_string(&calibration).map_err(failed)?;
    let graph = Model::from_bytes(model.onnx()).map_err(|error| {
        Problem::new(format!("{}: {error}", args.model.display())).code(exit::INPUT)
    })?;
    write_atomically(&args.output, &graph.with_metadata(&[(CALIBRATION, &json)]).to_bytes())?;
    if args.json {
        outln!("{}", serde_json::to_string_pretty(&calibration).map_err(failed)?);
    } else {
        out!("{}", text(&fitted));
        outln!("{}", args.output.display());
    }
    Ok(())
}

/// The main protocol, and the dataset's own labels if they differ from it.
fn sources(data: &Dataset, labels: LabelSet) -> Vec<AppliedProtocol<'_>> {
    let all = AppliedProtocol::all(data, labels);
    let last = all.len().saturating_sub(1);
    all.into_iter().enumerate().filter(|(at, _)| [0, last].contains(at)).map(|(_, it)| it).collect()
}

/// The outputs according to the graph's metadata; missing class shares are taken from the data's Training rows.
fn outputs(model: &ClassifierModel, data: &Dataset) -> Result<Outputs, Problem> {
    let found = metadata::read(model.onnx())
        .map_err(|error| Problem::new(format!("{}: {error}", model.name())).code(exit::INPUT))?;
    let labels = model.labels();
    let shares = match found.priors.get(labels.id) {
        Some(shares) => shares.clone(),
        None => data.shares(&labels),
    };
    Ok(Outputs { labels, second: found.heads.get(1).copied(), shares })
}

/// Parses the conditions in `names`: all, or a comma-separated list.
fn conditions(names: Option<&str>) -> Result<Vec<&'static Condition>, Problem> {
    let Some(names) = names else { return Ok(Vec::new()) };
    if names.trim() == "all" {
        return Ok(ROW_CONDITIONS.iter().collect());
    }
    let condition = |name: &str| {
        let unknown = || {
            let known: Vec<&str> = ROW_CONDITIONS.iter().map(|condition| condition.name).collect();
            Problem::usage(format!("--conditions: \"{name}\" is not a condition"))
                .help(format!("Name all, or some of: {}.", known.join(", ")))
        };
        Condition::of_row(name).ok_or_else(unknown)
    };
    names.split(',').map(|name| condition(name.trim())).collect()
}

/// The clean rows, then the rows under each condition.
fn views(
    model: &ClassifierModel,
    data: &Dataset,
    conditions: &[&'static Condition],
) -> Result<Vec<View>, ModelError> {
    let rows = data.rows(Split::PublicTest);
    let threads = PredictSettings::default().threads;
    with_bar(rows.len() * (1 + conditions.len()), |progress| {
        let view = |name: &str, change: Option<RowChange<'_>>| -> Result<View, ModelError> {
            let evidence = evidence(model, data, &rows, change, threads, progress)?;
            Ok(View { name: name.to_owned(), evidence })
        };
        let mut views = vec![view("clean", None)?];
        for condition in conditions {
            views.push(view(condition.name, Some(&|row| condition.apply_to_row(row)))?);
        }
        Ok(views)
    })
}

fn too_few(args: &CalibrateArgs, calibration: &Calibration, hardest: &str) -> Problem {
    let least = args.min_answered.max(LIKELY);
    let under = if calibration.conditions.is_empty() {
        String::new()
    } else {
        format!(" under \"{hardest}\"")
    };
    let message = format!(
        "{}: {:.1} % of the answers reach the threshold {:.3} that --right {} needs{under}, at least {:.1} % must",
        args.model.display(),
        100.0 * calibration.at_threshold[0],
        calibration.threshold,
        args.right,
        100.0 * args.min_answered
    );
    let help = format!(
        "Train a better network, or ask for less: with --right {:.2}, {:.0} % and more are answered. \
         --min-answered 0 writes it all the same.",
        reachable(calibration, least),
        100.0 * least
    );
    Problem::new(message).help(help).code(exit::NETWORK)
}
