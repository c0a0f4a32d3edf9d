//! The panel on a simulated chip, with a manual clock.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use emocue_config::{Controller, Mode, PanelSettings, PanelSize};
use emocue_models::label::Expression;
use proptest::prelude::*;

use super::sim::{Sim, Wires, look};
use super::{Notice, Oled};
use crate::answer::{Answer, Screen};
use crate::show::art::SCREENS;
use crate::show::panel::Panel;
use crate::show::{self, Display, fixture};

const HAPPY: Screen = Screen::looks(Expression::Happiness);
const NO_FACE: Screen = Screen::Answer(Answer::NoFace);
const UNSURE: Screen = Screen::Answer(Answer::Unsure);
const MODES: [Mode; 3] = [Mode::Emoji, Mode::Word, Mode::Both];

/// A badge's panel with its chip and clock.
struct Bench {
    oled: Oled<Wires>,
    sim: Arc<Mutex<Sim>>,
    now: Instant,
    notices: Arc<Mutex<Vec<Notice>>>,
    settings: PanelSettings,
}

impl Bench {
    fn new(settings: PanelSettings, mode: Mode) -> Self {
        let (wires, sim) = Sim::new(settings.controller, settings.address);
        let now = Instant::now();
        let notices = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&notices);
        let shown = show::ShowSettings { mode, ..show::ShowSettings::default() };
        let oled = Oled::new(wires, settings.clone(), shown, now, move |notice| {
            heard.lock().unwrap().push(notice);
        });
        Self { oled, sim, now, notices, settings }
    }

    fn show(&mut self, screen: Screen) {
        let report = fixture::report("camera", 0, None, screen);
        self.oled.show(None, &report, self.now).unwrap();
    }

    /// Advances the time while the loop repeats the screen once a second.
    fn repeat(&mut self, screen: Screen, seconds: u32) {
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            self.show(screen);
        }
    }

    fn seen(&self) -> Vec<bool> {
        look(&self.sim).seen(self.settings.size, self.settings.upside_down)
    }

    fn is_dark(&self) -> bool {
        !self.seen().contains(&true)
    }

    fn bytes(&self) -> usize {
        look(&self.sim).bytes
    }

    fn notices(&self) -> Vec<Notice> {
        self.notices.lock().unwrap().clone()
    }
}

/// The picture that the panel must show.
fn golden(screen: Screen, panel: PanelSize, mode: Mode) -> Vec<bool> {
    let mut golden = Panel::new(panel);
    golden.show(screen, &show::ShowSettings { panel, mode, ..show::ShowSettings::default() });
    golden.pixels().to_vec()
}

fn shifted(picture: &[bool], right: usize, down: usize) -> Vec<bool> {
    let at = |i: usize| {
        let (x, y) = (i % 128, i / 128);
        x >= right && y >= down && picture[(y - down) * 128 + x - right]
    };
    (0..picture.len()).map(at).collect()
}

