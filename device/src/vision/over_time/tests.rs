//! Faces over time, in a simulated scene: what is searched, followed and classified when, and what the screen shows.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use emocue_models::geometry::Face;
use emocue_models::label::{Expression, FERPLUS_8, LabelSet};

use super::super::Vision;
use super::*;
use crate::answer::Screen;

/// The simulated scene, and how often the networks were run.
#[derive(Default)]
struct World {
    /// The faces, each with its class and the probability of that.
    faces: Vec<(Face, usize, f32)>,
    cannot_follow: bool,
    /// The detector's turns, degrees; with them, a search finds only faces with about the same roll.
    turns: &'static [f32],
    /// Turns of the searches.
    looked: Vec<f32>,
    searches: usize,
    follows: usize,
    classified: usize,
}

#[derive(Clone, Default)]
struct Networks(Arc<Mutex<World>>, Vec<f32>);

impl Detector for Networks {
    fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
        self.detect_turned(frame, 0.0, &[], faces)
    }

    fn turns(&self) -> &'static [f32] {
        self.0.lock().unwrap().turns
    }

    fn detect_turned(
        &mut self,
        _: &Luma,
        turn: f32,
        _: &[Rect],
        faces: &mut Vec<Face>,
    ) -> Result<(), RunError> {
        let mut world = self.0.lock().unwrap();
        world.searches += 1;
        world.looked.push(turn);
        faces.clear();
        let sees = |face: &Face| world.turns.is_empty() || (face.roll() - turn).abs() < 30.0;
        faces.extend(world.faces.iter().map(|(face, ..)| *face).filter(sees));
        Ok(())
    }

    fn can_follow(&self) -> bool {
        !self.0.lock().unwrap().cannot_follow
    }

    fn follow(&mut self, _: &Luma, expected: &Rect, _: f32) -> Result<Option<Face>, RunError> {
        let mut world = self.0.lock().unwrap();
        world.follows += 1;
        let near = world.faces.iter().map(|(face, ..)| *face);
        Ok(near.max_by(|a, b| a.rect.iou(expected).total_cmp(&b.rect.iou(expected))))
    }
}

impl Classifier for Networks {
    fn labels(&self) -> LabelSet {
        FERPLUS_8
    }

    fn classify(&mut self, _: &Luma, face: &Face) -> Result<&[f32], RunError> {
        let mut world = self.0.lock().unwrap();
        world.classified += 1;
        let distance = |it: &Face| it.rect.center().distance(face.rect.center());
        let nearest = world
            .faces
            .iter()
            .min_by(|(a, ..), (b, ..)| distance(a).total_cmp(&distance(b)))
            .map_or((0, 0.3), |(_, class, top)| (*class, *top));
        self.1 = vec![(1.0 - nearest.1) / 7.0; 8];
        self.1[nearest.0] = nearest.1;
        Ok(&self.1)
    }
}

const HAPPY: Screen = Screen::looks(Expression::Happiness);
const SAD: Screen = Screen::looks(Expression::Sadness);
const NO_FACE: Screen = Screen::Answer(Answer::NoFace);
const FOUND: Screen = Screen::Answer(Answer::FaceFound);

fn face(x: f32, side: f32) -> Face {
    Face { rect: Rect::new(x, 100.0, side, side), score: 0.95, landmarks: None }
}

/// A badge with a simulated scene.
struct Bench {
    world: Arc<Mutex<World>>,
    vision: Vision,
    frame: Luma,
    info: FrameInfo,
    /// Every change of the screen: its time, ms, and the screen.
    changes: Vec<(u64, Screen)>,
}

impl Bench {
    fn new() -> Self {
        let networks = Networks::default();
        let world = Arc::clone(&networks.0);
        let vision = Vision::new(Box::new(networks.clone()), Box::new(networks), 0.6).unwrap();
        let mut frame = Luma::new(640, 480);
        frame.pixels_mut().iter_mut().enumerate().for_each(|(i, pixel)| *pixel = (i % 251) as u8);
        let info = FrameInfo { source: "clip".into(), index: 0, time_ms: Some(0), captured: None };
        Self { world, vision, frame, info, changes: Vec::new() }
    }

    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    fn look(&mut self) -> &FrameReport {
        let now = self.info.time_ms.unwrap_or(0);
        let report = self.vision.look(&self.frame, &self.info).unwrap();
        if self.changes.last().is_none_or(|(_, shown)| *shown != report.shown) {
            self.changes.push((now, report.shown));
        }
        report
    }

