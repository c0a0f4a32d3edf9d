//! The language of the badge's words: loaded once at start, and checked for every panel.

use std::sync::LazyLock;

use emocue_config::{LANGUAGES, Language, LanguageError};

use super::fit::unfit;

/// The English words.
pub fn english() -> &'static Language {
    static ENGLISH: LazyLock<Language> = LazyLock::new(|| {
        let [table, ..] = LANGUAGES;
        Language::parse(table.code, table.table, &unfit)
            .unwrap_or_else(|error| unreachable!("the built-in table of English: {error}"))
    });
    &ENGLISH
}

/// Loads what `language = "…"` or `--language` names: a code, or a file whose name ends in `.toml`. It stays in
/// memory: a program loads one when it starts.
///
/// # Errors
/// [`LanguageError`] for an unknown code, a file that cannot be read, a key that is missing or unknown, and a text that
/// does not fit every panel or has a letter without a glyph.
pub fn load(name: &str) -> Result<&'static Language, LanguageError> {
    Ok(Box::leak(Box::new(Language::load(name, &unfit)?)))
}
