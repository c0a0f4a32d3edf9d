//! The page's sections in their order.

use maud::{Markup, PreEscaped, html};

use super::conditions::ConditionPictures;
use super::curves::Chart;
use super::examples::{Example, ReportExamples};
use super::frame::{Frame, Robots};
use super::{EvaluatedRun, ReportError, ReportPage, conditions, groups, plot, tables};
use crate::eval::card::{
    EvalFile, Evaluation, FoldsResult, ProtocolResult, ScoreCard, SplitResult,
};
use crate::eval::context::Environment;
use crate::eval::table::{IN_FULL, differences};

const ABOUT: &str = "How networks judge the look of faces: figures of exported graphs, run as the badge runs them. They \
                     say how often answers agree with what raters saw, not what anybody felt.";

pub(super) fn page(report: &ReportPage) -> Result<Markup, ReportError> {
    let ReportPage { title, run, files, examples, row, environment, command } = report;
    let pictures = ConditionPictures::of(row.as_ref())?;
    let mut sections = Vec::new();
    for evaluation in files.iter().flat_map(|file| &file.evaluations) {
        sections.push(evaluation_section(evaluation, &pictures)?);
    }
    let sections = html! {
        @if !examples.is_empty() { (warning()) }
        @if files.iter().map(|file| file.evaluations.len()).sum::<usize>() > 1 { (overview(files)) }
        @if let Some(overview) = conditions::overview(files, &pictures) { (overview) }
        @for section in &sections { (section) }
        @if let Some(run) = run { (training(run)?) }
        @for examples in examples { (faces(examples)) }
        (circumstances(files, environment, command))
    };
    let robots = if examples.is_empty() { Robots::All } else { Robots::NoIndexNoImages };
    Ok(Frame { title, about: ABOUT, robots, own_style: "" }.around(&sections))
}

fn warning() -> Markup {
    html! {
        aside.warning role="note" {
            strong { "This page shows people's faces." }
            " They come from a dataset whose people did not agree to be shown here. Keep it to yourself: do not "
            "publish it, commit it or pass it on."
        }
    }
}