    /// Processes `faces` for `ms` ms, a frame every `step` ms.
    fn see(&mut self, faces: &[(Face, usize, f32)], ms: u64, step: u64) {
        self.world().faces = faces.to_vec();
        for _ in 0..ms / step {
            self.look();
            self.info.time_ms = self.info.time_ms.map(|time| time + step);
            self.info.index += 1;
        }
    }

    fn shown(&self) -> Vec<Screen> {
        self.changes.iter().map(|(_, shown)| *shown).collect()
    }
}

#[test]
fn the_same_at_5_and_at_30_frames_a_second() {
    for step in [200, 125, 33] {
        let mut badge = Bench::new();
        badge.see(&[], 2000, step);
        badge.see(&[(face(100.0, 80.0), 1, 0.9)], 2000, step);
        badge.see(&[(face(105.0, 80.0), 3, 0.9)], 2000, step);
        badge.see(&[], 2000, step);
        assert_eq!(badge.shown(), [NO_FACE, HAPPY, SAD, NO_FACE], "{step}");
        let late = |at: usize, since: u64| badge.changes[at].0 as i64 - since as i64;
        // At 5 frames per second, every frame is searched while there is no face, and a change takes two frames.
        let starts = [2000, 4000, 6000].map(|ms| ms / step * step);
        assert!((0..=200).contains(&late(1, starts[0])), "{step}: {:?}", badge.changes);
        assert!((100..=400).contains(&late(2, starts[1])), "{step}: {:?}", badge.changes);
        // The hold begins with the last frame that showed the face.
        assert!((600..=900).contains(&late(3, starts[2])), "{step}: {:?}", badge.changes);
    }
}

#[test]
fn searches_and_classifications_keep_their_rates() {
    for step in [40, 33, 10] {
        let mut badge = Bench::new();
        badge.see(&[(face(100.0, 80.0), 1, 0.9), (face(400.0, 60.0), 3, 0.9)], 10_000, step);
        let World { searches, follows, classified, .. } = *badge.world();
        assert!((20..=22).contains(&searches), "{step}: {searches}");
        // Eight per second of the nearest, two of the other.
        assert!((96..=108).contains(&classified), "{step}: {classified}");
        assert!(follows > 10_000 / step as usize, "{step}: {follows}");
    }
}

#[test]
fn an_idle_badge_searches_less_often_than_it_looks() {
    let mut badge = Bench::new();
    badge.see(&[], 10_000, 33);
    assert!((48..=52).contains(&badge.world().searches), "{}", badge.world().searches);
}

#[test]
fn a_detector_that_cannot_follow_searches_every_frame() {
    let mut badge = Bench::new();
    badge.world().cannot_follow = true;
    badge.see(&[(face(100.0, 80.0), 1, 0.9)], 1000, 100);
    let World { searches, follows, .. } = *badge.world();
    assert_eq!((searches, follows), (10, 0));
    assert_eq!(badge.shown(), [HAPPY]);
}

#[test]
fn a_short_drop_out_is_not_seen() {
    let mut badge = Bench::new();
    let seen = [(face(100.0, 80.0), 1, 0.9)];
    for _ in 0..5 {
        badge.see(&seen, 1000, 50);
        badge.see(&[], 700, 50);
    }
    assert_eq!(badge.shown(), [HAPPY]);
    let track = badge.vision.report.faces.first().map(|face| face.track);
    badge.see(&seen, 100, 50);
    assert_eq!(badge.look().faces[0].track, Some(0), "{track:?}");
}

#[test]
fn a_cut_carries_no_answer_over_to_whoever_is_there_now() {
    let mut badge = Bench::new();
    badge.see(&[(face(100.0, 80.0), 1, 0.9)], 1000, 40);
    badge.frame.pixels_mut().iter_mut().enumerate().for_each(|(i, pixel)| {
        *pixel = if i % 640 / 80 % 2 == 0 { 0 } else { 255 };
    });
    // At the same place, with a low probability.
    badge.see(&[(face(100.0, 80.0), 1, 0.4)], 40, 40);
    assert_eq!(badge.changes.last(), Some(&(1000, FOUND)));
    assert_eq!(badge.look().faces[0].track, Some(1));
}

