//! From a file to a [`Config`], or to the place where it is wrong.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::de::{DeTable, DeValue, Deserializer, Error};
use toml::{Spanned, Table, Value};

use super::boards::{self, Board};
use super::nearest::nearest;
use super::place::Place;
use super::{Config, ConfigError, limits};

/// Longest file that is read, bytes.
const LONGEST: u64 = 1 << 20;

impl Config {
    /// Reads a file: what it leaves out comes from its board's profile, and else is built in.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read, or is wrong somewhere.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
            .and_then(|length| match length as u64 > LONGEST {
                true => Err(io::Error::other("longer than 1 MiB")),
                false => Ok(()),
            })
            .map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })?;
        let file = path.display().to_string();
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::parse(&file, text),
            Err(error) => {
                let (text, at) = (String::from_utf8_lossy(&bytes), error.valid_up_to());
                Err(ConfigError::Wrong {
                    place: Box::new(Place::new(&file, &text, at..at + 1)),
                    what: "not UTF-8 text".to_owned(),
                    next: "save the file as UTF-8".to_owned(),
                })
            }
        }
    }

    /// Reads `text`, which messages call `file`.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] where it is wrong.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(file, text)?;
        document.check_keys()?;
        let own: Table = toml::from_str(text).map_err(|error| document.unlike(error))?;
        let board = match own.get("board").and_then(Value::as_str) {
            Some(name) => Some(Board::named(name).ok_or_else(|| document.unknown_board(name))?),
            None => None,
        };
        let profile = board.map_or("", |board| board.profile);
        let merged = over(own, toml::from_str(profile).map_err(|error| document.unlike(error))?);
        let config = Self::deserialize(merged).map_err(|error| document.unlike(error))?;
        limits::check(&config, board, &document)?;
        Ok(config)
    }

    /// The profile of the board `name` over what is built in.
    ///
    /// # Errors
    /// [`ConfigError::UnknownBoard`] lists the boards.
    pub fn board(name: &str) -> Result<Self, ConfigError> {
        let unknown = || ConfigError::UnknownBoard { name: name.to_owned() };
        let board = Board::named(name).ok_or_else(unknown)?;
        let config = Self::parse(name, board.profile)?;
        Ok(Self { board: Some(name.to_owned()), ..config })
    }
}

/// `upper` over `lower`, key by key of each table: a pin or a pattern is replaced as a whole.
fn over(upper: Table, mut lower: Table) -> Table {
    for (section, value) in upper {
        match (lower.get_mut(&section), value) {
            (Some(Value::Table(below)), Value::Table(above)) => below.extend(above),
            (_, value) => drop(lower.insert(section, value)),
        }
    }
    lower
}

/// A file's own keys, and where they stand.
pub(super) struct Document<'a> {
    file: &'a str,
    text: &'a str,
    root: DeTable<'a>,
}

/// One key of a section, or a section that is no table.
struct Entry<'d, 'a> {
    section: &'d Spanned<toml::de::DeString<'a>>,
    whole: &'d Spanned<DeValue<'a>>,
    key: Option<(&'d Spanned<toml::de::DeString<'a>>, &'d Spanned<DeValue<'a>>)>,
}

impl<'a> Document<'a> {
    fn parse(file: &'a str, text: &'a str) -> Result<Self, ConfigError> {
        let mut document = Self { file, text, root: DeTable::new() };
        let root = DeTable::parse(text).map_err(|error| document.unlike(error))?;
        document.root = root.into_inner();
        Ok(document)
    }

    /// The file is wrong at `span`.
    pub(super) fn wrong(&self, span: Range<usize>, what: String, next: &str) -> ConfigError {
        const LONGEST: usize = 300;
        let what = what.chars().take(LONGEST).collect();
        let place = Box::new(Place::new(self.file, self.text, span));
        ConfigError::Wrong { place, what, next: next.to_owned() }
    }

    /// Where the value of `section.key` stands, if the file has it.
    pub(super) fn own(&self, dotted: &str) -> Option<Range<usize>> {
        let (section, key) = dotted.split_once('.')?;
        let section = self.root.get(section)?;
        let value = section.get_ref().get(key)?;
        Some(value.span())
    }

    /// Where the value of `section.key` stands, or the file's first line.
    pub(super) fn span(&self, dotted: &str) -> Range<usize> {
        self.own(dotted).unwrap_or(0..0)
    }

    /// Where `section.key` comes from, in words.
    pub(super) fn whereabouts(&self, dotted: &str, board: Option<&Board>) -> String {
        match (self.own(dotted), board) {
            (Some(span), _) => format!("line {}", Place::new(self.file, self.text, span).line),
            (None, Some(board)) => format!("profile of {}", board.name),
            (None, None) => "built in".to_owned(),
        }
    }

    fn unknown_board(&self, name: &str) -> ConfigError {
        let next = match nearest(name, boards::BOARDS.iter().map(|board| board.name)) {
            Some(meant) => format!("write {meant:?}; boards: {}", boards::names()),
            None => format!("boards: {}", boards::names()),
        };
        let span = self.root.get("board").map_or(0..0, Spanned::span);
        self.wrong(span, format!("no board is called {name:?}"), &next)
    }

