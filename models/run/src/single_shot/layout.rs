//! How a network's input and outputs lie.

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

/// A kind of network.
#[derive(Debug)]
pub(super) struct Layout {
    /// Width and height of its input are multiples of it, px.
    pub multiple: usize,
    /// A pixel enters as `(pixel - mean) * scale`.
    pub mean: f32,
    /// See `mean`.
    pub scale: f32,
    /// Whether all first values of an output come first, else all values of the first cell.
    pub planar: bool,
    /// How its scores are to be read.
    pub score: ScoreKind,
    /// One field, or two for class and object.
    pub scores: [Field; 2],
    /// Centre, and the logarithms of width and height, in strides.
    pub boxes: Field,
    /// Five points, in strides.
    pub landmarks: Field,
    /// From where places count, in strides from the cell's corner.
    pub anchor: f32,
}

/// YuNet takes luma of 0 to 255 and gives, each for three strides: class, object, box, landmarks, as `[1,cells,values]`.
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
    }
};

/// `emocue-face` takes normalised luma and gives one map of fifteen values `[1,15,rows,columns]` for each stride.
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
    }
};

impl Layout {
    pub(super) fn of(outputs: Outputs) -> &'static Self {
        match outputs {
            Outputs::Yunet => &YUNET,
            Outputs::Face => &FACE,
        }
    }

    /// Brings luma of 0 to 255 to what the network takes.
    pub(super) fn normalise(&self, values: &mut [f32]) {
        if self.mean != 0.0 || self.scale != 1.0 {
            values.iter_mut().for_each(|value| *value = (*value - self.mean) * self.scale);
        }
    }
}
