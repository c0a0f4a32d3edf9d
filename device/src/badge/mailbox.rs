//! The frame mailbox: capture overwrites, vision takes the newest, and every other event wakes the badge.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use emocue_models::colors::Colors;
use emocue_models::luma::Luma;

use crate::camera::{CameraError, FrameInfo};
use crate::cue::{CueError, TimedPress};

/// What the badge wants from the camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Frames.
    Stream,
    /// Nothing: the device is closed until frames are wanted again.
    Closed,
    /// The end of the capture thread.
    End,
}

/// What happened, most urgent first.
#[derive(Debug)]
pub(super) enum Event {
    /// The button.
    Press(TimedPress),
    /// The first frame after the camera was opened has arrived.
    Streams,
    /// The camera is closed, as requested.
    Closed,
    /// The camera gives no frames; capture tries again by itself if waiting may help.
    Missing(CameraError),
    /// The button's pin cannot be watched any more.
    Pin(CueError),
    /// The source is at its end.
    Ended,
    /// A frame was moved into the caller's buffers.
    Frame,
    /// Nothing happened until the caller's deadline.
    Nothing,
}

/// A frame with its information and colours. Its allocations are reused.
#[derive(Debug, Default)]
pub(super) struct Captured {
    pub(super) frame: Luma,
    pub(super) info: FrameInfo,
    /// The colours, if displays want them and the camera has them.
    pub(super) colors: Option<Colors>,
}

struct MailboxState {
    captured: Captured,
    fresh: bool,
    events: VecDeque<Event>,
    wanted: Wanted,
    /// Number of calls of [`Mailbox::want`].
    wishes: u64,
    /// When the capture thread last did something; `None` while it waits on purpose.
    capture: Option<Instant>,
}

/// The state that the threads of a badge share.
pub(super) struct Mailbox {
    state: Mutex<MailboxState>,
    changed: Condvar,
}

