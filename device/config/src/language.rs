//! The badge's words in one language: a TOML file with every text of the panel, each checked to fit its place.

mod tables;
mod text;

use std::path::Path;

use emocue_models::failure::{Failure, exit, sentence};
use emocue_models::label::Expression;
use serde::Deserialize;

use crate::decode::decode;
use crate::decode_error::{DecodeError, DecodeProblem};
use crate::document::Document;
use crate::error::ConfigError;
use crate::{explain, read};

pub use tables::{LANGUAGES, LanguageTable};
pub use text::{PanelText, TextSlot, Unfit};

/// Declares a section of the file: its texts, and the place of each on the panel.
macro_rules! section {
    ($(#[$doc:meta])* $name:ident, $section:literal: $($key:literal $field:ident $slot:ident,)*) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                #[doc = concat!("`", $section, ".", $key, "`.")]
                #[serde(rename = $key)]
                pub $field: PanelText,
            )*
        }

        impl $name {
            fn texts(&self) -> impl Iterator<Item = (&'static str, TextSlot, &PanelText)> {
                [$((concat!($section, ".", $key), TextSlot::$slot, &self.$field)),*].into_iter()
            }
        }
    };
}

section! {
    /// How a face looks: the small text above the word, and a word for each expression.
    LooksTexts, "looks":
    "above" above Above,
    "neutral" neutral Expression,
    "happiness" happiness Expression,
    "surprise" surprise Expression,
    "sadness" sadness Expression,
    "anger" anger Expression,
    "disgust" disgust Expression,
    "fear" fear Expression,
    "contempt" contempt Expression,
}

section! {
    /// What is shown in place of an expression.
    StateTexts, "states":
    "starting" starting State,
    "no-face" no_face State,
    "face-found" face_found State,
    "unsure" unsure State,
    "too-dark" too_dark State,
    "too-far" too_far State,
    "paused" paused State,
    "last-minute" last_minute State,
    "session-ended" session_ended State,
    "camera-missing" camera_missing State,
    "low-battery" low_battery State,
    "break" take_a_break State,
}

section! {
    /// Questions to the wearer, and how to answer them, before and after a press counts.
    QuestionTexts, "questions":
    "new-maker" new_maker Question,
    "new-settings" new_settings Question,
    "older-bundle" older_bundle Question,
    "compare" compare Answer,
    "answer" answer Answer,
}

section! {
    /// Practice: the badge names an expression to show, or the wearer guesses one, or looks at cards.
    PracticeTexts, "practice":
    "show-me" show_me Title,
    "well-done" well_done Title,
    "guess" guess Title,
    "cards" cards Title,
    "skip" skip Title,
    "end" end Title,
}

section! {
    /// What the wearer can have stored, the question for consent, and that it is not allowed at school or at work.
    KeepTexts, "keep":
    "journal" journal Title,
    "pictures" pictures Title,
    "ask-journal" ask_journal Title,
    "ask-pictures" ask_pictures Title,
    "not-here" not_here Title,
}

section! {
    /// Why the camera may be used in a school or at work.
    ReasonTexts, "reasons":
    "medical" medical Title,
    "safety" safety Title,
    "outside-eu" outside_eu Title,
}

/// The badge's words in one language. Words say how a face looks, not what a person feels.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// The language's own name: `"Deutsch"`.
    pub name: String,
    /// `[looks]`.
    pub looks: LooksTexts,
    /// `[states]`.
    pub states: StateTexts,
    /// `[questions]`.
    pub questions: QuestionTexts,
    /// `[practice]`.
    pub practice: PracticeTexts,
    /// `[keep]`.
    pub keep: KeepTexts,
    /// `[reasons]`.
    pub reasons: ReasonTexts,
}

impl LooksTexts {
    /// The word for `expression`.
    pub fn word(&self, expression: Expression) -> &PanelText {
        match expression {
            Expression::Neutral => &self.neutral,
            Expression::Happiness => &self.happiness,
            Expression::Surprise => &self.surprise,
            Expression::Sadness => &self.sadness,
            Expression::Anger => &self.anger,
            Expression::Disgust => &self.disgust,
            Expression::Fear => &self.fear,
            Expression::Contempt => &self.contempt,
        }
    }
}

