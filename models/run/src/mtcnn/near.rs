//! Score thresholds of windows: lower near a face that is already known.

use emocue_models::geometry::Rect;

use super::candidate::Candidate;

/// Scores of P-, R- and O-Net that suffice near a known face: tilted heads are found again, without more false
/// positives elsewhere.
const NEAR_THRESHOLDS: [f32; 3] = [0.5, 0.5, 0.3];

/// IoU with a known face above which a window is near it.
const NEAR_OVERLAP: f32 = 0.3;

/// The score thresholds of one search.
pub(super) struct Near<'a> {
    known: &'a [Rect],
    usual: [f32; 3],
}

impl<'a> Near<'a> {
    /// `usual` for each stage, and less near the `known` faces.
    pub(super) fn new(known: &'a [Rect], usual: [f32; 3]) -> Self {
        Self { known, usual }
    }

    /// The least score that any window needs at `stage`, 0 for P-Net to 2 for O-Net.
    pub(super) fn least(&self, stage: usize) -> f32 {
        let usual = self.usual[stage];
        if self.known.is_empty() { usual } else { usual.min(NEAR_THRESHOLDS[stage]) }
    }

    /// The score that `window` needs at `stage`.
    pub(super) fn threshold(&self, stage: usize, window: &Candidate) -> f32 {
        let rect = window.rect();
        let is_near = self.known.iter().any(|known| known.iou(&rect) > NEAR_OVERLAP);
        if is_near { self.least(stage) } else { self.usual[stage] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_near_a_known_face_need_less() {
        let known = [Rect::new(10.0, 10.0, 40.0, 50.0)];
        let near = Near::new(&known, [0.6, 0.7, 0.2]);
        let at = |x| Candidate::at(&Rect::new(x, 10.0, 40.0, 50.0));
        let needed = |x| [0, 1, 2].map(|stage| near.threshold(stage, &at(x)));
        assert_eq!(needed(15.0), [0.5, 0.5, 0.2]);
        assert_eq!(needed(60.0), [0.6, 0.7, 0.2]);
        assert_eq!(Near::new(&[], [0.6, 0.7, 0.7]).least(1), 0.7);
    }
}
