//! A screen that may be connected later, and may be disconnected: it is reopened while everything else continues.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use emocue_config::{Mode, ScreenSettings};
use emocue_models::failure::line;

use super::Framebuffer;
use crate::answer::{FrameReport, Screen};
use crate::show::{Display, ShowError, ShowSettings, ShownFrame};

/// Interval at which a missing screen is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// A screen that is waited for.
pub struct PatientScreen {
    settings: ScreenSettings,
    shown: ShowSettings,
    class: PathBuf,
    open: Option<Framebuffer>,
    /// What it should show.
    screen: Screen,
    /// When it is tried again.
    next: Instant,
}

impl PatientScreen {
    /// Opens a screen that exists, or that has no node yet. The folder `class` has the kernel's descriptions.
    ///
    /// # Errors
    /// As for [`Framebuffer::on`], for a node that exists.
    pub fn open(
        settings: &ScreenSettings,
        shown: &ShowSettings,
        class: &Path,
        now: Instant,
    ) -> Result<Self, ShowError> {
        let open = match Framebuffer::on(settings, shown, class) {
            Ok(open) => Some(open),
            Err(error) if settings.framebuffer.exists() => return Err(error),
            Err(error) => {
                tell(&format!("{}\nit is waited for", line(&error)));
                None
            }
        };
        Ok(Self {
            settings: settings.clone(),
            shown: *shown,
            class: class.to_owned(),
            open,
            screen: Screen::Starting,
            next: now + AGAIN,
        })
    }

    /// Closes a screen that can no longer be written.
    fn keep(&mut self, done: Result<(), ShowError>, now: Instant) {
        if let Err(error) = done {
            tell(&format!("{}\nit is waited for", line(&error)));
            self.open = None;
            self.next = now + AGAIN;
        }
    }
}

impl Display for PatientScreen {
    fn show(
        &mut self,
        frame: Option<ShownFrame<'_>>,
        report: &FrameReport,
        now: Instant,
    ) -> Result<(), ShowError> {
        self.screen = report.shown;
        if let Some(open) = &mut self.open {
            let done = open.show(frame, report, now);
            self.keep(done, now);
        }
        Ok(())
    }

    fn set_mode(&mut self, mode: Mode, now: Instant) -> Result<(), ShowError> {
        self.shown.mode = mode;
        if let Some(open) = &mut self.open {
            let done = open.set_mode(mode, now);
            self.keep(done, now);
        }
        Ok(())
    }

    fn set_journal(&mut self, on: bool, now: Instant) -> Result<(), ShowError> {
        self.shown.journal = on;
        if let Some(open) = &mut self.open {
            let done = open.set_journal(on, now);
            self.keep(done, now);
        }
        Ok(())
    }

    fn tick(&mut self, now: Instant) -> Result<(), ShowError> {
        if self.open.is_some() || now < self.next {
            return Ok(());
        }
        self.next = now + AGAIN;
        let Ok(open) = Framebuffer::on(&self.settings, &self.shown, &self.class) else {
            return Ok(());
        };
        tell(&format!("the screen {} is there", self.settings.framebuffer.display()));
        let done = self.open.insert(open).draw(self.screen);
        self.keep(done, now);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ShowError> {
        // A disconnected screen is dark.
        let _ = self.open.as_mut().map(Framebuffer::finish);
        Ok(())
    }
}

fn tell(text: &str) {
    // Standard error may be closed.
    let _ = writeln!(io::stderr(), "emocue-badge: {text}");
}
