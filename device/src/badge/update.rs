//! The update monitor: confirms a new bundle that runs well, detects another one, and asks the wearer.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use emocue_link::consent::Question;

use crate::answer::Screen;
use crate::cue::{Press, TimedPress};
use crate::link::Hub;
use crate::link::settings::Unproven;
use crate::slots::consent::{ConsentChannel, Presence, SHOWN, VISIBLE, Verdict};
use crate::slots::{Slot, SlotError, Store};

/// After so many questions in a row that were refused or not answered, none is asked for [`QUIET`]: otherwise a host could
/// cover every answer with questions until the wearer gives in.
const MOST_REFUSED: u32 = 3;
const QUIET: Duration = Duration::from_secs(10 * 60);

/// An event of the monitor.
#[derive(Debug)]
pub(super) enum UpdateEvent {
    /// The bundle on trial is confirmed.
    Confirmed(Slot),
    /// The confirmation could not be written.
    NotConfirmed(SlotError),
    /// Another bundle or configuration is to be used.
    Restart,
    /// A question waits for the wearer: it is new, or a press counts from now on.
    Question(ShownQuestion),
    /// The question has ended.
    QuestionEnded,
}

/// A question on the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShownQuestion {
    pub(super) question: Question,
    since: Instant,
    /// Whether it has been visible for [`VISIBLE`].
    pub(super) counts: bool,
}

impl ShownQuestion {
    /// What the panel shows.
    pub(super) fn screen(&self) -> Screen {
        let Self { question, counts, .. } = self;
        Screen::Question { ask: question.ask, code: question.code(), counts: *counts }
    }
}

/// The effect of a press on the question on the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PressEffect {
    /// There is none, or the press does not belong to it: it has its usual meaning.
    Usual,
    /// It may become an answer.
    Waits,
    /// The question is answered.
    Answered,
}

/// Monitors updates; checks about once a second.
pub struct UpdateMonitor {
    store: Store,
    consent: ConsentChannel,
    hub: Arc<Hub>,
    mark: Vec<u8>,
    on_trial: bool,
    /// The state folder, while settings in it are new and not confirmed.
    unproven: Option<Unproven>,
    healthy: Duration,
    /// Since when there was no fault, and the number of frames processed before.
    well: Option<(Instant, u64)>,
    question: Option<ShownQuestion>,
    /// Why questions cannot be answered on this badge.
    unanswerable: Option<Verdict>,
    /// Questions in a row without a yes, and when the last one ended.
    refused: (u32, Option<Instant>),
    _presence: Option<Arc<Presence>>,
}

/// What an [`UpdateMonitor`] watches.
pub struct MonitorSetup<'a> {
    /// The folder that the badge may write to.
    pub state: &'a Path,
    /// The pointer as the start left it ([`Store::mark`]).
    pub mark: Vec<u8>,
    /// Whether the bundle that runs is on trial.
    pub on_trial: bool,
    /// It is confirmed after this time without a fault.
    pub healthy: Duration,
    /// Whether there is a button to press.
    pub has_button: bool,
    /// Whether there is a panel to read a question on.
    pub has_panel: bool,
    /// Announces that this badge answers questions.
    pub presence: Option<Arc<Presence>>,
}

