//! Results as tables for a terminal.

use std::fmt::Write as _;

use super::card::{Evaluation, FoldsResult, ProtocolResult, ScoreCard, SplitResult};
use super::{conditions, groups};

/// Protocols whose figures by class are printed; the others differ from these only in the rows that count.
pub const IN_FULL: [&str; 2] = ["ferplus.plurality", "label"];

/// The text of one evaluation.
pub fn text(evaluation: &Evaluation) -> String {
    let Evaluation { name, labels, dataset, splits, folds, .. } = evaluation;
    let mut out = format!("{name} ({labels}) on {dataset}, in tract{}\n", differences(evaluation));
    // Writing into a string cannot fail.
    splits.iter().for_each(|split| _ = write_split(&mut out, split));
    if let Some(folds) = folds {
        _ = write_folds(&mut out, folds);
    }
    out.extend(evaluation.groups.as_ref().map(groups::text::text));
    out
}

/// One set of figures with its classes.
pub fn card(title: &str, card: &ScoreCard) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    _ = heading(&mut out);
    _ = figures(&mut out, title, card);
    _ = classes(&mut out, title, card);
    out
}

/// The settings that differ from the defaults.
pub fn differences(Evaluation { models, flip, jitter, folds, .. }: &Evaluation) -> String {
    let mut words = String::new();
    if models.len() > 1 && folds.is_none() {
        _ = write!(words, ", mean of {}", models.len());
    }
    words += if *flip { ", mean with the mirror image" } else { ", no flip" };
    if *jitter > 0.0 {
        _ = write!(words, ", faces up to {:.0} % off", percent(f64::from(*jitter)));
    }
    words
}

fn write_split(out: &mut String, split: &SplitResult) -> std::fmt::Result {
    let SplitResult { split: name, rows, also_in_training, protocols } = split;
    write!(out, "\n{name}: {rows} rows")?;
    if *also_in_training > 0 {
        write!(out, ", {also_in_training} of them also in Training")?;
    }
    out.push_str("\n\n");
    heading(out)?;
    for ProtocolResult { protocol, all, not_in_training, .. } in protocols {
        figures(out, protocol, all)?;
        if let Some(clean) = not_in_training {
            figures(out, "  not in Training", clean)?;
        }
    }
    for result in protocols.iter().filter(|result| IN_FULL.contains(&result.protocol.as_str())) {
        classes(out, &result.protocol, &result.all)?;
        if let Some(conditions) = &result.conditions {
            out.push_str(&conditions::text::text(&result.protocol, conditions));
        }
    }
    Ok(())
}

fn write_folds(out: &mut String, folds: &FoldsResult) -> std::fmt::Result {
    let FoldsResult { count, seed, by_subject, protocols } = folds;
    let grouped = if *by_subject { "nobody in two of them" } else { "subjects unknown" };
    writeln!(out, "\n{count} folds, {grouped}, seed {seed}\n")?;
    heading(out)?;
    for result in protocols {
        for fold in &result.folds {
            figures(out, &format!("{} fold {}", result.protocol, fold.fold), &fold.card)?;
        }
        figures(out, "  pooled", &result.pooled)?;
        let (accuracy, f1) = (result.accuracy, result.macro_f1);
        writeln!(
            out,
            "  mean and standard deviation: accuracy {:.2} ± {:.2} %, macro F1 {:.3} ± {:.3}",
            percent(accuracy.mean),
            percent(accuracy.deviation),
            f1.mean,
            f1.deviation
        )?;
    }
    for result in protocols.iter().filter(|result| IN_FULL.contains(&result.protocol.as_str())) {
        classes(out, &format!("{} pooled", result.protocol), &result.pooled)?;
    }
    Ok(())
}

fn heading(out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "{:<24} {:>6} {:>9}  {:>7} {:>5} {:>5} {:>9} {:>7}   {:>8} {:>8}",
        "", "rows", "accuracy", "macro P", "R", "F1", "wgt. F1", "ECE", "coverage", "right"
    )
}

fn figures(out: &mut String, name: &str, card: &ScoreCard) -> std::fmt::Result {
    let average = card.macro_average;
    writeln!(
        out,
        "{name:<24} {:>6} {:>7.2} %    {:.3} {:.3} {:.3} {:>9.3} {:>5.1} %   {:>6.1} % {:>6.1} %",
        card.rows,
        percent(card.accuracy),
        average.precision,
        average.recall,
        average.f1,
        card.weighted_average.f1,
        percent(card.calibration_error),
        percent(card.coverage),
        percent(card.accuracy_at_threshold)
    )
}

fn classes(out: &mut String, title: &str, card: &ScoreCard) -> std::fmt::Result {
    let width =
        card.confusion.iter().flatten().max().map_or(4, |most| most.to_string().len().max(4));
    let heads: Vec<String> =
        card.classes.iter().map(|class| format!("{:>width$.3}", class.class)).collect();
    writeln!(
        out,
        "\n{title:<24} {:>9} {:>7} {:>6} {:>8}   answered as\n{:<58} {}",
        "precision",
        "recall",
        "F1",
        "support",
        "",
        heads.join(" ")
    )?;
    for (class, row) in card.classes.iter().zip(&card.confusion) {
        let counts: Vec<String> = row.iter().map(|count| format!("{count:>width$}")).collect();
        writeln!(
            out,
            "  {:<22} {:>7.1} % {:>5.1} % {:>6.3} {:>8}   {}",
            class.class,
            percent(class.precision),
            percent(class.recall),
            class.f1,
            class.support,
            counts.join(" ")
        )?;
    }
    Ok(())
}

/// A share in percent.
pub fn percent(share: f64) -> f64 {
    100.0 * share
}
