//! The command line.

mod board;
mod failure;
#[cfg(unix)]
mod link;
mod probe;
mod run;
mod slot;
mod usage;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{OsStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use emocue_config::{
    Config, Language, LookSettings, Mode, PanelSize, SOURCES, Source, SourceError, Who,
};
#[cfg(unix)]
use emocue_device::camera::pipe::GUARD;
use emocue_device::show::overlay::Style;
use emocue_device::show::{self, Display, FileRules, SINKS, ShowError};
use emocue_device::vision::OverTimeSettings;
use emocue_models::failure::line;
use emocue_models::luma::{Orientation, Rotation};
use emocue_run::mtcnn::MtcnnSettings;

pub(crate) use board::off;
pub(crate) use failure::Failure;
#[cfg(unix)]
pub(crate) use link::link;
pub(crate) use probe::{camera_outcome, panel_outcome, pins_outcome};
pub(crate) use run::{every_frame, run_camera};
pub(crate) use slot::slot;
pub(crate) use usage::end_with;

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
/// Words describe an expression as it looks, not what anybody feels.
#[derive(Debug, Parser)]
#[command(name = "emocue-badge", version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Look at the two portraits inside this program
    Demo(Demo),
    /// Look at a camera's frames
    Run(RunArgs),
    /// List the cameras, their formats and sizes, and what to do for those that need more
    Cameras,
    /// Check what the badge needs on this machine, and say how to fix what is missing
    Doctor(Doctor),
    /// Check a configuration, or show what it comes to
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Install, look after and return from bundles that came after the program
    Slot(slot::SlotVerb),
    /// Speak with a host over standard input and output, as `emocue monitor --on ssh://…` does
    #[cfg(unix)]
    Link(Link),
    /// Switch panel, LED and motor off, as after a badge that was killed
    Off(Off),
    /// Measure CPU time, start and memory on this machine
    Bench(Bench),
    /// What the badge starts to run a camera's program
    #[cfg(unix)]
    #[command(name = GUARD, hide = true)]
    Guard { command: OsString },
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Demo {
    #[command(flatten)]
    pub(crate) look: Look,
    #[command(flatten)]
    pub(crate) show: Show,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RunArgs {
    #[arg(long, value_name = "SOURCE", value_parser = OsStringValueParser::new().try_map(source), required_unless_present = "config")]
    #[arg(help = format!("Where frames come from: {SOURCES}"))]
    pub(crate) camera: Option<Source>,
    /// Of a folder, show the pictures in its folders, too
    #[arg(long)]
    pub(crate) recursive: bool,
    /// Panel, pins, camera and all else as this file says; what is given beside it counts more
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Wait for a camera or a panel that is missing, instead of ending
    #[arg(long)]
    pub(crate) wait: bool,
    /// Another folder for new bundles than the configuration's
    #[arg(long, value_name = "DIR", requires = "config")]
    pub(crate) state: Option<PathBuf>,
    /// Stop after this many frames
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) mount: Mount,
    #[command(flatten)]
    pub(crate) look: Look,
    #[command(flatten)]
    pub(crate) show: Show,
}

impl RunArgs {
    /// A badge waits for its hardware; a source named by hand is there or is a mistake.
    pub(crate) fn waits(&self, config: &Config) -> bool {
        self.wait || (self.config.is_some() && config.camera.wait)
    }
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Doctor {
    /// Check for this configuration
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON instead of lines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Off {
    /// The configuration that names them
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[cfg(unix)]
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Link {
    /// The configuration of the badge that runs
    #[arg(long, value_name = "FILE", default_value = "/etc/emocue/emocue.toml")]
    pub(crate) config: PathBuf,
    /// Another state folder than the configuration's
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Read a file and tell in a few lines what it comes to, or what is wrong with it
    Check {
        /// The configuration
        file: PathBuf,
    },
    /// Print every key with its value, as TOML that can be used again
    Show {
        /// The configuration; the built-in values where none is given
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Bench {
    #[command(flatten)]
    pub(crate) look: Look,
    /// Measure this bundle too, to see which form of the networks this board runs fastest; again for another
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) beside: Vec<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// How many frames to measure
    #[arg(long, value_name = "N", default_value_t = 60)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) frames: u32,
}

/// How the camera is mounted.
#[derive(Debug, Args)]
#[command(next_help_heading = "Mounting")]
pub(crate) struct Mount {
    /// Turn every frame clockwise by so many degrees
    #[arg(long, value_name = "DEGREES", value_parser = ["0", "90", "180", "270"])]
    rotate: Option<String>,
    /// Mirror every frame left to right, after turning it
    #[arg(long)]
    mirror: bool,
}

impl Mount {
    /// As said here, else as in `usual`.
    pub(crate) fn orientation(&self, usual: Orientation) -> Orientation {
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
pub(crate) struct Look {
    /// The networks to use instead of the ones inside this program
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: Option<PathBuf>,
    /// Smallest face to look for, px of the frame, instead of the bundle's own
    #[arg(long, value_name = "PX", value_parser = min_face)]
    pub(crate) min_face: Option<f32>,
    /// Whether answers of a stream settle over time, or every frame is looked at alone; on where nothing else is said
    #[arg(long, value_parser = one_of(&STEADY))]
    steady: Option<bool>,
    /// Whom of several faces to show; the nearest where nothing else is said
    #[arg(long, value_parser = one_of(&WHO))]
    who: Option<Who>,
}

impl Look {
    /// As said here, else as in `usual`.
    pub(crate) fn or(&self, usual: &LookSettings) -> LookSettings {
        LookSettings {
            bundle: self.bundle.clone().or_else(|| usual.bundle.clone()),
            min_face: self.min_face.or(usual.min_face),
            who: self.who.unwrap_or(usual.who),
            ..usual.clone()
        }
    }

    /// How faces are looked at over time, if they are.
    pub(crate) fn over_time(&self, config: &Config) -> Option<OverTimeSettings> {
        let wanted = self.steady.unwrap_or(true);
        wanted.then(|| OverTimeSettings::new(&self.or(&config.look), config.steady))
    }
}

fn min_face(text: &str) -> Result<f32, String> {
    let min_face = text.parse().map_err(|_| "not a number of px".to_owned())?;
    let settings = MtcnnSettings { min_face, ..MtcnnSettings::default() };
    settings.problem().map_or(Ok(min_face), |problem| Err(problem.to_owned()))
}

/// How many pictures are kept of a live camera, which has no end: some 100 MB of overlays.
const LIVE_KEPT: Option<NonZeroUsize> = NonZeroUsize::new(1000);

/// Where answers go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Displays")]
pub(crate) struct Show {
    #[arg(long = "display", value_name = "SINK", help = sinks())]
    displays: Vec<OsString>,
    /// How overlay:DIR and video:FILE draw a frame; box where nothing else is said
    #[arg(long, value_parser = one_of(&STYLES))]
    style: Option<Style>,
    /// Replace files that are there already, for json, csv, png, overlay and video
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// How many pictures png:DIR and overlay:DIR keep, the newest; 1000 of a live camera and all of files where nothing
    /// else is said
    #[arg(long, value_name = "N")]
    keep: Option<NonZeroUsize>,
    /// Size of the panel, px; 128x64 where nothing else is said
    #[arg(long, value_parser = one_of(&PANELS))]
    panel: Option<PanelSize>,
    /// What the panel shows of an answer; both where nothing else is said
    #[arg(long, value_parser = one_of(&WORDS))]
    words: Option<Mode>,
    /// The words' language: a code such as de, or a TOML file; en where nothing else is said
    #[arg(long, value_name = "CODE|FILE", value_parser = language)]
    pub(crate) language: Option<&'static Language>,
}

/// A value's name, the value, and its help.
type Named<T> = (&'static str, T, &'static str);

const PANELS: [Named<PanelSize>; 2] = [
    (PanelSize::Tall.name(), PanelSize::Tall, "128x64 px, the whole face"),
    (PanelSize::Flat.name(), PanelSize::Flat, "128x32 px, only eyes, brows and mouth"),
];

const WORDS: [Named<Mode>; 3] = [
    (Mode::Emoji.name(), Mode::Emoji, "The emoji alone"),
    (Mode::Word.name(), Mode::Word, "The word alone"),
    (Mode::Both.name(), Mode::Both, "The emoji with the word beside it"),
];

const STYLES: [Named<Style>; 3] = [
    ("box", Style::Box, "Every face in a box, with its emoji, its word and its probability"),
    ("bars", Style::Bars, "Beside each face the probabilities of all classes, where there is room"),
    (
        "panel",
        Style::Panel,
        "Four pictures: the frame, the shown face, its probabilities, its emoji",
    ),
];

const STEADY: [Named<bool>; 2] = [
    ("on", true, "Faces are followed, and their answers hold still"),
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

impl Show {
    /// What is named here; the terminal where nothing is, unless there is another display already. A badge that starts
    /// `again` replaces its own files, and a live one keeps so many.
    pub(crate) fn open(
        &self,
        usual: show::ShowSettings,
        another: bool,
        again: bool,
        is_live: bool,
    ) -> Result<Vec<Box<dyn Display>>, ShowError> {
        let settings = self.settings(usual);
        let terminal = ["terminal".into()];
        let named =
            if self.displays.is_empty() && !another { &terminal } else { &self.displays[..] };
        let keep = self.keep.or(if is_live { LIVE_KEPT } else { None });
        let rules = FileRules { overwrite: self.overwrite || again, keep };
        named.iter().map(|spec| show::open(spec, &settings, rules)).collect()
    }

    /// Whether a display is named here that shows frames in colour.
    pub(crate) fn has_colors(&self) -> bool {
        self.displays.iter().filter_map(show::kind).any(|sink| sink.has_colors)
    }

    /// Whether a display is named here that shows a panel at once.
    pub(crate) fn has_panel(&self) -> bool {
        self.displays.iter().filter_map(show::kind).any(|sink| sink.is_panel)
    }

    /// As said here, else as in `usual`.
    pub(crate) fn settings(&self, usual: show::ShowSettings) -> show::ShowSettings {
        show::ShowSettings {
            panel: self.panel.unwrap_or(usual.panel),
            mode: self.words.unwrap_or(usual.mode),
            style: self.style.unwrap_or(usual.style),
            language: self.language.unwrap_or(usual.language),
        }
    }
}

/// A value of `--language`.
fn language(name: &str) -> Result<&'static Language, String> {
    show::language::load(name).map_err(|error| line(&error))
}

/// A value of `--camera`; the error is one line, as all of the command line's.
fn source(text: OsString) -> Result<Source, String> {
    match text.into_string() {
        Ok(text) => text.parse().map_err(|error: SourceError| line(&error)),
        // A file's name may hold any bytes.
        Err(name) => Ok(Source::Path(name.into())),
    }
}

fn sinks() -> String {
    let sinks: Vec<_> =
        SINKS.iter().map(|sink| format!("{} ({})", sink.usage, sink.help)).collect();
    format!("Where answers go, may be given several times: {}", sinks.join("; "))
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
