//! The command line of `emocue-badge`. Its subcommands are implemented in the binary (`verbs`), and the manual is
//! generated from it.

mod practice;
mod show;
mod slots;

use std::ffi::OsString;
use std::path::PathBuf;

#[cfg(unix)]
use crate::camera::pipe::GUARD;
use crate::vision::OverTimeSettings;
use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use emocue_config::{Config, LookSettings, SOURCES, Source, SourceError, Who};
use emocue_models::failure::line;
use emocue_models::luma::{Orientation, Rotation};
use emocue_run::mtcnn::MtcnnSettings;

pub use practice::Practice;
pub use show::Show;
pub use slots::{SlotAction, SlotArgs, SlotVerb};

const AFTER_HELP: &str = "\
Exit codes:
  0  done, or stopped by Ctrl-C or SIGTERM (a second one leaves at once, with 130)
  1  done, but some pictures or frames could not be read, or a check found a problem
  2  wrong usage or configuration
  3  nothing could be read, or the camera cannot be used
  4  a display could not be written
  5  the bundle cannot be used, or is refused
  6  a pin cannot be used
  7  the state folder cannot be used: full, not writable, or in use
  8  nobody pressed the badge's button";

/// The emotion-cue badge: shows how the nearest face looks.
///
/// Words describe how an expression looks, not what a person feels.
#[derive(Debug, Parser)]
#[command(name = "emocue-badge", version, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What the program is asked to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run on the two embedded portraits
    Demo(Demo),
    /// Run on a camera, pictures or a video
    Run(RunArgs),
    /// Practise expressions: show one, guess one, or review cards
    Practice(Practice),
    /// List the cameras with their formats and sizes, and what those need that do not work
    Cameras,
    /// Check what the badge needs on this machine, and say how to fix what is missing
    Doctor(Doctor),
    /// Check a configuration, or print its effective values
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Install, check, confirm and roll back bundles
    Slot(SlotVerb),
    /// Serve a host over standard input and output, as `emocue monitor --on ssh://…` does
    #[cfg(unix)]
    Link(Link),
    /// Switch panel, screen, LED and motor off, for example after the badge was killed
    Off(Off),
    /// Measure CPU time, start time and memory on this machine
    Bench(Bench),
    /// Run a camera's program; the badge starts this itself
    #[cfg(unix)]
    #[command(name = GUARD, hide = true)]
    Guard {
        /// For `sh`
        command: OsString,
    },
}

/// Two portraits.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Demo {
    /// Who looks.
    #[command(flatten)]
    pub look: Look,
    /// Where answers go.
    #[command(flatten)]
    pub show: Show,
}

/// A camera's frames.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct RunArgs {
    /// Where frames come from.
    #[arg(long, value_name = "SOURCE", value_parser = OsStringValueParser::new().try_map(source), required_unless_present = "config")]
    #[arg(help = format!("Where frames come from: {SOURCES}"))]
    pub camera: Option<Source>,
    /// Include the subfolders of a folder of pictures
    #[arg(long)]
    pub recursive: bool,
    /// The configuration; options of the command line override it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Wait for a camera or a panel that is missing, instead of ending
    #[arg(long)]
    pub wait: bool,
    /// State folder for new bundles, instead of the configuration's
    #[arg(long, value_name = "DIR", requires = "config")]
    pub state: Option<PathBuf>,
    /// Stop after this many frames
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Use the Enter key as the button where no pin is configured: Enter alone is a short press, l and Enter a long press,
    /// h and Enter a press that is held until it agrees
    #[arg(long)]
    pub keyboard: bool,
    /// How the camera is mounted.
    #[command(flatten)]
    pub mount: Mount,
    /// Who looks.
    #[command(flatten)]
    pub look: Look,
    /// Where answers go.
    #[command(flatten)]
    pub show: Show,
}

impl RunArgs {
    /// A badge waits for its hardware; a source that the user names must exist.
    pub fn waits(&self, config: &Config) -> bool {
        self.wait || (self.config.is_some() && config.camera.wait)
    }
}

/// What this machine lacks.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Doctor {
    /// Check for this configuration
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Print JSON instead of lines
    #[arg(long)]
    pub json: bool,
}