/// A table of accuracies, if there are several evaluations.
fn overview(files: &[EvalFile]) -> Markup {
    let evaluations: Vec<&Evaluation> = files.iter().flat_map(|file| &file.evaluations).collect();
    let mut protocols: Vec<&str> = Vec::new();
    let mut lines = Vec::new();
    for evaluation in evaluations {
        for split in &evaluation.splits {
            let results = split.protocols.iter().map(|r| (r.protocol.as_str(), r.all.accuracy));
            lines.push((evaluation, split.split.clone(), results.collect::<Vec<_>>()));
        }
        if let Some(folds) = &evaluation.folds {
            let results = folds.protocols.iter().map(|r| (r.protocol.as_str(), r.pooled.accuracy));
            lines.push((evaluation, format!("{} folds", folds.count), results.collect()));
        }
    }
    for (name, _) in lines.iter().flat_map(|(_, _, results)| results) {
        if !protocols.contains(name) {
            protocols.push(name);
        }
    }
    html! {
        section {
            h2 { "Overview" }
            p.muted { "Accuracy on all rows that each protocol scores." }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { "network" } th { "on" }
                            @for protocol in &protocols { th.n { (protocol) } }
                        }
                    }
                    tbody {
                        @for (evaluation, on, results) in &lines {
                            tr {
                                th scope="row" { (evaluation.name) }
                                td { (evaluation.dataset) " " (on) (differences(evaluation)) }
                                @for protocol in &protocols {
                                    td.n {
                                        @match results.iter().find(|(name, _)| name == protocol) {
                                            Some((_, accuracy)) => (format!("{:.2} %", 100.0 * accuracy)),
                                            None => "–",
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn evaluation_section(
    evaluation: &Evaluation,
    pictures: &ConditionPictures,
) -> Result<Markup, ReportError> {
    let Evaluation { name, labels, dataset, splits, folds, models, .. } = evaluation;
    Ok(html! {
        section {
            h2 { (name) }
            p.muted { (labels) " on " (dataset) ", in tract" (differences(evaluation)) "." }
            @for split in splits { (split_part(split, pictures)?) }
            @if let Some(folds) = folds { (folds_part(folds)?) }
            @if let Some(result) = &evaluation.groups { (groups::part(result)) }
            h3 { "Networks" }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { "file" } th { "classes" } th.n { "input" } th.n { "temperature" }
                            th.n { "size" } th { "SHA-256" }
                        }
                    }
                    tbody {
                        @for model in models {
                            tr {
                                th scope="row" { (model.name) }
                                td { (model.labels) }
                                td.n { (model.side) " px" }
                                td.n { (model.temperature) }
                                td.n { (format!("{:.2} MB", model.bytes as f64 / 1e6)) }
                                td { code title=(model.sha256) { (format!("{:.16}…", model.sha256)) } }
                            }
                        }
                    }
                }
            }
        }
    })
}

fn split_part(split: &SplitResult, pictures: &ConditionPictures) -> Result<Markup, ReportError> {
    let SplitResult { split: name, rows, also_in_training, protocols } = split;
    Ok(html! {
        h3 { (name) ", " (rows) " rows" }
        @if *also_in_training > 0 {
            p.muted {
                (also_in_training) " of them also stand in Training, pixel by pixel. “Not in Training” leaves "
                "them out."
            }
        }
        (tables::split(split))
        @for ProtocolResult { protocol, conditions, .. } in protocols {
            @if let Some(result) = conditions && IN_FULL.contains(&protocol.as_str()) {
                (conditions::part(protocol, result, pictures))
            }
        }
        @for ProtocolResult { protocol, about, all, .. } in protocols {
            (details(&format!("{name}, {protocol}"), about, all, IN_FULL.contains(&protocol.as_str()))?)
        }
    })
}

fn folds_part(folds: &FoldsResult) -> Result<Markup, ReportError> {
    let FoldsResult { count, seed, by_subject, protocols } = folds;
    Ok(html! {
        h3 { (count) " folds" }
        p.muted {
            @if *by_subject { "Nobody stands in two folds" } @else { "Subjects are unknown" }
            "; identical pictures share one. Seed " (seed) "."
        }
        @for result in protocols {
            h4 { (result.protocol) }
            (tables::folds(result))
            (details(&format!("{}, pooled", result.protocol), &result.about, &result.pooled, true)?)
        }
    })
}

/// Classes, confusion and calibration of one set of answers.
fn details(name: &str, about: &str, card: &ScoreCard, open: bool) -> Result<Markup, ReportError> {
    let reliability = plot::reliability(&format!("Reliability, {name}"), card)?;
    let abstention = plot::abstention(&format!("Accuracy of the surest answers, {name}"), card)?;
    Ok(html! {
        details open[open] {
            summary { strong { (name) } span.muted { ": " (about) ", " (card.rows) " rows" } }
            div.columns {
                figure {
                    figcaption { "By class" }
                    (tables::classes(card))
                }
                figure {
                    figcaption { "Confusion: percent of each truth, and rows" }
                    (tables::confusion(card))
                }
            }
            div.columns {
                figure.plot {
                    figcaption {
                        "Reliability: on the diagonal, a probability means what it says. Dots stand at a bin's "
                        "mean probability."
                    }
                    (PreEscaped(reliability))
                }
                figure.plot {
                    figcaption {
                        "Silence below a threshold: accuracy on the surest answers. The dot is the threshold "
                        (format!("{:.2}", card.threshold)) "."
                    }
                    (PreEscaped(abstention))
                }
            }
        }
    })
}

fn training(run: &EvaluatedRun) -> Result<Markup, ReportError> {
    let mut plots = Vec::new();
    for chart in &run.charts {
        plots.push((chart, plot::curves(&chart.title, &chart.series)?));
    }
    Ok(html! {
        section {
            h2 { "Training" }
            div.columns {
                @for (chart, plot) in &plots {
                    figure.plot {
                        figcaption { strong { (chart.title) } " " (legend(chart)) }
                        (PreEscaped(plot))
                    }
                }
            }
            @if let Some(recipe) = &run.recipe {
                h3 { "Recipe" }
                pre { (recipe) }
            }
        }
    })
}

/// Names of curves with their colours and last values.
fn legend(Chart { series, .. }: &Chart) -> Markup {
    html! {
        @for (index, series) in series.iter().enumerate() {
            @if let Some((_, last)) = series.points.last() {
                span.key {
                    @if !series.name.is_empty() {
                        i class=(format!("s{}", index % plot::SERIES.len())) {}
                        (series.name) " "
                    }
                    span.muted { "last " (plot::number(last)) }
                }
            }
        }
    }
}

fn faces(ReportExamples { title, worst, uncertain }: &ReportExamples) -> Markup {
    html! {
        section {
            h2 { "Examples: " (title) }
            (warning())
            h3 { "Surely wrong" }
            (gallery(worst))
            h3 { "Most uncertain" }
            (gallery(uncertain))
        }
    }
}

fn gallery(examples: &[Example]) -> Markup {
    html! {
        @if examples.is_empty() { p.muted { "None." } }
        div.gallery {
            @for Example { picture, side, truth, answer, probability } in examples {
                figure {
                    img src=(picture) width=(side) height=(side)
                        alt=(format!("a face, rated {truth}, answered {answer}"));
                    figcaption {
                        (answer) " " (format!("{:.0} %", 100.0 * probability))
                        br;
                        span.muted { "rated " (truth) }
                    }
                }
            }
        }
    }
}

/// Machines and commands; each distinct machine once.
pub(super) fn circumstances(
    files: &[EvalFile],
    environment: &Environment,
    command: &str,
) -> Markup {
    let mut machines = vec![environment];
    let mut commands = Vec::new();
    for file in files {
        if !machines.contains(&&file.environment) {
            machines.push(&file.environment);
        }
        if !commands.contains(&file.command.as_str()) {
            commands.push(file.command.as_str());
        }
    }
    if !commands.contains(&command) {
        commands.push(command);
    }
    html! {
        section {
            h2 { "Made with" }
            @for Environment { emocue, system, architecture, processor, cores } in machines {
                p {
                    "emocue " (emocue) ", " (system) ", " (architecture)
                    @if !processor.is_empty() { ", " (processor) }
                    ", " (cores) @if *cores == 1 { " core" } @else { " cores" }
                }
            }
            pre { @for command in commands { (command) "\n" } }
        }
    }
}
