//! A Linux framebuffer: an HDMI screen or an SPI display for a classroom, with a large emoji and its word in colour.
//!
//! The picture is written with pwrite(2): a memory map would take `unsafe`. Sizes and the coding of pixels come from
//! sysfs (`Documentation/fb/api.rst` of the kernel). Only rows and columns that change are written.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use emocue_config::Mode;

use super::canvas::Canvas;
use super::change::{News, ScreenChange};
use super::text::Font;
use super::{Display, ShowError, ShowSettings, ShownFrame, paint, words};
use crate::answer::{FrameReport, PracticeScreen, Screen};

/// Where the framebuffer is, where nothing else is said.
const NODE: &str = "/dev/fb0";
/// Where the kernel describes it.
const CLASS: &str = "/sys/class/graphics";
/// The most pixels: a screen of 8K.
const MOST_PIXELS: u64 = 7680 * 4320;
/// A part of the shorter side stays free around the picture.
const MARGIN: u32 = 24;

/// How pixels lie in memory, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pixels {
    /// 5 bits red, 6 green, 5 blue.
    Rgb565,
    /// Blue, green, red.
    Rgb888,
    /// Blue, green, red, and a byte without meaning.
    Xrgb8888,
}

impl Pixels {
    fn of_bits(bits: u32) -> Option<Self> {
        match bits {
            16 => Some(Self::Rgb565),
            24 => Some(Self::Rgb888),
            32 => Some(Self::Xrgb8888),
            _ => None,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Rgb565 => 2,
            Self::Rgb888 => 3,
            Self::Xrgb8888 => 4,
        }
    }

    fn push(self, [r, g, b]: [u8; 3], row: &mut Vec<u8>) {
        match self {
            Self::Rgb565 => {
                let [r, g, b] = [r, g, b].map(u16::from);
                row.extend(((r >> 3) << 11 | (g >> 2) << 5 | b >> 3).to_le_bytes());
            }
            Self::Rgb888 => row.extend([b, g, r]),
            Self::Xrgb8888 => row.extend([b, g, r, 0xFF]),
        }
    }
}

/// What sysfs says about a framebuffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    /// px across and down, as the screen shows it.
    width: u32,
    height: u32,
    /// Bytes from one row to the next.
    stride: usize,
    pixels: Pixels,
}

impl Layout {
    /// Reads the folder of a framebuffer in sysfs.
    fn read(folder: &Path) -> Result<Self, String> {
        let text = |name: &str| {
            let text = std::fs::read_to_string(folder.join(name));
            text.map_err(|error| format!("{}: {error}", folder.join(name).display()))
        };
        let number = |name: &str| {
            let text = text(name)?;
            text.trim().parse::<u32>().map_err(|_| format!("{name} is {:?}", text.trim()))
        };
        let bits = number("bits_per_pixel")?;
        let pixels =
            Pixels::of_bits(bits).ok_or(format!("{bits} bits a pixel, not 16, 24 or 32"))?;
        let stride = number("stride")? as usize;
        // What is visible; the memory may hold more rows.
        let size = text("modes").ok().and_then(|modes| visible(&modes));
        let (width, height) = match size {
            Some(size) => size,
            None => {
                let size = text("virtual_size")?;
                pair(size.trim(), ',').ok_or(format!("virtual_size is {:?}", size.trim()))?
            }
        };
        let is_empty = width == 0 || height == 0;
        if is_empty || u64::from(width) * u64::from(height) > MOST_PIXELS {
            return Err(format!("a screen of {width}x{height} px"));
        }
        if stride < width as usize * pixels.bytes() {
            return Err(format!("rows of {stride} bytes for {width} px of {bits} bits"));
        }
        Ok(Self { width, height, stride, pixels })
    }
}

/// The size in the first of the kernel's lines such as `U:1024x768p-60`.
fn visible(modes: &str) -> Option<(u32, u32)> {
    let (_, mode) = modes.lines().next()?.split_once(':')?;
    let end = mode.find(|c: char| !c.is_ascii_digit() && c != 'x').unwrap_or(mode.len());
    pair(&mode[..end], 'x')
}

fn pair(text: &str, between: char) -> Option<(u32, u32)> {
    let (a, b) = text.split_once(between)?;
    Some((a.parse().ok()?, b.parse().ok()?))
}

/// How the screen is mounted: the picture is turned clockwise by so many quarters.
fn quarters(degrees: &str) -> Option<u32> {
    match degrees {
        "0" => Some(0),
        "90" => Some(1),
        "180" => Some(2),
        "270" => Some(3),
        _ => None,
    }
}

