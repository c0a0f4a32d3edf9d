//! The faces of synthetic scenes, and the badge's answers to each as a still picture.

use std::path::Path;
use std::process::Command;

use emocue_link::random::Random;

use super::super::badge::{Badge, Mode, Stream};
use super::super::log::{Frame, Landmarks, Point, is_expression};
use super::canvas::{Grey, HEIGHT, Place, WIDTH};
use super::disturb::{Disturbance, Disturber};
use super::write_frames;
use crate::Result;
use crate::cargo::{check, root};

/// Path of the data set in the folder `EMOCUE_DATA`.
const FACES: &str = "faces/lfw_crops.tar";

/// The badge's embedded portraits, relative to the workspace's root.
const EMBEDDED: [&str; 2] =
    ["models/run/pictures/astronaut.jpg", "models/run/pictures/grace_hopper.jpg"];

/// Number of candidate pictures of each expression.
const TRIED: usize = 16;

/// Largest number of pictures of each expression in scenes.
const USED: usize = 6;

/// Side of an aligned portrait, px.
const SIDE: usize = 200;

/// The midpoint of its eyes, px.
const MIDDLE: Point = Point { x: 100.0, y: 90.0 };

/// Its interocular distance, px.
const EYES: f64 = 60.0;

/// Small variations of a still picture: offset x, y in px, and scale.
const HELD: [(f64, f64, f64); 9] = [
    (0.0, 0.0, 1.0),
    (0.5, 0.0, 1.0),
    (0.0, 0.5, 1.0),
    (3.0, 2.0, 1.0),
    (-2.0, 3.0, 1.0),
    (0.0, 0.0, 0.97),
    (0.0, 0.0, 1.03),
    (1.5, -2.5, 1.02),
    (-2.5, -1.5, 0.98),
];

/// Minimum number of those with the same answer for a picture with a known expression.
const AGREED: usize = 8;

/// Interocular distance in those, px.
const TRIED_EYES: f64 = 80.0;

/// Number of noisy frames that measure how ambiguous a picture is.
const NOISY: usize = 16;

/// Standard deviation of camera noise in those and in scenes, grey levels.
pub(in crate::steadiness) const NOISE: f64 = 8.0;

/// A candidate picture.
pub(in crate::steadiness) struct Candidate {
    grey: Grey,
    /// The label from its source, if any.
    label: Option<String>,
}

/// An aligned face: rotated and scaled so that its eyes are at the standard position.
#[derive(Clone)]
pub(in crate::steadiness) struct Portrait {
    /// Its picture.
    pub(in crate::steadiness) grey: Grey,
    label: Option<String>,
    /// The most frequent answer to its still variations.
    pub(in crate::steadiness) answer: String,
    /// Square root of its box area, relative to the interocular distance; the badge ranks faces by size.
    pub(in crate::steadiness) reach: f64,
    /// Number of [`HELD`] variations with that answer.
    agreed: usize,
    /// Number of changes of the answer in [`NOISY`] noisy frames.
    pub(in crate::steadiness) unrest: usize,
}

impl Portrait {
    /// The transform that draws it with the midpoint of its eyes at `at` and an interocular distance of `eyes` px.
    pub(in crate::steadiness) fn place(&self, at: Point, eyes: f64) -> Place {
        Place { anchor: MIDDLE, at, scale: eyes / EYES, turn: 0.0 }
    }

    fn aligned(grey: &Grey, eyes: &Landmarks, label: Option<String>) -> Self {
        let (left, right) = (eyes.left_eye, eyes.right_eye);
        let (dx, dy) = (right.x - left.x, right.y - left.y);
        let place = Place {
            anchor: Point { x: (left.x + right.x) / 2.0, y: (left.y + right.y) / 2.0 },
            at: MIDDLE,
            scale: EYES / dx.hypot(dy),
            turn: -dy.atan2(dx),
        };
        let mean = grey.pixels.iter().map(|pixel| u64::from(*pixel)).sum::<u64>();
        let mut aligned = Grey::new(SIDE, SIDE, (mean / grey.pixels.len() as u64) as u8);
        aligned.draw(grey, &place);
        Self::of(aligned, label)
    }

