//! A detector's detections in one frame, matched with the annotated faces.

use emocue_data::faces::MarkedFace;
use emocue_models::geometry::{Face, Rect};

/// Lowest IoU at which a detection matches an annotated face.
pub const OVERLAP: f32 = 0.5;

/// Longer side of the smallest face that counts, px of the frame.
pub const LEAST: f32 = 24.0;

/// The kind of an annotated face, according to its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaceKind {
    /// Unoccluded, according to the label.
    Bare,
    /// With a mask.
    Masked,
    /// Anything else.
    Other,
}

/// Labels of published sets; any other label is [`FaceKind::Other`].
const KINDS: [(&str, FaceKind); 9] = [
    ("", FaceKind::Bare),
    ("face", FaceKind::Bare),
    ("person", FaceKind::Bare),
    ("head", FaceKind::Bare),
    ("without_mask", FaceKind::Bare),
    ("no_mask", FaceKind::Bare),
    ("with_mask", FaceKind::Masked),
    ("mask", FaceKind::Masked),
    ("masked", FaceKind::Masked),
];

impl FaceKind {
    /// The kind for a label; case is ignored, and hyphens and spaces are equal to underscores.
    pub fn of(label: &str) -> Self {
        let label = label.trim().to_lowercase().replace(['-', ' '], "_");
        KINDS.iter().find(|(name, _)| *name == label).map_or(Self::Other, |(_, kind)| *kind)
    }
}

/// An annotated face and the detection that matches it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// Its kind.
    pub kind: FaceKind,
    /// Its longer side, px of the frame.
    pub side: f32,
    /// Score of the detection, `0..=1`; `None` if the face was missed.
    pub score: Option<f32>,
    /// Mean distance of the five landmarks from the reference's, in interocular distances.
    pub landmark_error: Option<f32>,
}

/// A false alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alarm {
    /// Its score, `0..=1`.
    pub score: f32,
    /// Its longer side, px of the frame.
    pub side: f32,
}

/// The result of one detector on one frame.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// Faces that count.
    pub marks: Vec<Mark>,
    /// False alarms: detections that match neither a face that counts nor an ignored one.
    pub alarms: Vec<Alarm>,
}

impl Look {
    /// Matches `found` with `marked`: in the order of scores, a detection takes the unmatched face with the highest
    /// IoU. Only the parts of boxes within the `visible` part of the frame are compared, since annotations end at a
    /// picture's border. Landmarks of upright faces are compared with those of `reference`, another detector's
    /// detections in the same frame.
    pub fn of(marked: &[MarkedFace], found: &[Face], reference: &[Face], visible: &Rect) -> Self {
        let seen = |rect: &Rect| within(rect, visible);
        let counts = |face: &&MarkedFace| !face.ignore && face.side() >= LEAST;
        let counted: Vec<&MarkedFace> = marked.iter().filter(counts).collect();
        let ignored: Vec<&MarkedFace> = marked.iter().filter(|face| !counts(face)).collect();
        let mut order: Vec<&Face> = found.iter().collect();
        order.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut by: Vec<Option<&Face>> = vec![None; counted.len()];
        let mut alarms = Vec::new();
        for face in order {
            let rect = seen(&face.rect);
            let overlap = |at: usize| seen(&counted[at].rect).iou(&rect);
            let free = (0..counted.len()).filter(|at| by[*at].is_none());
            match free.max_by(|a, b| overlap(*a).total_cmp(&overlap(*b))) {
                Some(at) if overlap(at) >= OVERLAP => by[at] = Some(face),
                _ if ignored.iter().any(|mark| covers(&seen(&mark.rect), &rect)) => {}
                _ => {
                    let side = face.rect.width.max(face.rect.height);
                    alarms.push(Alarm { score: face.score, side });
                }
            }
        }
        let mark = |(face, by): (&&MarkedFace, Option<&Face>)| Mark {
            kind: FaceKind::of(&face.label),
            side: face.side(),
            score: by.map(|by| by.score),
            landmark_error: by.and_then(|by| landmark_error(by, best(reference, &face.rect)?)),
        };
        Self { marks: counted.iter().zip(by).map(mark).collect(), alarms }
    }
}

/// The part of a box within `visible`; a box outside is returned unchanged.
fn within(rect: &Rect, visible: &Rect) -> Rect {
    let part = Rect::from_corners(
        rect.x.max(visible.x),
        rect.y.max(visible.y),
        rect.right().min(visible.right()),
        rect.bottom().min(visible.bottom()),
    );
    if part.width > 0.0 && part.height > 0.0 { part } else { *rect }
}

/// Whether a detection matches an ignored face, or most of it lies within one.
fn covers(mark: &Rect, found: &Rect) -> bool {
    mark.iou(found) >= OVERLAP || mark.intersection(found) >= OVERLAP * found.area()
}

fn best<'a>(faces: &'a [Face], rect: &Rect) -> Option<&'a Face> {
    let best = faces.iter().max_by(|a, b| a.rect.iou(rect).total_cmp(&b.rect.iou(rect)))?;
    (best.rect.iou(rect) >= OVERLAP).then_some(best)
}

