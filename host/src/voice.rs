//! Sound files for speech output of a badge: the words of a language, synthesized by espeak-ng.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use emocue_config::Language;
use emocue_models::failure::{Failure, exit};
use emocue_models::files::{self, WriteError, write_atomically};
use emocue_models::label::Expression;

/// The speech synthesizer.
const SPEAKER: &str = "espeak-ng";

/// A sound file and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// File name that the badge looks for, such as `happiness.wav`.
    pub file: String,
    /// Its text, such as "looks happy".
    pub text: String,
}

/// All answers that a badge speaks, in the words of its panel. They describe how a face looks, not what a person feels.
pub fn words(language: &Language) -> Vec<Word> {
    let above = language.looks.above.whole();
    let mut words: Vec<Word> = Expression::ALL
        .iter()
        .map(|expression| {
            let word = language.looks.word(*expression).whole();
            let text = format!("{above} {word}").trim().to_owned();
            Word { file: format!("{}.wav", expression.name()), text }
        })
        .collect();
    let text = language.states.unsure.whole().to_owned();
    words.push(Word { file: "unsure.wav".to_owned(), text });
    words
}

/// A word cannot be synthesized.
#[derive(Debug, thiserror::Error)]
pub enum VoiceError {
    /// espeak-ng cannot be started.
    #[error("cannot start {SPEAKER}: {0}")]
    Start(io::Error),
    /// It fails, or writes no sound.
    #[error("{SPEAKER} -v {voice}: {reason}")]
    Speak {
        /// The voice.
        voice: String,
        /// Its error, or what is wrong with its file.
        reason: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Failure for VoiceError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Start(_) => Some("Install it, e.g. with `sudo apt install espeak-ng`.".into()),
            Self::Speak { .. } => {
                Some(format!("`{SPEAKER} --voices` lists the voices; choose one with --voice."))
            }
            Self::Write(error) => error.help(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Start(_) | Self::Speak { .. } => exit::FAILED,
            Self::Write(error) => error.exit_code(),
        }
    }
}

/// Synthesizes one word with espeak-ng's `voice` into the folder `to`; returns the file's path.
///
/// # Errors
/// [`VoiceError`] when espeak-ng is missing or fails, or when the file cannot be written.
pub fn speak(word: &Word, voice: &str, to: &Path) -> Result<PathBuf, VoiceError> {
    let refused = |reason: String| VoiceError::Speak { voice: voice.to_owned(), reason };
    let folder = tempfile::tempdir().map_err(|error| refused(error.to_string()))?;
    let spoken = folder.path().join("spoken.wav");
    let mut command = Command::new(SPEAKER);
    // After "--", a word that begins with a dash is not an option.
    command.args(["-v", voice, "-w"]).arg(&spoken).arg("--").arg(&word.text);
    let done = command.stdin(Stdio::null()).output().map_err(VoiceError::Start)?;
    if !done.status.success() {
        let said = String::from_utf8_lossy(&done.stderr);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        return Err(refused(last.map_or_else(|| done.status.to_string(), str::to_owned)));
    }
    let sound = files::read_at_most(&spoken, files::MAX_BINARY)
        .map_err(|error| refused(error.to_string()))?;
    if !is_wav(&sound) {
        return Err(refused(format!("no sound for {:?}", word.text)));
    }
    let path = to.join(&word.file);
    write_atomically(&path, &sound)?;
    Ok(path)
}

/// Whether these bytes are a WAV file with sound in it.
fn is_wav(bytes: &[u8]) -> bool {
    const HEADER: usize = 44;
    bytes.len() > HEADER && bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(code: &str) -> Language {
        Language::load(code, &|_, _| None).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn every_answer_has_the_words_of_the_panel() {
        let words = words(&language("de"));
        let text = |file: &str| words.iter().find(|word| word.file == file).unwrap().text.as_str();
        assert_eq!(words.len(), 9);
        assert_eq!(text("happiness.wav"), "wirkt fröhlich");
        assert_eq!(text("unsure.wav"), "unsicher");
    }

    #[test]
    fn a_sound_is_more_than_a_header() {
        let mut sound = b"RIFF\x24\0\0\0WAVEfmt ".to_vec();
        sound.resize(44, 0);
        assert!(!is_wav(&sound) && !is_wav(b""));
        sound.push(1);
        assert!(is_wav(&sound));
    }
}
