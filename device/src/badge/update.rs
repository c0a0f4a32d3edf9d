//! Watches updates: keeps a new bundle that runs well, notices another one, and puts questions to the wearer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cue::Press;
use crate::link::{Hub, settings};
use crate::slots::consent::{ConsentChannel, Presence, Question, SHOWN, Verdict};
use crate::slots::{Slot, SlotError, Store};

/// What the monitor found.
#[derive(Debug)]
pub(super) enum UpdateEvent {
    /// The bundle on trial is kept.
    Confirmed(Slot),
    /// That could not be written.
    NotConfirmed(SlotError),
    /// Another bundle or configuration is to be used.
    Restart,
    /// A question waits for the wearer.
    Question(String),
    /// The question has ended.
    QuestionEnded,
}

/// Checks about once a second.
pub struct UpdateMonitor {
    store: Store,
    consent: ConsentChannel,
    hub: Arc<Hub>,
    mark: Vec<u8>,
    on_trial: bool,
    /// The configuration, while it is new and has to prove itself.
    unproven: Option<PathBuf>,
    healthy: Duration,
    /// Since when all is well without a break, and the looks before.
    well: Option<(Instant, u64)>,
    question: Option<(Question, Instant)>,
    has_button: bool,
    _presence: Option<Arc<Presence>>,
}

/// What an [`UpdateMonitor`] watches.
pub struct MonitorSetup<'a> {
    /// The folder that the badge may write to.
    pub state: &'a Path,
    /// The configuration that it runs with.
    pub config: &'a Path,
    /// The pointer as the start left it ([`Store::mark`]).
    pub mark: Vec<u8>,
    /// Whether the bundle that runs is on trial.
    pub on_trial: bool,
    /// It is kept after so long without a fault.
    pub healthy: Duration,
    /// Whether there is a button to press.
    pub has_button: bool,
    /// Announces that this badge answers questions.
    pub presence: Option<Arc<Presence>>,
}

impl UpdateMonitor {
    /// A monitor for one start.
    pub fn new(watched: MonitorSetup, hub: Arc<Hub>) -> Self {
        let MonitorSetup { state, config, mark, on_trial, healthy, has_button, presence } = watched;
        let unproven = settings::is_waiting(config).then(|| config.to_owned());
        Self {
            store: Store::new(state),
            consent: ConsentChannel::new(state),
            hub,
            mark,
            on_trial,
            unproven,
            healthy,
            well: None,
            question: None,
            has_button,
            _presence: presence,
        }
    }

    /// Checks; `looks` counts the frames looked at, while the badge looks at frames as it should.
    pub(super) fn tick(&mut self, now: Instant, looks: Option<u64>) -> Option<UpdateEvent> {
        if self.hub.takes_start() || self.store.mark() != self.mark {
            return Some(UpdateEvent::Restart);
        }
        if let Some((question, until)) = &self.question {
            let ended = if now >= *until {
                self.consent.answer(question, Verdict::Silence);
                true
            } else {
                // The program that asked may have ended.
                self.consent.question().as_ref() != Some(question)
            };
            if ended {
                self.question = None;
                return Some(UpdateEvent::QuestionEnded);
            }
        } else if let Some(question) = self.consent.question() {
            if !self.has_button {
                self.consent.answer(&question, Verdict::NoButton);
                return None;
            }
            let text = question.text.clone();
            self.question = Some((question, now + SHOWN));
            return Some(UpdateEvent::Question(text));
        }
        self.prove(now, looks)
    }

    /// A minute in which frames were looked at, without a fault, proves a bundle, and settings.
    fn prove(&mut self, now: Instant, looks: Option<u64>) -> Option<UpdateEvent> {
        if !self.on_trial && self.unproven.is_none() {
            return None;
        }
        let Some(looks) = looks else {
            self.well = None;
            return None;
        };
        let (since, before) = *self.well.get_or_insert((now, looks));
        if now.saturating_duration_since(since) < self.healthy || looks == before {
            return None;
        }
        if let Some(config) = self.unproven.take() {
            // Where this fails they stay unproven, at most until they fail.
            let _ = settings::keep(&config);
        }
        if !self.on_trial {
            return None;
        }
        match self.store.confirm(Some(&self.mark)) {
            Ok(slot) => {
                self.on_trial = false;
                self.mark = self.store.mark();
                self.hub.update(|status| status.trial = None);
                Some(UpdateEvent::Confirmed(slot))
            }
            // An installation is under way: the next second is early enough.
            Err(SlotError::Busy(_)) => None,
            Err(error) => {
                self.on_trial = false;
                Some(UpdateEvent::NotConfirmed(error))
            }
        }
    }

