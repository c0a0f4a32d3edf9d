//! One text of the panel.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// A text of the panel: in the file a text in quotes, or a list of two where it is broken into two lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PanelText {
    whole: String,
    lines: Vec<String>,
}

impl PanelText {
    /// The text in one line.
    pub fn whole(&self) -> &str {
        &self.whole
    }

    /// The text in one line or two.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Why no panel can show it in this place.
    pub(super) fn problem(&self, slot: TextSlot) -> Option<Unfit> {
        if self.lines.iter().any(String::is_empty) && slot != TextSlot::Above {
            return Some(Unfit::new("empty", "write a text"));
        }
        if self.whole.chars().any(char::is_control) {
            return Some(Unfit::new("a control character", "write letters"));
        }
        if self.lines.len() > 1 && slot != TextSlot::State {
            return Some(Unfit::new("two lines", "write one text in quotes, not a list"));
        }
        None
    }
}

impl<'de> Deserialize<'de> for PanelText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = PanelText;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a text in quotes, or a list of two for two lines")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<PanelText, E> {
        Ok(PanelText { whole: text.to_owned(), lines: vec![text.to_owned()] })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<PanelText, A::Error> {
        let mut lines: Vec<String> = Vec::new();
        while let Some(line) = list.next_element()? {
            lines.push(line);
        }
        match lines.len() {
            1 | 2 => Ok(PanelText { whole: lines.join(" "), lines }),
            count => Err(Error::invalid_length(count, &self)),
        }
    }
}

/// The place of a text on the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextSlot {
    /// Small, above the word of an expression. It may be empty.
    Above,
    /// The word of an expression: one line.
    Expression,
    /// The word of a state: one line or two.
    State,
    /// A question to the wearer, above a code: one line.
    Question,
    /// How to answer a question, below its code: one line.
    Answer,
    /// A title over the whole panel: one line.
    Title,
}

/// Why a text does not fit its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// What is wrong.
    pub what: String,
    /// What to write instead, as a part of a sentence.
    pub next: String,
}

impl Unfit {
    /// `what` is wrong, and `next` is the help.
    pub fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into() }
    }
}
