//! Debouncing, and from a button's level to presses.

use std::time::{Duration, Instant};

use super::{CueError, Input, LineChange};

/// Debounce time: a level counts once it is stable for this time; contacts bounce for less.
const SETTLE: Duration = Duration::from_millis(30);

/// A press that is held for this time is a long one.
const LONG: Duration = Duration::from_millis(800);

/// A press that is held for this time agrees to a question: much longer than the long press that pauses, so that nobody
/// agrees who only wants to pause.
const HOLD: Duration = Duration::from_secs(3);

/// The kind of a press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// Pressed and released.
    Short,
    /// Held; reported while the button is still down, so the release is not reported.
    Long,
    /// Held for 3 s, after [`Press::Long`]; reported while the button is still down.
    Held,
}

/// A press, and when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedPress {
    /// The kind of a press.
    pub press: Press,
    /// When the button was pressed.
    pub began: Instant,
}

/// What was already reported of a press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Long,
    /// Nothing is left to report.
    All,
}

/// A level, and the time since which it is stable.
#[derive(Clone, Copy, Debug)]
struct Level {
    on: bool,
    since: Instant,
}

/// A button that receives its level and the time from its caller.
#[derive(Clone, Copy, Debug)]
pub struct Button {
    /// The pin's level.
    raw: Level,
    /// The debounced level.
    settled: Level,
    /// What was already reported of the debounced press.
    told: Told,
    /// When the last press began.
    began: Instant,
    /// The latest time that was passed in.
    seen: Instant,
}

impl Button {
    /// A button whose level at `now` is `on`. If it is down from the start, held or jammed, nothing is reported before
    /// it is released.
    pub fn new(on: bool, now: Instant) -> Self {
        let level = Level { on, since: now };
        Self { raw: level, settled: level, told: Told::All, began: now, seen: now }
    }

    /// Processes the pin's level at `now`, whether it changed or not. An earlier `now` than in the last call counts as
    /// that of the last call.
    pub fn see(&mut self, on: bool, now: Instant) -> Option<Press> {
        let now = now.max(self.seen);
        self.seen = now;
        // First, the effect of the old level until now.
        let press = self.settle(now);
        if self.raw.on != on {
            self.raw = Level { on, since: now };
        }
        press
    }

    /// Time from `now` until an unchanged level has an effect; `None` for never.
    pub fn patience(&self, now: Instant) -> Option<Duration> {
        let next = if self.raw.on != self.settled.on {
            self.raw.since + SETTLE
        } else if !self.settled.on {
            return None;
        } else {
            match self.told {
                Told::Nothing => self.settled.since + LONG,
                Told::Long => self.settled.since + HOLD,
                Told::All => return None,
            }
        };
        Some(next.saturating_duration_since(now))
    }

    /// Watches `input` for at most `timeout`, and less if a press is reported earlier. `now` returns the time before
    /// and after waiting: [`Instant::now`].
    ///
    /// # Errors
    /// [`CueError`] when the pin cannot be read any more.
    pub fn watch(
        &mut self,
        input: &mut dyn Input,
        timeout: Duration,
        now: impl Fn() -> Instant,
    ) -> Result<Option<TimedPress>, CueError> {
        let patience = self.patience(now()).unwrap_or(timeout);
        let change = input.wait(patience.min(timeout))?;
        let now = now();
        let (on, at) = match change {
            Some(LineChange { on, ago }) => (on, now.checked_sub(ago).unwrap_or(self.seen)),
            // Detects a change whose event the system dropped.
            None => (input.is_on()?, now),
        };
        let press = self.see(on, at);
        Ok(press.map(|press| TimedPress { press, began: self.began }))
    }