    /// Takes a press of the button as the answer to the question that waits; whether there was one.
    pub(super) fn press(&mut self, press: Press) -> bool {
        let Some((question, _)) = self.question.take() else { return false };
        let verdict = match press {
            Press::Short => Verdict::Yes,
            Press::Long => Verdict::No,
        };
        self.consent.answer(&question, verdict);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slots::tests::Lab;

    fn seconds(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    fn monitor(lab: &Lab, has_button: bool) -> UpdateMonitor {
        let state = lab.state();
        let watched = MonitorSetup {
            state: &state,
            config: Path::new("none"),
            mark: lab.store.mark(),
            on_trial: true,
            healthy: Duration::from_secs(60),
            has_button,
            presence: ConsentChannel::new(&state).announce().map(Arc::new),
        };
        UpdateMonitor::new(watched, Arc::default())
    }

    #[test]
    fn a_bundle_is_kept_after_a_minute_of_looks_without_a_fault() {
        let lab = Lab::new();
        lab.install(&lab.release(900)).unwrap();
        let mut monitor = monitor(&lab, true);
        let start = Instant::now();
        for second in 0..100 {
            // A camera that is missing at 30 s makes the minute begin anew.
            match monitor.tick(seconds(start, second), (second != 30).then_some(second)) {
                None => assert_ne!(second, 91),
                Some(UpdateEvent::Confirmed(Slot::A)) => assert_eq!(second, 91),
                other => panic!("{second} s: {other:?}"),
            }
        }
        assert_eq!(lab.store.pointer().unwrap().active, Some(Slot::A));
    }

    #[test]
    fn a_bundle_is_not_kept_without_one_look() {
        let lab = Lab::new();
        lab.install(&lab.release(900)).unwrap();
        let mut monitor = monitor(&lab, true);
        let start = Instant::now();
        for second in 0..600 {
            // The camera is missing, then it streams frames that nobody looks at.
            let looks = (second > 300).then_some(7);
            assert!(monitor.tick(seconds(start, second), looks).is_none(), "{second} s");
        }
        assert_eq!(lab.store.pointer().unwrap().active, None);
        let kept = monitor.tick(seconds(start, 600), Some(8));
        assert!(matches!(kept, Some(UpdateEvent::Confirmed(Slot::A))), "{kept:?}");
    }

    #[test]
    fn a_bundle_that_was_replaced_is_not_kept_in_the_place_of_another() {
        let lab = Lab::new();
        lab.install(&lab.release(900)).unwrap();
        let mut monitor = monitor(&lab, true);
        let start = Instant::now();
        assert!(monitor.tick(start, Some(1)).is_none());
        lab.install(&lab.release(901)).unwrap();
        assert!(matches!(monitor.tick(seconds(start, 61), Some(9)), Some(UpdateEvent::Restart)));
        assert_eq!(lab.store.pointer().unwrap().active, None);
    }

    #[test]
    fn without_a_button_a_question_is_answered_at_once_and_with_one_after_a_minute() {
        use crate::slots::consent::NoConsent;
        let lab = Lab::new();
        std::fs::create_dir_all(lab.state()).unwrap();
        for (has_button, end) in [(false, 0), (true, 61)] {
            let mut monitor = monitor(&lab, has_button);
            let consent = ConsentChannel::new(&lab.state());
            let start = Instant::now();
            std::thread::scope(|scope| {
                let asks = scope.spawn(|| consent.ask("?"));
                while consent.question().is_none() {
                    std::thread::yield_now();
                }
                for second in 0..=end {
                    let event = monitor.tick(seconds(start, second), Some(second));
                    let ended = matches!(event, Some(UpdateEvent::QuestionEnded));
                    assert_eq!(ended, second == 60, "{event:?}");
                }
                match asks.join().unwrap() {
                    Err(NoConsent::NoButton) => assert!(!has_button),
                    Err(NoConsent::Silence) => assert!(has_button),
                    other => panic!("{other:?}"),
                }
            });
        }
    }
}
