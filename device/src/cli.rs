//! The command line.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use emocue_device::badge::BadgeError;
use emocue_device::bench::BenchError;
use emocue_device::camera::{CameraError, SOURCES, Source};
use emocue_device::load::LoadError;
use emocue_device::show::{self, Display, SINKS, ShowError};
use emocue_models::luma::{Orientation, Rotation};
use emocue_models::run::mtcnn::MtcnnSettings;

const AFTER_HELP: &str = "\
Exit codes:
  0  done, or stopped by Ctrl-C or SIGTERM (a second one leaves at once, with 130)
  1  done, but some pictures or frames could not be read
  2  wrong usage
  3  nothing could be read
  4  a display could not be written
  5  the bundle cannot be used";

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
    Run(Run),
    /// Measure CPU time, start and memory on this machine
    Bench(Bench),
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
pub(crate) struct Run {
    #[arg(long, value_name = "SOURCE", help = format!("Where frames come from: {SOURCES}"))]
    pub(crate) camera: Source,
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
    #[arg(long, value_name = "DEGREES", default_value = "0", value_parser = ["0", "90", "180", "270"])]
    rotate: String,
    /// Mirror every frame left to right, after turning it
    #[arg(long)]
    mirror: bool,
}

impl Mount {
    pub(crate) fn orientation(&self) -> Orientation {
        let rotation = match self.rotate.as_str() {
            "90" => Rotation::Cw90,
            "180" => Rotation::Half,
            "270" => Rotation::Cw270,
            _ => Rotation::None,
        };
        Orientation { rotation, mirror: self.mirror }
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
}

fn min_face(text: &str) -> Result<f32, String> {
    let min_face = text.parse().map_err(|_| "not a number of px".to_owned())?;
    let settings = MtcnnSettings { min_face, ..MtcnnSettings::default() };
    settings.problem().map_or(Ok(min_face), |problem| Err(problem.to_owned()))
}

/// Where answers go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Displays")]
pub(crate) struct Show {
    #[arg(long = "display", value_name = "SINK", default_value = "terminal", help = sinks())]
    displays: Vec<String>,
    /// Size of the panel, px
    #[arg(long, value_enum, default_value_t)]
    panel: show::PanelSize,
    /// What the panel shows of an answer
    #[arg(long, value_enum, default_value_t)]
    words: show::Mode,
}

impl Show {
    pub(crate) fn open(&self) -> Result<Vec<Box<dyn Display>>, ShowError> {
        let settings = show::Settings { panel: self.panel, mode: self.words };
        self.displays.iter().map(|spec| show::open(spec, &settings)).collect()
    }
}

fn sinks() -> String {
    let sinks: Vec<_> =
        SINKS.iter().map(|sink| format!("{} ({})", sink.usage, sink.help)).collect();
    format!("Where answers go, may be given several times: {}", sinks.join("; "))
}

/// Why a verb ended early; the message is the cause's own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error(transparent)]
    Input(#[from] CameraError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Show(#[from] ShowError),
    #[error(transparent)]
    Badge(#[from] BadgeError),
    #[error(transparent)]
    Bench(#[from] BenchError),
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// Every frame was bad, and each was told already.
    #[error("nothing could be read")]
    NothingRead,
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Input(_) | Self::Bench(BenchError::Camera(_)) | Self::NothingRead => 3,
            Self::Output(_) => 4,
            Self::Load(_) | Self::Badge(BadgeError::Vision(_)) | Self::Bench(_) => 5,
            Self::Show(error) | Self::Badge(BadgeError::Show(error)) => match error {
                ShowError::UnknownSink { .. }
                | ShowError::NoFolder { .. }
                | ShowError::NoArgument { .. }
                | ShowError::BadArgument { .. } => 2,
                _ => 4,
            },
        })
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
