//! The panel in a terminal.

mod live;

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use emocue_config::{Mode, PanelSize};

use self::live::FrameRate;
use super::change::{News, ScreenChange};
use super::panel::Panel;
use super::words::ReportLine;
use super::{Display, ShowError, ShowSettings, ShownFrame};
use crate::answer::FrameReport;

/// How pixels are drawn as characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No picture: one line per change of answer.
    Lines,
    /// Braille patterns, 2x4 px each: 64x16 characters for a 128x64 panel, which fits 80x24.
    Braille,
    /// Half blocks, 1x2 px each: 128x32 characters for a 128x64 panel.
    Blocks,
}

impl Style {
    /// px per character, horizontally and vertically; `None` without a picture.
    fn cell(self) -> Option<(usize, usize)> {
        match self {
            Self::Lines => None,
            Self::Braille => Some((2, 4)),
            Self::Blocks => Some((1, 2)),
        }
    }

    /// The largest style that leaves room for the caption and the cursor's line in a terminal of `columns` x
    /// `rows` characters.
    pub fn fitting(panel: PanelSize, columns: usize, rows: usize) -> Self {
        let (width, height) = (panel.width() as usize, panel.height() as usize);
        let fits = |style: &Self| {
            style.cell().is_some_and(|(across, down)| {
                width / across <= columns && height / down + 2 <= rows
            })
        };
        [Self::Blocks, Self::Braille].into_iter().find(fits).unwrap_or(Self::Lines)
    }
}

/// Shows the panel with a line of text below it. A stream is redrawn in place, still pictures follow one another. The
/// terminal's settings are not changed, so there is nothing to restore.
pub struct Terminal<W> {
    out: W,
    style: Style,
    settings: ShowSettings,
    panel: Panel,
    change: ScreenChange,
    /// Whether the terminal has enough rows for a live camera's bars.
    has_room: bool,
    rate: FrameRate,
    /// Lines below the panel that were written last.
    below: usize,
    /// Buffer for a single write.
    text: String,
    caption: String,
}

impl Terminal<io::Stdout> {
    /// Writes to standard output: a picture if it is a terminal that is large enough.
    pub fn stdout(settings: &ShowSettings) -> Self {
        let out = io::stdout();
        let size = out.is_terminal().then(|| console::Term::stdout().size_checked()).flatten();
        let style = size.map_or(Style::Lines, |(rows, columns)| {
            Style::fitting(settings.panel, columns.into(), rows.into())
        });
        let mut terminal = Self::new(out, style, settings);
        let panel = style.cell().map_or(0, |(_, down)| terminal.panel.height() / down);
        terminal.has_room = size.is_some_and(|(rows, _)| panel + live::LINES + 2 <= rows.into());
        terminal
    }
}

impl<W: Write> Terminal<W> {
    /// Writes to any writer.
    pub fn new(out: W, style: Style, settings: &ShowSettings) -> Self {
        Self {
            out,
            style,
            settings: *settings,
            panel: Panel::new(settings.panel),
            change: ScreenChange::default(),
            has_room: true,
            rate: FrameRate::default(),
            below: 1,
            text: String::new(),
            caption: String::new(),
        }
    }

    /// Appends the panel to the text, a line per row of characters.
    fn push_panel(&mut self, across: usize, down: usize) {
        for top in (0..self.panel.height()).step_by(down) {
            for left in (0..self.panel.width()).step_by(across) {
                self.text.push(character(&self.panel, left, top, across, down));
            }
            self.text.push('\n');
        }
    }
}

impl<W: Write + Send> Display for Terminal<W> {
    fn set_mode(&mut self, mode: Mode, _: Instant) -> Result<(), ShowError> {
        self.settings.mode = mode;
        self.change.renew();
        Ok(())
    }

    fn set_journal(&mut self, on: bool, _: Instant) -> Result<(), ShowError> {
        self.settings.journal = on;
        self.change.renew();
        Ok(())
    }

