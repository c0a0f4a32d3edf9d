//! Why a value does not fit its key: as data and with its position, so that messages need not quote another library's.

use std::fmt;
use std::ops::Range;

use serde::de::{Expected, Unexpected};

/// A value that does not fit its key.
#[derive(Debug)]
pub(crate) struct DecodeError {
    pub(crate) problem: DecodeProblem,
    /// Where in the text.
    pub(crate) span: Option<Range<usize>>,
    /// The keys that lead there, the innermost first.
    pub(crate) path: Vec<String>,
}

/// What is wrong with a value.
#[derive(Debug)]
pub(crate) enum DecodeProblem {
    /// A key that its table does not have.
    UnknownKey { key: String, known: &'static [&'static str] },
    /// A word that is not one of the possible ones.
    UnknownWord { word: String, known: &'static [&'static str] },
    /// An array where a table belongs.
    ArrayForTable,
    /// Another value where a table belongs.
    NotATable { found: String },
    /// A value of another type or out of range.
    Unfit { found: String, expected: String },
    /// The message of a type's own check.
    Refused(String),
}

impl DecodeError {
    pub(crate) fn new(problem: DecodeProblem) -> Self {
        Self { problem, span: None, path: Vec::new() }
    }

    /// Sets its position to `span`, unless a more exact one is known.
    pub(crate) fn at(mut self, span: Range<usize>) -> Self {
        self.span.get_or_insert(span);
        self
    }

    /// It is below `key`.
    pub(crate) fn below(mut self, key: &str) -> Self {
        self.path.push(key.to_owned());
        self
    }

    /// Replaces the expected type by `words`, unless an element of the value already has a position and words of its
    /// own.
    pub(crate) fn expecting(mut self, words: &str) -> Self {
        if let (DecodeProblem::Unfit { expected, .. }, None) = (&mut self.problem, &self.span) {
            words.clone_into(expected);
        }
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.problem)
    }
}

impl std::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(DecodeProblem::Refused(message.to_string()))
    }

    fn invalid_type(found: Unexpected, expected: &dyn Expected) -> Self {
        let (found, expected) = (format!("invalid type: {found}"), expected.to_string());
        Self::new(DecodeProblem::Unfit { found, expected })
    }

    fn invalid_value(found: Unexpected, expected: &dyn Expected) -> Self {
        let (found, expected) = (format!("invalid value: {found}"), expected.to_string());
        Self::new(DecodeProblem::Unfit { found, expected })
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Self::new(DecodeProblem::UnknownWord { word: word.to_owned(), known })
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Self {
        Self::new(DecodeProblem::UnknownKey { key: key.to_owned(), known })
    }

    fn missing_field(key: &'static str) -> Self {
        Self::new(DecodeProblem::Refused(format!("missing field `{key}`")))
    }
}
