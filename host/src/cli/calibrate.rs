//! `emocue calibrate`

use crate::output::{out, outln};
use std::path::PathBuf;

use clap::Args;

use super::SourceArgs;
use super::eval::with_bar;
use super::open::{is_onnx, open_model};
use super::output::{ONNX, OverwriteArg};
use crate::eval::calibration::{fit, reachable};
use crate::eval::protocol::AppliedProtocol;
use emocue_data::Split;
use emocue_data::model::Calibration;
use emocue_data::model::metadata::CALIBRATION;
use emocue_data::predict::{PredictSettings, predict};
use emocue_models::failure::{Failure, Problem, exit};
use emocue_models::files::write_atomically;
use emocue_quantize::onnx::Model;

/// Find the temperature and the threshold of a classifier and write them into its graph.
///
/// Both are fitted on PublicTest, in tract, by the first protocol that the data allow: FER+ by plurality where there
/// are votes. `emocue eval` and `emocue bundle pack` go by what the graph then says; judge the graph before and after
/// with `emocue eval --model A --model B --report page.html`.
#[derive(Args, Debug)]
pub struct CalibrateArgs {
    /// The classifier, quantized or not.
    model: PathBuf,
    #[command(flatten)]
    data: SourceArgs,
    /// Share of the answers that shall be right; below the threshold that gives it, the badge is unsure.
    #[arg(long, default_value_t = 0.9, value_parser = share, value_name = "SHARE")]
    right: f64,
    /// Least share of the answers that must reach the threshold; below it nothing is written, as a badge would be unsure
    /// of nearly every face.
    #[arg(long, default_value_t = 0.1, value_parser = share, value_name = "SHARE")]
    min_answered: f64,
    /// The calibrated graph; may be the same file.
    #[arg(short, long, value_name = "ONNX")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

/// Share of answers that a help line aims for.
const LIKELY: f64 = 0.5;

fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("\"{text}\" is not a number"))?;
    if (0.0..1.0).contains(&value) { Ok(value) } else { Err("expected 0 to 1".into()) }
}

/// Runs the verb.
///
/// # Errors
/// What went wrong and what to do next; nothing is written then.
pub fn run(args: &CalibrateArgs) -> Result<(), Box<dyn Failure>> {
    if !is_onnx(&args.model) {
        let name = args.model.display();
        return Err(Problem::usage(format!("{name} is not an .onnx file"))
            .help("Calibrate the graph, then pack it; `emocue bundle unpack` gives a bundle's graphs.")
            .into());
    }
    args.overwrite.check(&args.output, ONNX, &[&args.model])?;
    let model = open_model(&args.model, None)?.uncalibrated();
    let data = args.data.read()?;
    let rows = data.rows(Split::PublicTest);
    let applied = AppliedProtocol::all(&data, model.labels());
    let asked = std::slice::from_ref(&model);
    let answers = with_bar(rows.len(), |progress| {
        predict(asked, &data, &rows, PredictSettings::default(), progress)
    })?;
    let fitted = applied.first().and_then(|applied| fit(&answers, applied, args.right));
    let calibration = fitted.ok_or_else(|| {
        Problem::new("no PublicTest row has a class that the network knows")
            .help("Give data with a validation split and the same classes.")
            .code(exit::INPUT)
    })?;
    if calibration.at_threshold[0] < args.min_answered {
        return Err(too_few(args, &calibration).into());
    }
    let json = serde_json::to_string(&calibration)
        .map_err(|error| Problem::new(format!("cannot write the calibration as JSON: {error}")))?;
    let graph = Model::from_bytes(model.onnx()).map_err(|error| {
        Problem::new(format!("{}: {error}", args.model.display())).code(exit::INPUT)
    })?;
    write_atomically(&args.output, &graph.with_metadata(&[(CALIBRATION, &json)]).to_bytes())?;
    out!("{}", text(&calibration));
    outln!("{}", args.output.display());
    Ok(())
}

fn too_few(args: &CalibrateArgs, calibration: &Calibration) -> Problem {
    let least = args.min_answered.max(LIKELY);
    let message = format!(
        "{}: {:.1} % of the answers reach the threshold {:.3} that --right {} needs, at least {:.1} % must",
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

/// The figures, with every fifth point of the curve.
fn text(calibration: &Calibration) -> String {
    let Calibration { temperature, threshold, protocol, rows, error, at_threshold, curve, .. } =
        calibration;
    let mut lines = vec![
        format!("fitted to {rows} rows of PublicTest, {protocol}"),
        format!("temperature {temperature:.3}, threshold {threshold:.3}"),
        format!(
            "expected calibration error {:.1} % before, {:.1} % after",
            100.0 * error[0],
            100.0 * error[1]
        ),
        format!(
            "at the threshold {:.1} % are answered, {:.1} % of those right",
            100.0 * at_threshold[0],
            100.0 * at_threshold[1]
        ),
    ];
    lines.push("answered   right   from".to_owned());
    for point in curve.iter().skip(4).step_by(5) {
        let (covered, right) = (100.0 * point.coverage, 100.0 * point.accuracy);
        lines.push(format!("{covered:6.1} %  {right:5.1} %  {:.3}", point.threshold));
    }
    lines.join("\n") + "\n"
}
