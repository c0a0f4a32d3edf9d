//! The session's clock and the motor in the event loop.

use super::updates::watched;
use super::*;

const MINUTE: Duration = Duration::from_secs(60);

/// A badge whose session of `minutes` has lasted for `spent`.
fn in_session(minutes: u32, spent: Duration) -> Bench {
    let session = SessionSettings { minutes };
    let session_state = SessionState::lasted(spent);
    bench_with(Cue::Frame(0), BenchSetup { session, session_state, ..BenchSetup::default() })
}

#[test]
fn a_session_that_has_ended_is_paused_until_a_press_starts_another() {
    // The first look comes before the first whole second.
    for press in [Press::Short, Press::Long] {
        let badge = in_session(1, MINUTE - Duration::from_millis(500));
        badge.shows(Screen::SessionEnded);
        assert_eq!(badge.open_and_lit(), (false, false));
        badge.button.send(press).unwrap();
        badge.shows(Screen::Starting);
        badge.looks(2);
        assert_eq!(badge.open_and_lit(), (true, true));
        // Now a long press pauses, as usual.
        badge.button.send(Press::Long).unwrap();
        badge.shows(Screen::Paused);
        let (done, notices) = badge.stop();
        assert!(done.is_ok());
        let told = |text: &str| notices.iter().filter(|line| line.starts_with(text)).count();
        assert_eq!((told("the session has ended"), told("another session begins")), (1, 1));
        assert_eq!(told("paused"), 1, "{notices:?}");
    }
}

#[test]
fn the_last_minute_is_shown_for_a_while_and_the_answer_again() {
    let badge = in_session(2, MINUTE - Duration::from_millis(500));
    badge.shows(Screen::LastMinute);
    badge.looks(1);
    assert_eq!(badge.open_and_lit(), (true, true));
    badge.stop().0.unwrap();
}

#[test]
fn a_new_start_neither_begins_another_session_nor_opens_the_camera() {
    let session = SessionSettings { minutes: 1 };
    let state = tempfile::tempdir().unwrap();
    let session_state = SessionState::lasted(MINUTE);
    let first = BenchSetup { session, session_state, ..watched(state.path(), false) };
    let badge = bench_with(Cue::Frame(0), first);
    badge.shows(Screen::SessionEnded);
    std::fs::create_dir(state.path().join("slots")).unwrap();
    std::fs::write(state.path().join("slots").join("state"), "another").unwrap();
    badge.until(&Seen::Finished);
    let Again { paused, session: session_state, .. } =
        badge.run.join().unwrap().unwrap().again.unwrap();
    let second = BenchSetup { session, session_state, paused, ..BenchSetup::default() };
    let badge = bench_with(Cue::Frame(0), second);
    badge.shows(Screen::SessionEnded);
    assert_eq!(badge.open_and_lit(), (false, false));
    badge.stop().0.unwrap();
}

/// Counts how often it is switched on.
struct Pulses(Arc<Mutex<usize>>);

impl Output for Pulses {
    fn set(&mut self, on: bool) -> Result<(), CueError> {
        *self.0.lock().unwrap() += usize::from(on);
        Ok(())
    }
}

#[test]
fn a_face_that_drops_out_is_not_felt_again() {
    let pulses = Arc::<Mutex<usize>>::default();
    let motor = Some(Motor::new(Box::new(Pulses(Arc::clone(&pulses))), |error| panic!("{error}")));
    let badge = bench_with(Cue::Frame(0), BenchSetup { motor, ..BenchSetup::default() });
    for _ in 0..3 {
        badge.looks(1);
        // The frames between are black.
        badge.shows(Answer::TooDark);
    }
    badge.stop().0.unwrap();
    let most = VibrationSettings::default().happiness.ms().len().div_ceil(2);
    let pulses = *pulses.lock().unwrap();
    assert!((1..=most).contains(&pulses), "{pulses} pulses");
}
