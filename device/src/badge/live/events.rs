//! The event loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use emocue_config::Mode;

use super::keep::{Keeping, shown_expression};
use super::menu::Menu;
use super::meter::{Ages, Meter};
use super::notice::Notice;
use super::play::Play;
use super::{LiveOptions, LiveParts, WAKE};
use crate::answer::{FrameReport, MenuEntry, Screen};
use crate::badge::capture::Lamp;
use crate::badge::mailbox::{Captured, Event, Mailbox, Wanted};
use crate::badge::pace::Pace;
use crate::badge::screen::ScreenState;
use crate::badge::session::{Session, SessionEvent};
use crate::badge::update::{PressEffect, UpdateEvent};
use crate::badge::watchdog::STUCK;
use crate::badge::{BadgeError, Tally};
use crate::cue::{Press, TimedPress, Vibration, Voice};
use crate::show::{Display, ShownFrame};

/// Interval at which displays are updated for the passing of time, and the battery is checked.
const TICK: Duration = Duration::from_secs(1);

/// Interval at which the temperature is read.
const TEMPERATURE_INTERVAL: Duration = Duration::from_secs(5);

/// The loop of one [`super::Live::run`].
pub(super) struct LiveRun<'a> {
    pub(super) parts: LiveParts,
    pub(super) options: LiveOptions,
    pub(super) state: LiveState,
    pub(super) mailbox: &'a Mailbox,
    pub(super) lamp: &'a Lamp,
    pub(super) tell: &'a mut dyn FnMut(Notice),
}

/// State that is kept from one event to the next.
pub(super) struct LiveState {
    /// What panels show of an answer.
    pub(super) mode: Mode,
    pub(super) screen: ScreenState,
    pub(super) session: Session,
    vibration: Vibration,
    pub(super) tally: Tally,
    pub(super) ages: Ages,
    pub(super) pace: Pace,
    /// Whether the camera has streamed, so that it may return.
    pub(super) streamed: bool,
    pub(super) meter: Meter,
    pub(super) menu: Menu,
    pub(super) play: Option<Play>,
    pub(super) keeping: Keeping,
}

impl LiveState {
    pub(super) fn new(parts: &LiveParts, options: &LiveOptions) -> Self {
        Self {
            mode: options.mode,
            screen: ScreenState::new(parts.vision.labels(), options.paused),
            session: Session::new(options.session.length(), options.session_state),
            vibration: Vibration::new(options.vibration.clone()),
            tally: Tally::default(),
            ages: Ages::default(),
            pace: Pace::new(options.pace),
            streamed: false,
            meter: Meter::default(),
            menu: Menu::new(options.wearer.offers()),
            play: None,
            keeping: Keeping::default(),
        }
    }
}

/// Why the loop ends; only the last is a failure.
pub(super) enum Stop {
    End,
    /// To start again.
    Again,
    Failed(BadgeError),
}

