//! The wearer's consent: asked on the panel, given by a held press, and limited in time.

use std::time::{Duration, Instant};

use crate::answer::{Kept, Screen};
use crate::cue::{Press, TimedPress};

/// A press counts once the question has been visible for this time.
const VISIBLE: Duration = Duration::from_secs(2);
/// Without an answer in this time, the answer is no.
const SHOWN: Duration = Duration::from_secs(30);

/// The wearer's consent to store something for a limited time. Only [`ConsentFlow::press`] creates one; it cannot be
/// copied.
#[derive(Debug)]
pub struct Consent {
    kept: Kept,
    until: Instant,
}

impl Consent {
    /// What may be stored.
    pub fn kept(&self) -> Kept {
        self.kept
    }

    /// Whether it still holds.
    pub fn holds(&self, now: Instant) -> bool {
        now < self.until
    }

    /// When it ends.
    pub fn until(&self) -> Instant {
        self.until
    }

    /// The remaining time, s, rounded up; 0 once it has ended.
    pub fn seconds_left(&self, now: Instant) -> u16 {
        let left = self.until.saturating_duration_since(now).as_millis().div_ceil(1000);
        u16::try_from(left).unwrap_or(u16::MAX)
    }
}

/// A question on the panel, from the wearer's choice in the menu to the answer.
#[derive(Debug)]
pub struct ConsentFlow {
    kept: Kept,
    length: Duration,
    since: Instant,
    counts: bool,
}

/// The effect of a press on the question.
#[derive(Debug)]
pub enum FlowAnswer {
    /// It does not count yet, or may become an answer.
    Waits,
    /// No.
    No,
    /// Yes.
    Yes(Consent),
}

impl ConsentFlow {
    /// Asks for consent to store `kept` for `length` from the answer on.
    pub fn new(kept: Kept, length: Duration, now: Instant) -> Self {
        Self { kept, length, since: now, counts: false }
    }

    /// What the panel shows.
    pub fn screen(&self) -> Screen {
        Screen::Keep { kept: self.kept, counts: self.counts }
    }

    /// Called about once a second; returns whether the panel has to be redrawn, or `None` after the timeout, which is a
    /// no.
    pub fn tick(&mut self, now: Instant) -> Option<bool> {
        let visible = now.saturating_duration_since(self.since);
        let counts = visible >= VISIBLE;
        let news = counts != self.counts;
        self.counts = counts;
        (visible < SHOWN).then_some(news)
    }

    /// Handles a press. Only a press that began after the question had been visible long enough counts: held is yes,
    /// short is no.
    pub fn press(&self, TimedPress { press, began }: TimedPress, now: Instant) -> FlowAnswer {
        let counts = began >= self.since + VISIBLE;
        match press {
            // The rest of the press that chose the menu entry.
            _ if !counts => FlowAnswer::Waits,
            Press::Short => FlowAnswer::No,
            Press::Long => FlowAnswer::Waits,
            Press::Held => FlowAnswer::Yes(Consent { kept: self.kept, until: now + self.length }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn flow() -> (ConsentFlow, Instant) {
        let start = Instant::now();
        (ConsentFlow::new(Kept::Pictures, 5 * MINUTE, start), start)
    }

    fn seconds(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn only_a_press_that_is_held_after_two_seconds_agrees() {
        let (mut flow, start) = flow();
        assert_eq!(flow.tick(seconds(start, 1)), Some(false));
        let press = |flow: &ConsentFlow, press, began| {
            flow.press(
                TimedPress { press, began: seconds(start, began) },
                seconds(start, began + 3),
            )
        };
        for early in [Press::Short, Press::Long, Press::Held] {
            assert!(matches!(press(&flow, early, 1), FlowAnswer::Waits));
        }
        assert_eq!(flow.tick(seconds(start, 2)), Some(true));
        assert_eq!(flow.screen(), Screen::Keep { kept: Kept::Pictures, counts: true });
        assert!(matches!(press(&flow, Press::Long, 2), FlowAnswer::Waits));
        assert!(matches!(press(&flow, Press::Short, 2), FlowAnswer::No));
        let FlowAnswer::Yes(consent) = press(&flow, Press::Held, 2) else { panic!() };
        assert_eq!((consent.kept(), consent.until()), (Kept::Pictures, seconds(start, 305)));
    }

    #[test]
    fn silence_is_no() {
        let (mut flow, start) = flow();
        assert_eq!(flow.tick(seconds(start, 29)), Some(true));
        assert_eq!(flow.tick(seconds(start, 30)), None);
    }

    #[test]
    fn consent_ends_by_itself_and_counts_down() {
        let (flow, start) = flow();
        let press = TimedPress { press: Press::Held, began: seconds(start, 2) };
        let FlowAnswer::Yes(consent) = flow.press(press, seconds(start, 5)) else { panic!() };
        let left = |ms: u64| consent.seconds_left(start + Duration::from_millis(ms));
        assert_eq!(
            [5000, 5001, 6000, 304_001, 305_000, 400_000].map(left),
            [300, 300, 299, 1, 0, 0]
        );
        assert!(consent.holds(seconds(start, 304)) && !consent.holds(seconds(start, 305)));
    }
}