#[test]
fn every_answer_is_seen_as_it_was_drawn() {
    for controller in [Controller::Ssd1306, Controller::Sh1106] {
        for size in [PanelSize::Tall, PanelSize::Flat] {
            for upside_down in [false, true] {
                let settings =
                    PanelSettings { controller, size, upside_down, ..PanelSettings::default() };
                let mut bench = Bench::new(settings, Mode::Both);
                for mode in MODES {
                    bench.oled.set_mode(mode, bench.now).unwrap();
                    for answer in SCREENS {
                        bench.show(answer);
                        assert!(
                            bench.seen() == golden(answer, size, mode),
                            "{answer:?} {mode:?} {size:?} {controller:?} upside down: {upside_down}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn noise_and_old_pictures_are_never_lit() {
    let mut bench = Bench::new(PanelSettings::default(), Mode::Both);
    // A program that crashed left the panel on; one write fails as well.
    look(&bench.sim).on = true;
    look(&bench.sim).refuse = 1;
    bench.show(HAPPY);
    assert!(!look(&bench.sim).written_while_on);
    assert_eq!(bench.seen(), golden(HAPPY, PanelSize::Tall, Mode::Both));
}

#[test]
fn nothing_is_written_while_nothing_changes() {
    let mut bench = Bench::new(PanelSettings::default(), Mode::Both);
    bench.show(HAPPY);
    let writes = look(&bench.sim).writes;
    bench.repeat(HAPPY, 29);
    bench.oled.set_mode(Mode::Both, bench.now).unwrap();
    assert_eq!(look(&bench.sim).writes, writes);
}

#[test]
fn a_change_writes_only_what_differs_in_long_runs() {
    let mut bench = Bench::new(PanelSettings::default(), Mode::Emoji);
    bench.show(Screen::looks(Expression::Neutral));
    let (bytes, writes) = (bench.bytes(), look(&bench.sim).writes);
    assert!(look(&bench.sim).longest == 129, "a page is one write");
    bench.show(HAPPY);
    let sim = look(&bench.sim);
    let (bytes, writes) = (sim.bytes - bytes, sim.writes - writes);
    // Two eyes and a mouth, of 1 KB in all.
    assert!((100..320).contains(&bytes), "{bytes} bytes");
    assert!(writes <= 30, "{writes} writes");
}

#[test]
fn it_dims_then_blanks_and_wakes_for_news() {
    let settings = PanelSettings { shift_every_s: 0, ..PanelSettings::default() };
    let mut bench = Bench::new(settings.clone(), Mode::Both);
    bench.show(NO_FACE);
    assert_eq!(look(&bench.sim).contrast, settings.brightness);
    bench.repeat(NO_FACE, settings.dim_after_s);
    assert_eq!(look(&bench.sim).contrast, settings.dim_brightness);
    assert!(!bench.is_dark());
    bench.repeat(NO_FACE, settings.blank_after_s - settings.dim_after_s);
    assert!(bench.is_dark() && !look(&bench.sim).on);
    let bytes = bench.bytes();
    bench.repeat(NO_FACE, 1000);
    assert_eq!(bench.bytes(), bytes, "a dark panel is left alone");

    bench.show(HAPPY);
    assert_eq!(bench.seen(), golden(HAPPY, PanelSize::Tall, Mode::Both));
    assert_eq!(look(&bench.sim).contrast, settings.brightness);
    // While a face is present, the panel stays dimmed.
    bench.repeat(HAPPY, 2 * settings.blank_after_s);
    assert!(!bench.is_dark());
    assert_eq!(look(&bench.sim).contrast, settings.dim_brightness);

    bench.repeat(Screen::Paused, settings.blank_after_s + 1);
    assert!(bench.is_dark());
    bench.oled.set_mode(Mode::Word, bench.now).unwrap();
    assert_eq!(bench.seen(), golden(Screen::Paused, PanelSize::Tall, Mode::Word), "at once");
}

#[test]
fn never_means_never() {
    let settings = PanelSettings {
        dim_after_s: 0,
        blank_after_s: 0,
        shift_every_s: 0,
        ..PanelSettings::default()
    };
    let mut bench = Bench::new(settings.clone(), Mode::Both);
    bench.show(NO_FACE);
    bench.repeat(NO_FACE, 4000);
    assert_eq!(bench.seen(), golden(NO_FACE, PanelSize::Tall, Mode::Both));
    assert_eq!(look(&bench.sim).contrast, settings.brightness);
}

#[test]
fn the_picture_moves_by_a_pixel_and_returns() {
    let settings =
        PanelSettings { blank_after_s: 0, shift_every_s: 10, ..PanelSettings::default() };
    let mut bench = Bench::new(settings, Mode::Both);
    let still = golden(HAPPY, PanelSize::Tall, Mode::Both);
    bench.show(HAPPY);
    for (right, down) in [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)] {
        assert!(bench.seen() == shifted(&still, right, down), "{right} right, {down} down");
        bench.repeat(HAPPY, 10);
    }
}

#[test]
fn one_write_that_goes_astray_is_made_good_at_once_and_not_told() {
    let mut bench = Bench::new(PanelSettings::default(), Mode::Both);
    bench.show(NO_FACE);
    look(&bench.sim).refuse = 1;
    bench.show(HAPPY);
    assert_eq!(bench.seen(), golden(HAPPY, PanelSize::Tall, Mode::Both));
    assert_eq!(bench.notices(), []);
}

#[test]
fn a_panel_that_is_pulled_out_and_put_back_shows_the_answer_again() {
    let mut bench = Bench::new(PanelSettings::default(), Mode::Both);
    bench.show(NO_FACE);
    look(&bench.sim).unplug();
    bench.show(HAPPY);
    bench.repeat(HAPPY, 20);
    let lost = bench.notices();
    assert!(matches!(lost.as_slice(), [Notice::Lost { address: 0x3c, .. }]), "{lost:?}");
    let text = lost[0].to_string();
    assert!(text.contains("0x3c") && text.contains("acknowledge") && text.contains("i2cdetect"));
    look(&bench.sim).plug();
    bench.repeat(HAPPY, 5);
    assert_eq!(bench.seen(), golden(HAPPY, PanelSize::Tall, Mode::Both));
    assert_eq!(bench.notices()[1..], [Notice::Back { address: 0x3c }]);
}

#[test]
fn a_panel_that_lost_its_power_between_two_writes_comes_back_within_a_minute() {
    let mut bench = Bench::new(PanelSettings::default(), Mode::Both);
    bench.show(HAPPY);
    look(&bench.sim).unplug();
    look(&bench.sim).plug();
    bench.show(UNSURE);
    bench.repeat(UNSURE, 60);
    assert!(look(&bench.sim).on);
    let still = golden(UNSURE, PanelSize::Tall, Mode::Both);
    assert_eq!(bench.seen(), shifted(&still, 1, 0));
}

#[test]
fn a_panel_that_is_missing_is_asked_ever_more_rarely() {
    let mut bench = Bench::new(PanelSettings::default(), Mode::Both);
    look(&bench.sim).refuse = u32::MAX;
    let mut tried = Vec::new();
    for tenth in 0..300 {
        let before = look(&bench.sim).refuse;
        bench.show(HAPPY);
        if look(&bench.sim).refuse != before {
            tried.push(tenth);
        }
        bench.now += Duration::from_millis(100);
    }
    // Pauses of 0.25, 0.5, 1, 2, 4 and then 5 s, on the next tenth of a second.
    assert_eq!(tried, [0, 3, 8, 18, 38, 78, 128, 178, 228, 278]);
    assert_eq!(bench.notices().len(), 1);
}

#[test]
fn nothing_stays_lit_or_remembered_at_the_end() {
    let mut bench = Bench::new(PanelSettings::default(), Mode::Both);
    bench.show(HAPPY);
    // The last writes may fail as well.
    look(&bench.sim).refuse = 2;
    bench.oled.finish().unwrap();
    assert!(!look(&bench.sim).on);
    bench.show(NO_FACE);
    assert!(!look(&bench.sim).on, "it stays off");
    look(&bench.sim).on = true;
    assert!(bench.is_dark(), "its memory is empty");
}

#[test]
fn a_program_that_ends_on_an_error_leaves_nothing_lit() {
    let mut bench = Bench::new(PanelSettings::default(), Mode::Both);
    bench.show(HAPPY);
    drop(bench.oled);
    assert!(!look(&bench.sim).on);
}

#[test]
fn asking_whether_a_panel_is_there_changes_nothing() {
    let mut bench = Bench::new(PanelSettings::default(), Mode::Both);
    look(&bench.sim).on = true;
    assert_eq!(bench.oled.probe(), Ok(()));
    assert_eq!(look(&bench.sim).bytes, 2);
    look(&bench.sim).unplug();
    assert!(bench.oled.probe().unwrap_err().contains("acknowledge"));
    look(&bench.sim).plug();
    look(&bench.sim).on = true;
    drop(bench.oled);
    assert!(look(&bench.sim).on, "another program's panel stays lit");
}

/// Events of a panel.
#[derive(Clone, Debug)]
enum Event {
    Show(Screen),
    Mode(Mode),
    Pass(u64),
    Refuse(u32),
    Unplug,
    Plug,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => prop::sample::select(SCREENS.to_vec()).prop_map(Event::Show),
        1 => prop::sample::select(MODES.to_vec()).prop_map(Event::Mode),
        3 => (0..20_000u64).prop_map(Event::Pass),
        2 => (1..40u32).prop_map(Event::Refuse),
        1 => Just(Event::Unplug),
        1 => Just(Event::Plug),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_healthy_panel_shows_the_last_answer(
        events in prop::collection::vec(event(), 0..40),
        last in prop::sample::select(SCREENS.to_vec()),
        flat in any::<bool>(),
        sh1106 in any::<bool>(),
    ) {
        let size = if flat { PanelSize::Flat } else { PanelSize::Tall };
        let controller = if sh1106 { Controller::Sh1106 } else { Controller::Ssd1306 };
        let settings =
            PanelSettings { controller, size, blank_after_s: 0, shift_every_s: 0, ..PanelSettings::default() };
        let mut bench = Bench::new(settings, Mode::Both);
        let mut mode = Mode::Both;
        for event in events {
            match event {
                Event::Show(answer) => bench.show(answer),
                Event::Mode(next) => {
                    mode = next;
                    bench.oled.set_mode(next, bench.now).unwrap();
                }
                Event::Pass(ms) => bench.now += Duration::from_millis(ms),
                Event::Refuse(writes) => look(&bench.sim).refuse = writes,
                Event::Unplug => look(&bench.sim).unplug(),
                Event::Plug => look(&bench.sim).plug(),
            }
        }
        look(&bench.sim).plug();
        look(&bench.sim).refuse = 0;
        bench.show(last);
        bench.repeat(last, 61);
        prop_assert!(bench.seen() == golden(last, size, mode));
        let told = bench.notices().len();
        prop_assert!(told.is_multiple_of(2), "a reader that learned of the loss learns of the return");
    }
}