    fn of(grey: Grey, label: Option<String>) -> Self {
        Self { grey, label, answer: String::new(), reach: 1.0, agreed: 0, unrest: 0 }
    }

    /// A light square, for tests that run no badge.
    #[cfg(test)]
    pub(in crate::steadiness) fn fixture() -> Self {
        Self::of(Grey::new(SIDE, SIDE, 200), None)
    }

    fn is_known(&self) -> bool {
        let named = self.label.as_ref().is_none_or(|label| *label == self.answer);
        self.agreed >= AGREED && is_expression(&self.answer) && named
    }
}

/// The faces that scenes use.
pub(in crate::steadiness) struct Gallery {
    /// Source of the pictures.
    pub(in crate::steadiness) source: &'static str,
    /// Portraits with a known expression, ordered so that neighbours differ where possible.
    pub(in crate::steadiness) known: Vec<Portrait>,
    /// The portrait whose single-frame answer changes most under noise.
    pub(in crate::steadiness) ambiguous: Portrait,
}

impl Gallery {
    /// Chooses from the data set in the folder `data` if it exists, else from the embedded portraits.
    pub(in crate::steadiness) fn choose(
        badge: &Badge,
        data: Option<&Path>,
        seed: u64,
    ) -> Result<Self> {
        let set = data.map(|folder| folder.join(FACES)).filter(|set| set.exists());
        let (source, candidates) = match &set {
            Some(set) => ("pictures of the data set", of_data_set(set, seed)?),
            None => ("the embedded portraits", embedded()?),
        };
        eprintln!("steadiness: looking at {} of {source}", candidates.len());
        let mut portraits = align(badge, &candidates)?;
        if set.is_none() {
            portraits = variants(portraits);
        }
        try_all(badge, &mut portraits, seed)?;
        Self::of(source, portraits)
    }

    fn of(source: &'static str, portraits: Vec<Portrait>) -> Result<Self> {
        let ambiguous = portraits.iter().max_by_key(|portrait| (portrait.unrest, portrait.agreed));
        let ambiguous = ambiguous.ok_or("the badge finds no face in the pictures")?.clone();
        let mut kinds: Vec<Vec<Portrait>> = Vec::new();
        for portrait in portraits.into_iter().filter(Portrait::is_known) {
            match kinds.iter_mut().find(|kind| kind[0].answer == portrait.answer) {
                Some(kind) if kind.len() < USED => kind.push(portrait),
                Some(_) => {}
                None => kinds.push(vec![portrait]),
            }
        }
        if kinds.len() < 2 {
            return Err(format!(
                "the pictures show {} expression, at least 2 are needed",
                kinds.len()
            )
            .into());
        }
        // The expressions alternate.
        let known = (0..USED)
            .flat_map(|row| kinds.iter().filter_map(move |kind| kind.get(row)).cloned())
            .collect();
        Ok(Self { source, known, ambiguous })
    }

    /// The known portrait whose single-frame answer changes least under noise.
    pub(in crate::steadiness) fn clear(&self) -> &Portrait {
        self.known.iter().min_by_key(|portrait| portrait.unrest).unwrap_or(&self.ambiguous)
    }
}

/// A random sample of pictures of each expression in the archive `set`.
fn of_data_set(set: &Path, seed: u64) -> Result<Vec<Candidate>> {
    let folder = tempfile::tempdir()?;
    check(Command::new("tar").arg("-xf").arg(set).arg("-C").arg(folder.path()))?;
    let rows = std::fs::read_to_string(folder.path().join("labels.csv"))
        .map_err(|e| format!("labels.csv of {}: {e}", set.display()))?;
    let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
    for (file, label) in rows.lines().skip(1).filter_map(|row| row.split_once(',')) {
        match kinds.iter_mut().find(|(kind, _)| *kind == label) {
            Some((_, files)) => files.push(file),
            None if is_expression(label) && !label.is_empty() => kinds.push((label, vec![file])),
            None => {}
        }
    }
    let mut random = Random::of(seed, "pictures");
    let mut candidates = Vec::new();
    for (label, files) in kinds {
        for index in random.sample(files.len(), TRIED) {
            let grey = read(&folder.path().join(files[index]))?;
            candidates.push(Candidate { grey, label: Some(label.to_owned()) });
        }
    }
    Ok(candidates)
}