/// A screen that shows a large emoji and its word.
pub struct Framebuffer {
    file: File,
    path: PathBuf,
    layout: Layout,
    quarters: u32,
    settings: ShowSettings,
    change: ScreenChange,
    /// What was shown last, for another mode.
    screen: Screen,
    canvas: Canvas,
    /// Reused for drawing emoji smoothly.
    scratch: Canvas,
    /// What the screen has, row by row without what lies between rows.
    written: Vec<u8>,
    /// What it shall have.
    wanted: Vec<u8>,
}

/// Opens the framebuffer that `argument` names: nothing, `/dev/fb1`, or `/dev/fb0?rotate=90`.
pub(crate) fn open(argument: &str, settings: &ShowSettings) -> Result<Framebuffer, ShowError> {
    Framebuffer::open(argument, settings, Path::new(CLASS))
}

impl Framebuffer {
    /// Opens the framebuffer that `argument` names: nothing, `/dev/fb1`, or `/dev/fb0?rotate=90`. The folder `class` has
    /// the kernel's descriptions, `/sys/class/graphics`.
    ///
    /// # Errors
    /// [`ShowError`] when it is not there, not permitted, or of a kind that cannot be drawn on.
    pub fn open(argument: &str, settings: &ShowSettings, class: &Path) -> Result<Self, ShowError> {
        let (node, options) = argument.split_once('?').unwrap_or((argument, ""));
        let quarters = match options {
            "" => Some(0),
            options => options.strip_prefix("rotate=").and_then(quarters),
        };
        let quarters = quarters.ok_or_else(|| ShowError::BadArgument {
            sink: "fb",
            argument: argument.to_owned(),
            next: "write fb:/dev/fb0, or fb:/dev/fb0?rotate=90 (180, 270)",
        })?;
        let path = PathBuf::from(if node.is_empty() { NODE } else { node });
        let fail = |reason: String, next: &str| ShowError::Panel {
            what: format!("the framebuffer {}", path.display()),
            reason,
            next: next.to_owned(),
        };
        let file = File::options().write(true).open(&path).map_err(|error| {
            let next = match error.kind() {
                io::ErrorKind::NotFound => {
                    "connect a screen, and let its driver make a framebuffer (`ls /dev/fb*`)"
                }
                io::ErrorKind::PermissionDenied => {
                    "add yourself to the group video: `sudo usermod -aG video $USER`, then log in again"
                }
                _ => "check the node",
            };
            fail(error.to_string(), next)
        })?;
        let name = path.file_name().unwrap_or_default();
        let layout = Layout::read(&class.join(name)).map_err(|reason| {
            fail(reason, "name a framebuffer with 16, 24 or 32 bits a pixel, such as /dev/fb0")
        })?;
        let mut screen = Framebuffer {
            file,
            path,
            layout,
            quarters,
            settings: *settings,
            change: ScreenChange::default(),
            screen: Screen::Starting,
            canvas: Canvas::default(),
            scratch: Canvas::default(),
            written: Vec::new(),
            wanted: Vec::new(),
        };
        screen.clear()?;
        Ok(screen)
    }

    /// The picture's size, px, before it is turned.
    fn size(&self) -> Size {
        let Layout { width, height, .. } = self.layout;
        if self.quarters % 2 == 1 { Size::new(height, width) } else { Size::new(width, height) }
    }

    fn clear(&mut self) -> Result<(), ShowError> {
        self.canvas.clear(self.size(), Rgb888::BLACK);
        self.write()
    }

    fn draw(&mut self) -> Result<(), ShowError> {
        let size = self.size();
        self.canvas.clear(size, Rgb888::BLACK);
        let margin = size.width.min(size.height) / MARGIN;
        let (emoji, text) = areas(size, margin, self.settings.mode, self.screen);
        if !emoji.is_zero_sized() {
            paint::emoji(self.screen, emoji, &mut self.canvas, &mut self.scratch);
        }
        if self.settings.journal {
            paint::journal_mark(margin, &mut self.canvas);
        }
        let lines = lines(self.screen, &self.settings);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        if !text.is_zero_sized() && !lines.is_empty() {
            let font = Font::filling(&lines, text.size.width, text.size.height);
            let height = font.height() * lines.len() as u32;
            let top = (text.size.height.saturating_sub(height) / 2) as i32;
            for (row, line) in (0..).zip(lines) {
                let left = (text.size.width.saturating_sub(font.width(line)) / 2) as i32;
                let at = text.top_left + Point::new(left, top + row * font.height() as i32);
                paint::text(line, font, at, paint::tint(self.screen), &mut self.canvas);
            }
        }
        self.write()
    }

