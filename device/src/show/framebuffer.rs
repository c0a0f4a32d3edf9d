//! A Linux framebuffer: an HDMI screen or an SPI display for a classroom, with a large emoji and its word in colour.
//!
//! The picture is written with pwrite(2): a memory map would need `unsafe`. Sizes and the pixel format come from sysfs.
//! Only changes are written.

mod layout;
mod patient;
mod picture;
mod spans;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use emocue_config::{Mode, ScreenSettings};
use emocue_models::luma::Rotation;

use super::change::{News, ScreenChange};
use super::{Display, ShowError, ShowSettings, ShownFrame};
use crate::answer::{FrameReport, Screen};
use crate::nodes;
use layout::Layout;
use spans::Rows;

pub use patient::PatientScreen;
pub use picture::ScreenPicture;

/// Where the kernel describes framebuffers.
const CLASS: &str = "/sys/class/graphics";

/// A screen that shows a large emoji and its word.
pub struct Framebuffer {
    file: File,
    path: PathBuf,
    layout: Layout,
    rotate: Rotation,
    settings: ShowSettings,
    change: ScreenChange,
    /// The last screen, for a change of the mode.
    screen: Screen,
    picture: ScreenPicture,
    /// The screen's content, row by row without padding.
    written: Vec<u8>,
    /// The content that it should have.
    wanted: Vec<u8>,
}

/// Opens the screen of a configuration. With `wait`, a screen that is missing or disconnected is waited for, and
/// messages about it go to standard error.
///
/// # Errors
/// As for [`Framebuffer::on`].
pub fn open(
    settings: &ScreenSettings,
    shown: &ShowSettings,
    wait: bool,
) -> Result<Box<dyn Display>, ShowError> {
    let class = Path::new(CLASS);
    Ok(match wait {
        true => Box::new(PatientScreen::open(settings, shown, class, Instant::now())?),
        false => Box::new(Framebuffer::on(settings, shown, class)?),
    })
}

/// Opens the display `fb[:/dev/fbN[?rotate=90]]`.
pub(crate) fn sink(argument: &str, shown: &ShowSettings) -> Result<Framebuffer, ShowError> {
    Framebuffer::open(argument, shown, Path::new(CLASS))
}

/// Size and format of a framebuffer: `1024x600 px, 32 bits each`. Its content is not changed.
///
/// # Errors
/// As for [`Framebuffer::on`].
pub fn probe(settings: &ScreenSettings) -> Result<String, ShowError> {
    let (_, Layout { width, height, pixels, .. }) = node(settings, Path::new(CLASS))?;
    Ok(format!("{width}x{height} px, {} bits each", 8 * pixels.bytes()))
}

/// Makes the screen of `settings` black, as after a badge that was killed.
///
/// # Errors
/// As for [`Framebuffer::on`].
pub fn darken(settings: &ScreenSettings) -> Result<(), ShowError> {
    Framebuffer::on(settings, &ShowSettings::default(), Path::new(CLASS)).map(drop)
}

/// The argument of `--display fb`: nothing, `/dev/fb1`, or `/dev/fb0?rotate=90`.
fn parse(argument: &str) -> Result<ScreenSettings, ShowError> {
    let mut settings = ScreenSettings { enabled: true, ..ScreenSettings::default() };
    let (node, options) = argument.split_once('?').unwrap_or((argument, ""));
    if !node.is_empty() {
        settings.framebuffer = node.into();
    }
    settings.rotate = match options {
        "" | "rotate=0" => Rotation::None,
        "rotate=90" => Rotation::Cw90,
        "rotate=180" => Rotation::Half,
        "rotate=270" => Rotation::Cw270,
        _ => {
            return Err(ShowError::BadArgument {
                sink: "fb",
                argument: argument.to_owned(),
                next: "write fb:/dev/fb0, or fb:/dev/fb0?rotate=90 (180, 270)",
            });
        }
    };
    Ok(settings)
}

/// The opened node, and its memory layout.
fn node(settings: &ScreenSettings, class: &Path) -> Result<(File, Layout), ShowError> {
    let path = &settings.framebuffer;
    let fail = |reason: String, next: String| ShowError::Panel {
        what: format!("the framebuffer {}", path.display()),
        reason,
        next,
    };
    let file = File::options().write(true).open(path);
    let file = file.map_err(|error| fail(error.to_string(), advice(error.kind())))?;
    let name = path.file_name().unwrap_or_default();
    let layout = Layout::read(&class.join(name)).map_err(|reason| {
        let next = "name a framebuffer with 16, 24 or 32 bits a pixel, such as /dev/fb0";
        fail(reason, next.to_owned())
    })?;
    Ok((file, layout))
}

