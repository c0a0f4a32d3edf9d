//! A fit as text for a terminal.

use std::fmt::Write as _;

use emocue_data::model::Calibration;

use super::figures::{Choice, SourceFigures, ViewFigures};
use super::fit::Fitted;

/// The result, the figures of each step and choice, and the abstention curve.
pub fn text(fitted: &Fitted) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    _ = write(&mut out, fitted);
    out
}

fn write(
    out: &mut String,
    Fitted { calibration, tried, steps, hardest }: &Fitted,
) -> std::fmt::Result {
    let Calibration { temperature, threshold, rows, error, at_threshold, curve, decision, .. } =
        calibration;
    let protocols: Vec<&str> =
        steps.first().map_or(&[][..], |step| &step.sources).iter().map(|it| it.protocol).collect();
    writeln!(out, "fitted to {rows} rows of PublicTest, {}", protocols.join(" and "))?;
    writeln!(out, "temperature {temperature:.3}, threshold {threshold:.3}")?;
    if let Some(second) = &decision.second {
        writeln!(
            out,
            "prior {:.2}, {} counts {:.2} at temperature {:.3}",
            decision.prior.strength, second.labels, second.weight, second.temperature
        )?;
    } else if decision.prior.strength > 0.0 {
        writeln!(out, "prior {:.2}", decision.prior.strength)?;
    }
    if let Some(limit) = decision.energy_limit {
        writeln!(out, "unsure above a free energy of {limit:.3}")?;
    }
    let [before, after] = error.map(percent);
    writeln!(out, "expected calibration error {before:.1} % before, {after:.1} % after")?;
    let [covered, right] = at_threshold.map(percent);
    writeln!(out, "at the threshold {covered:.1} % are answered, {right:.1} % of those right")?;
    if tried.len() > 1 {
        choices(out, "tried", tried)?;
    }
    choices(out, "steps", steps)?;
    if let Some(last) = steps.last().filter(|last| last.views.len() > 1) {
        conditions(out, &last.views, hardest)?;
    }
    writeln!(out, "answered   right   from")?;
    for point in curve.iter().skip(4).step_by(5) {
        let (covered, right) = (percent(point.coverage), percent(point.accuracy));
        writeln!(out, "{covered:6.1} %  {right:5.1} %  {:.3}", point.threshold)?;
    }
    Ok(())
}

/// One line for each, with the figures of every source.
fn choices(out: &mut String, title: &str, choices: &[Choice]) -> std::fmt::Result {
    let Some(first) = choices.first() else { return Ok(()) };
    write!(out, "\n{title:<26}")?;
    for SourceFigures { protocol, .. } in &first.sources {
        write!(out, "  {protocol:<32}")?;
    }
    write!(out, "\n{:<26}", "")?;
    for _ in &first.sources {
        write!(out, "  {:>8}{:>9}{:>6}{:>7}  ", "accuracy", "balanced", "F1", "error")?;
    }
    writeln!(out)?;
    for choice in choices {
        write!(out, "{:<26}", choice.what)?;
        for source in &choice.sources {
            let [accuracy, balanced, error] =
                [source.accuracy, source.balanced, source.calibration_error].map(percent);
            let f1 = source.macro_f1;
            write!(out, "  {accuracy:>6.1} %{balanced:>7.1} %{f1:>6.3}{error:>5.1} %  ")?;
        }
        writeln!(out)?;
    }
    writeln!(out)
}

fn conditions(out: &mut String, views: &[ViewFigures], hardest: &str) -> std::fmt::Result {
    writeln!(
        out,
        "{:<14}{:>10}{:>9}{:>11}{:>9}",
        "condition", "accuracy", "error", "answered", "right"
    )?;
    for view in views {
        let [accuracy, error, covered, right] =
            [view.accuracy, view.calibration_error, view.coverage, view.accuracy_at_threshold]
                .map(percent);
        let mark = if view.name == hardest { "  sets the threshold" } else { "" };
        writeln!(
            out,
            "{:<14}{accuracy:>8.1} %{error:>7.1} %{covered:>9.1} %{right:>7.1} %{mark}",
            view.name
        )?;
    }
    writeln!(out)
}

fn percent(share: f64) -> f64 {
    100.0 * share
}