/// Why a text does not fit its place on the panel, if so.
pub type FitCheck<'a> = &'a dyn Fn(TextSlot, &PanelText) -> Option<Unfit>;

impl Language {
    /// Loads what `language = "…"` or `--language` names: a code of [`LANGUAGES`], or a file whose name ends in
    /// `.toml`.
    ///
    /// # Errors
    /// [`LanguageError`] for an unknown code, a file that cannot be read, and a table with a key that is missing,
    /// unknown or does not fit, by `unfit`.
    pub fn load(name: &str, unfit: FitCheck) -> Result<Self, LanguageError> {
        if is_file(name) {
            let path = Path::new(name);
            let bytes = read::bytes(path)
                .map_err(|reason| LanguageError::Unreadable { path: path.to_owned(), reason })?;
            return Self::parse(name, read::utf8(name, &bytes)?, unfit);
        }
        let known = LANGUAGES.iter().find(|table| table.code == name);
        let table = known.ok_or_else(|| LanguageError::Unknown { name: name.to_owned() })?;
        Self::parse(table.code, table.table, unfit)
    }

    /// Reads `text`; messages name it `file`.
    ///
    /// # Errors
    /// [`LanguageError::Wrong`] for the first key that is missing, unknown or does not fit.
    pub fn parse(file: &str, text: &str, unfit: FitCheck) -> Result<Self, LanguageError> {
        let document = Document::parse(file, text)?;
        let language: Self = decode(document.root()).map_err(|error| wrong(&document, &error))?;
        for (key, slot, text) in language.texts() {
            let problem = text.problem(slot).or_else(|| unfit(slot, text));
            if let Some(Unfit { what, next }) = problem {
                return Err(document.wrong(document.span(key), format!("{key}: {what}"), &next))?;
            }
        }
        Ok(language)
    }

    /// Every text with its key and its place.
    pub fn texts(&self) -> impl Iterator<Item = (&'static str, TextSlot, &PanelText)> {
        let Self { name: _, looks, states, questions, practice, keep, reasons } = self;
        let texts = looks.texts().chain(states.texts()).chain(questions.texts());
        texts.chain(practice.texts()).chain(keep.texts()).chain(reasons.texts())
    }
}

/// Whether `name` is a file name and not a code.
pub(crate) fn is_file(name: &str) -> bool {
    name.ends_with(".toml")
}

/// Whether `name` is the code of a built-in language.
pub(crate) fn is_code(name: &str) -> bool {
    LANGUAGES.iter().any(|table| table.code == name)
}

fn wrong(document: &Document, error: &DecodeError) -> ConfigError {
    // Messages of the other problems are the same for every file.
    let DecodeProblem::Refused(why) = &error.problem else {
        return explain::wrong_value(document, error);
    };
    let keys: Vec<&str> = error.path.iter().rev().map(String::as_str).collect();
    let what = if keys.is_empty() { why.clone() } else { format!("{}: {why}", keys.join(".")) };
    let next = "write it; device/languages/en.toml has every key";
    document.wrong(error.span.clone().unwrap_or(0..0), what, next)
}

/// A language that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LanguageError {
    /// No built-in language has this code.
    #[error("unknown language {name:?}")]
    Unknown {
        /// The requested code.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read the language {}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// A key or a text is wrong.
    #[error(transparent)]
    Wrong(#[from] ConfigError),
}

impl Failure for LanguageError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => {
                Some(format!("Languages: {}; or name a .toml file.", tables::codes()))
            }
            Self::Unreadable { .. } => {
                Some(sentence("name a TOML file, or the code of a language that is built in"))
            }
            Self::Wrong(error) => error.help(),
        }
    }

    fn exit_code(&self) -> u8 {
        exit::USAGE
    }
}

#[cfg(test)]
mod tests;