    fn show(
        &mut self,
        _: Option<ShownFrame<'_>>,
        report: &FrameReport,
        now: Instant,
    ) -> Result<(), ShowError> {
        let news = self.change.see(report);
        self.text.clear();
        match self.style.cell() {
            None if news == News::None => return Ok(()),
            None => {}
            Some((across, down)) => {
                let panel = if news == News::Answer { self.panel.height() / down } else { 0 };
                let up = panel + self.below;
                if news != News::Source {
                    // Moves the cursor to the start of the text that is replaced.
                    let _ = write!(self.text, "\x1b[{up}A\r");
                }
                if news != News::None {
                    self.panel.show(report.shown, &self.settings);
                    self.push_panel(across, down);
                }
            }
        }
        // Writing to a string cannot fail.
        self.caption.clear();
        let _ = write!(self.caption, "{}", ReportLine(report, self.settings.language));
        match self.style {
            Style::Lines => self.text.push_str(&self.caption),
            // Without line wrapping, so that a long name takes one line; then the line's rest is cleared.
            _ => {
                if let Some(hz) = report.captured.and_then(|_| self.rate.count(now)) {
                    let _ = write!(self.caption, ", {hz:.0} frames a second");
                }
                let _ = write!(self.text, "\x1b[?7l{}\x1b[K\x1b[?7h", self.caption);
            }
        }
        self.text.push('\n');
        let before = std::mem::replace(&mut self.below, 1);
        if self.style != Style::Lines && self.has_room && report.captured.is_some() {
            live::bars(report, self.settings.language, &mut self.text);
            self.below += live::LINES;
        } else if before > self.below {
            self.text.push_str("\x1b[J");
        }
        self.out
            .write_all(self.text.as_bytes())
            .and_then(|()| self.out.flush())
            .map_err(|source| ShowError::stream(None, source))
    }
}

/// The character for the cell whose top-left pixel is `(left, top)`.
fn character(panel: &Panel, left: usize, top: usize, across: usize, down: usize) -> char {
    if (across, down) == (1, 2) {
        return match (panel.is_lit(left, top), panel.is_lit(left, top + 1)) {
            (false, false) => ' ',
            (true, false) => '\u{2580}',
            (false, true) => '\u{2584}',
            (true, true) => '\u{2588}',
        };
    }
    // Unicode numbers Braille dots down the left column, then the right one; the fourth row was added later.
    const BITS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
    let mut bits = 0;
    for (dy, row) in BITS.iter().enumerate() {
        for (dx, bit) in row.iter().enumerate() {
            if panel.is_lit(left + dx, top + dy) {
                bits |= bit;
            }
        }
    }
    char::from_u32(0x2800 + bits).unwrap_or(' ')
}

#[cfg(test)]
mod tests {
    use emocue_models::label::Expression;

    use super::*;
    use crate::answer::{Answer, Screen};
    use crate::show::fixture::report;

    const HAPPY: Screen = Screen::looks(Expression::Happiness);

