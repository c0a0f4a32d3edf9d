//! A running journal of the wearer: answers are counted, and every five minutes a sealed record is appended.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use emocue_config::JournalSettings;
use emocue_journal::{Counted, Journal, JournalError, JournalKey, Recorder};

use super::consent::Consent;
use crate::answer::{Answer, Kept, Screen};

/// A journal that runs by the wearer's consent.
#[derive(Debug)]
pub struct Diary {
    journal: Journal,
    recorder: Recorder,
    consent: Consent,
    remind_after: Option<Duration>,
    /// The time without a break at the last reminder.
    reminded: Duration,
}

impl Diary {
    /// Begins one in `folder`, sealed to `key`, for as long as `consent` holds. `None` where the consent is for something
    /// else.
    ///
    /// # Errors
    /// [`JournalError`] when its file cannot be created.
    pub fn begin(
        folder: &Path,
        key: &JournalKey,
        consent: Consent,
        settings: &JournalSettings,
    ) -> Result<Option<Self>, JournalError> {
        if consent.kept() != Kept::Journal {
            return Ok(None);
        }
        let journal = Journal::begin(folder, key)?;
        let remind_after = settings.remind_after();
        let recorder = Recorder::new();
        Ok(Some(Self { journal, recorder, consent, remind_after, reminded: Duration::ZERO }))
    }

    /// The consent that it runs by.
    pub fn consent(&self) -> &Consent {
        &self.consent
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        self.journal.path()
    }

    /// Processes what the screen shows. States of the badge and answers that have not settled are not counted.
    pub fn see(&mut self, screen: Screen, now: Instant) {
        let counted = match screen {
            Screen::Answer(Answer::Looks(expression)) => Some(Counted::Looks(expression)),
            Screen::Answer(Answer::Unsure) => Some(Counted::Unsure),
            _ => None,
        };
        self.recorder.see(counted, now);
    }

    /// Called about once a second, with whether the camera streams: appends the interval that has ended. Returns
    /// whether to remind the wearer of a break.
    ///
    /// # Errors
    /// [`JournalError`] when that cannot be written; earlier records stay.
    pub fn tick(
        &mut self,
        streams: bool,
        now: Instant,
        clock: SystemTime,
    ) -> Result<bool, JournalError> {
        self.recorder.streams(streams, now);
        if let Some(interval) = self.recorder.tick(now, clock) {
            self.journal.append(&interval)?;
        }
        let lasted = self.recorder.has_streamed_without_break(now);
        if lasted.is_zero() {
            self.reminded = Duration::ZERO;
        }
        let is_due = |after| lasted.saturating_sub(self.reminded) >= after;
        let reminds = self.remind_after.is_some_and(is_due);
        if reminds {
            self.reminded = lasted;
        }
        Ok(reminds)
    }

    /// Ends it: the last interval is appended, however short it was.
    ///
    /// # Errors
    /// [`JournalError`] when that cannot be written; earlier records stay.
    pub fn end(mut self, now: Instant, clock: SystemTime) -> Result<(), JournalError> {
        match self.recorder.end(now, clock) {
            Some(interval) => self.journal.append(&interval),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use emocue_journal::JournalSecretKey;
    use emocue_models::label::Expression;

    use super::*;
    use crate::cue::{Press, TimedPress};
    use crate::keep::{ConsentFlow, FlowAnswer};

    const MINUTE: Duration = Duration::from_secs(60);

    fn consent(kept: Kept, start: Instant) -> Consent {
        let flow = ConsentFlow::new(kept, 60 * MINUTE, start);
        let press = TimedPress { press: Press::Held, began: start + Duration::from_secs(2) };
        let FlowAnswer::Yes(consent) = flow.press(press, start) else { panic!() };
        consent
    }

    /// A journal in a folder, its start, and the key that opens it.
    fn diary(settings: &JournalSettings) -> (tempfile::TempDir, Diary, Instant, JournalSecretKey) {
        let (folder, start) = (tempfile::tempdir().unwrap(), Instant::now());
        let secret = JournalSecretKey::from_bytes(&[7; 32]);
        let consent = consent(Kept::Journal, start);
        let diary =
            Diary::begin(&folder.path().join("journal"), &secret.public(), consent, settings);
        (folder, diary.unwrap().unwrap(), start, secret)
    }

    fn happy() -> Screen {
        Screen::looks(Expression::Happiness)
    }

    #[test]
    fn answers_of_five_minutes_are_a_record_and_the_last_one_may_be_shorter() {
        let (_folder, mut diary, start, secret) = diary(&JournalSettings::default());
        let path = diary.path().to_owned();
        // 00:02 of an interval.
        let clock = UNIX_EPOCH + Duration::from_secs(300 * 1000 + 2);
        for second in 0..400 {
            let now = start + Duration::from_secs(second);
            assert!(!diary.tick(true, now, clock + Duration::from_secs(second)).unwrap());
            // Happy for ten seconds of every minute, else no face or a state of the badge.
            let screen = match second % 60 {
                0..10 => happy(),
                10..20 => Screen::Answer(Answer::NoFace),
                20..30 => Screen::Answer(Answer::Unsure),
                _ => Screen::Paused,
            };
            diary.see(screen, now);
        }
        let end = Duration::from_secs(400);
        diary.end(start + end, clock + end).unwrap();
        let opened = emocue_journal::read_file(&path, &secret).unwrap();
        let found: Vec<_> = opened
            .intervals
            .iter()
            .map(|interval| {
                let count = |counted| {
                    interval.counts.iter().find(|(which, _)| *which == counted).map(|(_, n)| n)
                };
                let happy = count(Counted::Looks(Expression::Happiness)).unwrap();
                (interval.slot, interval.streamed_s, happy, count(Counted::Unsure).unwrap())
            })
            .collect();
        assert_eq!(found, [(1000, 298, 5, 5), (1001, 102, 2, 2)]);
    }

    #[test]
    fn the_wearer_is_reminded_once_an_hour_without_a_break() {
        let (_folder, mut diary, start, _) = diary(&JournalSettings::default());
        let clock = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut reminded = Vec::new();
        for minute in 0..300 {
            let after = MINUTE * minute;
            // A break from 150 to 160 min.
            let streams = !(150..160).contains(&minute);
            if diary.tick(streams, start + after, clock + after).unwrap() {
                reminded.push(minute);
            }
        }
        assert_eq!(reminded, [60, 120, 220, 280]);
        let never = JournalSettings { remind_after_min: 0, ..JournalSettings::default() };
        let (_folder, mut diary, start, _) = self::diary(&never);
        assert!((0..500).all(|minute| {
            !diary.tick(true, start + MINUTE * minute, clock + MINUTE * minute).unwrap()
        }));
    }

    #[test]
    fn consent_to_pictures_begins_no_journal() {
        let folder = tempfile::tempdir().unwrap();
        let key = JournalSecretKey::from_bytes(&[7; 32]).public();
        let consent = consent(Kept::Pictures, Instant::now());
        let path = folder.path().join("journal");
        let begun = Diary::begin(&path, &key, consent, &JournalSettings::default());
        assert!(begun.unwrap().is_none());
        assert!(!path.exists());
    }
}