/// What to do about a framebuffer that does not open.
fn advice(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::NotFound => match nodes::list("/dev/fb").as_slice() {
            [] => "connect a screen, and let its driver make a framebuffer (`ls /dev/fb*`)".into(),
            there => format!("there is {}", there.join(", ")),
        },
        io::ErrorKind::PermissionDenied => {
            "add yourself to the group video: `sudo usermod -aG video $USER`, then log in again"
                .into()
        }
        _ => "check the node".into(),
    }
}

impl Framebuffer {
    /// Opens the framebuffer that `argument` names: nothing, `/dev/fb1`, or `/dev/fb0?rotate=90`. The folder `class` has
    /// the kernel's descriptions, `/sys/class/graphics`.
    ///
    /// # Errors
    /// As for [`Framebuffer::on`], and for another argument.
    pub fn open(argument: &str, shown: &ShowSettings, class: &Path) -> Result<Self, ShowError> {
        Self::on(&parse(argument)?, shown, class)
    }

    /// Opens the framebuffer of `settings` and makes it black.
    ///
    /// # Errors
    /// [`ShowError`] when it does not exist, is not permitted, or has an unsupported format.
    pub fn on(
        settings: &ScreenSettings,
        shown: &ShowSettings,
        class: &Path,
    ) -> Result<Self, ShowError> {
        let (file, layout) = node(settings, class)?;
        let mut screen = Self {
            file,
            path: settings.framebuffer.clone(),
            layout,
            rotate: settings.rotate,
            settings: *shown,
            change: ScreenChange::default(),
            screen: Screen::Starting,
            picture: ScreenPicture::default(),
            written: Vec::new(),
            wanted: Vec::new(),
        };
        screen.clear()?;
        Ok(screen)
    }

    /// The picture's width and height, px, before it is turned.
    fn size(&self) -> (u32, u32) {
        let Layout { width, height, .. } = self.layout;
        match self.rotate {
            Rotation::None | Rotation::Half => (width, height),
            Rotation::Cw90 | Rotation::Cw270 => (height, width),
        }
    }

    fn clear(&mut self) -> Result<(), ShowError> {
        let (width, height) = self.size();
        self.picture.clear(width, height);
        self.write()
    }

    /// Shows `screen` from now on.
    fn draw(&mut self, screen: Screen) -> Result<(), ShowError> {
        self.screen = screen;
        let (width, height) = self.size();
        self.picture.draw(screen, &self.settings, width, height);
        self.write()
    }

    /// Writes the changes.
    fn write(&mut self) -> Result<(), ShowError> {
        let Layout { width, height, stride, pixels } = self.layout;
        let (across, down) = self.size();
        let rgb = self.picture.rgb();
        self.wanted.clear();
        for y in 0..height {
            for x in 0..width {
                let (column, row) = match self.rotate {
                    Rotation::None => (x, y),
                    Rotation::Cw90 => (y, down - 1 - x),
                    Rotation::Half => (across - 1 - x, down - 1 - y),
                    Rotation::Cw270 => (across - 1 - y, x),
                };
                let at = 3 * (row as usize * across as usize + column as usize);
                pixels.push([rgb[at], rgb[at + 1], rgb[at + 2]], &mut self.wanted);
            }
        }
        let long = width as usize * pixels.bytes();
        let rows = Rows { long, pixel: pixels.bytes(), joined: long == stride };
        for part in rows.changed(&self.written, &self.wanted) {
            let from = part.start / long * stride + part.start % long;
            self.file
                .write_all_at(&self.wanted[part], from as u64)
                .map_err(|source| ShowError::write(&self.path, source))?;
        }
        std::mem::swap(&mut self.written, &mut self.wanted);
        Ok(())
    }
}

impl Display for Framebuffer {
    fn show(
        &mut self,
        _: Option<ShownFrame<'_>>,
        report: &FrameReport,
        _: Instant,
    ) -> Result<(), ShowError> {
        match self.change.see(report) {
            News::None => Ok(()),
            News::Answer | News::Source => self.draw(report.shown),
        }
    }

    fn set_mode(&mut self, mode: Mode, _: Instant) -> Result<(), ShowError> {
        self.settings.mode = mode;
        self.draw(self.screen)
    }

    fn set_journal(&mut self, on: bool, _: Instant) -> Result<(), ShowError> {
        self.settings.journal = on;
        self.draw(self.screen)
    }

    fn finish(&mut self) -> Result<(), ShowError> {
        self.clear()
    }
}

impl Drop for Framebuffer {
    /// Black also where a run ended with an error.
    fn drop(&mut self) {
        let _ = self.clear();
    }
}

#[cfg(test)]
mod tests;
