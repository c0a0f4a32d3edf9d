//! Reads a file as a [`Config`], or reports the position of its first error.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::boards::BoardProfile;
use crate::config::Config;
use crate::decode::decode;
use crate::document::Document;
use crate::error::ConfigError;
use crate::place::TextPlace;
use crate::{cable, explain, limits};

/// Longest file that is read, bytes.
const LONGEST: u64 = 1 << 20;

impl Config {
    /// Reads a file: missing keys come from its board's profile, or else are built in.
    ///
    /// # Errors
    /// [`ConfigError`] when the file cannot be read, or is wrong somewhere.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        Self::read_by(path, Self::parse)
    }

    /// Reads a file and checks it as [`Config::check`] does.
    ///
    /// # Errors
    /// As for [`Config::read`] and [`Config::check`].
    pub fn check_file(path: &Path) -> Result<Self, ConfigError> {
        Self::read_by(path, Self::check)
    }

    fn read_by(
        path: &Path,
        parse: impl FnOnce(&str, &str) -> Result<Self, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let bytes = bytes(path)
            .map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })?;
        let file = path.display().to_string();
        parse(&file, utf8(&file, &bytes)?)
    }

    /// Reads `text`; messages name it `file`.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] where it is wrong.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(file, text)?;
        Self::build(&document, document.root())
    }

    /// Reads `text`, which was received over the link; messages name it `file`. Missing keys come from the text
    /// `below`, key by key of each section, as a file overrides its board's profile. Refuses changes that are not
    /// allowed over the link: keys, programs, and paths of files.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] where `text` is wrong, or changes what `below` does not let it change.
    pub fn parse_over(below: &str, file: &str, text: &str) -> Result<Self, ConfigError> {
        let old = Self::parse(file, below)?;
        let (document, below) = (Document::parse(file, text)?, Document::parse(file, below)?);
        let new = Self::build(&document, &over(document.root(), below.root()))?;
        let Some(key) = cable::refused(&old, &new) else { return Ok(new) };
        let what = format!("{key} cannot be changed through a cable");
        let next = "leave it out, or flash the configuration over SSH or onto the card";
        Err(document.wrong(document.span(key), what, next))
    }

    /// The keys that `text` gives, in its order, as `section.key`; none where it is not TOML.
    pub fn keys_of(text: &str) -> Vec<String> {
        let Ok(document) = Document::parse("", text) else { return Vec::new() };
        document.keys()
    }

    /// The configuration of the keys of `root`; errors are located in `document`.
    fn build(document: &Document, root: &DeTable) -> Result<Self, ConfigError> {
        let wrong = |error| explain::wrong_value(document, &error);
        let own: Self = decode(root).map_err(wrong)?;
        let Some(name) = &own.board else {
            limits::check(&own, None, document)?;
            return Ok(own);
        };
        let board =
            BoardProfile::named(name).ok_or_else(|| explain::unknown_board(document, name))?;
        let profile = Document::parse(board.name, board.profile)?;
        let config = decode(&over(root, profile.root())).map_err(wrong)?;
        limits::check(&config, Some(board), document)?;
        Ok(config)
    }

    /// Reads `text` as [`Config::parse`] does, and also refuses a link port at which the badge would not answer, though
    /// it runs. For new configurations; one that a badge already has is only parsed.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] where it is wrong.
    pub fn check(file: &str, text: &str) -> Result<Self, ConfigError> {
        Self::parse(file, text)?.served(file, text)
    }

    /// Reads `text` over `below` as [`Config::parse_over`] does, and checks it as [`Config::check`] does.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] where it is wrong.
    pub fn check_over(below: &str, file: &str, text: &str) -> Result<Self, ConfigError> {
        Self::parse_over(below, file, text)?.served(file, text)
    }

    /// Returns the configuration, unless no badge would answer at its port.
    fn served(self, file: &str, text: &str) -> Result<Self, ConfigError> {
        let Some(unserved) = self.unserved() else { return Ok(self) };
        let document = Document::parse(file, text)?;
        let span = document.span(unserved.key);
        Err(document.wrong(span, unserved.what, &unserved.next))
    }

    /// The profile of the board `name`, over the built-in values.
    ///
    /// # Errors
    /// [`ConfigError::UnknownBoard`] lists the boards.
    pub fn board(name: &str) -> Result<Self, ConfigError> {
        let unknown = || ConfigError::UnknownBoard { name: name.to_owned() };
        let board = BoardProfile::named(name).ok_or_else(unknown)?;
        let config = Self::parse(name, board.profile)?;
        Ok(Self { board: Some(name.to_owned()), ..config })
    }
}

/// The content of a file, unless it is too long.
pub(crate) fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    match length as u64 > LONGEST {
        true => Err(io::Error::other("longer than 1 MiB")),
        false => Ok(bytes),
    }
}

/// The `bytes` of `file` as UTF-8.
pub(crate) fn utf8<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, ConfigError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (text, at) = (String::from_utf8_lossy(bytes), error.valid_up_to());
        ConfigError::Wrong {
            place: Box::new(TextPlace::new(file, &text, at..at + 1)),
            what: "not UTF-8 text".to_owned(),
            next: "save the file as UTF-8".to_owned(),
        }
    })
}

/// `upper` over `lower`, key by key of each table: a pin or a pattern is replaced as a whole.
fn over<'a>(upper: &DeTable<'a>, lower: &DeTable<'a>) -> DeTable<'a> {
    let mut merged = lower.clone();
    for (section, value) in upper {
        match (merged.get_mut(section).map(Spanned::get_mut), value.get_ref()) {
            (Some(DeValue::Table(below)), DeValue::Table(above)) => {
                below.extend(above.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            _ => drop(merged.insert(section.clone(), value.clone())),
        }
    }
    merged
}
