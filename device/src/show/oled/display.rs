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

/// A panel that keeps its connection but lost its power in between takes writes as if nothing had happened, and
/// stays dark; so all of it is sent anew after so long, about 1 KB.
const RENEW_AFTER: Duration = Duration::from_secs(60);

/// How long a panel that does not answer is left alone at first; the pause doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// How long it is left alone at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What a panel's owner should know; told once each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The panel does not answer; it is asked again with pauses of up to 5 s.
    Lost {
        /// Its 7-bit address.
        address: u8,
        /// The system's own words.
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
    /// Nothing is known: all is to be sent, from `at` on; after a failure `pause` was waited for.
    Unknown { at: Instant, pause: Duration },
    /// It holds [`Oled::held`] under this light; all was sent last at `since`.
    Known { light: Light, since: Instant },
}

/// Of what something is a picture: the screen, the mode, and whether a journal is kept.
type Drawn = (Screen, Mode, bool);

/// A panel on an I2C bus. A write goes out only for what changed.
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
    /// When the screen or the mode was new.
    news: Instant,
    /// What it should show, and of what that is a picture.
    frame: Frame,
    drawn: Option<Drawn>,
    /// What it does show.
    held: Frame,
    link: Link,
    lost: bool,
    finished: bool,
}

impl<I> Oled<I>
where
    I: I2c<Error: fmt::Display + Send> + Send,
{
    /// A panel behind `i2c` from `now` on; nothing is sent before there is something to show. `tell` is called when
    /// it stops answering and when it answers again. The size is that of `settings`.
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

    /// Asks whether the panel answers; what it shows stays as it is.
    ///
    /// # Errors
    /// Why not, in the system's own words.
    pub fn probe(&mut self) -> Result<(), String> {
        self.chip.probe().map_err(|Refused| self.chip.reason())
    }

    /// Switches the panel off, also after another program.
    ///
    /// # Errors
    /// The system's own words when it does not answer.
    pub fn darken(&mut self) -> Result<(), String> {
        self.chip.set_on(false).map_err(|Refused| self.chip.reason())
    }

    /// Brings the panel to what it should show now.
    fn refresh(&mut self, now: Instant) {
        let Some(screen) = self.screen else { return };
        if matches!(self.link, Link::Unknown { at, .. } if now < at) {
            return;
        }
        self.draw(screen, now);
        let idle = now.saturating_duration_since(self.news);
        let light = care::light(&self.settings, screen, idle);
        // One write that went astray is not worth a message, nor a pause.
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

    /// Sends what the panel does not show yet.
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
                    // What it holds is noise or another program's picture: not to be seen.
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

    /// Darkens the panel, empties its memory, and sends nothing any more.
    fn put_out(&mut self) {
        // One that showed nothing of ours is none of our business.
        if self.finished || self.screen.is_none() {
            return;
        }
        self.finished = true;
        self.frame = Frame::new(self.settings.size);
        let mut off = || {
            self.chip.set_on(false)?;
            self.send_all()
        };
        // The last chance, so one write that goes astray must not leave it lit.
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
