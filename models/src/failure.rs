//! Errors as both programs report them: message, causes, help and exit code.

use std::error::Error;
use std::fmt;
use std::io::{self, Write as _};

use crate::plain::PlainWriter;

/// Exit codes of both programs; their `--help` lists those that they use.
pub mod exit {
    /// Failed, for a reason that no other code names, or a check found a problem.
    pub const FAILED: u8 = 1;
    /// Wrong usage or configuration.
    pub const USAGE: u8 = 2;
    /// An input cannot be read or is invalid: a camera, a picture, a dataset, a graph.
    pub const INPUT: u8 = 3;
    /// An output cannot be written: a display, a file, standard output.
    pub const OUTPUT: u8 = 4;
    /// A bundle or a network cannot be used, or is refused.
    pub const NETWORK: u8 = 5;
    /// A pin cannot be used.
    pub const PIN: u8 = 6;
    /// A folder cannot be used: full, not writable, or in use by another program.
    pub const FOLDER: u8 = 7;
    /// The badge's button was not pressed.
    pub const NOT_ACCEPTED: u8 = 8;
    /// A badge cannot be reached, or does not do what it should.
    pub const BADGE: u8 = 9;
    /// Stopped by Ctrl-C.
    pub const INTERRUPTED: u8 = 130;
}

/// An error that a program can report. Its [`fmt::Display`] is the message: what failed and where (file, row, byte),
/// without the help.
pub trait Failure: Error {
    /// What to do about it, in whole sentences; a line each.
    fn help(&self) -> Option<String> {
        None
    }

    /// One of [`exit`].
    fn exit_code(&self) -> u8 {
        exit::FAILED
    }
}

impl Failure for io::Error {}

impl<'a, F: Failure + 'a> From<F> for Box<dyn Failure + 'a> {
    fn from(failure: F) -> Self {
        Box::new(failure)
    }
}

/// A failure that needs no type of its own: it is reported and never matched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    message: String,
    help: Option<String>,
    exit_code: u8,
}

impl Problem {
    /// A message alone.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, exit_code: exit::FAILED }
    }

    /// A wrong argument or setting.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(message).code(exit::USAGE)
    }

    /// `failure` with a file, a place or a step before its message.
    pub fn at(place: impl fmt::Display, failure: &dyn Failure) -> Self {
        let message = format!("{place}: {failure}");
        Self { message, help: failure.help(), exit_code: failure.exit_code() }
    }

    /// Adds the help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With another exit code.
    #[must_use]
    pub fn code(mut self, exit_code: u8) -> Self {
        self.exit_code = exit_code;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Problem {}

impl Failure for Problem {
    fn help(&self) -> Option<String> {
        self.help.clone()
    }

    fn exit_code(&self) -> u8 {
        self.exit_code
    }
}

impl<'a> From<String> for Box<dyn Failure + 'a> {
    fn from(message: String) -> Self {
        Box::new(Problem::new(message))
    }
}

impl<'a> From<&str> for Box<dyn Failure + 'a> {
    fn from(message: &str) -> Self {
        Box::new(Problem::new(message))
    }
}

/// Writes the message, each cause that the message does not quote already, and the help, each on lines of its own;
/// control characters are escaped.
///
/// # Errors
/// Whatever `out` returns.
pub fn write(failure: &dyn Failure, out: &mut dyn io::Write) -> io::Result<()> {
    let out = &mut PlainWriter(out);
    let mut said = failure.to_string();
    writeln!(out, "error: {said}")?;
    let mut cause = failure.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            writeln!(out, "caused by: {text}")?;
            said = text;
        }
        cause = error.source();
    }
    let help = failure.help().unwrap_or_default();
    help.lines().try_for_each(|line| writeln!(out, "help: {line}"))
}

/// `hint` as a sentence: what begins with a lowercase letter is capitalised, and a full stop is added.
pub fn sentence(hint: &str) -> String {
    let mut rest = hint.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    let end = if hint.ends_with(['.', '?', '!']) { "" } else { "." };
    first.into_iter().chain(rest.as_str().chars()).chain(end.chars()).collect()
}

/// The opposite of [`sentence`].
fn fragment(sentence: &str) -> String {
    let sentence = sentence.strip_suffix('.').unwrap_or(sentence);
    let mut rest = sentence.chars();
    let Some(first) = rest.next() else { return String::new() };
    let rest = rest.as_str();
    // Words in capitals stay: `NV12`.
    let is_word = rest.starts_with(|next: char| next.is_ascii_lowercase() || next == ' ');
    let first = if is_word { first.to_ascii_lowercase() } else { first };
    format!("{first}{rest}")
}

