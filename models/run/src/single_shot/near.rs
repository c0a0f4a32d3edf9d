//! Lower thresholds near faces that are already known.

use emocue_models::geometry::Rect;

/// IoU with a known face above which a face is near it.
pub(super) const OVERLAP: f32 = 0.3;

/// O-Net's score that suffices near a known face, as in MTCNN.
const CONFIRM: f32 = 0.3;

/// Faces that are already known.
#[derive(Clone, Copy)]
pub(super) struct Near<'a> {
    known: &'a [Rect],
}

impl<'a> Near<'a> {
    pub(super) fn new(known: &'a [Rect]) -> Self {
        Self { known }
    }

    pub(super) fn knows_any(self) -> bool {
        !self.known.is_empty()
    }

    pub(super) fn is_near(self, rect: &Rect) -> bool {
        self.known.iter().any(|known| known.iou(rect) > OVERLAP)
    }

    /// O-Net's score that a face at `rect` needs; elsewhere `usual`.
    pub(super) fn confirm(self, rect: &Rect, usual: f32) -> f32 {
        if self.is_near(rect) { usual.min(CONFIRM) } else { usual }
    }
}