impl Mailbox {
    pub(super) fn new() -> Self {
        let state = MailboxState {
            captured: Captured::default(),
            fresh: false,
            events: VecDeque::with_capacity(16),
            wanted: Wanted::Stream,
            wishes: 0,
            capture: Some(Instant::now()),
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// A thread that panicked while it held the lock has left every field valid: each is set by one assignment.
    fn state(&self) -> MutexGuard<'_, MailboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the frame that was not taken by this one, and returns the old one's buffers.
    pub(super) fn put(&self, captured: &mut Captured) {
        let mut state = self.state();
        mem::swap(&mut state.captured, captured);
        state.fresh = true;
        state.capture = Some(Instant::now());
        self.changed.notify_all();
    }

    /// Posts an event. Once the camera has closed or is missing, an older frame is dropped.
    pub(super) fn post(&self, event: Event) {
        let mut state = self.state();
        if matches!(event, Event::Closed | Event::Missing(_)) {
            state.fresh = false;
        }
        state.events.push_back(event);
        self.changed.notify_all();
    }

    /// Waits for an event, or for a frame once `ready` has come, until `deadline`.
    pub(super) fn wait(&self, captured: &mut Captured, ready: Instant, deadline: Instant) -> Event {
        let mut state = self.state();
        loop {
            if let Some(event) = state.events.pop_front() {
                return event;
            }
            let now = Instant::now();
            if state.fresh && now >= ready {
                state.fresh = false;
                mem::swap(&mut state.captured, captured);
                return Event::Frame;
            }
            if now >= deadline {
                return Event::Nothing;
            }
            let until = if state.fresh { ready.min(deadline) } else { deadline };
            let wait = until.saturating_duration_since(now);
            state =
                self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes the presses that were not handled.
    pub(super) fn presses(&self) -> Vec<TimedPress> {
        let events = mem::take(&mut self.state().events);
        let press = |event| match event {
            Event::Press(press) => Some(press),
            _ => None,
        };
        events.into_iter().filter_map(press).collect()
    }

    /// Sets what is wanted from the camera.
    pub(super) fn want(&self, wanted: Wanted) {
        let mut state = self.state();
        state.wanted = wanted;
        state.wishes += 1;
        state.capture = Some(Instant::now());
        self.changed.notify_all();
    }

    /// What is wanted from the camera, and the number of the wish; called before each frame, which shows that capture is
    /// not stuck.
    pub(super) fn wanted(&self) -> (Wanted, u64) {
        let mut state = self.state();
        state.capture = Some(Instant::now());
        (state.wanted, state.wishes)
    }

    /// Waits for a wish after number `wish`, also for the same one, since each is answered; at most `limit`.
    pub(super) fn rest(&self, wish: u64, limit: Option<Duration>) {
        let mut state = self.state();
        state.capture = None;
        let deadline = limit.map(|limit| Instant::now() + limit);
        while state.wishes == wish {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            state = match left {
                Some(Duration::ZERO) => break,
                Some(left) => {
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        state.capture = Some(Instant::now());
    }

    /// How long the capture thread has been at one frame; zero while it rests on purpose.
    pub(super) fn capture_age(&self, now: Instant) -> Duration {
        let since = self.state().capture;
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cue::Press;

    fn captured(value: u8) -> Captured {
        let mut captured = Captured::default();
        captured.frame.reshape(1, 1);
        captured.frame.pixels_mut()[0] = value;
        captured.info.index = u64::from(value);
        captured.colors = Some(Colors::of_rgb(1, 1, [[value; 3]]));
        captured
    }

    #[test]
    fn the_newest_frame_wins_and_is_taken_once() {
        let mailbox = Mailbox::new();
        for value in [1, 2, 3] {
            mailbox.put(&mut captured(value));
        }
        let mut taken = captured(0);
        let now = Instant::now();
        assert!(matches!(mailbox.wait(&mut taken, now, now), Event::Frame));
        assert_eq!((taken.frame.pixels()[0], taken.info.index), (3, 3));
        assert_eq!(taken.colors, captured(3).colors);
        assert!(matches!(mailbox.wait(&mut taken, now, now), Event::Nothing));
    }

    #[test]
    fn a_frame_waits_for_its_time_and_events_do_not() {
        let mailbox = Mailbox::new();
        let mut taken = captured(1);
        mailbox.put(&mut taken);
        let now = Instant::now();
        mailbox.post(Event::Press(TimedPress { press: Press::Short, began: now }));
        let later = now + Duration::from_secs(3600);
        let event = mailbox.wait(&mut taken, later, now);
        assert!(matches!(event, Event::Press(TimedPress { press: Press::Short, .. })));
        assert!(matches!(mailbox.wait(&mut taken, later, now), Event::Nothing));
        assert!(matches!(mailbox.wait(&mut taken, now, now), Event::Frame));
    }

    #[test]
    fn no_frame_from_before_the_camera_closed_is_shown_afterwards() {
        let mailbox = Mailbox::new();
        let mut taken = captured(1);
        mailbox.put(&mut taken);
        mailbox.post(Event::Closed);
        let now = Instant::now();
        assert!(matches!(mailbox.wait(&mut taken, now, now), Event::Closed));
        assert!(matches!(mailbox.wait(&mut taken, now, now), Event::Nothing));
    }

    #[test]
    fn another_wish_ends_a_rest() {
        let mailbox = Mailbox::new();
        std::thread::scope(|scope| {
            let rest = scope.spawn(|| mailbox.rest(0, None));
            mailbox.want(Wanted::End);
            rest.join().unwrap();
        });
        assert_eq!(mailbox.wanted(), (Wanted::End, 1));
    }

    #[test]
    fn the_same_wish_again_ends_a_rest_too() {
        let mailbox = Mailbox::new();
        mailbox.want(Wanted::Closed);
        let (wanted, wish) = mailbox.wanted();
        assert_eq!(wanted, Wanted::Closed);
        // Before capture rests.
        mailbox.want(Wanted::Stream);
        mailbox.want(Wanted::Closed);
        mailbox.rest(wish, None);
        assert_eq!(mailbox.wanted(), (Wanted::Closed, wish + 2));
    }

    #[test]
    fn presses_that_were_not_handled_are_left() {
        let mailbox = Mailbox::new();
        let began = Instant::now();
        for press in [Press::Long, Press::Held] {
            mailbox.post(Event::Press(TimedPress { press, began }));
            mailbox.post(Event::Closed);
        }
        let left: Vec<_> = mailbox.presses().iter().map(|press| press.press).collect();
        assert_eq!(left, [Press::Long, Press::Held]);
        assert!(mailbox.presses().is_empty());
    }
}
