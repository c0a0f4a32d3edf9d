//! Points, boxes and faces in pixel coordinates: x to the right, y down, pixel centres at `.5`.

use serde::{Deserialize, Serialize};

/// A point in px. The centre of the top-left pixel is `(0.5, 0.5)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// px from the left edge.
    pub x: f32,
    /// px from the top edge.
    pub y: f32,
}

impl Point {
    /// A point at `(x, y)` px.
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// Euclidean distance in px.
    pub fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// An axis-aligned box in px; it may reach past the picture's border.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge, px.
    pub x: f32,
    /// Top edge, px.
    pub y: f32,
    /// Width, px; negative counts as empty.
    pub width: f32,
    /// Height, px; negative counts as empty.
    pub height: f32,
}

impl Rect {
    /// A box from its left-top corner and size, px.
    pub const fn new(x: f32, y: f32, width: f32, height: f32) -> Self {
        Self { x, y, width, height }
    }

    /// A box from two corners, px.
    pub fn from_corners(left: f32, top: f32, right: f32, bottom: f32) -> Self {
        Self::new(left, top, right - left, bottom - top)
    }

    /// Right edge, px.
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    /// Bottom edge, px.
    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// The centre, px.
    pub fn center(&self) -> Point {
        Point::new(self.x + self.width / 2.0, self.y + self.height / 2.0)
    }

    /// Area in px^2, 0 when empty.
    pub fn area(&self) -> f32 {
        self.width.max(0.0) * self.height.max(0.0)
    }

    /// Area shared with `other`, px^2.
    pub fn intersection(&self, other: &Self) -> f32 {
        let width = self.right().min(other.right()) - self.x.max(other.x);
        let height = self.bottom().min(other.bottom()) - self.y.max(other.y);
        width.max(0.0) * height.max(0.0)
    }

    /// Intersection over union, `0..=1`; 0 when both are empty.
    pub fn iou(&self, other: &Self) -> f32 {
        let shared = self.intersection(other);
        let union = self.area() + other.area() - shared;
        if union > 0.0 { shared / union } else { 0.0 }
    }
}

/// Five facial landmarks in the order MTCNN, YuNet and RetinaFace share. Left and right are the viewer's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Landmarks {
    /// The eye on the picture's left.
    pub left_eye: Point,
    /// The eye on the picture's right.
    pub right_eye: Point,
    /// Tip of the nose.
    pub nose: Point,
    /// The mouth's corner on the picture's left.
    pub left_mouth: Point,
    /// The mouth's corner on the picture's right.
    pub right_mouth: Point,
}

impl Landmarks {
    /// The five points in the field's order: eyes, nose, mouth corners.
    pub fn points(&self) -> [Point; 5] {
        [self.left_eye, self.right_eye, self.nose, self.left_mouth, self.right_mouth]
    }

    /// From five points in the order of [`Landmarks::points`].
    pub fn from_points(points: [Point; 5]) -> Self {
        let [left_eye, right_eye, nose, left_mouth, right_mouth] = points;
        Self { left_eye, right_eye, nose, left_mouth, right_mouth }
    }

    /// In-plane rotation of the face, degrees clockwise, `-180..=180`; 0 for points that coincide or are not finite.
    pub fn roll(&self) -> f32 {
        let step = |from: Point, to: Point| Point::new(to.x - from.x, to.y - from.y);
        let across = [step(self.left_eye, self.right_eye), step(self.left_mouth, self.right_mouth)];
        // In a profile face the two eyes coincide, and so do the corners of the mouth; the steps from eye to mouth are
        // then more precise.
        let down = [step(self.left_eye, self.left_mouth), step(self.right_eye, self.right_mouth)];
        let x = across.iter().map(|it| it.x).sum::<f32>() + down.iter().map(|it| it.y).sum::<f32>();
        let y = across.iter().map(|it| it.y).sum::<f32>() - down.iter().map(|it| it.x).sum::<f32>();
        let roll = y.atan2(x).to_degrees();
        if roll.is_finite() { roll } else { 0.0 }
    }
}

/// One detected face.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Face {
    /// The detector's box, px.
    pub rect: Rect,
    /// The detector's score, `0..=1`.
    pub score: f32,
    /// Five landmarks, where the detector gives them.
    pub landmarks: Option<Landmarks>,
}

impl Face {
    /// [`Landmarks::roll`], degrees clockwise; 0 without landmarks.
    pub fn roll(&self) -> f32 {
        self.landmarks.map_or(0.0, |landmarks| landmarks.roll())
    }

    /// The same face as an imprecise detector would give it: shifted by fractions of the box's size,
    /// then box and landmarks scaled about the box's centre. `(0, 0, 1)` changes nothing.
    pub fn jittered(&self, shift_x: f32, shift_y: f32, scale: f32) -> Self {
        let (width, height) = (self.rect.width, self.rect.height);
        let center = self.rect.center();
        let moved = |point: Point| Point {
            x: center.x + (point.x - center.x) * scale + shift_x * width,
            y: center.y + (point.y - center.y) * scale + shift_y * height,
        };
        let corner = moved(Point::new(self.rect.x, self.rect.y));
        Self {
            rect: Rect::new(corner.x, corner.y, width * scale, height * scale),
            score: self.score,
            landmarks: self.landmarks.map(|l| Landmarks::from_points(l.points().map(moved))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn landmarks_say_how_a_face_is_turned() {
        for degrees in [0.0, 20.0, -45.0, 60.0, 90.0, -150.0_f32] {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let turned = |(x, y): (f32, f32)| Point::new(cos * x - sin * y, sin * x + cos * y);
            let front = [(40.0, 50.0), (60.0, 50.0), (50.0, 60.0), (42.0, 70.0), (58.0, 70.0)];
            let averted = [(40.0, 50.0), (43.0, 50.0), (36.0, 60.0), (40.0, 70.0), (42.0, 70.0)];
            for points in [front, averted] {
                let roll = Landmarks::from_points(points.map(turned)).roll();
                assert!((roll - degrees).abs() < 2.0, "{roll} for {degrees}");
            }
        }
        assert_eq!(Landmarks::default().roll(), 0.0);
        assert_eq!(Landmarks::from_points([Point::new(f32::NAN, 0.0); 5]).roll(), 0.0);
        let unknown = Face { rect: Rect::default(), score: 1.0, landmarks: None };
        assert_eq!(unknown.roll(), 0.0);
    }

    #[test]
    fn jitter_moves_box_and_landmarks_together() {
        let points = [(40.0, 50.0), (60.0, 50.0), (50.0, 60.0), (42.0, 70.0), (58.0, 70.0)];
        let landmarks = Some(Landmarks::from_points(points.map(|(x, y)| Point::new(x, y))));
        let face = Face { rect: Rect::new(30.0, 20.0, 40.0, 80.0), score: 0.9, landmarks };
        assert_eq!(face.jittered(0.0, 0.0, 1.0), face);
        let moved = face.jittered(0.1, -0.1, 0.5);
        assert_eq!(moved.rect, Rect::new(44.0, 32.0, 20.0, 40.0));
        assert_eq!(moved.landmarks.unwrap().left_eye, Point::new(49.0, 47.0));
    }
}
