//! A session's clock: it announces the last minute, and the end.

use std::time::{Duration, Instant};

/// The last part of a session, which is announced where the session is longer than that.
const LAST: Duration = Duration::from_secs(60);

/// The state of a session that outlives a restart of the loop, as with another bundle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionState {
    /// The time in which the camera streamed.
    spent: Duration,
    announced: bool,
    ended: bool,
}

#[cfg(test)]
impl SessionState {
    /// One that has lasted for `spent`.
    pub(super) fn lasted(spent: Duration) -> Self {
        Self { spent, ..Self::default() }
    }
}

/// An event of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionEvent {
    /// Its last minute begins.
    LastMinute,
    /// Its time is up.
    Ended,
}

/// A session, with or without a time limit.
#[derive(Debug)]
pub(super) struct Session {
    length: Option<Duration>,
    state: SessionState,
    /// The time up to which it is counted; `None` while it is stopped.
    counted: Option<Instant>,
}

impl Session {
    /// Continues `state`, to last for `length` in all; `None` for no limit.
    pub(super) fn new(length: Option<Duration>, state: SessionState) -> Self {
        // Without a limit, one that had ended before has no end.
        let mut state = if length.is_some() { state } else { SessionState::default() };
        // A longer one has another last minute.
        state.announced &= length.is_some_and(|length| state.spent + LAST >= length);
        Self { length, state, counted: None }
    }

    /// Called about once a second; the time counts while the camera `streams`.
    pub(super) fn tick(&mut self, now: Instant, streams: bool) -> Option<SessionEvent> {
        let length = self.length?;
        let before = std::mem::replace(&mut self.counted, streams.then_some(now));
        if let (Some(before), true) = (before, streams) {
            self.state.spent += now.saturating_duration_since(before);
        }
        let SessionState { spent, announced, ended } = &mut self.state;
        if *ended {
            None
        } else if *spent >= length {
            *ended = true;
            Some(SessionEvent::Ended)
        } else if length > LAST && *spent >= length - LAST && !*announced {
            *announced = true;
            Some(SessionEvent::LastMinute)
        } else {
            None
        }
    }

    /// Whether the time is up.
    pub(super) fn has_ended(&self) -> bool {
        self.state.ended
    }

    /// Another session begins.
    pub(super) fn restart(&mut self) {
        self.state = SessionState::default();
        self.counted = None;
    }

    /// The state that a restart of the loop continues with.
    pub(super) fn state(&self) -> SessionState {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::SessionEvent::{Ended, LastMinute};
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn session(minutes: u32) -> Session {
        Session::new(Some(MINUTE * minutes), SessionState::default())
    }

    /// What happens in the seconds `from..to` after `start`, and when.
    fn run(
        session: &mut Session,
        start: Instant,
        seconds: std::ops::Range<u64>,
        streams: impl Fn(u64) -> bool,
    ) -> Vec<(u64, SessionEvent)> {
        let tick = |second| {
            let now = start + Duration::from_secs(second);
            Some((second, session.tick(now, streams(second))?))
        };
        seconds.filter_map(tick).collect()
    }

    #[test]
    fn a_session_announces_its_last_minute_and_ends_once() {
        let said = run(&mut session(20), Instant::now(), 0..3000, |_| true);
        assert_eq!(said, [(19 * 60, LastMinute), (20 * 60, Ended)]);
    }

    #[test]
    fn a_minute_is_too_short_to_be_announced_and_no_limit_never_ends() {
        let start = Instant::now();
        assert_eq!(run(&mut session(1), start, 0..3000, |_| true), [(60, Ended)]);
        let mut unlimited = Session::new(None, SessionState::default());
        assert_eq!(run(&mut unlimited, start, 0..100_000, |_| true), []);
        assert!(!unlimited.has_ended());
    }

    #[test]
    fn time_without_a_camera_does_not_count() {
        // Paused, or the camera is missing, from 30 s to 330 s.
        let said = run(&mut session(2), Instant::now(), 0..1000, |at| !(30..330).contains(&at));
        // The second in which it stopped is lost.
        assert_eq!(said, [(361, LastMinute), (421, Ended)]);
    }

    #[test]
    fn a_new_start_continues_the_session() {
        let start = Instant::now();
        let mut first = session(2);
        assert_eq!(run(&mut first, start, 0..91, |_| true), [(60, LastMinute)]);
        let mut second = Session::new(Some(2 * MINUTE), first.state());
        assert_eq!(run(&mut second, start, 100..200, |_| true), [(130, Ended)]);
        let third = Session::new(Some(2 * MINUTE), second.state());
        assert!(third.has_ended());
        // The restart had another configuration.
        assert!(!Session::new(None, second.state()).has_ended());
    }

    #[test]
    fn another_session_is_as_long_as_the_first() {
        let (start, mut session) = (Instant::now(), session(2));
        run(&mut session, start, 0..121, |_| true);
        assert!(session.has_ended());
        assert_eq!(run(&mut session, start, 121..500, |_| false), []);
        session.restart();
        let said = run(&mut session, start, 1000..2000, |_| true);
        assert_eq!(said, [(1060, LastMinute), (1120, Ended)]);
    }

    #[test]
    fn time_that_jumps_back_or_far_ahead_ends_it_at_most_once() {
        let (start, mut session) = (Instant::now(), session(5));
        let day = start + Duration::from_secs(86_400);
        assert_eq!(session.tick(day, true), None);
        assert_eq!(session.tick(start, true), None);
        assert_eq!(session.tick(day, true), Some(Ended));
        assert_eq!(session.tick(day, true), None);
    }
}
