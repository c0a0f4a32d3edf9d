//! The targets of a frame's cells.

use emocue_models::geometry::{Face, Point, Rect};

use super::VALUES;
use super::grid::{CELLS, Cell, STRIDES};
use super::teacher::TeacherCell;

/// Sizes (square root of the area, px) of the faces of each level, without a teacher.
const SIZES: [std::ops::RangeInclusive<f32>; 3] = [0.0..=44.0, 32.0..=96.0, 72.0..=f32::INFINITY];
/// The teacher's score from which its cell is positive. Hard targets rank better than the teacher's scores.
const FOUND: f32 = 0.45;
/// The teacher's score below which its cell is negative; between both, it does not count.
const NOT_FOUND: f32 = 0.15;
/// Lowest IoU at which a teacher's box matches an annotated face.
const SAME: f32 = 0.4;
/// Largest distance of a positive cell's anchor from the face's centre, in face sizes.
const NEAR: f32 = 0.16;
/// Cells of the face's level up to this distance, and cells of other levels up to [`NEAR`], do not count.
const AROUND: f32 = 0.4;

/// A positive cell: one that must detect a face.
#[derive(Clone, Debug, PartialEq)]
pub struct Positive {
    /// Index of the cell.
    pub cell: usize,
    /// Its values after the score.
    pub values: [f32; VALUES - 1],
    /// Whether the face has landmarks.
    pub landmarks: bool,
    /// The face's size in strides.
    pub size: f32,
}

/// The targets of one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    /// For each cell, whether its score is part of the loss.
    pub counts: Vec<bool>,
    /// The positive cells.
    pub positives: Vec<Positive>,
}

/// Square root of a box's area, px.
pub fn size(rect: &Rect) -> f32 {
    rect.area().sqrt()
}

impl Targets {
    /// The targets of a frame with `faces`; cells in `ignored` do not count. `teacher` has the teacher's cells for the
    /// clean view, rotated with the frame; `None` if there are none.
    pub fn new(faces: &[Face], ignored: &[Rect], teacher: Option<&[TeacherCell]>) -> Self {
        let mut targets = Self { counts: vec![true; CELLS], positives: Vec::new() };
        for rect in ignored {
            targets.leave(rect.center(), 0.5 * size(rect).max(8.0), 0..STRIDES.len());
        }
        for seen in teacher.unwrap_or_default() {
            let known = faces.iter().any(|face| face.rect.iou(&seen.rect) >= SAME);
            if seen.score > 2.0 * NOT_FOUND && !known {
                targets.counts[seen.cell.index()] = false;
            }
        }
        // A cell that two faces claim belongs to the nearer one.
        let mut owner: Vec<Option<(f32, usize)>> = vec![None; CELLS];
        for (number, face) in faces.iter().enumerate() {
            let found =
                teacher.map_or(0, |teacher| targets.follow(face, number, teacher, &mut owner));
            if found == 0 {
                targets.assign(face, number, teacher.is_some(), &mut owner);
            }
        }
        for (index, owner) in owner.iter().enumerate() {
            let Some((_, number)) = owner else { continue };
            let cell = Cell::of_index(index);
            let face = &faces[*number];
            targets.counts[index] = true;
            targets.positives.push(Positive {
                cell: index,
                values: cell.encode(face),
                landmarks: face.landmarks.is_some(),
                size: size(&face.rect) / STRIDES[cell.level] as f32,
            });
        }
        targets
    }

    /// Assigns the face to the cells in which the teacher found it; returns their number.
    fn follow(
        &mut self,
        face: &Face,
        number: usize,
        teacher: &[TeacherCell],
        owner: &mut [Option<(f32, usize)>],
    ) -> usize {
        let mut found = 0;
        for seen in teacher.iter().filter(|seen| seen.rect.iou(&face.rect) >= SAME) {
            let index = seen.cell.index();
            if seen.score >= FOUND {
                own(&mut owner[index], seen.cell, face, number);
                found += 1;
            } else if seen.score >= NOT_FOUND {
                self.counts[index] = false;
            }
        }
        found
    }