/// Everything dark.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Off {
    /// The configuration that names them
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// A host over standard input and output.
#[cfg(unix)]
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Link {
    /// The configuration of the badge that runs
    #[arg(long, value_name = "FILE", default_value = "/etc/emocue/emocue.toml")]
    pub config: PathBuf,
    /// State folder, instead of the configuration's
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// What is asked about a configuration.
#[derive(Debug, Subcommand)]
pub enum ConfigVerb {
    /// Read a file and print a summary of it, or its first error
    Check {
        /// The configuration
        file: PathBuf,
    },
    /// Print every key with its value, as TOML that can be used again
    Show {
        /// The configuration (default: the built-in values)
        file: Option<PathBuf>,
    },
}

/// Time and memory.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Bench {
    /// Who looks.
    #[command(flatten)]
    pub look: Look,
    /// Also measure this bundle, to find the form of the networks that this board runs fastest; repeatable
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub beside: Vec<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// How many frames to measure
    #[arg(long, value_name = "N", default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub frames: u32,
}

/// How the camera is mounted.
#[derive(Debug, Args)]
#[command(next_help_heading = "Mounting")]
pub struct Mount {
    /// Rotate every frame clockwise by this angle, degrees
    #[arg(long, value_name = "DEGREES", value_parser = ["0", "90", "180", "270"])]
    rotate: Option<String>,
    /// Mirror every frame left to right, after the rotation
    #[arg(long)]
    mirror: bool,
}

impl Mount {
    /// The values given here, else those of `usual`.
    pub fn orientation(&self, usual: Orientation) -> Orientation {
        let rotation = match self.rotate.as_deref() {
            Some("90") => Rotation::Cw90,
            Some("180") => Rotation::Half,
            Some("270") => Rotation::Cw270,
            Some(_) => Rotation::None,
            None => usual.rotation,
        };
        Orientation { rotation, mirror: self.mirror || usual.mirror }
    }
}

/// Who looks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Networks")]
pub struct Look {
    /// The bundle to use instead of the embedded one
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
    /// Smallest face to search for, px of the frame (default: the bundle's)
    #[arg(long, value_name = "PX", value_parser = min_face)]
    pub min_face: Option<f32>,
    /// Whether the answers of a stream are steadied over time, or every frame is processed alone (default: on)
    #[arg(long, value_parser = one_of(&STEADY))]
    steady: Option<bool>,
    /// Which of several faces to show (default: nearest)
    #[arg(long, value_parser = one_of(&WHO))]
    who: Option<Who>,
}

impl Look {
    /// The values given here, else those of `usual`.
    pub fn or(&self, usual: &LookSettings) -> LookSettings {
        LookSettings {
            bundle: self.bundle.clone().or_else(|| usual.bundle.clone()),
            min_face: self.min_face.or(usual.min_face),
            who: self.who.unwrap_or(usual.who),
            ..usual.clone()
        }
    }

    /// The settings for tracking faces over time; `None` if every frame is processed separately.
    pub fn over_time(&self, config: &Config) -> Option<OverTimeSettings> {
        let wanted = self.steady.unwrap_or(true);
        wanted.then(|| OverTimeSettings::new(&self.or(&config.look), config.steady))
    }
}

fn min_face(text: &str) -> Result<f32, String> {
    let min_face = text.parse().map_err(|_| "not a number of px".to_owned())?;
    let settings = MtcnnSettings { min_face, ..MtcnnSettings::default() };
    settings.problem().map_or(Ok(min_face), |problem| Err(problem.to_owned()))
}

/// A value's name, the value, and its help.
type Named<T> = (&'static str, T, &'static str);

const STEADY: [Named<bool>; 2] = [
    ("on", true, "Faces are tracked, and their answers are steadied"),
    ("off", false, "Every frame is searched, and every face classified"),
];

const WHO: [Named<Who>; 2] = [
    ("nearest", Who::Nearest, "The largest face"),
    ("centre", Who::Centre, "The face in the middle of the frame"),
];

fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [Named<T>],
) -> impl TypedValueParser<Value = T> {
    let names = all.iter().map(|(name, _, help)| PossibleValue::new(*name).help(*help));
    PossibleValuesParser::new(names).try_map(|text| {
        let named = all.iter().find(|(name, ..)| *name == text);
        named.map(|(_, value, _)| *value).ok_or("unknown value")
    })
}

/// A value of `--camera`; the error is one line, as all errors of the command line.
fn source(text: OsString) -> Result<Source, String> {
    match text.into_string() {
        Ok(text) => text.parse().map_err(|error: SourceError| line(&error)),
        // A file's name may hold any bytes.
        Err(name) => Ok(Source::Path(name.into())),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
