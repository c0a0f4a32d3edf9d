//! Figures under conditions: an example picture and bars for each.

use emocue_data::degrade::{Condition, ROW_CONDITIONS, drawn_face};
use emocue_models::luma::Luma;
use maud::{Markup, html};

use super::ReportError;
use super::examples::data_address;
use super::tables::rough;
use crate::eval::card::EvalFile;
use crate::eval::conditions::text::{SideBySide, side_by_side};
use crate::eval::conditions::{ConditionFigures, ConditionsResult};

/// Side of the drawn face, px: that of a row.
const DRAWN: usize = emocue_data::SIDE;

/// One row under each condition.
pub(super) struct ConditionPictures {
    /// `data:` URLs by the condition's name.
    pictures: Vec<(&'static str, String)>,
    /// What they show.
    what: &'static str,
}

impl ConditionPictures {
    /// The pictures of `row`, or of a drawn face.
    ///
    /// # Errors
    /// [`ReportError::Picture`] when a picture cannot be encoded.
    pub(super) fn of(row: Option<&Luma>) -> Result<Self, ReportError> {
        let what = if row.is_some() { "a row of the test" } else { "a drawn face" };
        let row = row.cloned().unwrap_or_else(|| drawn_face(DRAWN));
        let mut pictures = vec![("clean", data_address(row.pixels(), row.width())?)];
        for condition in &ROW_CONDITIONS {
            let changed = condition.apply_to_row(row.clone());
            pictures.push((condition.name, data_address(changed.pixels(), changed.width())?));
        }
        Ok(Self { pictures, what })
    }

    fn cell(&self, name: &str) -> Markup {
        let picture = self.pictures.iter().find(|(known, _)| *known == name);
        html! {
            td.sight {
                @if let Some((_, address)) = picture {
                    img src=(address) width="48" height="48" alt=(format!("{}, {name}", self.what));
                }
            }
        }
    }
}

/// A share as a bar with its number.
fn bar(share: f64) -> Markup {
    html! { td.n.bar style=(format!("--h:{:.1}%", 100.0 * share)) { (rough(share)) } }
}

fn name(name: &str) -> Markup {
    let about = Condition::of_row(name).map(|condition| condition.about);
    html! { th scope="row" title=[about] { (name) } }
}

/// One protocol's figures.
pub(super) fn part(
    protocol: &str,
    result: &ConditionsResult,
    pictures: &ConditionPictures,
) -> Markup {
    let line = |figures: &ConditionFigures, class: &str| {
        html! {
            tr class=(class) {
                (pictures.cell(&figures.name))
                (name(&figures.name))
                (bar(figures.accuracy))
                td.n { (rough(figures.balanced_accuracy)) }
                td.n { (format!("{:.3}", figures.macro_f1)) }
                td.n { (rough(figures.calibration_error)) }
                td.n { (rough(figures.coverage)) }
                (bar(figures.accuracy_at_threshold))
            }
        }
    };
    html! {
        h4 { "Under conditions, by " (protocol) }
        p.muted {
            "The same rows made harder; the mean is over the " (result.conditions.len())
            " conditions without the clean rows. The pictures show " (pictures.what) "."
        }
        div.scroll {
            table {
                thead {
                    tr {
                        th {} th { "condition" } th.n { "accuracy" } th.n { "balanced" }
                        th.n { "macro F1" }
                        th.n title="Expected calibration error over 15 bins" { "ECE" }
                        th.n title="Share of answers that are not unsure" { "coverage" }
                        th.n title="Accuracy of those" { "right when sure" }
                    }
                }
                tbody {
                    (line(&result.clean, ""))
                    (line(&result.mean, "strong"))
                    @for figures in &result.conditions {
                        (line(figures, if figures.name == result.worst { "worst" } else { "" }))
                    }
                }
            }
        }
    }
}

/// A table of the accuracies of several networks; `None` for one network.
pub(super) fn overview(files: &[EvalFile], pictures: &ConditionPictures) -> Option<Markup> {
    let SideBySide { title, names, rows } =
        side_by_side(files.iter().flat_map(|file| &file.evaluations))?;
    Some(html! {
        section {
            h2 { "Under conditions" }
            p.muted { "Accuracy, " (title) "." }
            div.scroll {
                table {
                    thead { tr { th {} th {} @for name in &names { th.n { (name) } } } }
                    tbody {
                        @for (condition, accuracies) in &rows {
                            tr.strong[condition == "mean"] {
                                (pictures.cell(condition))
                                (name(condition))
                                @for accuracy in accuracies { (bar(*accuracy)) }
                            }
                        }
                    }
                }
            }
        }
    })
}
