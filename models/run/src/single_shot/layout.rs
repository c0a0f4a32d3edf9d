//! Layouts of the networks' inputs and outputs.

use emocue_models::bundle::detector::Outputs;

/// A score of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScoreKind {
    /// The geometric mean of the probabilities of class and object.
    ClassAndObject,
    /// A logit.
    Logit,
}

/// Values of cells in an output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    /// Number of the output for each level.
    pub outputs: [usize; 3],
    /// Values that the output has for each cell.
    pub each: usize,
    /// The first of them that belongs to the field.
    pub first: usize,
}

/// Turned searches of a kind of network, for faces that are turned by more than it detects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Turned {
    /// Turns besides upright, degrees clockwise; none where nothing was measured.
    pub turns: &'static [f32],
    /// Score from which O-Net is run on a face, `0..=1`.
    pub maybe: f32,
    /// Weight of O-Net's log odds, relative to the network's own.
    pub onet: f32,
    /// Probability that a face must reach, `0..=1`: of both networks together, or of the detector alone without O-Net.
    pub sure: f32,
}

impl Turned {
    /// No turns.
    const NEVER: Self = Self { turns: &[], maybe: 1.0, onet: 0.0, sure: 1.0 };

    /// The joint probability of both networks; the detector's alone where O-Net has no score. Below `maybe` it never
    /// suffices.
    pub(super) fn together(&self, score: f32, onet: Option<f32>) -> f32 {
        let odds = |score: f32| {
            let score = score.clamp(1e-4, 1.0 - 1e-4);
            (score / (1.0 - score)).ln()
        };
        let sum = odds(score) + onet.map_or(0.0, |onet| self.onet * odds(onet));
        let together = 1.0 / (1.0 + (-sum).exp());
        if score < self.maybe { together.min(self.sure) * score / self.maybe } else { together }
    }

    /// A probability as a score. It rises with the probability: `sure` becomes `usual`, and 1 stays 1.
    pub(super) fn as_score(&self, probability: f32, usual: f32) -> f32 {
        let Self { sure, .. } = *self;
        if probability < sure || sure >= 1.0 {
            probability / sure * usual
        } else {
            usual + (probability - sure) / (1.0 - sure) * (1.0 - usual)
        }
    }
}

/// A kind of network.
#[derive(Debug)]
pub(super) struct Layout {
    /// Width and height of its input are multiples of it, px.
    pub multiple: usize,
    /// A pixel enters as `(pixel - mean) * scale`.
    pub mean: f32,
    /// See `mean`.
    pub scale: f32,
    /// Whether an output is planar, with the first values of all cells first; otherwise all values of the first cell
    /// are first.
    pub planar: bool,
    /// What its scores are.
    pub score: ScoreKind,
    /// One field, or two for class and object.
    pub scores: [Field; 2],
    /// Centre, and the logarithms of width and height, in strides.
    pub boxes: Field,
    /// Five points, in strides.
    pub landmarks: Field,
    /// Origin of positions, in strides from the cell's corner.
    pub anchor: f32,
    /// Its turned searches.
    pub turned: Turned,
}

/// YuNet: luma of 0 to 255 in; out, each for three strides: class, object, box, landmarks, as `[1,cells,values]`.
static YUNET: Layout = {
    const fn kind(number: usize, each: usize) -> Field {
        Field { outputs: [3 * number, 3 * number + 1, 3 * number + 2], each, first: 0 }
    }
    Layout {
        multiple: 32,
        mean: 0.0,
        scale: 1.0,
        planar: false,
        score: ScoreKind::ClassAndObject,
        scores: [kind(0, 1), kind(1, 1)],
        boxes: kind(2, 4),
        landmarks: kind(3, 10),
        anchor: 0.0,
        turned: Turned::NEVER,
    }
};

/// `emocue-face`: normalised luma in; out, one map of fifteen values `[1,15,rows,columns]` for each stride.
static FACE: Layout = {
    const fn from(first: usize) -> Field {
        Field { outputs: [0, 1, 2], each: 15, first }
    }
    Layout {
        multiple: 32,
        mean: 127.5,
        scale: 1.0 / 63.75,
        planar: true,
        score: ScoreKind::Logit,
        scores: [from(0), from(0)],
        boxes: from(1),
        landmarks: from(5),
        anchor: 0.5,
        // Measured with the default bundle on pictures that it may have been trained on: in 1,485 pictures without
        // people no turned search has a false positive. With half of O-Net's weight or all of it there are false
        // positives, or fewer faces.
        turned: Turned { turns: &[45.0, -45.0], maybe: 0.5, onet: 0.7, sure: 0.93 },
    }
};

impl Layout {
    pub(super) fn of(outputs: Outputs) -> &'static Self {
        match outputs {
            Outputs::Yunet => &YUNET,
            Outputs::Face => &FACE,
        }
    }

    /// Normalises luma of 0 to 255 for the network.
    pub(super) fn normalise(&self, values: &mut [f32]) {
        if self.mean != 0.0 || self.scale != 1.0 {
            values.iter_mut().for_each(|value| *value = (*value - self.mean) * self.scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_networks_have_to_agree_on_a_turned_face() {
        let Turned { maybe, sure, .. } = FACE.turned;
        let is_face = |score, onet| FACE.turned.together(score, onet) >= sure;
        assert!(is_face(0.6, Some(0.98)) && is_face(0.9, Some(0.7)) && is_face(0.95, None));
        assert!(!is_face(0.6, Some(0.6)) && !is_face(0.9, Some(0.2)) && !is_face(0.9, None));
        // Whatever O-Net's score is: O-Net alone has many false positives.
        assert!(!is_face(maybe - 0.01, Some(1.0)) && !is_face(0.02, Some(f32::NAN)));
        assert!(!is_face(0.0, Some(0.0)) && is_face(1.0, Some(1.0)));
    }

    #[test]
    fn a_turned_face_that_suffices_reaches_the_usual_score() {
        let turned = FACE.turned;
        let score = |probability| turned.as_score(probability, 0.7);
        assert_eq!([score(0.0), score(turned.sure), score(1.0)], [0.0, 0.7, 1.0]);
        assert!(score(turned.sure - 0.01) < 0.7 && score(turned.sure + 0.01) > 0.7);
        assert_eq!(Turned::NEVER.as_score(1.0, 0.7), 0.7);
    }
}