    #[test]
    fn another_mode_is_drawn_in_place_with_the_next_frame() {
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out, Style::Braille, &ShowSettings::default());
        let report = report("cam", 0, None, HAPPY);
        terminal.show(None, &report, Instant::now()).unwrap();
        terminal.set_mode(Mode::Word, Instant::now()).unwrap();
        terminal.show(None, &report, Instant::now()).unwrap();
        let text = String::from_utf8(out).unwrap();
        let panels: Vec<_> = text.split("\x1b[17A\r").collect();
        assert_eq!(panels.len(), 2, "{text}");
        assert_ne!(panels[0].lines().nth(4), panels[1].lines().nth(4));
    }

    fn shown(style: Style, reports: &[FrameReport]) -> String {
        let mut out = Vec::new();
        let mut terminal = Terminal::new(&mut out, style, &ShowSettings::default());
        for report in reports {
            terminal.show(None, report, Instant::now()).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn lines_come_on_a_change_of_answer_only() {
        let no_face = Screen::Answer(Answer::NoFace);
        let answers = [no_face, no_face, HAPPY, HAPPY, Screen::Paused];
        let reports: Vec<_> = (0..)
            .zip(answers)
            .map(|(i, answer)| report("clip.y4m", i, Some(i * 100), answer))
            .collect();
        let text = shown(Style::Lines, &reports);
        assert_eq!(text, "0:00.000 no face\n0:00.200 looks happy (93 %)\n0:00.400 paused\n");
    }

    #[test]
    fn every_still_picture_has_a_line() {
        let reports = [report("a.jpg", 0, None, HAPPY), report("b.jpg", 1, None, HAPPY)];
        let text = shown(Style::Lines, &reports);
        assert_eq!(text, "a.jpg: looks happy (93 %)\nb.jpg: looks happy (93 %)\n");
    }

    #[test]
    fn a_stream_is_redrawn_in_place_and_stills_are_not() {
        let stream =
            [report("clip", 0, Some(0), HAPPY), report("clip", 1, Some(40), Answer::NoFace)];
        let text = shown(Style::Blocks, &stream);
        assert_eq!(text.lines().count(), 2 * 33);
        assert_eq!(text.matches("\x1b[33A").count(), 1);
        let stills = [report("a.jpg", 0, None, HAPPY), report("b.jpg", 1, None, HAPPY)];
        let text = shown(Style::Braille, &stills);
        assert_eq!(text.lines().count(), 2 * 17);
        assert!(!text.contains('A'), "no cursor movement");
    }

    #[test]
    fn the_same_answer_replaces_the_caption_only() {
        let stream = [report("clip", 0, Some(0), HAPPY), report("clip", 1, Some(40), HAPPY)];
        let text = shown(Style::Blocks, &stream);
        assert_eq!(text.lines().count(), 33 + 1);
        assert!(text.ends_with("\x1b[1A\r\x1b[?7l0:00.040 looks happy (93 %)\x1b[K\x1b[?7h\n"));
    }

    #[test]
    fn a_live_camera_has_bars_below_which_are_replaced_with_the_caption() {
        let live = |index: u64| {
            let start = Instant::now();
            let report = report("cam", index, Some(40 * index), HAPPY);
            FrameReport { captured: Some(start), ..report }
        };
        let text = shown(Style::Braille, &[live(0), live(1)]);
        assert_eq!(text.lines().count(), 16 + 3 + 3);
        assert_eq!(text.matches("\x1b[3A\r").count(), 1);
        assert_eq!(text.matches("happy \u{2588}").count(), 2);
    }

    #[test]
    fn both_styles_show_the_same_pixels() {
        let mut panel = Panel::new(PanelSize::Tall);
        panel.show(HAPPY, &ShowSettings::default());
        let lit = panel.pixels().iter().filter(|lit| **lit).count() as u32;
        let first = |style| shown(style, &[report("a", 0, None, HAPPY)]);
        let blocks: u32 = first(Style::Blocks)
            .chars()
            .map(|c| match c {
                '\u{2588}' => 2,
                '\u{2580}' | '\u{2584}' => 1,
                _ => 0,
            })
            .sum();
        let dots: u32 = first(Style::Braille)
            .chars()
            .filter(|c| ('\u{2800}'..='\u{28ff}').contains(c))
            .map(|c| (c as u32 - 0x2800).count_ones())
            .sum();
        assert_eq!((blocks, dots), (lit, lit));
    }

    #[test]
    fn the_style_follows_the_terminals_size() {
        let fitting = |columns, rows| Style::fitting(PanelSize::Tall, columns, rows);
        assert_eq!(fitting(128, 34), Style::Blocks);
        assert_eq!(fitting(127, 60), Style::Braille);
        assert_eq!(fitting(200, 33), Style::Braille);
        assert_eq!(fitting(80, 24), Style::Braille);
        assert_eq!(fitting(63, 24), Style::Lines);
        assert_eq!(Style::fitting(PanelSize::Flat, 128, 24), Style::Blocks);
    }

    #[test]
    fn a_closed_pipe_is_told_apart() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut terminal = Terminal::new(Closed, Style::Lines, &ShowSettings::default());
        let error = terminal.show(None, &report("a", 0, None, HAPPY), Instant::now()).unwrap_err();
        assert!(error.is_closed());
    }
}
