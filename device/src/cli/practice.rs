//! The arguments of `emocue-badge practice`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use emocue_config::{SOURCES, Source};

use super::{AFTER_HELP, Look, Mount, Named, Show, one_of, source};
use crate::answer::GameKind;

const GAMES: [Named<GameKind>; 3] = [
    ("show", GameKind::ShowMe, "A word and an emoji; the face before the camera shows it"),
    ("guess", GameKind::Guess, "A face is classified; the answer is hidden until a press"),
    ("cards", GameKind::Cards, "Emoji and word alternate, without a camera"),
];

/// Practise expressions: nothing is scored, and nothing is stored.
///
/// The button is that of the configuration, else the Enter key: Enter alone is a short press, which skips, reveals or
/// turns over; `l` and Enter is a long one, which ends the game.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct Practice {
    /// Which game
    #[arg(value_parser = one_of(&GAMES))]
    pub game: GameKind,
    /// Where frames come from.
    #[arg(long, value_name = "SOURCE", value_parser = OsStringValueParser::new().try_map(source))]
    #[arg(help = format!("Where frames come from: {SOURCES}"))]
    pub camera: Option<Source>,
    /// The configuration; options of the command line override it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How many rounds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50))]
    pub rounds: Option<u32>,
    /// Wait for a camera or a panel that is missing, instead of ending
    #[arg(long)]
    pub wait: bool,
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