impl UpdateMonitor {
    /// A monitor for one start.
    pub fn new(watched: MonitorSetup, hub: Arc<Hub>) -> Self {
        let MonitorSetup { state, mark, on_trial, healthy, has_button, has_panel, presence } =
            watched;
        let unanswerable = match (has_button, has_panel) {
            (true, true) => None,
            (false, _) => Some(Verdict::NoButton),
            (true, false) => Some(Verdict::NoPanel),
        };
        let unproven = Unproven::of(state);
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
            unanswerable,
            refused: (0, None),
            _presence: presence,
        }
    }

    /// Checks for events; `looks` is the number of processed frames, `None` while the badge does not process frames.
    pub(super) fn tick(&mut self, now: Instant, looks: Option<u64>) -> Option<UpdateEvent> {
        if self.hub.takes_start() || self.store.mark() != self.mark {
            return Some(UpdateEvent::Restart);
        }
        match &mut self.question {
            Some(shown) => {
                let visible = now.saturating_duration_since(shown.since);
                let ended = if visible >= SHOWN {
                    self.consent.answer(&shown.question, Verdict::Silence);
                    self.refused = (self.refused.0 + 1, Some(now));
                    true
                } else {
                    // The program that asked the question may have ended.
                    self.consent.question() != Some(shown.question)
                };
                if ended {
                    self.question = None;
                    return Some(UpdateEvent::QuestionEnded);
                }
                if visible >= VISIBLE && !shown.counts {
                    shown.counts = true;
                    return Some(UpdateEvent::Question(*shown));
                }
            }
            None => {
                if let Some(question) = self.consent.question() {
                    let (refused, last) = self.refused;
                    let is_quiet = refused >= MOST_REFUSED
                        && last.is_some_and(|last| now.saturating_duration_since(last) < QUIET);
                    let later = is_quiet.then_some(Verdict::Later);
                    if let Some(verdict) = self.unanswerable.or(later) {
                        self.consent.answer(&question, verdict);
                        return None;
                    }
                    let shown = ShownQuestion { question, since: now, counts: false };
                    self.question = Some(shown);
                    return Some(UpdateEvent::Question(shown));
                }
            }
        }
        self.prove(now, looks)
    }

    /// Confirms a bundle and settings after [`MonitorSetup::healthy`] in which frames were processed without a fault.
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
        if let Some(unproven) = self.unproven.take() {
            // If this fails, the settings stay unconfirmed.
            let _ = unproven.keep();
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
            // An installation is running: the next second is early enough.
            Err(SlotError::Busy(_)) => None,
            Err(error) => {
                self.on_trial = false;
                Some(UpdateEvent::NotConfirmed(error))
            }
        }
    }

    /// Takes a press of the button as the answer to the question on the panel, if it began when that had been visible
    /// for long enough.
    pub(super) fn press(&mut self, TimedPress { press, began }: TimedPress) -> PressEffect {
        let Some(shown) = self.question.filter(|shown| began >= shown.since + VISIBLE) else {
            return PressEffect::Usual;
        };
        let verdict = match press {
            Press::Short => Verdict::No,
            Press::Long => return PressEffect::Waits,
            Press::Held => Verdict::Yes,
        };
        self.refused = match verdict {
            Verdict::Yes => (0, None),
            _ => (self.refused.0 + 1, Some(began)),
        };
        self.consent.answer(&shown.question, verdict);
        self.question = None;
        PressEffect::Answered
    }
}

#[cfg(test)]
mod tests {
    use emocue_link::consent::Ask;

    use super::*;
    use crate::slots::consent::ConsentError;
    use crate::slots::tests::Lab;

