//! A file's text, its keys, and their positions.

use std::ops::Range;

use toml::Spanned;
use toml::de::DeTable;

use crate::boards::BoardProfile;
use crate::error::ConfigError;
use crate::place::TextPlace;

/// A file's own keys, and their positions.
pub(crate) struct Document<'a> {
    file: &'a str,
    text: &'a str,
    root: DeTable<'a>,
}

impl<'a> Document<'a> {
    /// # Errors
    /// [`ConfigError::Wrong`] for a text that is not TOML.
    pub(crate) fn parse(file: &'a str, text: &'a str) -> Result<Self, ConfigError> {
        let mut document = Self { file, text, root: DeTable::new() };
        let root = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let next = "correct it; this line is not TOML";
            document.wrong(span, error.message().to_owned(), next)
        })?;
        document.root = root.into_inner();
        Ok(document)
    }

    /// Its keys.
    pub(crate) fn root(&self) -> &DeTable<'a> {
        &self.root
    }

    /// `section.key` of every key, in the text's order; a pin or a pattern is one key.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        for (section, value) in &self.root {
            match value.get_ref().as_table() {
                Some(table) => keys.extend(table.iter().map(|(key, _)| {
                    (key.span().start, format!("{}.{}", section.get_ref(), key.get_ref()))
                })),
                None => keys.push((section.span().start, section.get_ref().to_string())),
            }
        }
        keys.sort();
        keys.into_iter().map(|(_, key)| key).collect()
    }

    /// The file is wrong at `span`.
    pub(crate) fn wrong(&self, span: Range<usize>, what: String, next: &str) -> ConfigError {
        const LONGEST: usize = 300;
        let what = what.chars().take(LONGEST).collect();
        let place = Box::new(TextPlace::new(self.file, self.text, span));
        ConfigError::Wrong { place, what, next: next.to_owned() }
    }

    /// The position of a section's first name.
    pub(crate) fn name(&self, section: &str) -> Range<usize> {
        self.root.get_key_value(section).map_or(0..0, |(key, _)| key.span())
    }

    /// The position of the value of `section.key`, if the file has it.
    pub(crate) fn own(&self, dotted: &str) -> Option<Range<usize>> {
        let (section, key) = dotted.split_once('.')?;
        let section = self.root.get(section)?;
        let value = section.get_ref().get(key)?;
        Some(value.span())
    }

    /// The position of the value of `section.key` or of `key`, or the file's first line.
    pub(crate) fn span(&self, dotted: &str) -> Range<usize> {
        let top = || self.root.get(dotted).map(Spanned::span);
        self.own(dotted).or_else(top).unwrap_or(0..0)
    }

    /// Where `section.key` comes from, in words.
    pub(crate) fn whereabouts(&self, dotted: &str, board: Option<&BoardProfile>) -> String {
        match (self.own(dotted), board) {
            (Some(span), _) => format!("line {}", TextPlace::new(self.file, self.text, span).line),
            (None, Some(board)) => format!("profile of {}", board.name),
            (None, None) => "built in".to_owned(),
        }
    }
}
