//! `emocue voice`: sound files for speech output of a badge.

use std::path::PathBuf;

use clap::Args;
use emocue_config::Language;
use emocue_models::failure::{Failure, Problem};

use super::OverwriteArg;
use super::output::create_dir;
use crate::output::outln;
use crate::voice::{speak, words};

/// Make the sound files of a badge that speaks its answers, with espeak-ng.
#[derive(Args, Debug)]
pub struct VoiceArgs {
    /// The words' language: a code such as de, or a TOML file as the badge's --language takes
    #[arg(long, value_name = "CODE|FILE", default_value = "en")]
    language: String,
    /// espeak-ng's voice, such as de or en-gb+f3 (default: that of the language)
    #[arg(long, value_name = "NAME")]
    voice: Option<String>,
    /// The folder for happiness.wav and the others
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

/// Synthesizes every word, and prints the paths of the files.
///
/// # Errors
/// An unknown language, existing files, and [`VoiceError`](crate::voice::VoiceError).
pub fn run(args: &VoiceArgs) -> Result<(), Box<dyn Failure>> {
    // The badge checks whether words fit its panel.
    let language = Language::load(&args.language, &|_, _| None)?;
    let voice = match &args.voice {
        Some(voice) => voice.as_str(),
        None if args.language.ends_with(".toml") => {
            let problem = Problem::usage("a language of your own has no voice of its own");
            return Err(problem
                .help("Name one: --voice de; `espeak-ng --voices` lists them.")
                .into());
        }
        None => args.language.as_str(),
    };
    let words = words(&language);
    for word in &words {
        args.overwrite.allow(&args.to.join(&word.file), &[])?;
    }
    create_dir(&args.to)?;
    for word in &words {
        let path = speak(word, voice, &args.to)?;
        outln!("{}  \"{}\"", path.display(), word.text);
    }
    outln!("copy them to the badge's /etc/emocue/voice, and write `enabled = true` under [voice]");
    Ok(())
}