    fn seconds(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    fn monitor(lab: &Lab, has_button: bool, has_panel: bool) -> UpdateMonitor {
        let state = lab.state();
        let watched = MonitorSetup {
            state: &state,
            mark: lab.store.mark(),
            on_trial: true,
            healthy: Duration::from_secs(60),
            has_button,
            has_panel,
            presence: ConsentChannel::new(&state).announce().map(Arc::new),
        };
        UpdateMonitor::new(watched, Arc::default())
    }

    #[test]
    fn a_bundle_is_kept_after_a_minute_of_looks_without_a_fault() {
        let lab = Lab::new();
        lab.install(&lab.release(900)).unwrap();
        let mut monitor = monitor(&lab, true, true);
        let start = Instant::now();
        for second in 0..100 {
            // A camera that is missing at 30 s restarts the minute.
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
        let mut monitor = monitor(&lab, true, true);
        let start = Instant::now();
        for second in 0..600 {
            // The camera is missing, then it streams frames that are not processed.
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
        let mut monitor = monitor(&lab, true, true);
        let start = Instant::now();
        assert!(monitor.tick(start, Some(1)).is_none());
        lab.install(&lab.release(901)).unwrap();
        assert!(matches!(monitor.tick(seconds(start, 61), Some(9)), Some(UpdateEvent::Restart)));
        assert_eq!(lab.store.pointer().unwrap().active, None);
    }

    /// Asks a question, which `monitor` finds at `start`, and returns the result after `then`.
    fn asked(
        monitor: &mut UpdateMonitor,
        state: &Path,
        start: Instant,
        then: impl FnOnce(&mut UpdateMonitor),
    ) -> Result<(), ConsentError> {
        let consent = ConsentChannel::new(state);
        std::thread::scope(|scope| {
            let asks = scope.spawn(|| consent.ask(Ask::NewMaker, [1; 32], [2; 32], |_| ()));
            while consent.question().is_none() {
                std::thread::yield_now();
            }
            if let Some(UpdateEvent::Question(shown)) = monitor.tick(start, Some(0)) {
                assert!(!shown.counts && shown.question.ask == Ask::NewMaker);
                then(monitor);
            }
            asks.join().unwrap()
        })
    }

    #[test]
    fn a_question_that_nobody_can_read_or_answer_is_refused_at_once() {
        let lab = Lab::new();
        std::fs::create_dir_all(lab.state()).unwrap();
        for (button, panel) in [(false, true), (true, false)] {
            let mut monitor = monitor(&lab, button, panel);
            let answer =
                asked(&mut monitor, &lab.state(), Instant::now(), |_| panic!("nobody is asked"));
            match answer {
                Err(ConsentError::NoButton) => assert!(!button),
                Err(ConsentError::NoPanel) => assert!(!panel),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn after_three_refusals_nobody_is_asked_for_ten_minutes() {
        let lab = Lab::new();
        std::fs::create_dir_all(lab.state()).unwrap();
        let (mut monitor, start) = (monitor(&lab, true, true), Instant::now());
        let press = |press, second| TimedPress { press, began: seconds(start, second) };
        let mut answers = |times: &[u64], given| -> Vec<Result<(), ConsentError>> {
            let ask = |second: &u64| {
                asked(&mut monitor, &lab.state(), seconds(start, *second), |monitor| {
                    monitor.press(press(given, second + 3));
                })
            };
            times.iter().map(ask).collect()
        };
        let refused = answers(&[0, 10, 20], Press::Short);
        assert!(refused.iter().all(|it| matches!(it, Err(ConsentError::Declined))), "{refused:?}");
        let early = answers(&[30, 600], Press::Held);
        assert!(early.iter().all(|it| matches!(it, Err(ConsentError::Later))), "{early:?}");
        // One more refusal afterwards is enough for the next ten minutes; a yes ends it.
        assert!(matches!(answers(&[630], Press::Short)[..], [Err(ConsentError::Declined)]));
        assert!(matches!(answers(&[640], Press::Held)[..], [Err(ConsentError::Later)]));
        assert!(matches!(answers(&[1300], Press::Held)[..], [Ok(())]));
        assert!(matches!(answers(&[1310], Press::Short)[..], [Err(ConsentError::Declined)]));
        assert!(matches!(answers(&[1320], Press::Held)[..], [Ok(())]));
    }

    #[test]
    fn a_question_ends_after_a_minute_without_an_answer() {
        let lab = Lab::new();
        std::fs::create_dir_all(lab.state()).unwrap();
        let (mut monitor, start) = (monitor(&lab, true, true), Instant::now());
        let answer = asked(&mut monitor, &lab.state(), start, |monitor| {
            for second in 1..=60 {
                match monitor.tick(seconds(start, second), Some(second)) {
                    Some(UpdateEvent::Question(shown)) => assert!(shown.counts && second == 2),
                    Some(UpdateEvent::QuestionEnded) => assert_eq!(second, 60),
                    other => assert!(other.is_none(), "{other:?}"),
                }
            }
        });
        assert!(matches!(answer, Err(ConsentError::Silence)));
    }

    #[test]
    fn only_a_press_that_began_after_two_seconds_answers_and_only_holding_on_agrees() {
        let lab = Lab::new();
        std::fs::create_dir_all(lab.state()).unwrap();
        for agrees in [true, false] {
            let (mut monitor, start) = (monitor(&lab, true, true), Instant::now());
            let answer = asked(&mut monitor, &lab.state(), start, |monitor| {
                let mut press = |press, began_ms| {
                    let began = start + Duration::from_millis(began_ms);
                    monitor.press(TimedPress { press, began })
                };
                // A press that began before the question has its usual meaning.
                for kind in [Press::Short, Press::Long, Press::Held] {
                    assert_eq!(press(kind, 0), PressEffect::Usual);
                    assert_eq!(press(kind, 1999), PressEffect::Usual);
                }
                assert_eq!(press(Press::Long, 2000), PressEffect::Waits);
                let last = if agrees { Press::Held } else { Press::Short };
                assert_eq!(press(last, 2000), PressEffect::Answered);
                assert_eq!(press(last, 2000), PressEffect::Usual);
            });
            match answer {
                Ok(()) => assert!(agrees),
                Err(error) => {
                    assert!(!agrees && matches!(error, ConsentError::Declined), "{error}")
                }
            }
        }
    }
}
