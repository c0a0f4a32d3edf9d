//! A live badge with a scripted camera, a scripted button and a recording display.

mod cues;
mod practice;
mod updates;
#[cfg(unix)]
mod voice;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use emocue_models::geometry::{Face, Rect};
use emocue_models::label::{FERPLUS_8, LabelSet};
use emocue_run::{Classifier, Detector, RunError};

use emocue_models::luma::Luma;

use super::*;
use crate::answer::{Answer, FrameReport, Screen};
use crate::camera::v4l2::V4l2Error;
use crate::camera::{CameraError, CameraRead, FrameInfo};
use crate::cue::Press;
use crate::show::{ShowError, ShownFrame};
use crate::slots::consent::VISIBLE;

/// Longer than any step takes on a busy machine; only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the camera does next.
enum Cue {
    /// Gives a frame of this shade.
    Frame(u8),
    /// Gives frames of this shade from now on.
    Stay(u8),
    /// Fails.
    Fail(CameraError),
    /// Gives no more frames, without an error.
    Freeze,
    /// Ends, as a file does.
    End,
}

/// A scripted camera that reports whether it is open.
struct Notices {
    cues: Receiver<Cue>,
    open: Arc<Mutex<bool>>,
    frozen: bool,
    index: u64,
    /// The shade of frames without a cue; 0 is no face.
    shade: u8,
}

impl Notices {
    fn frame(&mut self, shade: u8, frame: &mut Luma, info: &mut FrameInfo) -> CameraRead {
        // A face is as large as its frame.
        frame.reshape(80, 80);
        frame.pixels_mut().fill(shade);
        info.index = self.index;
        info.captured = Some(Instant::now());
        self.index += 1;
        CameraRead::Frame
    }
}

impl Camera for Notices {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<CameraRead, CameraError> {
        *self.open.lock().unwrap() = true;
        match self.cues.recv_timeout(Duration::from_millis(50)) {
            Ok(Cue::Frame(shade)) => Ok(self.frame(shade, frame, info)),
            Ok(Cue::Stay(shade)) => {
                self.shade = shade;
                Ok(self.frame(shade, frame, info))
            }
            Ok(Cue::Fail(error)) => Err(error),
            Ok(Cue::End) => Ok(CameraRead::End),
            Ok(Cue::Freeze) => {
                self.frozen = true;
                Ok(CameraRead::Nothing)
            }
            Err(_) if self.frozen => Ok(CameraRead::Nothing),
            Err(_) => Ok(self.frame(self.shade, frame, info)),
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn close(&mut self) {
        *self.open.lock().unwrap() = false;
    }
}

/// A frame's shade is the class of the face in it; 0 is no face.
struct Shade(Vec<f32>);

impl Detector for Shade {
    fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
        faces.clear();
        if frame.pixels()[0] > 0 {
            let rect = Rect::new(0.0, 0.0, 80.0, 80.0);
            faces.push(Face { rect, score: 1.0, landmarks: None });
        }
        Ok(())
    }
}

impl Classifier for Shade {
    fn labels(&self) -> LabelSet {
        FERPLUS_8
    }

    fn classify(&mut self, frame: &Luma, _: &Face) -> Result<&[f32], RunError> {
        self.0.fill(0.0);
        self.0[usize::from(frame.pixels()[0])] = 1.0;
        Ok(&self.0)
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Shown(Screen),
    Mode(Mode),
    Journal(bool),
    Finished,
}

struct Watcher(Sender<Seen>);

impl Display for Watcher {
    fn show(
        &mut self,
        _: Option<ShownFrame<'_>>,
        report: &FrameReport,
        _: Instant,
    ) -> Result<(), ShowError> {
        let is_game = matches!(report.shown, Screen::Practice(_) | Screen::KeepsPictures { .. });
        assert!(!is_game || report.faces.is_empty(), "a covered answer can be seen");
        let _ = self.0.send(Seen::Shown(report.shown));
        Ok(())
    }

    fn set_mode(&mut self, mode: Mode, _: Instant) -> Result<(), ShowError> {
        let _ = self.0.send(Seen::Mode(mode));
        Ok(())
    }

