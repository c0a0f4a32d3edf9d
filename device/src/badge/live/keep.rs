//! What is stored by the wearer's consent, in the event loop: asked, begun, shown while it lasts, ended.

use std::time::{Duration, Instant};

use emocue_models::geometry::Rect;
use emocue_models::label::Expression;
use emocue_models::luma::Luma;

use super::events::{LiveRun, Stop};
use super::notice::Notice;
use crate::answer::{Answer, FrameReport, Kept, Screen};
use crate::cue::TimedPress;
use crate::keep::{Consent, ConsentFlow, Diary, FlowAnswer, PictureStore};

/// How long the refusal is shown.
const REFUSED: Duration = Duration::from_secs(4);

/// Consent questions and what is stored.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    /// The question that waits for the wearer.
    flow: Option<ConsentFlow>,
    pictures: Option<PictureStore>,
    pub(super) diary: Option<Diary>,
    /// Until when the refusal is shown.
    refused: Option<Instant>,
}

impl Keeping {
    /// Counts what is shown in the journal that runs.
    pub(super) fn see(&mut self, shown: Screen, now: Instant) {
        if let Some(diary) = &mut self.diary {
            diary.see(shown, now);
        }
    }

    /// Whether pictures are being stored.
    pub(super) fn keeps_pictures(&self) -> bool {
        self.pictures.is_some()
    }

    /// Stops showing the refusal.
    pub(super) fn dismiss(&mut self) {
        self.refused = None;
    }

    /// What the screen shows in place of `answer` while pictures are being stored.
    pub(super) fn cover(&self, answer: Answer, now: Instant) -> Option<Screen> {
        let pictures = self.pictures.as_ref()?;
        let seconds_left = pictures.consent().seconds_left(now);
        Some(Screen::KeepsPictures { answer, seconds_left })
    }
}

impl LiveRun<'_> {
    /// The wearer chose in the menu to store something, or to end that.
    pub(super) fn choose_kept(&mut self, kept: Kept, now: Instant) -> Result<(), Stop> {
        let wearer = &self.options.wearer;
        if !wearer.may_keep() {
            (self.tell)(Notice::NotKept(kept, wearer.use_place));
            return self.refuse(now);
        }
        let length = match kept {
            Kept::Pictures => wearer.pictures.length(),
            // Chosen again, it ends.
            Kept::Journal if self.state.keeping.diary.is_some() => {
                self.end_journal(now)?;
                return self.show(Screen::Paused, now);
            }
            Kept::Journal => wearer.journal.length(),
        };
        let flow = ConsentFlow::new(kept, length, now);
        let screen = flow.screen();
        self.state.keeping.flow = Some(flow);
        self.show(screen, now)
    }

    /// Shows for a few seconds that something is not allowed.
    pub(super) fn refuse(&mut self, now: Instant) -> Result<(), Stop> {
        self.state.keeping.refused = Some(now + REFUSED);
        self.show(Screen::NotHere, now)
    }

    /// A press while the wearer is asked; returns whether it belonged to the question.
    pub(super) fn consent_press(&mut self, press: TimedPress, now: Instant) -> Result<bool, Stop> {
        let Some(flow) = &self.state.keeping.flow else { return Ok(false) };
        match flow.press(press, now) {
            FlowAnswer::Waits => {}
            FlowAnswer::No => {
                self.state.keeping.flow = None;
                self.show(Screen::Paused, now)?;
            }
            FlowAnswer::Yes(consent) => {
                self.state.keeping.flow = None;
                self.begin_keeping(consent, now)?;
            }
        }
        Ok(true)
    }

    fn begin_keeping(&mut self, consent: Consent, now: Instant) -> Result<(), Stop> {
        let Some(state) = &self.options.wearer.state else { return self.refuse(now) };
        match consent.kept() {
            Kept::Pictures => match PictureStore::new(&state.join("pictures"), consent) {
                Ok(store) => {
                    self.state.keeping.pictures = Some(store);
                    (self.tell)(Notice::KeepsPictures);
                    self.resume(Notice::Resumed, now)
                }
                Err(error) => {
                    (self.tell)(Notice::PictureLost(error));
                    self.show(Screen::Paused, now)
                }
            },
            Kept::Journal => self.begin_journal(consent, now),
        }
    }

    /// Stores the shown face, if pictures are being stored and it has an expression.
    pub(super) fn keep_face(&mut self, frame: &Luma, shown: Option<(Rect, Expression)>) {
        let Some(store) = &mut self.state.keeping.pictures else { return };
        let Some((rect, expression)) = shown else { return };
        if let Err(error) = store.keep(frame, rect, expression, Instant::now) {
            (self.tell)(Notice::PictureLost(error));
            // On a full card the next one would fail, too.
            self.end_pictures();
        }
    }

    /// Ends the storing of pictures, whether its time is over or not.
    pub(super) fn end_pictures(&mut self) {
        if let Some(store) = self.state.keeping.pictures.take() {
            (self.tell)(Notice::PicturesEnded(store.written()));
        }
    }

    /// Called about once a second.
    pub(super) fn keep_time(&mut self, now: Instant) -> Result<(), Stop> {
        if let Some(flow) = &mut self.state.keeping.flow {
            match flow.tick(now) {
                Some(false) => {}
                Some(true) => {
                    let screen = flow.screen();
                    self.show(screen, now)?;
                }
                None => {
                    self.state.keeping.flow = None;
                    self.show(Screen::Paused, now)?;
                }
            }
        }
        if self.state.keeping.refused.is_some_and(|until| now >= until) {
            self.state.keeping.refused = None;
            if self.options.game.is_some() {
                return Err(Stop::End);
            }
            self.show(Screen::Paused, now)?;
        }
        if self.state.menu.tick(now) {
            self.show(Screen::Paused, now)?;
        }
        let pictures = self.state.keeping.pictures.as_ref();
        if pictures.is_some_and(|store| !store.consent().holds(now)) {
            self.end_pictures();
        }
        Ok(())
    }
}

/// The shown face and its expression, if it has one.
pub(super) fn shown_expression(report: &FrameReport) -> Option<(Rect, Expression)> {
    match (report.shown, report.shown_face()) {
        (Screen::Answer(Answer::Looks(expression)), Some(face)) => {
            Some((face.face.rect, expression))
        }
        _ => None,
    }
}