/// Largest rotation of an upright face, radians.
const UPRIGHT: f32 = 10.0 * std::f32::consts::PI / 180.0;

fn landmark_error(found: &Face, reference: &Face) -> Option<f32> {
    let (found, reference) = (found.landmarks?, reference.landmarks?);
    let (left, right) = (reference.left_eye, reference.right_eye);
    let eyes = left.distance(right);
    let roll = (right.y - left.y).atan2(right.x - left.x);
    let pairs = found.points().into_iter().zip(reference.points());
    let mean = pairs.map(|(a, b)| a.distance(b)).sum::<f32>() / 5.0;
    (eyes > 1.0 && roll.abs() <= UPRIGHT).then_some(mean / eyes)
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::{Landmarks, Point};

    use super::*;

    fn marked(x: f32, side: f32, label: &str) -> MarkedFace {
        let rect = Rect::new(x, 0.0, side, side);
        MarkedFace { rect, label: label.into(), ..Default::default() }
    }

    fn found(x: f32, side: f32, score: f32) -> Face {
        Face { rect: Rect::new(x, 0.0, side, side), score, landmarks: None }
    }

    const ALL: Rect = Rect::new(0.0, 0.0, 640.0, 480.0);

    #[test]
    fn what_is_beyond_the_picture_does_not_count() {
        // The annotation ends at the picture's border at 30; the detection does not.
        let mark = MarkedFace { rect: Rect::new(0.0, 0.0, 30.0, 60.0), ..Default::default() };
        let find = found(0.0, 64.0, 0.9);
        let score = |visible: Rect| {
            Look::of(std::slice::from_ref(&mark), &[find], &[], &visible).marks[0].score
        };
        assert_eq!(score(ALL), None);
        assert_eq!(score(Rect::new(0.0, 0.0, 30.0, 480.0)), Some(0.9));
    }

    #[test]
    fn each_face_is_found_once_by_the_surest() {
        let marks = [marked(0.0, 40.0, "with_mask"), marked(100.0, 60.0, "without_mask")];
        let finds = [
            found(4.0, 40.0, 0.6),
            found(2.0, 40.0, 0.9),
            found(130.0, 60.0, 0.8),
            found(300.0, 50.0, 0.7),
        ];
        let look = Look::of(&marks, &finds, &[], &ALL);
        let marks: Vec<_> = look.marks.iter().map(|m| (m.kind, m.side, m.score)).collect();
        let expected = [(FaceKind::Masked, 40.0, Some(0.9)), (FaceKind::Bare, 60.0, None)];
        assert_eq!(marks, expected);
        let alarms: Vec<f32> = look.alarms.iter().map(|alarm| alarm.score).collect();
        assert_eq!(alarms, [0.8, 0.7, 0.6], "a second find of a face is one, too");
    }

    #[test]
    fn small_and_ignored_faces_neither_count_nor_harm() {
        let mut ignored = marked(0.0, 90.0, "face");
        ignored.ignore = true;
        let marks = [ignored, marked(200.0, 20.0, "face"), marked(300.0, 24.0, "face")];
        // Inside an ignored face; on a small one; on one that counts.
        let finds = [found(20.0, 40.0, 0.9), found(200.0, 22.0, 0.9), found(300.0, 25.0, 0.5)];
        let look = Look::of(&marks, &finds, &[], &ALL);
        assert_eq!((look.marks.len(), look.alarms.len()), (1, 0));
        assert_eq!(look.marks[0].score, Some(0.5));
    }

    #[test]
    fn landmarks_are_compared_on_upright_faces_of_the_reference() {
        let face = |shift: f32, roll: f32| {
            let point = |x: f32, y: f32| Point::new(x + shift, y);
            let (sin, cos) = roll.to_radians().sin_cos();
            let eye = Point::new(10.0 + 20.0 * cos + shift, 10.0 + 20.0 * sin);
            let rest = [point(20.0, 20.0), point(12.0, 30.0), point(28.0, 30.0)];
            let points = [point(10.0, 10.0), eye, rest[0], rest[1], rest[2]];
            Face { landmarks: Some(Landmarks::from_points(points)), ..found(0.0, 40.0, 0.9) }
        };
        let error = |found: Face, reference: Face| {
            Look::of(&[marked(0.0, 40.0, "")], &[found], &[reference], &ALL).marks[0].landmark_error
        };
        assert_eq!(error(face(2.0, 0.0), face(0.0, 0.0)), Some(0.1));
        assert_eq!(error(face(2.0, 0.0), face(0.0, 30.0)), None);
        assert_eq!(error(found(0.0, 40.0, 0.9), face(0.0, 0.0)), None);
    }

    #[test]
    fn labels_of_published_sets_are_known() {
        let kinds =
            ["Face", "with-mask", "mask_worn_incorrectly", "Without Mask"].map(FaceKind::of);
        assert_eq!(kinds, [FaceKind::Bare, FaceKind::Masked, FaceKind::Other, FaceKind::Bare]);
    }
}
