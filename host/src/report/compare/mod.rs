//! The page of a comparison: a table and plots.

mod labels;
mod plot;

use maud::{Markup, PreEscaped, html};

use super::ReportError;
use super::frame::{Frame, Robots};
use super::page::circumstances;
use super::tables::rough;
use crate::compare::card::{CompareFile, Kind, Recognizer};
use crate::compare::text::{HEADS, cells, heading, notes, three_way};
use crate::eval::detector::card::DetectorFile;
use plot::{Bar, Dot};

const ABOUT: &str = "How networks and simple learners judge the look of the same faces, and what a face costs. The \
                     figures say how often answers agree with what raters saw, not what anybody felt.";

/// The whole page.
///
/// # Errors
/// [`ReportError::Plot`] when a plot cannot be drawn.
pub fn page(file: &CompareFile) -> Result<String, ReportError> {
    let title = format!("Recognizers on {}, {}", file.dataset, file.split);
    let sections = html! {
        (table(file))
        (bars(file)?)
        @if let Some(scatter) = scatter(file)? { (scatter) }
        @if let Some(file) = &file.detectors { (detectors(file)) }
        (circumstances(&[], &file.environment, &file.command))
    };
    let frame = Frame { title: &title, about: ABOUT, robots: Robots::All, own_style: "" };
    Ok(frame.around(&sections).into_string())
}

fn table(file: &CompareFile) -> Markup {
    html! {
        section {
            h2 { "All recognizers" }
            p.muted { (heading(file)) "." }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { "recognizer" } th { "kind" }
                            @for (head, about) in HEADS { th.n title=(about) { (head) } }
                        }
                    }
                    tbody {
                        @for recognizer in &file.recognizers {
                            tr {
                                th scope="row" { (recognizer.name) }
                                td { (recognizer.kind.name()) }
                                @for cell in cells(recognizer) { td.n { (cell) } }
                            }
                        }
                    }
                }
            }
            p.muted {
                @for (head, about) in HEADS { (head) ": " (about) ". " }
                @for note in notes(file) { (note) " " }
            }
        }
    }
}

fn bars(file: &CompareFile) -> Result<Markup, ReportError> {
    let bar = |recognizer: &Recognizer| Bar {
        name: recognizer.name.clone(),
        accuracy: recognizer.accuracy(),
        macro_f1: recognizer.macro_f1(),
    };
    let bars: Vec<Bar> = file.recognizers.iter().map(bar).collect();
    let title = "Accuracy and macro F1";
    let plot = plot::bars(title, &bars)?;
    Ok(html! {
        section {
            h2 { (title) }
            figure.plot {
                figcaption {
                    span.key { i.s0 {} "accuracy" }
                    span.key { i.s1 {} "macro F1" }
                }
                (PreEscaped(plot))
            }
        }
    })
}

/// The scatter plot; `None` if no multiply-accumulates are known.
fn scatter(file: &CompareFile) -> Result<Option<Markup>, ReportError> {
    const KINDS: [Kind; 4] = [Kind::Bundle, Kind::Model, Kind::Run, Kind::Baseline];
    let series = |kind: Kind| KINDS.iter().position(|known| *known == kind).unwrap_or(0);
    let dots = file.recognizers.iter().filter_map(|recognizer| {
        Some(Dot {
            name: recognizer.name.clone(),
            series: series(recognizer.kind),
            mmac: recognizer.cost.macs.filter(|macs| *macs > 0)? as f64 / 1e6,
            accuracy: recognizer.accuracy(),
        })
    });
    let dots: Vec<Dot> = dots.collect();
    if dots.is_empty() {
        return Ok(None);
    }
    let title = "Accuracy against multiply-accumulates";
    let plot = plot::scatter(title, &dots)?;
    Ok(Some(html! {
        section {
            h2 { (title) }
            p.muted { "Multiply-accumulates of one face on a logarithmic scale; what has none is left out." }
            figure.plot {
                figcaption {
                    @for kind in KINDS.into_iter().filter(|kind| dots.iter().any(|d| d.series == series(*kind))) {
                        span.key { i class=(format!("s{}", series(kind))) {} (kind.name()) }
                    }
                }
                (PreEscaped(plot))
            }
        }
    }))
}

fn detectors(file: &DetectorFile) -> Markup {
    let sets = file.sets.iter().chain(&file.empty);
    let sets: Vec<String> =
        sets.map(|set| format!("{} ({} pictures)", set.name, set.pictures)).collect();
    html! {
        section {
            h2 { "None, one or several people in a picture" }
            p.muted {
                "Every detector sees the same frames of 640x480 px, at its own threshold: " (sets.join(", ")) "; "
                (file.half) " half."
            }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { "detector" } th.n { "accuracy" } th { "people" } th.n { "pictures" }
                            th.n { "precision" } th.n { "recall" } th.n { "F1" }
                        }
                    }
                    tbody {
                        @for (name, people) in three_way(file) {
                            @for (at, class) in people.classes.iter().enumerate() {
                                tr {
                                    @if at == 0 {
                                        th scope="rowgroup" rowspan="3" { (name) }
                                        td.n rowspan="3" { strong { (rough(people.accuracy.value)) } }
                                    }
                                    td { (class.name) }
                                    td.n { (class.pictures) }
                                    @for value in [class.precision, class.recall, class.f1] {
                                        td.n { (format!("{value:.3}")) }
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

#[cfg(test)]
mod tests;
