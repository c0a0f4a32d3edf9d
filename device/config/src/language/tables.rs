//! The languages that are built in.

/// A language that is built in.
#[derive(Clone, Copy, Debug)]
pub struct LanguageTable {
    /// ISO 639-1, as `language = "…"` names it.
    pub code: &'static str,
    /// Its file.
    pub table: &'static str,
}

macro_rules! tables {
    ($($code:literal)*) => {
        [$(LanguageTable {
            code: $code,
            table: include_str!(concat!("../../../languages/", $code, ".toml")),
        }),*]
    };
}

/// Every language that is built in.
pub const LANGUAGES: [LanguageTable; 12] =
    tables!["en" "de" "fr" "es" "pt" "it" "nl" "pl" "tr" "uk" "el" "ja"];

/// All codes, for errors and help.
pub(crate) fn codes() -> String {
    LANGUAGES.map(|table| table.code).join(", ")
}
