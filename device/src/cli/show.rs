//! Where answers go, on the command line.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::Path;

use crate::show::overlay::Style;
use crate::show::{self, Display, FileRules, SINKS, ShowError};
use clap::Args;
use emocue_config::{Language, Mode, PanelSize};
use emocue_models::failure::line;

use super::{Named, one_of};

/// How many pictures are kept of a live camera, which has no end: about 100 MB of overlays.
const LIVE_KEPT: Option<NonZeroUsize> = NonZeroUsize::new(1000);

/// Where answers go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Displays")]
pub struct Show {
    #[arg(long = "display", value_name = "SINK", help = sinks())]
    displays: Vec<OsString>,
    /// How overlay:DIR and video:FILE draw a frame (default: box)
    #[arg(long, value_parser = one_of(&STYLES))]
    style: Option<Style>,
    /// Replace files that are there already, for json, csv, png, overlay and video
    #[arg(long)]
    pub overwrite: bool,
    /// How many pictures png:DIR and overlay:DIR keep, the newest ones (default: 1000 of a live camera, all of files)
    #[arg(long, value_name = "N")]
    keep: Option<NonZeroUsize>,
    /// Size of the panel, px (default: 128x64)
    #[arg(long, value_parser = one_of(&PANELS))]
    panel: Option<PanelSize>,
    /// What the panel shows of an answer (default: both)
    #[arg(long, value_parser = one_of(&WORDS))]
    words: Option<Mode>,
    /// Language of the words: a code such as de, or a TOML file (default: en)
    #[arg(long, value_name = "CODE|FILE", value_parser = language)]
    pub language: Option<&'static Language>,
}

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
    (
        "bars",
        Style::Bars,
        "Beside each face the probabilities of all classes, where there is space",
    ),
    (
        "panel",
        Style::Panel,
        "Four pictures: the frame, the shown face, its probabilities, its emoji",
    ),
];

impl Show {
    /// Opens the displays that are named here; the terminal if none is, unless there is another display already. A
    /// badge that starts `again` replaces its own files, and a live one keeps a limited number of pictures. The file
    /// `input`, which the camera reads, is never replaced.
    pub fn open(
        &self,
        usual: show::ShowSettings,
        input: Option<&Path>,
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
        if let Some(input) = input {
            named.iter().try_for_each(|spec| show::refuse_input(spec, input))?;
        }
        named.iter().map(|spec| show::open(spec, &settings, rules)).collect()
    }

    /// Whether a display is named here that shows frames in colour.
    pub fn has_colors(&self) -> bool {
        self.displays.iter().filter_map(show::kind).any(|sink| sink.has_colors)
    }

    /// Whether a display is named here that shows a panel immediately.
    pub fn has_panel(&self) -> bool {
        self.displays.iter().filter_map(show::kind).any(|sink| sink.is_panel)
    }

    /// The values given here, else those of `usual`.
    pub fn settings(&self, usual: show::ShowSettings) -> show::ShowSettings {
        show::ShowSettings {
            panel: self.panel.unwrap_or(usual.panel),
            mode: self.words.unwrap_or(usual.mode),
            style: self.style.unwrap_or(usual.style),
            language: self.language.unwrap_or(usual.language),
            ..usual
        }
    }
}

/// A value of `--language`.
fn language(name: &str) -> Result<&'static Language, String> {
    show::language::load(name).map_err(|error| line(&error))
}

fn sinks() -> String {
    let sinks: Vec<_> =
        SINKS.iter().map(|sink| format!("{} ({})", sink.usage, sink.help)).collect();
    format!("Where the answers are written, repeatable: {}", sinks.join("; "))
}
