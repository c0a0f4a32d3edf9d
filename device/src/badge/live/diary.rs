//! The wearer's journal in the event loop: begun and ended by the wearer, shown while it runs, ended after its time.

use std::time::{Instant, SystemTime};

use super::events::{LiveRun, Stop};
use super::notice::Notice;
use crate::answer::Screen;
use crate::keep::{Consent, Diary};

impl LiveRun<'_> {
    /// Begins a journal with the wearer's consent.
    pub(super) fn begin_journal(&mut self, consent: Consent, now: Instant) -> Result<(), Stop> {
        let wearer = &self.options.wearer;
        let (Some(state), Some(key)) = (&wearer.state, &wearer.journal.key) else {
            return self.refuse(now);
        };
        let folder = state.join(emocue_journal::FOLDER);
        match Diary::begin(&folder, key, consent, &wearer.journal) {
            Ok(Some(diary)) => {
                (self.tell)(Notice::JournalBegins(diary.path().to_owned()));
                self.state.keeping.diary = Some(diary);
                self.mark_journal(true, now)?;
                self.resume(Notice::Resumed, now)
            }
            Ok(None) => self.show(Screen::Paused, now),
            Err(error) => {
                (self.tell)(Notice::JournalLost(error));
                self.show(Screen::Paused, now)
            }
        }
    }

    /// Called about once a second; returns whether to remind the wearer of a break.
    pub(super) fn journal_time(&mut self, now: Instant) -> Result<bool, Stop> {
        let streams = self.streams(now);
        let Some(diary) = &mut self.state.keeping.diary else { return Ok(false) };
        if !diary.consent().holds(now) {
            self.end_journal(now)?;
            return Ok(false);
        }
        match diary.tick(streams, now, SystemTime::now()) {
            Ok(reminds) => Ok(reminds),
            Err(error) => {
                (self.tell)(Notice::JournalLost(error));
                self.end_journal(now)?;
                Ok(false)
            }
        }
    }

    /// Ends the journal, if one is running.
    pub(super) fn end_journal(&mut self, now: Instant) -> Result<(), Stop> {
        let Some(diary) = self.state.keeping.diary.take() else { return Ok(()) };
        match diary.end(now, SystemTime::now()) {
            Ok(()) => (self.tell)(Notice::JournalEnded),
            Err(error) => (self.tell)(Notice::JournalLost(error)),
        }
        self.mark_journal(false, now)
    }

    fn mark_journal(&mut self, on: bool, now: Instant) -> Result<(), Stop> {
        for display in &mut self.parts.displays {
            display.set_journal(on, now)?;
        }
        Ok(())
    }
}