fn embedded() -> Result<Vec<Candidate>> {
    let candidate = |file: &&str| Ok(Candidate { grey: read(&root().join(file))?, label: None });
    EMBEDDED.iter().map(candidate).collect()
}

fn read(file: &Path) -> Result<Grey> {
    let picture = image::open(file).map_err(|e| format!("{}: {e}", file.display()))?.into_luma8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    Ok(Grey { width, height, pixels: picture.into_raw() })
}

/// Aligns all candidates in which the badge detects a face.
fn align(badge: &Badge, candidates: &[Candidate]) -> Result<Vec<Portrait>> {
    // As large as the frame allows, so that faces in small pictures are detected too.
    let place = |grey: &Grey| {
        let (width, height) = (grey.width as f64, grey.height as f64);
        let scale = (WIDTH as f64 / width).min(HEIGHT as f64 / height);
        Place { anchor: Point::default(), at: Point::default(), scale, turn: 0.0 }
    };
    let frames = |index: usize| {
        let grey = &candidates.get(index)?.grey;
        let mut frame = Grey::new(WIDTH, HEIGHT, 0);
        frame.draw(grey, &place(grey));
        Some(frame)
    };
    let mut portraits = Vec::new();
    for (frame, candidate) in look(badge, &frames)?.iter().zip(candidates) {
        let Some(eyes) = frame.faces.first().and_then(|face| face.landmarks) else { continue };
        let scale = place(&candidate.grey).scale;
        let back = |at: Point| Point { x: at.x / scale, y: at.y / scale };
        let eyes = Landmarks { left_eye: back(eyes.left_eye), right_eye: back(eyes.right_eye) };
        portraits.push(Portrait::aligned(&candidate.grey, &eyes, candidate.label.clone()));
    }
    Ok(portraits)
}

/// Label of a blend, which never counts as a known expression.
const BLEND: &str = "blend";

/// Additional faces when there are few: blends of neighbours, and blurred copies.
fn variants(portraits: Vec<Portrait>) -> Vec<Portrait> {
    let mut all = portraits.clone();
    for pair in portraits.windows(2) {
        for share in [0.2, 0.35, 0.5, 0.65, 0.8] {
            let blend = pair[0].grey.blend(&pair[1].grey, share);
            all.push(Portrait::of(blend, Some(BLEND.to_owned())));
        }
    }
    all.extend(portraits.iter().map(|portrait| Portrait::of(portrait.grey.blurred(2), None)));
    all
}

/// Runs the badge on still variations and noisy frames of every portrait, and stores the results.
fn try_all(badge: &Badge, portraits: &mut [Portrait], seed: u64) -> Result<()> {
    let each = HELD.len() + NOISY;
    let disturber =
        Disturber::new(Disturbance { noise: NOISE, sway: 2.0, ..Disturbance::default() }, seed);
    let draw = |index: usize| {
        let (portrait, number) = (portraits.get(index / each)?, index % each);
        let mut frame = Grey::new(WIDTH, HEIGHT, 100);
        let (mut at, mut eyes) = (Point { x: 320.0, y: 220.0 }, TRIED_EYES);
        let time = number as f64 / 30.0;
        match HELD.get(number) {
            Some((x, y, size)) => {
                (at.x, at.y) = (at.x + x, at.y + y);
                eyes *= size;
            }
            None => {
                let offset = disturber.offset(time);
                (at.x, at.y) = (at.x + offset.x, at.y + offset.y);
            }
        }
        frame.draw(&portrait.grey, &portrait.place(at, eyes));
        if number >= HELD.len() {
            disturber.apply(&mut frame, index as u64, time).ok()?;
        }
        Some(frame)
    };
    let frames = look(badge, &draw)?;
    for (portrait, frames) in portraits.iter_mut().zip(frames.chunks(each)) {
        let (held, noisy) = frames.split_at(HELD.len().min(frames.len()));
        let count = |answer: &str| held.iter().filter(|frame| frame.shown == answer).count();
        let most = held.iter().max_by_key(|frame| count(&frame.shown));
        let boxes = held.iter().filter_map(|frame| frame.faces.first().map(|face| face.rect));
        let sides: Vec<f64> = boxes.map(|rect| (rect.width * rect.height).sqrt()).collect();
        portrait.reach = sides.iter().sum::<f64>() / sides.len().max(1) as f64 / TRIED_EYES;
        portrait.answer = most.map(|frame| frame.shown.clone()).unwrap_or_default();
        portrait.agreed = count(&portrait.answer);
        portrait.unrest = noisy.windows(2).filter(|pair| pair[0].shown != pair[1].shown).count();
    }
    Ok(())
}

