//! Displays: all outputs that can show a [`FrameReport`].
//!
//! A picture is geometry ([`art`]), drawn by one routine ([`draw`]) on any
//! [`embedded_graphics::draw_target::DrawTarget`]; [`panel`] puts the word ([`words`]) beside it. The sinks differ only
//! in the destination.

pub mod art;
mod canvas;
mod change;
pub mod csv;
pub mod draw;
mod error;
mod fit;
#[cfg(unix)]
pub mod framebuffer;
pub mod json;
pub mod language;
pub mod oled;
pub mod overlay;
mod paint;
pub mod panel;
pub mod png;
pub mod terminal;
pub mod text;
pub mod video;
pub mod words;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use emocue_config::{Language, Mode, PanelSettings, PanelSize};
use emocue_models::colors::Colors;
use emocue_models::luma::Luma;

use crate::answer::FrameReport;
use crate::camera::Rate;
pub use error::ShowError;

/// A frame as displays receive it.
#[derive(Clone, Copy, Debug)]
pub struct ShownFrame<'a> {
    /// The frame that was processed.
    pub luma: &'a Luma,
    /// Its colours, of the same size, if the source has them.
    pub colors: Option<&'a Colors>,
    /// The source's frame rate, if its header has it.
    pub rate: Option<Rate>,
}

impl<'a> From<&'a Luma> for ShownFrame<'a> {
    fn from(luma: &'a Luma) -> Self {
        Self { luma, colors: None, rate: None }
    }
}

/// Shows the badge's report for each frame.
pub trait Display: Send {
    /// Shows one frame's report; without a frame, a state of the badge itself. `now` is the time at which it is
    /// shown.
    ///
    /// # Errors
    /// [`ShowError`] when it cannot be shown; [`ShowError::Closed`] means that the reader has closed the output, which
    /// ends a run without an error message.
    fn show(
        &mut self,
        frame: Option<ShownFrame<'_>>,
        report: &FrameReport,
        now: Instant,
    ) -> Result<(), ShowError>;

    /// Switches to the emoji, the word or both, if the display has a panel.
    ///
    /// # Errors
    /// As for [`Display::show`].
    fn set_mode(&mut self, mode: Mode, now: Instant) -> Result<(), ShowError> {
        let _ = (mode, now);
        Ok(())
    }

    /// Switches the journal mark on or off, if the display has a panel.
    ///
    /// # Errors
    /// As for [`Display::show`].
    fn set_journal(&mut self, on: bool, now: Instant) -> Result<(), ShowError> {
        let _ = (on, now);
        Ok(())
    }

    /// Called about once a second by a live badge, so that a panel can dim, blank or recover.
    ///
    /// # Errors
    /// As for [`Display::show`].
    fn tick(&mut self, now: Instant) -> Result<(), ShowError> {
        let _ = now;
        Ok(())
    }

    /// Called once after the last frame.
    ///
    /// # Errors
    /// As for [`Display::show`].
    fn finish(&mut self) -> Result<(), ShowError> {
        Ok(())
    }
}

/// Finishes all displays, also behind one that fails; returns the first error.
///
/// # Errors
/// As for [`Display::finish`].
pub fn finish(displays: &mut [Box<dyn Display>]) -> Result<(), ShowError> {
    displays.iter_mut().map(|display| display.finish()).fold(Ok(()), Result::and)
}

/// Settings of displays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShowSettings {
    /// Size of the panel.
    pub panel: PanelSize,
    /// Emoji, word or both.
    pub mode: Mode,
    /// How whole frames are drawn.
    pub style: overlay::Style,
    /// The words' language.
    pub language: &'static Language,
    /// Whether panels show the journal mark.
    pub journal: bool,
}

impl ShowSettings {
    /// The same settings in another mode.
    pub(crate) fn in_mode(&self, mode: Mode) -> Self {
        Self { mode, ..*self }
    }
}

impl Default for ShowSettings {
    fn default() -> Self {
        Self {
            panel: PanelSize::default(),
            mode: Mode::default(),
            style: overlay::Style::default(),
            language: language::english(),
            journal: false,
        }
    }
}

/// Its language is English: loading another may fail ([`language::load`]).
impl From<&PanelSettings> for ShowSettings {
    fn from(panel: &PanelSettings) -> Self {
        Self { panel: panel.size, mode: panel.words, ..Self::default() }
    }
}

