//! Compares two detectors by their boxes.

use emocue_models::geometry::{Face, Rect};
use emocue_models::luma::Luma;
use emocue_run::{Detector, RunError};

/// Lowest IoU at which boxes of two detectors match.
const SAME: f32 = 0.5;

/// The agreement of two detectors, and their recall on annotated faces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Agreement {
    /// Pictures searched.
    pub pictures: usize,
    /// Faces that both found.
    pub both: usize,
    /// Faces that only the first found.
    pub first_only: usize,
    /// Faces that only the second found.
    pub second_only: usize,
    /// Annotated faces.
    pub marked: usize,
    /// Annotated faces that each detector found.
    pub found: [usize; 2],
    ious: Vec<f32>,
    landmarks: Vec<f32>,
}

impl Agreement {
    /// Runs both detectors on `picture`, in which `marked` are the annotated faces.
    ///
    /// # Errors
    /// [`RunError`] when a network fails.
    pub fn see(
        &mut self,
        detectors: [&mut dyn Detector; 2],
        picture: &Luma,
        marked: &[Rect],
    ) -> Result<(), RunError> {
        let mut faces = [Vec::new(), Vec::new()];
        for (detector, faces) in detectors.into_iter().zip(&mut faces) {
            detector.detect(picture, faces)?;
        }
        let [first, mut second] = faces;
        self.pictures += 1;
        self.marked += marked.len();
        for (faces, found) in [&first, &second].into_iter().zip(&mut self.found) {
            let hit = |rect: &&Rect| faces.iter().any(|face| face.rect.iou(rect) >= SAME);
            *found += marked.iter().filter(hit).count();
        }
        for face in first {
            match take_same(&mut second, &face) {
                Some(other) => self.pair(&face, &other),
                None => self.first_only += 1,
            }
        }
        self.second_only += second.len();
        Ok(())
    }

    fn pair(&mut self, a: &Face, b: &Face) {
        self.both += 1;
        self.ious.push(a.rect.iou(&b.rect));
        if let (Some(ours), Some(theirs)) = (a.landmarks, b.landmarks) {
            let distances = ours.points().into_iter().zip(theirs.points());
            let sum: f32 = distances.map(|(a, b)| a.distance(b)).sum();
            self.landmarks.push(sum / 5.0 / a.rect.width.max(1.0));
        }
    }

    /// Mean IoU of the faces that both found, `0..=1`.
    pub fn mean_iou(&self) -> f32 {
        mean(&self.ious)
    }

    /// The first percentile of these IoUs, `0..=1`.
    pub fn low_iou(&self) -> f32 {
        let mut sorted = self.ious.clone();
        sorted.sort_by(f32::total_cmp);
        sorted.get(sorted.len() / 100).copied().unwrap_or(0.0)
    }

    /// Mean distance of a landmark as a fraction of the box's width.
    pub fn landmark_error(&self) -> f32 {
        mean(&self.landmarks)
    }
}

/// Removes from `faces` the one with the highest IoU with `face`, if it matches.
fn take_same(faces: &mut Vec<Face>, face: &Face) -> Option<Face> {
    let iou = |other: &Face| face.rect.iou(&other.rect);
    let best = (0..faces.len()).max_by(|a, b| iou(&faces[*a]).total_cmp(&iou(&faces[*b])))?;
    (iou(&faces[best]) >= SAME).then(|| faces.swap_remove(best))
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::{Landmarks, Point};

    use super::*;

    /// Finds what the test gives it.
    struct AnnotatedFaces(Vec<Face>);

    impl Detector for AnnotatedFaces {
        fn detect(&mut self, _: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
            faces.clone_from(&self.0);
            Ok(())
        }
    }

    fn face(x: f32, shift: f32) -> Face {
        let point = Point::new(x + shift, 5.0);
        let landmarks = Some(Landmarks::from_points([point; 5]));
        Face { rect: Rect::new(x, 0.0, 10.0, 10.0), score: 1.0, landmarks }
    }

    #[test]
    fn pairs_strangers_and_marked_faces_are_counted() {
        let mut first = AnnotatedFaces(vec![face(0.0, 0.0), face(30.0, 0.0), face(60.0, 0.0)]);
        // One box is shifted by a tenth, its landmarks by another tenth; one is missing; one is additional.
        let mut second = AnnotatedFaces(vec![face(90.0, 0.0), face(31.0, 1.0), face(0.0, 0.0)]);
        let marked = [Rect::new(60.0, 0.0, 10.0, 10.0), Rect::new(1.0, 0.0, 10.0, 10.0)];
        let mut agreement = Agreement::default();
        agreement.see([&mut first, &mut second], &Luma::new(8, 8), &marked).unwrap();
        assert_eq!((agreement.both, agreement.first_only, agreement.second_only), (2, 1, 1));
        assert_eq!((agreement.marked, agreement.found), (2, [2, 1]));
        assert!((agreement.mean_iou() - (1.0 + 90.0 / 110.0) / 2.0).abs() < 1e-5);
        assert!((agreement.landmark_error() - (0.0 + 0.2) / 2.0).abs() < 1e-5);
        assert!((agreement.low_iou() - 90.0 / 110.0).abs() < 1e-5);
    }
}