impl<E: Into<BadgeError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl LiveRun<'_> {
    /// Runs the loop; returns whether to start again.
    pub(super) fn until(&mut self, stop: &AtomicBool) -> Result<bool, BadgeError> {
        let done = self.events(stop);
        // So that no count is lost, even after a display has failed.
        let _ = self.end_journal(Instant::now());
        match done {
            Err(Stop::Failed(BadgeError::Show(error))) if error.is_closed() => Ok(false),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Again) => Ok(true),
            Err(Stop::End) | Ok(()) => Ok(false),
        }
    }

    fn events(&mut self, stop: &AtomicBool) -> Result<(), Stop> {
        let mut captured = Captured::default();
        let limit = self.options.limit.unwrap_or(u64::MAX);
        let start = Instant::now();
        let (mut ready, mut tick, mut temperature) = (start, start, start);
        self.show(Screen::Starting, start)?;
        if let Some(game) = self.options.game {
            self.start_game(game, start)?;
        }
        while !stop.load(Ordering::Relaxed) && self.state.tally.shown < limit {
            let mut deadline = (Instant::now() + WAKE).min(tick);
            for sooner in [self.stale_at(), self.game_deadline()].into_iter().flatten() {
                deadline = deadline.min(sooner);
            }
            let event = self.mailbox.wait(&mut captured, ready, deadline);
            let begin = Instant::now();
            match event {
                Event::Frame => {
                    self.look(&captured)?;
                    ready = begin + self.state.pace.interval(begin.elapsed());
                }
                Event::Nothing => {}
                event => self.obey(event, begin)?,
            }
            let now = Instant::now();
            if self.stale_at().is_some_and(|stale| now >= stale) {
                self.withdraw(now)?;
            }
            if self.game_deadline().is_some_and(|deadline| now >= deadline) {
                self.game_time(now)?;
            }
            if now >= tick {
                tick = now + TICK;
                self.tick(now)?;
            }
            if now >= temperature {
                temperature = now + TEMPERATURE_INTERVAL;
                self.read_temperature();
            }
            let well = self.is_well(now);
            self.parts.watchdog.feed(now, well);
        }
        Ok(())
    }

    /// Whether the capture thread is working.
    fn is_well(&self, now: Instant) -> bool {
        self.mailbox.capture_age(now) < STUCK
    }

    /// Whether the camera streams.
    pub(super) fn streams(&self, now: Instant) -> bool {
        let LiveState { screen, streamed, .. } = &self.state;
        *streamed && !screen.paused && !screen.missing && self.is_well(now)
    }

    /// When the last answer becomes too old to be shown.
    fn stale_at(&self) -> Option<Instant> {
        self.parts.vision.stale_at(self.state.pace.interval(Duration::ZERO))
    }

    /// Withdraws the last answer, which is too old to be shown.
    fn withdraw(&mut self, now: Instant) -> Result<(), Stop> {
        self.parts.vision.forget();
        match self.plays() {
            Some(_) => self.play(Screen::Starting, now),
            None => self.show(Screen::Starting, now),
        }
    }

    fn look(&mut self, captured: &Captured) -> Result<(), Stop> {
        let Captured { frame, info, colors } = captured;
        // The wearer may have paused while this frame was captured.
        if self.state.screen.paused {
            return Ok(());
        }
        let now = Instant::now();
        let report = self.parts.vision.look(frame, info)?;
        let (shown, expression) = (report.shown, shown_expression(report));
        if self.state.play.is_some() {
            self.play(shown, now)?;
        } else if let (true, Screen::Answer(answer)) = (self.state.keeping.keeps_pictures(), shown)
        {
            self.keep_face(frame, expression);
            let shown = self.state.keeping.cover(answer, now).unwrap_or(shown);
            self.show(shown, now)?;
        } else {
            self.state.screen.see(report);
            self.state.keeping.see(shown, now);
            // An answer that is covered is not signalled by motor or voice either.
            if self.state.screen.cover().is_none() {
                let shown = ShownFrame { luma: frame, colors: colors.as_ref(), rate: None };
                show(&mut self.parts.displays, Some(shown), report, now)?;
                self.parts.cues.vibrate_and_speak(&mut self.state.vibration, report, now);
            }
        }
        if let Some(captured) = info.captured {
            self.state.ages.add(captured.elapsed());
        }
        self.state.tally.shown += 1;
        Ok(())
    }

    fn obey(&mut self, event: Event, now: Instant) -> Result<(), Stop> {
        match event {
            Event::Press(press) => self.press(press, now)?,
            // Reported once the camera is closed; a game without the camera continues.
            Event::Closed if self.state.screen.paused && self.plays().is_none() => {
                self.parts.vision.forget();
                let (notice, screen) = match self.state.session.has_ended() {
                    true => (Notice::SessionEnded, Screen::SessionEnded),
                    false => (Notice::Paused, Screen::Paused),
                };
                (self.tell)(notice);
                self.state.menu.close();
                self.show(screen, now)?;
            }
            Event::Closed => {
                self.parts.vision.forget();
            }
            Event::Streams => {
                self.state.streamed = true;
                self.state.screen.missing = false;
                self.parts.watchdog.ready();
                (self.tell)(Notice::Streams);
            }
            Event::Missing(error) => {
                self.parts.vision.forget();
                let may_come = self.state.streamed || self.options.wait_for_camera;
                if !error.may_heal() || !may_come {
                    return Err(Stop::Failed(error.into()));
                }
                if !self.state.screen.missing {
                    self.state.screen.missing = true;
                    self.state.tally.unreadable += 1;
                    // A badge that waits for its camera is ready.
                    self.parts.watchdog.ready();
                    (self.tell)(Notice::Missing(error));
                    self.play_without_camera(now);
                    self.show(Screen::CameraMissing, now)?;
                }
            }
            Event::Pin(error) => (self.tell)(Notice::Pin(error)),
            Event::Ended => return Err(Stop::End),
            Event::Frame | Event::Nothing => {}
        }
        Ok(())
    }

    fn press(&mut self, press: TimedPress, now: Instant) -> Result<(), Stop> {
        let monitor = self.parts.monitor.as_mut();
        match monitor.map_or(PressEffect::Usual, |monitor| monitor.press(press)) {
            PressEffect::Usual => {}
            PressEffect::Waits => return Ok(()),
            PressEffect::Answered => return self.ask(None, now),
        }
        if self.consent_press(press, now)? {
            return Ok(());
        }
        if press.press != Press::Held {
            self.state.keeping.dismiss();
        }
        match press.press {
            Press::Short if self.state.play.is_some() => self.game_press(now)?,
            Press::Long if self.state.play.is_some() => self.end_game(now)?,
            Press::Short | Press::Long if self.state.session.has_ended() => {
                self.state.session.restart();
                self.resume(Notice::SessionBegins, now)?;
            }
            Press::Short if self.state.keeping.keeps_pictures() => self.end_pictures(),
            Press::Short if self.state.screen.paused => {
                let screen = self.state.menu.next(now);
                self.show(screen.unwrap_or(Screen::Paused), now)?;
            }
            Press::Short => {
                self.state.mode = self.state.mode.next();
                for display in &mut self.parts.displays {
                    display.set_mode(self.state.mode, now)?;
                }
            }
            Press::Long if self.state.screen.paused => match self.state.menu.choose() {
                Some(MenuEntry::Practice(game)) => self.start_game(game, now)?,
                Some(MenuEntry::Keep(kept)) => self.choose_kept(kept, now)?,
                None => self.resume(Notice::Resumed, now)?,
            },
            Press::Long => self.pause(),
            // The rest of a long press.
            Press::Held => {}
        }
        Ok(())
    }

    pub(super) fn pause(&mut self) {
        self.end_pictures();
        self.state.screen.paused = true;
        if let Some(voice) = &self.parts.cues.voice {
            voice.silence();
        }
        // The last answer stays until the camera is closed, or until it is too old, where closing takes longer.
        self.mailbox.want(Wanted::Closed);
    }

    pub(super) fn resume(&mut self, notice: Notice, now: Instant) -> Result<(), Stop> {
        (self.tell)(notice);
        self.open_camera();
        self.show(Screen::Starting, now)
    }

    /// Shows a state of the badge itself.
    pub(super) fn show(&mut self, screen: Screen, now: Instant) -> Result<(), Stop> {
        self.state.keeping.see(screen, now);
        show(&mut self.parts.displays, None, self.state.screen.show(screen), now)
    }

    /// Shows a question, or no longer one.
    fn ask(&mut self, question: Option<Screen>, now: Instant) -> Result<(), Stop> {
        show(&mut self.parts.displays, None, self.state.screen.ask(question), now)
    }

    fn tick(&mut self, now: Instant) -> Result<(), Stop> {
        let low = match self.parts.cues.battery_low.as_mut().map(|input| input.is_on()) {
            Some(Ok(low)) => low,
            Some(Err(error)) => {
                // Checking again every second would only fill the log.
                self.parts.cues.battery_low = None;
                (self.tell)(Notice::Pin(error));
                false
            }
            None => false,
        };
        let event = self.state.session.tick(now, self.streams(now));
        match event {
            None => {}
            Some(SessionEvent::LastMinute) => (self.tell)(Notice::LastMinute),
            Some(SessionEvent::Ended) => {
                self.end_game(now)?;
                self.pause();
            }
        }
        let announced = match event {
            Some(SessionEvent::LastMinute) => Some(Screen::LastMinute),
            _ if self.journal_time(now)? => Some(Screen::Break),
            _ => None,
        };
        if self.state.screen.tick(low, announced, now) {
            show(&mut self.parts.displays, None, self.state.screen.shown(), now)?;
        }
        if let Some(error) = self.lamp.failure() {
            (self.tell)(Notice::Pin(error));
        }
        if let Some(error) = self.parts.cues.voice.as_ref().and_then(Voice::failure) {
            (self.tell)(Notice::Voice(error));
        }
        for display in &mut self.parts.displays {
            display.tick(now)?;
        }
        self.measure(now, low);
        self.keep_time(now)?;
        self.watch_updates(now)
    }

    fn watch_updates(&mut self, now: Instant) -> Result<(), Stop> {
        let looks = self.streams(now).then_some(self.state.tally.shown);
        let Some(monitor) = &mut self.parts.monitor else { return Ok(()) };
        match monitor.tick(now, looks) {
            None => {}
            Some(UpdateEvent::Confirmed(slot)) => (self.tell)(Notice::Confirmed(slot)),
            Some(UpdateEvent::NotConfirmed(error)) => (self.tell)(Notice::NotConfirmed(error)),
            Some(UpdateEvent::Question(shown)) => {
                if !shown.counts {
                    (self.tell)(Notice::Asks(shown.question));
                }
                self.ask(Some(shown.screen()), now)?;
            }
            Some(UpdateEvent::QuestionEnded) => self.ask(None, now)?,
            Some(UpdateEvent::Restart) => {
                (self.tell)(Notice::Restarts);
                return Err(Stop::Again);
            }
        }
        Ok(())
    }
}

/// Shows a report on every display.
fn show(
    displays: &mut [Box<dyn Display>],
    frame: Option<ShownFrame<'_>>,
    report: &FrameReport,
    now: Instant,
) -> Result<(), Stop> {
    Ok(displays.iter_mut().try_for_each(|display| display.show(frame, report, now))?)
}