/// Rules for the files of displays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileRules {
    /// Whether existing files are replaced.
    pub overwrite: bool,
    /// How many of a run's pictures a folder keeps: the newest. All if `None`.
    pub keep: Option<NonZeroUsize>,
}

type Opened = Result<Box<dyn Display>, ShowError>;

/// One kind of display, as the command line names it.
pub struct Sink {
    /// The part before the colon.
    pub name: &'static str,
    /// How it is written, with its argument: `"png:DIR"`.
    pub usage: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// Whether it shows frames in colour.
    pub has_colors: bool,
    /// Whether it shows a panel immediately, on which a wearer can read a question.
    pub is_panel: bool,
    open: fn(&OsStr, &ShowSettings, FileRules) -> Opened,
}

/// Every sink that [`open`] knows.
pub const SINKS: &[Sink] = &[
    Sink {
        name: "terminal",
        usage: "terminal",
        help: "the panel in this terminal, or a line per change of answer where it has no room",
        has_colors: false,
        is_panel: true,
        open: |argument, settings, _| match argument.is_empty() {
            true => Ok(Box::new(terminal::Terminal::stdout(settings))),
            false => Err(ShowError::NoArgument {
                sink: "terminal",
                argument: argument.to_string_lossy().into_owned(),
            }),
        },
    },
    Sink {
        name: "png",
        usage: "png:DIR",
        help: "the panel as a PNG file per change of answer",
        has_colors: false,
        is_panel: false,
        open: |folder, settings, rules| {
            Ok(Box::new(png::PanelPng::create(folder, settings, rules)?))
        },
    },
    Sink {
        name: "overlay",
        usage: "overlay:DIR",
        help: "every frame as a PNG file with boxes, emoji, words and probabilities (--style)",
        has_colors: true,
        is_panel: false,
        open: |folder, settings, rules| {
            let overlay = overlay::Overlay::create(folder, settings.style, rules)?;
            Ok(Box::new(overlay.in_language(settings.language)))
        },
    },
    Sink {
        name: "video",
        usage: "video:FILE",
        help: "the same as a video: FILE.y4m, or what ffmpeg can write",
        has_colors: true,
        is_panel: false,
        open: |file, settings, rules| {
            let overlay = overlay::Overlay::video(file, settings.style, rules)?;
            Ok(Box::new(overlay.in_language(settings.language)))
        },
    },
    Sink {
        name: "json",
        usage: "json[:FILE]",
        help: "a line of JSON per frame, to standard output without FILE",
        has_colors: false,
        is_panel: false,
        open: |file, _, rules| json::open(file, rules.overwrite),
    },
    Sink {
        name: "csv",
        usage: "csv:FILE",
        help: "a table with a row per face and frame",
        has_colors: false,
        is_panel: false,
        open: |file, _, rules| csv::open(file, rules.overwrite),
    },
    #[cfg(unix)]
    Sink {
        name: "fb",
        usage: "fb[:/dev/fbN[?rotate=90]]",
        help: "a large emoji and its word in colour on a Linux framebuffer, /dev/fb0 where nothing else is said",
        has_colors: false,
        is_panel: true,
        open: |argument, settings, _| {
            let argument = argument.to_string_lossy();
            Ok(Box::new(framebuffer::sink(&argument, settings)?))
        },
    },
    Sink {
        name: "oled",
        usage: "oled[:/dev/i2c-N[@0x3d]]",
        help: "an SSD1306 panel, on /dev/i2c-1 at 0x3c where nothing else is said",
        has_colors: false,
        is_panel: true,
        open: |argument, settings, _| oled::sink(&argument.to_string_lossy(), settings),
    },
];

/// Opens a display from its command-line form, such as `terminal`, `png:DIR`, `overlay:DIR`, `json:FILE` or
/// `oled:/dev/i2c-1` (see [`SINKS`]).
///
/// `rules` are for files.
///
/// # Errors
/// [`ShowError`] for an unknown sink, an argument that is missing or not allowed, a folder or file that cannot be
/// created, or a bus that cannot be opened.
pub fn open(
    spec: impl AsRef<OsStr>,
    settings: &ShowSettings,
    rules: FileRules,
) -> Result<Box<dyn Display>, ShowError> {
    let spec = spec.as_ref();
    let (_, argument) = split(spec);
    let sink = kind(spec)
        .ok_or_else(|| ShowError::UnknownSink { spec: spec.to_string_lossy().into_owned() })?;
    (sink.open)(&argument, settings, rules)
}