    fn set_journal(&mut self, on: bool, _: Instant) -> Result<(), ShowError> {
        let _ = self.0.send(Seen::Journal(on));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ShowError> {
        let _ = self.0.send(Seen::Finished);
        Ok(())
    }
}

struct Light(Arc<Mutex<bool>>);

impl Output for Light {
    fn set(&mut self, on: bool) -> Result<(), CueError> {
        *self.0.lock().unwrap() = on;
        Ok(())
    }
}

/// A running badge and the handles of a test.
struct Bench {
    camera: Sender<Cue>,
    button: Sender<Press>,
    seen: Receiver<Seen>,
    stop: Arc<AtomicBool>,
    open: Arc<Mutex<bool>>,
    led: Arc<Mutex<bool>>,
    notices: Arc<Mutex<Vec<String>>>,
    run: JoinHandle<Result<Ended, BadgeError>>,
}

fn bench(wait_for_camera: bool, first: Cue) -> Bench {
    bench_with(first, BenchSetup { wait_for_camera, ..BenchSetup::default() })
}

/// What tests vary.
#[derive(Default)]
struct BenchSetup {
    wait_for_camera: bool,
    paused: bool,
    monitor: Option<UpdateMonitor>,
    motor: Option<Motor>,
    voice: Option<Voice>,
    session: SessionSettings,
    session_state: SessionState,
    presses: Vec<TimedPress>,
    wearer: WearerOptions,
    game: Option<GameKind>,
}

fn bench_with(first: Cue, setup: BenchSetup) -> Bench {
    let BenchSetup {
        wait_for_camera,
        paused,
        monitor,
        motor,
        voice,
        session,
        session_state,
        presses: late,
        wearer,
        game,
    } = setup;
    let (camera, cues) = channel();
    camera.send(first).unwrap();
    let (button, presses) = channel();
    let (sees, seen) = channel();
    let (open, led) = (Arc::default(), Arc::default());
    let (stop, notices) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<String>>>::default());
    let live = Live {
        camera: Box::new(Notices {
            cues,
            open: Arc::clone(&open),
            frozen: false,
            index: 0,
            shade: 0,
        }),
        parts: LiveParts {
            vision: Vision::new(Box::new(Shade(Vec::new())), Box::new(Shade(vec![0.0; 8])), 0.5)
                .unwrap(),
            displays: vec![Box::new(Watcher(sees))],
            cues: Cues {
                led: Some(Box::new(Light(Arc::clone(&led)))),
                button: Some(Box::new(move |wait| {
                    let press = presses.recv_timeout(wait).ok();
                    // As if every question had been visible long enough.
                    let began = Instant::now() + VISIBLE;
                    Ok(press.map(|press| TimedPress { press, began }))
                })),
                motor,
                voice,
                ..Cues::default()
            },
            thermometer: Thermometer::default(),
            watchdog: Watchdog::from_env(),
            monitor,
            hub: Arc::default(),
        },
        options: LiveOptions {
            presses: late,
            mode: Mode::Both,
            paused,
            pace: PaceSettings { fps: 60.0, ..PaceSettings::default() },
            vibration: VibrationSettings::default(),
            session,
            session_state,
            wearer,
            game,
            seed: 1,
            wait_for_camera,
            limit: None,
        },
    };
    let run = {
        let (stop, notices) = (Arc::clone(&stop), Arc::clone(&notices));
        thread::spawn(move || {
            live.run(&stop, |notice| notices.lock().unwrap().push(notice.to_string()))
        })
    };
    Bench { camera, button, seen, stop, open, led, notices, run }
}

impl Bench {
    /// Waits until the displays have received this.
    fn until(&self, wanted: &Seen) {
        let deadline = Instant::now() + PATIENCE;
        while self.seen.recv_timeout(deadline - Instant::now()).expect("it is never shown")
            != *wanted
        {}
    }

    fn shows(&self, screen: impl Into<Screen>) {
        self.until(&Seen::Shown(screen.into()));
    }

    fn open_and_lit(&self) -> (bool, bool) {
        (*self.open.lock().unwrap(), *self.led.lock().unwrap())
    }

    fn looks(&self, class: u8) {
        let looks = Answer::Looks(FERPLUS_8.expression(usize::from(class)).unwrap());
        let wanted = Seen::Shown(looks.into());
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            // On a busy machine the next frame may replace it before it is processed.
            self.camera.send(Cue::Frame(class)).unwrap();
            let again = Instant::now() + Duration::from_secs(2);
            while let Ok(seen) =
                self.seen.recv_timeout(again.saturating_duration_since(Instant::now()))
            {
                if seen == wanted {
                    return;
                }
            }
        }
        panic!("{wanted:?} is never shown");
    }