    fn settle(&mut self, now: Instant) -> Option<Press> {
        if self.raw.on != self.settled.on && now.saturating_duration_since(self.raw.since) >= SETTLE
        {
            let held = self.raw.since.saturating_duration_since(self.settled.since);
            let next = if self.raw.on { Told::Nothing } else { Told::All };
            let told = std::mem::replace(&mut self.told, next);
            self.settled = self.raw;
            if self.raw.on {
                self.began = self.raw.since;
            } else {
                match told {
                    Told::Nothing if held < LONG => return Some(Press::Short),
                    Told::Nothing => return Some(Press::Long),
                    Told::Long if held >= HOLD => return Some(Press::Held),
                    Told::Long | Told::All => {}
                }
            }
        }
        if !self.settled.on || !self.raw.on {
            return None;
        }
        let held = now.saturating_duration_since(self.settled.since);
        let (told, press) = match self.told {
            Told::Nothing if held >= LONG => (Told::Long, Press::Long),
            Told::Long if held >= HOLD => (Told::All, Press::Held),
            _ => return None,
        };
        self.told = told;
        Some(press)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A moment, ms after the first.
    fn at(millis: u64) -> Instant {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        *START + ms(millis)
    }

    fn millis(now: Instant) -> u64 {
        now.duration_since(at(0)).as_millis() as u64
    }

    /// Presses with their times, ms, when the level changes at `changes`, ms, from off; the button is polled as
    /// [`Button::patience`] requires.
    fn presses(changes: &[u64]) -> Vec<(u64, Press)> {
        let mut button = Button::new(false, at(0));
        let (mut on, mut presses) = (false, Vec::new());
        let mut now = at(0);
        let ends = [changes, &[changes.last().copied().unwrap_or(0) + 5000]].concat();
        for (i, end) in ends.iter().enumerate() {
            while let Some(patience) = button.patience(now).filter(|p| now + *p < at(*end)) {
                now += patience;
                presses.extend(button.see(on, now).map(|press| (millis(now), press)));
            }
            now = at(*end);
            on = if i < changes.len() { !on } else { on };
            presses.extend(button.see(on, now).map(|press| (*end, press)));
        }
        presses
    }

    #[test]
    fn letting_go_tells_a_short_press() {
        assert_eq!(presses(&[100, 250]), [(280, Press::Short)]);
        assert_eq!(presses(&[100, 250, 400, 500]), [(280, Press::Short), (530, Press::Short)]);
    }

    #[test]
    fn holding_tells_a_long_press_once_before_it_ends() {
        assert_eq!(presses(&[100, 3000]), [(900, Press::Long)]);
        assert_eq!(presses(&[100, 3000, 4000, 4100]), [(900, Press::Long), (4130, Press::Short)]);
    }

    #[test]
    fn holding_on_tells_more_than_a_long_press_and_when_it_began() {
        let long = (900, Press::Long);
        assert_eq!(presses(&[100, 3099]), [long]);
        assert_eq!(presses(&[100, 3100]), [long, (3100, Press::Held)]);
        assert_eq!(presses(&[100, 9000]), [long, (3100, Press::Held)]);
        let mut button = Button::new(false, at(0));
        for (time, down, press) in
            [(100, true, None), (900, true, Some(Press::Long)), (3100, true, Some(Press::Held))]
        {
            assert_eq!(button.see(down, at(time)), press);
        }
        assert_eq!(button.began, at(100));
        button.see(false, at(4000));
        button.see(true, at(5000));
        button.see(false, at(5100));
        assert_eq!((button.see(false, at(5200)), button.began), (Some(Press::Short), at(5000)));
    }

    #[test]
    fn bounces_are_nothing() {
        assert_eq!(presses(&[100, 129]), []);
        // Both ends of a press bounce, and so does a loose contact in the middle.
        let bouncing = [100, 104, 109, 300, 320, 500, 505, 512];
        assert_eq!(presses(&bouncing), [(542, Press::Short)]);
        // A bounce just before it becomes long does not interrupt it.
        assert_eq!(presses(&[100, 895, 905, 2000]), [(905, Press::Long)]);
    }

    #[test]
    fn a_press_that_was_seen_late_keeps_its_length() {
        let mut button = Button::new(false, at(0));
        assert_eq!(button.see(true, at(10)), None);
        assert_eq!(button.see(false, at(50)), None);
        assert_eq!(button.see(false, at(9000)), Some(Press::Short));
    }

    #[test]
    fn a_button_that_is_down_at_the_start_presses_nothing() {
        let mut button = Button::new(true, at(0));
        assert_eq!(button.patience(at(0)), None);
        assert_eq!(button.see(true, at(5000)), None);
        assert_eq!(button.see(false, at(6000)), None);
        assert_eq!(button.see(false, at(6100)), None);
        assert_eq!(button.see(true, at(7000)), None);
        assert_eq!(button.see(true, at(7800)), Some(Press::Long));
    }

    /// A pin whose wait ends with what the script says.
    struct Script {
        waits: Vec<Option<LineChange>>,
        now: bool,
        asked: Vec<Duration>,
    }

    impl Input for Script {
        fn is_on(&mut self) -> Result<bool, CueError> {
            Ok(self.now)
        }

        fn wait(&mut self, timeout: Duration) -> Result<Option<LineChange>, CueError> {
            self.asked.push(timeout);
            Ok(self.waits.remove(0))
        }
    }

    #[test]
    fn watching_waits_no_longer_than_the_button_allows() {
        let down = Some(LineChange { on: true, ago: ms(0) });
        let mut pin = Script { waits: vec![down, None, None], now: true, asked: Vec::new() };
        let mut button = Button::new(false, at(0));
        let mut watch =
            |button: &mut Button, now| button.watch(&mut pin, ms(500), || at(now)).unwrap();
        assert_eq!(watch(&mut button, 100), None);
        assert_eq!(watch(&mut button, 110), None);
        // The press began when its first edge was seen, however late it is reported.
        let long = TimedPress { press: Press::Long, began: at(100) };
        assert_eq!(watch(&mut button, 950), Some(long));
        assert_eq!(pin.asked, [ms(500), ms(20), ms(0)]);
    }

    #[test]
    fn changes_that_are_heard_late_and_together_are_no_bounce() {
        // Released for 100 ms and pressed again, all of it reported 400 ms after the second press.
        let late = |on, ago| Some(LineChange { on, ago: ms(ago) });
        let waits = vec![late(true, 0), None, None, late(false, 500), late(true, 400), None, None];
        let mut pin = Script { waits, now: true, asked: Vec::new() };
        let mut button = Button::new(false, at(0));
        let told = [100, 130, 900, 2000, 2000, 2000, 2400]
            .map(|now| button.watch(&mut pin, ms(500), || at(now)).unwrap());
        let long = |began| Some(TimedPress { press: Press::Long, began: at(began) });
        assert_eq!(told, [None, None, long(100), None, None, None, long(1600)]);
    }

    proptest! {
        #[test]
        fn clean_presses_are_told_one_by_one(
            fingers in prop::collection::vec((30..1500u64, 30..4500u64), 0..20),
        ) {
            let mut now = 0;
            let mut changes = Vec::new();
            for (pause, held) in &fingers {
                changes.extend([now + pause, now + pause + held]);
                now += pause + held;
            }
            let kinds: Vec<Press> = presses(&changes).into_iter().map(|(_, press)| press).collect();
            let expected: Vec<Press> = fingers
                .iter()
                .flat_map(|(_, held)| match held {
                    0..800 => vec![Press::Short],
                    800..3000 => vec![Press::Long],
                    _ => vec![Press::Long, Press::Held],
                })
                .collect();
            prop_assert_eq!(kinds, expected);
        }

        #[test]
        fn levels_that_never_settle_press_nothing(gaps in prop::collection::vec(1..30u64, 0..40)) {
            let mut now = 0;
            let mut changes: Vec<u64> = gaps.iter().map(|gap| { now += gap; now }).collect();
            // The last level is "off".
            changes.truncate(changes.len() / 2 * 2);
            prop_assert_eq!(presses(&changes), []);
        }
    }
}