    /// An error whose place toml knows best.
    fn unlike(&self, error: Error) -> ConfigError {
        let span = error.span().unwrap_or(0..0);
        self.wrong(span, error.message().to_owned(), "correct it; this line is not TOML")
    }

    /// Tries every key by itself, in the file's order: that tells which one is wrong, whatever serde says.
    fn check_keys(&self) -> Result<(), ConfigError> {
        let mut entries = Vec::new();
        for (section, whole) in &self.root {
            match whole.get_ref() {
                DeValue::Table(table) if !table.is_empty() => {
                    entries.extend(table.iter().map(|key| Entry {
                        section,
                        whole,
                        key: Some(key),
                    }));
                }
                _ => entries.push(Entry { section, whole, key: None }),
            }
        }
        entries.sort_by_key(|entry| entry.key.map_or(entry.section, |(key, _)| key).span().start);
        entries.iter().try_for_each(|entry| self.check(entry))
    }

    fn check(&self, entry: &Entry<'_, 'a>) -> Result<(), ConfigError> {
        let value = match entry.key {
            Some((key, value)) => {
                let alone = DeTable::from_iter([(key.clone(), value.clone())]);
                Spanned::new(entry.whole.span(), DeValue::Table(alone))
            }
            None => entry.whole.clone(),
        };
        let alone = DeTable::from_iter([(entry.section.clone(), value)]);
        match Config::deserialize(Deserializer::from(Spanned::new(0..self.text.len(), alone))) {
            Err(error) => Err(self.explain(entry, &error)),
            // serde takes an array for a struct's fields in their order.
            Ok(_) if matches!(entry.whole.get_ref(), DeValue::Array(_)) => {
                let name = entry.section.get_ref();
                let next = format!("write [{name}] and its keys below it");
                Err(self.wrong(entry.section.span(), format!("{name} is a table"), &next))
            }
            Ok(_) => Ok(()),
        }
    }

    /// serde's message in words that tell what to write. Its wording is pinned by tests.
    fn explain(&self, entry: &Entry<'_, 'a>, error: &Error) -> ConfigError {
        let message = error.message();
        let section = entry.section.get_ref().as_ref();
        let (path, key, value) = match entry.key {
            Some((key, value)) => (format!("{section}.{}", key.get_ref()), key, value),
            None => (section.to_owned(), entry.section, entry.whole),
        };
        let within = |outer: Range<usize>| {
            error.span().filter(|span| outer.start <= span.start && span.end <= outer.end)
        };
        let mut quoted = message.split('`').skip(1).step_by(2);
        let first = quoted.next().unwrap_or_default();
        let mut known: Vec<String> = quoted.map(str::to_owned).collect();
        if message.starts_with("unknown field ") {
            let (span, table) = if first == section {
                (entry.section.span(), String::new())
            } else if first == key.get_ref().as_ref() {
                (key.span(), format!(" in [{section}]"))
            } else {
                (within(value.span()).unwrap_or(value.span()), format!(" in {path}"))
            };
            if known.is_empty() {
                known = keys_of(section);
            }
            let next = match nearest(first, known.iter().map(String::as_str)) {
                Some(meant) => format!("write {meant}"),
                None => format!("possible: {}", known.join(", ")),
            };
            return self.wrong(span, format!("unknown key {first:?}{table}"), &next);
        }
        let span = within(value.span()).unwrap_or(value.span());
        if message.starts_with("unknown variant ") {
            let next = match nearest(first, known.iter().map(String::as_str)) {
                Some(meant) => format!("write {meant:?}"),
                None => format!("possible: {}", known.join(", ")),
            };
            return self.wrong(span, format!("{path} cannot be {first:?}"), &next);
        }
        match message.rsplit_once(", expected ") {
            Some((found, expected)) => {
                let next = format!("write {}", in_words(expected));
                self.wrong(span, format!("{path}: {found}"), &next)
            }
            None => {
                let next = "`emocue-badge config show` prints every key with a value";
                self.wrong(span, format!("{path}: {message}"), next)
            }
        }
    }
}

/// The keys of a section that has them all by default.
fn keys_of(section: &str) -> Vec<String> {
    let all = Table::try_from(Config::default()).unwrap_or_default();
    let section = all.get(section).and_then(Value::as_table);
    section.map_or_else(Vec::new, |table| table.keys().cloned().collect())
}

/// serde's names of types, for people who do not write Rust.
fn in_words(expected: &str) -> &str {
    const WORDS: &[(&str, &str)] = &[
        ("a boolean", "true or false"),
        ("a string", "text in quotes"),
        ("path string", "a path in quotes"),
        ("string or map", "one of the possible words in quotes"),
        ("a sequence", "a list in square brackets"),
        ("f32", "a number"),
        ("i64", "a whole number"),
        ("u8", "a whole number from 0 to 255"),
        ("u16", "a whole number from 0 to 65535"),
        ("u32", "a whole number from 0"),
    ];
    WORDS.iter().find(|(name, _)| *name == expected).map_or(expected, |(_, words)| words)
}
