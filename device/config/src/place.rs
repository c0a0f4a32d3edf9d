//! A position in a file, and the quote of its line.

use std::fmt;
use std::ops::Range;

/// A position in a text file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextPlace {
    /// The file, as the user named it.
    pub file: String,
    /// Counts from 1.
    pub line: usize,
    /// Counts characters from 1.
    pub column: usize,
    before: String,
    marked: String,
    after: String,
}

/// Longest piece of a line that is quoted, in characters.
const QUOTED: usize = 100;

impl TextPlace {
    /// The position of bytes `span` of `text`; beyond its end, the end.
    pub(crate) fn new(file: &str, text: &str, span: Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let (before, rest) = text.split_at(start);
        let line = before.matches('\n').count() + 1;
        let before = before.rsplit('\n').next().unwrap_or_default();
        let rest = rest.lines().next().unwrap_or_default();
        let end = rest.floor_char_boundary(span.len().min(rest.len()));
        let (marked, after) = rest.split_at(end);
        Self {
            file: file.to_owned(),
            line,
            column: before.chars().count() + 1,
            before: printable(before),
            marked: printable(marked),
            after: printable(after),
        }
    }

    /// The line with a mark below it; a long line is cut.
    pub(crate) fn quote(&self) -> String {
        let line: String =
            [&*self.before, &self.marked, &self.after].concat().chars().take(QUOTED).collect();
        if self.column > QUOTED {
            return format!("  {}", line.trim_end());
        }
        let indent: String =
            self.before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let marks = self.marked.chars().count().clamp(1, QUOTED + 1 - self.column);
        format!("  {}\n  {indent}{}", line.trim_end(), "^".repeat(marks))
    }
}

impl fmt::Display for TextPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// The text with control characters replaced.
fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
    text.trim_end_matches('\r').chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_quotes_its_line_with_a_mark() {
        let text = "a = 1\n\tb = 22 # two\r\n";
        let place = TextPlace::new("f", text, 11..13);
        assert_eq!(place.to_string(), "f:2:6");
        assert_eq!(place.quote(), "  \tb = 22 # two\n  \t    ^^");
    }

    #[test]
    fn the_end_a_cut_letter_and_a_control_character_are_places_too() {
        assert_eq!(TextPlace::new("f", "ä = 1", 1..2).to_string(), "f:1:1");
        assert_eq!(TextPlace::new("f", "a\n", 9..12).to_string(), "f:2:1");
        assert_eq!(TextPlace::new("f", "a\u{1b}[2J", 0..1).quote(), "  a\u{fffd}[2J\n  ^");
        let long = "x".repeat(5000);
        assert_eq!(TextPlace::new("f", &long, 3000..3001).quote().len(), 102);
    }
}
