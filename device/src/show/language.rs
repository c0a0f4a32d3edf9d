//! The language of the badge's words: loaded at every start, and checked for every panel.

use std::sync::{LazyLock, Mutex, PoisonError};

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

/// Languages that were loaded. They stay in memory, each once: a badge loads its language again at every restart of the
/// loop.
static LOADED: Mutex<Vec<&'static Language>> = Mutex::new(Vec::new());

/// Loads what `language = "…"` or `--language` names: a code, or a file whose name ends in `.toml`.
///
/// # Errors
/// [`LanguageError`] for an unknown code, a file that cannot be read, a key that is missing or unknown, and a text that
/// does not fit every panel or has a letter without a glyph.
pub fn load(name: &str) -> Result<&'static Language, LanguageError> {
    let language = Language::load(name, &unfit)?;
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = loaded.iter().find(|known| ***known == language) {
        return Ok(known);
    }
    let language: &'static Language = Box::leak(Box::new(language));
    loaded.push(language);
    Ok(language)
}