#[test]
fn a_face_that_looks_otherwise_all_of_a_sudden_is_answered_sooner() {
    let late = |is_sudden: bool| {
        let mut badge = Bench::new();
        badge.see(&[(face(100.0, 80.0), 1, 0.95)], 1000, 33);
        if is_sudden {
            // Only the face changes: stripes in another direction.
            for (y, row) in badge.frame.pixels_mut().chunks_exact_mut(640).enumerate() {
                row[100..180].fill(if y / 10 % 2 == 0 { 40 } else { 200 });
            }
        }
        let since = badge.info.time_ms.unwrap();
        badge.see(&[(face(100.0, 80.0), 3, 0.95)], 1000, 33);
        assert_eq!(badge.shown(), [HAPPY, SAD]);
        badge.changes[1].0 - since
    };
    let [sudden, gradual] = [true, false].map(late);
    assert!(sudden <= 66 && (133..=330).contains(&gradual), "{sudden} {gradual}");
}

#[test]
fn an_alarm_is_reported_but_not_shown_before_it_lasted() {
    let mut badge = Bench::new();
    let alarm = Face { score: 0.7, ..face(300.0, 90.0) };
    badge.see(&[], 1000, 50);
    badge.see(&[(alarm, 1, 0.9)], 250, 50);
    assert_eq!(badge.vision.report.faces.len(), 1);
    badge.see(&[], 1000, 50);
    assert_eq!(badge.shown(), [NO_FACE]);
    badge.see(&[(alarm, 1, 0.9)], 600, 50);
    assert_eq!(badge.shown(), [NO_FACE, HAPPY]);
}

#[test]
fn an_unclear_face_is_found_and_then_unsure_for_a_reason() {
    for (side, dark, reason) in [
        (80.0, false, Answer::Unsure),
        (36.0, false, Answer::TooFar),
        (80.0, true, Answer::TooDark),
    ] {
        let mut badge = Bench::new();
        if dark {
            badge.frame.pixels_mut().iter_mut().for_each(|pixel| *pixel /= 16);
        }
        badge.see(&[(face(100.0, side), 1, 0.3)], 2000, 50);
        assert_eq!(badge.shown(), [FOUND, reason.into()]);
        assert!((750..=850).contains(&badge.changes[1].0), "{:?}", badge.changes);
    }
}

#[test]
fn a_face_too_small_to_tell_is_not_classified() {
    let mut badge = Bench::new();
    badge.see(&[(face(100.0, 15.0), 1, 0.9)], 1000, 50);
    assert_eq!((badge.shown(), badge.world().classified), (vec![Answer::TooFar.into()], 0));
}

#[test]
fn an_answer_ends_when_its_face_becomes_too_small_to_tell() {
    let mut badge = Bench::new();
    badge.see(&[(face(100.0, 80.0), 1, 0.9)], 1000, 50);
    // Somebody walks away, and is still followed.
    for side in [70.0, 60.0, 50.0, 40.0, 30.0, 24.0, 18.0, 15.0] {
        badge.see(&[(face(100.0, side), 1, 0.9)], 300, 50);
    }
    badge.see(&[(face(100.0, 15.0), 3, 0.9)], 3000, 50);
    assert_eq!(badge.shown(), [HAPPY, Answer::TooFar.into()], "{:?}", badge.changes);
    // And comes back.
    badge.see(&[(face(100.0, 24.0), 3, 0.9)], 2000, 50);
    assert_eq!(badge.shown().last(), Some(&SAD));
}

#[test]
fn an_uncertain_face_is_shown_at_one_frame_a_second() {
    let mut badge = Bench::new();
    let uncertain = Face { score: 0.7, ..face(100.0, 80.0) };
    badge.see(&[(uncertain, 1, 0.9)], 6000, 1000);
    assert_eq!(badge.shown().last(), Some(&HAPPY), "{:?}", badge.changes);
}

#[test]
fn the_shown_face_is_followed_in_every_frame_of_a_crowd() {
    let mut badge = Bench::new();
    let side = |i: usize| if i == 0 { 60.0 } else { 40.0 };
    let crowd = |x: f32| -> Vec<_> {
        let at = |i: usize| ((i % 10) as f32 * 60.0 + x, (i / 10) as f32 * 80.0);
        let rect = |i| Rect::new(at(i).0, at(i).1, side(i), side(i));
        (0..30).map(|i| (Face { rect: rect(i), score: 0.95, landmarks: None }, 1, 0.9)).collect()
    };
    badge.see(&crowd(0.0), 1000, 40);
    for step in 1..=20 {
        badge.see(&crowd(step as f32 / 2.0), 40, 40);
        let shown = badge.vision.report.shown_face().unwrap();
        let track = badge.vision.over_time.tracks.get(shown.track.unwrap()).unwrap();
        assert_eq!(track.measured.rect, crowd(step as f32 / 2.0)[0].0.rect, "step {step}");
    }
}

