//! Candidate windows of the cascade.

use emocue_models::geometry::{Landmarks, Rect};

/// A window that may hold a face.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Candidate {
    /// Left edge, px.
    pub left: f32,
    /// Top edge, px.
    pub top: f32,
    /// Right edge, px.
    pub right: f32,
    /// Bottom edge, px.
    pub bottom: f32,
    /// The latest network's score, `0..=1`.
    pub score: f32,
    /// The latest network's shift of left, top, right, bottom, in widths and heights.
    pub shift: [f32; 4],
    /// O-Net's landmarks.
    pub landmarks: Option<Landmarks>,
    /// A number that the caller assigns.
    pub tag: usize,
}

impl Candidate {
    /// A window without a score.
    pub(crate) fn at(rect: &Rect) -> Self {
        let (right, bottom) = (rect.right(), rect.bottom());
        Self { left: rect.x, top: rect.y, right, bottom, ..Self::default() }
    }

    pub(crate) fn rect(&self) -> Rect {
        Rect::from_corners(self.left, self.top, self.right, self.bottom)
    }

    /// Moves the edges by the network's shift.
    pub(crate) fn regress(&mut self) {
        self.regress_by(self.right - self.left, self.bottom - self.top);
    }

    /// The same for P-Net's windows, whose sizes the reference counts one px smaller.
    pub(crate) fn regress_proposal(&mut self) {
        self.regress_by(self.right - self.left - 1.0, self.bottom - self.top - 1.0);
    }

    fn regress_by(&mut self, width: f32, height: f32) {
        let [left, top, right, bottom] = self.shift;
        self.left += left * width;
        self.top += top * height;
        self.right += right * width;
        self.bottom += bottom * height;
    }

    /// Grows the shorter side to the longer one around the centre.
    pub(crate) fn square(&mut self) {
        let (width, height) = (self.right - self.left, self.bottom - self.top);
        let side = width.max(height);
        self.left += (width - side) / 2.0;
        self.top += (height - side) / 2.0;
        self.right = self.left + side;
        self.bottom = self.top + side;
    }
}

/// What the intersection of two windows is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlap {
    /// Their union.
    Union,
    /// The smaller of the two, so that a window inside another is suppressed.
    Smaller,
}

/// Non-maximum suppression: orders by score, best first, and drops every window that overlaps a better one by
/// more than `threshold`.
pub(crate) fn nms(candidates: &mut Vec<Candidate>, threshold: f32, overlap: Overlap) {
    nms_from(candidates, 0, threshold, overlap);
}

/// [`nms`] among `candidates[start..]`.
pub(crate) fn nms_from(
    candidates: &mut Vec<Candidate>,
    start: usize,
    threshold: f32,
    overlap: Overlap,
) {
    // (a stable sort would allocate)
    candidates[start..].sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept = start;
    for i in start..candidates.len() {
        let candidate = candidates[i];
        let rect = candidate.rect();
        let covered = candidates[start..kept].iter().any(|better| {
            let better = better.rect();
            let shared = rect.intersection(&better);
            let whole = match overlap {
                Overlap::Union => rect.area() + better.area() - shared,
                Overlap::Smaller => rect.area().min(better.area()),
            };
            shared > threshold * whole
        });
        if !covered {
            candidates[kept] = candidate;
            kept += 1;
        }
    }
    candidates.truncate(kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(left: f32, top: f32, side: f32, score: f32) -> Candidate {
        let (right, bottom) = (left + side, top + side);
        Candidate { left, top, right, bottom, score, ..Candidate::default() }
    }

    #[test]
    fn the_best_of_overlapping_windows_stays() {
        let mut candidates = vec![
            candidate(0.0, 0.0, 10.0, 0.8),
            candidate(1.0, 0.0, 10.0, 0.9),
            candidate(20.0, 0.0, 10.0, 0.7),
        ];
        nms(&mut candidates, 0.7, Overlap::Union);
        let scores: Vec<f32> = candidates.iter().map(|c| c.score).collect();
        assert_eq!(scores, [0.9, 0.7]);
    }

    #[test]
    fn a_window_inside_another_goes_only_by_the_smaller_area() {
        let both = vec![candidate(0.0, 0.0, 20.0, 0.9), candidate(5.0, 5.0, 10.0, 0.8)];
        let mut candidates = both.clone();
        nms(&mut candidates, 0.7, Overlap::Union);
        assert_eq!(candidates, both);
        nms(&mut candidates, 0.7, Overlap::Smaller);
        assert_eq!(candidates, both[..1]);
    }

    #[test]
    fn windows_before_the_start_are_left_alone() {
        let mut candidates = vec![candidate(0.0, 0.0, 10.0, 0.1), candidate(0.0, 0.0, 10.0, 0.9)];
        nms_from(&mut candidates, 1, 0.5, Overlap::Union);
        assert_eq!(candidates.len(), 2);
    }

    #[test]
    fn squaring_keeps_the_centre() {
        let mut c = Candidate { right: 10.0, bottom: 20.0, ..Candidate::default() };
        c.square();
        assert_eq!((c.left, c.top, c.right, c.bottom), (-5.0, 0.0, 15.0, 20.0));
    }

    #[test]
    fn shifts_are_in_widths_and_heights() {
        let mut c = Candidate { right: 10.0, bottom: 20.0, ..Candidate::default() };
        c.shift = [0.1, -0.1, 0.2, 0.5];
        c.regress();
        assert_eq!((c.left, c.top, c.right, c.bottom), (1.0, -2.0, 12.0, 30.0));
    }
}
