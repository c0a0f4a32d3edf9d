//! The display: what is sent to the panel, and when.

use std::fmt;
use std::time::{Duration, Instant};

use embedded_hal::i2c::I2c;
use emocue_config::{Mode, PanelSettings};

use super::care::{self, Light};
use super::chip::{Chip, Refused};
use super::frame::Frame;
use crate::answer::{FrameReport, Screen};
use crate::show::{self, Display, ShowError, ShownFrame, panel};

/// Interval of full updates, about 1 KB each. A panel that lost its power for a moment still acknowledges writes, but
/// stays dark until it is initialised again.
const RENEW_AFTER: Duration = Duration::from_secs(60);

/// The first pause after a panel did not answer; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A message about the panel; reported once for each change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The panel does not answer; it is tried again with pauses of up to 5 s.
    Lost {
        /// Its 7-bit address.
        address: u8,
        /// The system's message.
        reason: String,
    },
    /// The panel answers again and shows what it should.
    Back {
        /// Its 7-bit address.
        address: u8,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { address, reason } => write!(
                f,
                "the panel at {address:#04x} does not answer: {reason}; check its four wires and its address \
                 (i2cdetect -y N lists who answers); it is tried again"
            ),
            Self::Back { address } => write!(f, "the panel at {address:#04x} answers again"),
        }
    }
}

/// What the panel shows now, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// Unknown: everything has to be sent, from `at` on; `pause` is the last pause after a failure.
    Unknown { at: Instant, pause: Duration },
    /// It shows [`Oled::held`] with this light; the last full update was at `since`.
    Known { light: Light, since: Instant },
}

/// The content of a picture: the screen, the mode, and the journal mark.
type Drawn = (Screen, Mode, bool);

/// A panel on an I2C bus. Only changes are written.
pub struct Oled<I>
where
    I: I2c<Error: fmt::Display + Send> + Send,
{
    chip: Chip<I>,
    settings: PanelSettings,
    tell: Box<dyn FnMut(Notice) + Send>,
    shown: show::ShowSettings,
    screen: Option<Screen>,
    started: Instant,
    /// When the screen or the mode changed.
    news: Instant,
    /// What it should show, and the content of that.
    frame: Frame,
    drawn: Option<Drawn>,
    /// What it shows.
    held: Frame,
    link: Link,
    lost: bool,
    finished: bool,
}