/// Checks that the display that `spec` names does not write to the file `input`.
///
/// # Errors
/// [`ShowError::Input`] if it does.
pub fn refuse_input(spec: impl AsRef<OsStr>, input: &Path) -> Result<(), ShowError> {
    let (_, argument) = split(spec.as_ref());
    match (fs::canonicalize(&argument), fs::canonicalize(input)) {
        (Ok(output), Ok(input)) if output == input && input.is_file() => {
            Err(ShowError::Input { path: argument.into() })
        }
        _ => Ok(()),
    }
}

/// The kind of display that `spec` names.
pub fn kind(spec: impl AsRef<OsStr>) -> Option<&'static Sink> {
    let (name, _) = split(spec.as_ref());
    SINKS.iter().find(|sink| name == sink.name)
}

/// The parts before and after the first colon.
#[cfg(unix)]
fn split(spec: &OsStr) -> (OsString, OsString) {
    use std::os::unix::ffi::OsStrExt as _;
    // A file's name may hold any bytes.
    let mut parts = spec.as_bytes().splitn(2, |byte| *byte == b':').map(OsStr::from_bytes);
    let mut part = || parts.next().unwrap_or_default().to_owned();
    (part(), part())
}

/// The parts before and after the first colon.
#[cfg(not(unix))]
fn split(spec: &OsStr) -> (OsString, OsString) {
    let text = spec.to_string_lossy();
    let (name, argument) = text.split_once(':').unwrap_or((&text, ""));
    (name.into(), argument.into())
}

#[cfg(test)]
pub(crate) mod fixture {
    //! Reports for the sinks' tests.

    use emocue_models::geometry::{Face, Landmarks, Point, Rect};
    use emocue_models::label::FERPLUS_8;

    use crate::answer::{Answer, FaceAnswer, FrameReport, Screen};

    /// A face whose box is `[x, y, width, height]` px; landmarks are those of an upright face.
    pub(crate) fn face([x, y, width, height]: [f32; 4], answer: Answer, top: f32) -> FaceAnswer {
        let at = |fx: f32, fy: f32| Point::new(x + fx * width, y + fy * height);
        let landmarks = Landmarks {
            left_eye: at(0.3, 0.4),
            right_eye: at(0.7, 0.4),
            nose: at(0.5, 0.6),
            left_mouth: at(0.35, 0.8),
            right_mouth: at(0.65, 0.8),
        };
        let leader = match answer {
            Answer::Looks(expression) => FERPLUS_8.index_of(expression.name()).unwrap_or(0),
            _ => 0,
        };
        let mut probabilities = vec![(1.0 - top) / 7.0; 8];
        probabilities[leader] = top;
        let rect = Rect::new(x, y, width, height);
        FaceAnswer {
            face: Face { rect, score: 0.99, landmarks: Some(landmarks) },
            track: None,
            probabilities,
            answer,
        }
    }

    /// A report of one 40 px face, or of none if `shown` has no face.
    pub(crate) fn report(
        source: &str,
        index: u64,
        time_ms: Option<u64>,
        shown: impl Into<Screen>,
    ) -> FrameReport {
        let shown = shown.into();
        let faces = match shown {
            Screen::Answer(answer @ Answer::Looks(_)) => {
                vec![face([10.0, 10.0, 40.0, 40.0], answer, 0.93)]
            }
            Screen::Answer(Answer::Unsure) => {
                vec![face([10.0, 10.0, 40.0, 40.0], Answer::Unsure, 0.3)]
            }
            _ => Vec::new(),
        };
        FrameReport {
            source: source.to_owned(),
            index,
            time_ms,
            captured: None,
            labels: FERPLUS_8,
            shown_face: (!faces.is_empty()).then_some(0),
            searched: true,
            faces,
            shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;

    use super::*;

    fn refusal(spec: &str) -> String {
        match open(spec, &ShowSettings::default(), FileRules::default()) {
            Ok(_) => panic!("{spec} opened"),
            Err(error) => failure::line(&error),
        }
    }

    #[test]
    fn an_unknown_sink_lists_the_known_ones() {
        let text = refusal("hologram");
        for part in ["\"hologram\"", "terminal", "png:DIR", "overlay:DIR", "json[:FILE]", "oled[:"]
        {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_missing_or_superfluous_argument_says_what_to_write() {
        assert!(refusal("png").contains("png:DIR"));
        assert!(refusal("overlay:").contains("overlay:DIR"));
        assert!(refusal("terminal:/dev/tty1").contains("no argument"));
    }
}
