//! `emocue eval`

use std::io::IsTerminal;

use clap::{Args, ValueEnum};
use emocue_models::bundle::Bundle;
use emocue_models::run::ExpressionNet;
use indicatif::ProgressBar;

use super::FerArgs;
use crate::bundle::{bytes_of, in_bundle};
use crate::data::Split;
use crate::eval::metrics::Scores;
use crate::eval::{Evaluation, evaluate};

/// Judge a bundle's classifier as deployed: in tract, through the badge's own preprocessing.
#[derive(Args, Debug)]
pub struct EvalArgs {
    /// A bundle's file, or "default" for the one inside the binary.
    #[arg(long, value_name = "FILE", default_value = "default")]
    bundle: String,
    #[command(flatten)]
    data: FerArgs,
    /// Rows to judge by.
    #[arg(long, value_enum, default_value = "private")]
    split: SplitArg,
    /// Shift and scale every face by up to this fraction of its side.
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = fraction)]
    jitter: f32,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitArg {
    Public,
    Private,
}

fn fraction(text: &str) -> Result<f32, String> {
    let value: f32 = text.parse().map_err(|_| format!("\"{text}\" is no number"))?;
    if (0.0..=0.5).contains(&value) { Ok(value) } else { Err("expected 0 to 0.5".into()) }
}

/// Runs the verb.
///
/// # Errors
/// What went wrong and what to do next.
pub fn run(args: &EvalArgs) -> Result<(), Box<dyn std::error::Error>> {
    let bytes = bytes_of(&args.bundle)?;
    let bundle = Bundle::read(&bytes).map_err(in_bundle(&args.bundle))?;
    let mut net = ExpressionNet::from_bundle(&bundle)?;
    let data = args.data.read()?;
    let split = match args.split {
        SplitArg::Public => Split::PublicTest,
        SplitArg::Private => Split::PrivateTest,
    };
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
    let evaluation = evaluate(&mut net, &data, split, args.jitter, |done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    if args.json {
        println!("{}", serde_json::to_string_pretty(&evaluation)?);
    } else {
        print(&bundle.manifest().name, &evaluation);
    }
    Ok(())
}

fn print(name: &str, evaluation: &Evaluation) {
    let Evaluation { split, rows, jitter, ferplus_plurality, fer2013 } = evaluation;
    println!("bundle {name}, {split}, {rows} rows, jitter {jitter}, in tract, no flip\n");
    table("FER+ by plurality", ferplus_plurality);
    table("FER2013", fer2013);
}

fn table(title: &str, scores: &Scores) {
    let percent = |share: f64| 100.0 * share;
    let (coverage, accuracy) = scores.sure();
    println!("{title}: {:.2} % of {} rows", percent(scores.accuracy()), scores.rows());
    println!(
        "  macro F1 {:.3}, calibration error {:.1} %, sure on {:.1} % and right on {:.1} % of those",
        scores.macro_f1(),
        percent(scores.calibration_error()),
        percent(coverage),
        percent(accuracy)
    );
    println!(
        "  {:<10} {:>9} {:>7} {:>6} {:>8}   answered as",
        "", "precision", "recall", "F1", "support"
    );
    for (class, row) in scores.classes().iter().zip(scores.confusion()) {
        let counts: Vec<String> = row.iter().map(|count| format!("{count:>4}")).collect();
        println!(
            "  {:<10} {:>7.1} % {:>5.1} % {:>6.3} {:>8}   {}",
            class.class,
            percent(class.precision),
            percent(class.recall),
            class.f1,
            class.support,
            counts.join(" ")
        );
    }
    println!();
}