    /// Stops it, and returns its log.
    fn stop(self) -> (Result<Ended, BadgeError>, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let done = self.run.join().unwrap();
        assert!(self.seen.try_iter().any(|seen| seen == Seen::Finished), "the panel stays lit");
        assert_eq!((*self.open.lock().unwrap(), *self.led.lock().unwrap()), (false, false));
        let notices = self.notices.lock().unwrap().clone();
        (done, notices)
    }
}

fn unplugged() -> CameraError {
    V4l2Error::Unplugged { name: "/dev/video0".to_owned() }.into()
}

#[test]
fn a_face_is_shown_and_everything_is_off_after_the_end() {
    let badge = bench(false, Cue::Frame(0));
    badge.shows(Screen::Starting);
    badge.looks(1);
    assert_eq!(badge.open_and_lit(), (true, true));
    let (done, notices) = badge.stop();
    assert!(done.unwrap().tally.shown >= 1);
    assert_eq!(notices[0], "camera streams");
    assert!(notices[1].contains("ms old on average"), "{notices:?}");
}

#[test]
fn a_long_press_closes_the_camera_before_it_says_so_and_another_resumes() {
    let badge = bench(false, Cue::Frame(0));
    badge.looks(1);
    badge.button.send(Press::Long).unwrap();
    badge.shows(Screen::Paused);
    assert_eq!(badge.open_and_lit(), (false, false));
    badge.button.send(Press::Long).unwrap();
    badge.shows(Screen::Starting);
    badge.looks(2);
    assert_eq!(badge.open_and_lit(), (true, true));
    let (done, notices) = badge.stop();
    assert!(done.is_ok());
    assert_eq!(notices[1..4], ["paused: the camera is closed", "resumes", "camera streams"]);
}

#[test]
fn presses_in_quick_succession_count_one_by_one() {
    let badge = bench(false, Cue::Frame(0));
    badge.looks(1);
    badge.button.send(Press::Long).unwrap();
    badge.shows(Screen::Paused);
    badge.button.send(Press::Long).unwrap();
    badge.button.send(Press::Long).unwrap();
    badge.shows(Screen::Starting);
    badge.shows(Screen::Paused);
    assert_eq!(badge.open_and_lit(), (false, false));
    badge.stop().0.unwrap();
}

#[test]
fn a_press_that_came_too_late_for_the_run_before_counts() {
    let late = TimedPress { press: Press::Long, began: Instant::now() };
    let badge =
        bench_with(Cue::Frame(0), BenchSetup { presses: vec![late], ..BenchSetup::default() });
    badge.shows(Screen::Paused);
    badge.stop().0.unwrap();
}

#[test]
fn a_short_press_changes_the_mode() {
    let badge = bench(false, Cue::Frame(0));
    badge.looks(1);
    for mode in [Mode::Emoji, Mode::Word, Mode::Both] {
        badge.button.send(Press::Short).unwrap();
        badge.until(&Seen::Mode(mode));
    }
    badge.stop().0.unwrap();
}

#[test]
fn an_unplugged_camera_is_reported_once_and_comes_back_by_itself() {
    let badge = bench(false, Cue::Frame(0));
    badge.looks(1);
    for _ in 0..3 {
        badge.camera.send(Cue::Fail(unplugged())).unwrap();
    }
    badge.shows(Screen::CameraMissing);
    badge.looks(3);
    let (done, notices) = badge.stop();
    assert_eq!(done.unwrap().tally.unreadable, 1);
    let told: Vec<_> =
        notices.iter().filter(|notice| notice.starts_with("camera missing")).collect();
    assert_eq!(told.len(), 1, "{notices:?}");
}

#[test]
fn a_camera_that_is_still_missing_after_a_pause_is_shown_as_missing_again() {
    let badge = bench(true, Cue::Fail(unplugged()));
    badge.shows(Screen::CameraMissing);
    badge.button.send(Press::Long).unwrap();
    badge.shows(Screen::Paused);
    badge.camera.send(Cue::Fail(unplugged())).unwrap();
    badge.button.send(Press::Long).unwrap();
    badge.shows(Screen::CameraMissing);
    badge.looks(1);
    badge.stop().0.unwrap();
}

#[test]
fn a_camera_that_is_missing_from_the_start_ends_the_run_unless_it_is_waited_for() {
    let badge = bench(false, Cue::Fail(unplugged()));
    badge.until(&Seen::Finished);
    let Bench { run, led, .. } = badge;
    assert!(matches!(
        run.join().unwrap(),
        Err(BadgeError::Camera(CameraError::V4l2(V4l2Error::Unplugged { .. })))
    ));
    assert!(!*led.lock().unwrap());

    let badge = bench(true, Cue::Fail(unplugged()));
    badge.shows(Screen::CameraMissing);
    badge.looks(4);
    badge.stop().0.unwrap();
}

#[test]
fn an_answer_does_not_outlive_a_camera_that_freezes() {
    let badge = bench(false, Cue::Frame(0));
    badge.looks(1);
    badge.camera.send(Cue::Freeze).unwrap();
    badge.shows(Screen::Starting);
    badge.stop().0.unwrap();
}

#[test]
fn a_source_that_ends_ends_the_run() {
    let badge = bench(false, Cue::Frame(0));
    badge.looks(1);
    badge.camera.send(Cue::End).unwrap();
    badge.until(&Seen::Finished);
    assert!(badge.run.join().unwrap().is_ok());
}
