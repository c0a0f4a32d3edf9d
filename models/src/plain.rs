//! Text from other sources on a terminal: file names, bundles, badges and other programs may hold control characters.

use std::borrow::Cow;
use std::io;

/// Whether `c` controls a terminal or changes the direction of text: control characters except line feed and tab
/// (ECMA-48), line and paragraph separators, and the marks of the Unicode Bidirectional Algorithm (UAX #9, section 2).
fn steers(c: char) -> bool {
    let bidi = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    bidi || matches!(c, '\u{2028}' | '\u{2029}') || c.is_control() && !matches!(c, '\n' | '\t')
}

fn escaped(text: &str, steer: fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(steer) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match steer(c) {
            // In a JSON string the same character.
            true => escaped += &format!("\\u{:04x}", u32::from(c)),
            false => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// `text` as it can be printed: `\u001b` stands for an escape character. Lines and tabs stay.
pub fn plain(text: &str) -> Cow<'_, str> {
    escaped(text, steers)
}

/// As [`plain`], on one line: a name that holds a line feed cannot pass for another line.
pub fn plain_line(text: &str) -> Cow<'_, str> {
    escaped(text, |c| steers(c) || matches!(c, '\n' | '\t'))
}

/// Writes text as [`plain`] has it. Invalid UTF-8 becomes U+FFFD.
#[derive(Debug)]
pub struct PlainWriter<W>(pub W);

impl<W: io::Write> io::Write for PlainWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write_all(plain(&String::from_utf8_lossy(buffer)).as_bytes())?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        for (text, printed) in [
            ("caf\u{e9}, \u{1f600}\tone\ntwo", "caf\u{e9}, \u{1f600}\tone\ntwo"),
            ("\x1b[2J", "\\u001b[2J"),
            ("\x1b]0;title\x07", "\\u001b]0;title\\u0007"),
            ("\u{9b}31m\r\x7f", "\\u009b31m\\u000d\\u007f"),
            ("exe.\u{202e}gpj", "exe.\\u202egpj"),
            ("\u{2066}a\u{2069}\u{200f}\u{61c}\u{2028}", "\\u2066a\\u2069\\u200f\\u061c\\u2028"),
        ] {
            assert_eq!(plain(text), printed);
            let mut out = PlainWriter(Vec::new());
            write!(out, "{text}").unwrap();
            assert_eq!(out.0, printed.as_bytes());
        }
        assert_eq!(plain_line("a\nerror: b"), "a\\u000aerror: b");
    }

    #[test]
    fn json_stays_the_same_json() {
        let json = "{\"source\":\"a\u{202e}\u{85}\"}";
        assert_eq!(plain(json), "{\"source\":\"a\\u202e\\u0085\"}");
    }
}
