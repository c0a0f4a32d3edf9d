//! Keeps a new bundle that runs well, notices another one, and asks the wearer what others want to know.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cue::Press;
use crate::link::{Hub, settings};
use crate::slots::consent::{Attended, Desk, Question, SHOWN, Verdict};
use crate::slots::{Slot, SlotError, Store};

/// What a look around found.
#[derive(Debug)]
pub(super) enum Kept {
    /// Nothing to do.
    Nothing,
    /// The bundle on trial is kept.
    Yes(Slot),
    /// That could not be noted.
    Not(SlotError),
    /// Another bundle or configuration is to be used.
    Again,
    /// The wearer is asked.
    Ask(String),
    /// The question is over.
    Asked,
}

/// Looks around about once a second.
pub struct Keeper {
    store: Store,
    desk: Desk,
    hub: Arc<Hub>,
    mark: Vec<u8>,
    on_trial: bool,
    /// The configuration, while it is new and has to prove itself.
    unproven: Option<PathBuf>,
    healthy: Duration,
    well_since: Option<Instant>,
    question: Option<(Question, Instant)>,
    has_button: bool,
    _attended: Option<Arc<Attended>>,
}

/// What a [`Keeper`] needs to know.
pub struct Watch<'a> {
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
    /// Says that this badge answers questions.
    pub attended: Option<Arc<Attended>>,
}

impl Keeper {
    /// A keeper for one start.
    pub fn new(watch: Watch, hub: Arc<Hub>) -> Self {
        let Watch { state, config, mark, on_trial, healthy, has_button, attended } = watch;
        let unproven = settings::is_waiting(config).then(|| config.to_owned());
        Self {
            store: Store::new(state),
            desk: Desk::new(state),
            hub,
            mark,
            on_trial,
            unproven,
            healthy,
            well_since: None,
            question: None,
            has_button,
            _attended: attended,
        }
    }

    /// Looks around; `well` tells whether the badge works as it should.
    pub(super) fn tick(&mut self, now: Instant, well: bool) -> Kept {
        if self.hub.takes_start() || self.store.mark() != self.mark {
            return Kept::Again;
        }
        if let Some((question, until)) = &self.question {
            let over = if now >= *until {
                self.desk.answer(question, Verdict::Silence);
                true
            } else {
                // Whoever asked may have gone.
                self.desk.question().as_ref() != Some(question)
            };
            if over {
                self.question = None;
                return Kept::Asked;
            }
        } else if let Some(question) = self.desk.question() {
            if !self.has_button {
                self.desk.answer(&question, Verdict::NoButton);
                return Kept::Nothing;
            }
            let text = question.text.clone();
            self.question = Some((question, now + SHOWN));
            return Kept::Ask(text);
        }
        self.prove(now, well)
    }

    /// A minute without a fault proves a bundle, and settings.
    fn prove(&mut self, now: Instant, well: bool) -> Kept {
        if !self.on_trial && self.unproven.is_none() {
            return Kept::Nothing;
        }
        if !well {
            self.well_since = None;
            return Kept::Nothing;
        }
        let since = *self.well_since.get_or_insert(now);
        if now.saturating_duration_since(since) < self.healthy {
            return Kept::Nothing;
        }
        if let Some(config) = self.unproven.take() {
            // Where this fails they go on waiting, at most until they fail.
            let _ = settings::keep(&config);
        }
        if !self.on_trial {
            return Kept::Nothing;
        }
        match self.store.confirm(Some(&self.mark)) {
            Ok(slot) => {
                self.on_trial = false;
                self.mark = self.store.mark();
                self.hub.update(|status| status.trial = None);
                Kept::Yes(slot)
            }
            // Somebody installs just now: the next second is early enough.
            Err(SlotError::Busy(_)) => Kept::Nothing,
            Err(error) => {
                self.on_trial = false;
                Kept::Not(error)
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
        self.desk.answer(&question, verdict);
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

    fn keeper(lab: &Lab, has_button: bool) -> Keeper {
        let state = lab.state();
        let watch = Watch {
            state: &state,
            config: Path::new("none"),
            mark: lab.store.mark(),
            on_trial: true,
            healthy: Duration::from_secs(60),
            has_button,
            attended: Desk::new(&state).attend().map(Arc::new),
        };
        Keeper::new(watch, Arc::default())
    }

    #[test]
    fn a_bundle_is_kept_after_a_minute_without_a_fault() {
        let lab = Lab::new();
        lab.install(&lab.release(900)).unwrap();
        let mut keeper = keeper(&lab, true);
        let start = Instant::now();
        for second in 0..100 {
            // A stuck camera at 30 s makes the minute begin anew.
            match keeper.tick(seconds(start, second), second != 30) {
                Kept::Nothing => assert_ne!(second, 91),
                Kept::Yes(Slot::A) => assert_eq!(second, 91),
                other => panic!("{second} s: {other:?}"),
            }
        }
        assert_eq!(lab.store.pointer().unwrap().active, Some(Slot::A));
    }

    #[test]
    fn a_bundle_that_was_replaced_is_not_kept_in_the_place_of_another() {
        let lab = Lab::new();
        lab.install(&lab.release(900)).unwrap();
        let mut keeper = keeper(&lab, true);
        let start = Instant::now();
        assert!(matches!(keeper.tick(start, true), Kept::Nothing));
        lab.install(&lab.release(901)).unwrap();
        assert!(matches!(keeper.tick(seconds(start, 61), true), Kept::Again));
        assert_eq!(lab.store.pointer().unwrap().active, None);
    }

    #[test]
    fn without_a_button_a_question_is_answered_at_once_and_with_one_after_a_minute() {
        use crate::slots::consent::NoConsent;
        let lab = Lab::new();
        std::fs::create_dir_all(lab.state()).unwrap();
        for (has_button, end) in [(false, 0), (true, 61)] {
            let mut keeper = keeper(&lab, has_button);
            let desk = Desk::new(&lab.state());
            let start = Instant::now();
            std::thread::scope(|scope| {
                let asks = scope.spawn(|| desk.ask("?"));
                while desk.question().is_none() {
                    std::thread::yield_now();
                }
                for second in 0..=end {
                    let kept = keeper.tick(seconds(start, second), true);
                    assert_eq!(matches!(kept, Kept::Asked), second == 60, "{kept:?}");
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
