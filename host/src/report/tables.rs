//! Figures as HTML tables.

use maud::{Markup, html};

use crate::eval::card::{FoldedProtocol, ProtocolResult, ScoreCard, SplitResult};

/// A share with two decimals, for accuracies.
fn exact(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A share with one decimal.
pub(super) fn rough(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// One line for each protocol, with and without rows that also occur in Training.
pub(super) fn split(split: &SplitResult) -> Markup {
    html! {
        div.scroll {
            table {
                (heading())
                tbody {
                    @for ProtocolResult { protocol, about, all, not_in_training, .. } in &split.protocols {
                        (line(protocol, Some(about), all, ""))
                        @if let Some(clean) = not_in_training {
                            (line("not in Training", None, clean, "muted"))
                        }
                    }
                }
            }
        }
    }
}

/// One line for each fold, for their mean and for all answers together.
pub(super) fn folds(result: &FoldedProtocol) -> Markup {
    let (accuracy, f1) = (result.accuracy, result.macro_f1);
    html! {
        div.scroll {
            table {
                (heading())
                tbody {
                    @for fold in &result.folds {
                        (line(&format!("fold {}", fold.fold), None, &fold.card, ""))
                    }
                    (line("pooled", None, &result.pooled, "strong"))
                }
            }
        }
        p {
            "Mean and standard deviation over the folds: accuracy "
            strong { (exact(accuracy.mean)) " ± " (exact(accuracy.deviation)) }
            ", macro F1 " strong { (format!("{:.3} ± {:.3}", f1.mean, f1.deviation)) } "."
        }
    }
}

fn heading() -> Markup {
    html! {
        thead {
            tr {
                th rowspan="2" { "protocol" }
                th.n rowspan="2" { "rows" }
                th.n rowspan="2" { "accuracy" }
                th.c colspan="3" { "macro" }
                th.c colspan="3" { "weighted" }
                th.n rowspan="2" title="Expected calibration error over 15 bins" { "ECE" }
                th.c colspan="2" { "when sure" }
            }
            tr {
                th.n { "P" } th.n { "R" } th.n { "F1" }
                th.n { "P" } th.n { "R" } th.n { "F1" }
                th.n { "rows" } th.n { "right" }
            }
        }
    }
}

fn line(name: &str, about: Option<&String>, card: &ScoreCard, class: &str) -> Markup {
    let (macros, weighted) = (card.macro_average, card.weighted_average);
    html! {
        tr class=(class) {
            th scope="row" title=[about] { (name) }
            td.n { (card.rows) }
            td.n { strong { (exact(card.accuracy)) } }
            @for value in [macros.precision, macros.recall, macros.f1] {
                td.n { (format!("{value:.3}")) }
            }
            @for value in [weighted.precision, weighted.recall, weighted.f1] {
                td.n { (format!("{value:.3}")) }
            }
            td.n { (rough(card.calibration_error)) }
            td.n { (rough(card.coverage)) }
            td.n { (rough(card.accuracy_at_threshold)) }
        }
    }
}

/// Precision, recall, F1 and support of every class.
pub(super) fn classes(card: &ScoreCard) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th { "class" } th.n { "precision" } th.n { "recall" } th.n { "F1" }
                        th.n { "support" }
                    }
                }
                tbody {
                    @for class in &card.classes {
                        tr {
                            th scope="row" { (class.class) }
                            td.n { (rough(class.precision)) }
                            td.n { (rough(class.recall)) }
                            td.n { (format!("{:.3}", class.f1)) }
                            td.n { (class.support) }
                        }
                    }
                }
            }
        }
    }
}

/// Shares of each truth with their counts, as a heat map.
pub(super) fn confusion(card: &ScoreCard) -> Markup {
    html! {
        div.scroll {
            table.confusion {
                thead {
                    tr {
                        th { "truth " span.muted { "\\" } " answer" }
                        @for class in &card.classes { th.c { (class.class) } }
                    }
                }
                tbody {
                    @for (index, class) in card.classes.iter().enumerate() {
                        tr {
                            th scope="row" { (class.class) }
                            @for (count, share) in
                                card.confusion[index].iter().zip(&card.confusion_normalised[index])
                            {
                                (cell(*count, *share))
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(count: usize, share: f64) -> Markup {
    let heat = format!("--h:{:.0}%", 100.0 * share);
    html! {
        td.c .hot[share > 0.55] .none[count == 0] style=(heat) {
            (format!("{:.1}", 100.0 * share)) small { (count) }
        }
    }
}