    /// Writes what differs from what the screen has.
    fn write(&mut self) -> Result<(), ShowError> {
        let Layout { width, height, stride, pixels } = self.layout;
        let Size { width: across, height: down } = self.size();
        let rgb = self.canvas.bytes();
        self.wanted.clear();
        for y in 0..height {
            for x in 0..width {
                let (column, row) = match self.quarters {
                    1 => (y, down - 1 - x),
                    2 => (across - 1 - x, down - 1 - y),
                    3 => (across - 1 - y, x),
                    _ => (x, y),
                };
                let at = 3 * (row as usize * across as usize + column as usize);
                pixels.push([rgb[at], rgb[at + 1], rgb[at + 2]], &mut self.wanted);
            }
        }
        let long = width as usize * pixels.bytes();
        let is_new = self.written.len() != self.wanted.len();
        for (y, row) in self.wanted.chunks_exact(long).enumerate() {
            let before = if is_new { &[][..] } else { &self.written[y * long..][..long] };
            let differs = |at: &usize| before.get(*at) != row.get(*at);
            let Some(first) = (0..long).find(differs) else { continue };
            let last = (0..long).rev().find(differs).unwrap_or(first);
            let from = (y * stride + first) as u64;
            self.file
                .write_all_at(&row[first..=last], from)
                .map_err(|source| ShowError::write(&self.path, source))?;
        }
        std::mem::swap(&mut self.written, &mut self.wanted);
        Ok(())
    }
}

/// Where the emoji and the words go: side by side on a wide screen, else the words below; either alone takes all.
fn areas(size: Size, margin: u32, mode: Mode, screen: Screen) -> (Rectangle, Rectangle) {
    let (width, height) =
        (size.width.saturating_sub(2 * margin), size.height.saturating_sub(2 * margin));
    let area = |x: u32, y: u32, w: u32, h: u32| {
        Rectangle::new(Point::new((margin + x) as i32, (margin + y) as i32), Size::new(w, h))
    };
    let square = |w: u32, h: u32| {
        let side = w.min(h);
        area((w - side) / 2, (h - side) / 2, side, side)
    };
    let none = Rectangle::zero();
    let mode = match screen {
        // A question is read.
        Screen::Question { .. } | Screen::Practice(PracticeScreen::CardWord(_)) => Mode::Word,
        Screen::Practice(PracticeScreen::CardEmoji(_)) => Mode::Emoji,
        Screen::Menu(_) | Screen::Keep { .. } | Screen::KeepsPictures { .. } => Mode::Both,
        _ => mode,
    };
    match mode {
        Mode::Emoji => (square(width, height), none),
        Mode::Word => (none, area(0, 0, width, height)),
        Mode::Both if width > height => {
            let side = height.min(width / 2);
            let left = area(0, (height - side) / 2, side, side);
            (left, area(side + margin, 0, width.saturating_sub(side + margin), height))
        }
        Mode::Both => {
            let side = width.min(height * 2 / 3);
            let above = area((width - side) / 2, 0, side, side);
            (above, area(0, side + margin, width, height.saturating_sub(side + margin)))
        }
    }
}

/// What is written: the word, with what stands above it; a question with its code and what to do.
fn lines(screen: Screen, settings: &ShowSettings) -> Vec<String> {
    let words = words::words(screen, settings.language);
    let mut lines = Vec::new();
    if !words.above.is_empty() {
        lines.push(words.above.to_owned());
    }
    match screen {
        Screen::Question { code, counts, .. } => {
            lines.push(words.wide.to_owned());
            lines.push(code.to_string());
            lines.push(words::answers(counts, &settings.language.questions).to_owned());
        }
        Screen::Keep { counts, .. } => {
            lines.push(words.wide.to_owned());
            if counts {
                lines.push(settings.language.questions.answer.whole().to_owned());
            }
        }
        Screen::KeepsPictures { seconds_left, .. } => lines.push(words::countdown(seconds_left)),
        _ => lines.push(words.wide.to_owned()),
    }
    lines
}

impl Display for Framebuffer {
    fn show(
        &mut self,
        _: Option<ShownFrame<'_>>,
        report: &FrameReport,
        _: Instant,
    ) -> Result<(), ShowError> {
        if self.change.see(report) == News::None {
            return Ok(());
        }
        self.screen = report.shown;
        self.draw()
    }

    fn set_mode(&mut self, mode: Mode, _: Instant) -> Result<(), ShowError> {
        self.settings.mode = mode;
        self.draw()
    }

    fn set_journal(&mut self, on: bool, _: Instant) -> Result<(), ShowError> {
        self.settings.journal = on;
        self.draw()
    }

    fn finish(&mut self) -> Result<(), ShowError> {
        self.clear()
    }
}

#[cfg(test)]
mod tests;