#[test]
fn nobody_in_the_dark_is_too_dark() {
    let mut badge = Bench::new();
    badge.frame.pixels_mut().fill(7);
    badge.see(&[], 1000, 50);
    badge.frame.pixels_mut().iter_mut().enumerate().for_each(|(i, it)| *it = (i % 200) as u8);
    badge.see(&[], 1000, 50);
    assert_eq!(badge.shown(), [Answer::TooDark.into(), NO_FACE]);
}

#[test]
fn fifty_faces_cost_no_more_than_a_few_looks() {
    let mut badge = Bench::new();
    let crowd: Vec<_> = (0..50)
        .map(|i| {
            let rect = Rect::new((i % 10) as f32 * 60.0, (i / 10) as f32 * 80.0, 40.0, 40.0);
            (Face { rect, score: 0.95, landmarks: None }, 1, 0.9)
        })
        .collect();
    badge.see(&crowd, 200, 40);
    assert_eq!(badge.vision.report.faces.len(), 50);
    badge.world().follows = 0;
    badge.world().classified = 0;
    badge.see(&crowd, 5000, 40);
    let World { follows, classified, .. } = *badge.world();
    // In 125 frames.
    assert!(follows <= 125 * MOST_FOLLOWED, "{follows}");
    assert!(classified <= 125 * MOST_OTHERS + 5 * 8 + 1, "{classified}");
    assert!(badge.vision.report.faces.iter().all(|face| face.answer != Answer::FaceFound));
    assert_eq!(badge.shown().len(), 1);
}

#[test]
fn odd_times_neither_panic_nor_keep_an_answer() {
    let mut badge = Bench::new();
    let seen = [(face(100.0, 80.0), 1, 0.9)];
    badge.see(&seen, 1000, 50);
    // Time stands still, goes back, and jumps.
    badge.see(&seen, 0, 1);
    for time in [1000, 1000, 1000, 20, 20, 900_000, 3, u64::MAX, 0] {
        badge.info.time_ms = Some(time);
        badge.look();
    }
    badge.world().faces.clear();
    badge.info.time_ms = Some(2000);
    badge.look();
    assert_eq!(badge.changes.last().map(|it| it.1), Some(NO_FACE));
    // One frame in two seconds: each counts as another face, and is shown immediately.
    let mut badge = Bench::new();
    for i in 0..6 {
        badge.see(&[(face(100.0, 80.0), if i % 2 == 0 { 1 } else { 3 }, 0.9)], 2000, 2000);
    }
    assert_eq!(badge.shown(), [HAPPY, SAD, HAPPY, SAD, HAPPY, SAD]);
}

#[test]
fn boxes_past_the_border_of_any_size_are_taken() {
    let mut badge = Bench::new();
    for (x, side) in [(-60.0, 80.0), (600.0, 90.0), (f32::NAN, 80.0), (0.0, 0.0), (-1e9, 1e9)] {
        badge.see(&[(face(x, side), 1, 0.9)], 500, 50);
    }
    badge.frame.reshape(1, 1);
    badge.see(&[(face(0.0, 40.0), 1, 0.9)], 500, 50);
    badge.frame.reshape(0, 0);
    badge.see(&[], 2000, 50);
    assert_eq!(badge.changes.last().map(|it| it.1), Some(NO_FACE));
}

#[test]
fn what_a_camera_that_freezes_showed_becomes_stale() {
    let mut badge = Bench::new();
    let start = Instant::now();
    badge.world().faces = vec![(face(100.0, 80.0), 1, 0.9)];
    assert_eq!(badge.vision.stale_at(Duration::ZERO), None);
    for i in 0..10 {
        badge.info.captured = Some(start + Duration::from_millis(i * 100));
        assert_eq!(badge.look().shown, HAPPY);
    }
    let last = start + Duration::from_millis(900);
    let stale = |interval| badge.vision.stale_at(Duration::from_millis(interval)).unwrap() - last;
    assert_eq!([stale(66), stale(2000)].map(|it| it.as_millis()), [800, 3000]);
    let report = badge.vision.forget();
    assert_eq!((report.shown, report.faces.len()), (Screen::Starting, 0));
    assert_eq!(badge.vision.stale_at(Duration::ZERO), None);
    // A camera with a frame a second: each answer stays until the next.
    for i in 10..13 {
        badge.info.captured = Some(start + Duration::from_millis(i * 1000));
        badge.look();
    }
    let last = start + Duration::from_millis(12_000);
    assert_eq!((badge.vision.stale_at(Duration::ZERO).unwrap() - last).as_millis(), 1500);
}

mod turned;
