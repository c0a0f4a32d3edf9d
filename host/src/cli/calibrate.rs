//! `emocue calibrate`

use std::path::PathBuf;

use clap::Args;

use super::SourceArgs;
use super::eval::with_bar;
use crate::eval::calibration::fit;
use crate::eval::protocol::Ruler;
use emocue_data::Split;
use emocue_data::model::Calibration;
use emocue_data::model::candidate::Candidate;
use emocue_data::model::metadata::CALIBRATION;
use emocue_data::predict::{Settings, predict};
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
    model: String,
    #[command(flatten)]
    data: SourceArgs,
    /// Share of the answers that shall be right; below the threshold that gives it, the badge is unsure.
    #[arg(long, default_value_t = 0.9, value_parser = share, value_name = "SHARE")]
    right: f64,
    /// The calibrated graph; may be the same file.
    #[arg(short, long, value_name = "ONNX")]
    output: PathBuf,
}

fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("\"{text}\" is no number"))?;
    if (0.0..1.0).contains(&value) { Ok(value) } else { Err("expected 0 to 1".into()) }
}

/// Runs the verb.
///
/// # Errors
/// What went wrong and what to do next; nothing is written then.
pub fn run(args: &CalibrateArgs) -> Result<(), Box<dyn std::error::Error>> {
    if !args.model.to_ascii_lowercase().ends_with(".onnx") {
        let name = &args.model;
        return Err(format!(
            "{name} is no .onnx file\n  Calibrate the graph, then pack it; emocue bundle unpack gives a bundle's graphs."
        )
        .into());
    }
    let candidate = Candidate::open(&args.model, None)?.uncalibrated();
    let data = args.data.read()?;
    let rows = data.rows(Split::PublicTest);
    let rulers = Ruler::all(&data, candidate.labels());
    let asked = std::slice::from_ref(&candidate);
    let answers = with_bar(rows.len(), |progress| {
        predict(asked, &data, &rows, Settings::default(), progress)
    })?;
    let fitted = rulers.first().and_then(|ruler| fit(&answers, ruler, args.right));
    let calibration = fitted.ok_or(
        "no PublicTest row has a class that the network knows\n  Give data with a validation split and the same classes.",
    )?;
    let json = serde_json::to_string(&calibration)?;
    let model = Model::from_bytes(&std::fs::read(&args.model)?)?;
    write_atomically(&args.output, &model.with_metadata(&[(CALIBRATION, &json)]).to_bytes())?;
    print!("{}", text(&calibration));
    println!("{}", args.output.display());
    Ok(())
}

/// The figures, with every fifth point of the curve.
fn text(calibration: &Calibration) -> String {
    let Calibration { temperature, threshold, protocol, rows, error, sure, curve } = calibration;
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
            100.0 * sure[0],
            100.0 * sure[1]
        ),
    ];
    lines.push("answered   right   from".to_owned());
    for point in curve.iter().skip(4).step_by(5) {
        let (covered, right) = (100.0 * point.coverage, 100.0 * point.accuracy);
        lines.push(format!("{covered:6.1} %  {right:5.1} %  {:.3}", point.threshold));
    }
    lines.join("\n") + "\n"
}
