//! The teacher's outputs for a clean frame: YuNet's cells at the same strides (Wu et al. 2023).

use emocue_models::geometry::{Landmarks, Point, Rect};
use emocue_run::{RunError, Session};
use serde::{Deserialize, Serialize};

use super::grid::{Cell, STRIDES, grid};
use super::view::turn;
use super::{HEIGHT, WIDTH};

/// Height of the teacher's input, px: a multiple of 32.
const PADDED: usize = HEIGHT.next_multiple_of(32);
/// Cells with a lower score are not kept.
const LEAST: f32 = 0.1;

/// A cell in which the teacher detected a face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TeacherCell {
    /// The cell.
    pub cell: Cell,
    /// Its score, `0..=1`.
    pub score: f32,
    /// The face's box, px of the frame.
    pub rect: Rect,
    /// The face's landmarks, px of the frame.
    pub landmarks: Option<Landmarks>,
}

impl TeacherCell {
    /// The same in a frame that is rotated about `pivot` (px) by `angle` (radians); `None` if it is then outside.
    pub fn turned(&self, angle: f32, pivot: Point) -> Option<Self> {
        let cell = Cell::at(self.cell.level, turn(self.cell.anchor(), angle, pivot))?;
        let center = turn(self.rect.center(), angle, pivot);
        let Rect { width, height, .. } = self.rect;
        let rect = Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height);
        let landmarks = self.landmarks.map(|landmarks| {
            Landmarks::from_points(landmarks.points().map(|point| turn(point, angle, pivot)))
        });
        Some(Self { cell, rect, landmarks, ..*self })
    }
}

/// A cell as it is stored, in small integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptCell {
    cell: u16,
    score: f32,
    rect: Rect,
    landmarks: Landmarks,
}

impl KeptCell {
    /// The cell as the teacher gave it, rounded.
    pub fn cell(&self) -> TeacherCell {
        TeacherCell {
            cell: Cell::of_index(usize::from(self.cell)),
            score: self.score,
            rect: self.rect,
            landmarks: Some(self.landmarks),
        }
    }
}

/// The teacher, loaded.
pub struct FaceTeacher(Session);

impl FaceTeacher {
    /// Loads YuNet's graph, with its input folded to luma `0..=255` `[1,1,H,W]` (`emocue import onnx`).
    ///
    /// # Errors
    /// [`RunError`] when it cannot be loaded for the size of a frame.
    pub fn load(onnx: &[u8]) -> Result<Self, RunError> {
        Ok(Self(Session::load("teacher", onnx, &[1, 1, PADDED, WIDTH])?))
    }

    /// Its cells for a frame of luma `0..=255`, [`WIDTH`] x [`HEIGHT`] px.
    ///
    /// # Errors
    /// [`RunError`] when it fails or has other outputs than YuNet.
    pub fn look(&self, frame: &[f32]) -> Result<Vec<KeptCell>, RunError> {
        let outputs = self.0.run(|input| input[..frame.len()].copy_from_slice(frame))?;
        let mut seen = Vec::new();
        for (level, stride) in STRIDES.into_iter().enumerate() {
            let columns = WIDTH / stride;
            let cells = columns * (PADDED / stride);
            let read = |kind: usize, each: usize| {
                let values = outputs.get(3 * kind + level)?;
                match values.len() == cells * each {
                    true => Ok(values),
                    false => Err(RunError {
                        model: "teacher".to_owned(),
                        what: "it is not YuNet",
                        reason: format!("{} values where {} are due", values.len(), cells * each),
                    }),
                }
            };
            let (classes, objects, boxes, points) =
                (read(0, 1)?, read(1, 1)?, read(2, 4)?, read(3, 10)?);
            let stride = stride as f32;
            for at in 0..cells.min(grid(level)[0] * grid(level)[1]) {
                let score = (classes[at].clamp(0.0, 1.0) * objects[at].clamp(0.0, 1.0)).sqrt();
                if score < LEAST {
                    continue;
                }
                let (column, row) = ((at % columns) as f32, (at / columns) as f32);
                let place = |x: f32, y: f32| Point::new((column + x) * stride, (row + y) * stride);
                let shape = &boxes[4 * at..][..4];
                let center = place(shape[0], shape[1]);
                let (width, height) = (shape[2].exp() * stride, shape[3].exp() * stride);
                let points = &points[10 * at..][..10];
                let point = |i: usize| place(points[2 * i], points[2 * i + 1]);
                let cell = Cell { level, column: at % columns, row: at / columns };
                seen.push(KeptCell {
                    cell: cell.index() as u16,
                    score,
                    rect: Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height),
                    landmarks: Landmarks::from_points(std::array::from_fn(point)),
                });
            }
        }
        Ok(seen)
    }
}
