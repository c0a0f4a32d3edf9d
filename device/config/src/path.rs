//! Paths as TOML, with an error that says "a path" rather than "text".

use std::fmt;
use std::path::PathBuf;

use serde::de::{Deserializer, Error, Visitor};

pub(crate) fn required<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    from.deserialize_any(PathVisitor)
}

pub(crate) fn optional<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    required(from).map(Some)
}

struct PathVisitor;

impl Visitor<'_> for PathVisitor {
    type Value = PathBuf;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a path in quotes")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<PathBuf, E> {
        Ok(text.into())
    }
}