/// The badge's single-frame answers.
fn look(badge: &Badge, frames: &(impl Fn(usize) -> Option<Grey> + Sync)) -> Result<Vec<Frame>> {
    let stream =
        Stream::Drawn(Box::new(move |out| write_frames(30.0, (0..).map_while(frames), out)));
    Ok(badge.run(stream, Mode::Raw)?.frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portrait(label: Option<&str>, answer: &str, agreed: usize, unrest: usize) -> Portrait {
        let (label, answer) = (label.map(str::to_owned), answer.to_owned());
        Portrait { label, answer, agreed, unrest, ..Portrait::fixture() }
    }

    #[test]
    fn known_faces_agree_with_their_label_and_with_themselves() {
        let gallery = Gallery::of(
            "here",
            vec![
                portrait(Some("fear"), "fear", 9, 3),
                portrait(Some("fear"), "fear", 7, 0),
                portrait(Some("fear"), "anger", 9, 0),
                portrait(None, "unsure", 9, 12),
                portrait(Some("fear"), "fear", 8, 1),
                portrait(None, "neutral", 9, 2),
            ],
        )
        .unwrap();
        let known: Vec<_> =
            gallery.known.iter().map(|one| (one.answer.as_str(), one.unrest)).collect();
        assert_eq!(known, [("fear", 3), ("neutral", 2), ("fear", 1)]);
        assert_eq!((gallery.ambiguous.unrest, gallery.clear().unrest), (12, 1));
    }

    #[test]
    fn blends_may_be_ambiguous_but_are_never_known() {
        let portraits = vec![portrait(None, "", 0, 0), portrait(None, "", 0, 0)];
        let mut all = variants(portraits);
        assert_eq!(all.len(), 2 + 5 + 2);
        for portrait in &mut all {
            (portrait.answer, portrait.agreed) = ("fear".to_owned(), HELD.len());
        }
        assert_eq!(all.iter().filter(|portrait| portrait.is_known()).count(), 4);
    }

    #[test]
    fn one_expression_is_not_enough() {
        let error = Gallery::of("here", vec![portrait(None, "fear", 9, 0)]).err().unwrap();
        assert!(error.to_string().contains("at least 2"), "{error}");
        assert!(Gallery::of("here", Vec::new()).is_err());
    }

    #[test]
    fn eyes_are_brought_to_one_place_at_any_angle() {
        // A bright spot at each eye, one below the other.
        let mut grey = Grey::new(100, 100, 0);
        for (x, y) in [(50, 30), (50, 70)] {
            for row in y - 2..=y + 2 {
                grey.pixels[row * 100 + x - 2..=row * 100 + x + 2].fill(250);
            }
        }
        let (left_eye, right_eye) = (Point { x: 50.0, y: 30.0 }, Point { x: 50.0, y: 70.0 });
        let aligned = Portrait::aligned(&grey, &Landmarks { left_eye, right_eye }, None);
        let shade = |x: f64| aligned.grey.pixels[MIDDLE.y as usize * SIDE + x as usize];
        let found = [shade(MIDDLE.x - EYES / 2.0), shade(MIDDLE.x), shade(MIDDLE.x + EYES / 2.0)];
        assert!(found[0] > 200 && found[1] < 50 && found[2] > 200, "{found:?}");
    }
}
