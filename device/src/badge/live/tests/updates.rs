//! Questions to the wearer, and other bundles, in the event loop.

use emocue_link::consent::Ask;

use super::*;
use crate::badge::update::MonitorSetup;
use crate::slots::consent::{ConsentChannel, ConsentError};

fn monitor(state: &std::path::Path) -> UpdateMonitor {
    let presence = ConsentChannel::new(state).announce().map(Arc::new);
    let watched = MonitorSetup {
        state,
        mark: Vec::new(),
        on_trial: false,
        healthy: Duration::from_secs(60),
        has_button: true,
        has_panel: true,
        presence,
    };
    UpdateMonitor::new(watched, Arc::default())
}

pub(super) fn watched(state: &std::path::Path, paused: bool) -> BenchSetup {
    BenchSetup { paused, monitor: Some(monitor(state)), ..BenchSetup::default() }
}

#[test]
fn a_question_is_shown_and_the_button_answers_it_instead_of_doing_what_it_always_does() {
    let state = tempfile::tempdir().unwrap();
    let badge = bench_with(Cue::Frame(0), watched(state.path(), false));
    badge.looks(1);
    for (press, agrees) in [(Press::Held, true), (Press::Short, false)] {
        let consent = ConsentChannel::new(state.path());
        let (tells, told) = channel();
        let asks = thread::spawn(move || {
            consent.ask(Ask::NewMaker, [1; 32], [2; 32], |question| tells.send(*question).unwrap())
        });
        let question = told.recv_timeout(PATIENCE).unwrap();
        let (ask, code) = (question.ask, question.code());
        badge.shows(Screen::Question { ask, code, counts: false });
        // It neither pauses nor answers while the button is held.
        badge.button.send(Press::Long).unwrap();
        badge.button.send(press).unwrap();
        match asks.join().unwrap() {
            Ok(()) => assert!(agrees),
            Err(error) => assert!(!agrees && matches!(error, ConsentError::Declined), "{error}"),
        }
        badge.looks(2);
        assert_eq!(badge.open_and_lit(), (true, true));
        let notices = badge.notices.lock().unwrap().clone();
        let asked = notices.iter().find(|notice| notice.contains(&code.to_string())).unwrap();
        assert!(asked.starts_with("a host asks: Trust new maker?"), "{asked}");
    }
    badge.stop().0.unwrap();
}

#[test]
fn another_bundle_ends_the_run_for_a_new_start_that_stays_paused() {
    let state = tempfile::tempdir().unwrap();
    let badge = bench_with(Cue::Frame(0), watched(state.path(), true));
    badge.shows(Screen::Paused);
    assert_eq!(badge.open_and_lit(), (false, false));
    std::fs::create_dir(state.path().join("slots")).unwrap();
    std::fs::write(state.path().join("slots").join("state"), "another").unwrap();
    badge.until(&Seen::Finished);
    let ended = badge.run.join().unwrap().unwrap();
    assert_eq!(
        ended.again,
        Some(Again {
            mode: Mode::Both,
            paused: true,
            session: SessionState::default(),
            presses: Vec::new()
        })
    );
    assert_eq!(ended.tally.shown, 0);
    assert!(!*badge.led.lock().unwrap());
}