/// The help as a part of another sentence: `"check its cable"`.
pub fn hint(failure: &dyn Failure) -> Option<String> {
    let help = failure.help()?;
    Some(help.lines().map(fragment).collect::<Vec<_>>().join("; "))
}

/// Message and help where there is no room for [`write()`]: `"no frame for 3 s; check its cable"`, or with the help on a
/// line of its own below a message of several lines.
pub fn line(failure: &dyn Failure) -> String {
    let message = failure.to_string();
    let Some(hint) = hint(failure) else { return message };
    let between = if message.contains('\n') { "\n  " } else { "; " };
    format!("{message}{between}{hint}")
}

/// The output of [`write()`] from another process, in the form of [`line()`]; other lines stay.
pub fn line_of(written: &str) -> String {
    let mut text = String::new();
    let mut message = 0;
    for line in written.trim().lines().filter(|line| !line.starts_with("caused by: ")) {
        match line.strip_prefix("help: ") {
            Some(help) => {
                let between = if text[message..].contains('\n') { "\n  " } else { "; " };
                text.push_str(between);
                text.push_str(&fragment(help));
            }
            None => {
                text.push_str(if text.is_empty() { "" } else { "\n" });
                text.push_str(match line.strip_prefix("error: ") {
                    Some(line) => {
                        message = text.len();
                        line
                    }
                    None => line,
                });
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0} has no rows")]
    struct Empty(&'static str, #[source] io::Error);

    impl Failure for Empty {
        fn help(&self) -> Option<String> {
            Some("Fetch it again.\nCompare its size.".to_owned())
        }
    }

    fn written(failure: &dyn Failure) -> String {
        let mut out = Vec::new();
        write(failure, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn message_cause_and_help_stand_apart() {
        let failure = Empty("a.csv", io::Error::other("disk failed"));
        assert_eq!(
            written(&failure),
            "error: a.csv has no rows\ncaused by: disk failed\nhelp: Fetch it again.\nhelp: Compare its size.\n"
        );
    }

    #[test]
    fn a_cause_that_is_quoted_is_not_repeated() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot read a.csv: {0}")]
        struct Read(#[source] io::Error);
        impl Failure for Read {}
        assert_eq!(written(&Read(io::Error::other("gone"))), "error: cannot read a.csv: gone\n");
    }

    #[test]
    fn one_line_has_message_and_help() {
        let failure = Empty("a.csv", io::Error::other("disk failed"));
        let text = "a.csv has no rows; fetch it again; compare its size";
        assert_eq!(line(&failure), text);
        assert_eq!(line_of(&written(&failure)), text);
        assert_eq!(line_of(&format!("wait\n{}", written(&failure))), format!("wait\n{text}"));
        assert_eq!(line(&Problem::new("empty")), "empty");
        let quoted = Problem::usage("f:1:1: unknown\n  a = 1").help("Write b.");
        assert_eq!(line(&quoted), "f:1:1: unknown\n  a = 1\n  write b");
        assert_eq!(line_of(&written(&quoted)), line(&quoted));
    }

    #[test]
    fn hints_become_sentences_and_hints_again() {
        for (hint, whole) in [
            ("check its cable", "Check its cable."),
            ("a file is in the way", "A file is in the way."),
            ("NV12 can", "NV12 can."),
            ("`emocue-badge cameras` lists them", "`emocue-badge cameras` lists them."),
            ("is it on?", "Is it on?"),
        ] {
            assert_eq!(sentence(hint), whole);
            assert_eq!(fragment(whole), hint);
        }
    }

    #[test]
    fn a_place_is_added_and_help_and_code_stay() {
        let inner = Problem::usage("unknown form").help("Use w8 or int8.");
        let outer: Box<dyn Failure> = Problem::at("net.onnx", &inner).into();
        assert_eq!(
            written(outer.as_ref()),
            "error: net.onnx: unknown form\nhelp: Use w8 or int8.\n"
        );
        assert_eq!(outer.exit_code(), exit::USAGE);
        let bare: Box<dyn Failure> = "text".into();
        assert_eq!((bare.to_string().as_str(), bare.exit_code()), ("text", exit::FAILED));
    }
}