    /// Assigns the face by its size and position. With `only`, for a face that the teacher missed, just the nearest
    /// cell is positive.
    fn assign(
        &mut self,
        face: &Face,
        number: usize,
        only: bool,
        owner: &mut [Option<(f32, usize)>],
    ) {
        let (center, size) = (face.rect.center(), size(&face.rect));
        self.leave(center, NEAR * size, 0..STRIDES.len());
        for level in (0..STRIDES.len()).filter(|level| SIZES[*level].contains(&size)) {
            self.leave(center, AROUND * size, level..level + 1);
            let Some(nearest) = Cell::at(level, center) else { continue };
            own(&mut owner[nearest.index()], nearest, face, number);
            if !only {
                each_within(center, NEAR * size, level, |cell| {
                    own(&mut owner[cell.index()], cell, face, number);
                });
            }
        }
    }

    /// Excludes from the loss the cells of `levels` with an anchor within `radius` px of `center`.
    fn leave(&mut self, center: Point, radius: f32, levels: std::ops::Range<usize>) {
        for level in levels {
            each_within(center, radius, level, |cell| self.counts[cell.index()] = false);
        }
    }
}

fn own(owner: &mut Option<(f32, usize)>, cell: Cell, face: &Face, number: usize) {
    let distance = cell.anchor().distance(face.rect.center()) / size(&face.rect).max(1.0);
    if owner.is_none_or(|(nearest, _)| distance < nearest) {
        *owner = Some((distance, number));
    }
}

fn each_within(center: Point, radius: f32, level: usize, mut with: impl FnMut(Cell)) {
    let stride = STRIDES[level] as f32;
    let [columns, rows] = super::grid::grid(level);
    let range = |middle: f32, count: usize| {
        let from = ((middle - radius) / stride - 0.5).ceil().max(0.0) as usize;
        let to = ((middle + radius) / stride - 0.5).floor() + 1.0;
        from..(to.max(0.0) as usize).min(count)
    };
    for row in range(center.y, rows) {
        for column in range(center.x, columns) {
            let cell = Cell { level, column, row };
            if cell.anchor().distance(center) <= radius {
                with(cell);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face(x: f32, y: f32, side: f32) -> Face {
        let rect = Rect::new(x - side / 2.0, y - side / 2.0, side, side);
        Face { rect, score: 1.0, landmarks: None }
    }

    #[test]
    fn every_face_is_some_cells_and_small_ones_are_the_finest_levels() {
        for side in [8.0, 20.0, 40.0, 80.0, 200.0] {
            let face = face(100.0, 90.0, side);
            let targets = Targets::new(&[face], &[], None);
            assert!(!targets.positives.is_empty(), "{side}");
            for positive in &targets.positives {
                let cell = Cell::of_index(positive.cell);
                assert!(targets.counts[positive.cell]);
                assert!(cell.decode(1.0, &positive.values).rect.iou(&face.rect) > 0.99);
                assert!(SIZES[cell.level].contains(&side));
            }
        }
        assert!(Targets::new(&[], &[], None).counts.iter().all(|counts| *counts));
    }

    #[test]
    fn the_teachers_cells_are_followed_and_strangers_left_alone() {
        let face = face(100.0, 90.0, 30.0);
        let at = |x: f32, y: f32| Cell::at(0, Point::new(x, y)).unwrap();
        let cell = |cell, score, rect| TeacherCell { cell, score, rect, landmarks: None };
        let stranger = Rect::new(200.0, 100.0, 30.0, 30.0);
        let teacher = [
            cell(at(100.0, 90.0), 0.9, face.rect),
            cell(at(92.0, 90.0), 0.3, face.rect),
            cell(at(215.0, 115.0), 0.8, stranger),
        ];
        let targets = Targets::new(&[face], &[], Some(&teacher));
        assert_eq!(targets.positives.len(), 1);
        assert_eq!(targets.positives[0].cell, at(100.0, 90.0).index());
        let left: Vec<usize> = (0..CELLS).filter(|cell| !targets.counts[*cell]).collect();
        let mut expected = [at(92.0, 90.0).index(), at(215.0, 115.0).index()];
        expected.sort_unstable();
        assert_eq!(left, expected);
        // A face that the teacher missed still has a positive cell.
        let missed = Targets::new(&[face], &[], Some(&[]));
        assert_eq!(missed.positives.len(), 1);
    }

    #[test]
    fn nothing_is_asked_of_what_is_ignored() {
        let rect = Rect::new(80.0, 80.0, 40.0, 40.0);
        let targets = Targets::new(&[], &[rect], None);
        assert!(!targets.counts[Cell::at(0, rect.center()).unwrap().index()]);
        assert!(targets.counts[0]);
    }
}
