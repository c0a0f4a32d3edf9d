//! The page of detectors: their curves, and the same tables as in a terminal.

use maud::{Markup, PreEscaped, html};

use super::curves::Series;
use super::frame::{Frame, Robots};
use super::page::circumstances;
use super::{ReportError, plot};
use crate::eval::detector::card::DetectorFile;
use crate::eval::detector::text::{Table, tables};

const ABOUT: &str = "How face detectors find what is marked in pictures: every detector sees the same frames of 640x480 px, \
                     and a find counts from an IoU of 0.5 on. In brackets: intervals of 95 %.";

/// Right end of the curves, false alarms for each thousand pictures.
const MOST_ALARMS: f64 = 100.0;

/// The whole page.
///
/// # Errors
/// [`ReportError::Plot`] when the curves cannot be drawn.
pub fn page(file: &DetectorFile) -> Result<String, ReportError> {
    let names: Vec<&str> = file.detectors.iter().map(|detector| detector.name.as_str()).collect();
    let title = names.join(", ");
    let curves = curves(file)?;
    let sections = html! {
        @if let Some(curves) = &curves { (curves) }
        @for table in &tables(file) { (section(table, &names)) }
        (circumstances(&[], &file.environment, &file.command))
    };
    let frame = Frame { title: &title, about: ABOUT, robots: Robots::All, own_style: "" };
    Ok(frame.around(&sections).into_string())
}

fn section(table: &Table, names: &[&str]) -> Markup {
    html! {
        section {
            h2 { (table.title) }
            div.scroll {
                table {
                    thead { tr { th {} @for name in names { th.n { (name) } } } }
                    tbody {
                        @for (name, cells) in &table.rows {
                            tr { th scope="row" { (name) } @for cell in cells { td.n { (cell) } } }
                        }
                    }
                }
            }
        }
    }
}

/// Recall against false alarms; `None` without empty pictures.
fn curves(file: &DetectorFile) -> Result<Option<Markup>, ReportError> {
    let series: Vec<Series> = file
        .detectors
        .iter()
        .map(|detector| Series {
            name: detector.name.clone(),
            points: detector
                .curve
                .iter()
                .map(|point| (point.alarms_per_1000, point.recall))
                .filter(|(alarms, _)| *alarms <= MOST_ALARMS)
                .collect(),
        })
        .collect();
    if series.iter().all(|series| series.points.is_empty()) {
        return Ok(None);
    }
    let title = "Recall against false alarms";
    let plot = plot::detector_curves(title, &series)?;
    Ok(Some(html! {
        section {
            h2 { (title) }
            p.muted {
                "Faces of 40 px and more; false alarms for each thousand pictures without anybody. Each point is a threshold."
            }
            figure.plot {
                figcaption {
                    @for (index, series) in series.iter().enumerate() {
                        span.key {
                            i class=(format!("s{}", index % plot::SERIES.len())) {}
                            (series.name) " "
                        }
                    }
                }
                (PreEscaped(plot))
            }
        }
    }))
}
