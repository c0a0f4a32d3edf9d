//! From the values of a level's cells to faces.

use emocue_models::geometry::{Face, Landmarks, Point, Rect};

use super::layout::{Field, Layout, ScoreKind};
use super::{STRIDES, error};
use crate::RunError;
use crate::session::Outputs;

/// Values of all cells of a level.
#[derive(Clone, Copy, Debug)]
struct Values<'a> {
    values: &'a [f32],
    /// From one cell to the next.
    step: usize,
    /// From one value of a cell to its next.
    pitch: usize,
}

impl Values<'_> {
    fn at(&self, cell: usize, index: usize) -> f32 {
        self.values[cell * self.step + index * self.pitch]
    }
}

/// The outputs of one stride.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level<'a> {
    kind: ScoreKind,
    scores: [Values<'a>; 2],
    boxes: Values<'a>,
    landmarks: Values<'a>,
    anchor: f32,
    cells: usize,
    columns: usize,
    stride: f32,
}

impl<'a> Level<'a> {
    /// Finds the values of level `number` in the outputs for an input of `width` x `height` px.
    ///
    /// # Errors
    /// [`RunError`] when an output is missing or has another size.
    pub(super) fn read(
        outputs: &'a Outputs<'_>,
        layout: &Layout,
        number: usize,
        width: usize,
        height: usize,
    ) -> Result<Self, RunError> {
        let stride = STRIDES[number];
        let columns = width.div_ceil(stride);
        let cells = columns * height.div_ceil(stride);
        let field = |field: Field| -> Result<Values<'a>, RunError> {
            let values = outputs.get(field.outputs[number])?;
            let expected = cells * field.each;
            if values.len() != expected {
                let reason = format!("expected {expected} values, found {}", values.len());
                return Err(error("unexpected outputs", reason));
            }
            let (step, pitch) = if layout.planar { (1, cells) } else { (field.each, 1) };
            Ok(Values { values: &values[field.first * pitch..], step, pitch })
        };
        Ok(Self {
            kind: layout.score,
            scores: [field(layout.scores[0])?, field(layout.scores[1])?],
            boxes: field(layout.boxes)?,
            landmarks: field(layout.landmarks)?,
            anchor: layout.anchor,
            cells,
            columns,
            stride: stride as f32,
        })
    }

    /// Passes `take` the faces that score at least `least`, in px of the network's input.
    pub(super) fn decode(&self, least: f32, mut take: impl FnMut(Face)) {
        for cell in 0..self.cells {
            let score = self.score(cell);
            if score >= least
                && let Some(face) = self.face(cell, score)
            {
                take(face);
            }
        }
    }

    fn score(&self, cell: usize) -> f32 {
        let [first, second] = self.scores.map(|scores| scores.at(cell, 0));
        match self.kind {
            ScoreKind::ClassAndObject => (first.clamp(0.0, 1.0) * second.clamp(0.0, 1.0)).sqrt(),
            ScoreKind::Logit => 1.0 / (1.0 + (-first).exp()),
        }
    }

    /// `None` where the values are not a box.
    fn face(&self, cell: usize, score: f32) -> Option<Face> {
        let [column, row] =
            [cell % self.columns, cell / self.columns].map(|index| index as f32 + self.anchor);
        let place = |values: &Values<'_>, first: usize| {
            let (x, y) = (values.at(cell, first), values.at(cell, first + 1));
            Point::new((column + x) * self.stride, (row + y) * self.stride)
        };
        let center = place(&self.boxes, 0);
        let [width, height] = [2, 3].map(|index| self.boxes.at(cell, index).exp() * self.stride);
        let points = std::array::from_fn(|index| place(&self.landmarks, 2 * index));
        let rect = Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height);
        let is_box = rect.x.is_finite() && rect.y.is_finite() && rect.area().is_finite();
        is_box.then(|| Face { rect, score, landmarks: Some(Landmarks::from_points(points)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(level: &Level<'_>, least: f32) -> Vec<Face> {
        let mut faces = Vec::new();
        level.decode(least, |face| faces.push(face));
        faces
    }

    #[test]
    fn a_cell_of_yunet_becomes_the_face_it_saw() {
        let (mut boxes, mut landmarks) = ([0.0; 16], [0.0; 40]);
        // The third of four cells: second row, first column, 2 cells wide.
        boxes[8..12].copy_from_slice(&[0.5, 0.25, 2f32.ln(), 0.0]);
        landmarks[20..22].copy_from_slice(&[1.0, -1.0]);
        let values = |values, step| Values { values, step, pitch: 1 };
        let level = Level {
            kind: ScoreKind::ClassAndObject,
            scores: [values(&[0.9, 0.1, 0.81, 2.0], 1), values(&[0.1, 0.9, 0.81, 0.3], 1)],
            boxes: values(&boxes, 4),
            landmarks: values(&landmarks, 10),
            anchor: 0.0,
            cells: 4,
            columns: 2,
            stride: 8.0,
        };
        let faces = decoded(&level, 0.7);
        assert_eq!(faces.len(), 1);
        let face = faces[0];
        assert!((face.score - 0.81).abs() < 1e-6);
        let near = [face.rect.x + 4.0, face.rect.y - 6.0, face.rect.width - 16.0];
        assert!(near.iter().all(|off| off.abs() < 1e-4), "{:?}", face.rect);
        assert_eq!(face.landmarks.unwrap().left_eye, Point::new(8.0, 0.0));
        assert_eq!(face.landmarks.unwrap().nose, Point::new(0.0, 8.0));
    }

    #[test]
    fn a_cell_of_a_planar_map_counts_from_its_middle() {
        // Two cells with a score of 1/2 and nothing else; the second says NaN for its width.
        let mut map = [0.0; 30];
        map[7] = f32::NAN;
        let values = |first: usize| Values { values: &map[first * 2..], step: 1, pitch: 2 };
        let level = Level {
            kind: ScoreKind::Logit,
            scores: [values(0); 2],
            boxes: values(1),
            landmarks: values(5),
            anchor: 0.5,
            cells: 2,
            columns: 2,
            stride: 16.0,
        };
        let faces = decoded(&level, 0.5);
        assert_eq!(faces.len(), 1, "a width that is not a number is not a face");
        assert_eq!(faces[0].rect, Rect::new(0.0, 0.0, 16.0, 16.0));
        assert_eq!(faces[0].landmarks.unwrap().right_mouth, Point::new(8.0, 8.0));
        assert!(decoded(&level, 0.51).is_empty());
    }
}
