//! Error messages that say what to write.

use crate::boards;
use crate::decode_error::{DecodeError, DecodeProblem};
use crate::document::Document;
use crate::error::ConfigError;

/// A key or a value that does not fit.
pub(crate) fn wrong_value(document: &Document, error: &DecodeError) -> ConfigError {
    let mut keys = error.path.iter().rev().map(String::as_str).take(2);
    let (section, key) = (keys.next(), keys.next());
    let path = [section, key].map(Option::unwrap_or_default).join(".");
    let path = path.trim_end_matches('.');
    let span = error.span.clone().unwrap_or(0..0);
    match &error.problem {
        DecodeProblem::UnknownKey { key: unknown, known } => {
            let table = match (section, key) {
                (None, _) => String::new(),
                (Some(section), None) => format!(" in [{section}]"),
                (Some(_), Some(_)) => format!(" in {path}"),
            };
            let next = match nearest(unknown, known) {
                Some(meant) => format!("write {meant}"),
                None => format!("possible: {}", known.join(", ")),
            };
            document.wrong(span, format!("unknown key {unknown:?}{table}"), &next)
        }
        DecodeProblem::UnknownWord { word, known } => {
            let next = match nearest(word, known) {
                Some(meant) => format!("write {meant:?}"),
                None => format!("possible: {}", known.join(", ")),
            };
            document.wrong(span, format!("{path} cannot be {word:?}"), &next)
        }
        DecodeProblem::ArrayForTable => {
            let span = section.map_or(span, |section| document.name(section));
            document.wrong(span, format!("{path} is a table"), &table_of(path))
        }
        DecodeProblem::NotATable { found } => {
            document.wrong(span, format!("{path}: {found}"), &table_of(path))
        }
        DecodeProblem::Unfit { found, expected } => {
            document.wrong(span, format!("{path}: {found}"), &format!("write {expected}"))
        }
        DecodeProblem::Refused(why) => {
            let next = "`emocue-badge config show` prints every key with a value";
            document.wrong(span, format!("{path}: {why}"), next)
        }
    }
}

/// An unknown `board`.
pub(crate) fn unknown_board(document: &Document, name: &str) -> ConfigError {
    let boards = boards::BOARDS.map(|board| board.name);
    let next = match nearest(name, &boards) {
        Some(meant) => format!("write {meant:?}; boards: {}", boards::names()),
        None => format!("boards: {}", boards::names()),
    };
    document.wrong(document.span("board"), format!("no board is called {name:?}"), &next)
}

fn table_of(section: &str) -> String {
    format!("write [{section}] and its keys below it")
}

/// The nearest of `known` to `word`, at a Levenshtein distance of at most 2.
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    // No key is so long, and the cost of a comparison is the product of the lengths.
    const LONGEST: usize = 40;
    let near = known.iter().filter(|_| word.len() <= LONGEST);
    let slips = near.map(|name| (strsim::levenshtein(word, name), *name));
    slips.filter(|(slips, _)| *slips <= 2).min_by_key(|(slips, _)| *slips).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_forgiven_and_another_word_is_not() {
        let known = ["source", "rotate", "mirror", "wait"];
        assert_eq!(nearest("sorce", &known), Some("source"));
        assert_eq!(nearest("rotation", &known), None);
        assert_eq!(nearest("miror", &known), Some("mirror"));
        assert_eq!(nearest("bundle", &known), None);
        assert_eq!(nearest(&"source".repeat(1000), &known), None);
        assert_eq!(nearest("pi4", &["pi-4", "pi-5"]), Some("pi-4"));
    }
}
