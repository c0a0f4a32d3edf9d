//! Figures by apparent group: sentences, then groups as rows and conditions as columns.

use emocue_data::degrade::Condition;
use maud::{Markup, html};

use super::tables::rough;
use crate::eval::groups::GroupsResult;
use crate::eval::groups::text::{GroupTable, tables};

/// The section of an evaluation.
pub(super) fn part(result: &GroupsResult) -> Markup {
    html! {
        h3 { "Apparent groups in " (result.set) }
        p.muted {
            (result.faces) " faces found in " (result.pictures) " pictures. Groups are as the set labels people, not as they "
            "would. A share has an interval of 95 % as its title."
        }
        ul { @for sentence in &result.sentences { li { (sentence) } } }
        @for GroupTable { title, groups, rows } in tables(result) {
            h4 { (title) ", %" }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { "group" } th.n { "faces" }
                            @for (condition, _) in &rows {
                                th.n title=[Condition::of_row(condition).map(|known| known.about)] {
                                    (condition)
                                }
                            }
                        }
                    }
                    tbody {
                        @for (at, (group, faces)) in groups.iter().enumerate() {
                            tr.strong[at == 0] {
                                th scope="row" { (group) }
                                td.n { (faces) }
                                @for (_, cells) in &rows {
                                    @match cells[at] {
                                        Some(share) => td.n title=(format!(
                                            "{} to {} of {}", rough(share.low), rough(share.high), share.of
                                        )) { (format!("{:.0}", 100.0 * share.value)) },
                                        None => td.n { "–" },
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
