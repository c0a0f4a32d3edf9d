//! Files: every frame is processed, one after the other, until the end, a limit or a signal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use emocue_models::luma::Luma;

use super::{BadgeError, Tally};
use crate::camera::{Camera, CameraError, CameraRead, FrameInfo};
use crate::show::{self, Display, ShownFrame};
use crate::vision::Vision;

/// Shows every frame of `camera` on all `displays`, until it ends, `limit` frames were shown, `stop` is set, or
/// a display is closed.
///
/// A frame that cannot be read is counted and passed to `complain`; the run continues with the next one.
///
/// # Errors
/// [`BadgeError`] when a network or a display fails.
pub fn run(
    camera: &mut dyn Camera,
    vision: &mut Vision,
    displays: &mut [Box<dyn Display>],
    limit: Option<u64>,
    stop: &AtomicBool,
    complain: impl FnMut(CameraError),
) -> Result<Tally, BadgeError> {
    let shown = show_all(camera, vision, displays, limit, stop, complain);
    // Whatever happened: a panel is dark afterwards, and a video can be played.
    let finished = show::finish(displays);
    let tally = shown?;
    match finished {
        Err(error) if error.is_closed() => {}
        finished => finished?,
    }
    Ok(tally)
}

fn show_all(
    camera: &mut dyn Camera,
    vision: &mut Vision,
    displays: &mut [Box<dyn Display>],
    limit: Option<u64>,
    stop: &AtomicBool,
    mut complain: impl FnMut(CameraError),
) -> Result<Tally, BadgeError> {
    let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
    let mut tally = Tally::default();
    while limit.is_none_or(|limit| tally.shown < limit) && !stop.load(Ordering::Relaxed) {
        match camera.next(&mut frame, &mut info) {
            Ok(CameraRead::Frame) => {}
            Ok(CameraRead::End) => break,
            Ok(CameraRead::Nothing | CameraRead::Silent(_)) => continue,
            // Ctrl-C ends the stream's writer as well, in the middle of a frame.
            Err(_) if stop.load(Ordering::Relaxed) => break,
            Err(error) => {
                tally.unreadable += 1;
                complain(error);
                continue;
            }
        }
        let report = vision.look(&frame, &info)?;
        let now = Instant::now();
        let shown = ShownFrame { luma: &frame, colors: camera.colors(), rate: camera.rate() };
        for display in displays.iter_mut() {
            match display.show(Some(shown), report, now) {
                Err(error) if error.is_closed() => return Ok(tally),
                shown => shown?,
            }
        }
        tally.shown += 1;
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use emocue_models::geometry::Face;
    use emocue_models::label::{FERPLUS_8, LabelSet};
    use emocue_run::{Classifier, Detector, RunError};

    use super::*;
    use crate::answer::FrameReport;
    use crate::show::ShowError;

    /// Frames 0, 1, 2, … of which the listed ones cannot be read.
    struct Numbers {
        next: u64,
        count: u64,
        bad: &'static [u64],
    }

    impl Camera for Numbers {
        fn next(
            &mut self,
            frame: &mut Luma,
            info: &mut FrameInfo,
        ) -> Result<CameraRead, CameraError> {
            let index = self.next;
            self.next += 1;
            if self.bad.contains(&index) {
                let reason = io::Error::other("bad sector");
                return Err(CameraError::Io { name: index.to_string(), reason });
            }
            frame.reshape(1, 1);
            info.index = index;
            Ok(if index < self.count { CameraRead::Frame } else { CameraRead::End })
        }
    }

    struct NoFaces;

    impl Detector for NoFaces {
        fn detect(&mut self, _: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
            faces.clear();
            Ok(())
        }
    }

    impl Classifier for NoFaces {
        fn labels(&self) -> LabelSet {
            FERPLUS_8
        }

        fn classify(&mut self, _: &Luma, _: &Face) -> Result<&[f32], RunError> {
            Ok(&[])
        }
    }

    /// Records every frame's index; from frame `closes_at` on its reader is closed.
    struct Notes {
        seen: Arc<Mutex<Vec<u64>>>,
        closes_at: u64,
    }

    /// Fails with the first frame, or records that it is finished.
    struct Panel {
        fails: bool,
        finished: Arc<Mutex<bool>>,
    }

    impl Display for Panel {
        fn show(
            &mut self,
            _: Option<ShownFrame<'_>>,
            _: &FrameReport,
            _: Instant,
        ) -> Result<(), ShowError> {
            let full = || ShowError::Output { source: io::ErrorKind::StorageFull.into() };
            if self.fails { Err(full()) } else { Ok(()) }
        }

        fn finish(&mut self) -> Result<(), ShowError> {
            *self.finished.lock().unwrap() = true;
            if self.fails { Err(ShowError::Closed) } else { Ok(()) }
        }
    }

    impl Display for Notes {
        fn show(
            &mut self,
            _: Option<ShownFrame<'_>>,
            report: &FrameReport,
            _: Instant,
        ) -> Result<(), ShowError> {
            if report.index >= self.closes_at {
                return Err(ShowError::Closed);
            }
            self.seen.lock().unwrap().push(report.index);
            Ok(())
        }
    }

    struct Outcome {
        tally: Tally,
        seen: Vec<u64>,
        complaints: usize,
    }

    fn run_of(bad: &'static [u64], limit: Option<u64>, closes_at: u64, stop: bool) -> Outcome {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut displays: Vec<Box<dyn Display>> =
            vec![Box::new(Notes { seen: Arc::clone(&seen), closes_at })];
        let mut camera = Numbers { next: 0, count: 5, bad };
        let mut vision = Vision::new(Box::new(NoFaces), Box::new(NoFaces), 0.5).unwrap();
        let (stop, mut complaints) = (AtomicBool::new(stop), 0);
        let complain = |_| complaints += 1;
        let tally = run(&mut camera, &mut vision, &mut displays, limit, &stop, complain).unwrap();
        let seen = seen.lock().unwrap().clone();
        Outcome { tally, seen, complaints }
    }

    #[test]
    fn a_bad_frame_is_reported_and_the_rest_continue() {
        let outcome = run_of(&[0, 3], None, u64::MAX, false);
        assert_eq!(outcome.seen, [1, 2, 4]);
        assert_eq!(outcome.tally, Tally { shown: 3, unreadable: 2 });
        assert_eq!(outcome.complaints, 2);
    }

    /// A stream that the signal cuts off while its frame is read.
    struct CutBySignal<'a>(&'a AtomicBool);

    impl Camera for CutBySignal<'_> {
        fn next(&mut self, _: &mut Luma, _: &mut FrameInfo) -> Result<CameraRead, CameraError> {
            self.0.store(true, Ordering::Relaxed);
            let name = "stdin".to_owned();
            Err(CameraError::Truncated { name, at: 7, missing: "the last frame is incomplete" })
        }
    }

    #[test]
    fn a_stream_that_ends_with_the_signal_is_no_complaint() {
        let stop = AtomicBool::new(false);
        let mut vision = Vision::new(Box::new(NoFaces), Box::new(NoFaces), 0.5).unwrap();
        let complain = |error| panic!("{error}");
        let tally =
            run(&mut CutBySignal(&stop), &mut vision, &mut [], None, &stop, complain).unwrap();
        assert_eq!(tally, Tally::default());
    }

    #[test]
    fn all_displays_are_finished_whatever_ends_the_run() {
        let finished: [Arc<Mutex<bool>>; 2] = Default::default();
        let mut displays: Vec<Box<dyn Display>> = Vec::new();
        for (fails, finished) in [true, false].into_iter().zip(&finished) {
            displays.push(Box::new(Panel { fails, finished: Arc::clone(finished) }));
        }
        let mut camera = Numbers { next: 0, count: 5, bad: &[] };
        let mut vision = Vision::new(Box::new(NoFaces), Box::new(NoFaces), 0.5).unwrap();
        let stop = AtomicBool::new(false);
        let ended = run(&mut camera, &mut vision, &mut displays, None, &stop, |_| ());
        assert!(matches!(ended, Err(BadgeError::Show(ShowError::Output { .. }))), "{ended:?}");
        assert!(finished.iter().all(|finished| *finished.lock().unwrap()));
    }

    #[test]
    fn a_limit_a_signal_and_a_closed_display_end_the_run() {
        assert_eq!(run_of(&[], Some(2), u64::MAX, false).seen, [0, 1]);
        assert_eq!(run_of(&[], None, u64::MAX, true).seen, [0; 0]);
        assert_eq!(run_of(&[], None, 3, false).tally, Tally { shown: 3, unreadable: 0 });
    }
}