impl<I> Oled<I>
where
    I: I2c<Error: fmt::Display + Send> + Send,
{
    /// A panel on `i2c` from `now` on; nothing is sent before there is something to show. `tell` is called when the
    /// panel stops answering and when it answers again. The size is that of `settings`.
    pub fn new(
        i2c: I,
        settings: PanelSettings,
        shown: show::ShowSettings,
        now: Instant,
        tell: impl FnMut(Notice) + Send + 'static,
    ) -> Self {
        Self {
            chip: Chip::new(i2c, &settings),
            tell: Box::new(tell),
            shown: show::ShowSettings { panel: settings.size, ..shown },
            screen: None,
            started: now,
            news: now,
            frame: Frame::new(settings.size),
            drawn: None,
            held: Frame::new(settings.size),
            link: Link::Unknown { at: now, pause: Duration::ZERO },
            settings,
            lost: false,
            finished: false,
        }
    }

    /// Checks whether the panel answers; its content is not changed.
    ///
    /// # Errors
    /// The system's message.
    pub fn probe(&mut self) -> Result<(), String> {
        self.chip.probe().map_err(|Refused| self.chip.reason())
    }

    /// Switches the panel off, also one that another program left on.
    ///
    /// # Errors
    /// The system's message when it does not answer.
    pub fn darken(&mut self) -> Result<(), String> {
        self.chip.set_on(false).map_err(|Refused| self.chip.reason())
    }

    /// Updates the panel to what it should show now.
    fn refresh(&mut self, now: Instant) {
        let Some(screen) = self.screen else { return };
        if matches!(self.link, Link::Unknown { at, .. } if now < at) {
            return;
        }
        self.draw(screen, now);
        let idle = now.saturating_duration_since(self.news);
        let light = care::light(&self.settings, screen, idle);
        // A single failed write is repeated without a message or a pause.
        let sent = self.send(light, now).or_else(|Refused| {
            self.link = Link::Unknown { at: now, pause: self.pause() };
            self.send(light, now)
        });
        match sent {
            Ok(()) => self.came_back(),
            Err(Refused) => {
                let pause = (self.pause() * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                self.link = Link::Unknown { at: now + pause, pause };
                self.went_away();
            }
        }
    }

    /// Draws the screen, unless that is done already.
    fn draw(&mut self, screen: Screen, now: Instant) {
        let running = now.saturating_duration_since(self.started);
        let shift = care::shift(&self.settings, running);
        let drawn = (screen, self.shown.mode, self.shown.journal);
        if self.drawn == Some(drawn) && self.frame.shift == shift {
            return;
        }
        self.frame.shift = shift;
        match panel::draw(screen, &self.shown, &mut self.frame) {
            Ok(()) => self.drawn = Some(drawn),
            Err(never) => match never {},
        }
    }

    /// Sends the changes, or everything if the panel's content is unknown.
    fn send(&mut self, light: Light, now: Instant) -> Result<(), Refused> {
        let shown = match self.link {
            Link::Known { light: shown, since }
                if light == Light::Off || now.saturating_duration_since(since) < RENEW_AFTER =>
            {
                self.send_changes()?;
                Some((shown, since))
            }
            link => {
                if matches!(link, Link::Unknown { .. }) {
                    // Its content is noise or another program's picture, which must not be visible.
                    self.chip.set_on(false)?;
                }
                self.chip.set_up()?;
                self.send_all()?;
                None
            }
        };
        if shown.map(|(light, _)| light) != Some(light) {
            self.chip.set_contrast(care::contrast(&self.settings, light))?;
            self.chip.set_on(light != Light::Off)?;
        }
        self.link = Link::Known { light, since: shown.map_or(now, |(_, since)| since) };
        Ok(())
    }

    fn send_all(&mut self) -> Result<(), Refused> {
        let whole = 0..super::frame::WIDTH;
        for page in 0..self.frame.pages() {
            self.chip.write(&self.frame, page, whole.clone())?;
        }
        self.held.clone_from(&self.frame);
        Ok(())
    }

    fn send_changes(&mut self) -> Result<(), Refused> {
        for page in 0..self.frame.pages() {
            let mut from = 0;
            while let Some(columns) = self.frame.dirty(&self.held, page, from) {
                from = columns.end;
                self.chip.write(&self.frame, page, columns.clone())?;
                self.held.copy(page, columns, &self.frame);
            }
        }
        Ok(())
    }

    fn pause(&self) -> Duration {
        match self.link {
            Link::Unknown { pause, .. } => pause,
            Link::Known { .. } => Duration::ZERO,
        }
    }

    fn went_away(&mut self) {
        if !self.lost {
            self.lost = true;
            let (address, reason) = (self.settings.address, self.chip.reason());
            (self.tell)(Notice::Lost { address, reason });
        }
    }

    fn came_back(&mut self) {
        if self.lost {
            self.lost = false;
            (self.tell)(Notice::Back { address: self.settings.address });
        }
    }

    /// Switches the panel off, clears its memory, and sends nothing from then on.
    fn put_out(&mut self) {
        // A panel that this program did not use is not changed.
        if self.finished || self.screen.is_none() {
            return;
        }
        self.finished = true;
        self.frame = Frame::new(self.settings.size);
        let mut off = || {
            self.chip.set_on(false)?;
            self.send_all()
        };
        // The last chance, so a single failed write must not leave it lit.
        if off().is_err() && off().is_err() && off().is_err() {
            self.went_away();
        }
    }
}

impl<I> Display for Oled<I>
where
    I: I2c<Error: fmt::Display + Send> + Send,
{
    fn show(
        &mut self,
        _: Option<ShownFrame<'_>>,
        report: &FrameReport,
        now: Instant,
    ) -> Result<(), ShowError> {
        if self.finished {
            return Ok(());
        }
        if self.screen != Some(report.shown) {
            self.screen = Some(report.shown);
            self.news = now;
        }
        self.refresh(now);
        Ok(())
    }

    fn set_mode(&mut self, mode: Mode, now: Instant) -> Result<(), ShowError> {
        if self.shown.mode != mode && !self.finished {
            self.shown.mode = mode;
            self.news = now;
            self.refresh(now);
        }
        Ok(())
    }

    fn set_journal(&mut self, on: bool, now: Instant) -> Result<(), ShowError> {
        self.shown.journal = on;
        self.tick(now)
    }

    fn tick(&mut self, now: Instant) -> Result<(), ShowError> {
        if !self.finished {
            self.refresh(now);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ShowError> {
        self.put_out();
        Ok(())
    }
}

impl<I> Drop for Oled<I>
where
    I: I2c<Error: fmt::Display + Send> + Send,
{
    fn drop(&mut self) {
        self.put_out();
    }
}
