//! The number of people in a picture according to a detector: none, one or several.

use serde::Serialize;

use super::interval::{Figure, share};
use super::look::Look;

/// The classes' names, in their order.
pub const NAMES: [&str; 3] = ["none", "one", "several"];

/// The figures of this classification.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct People {
    /// Accuracy.
    pub accuracy: Figure,
    /// Figures by class.
    pub classes: Vec<PeopleClass>,
    /// Counts, row: truth, column: answer.
    pub confusion: [[usize; 3]; 3],
}

/// One class of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeopleClass {
    /// One of [`NAMES`].
    pub name: String,
    /// Precision, `0..=1`.
    pub precision: f64,
    /// Recall, `0..=1`.
    pub recall: f64,
    /// F1, `0..=1`.
    pub f1: f64,
    /// Number of pictures of the class.
    pub pictures: usize,
}

impl People {
    /// The figures for detections at `threshold`; `None` without pictures.
    pub fn of<'a>(looks: impl Iterator<Item = &'a Look>, threshold: f32) -> Option<Self> {
        let mut confusion = [[0; 3]; 3];
        for look in looks {
            let found = look.marks.iter().filter(|m| m.score.is_some_and(|s| s >= threshold));
            let alarms = look.alarms.iter().filter(|alarm| alarm.score >= threshold);
            let answer = found.count() + alarms.count();
            confusion[look.marks.len().min(2)][answer.min(2)] += 1;
        }
        let pictures: usize = confusion.iter().flatten().sum();
        let right = (0..3).map(|class| confusion[class][class]).sum();
        let ratio = |part: usize, of: usize| part as f64 / of.max(1) as f64;
        let class = |class: usize| {
            let hits = confusion[class][class];
            let pictures: usize = confusion[class].iter().sum();
            let answered: usize = confusion.iter().map(|row| row[class]).sum();
            PeopleClass {
                name: NAMES[class].to_owned(),
                precision: ratio(hits, answered),
                recall: ratio(hits, pictures),
                f1: ratio(2 * hits, answered + pictures),
                pictures,
            }
        };
        let classes = (0..3).map(class).collect();
        Some(Self { accuracy: share(right, pictures)?, classes, confusion })
    }
}

#[cfg(test)]
mod tests {
    use super::super::look::{Alarm, FaceKind, Mark};
    use super::*;

    #[test]
    fn pictures_are_counted_by_how_many_faces_they_show() {
        let mark = |score| Mark { kind: FaceKind::Bare, side: 50.0, score, landmark_error: None };
        let look = |marks: &[Option<f32>], alarms: usize| Look {
            marks: marks.iter().copied().map(mark).collect(),
            alarms: vec![Alarm { score: 0.8, side: 50.0 }; alarms],
        };
        let looks = [
            look(&[], 0),
            look(&[], 1),
            look(&[Some(0.9)], 0),
            look(&[Some(0.4)], 0),
            look(&[Some(0.9), Some(0.9), None], 0),
            look(&[Some(0.9), Some(0.3)], 0),
        ];
        let people = People::of(looks.iter(), 0.5).unwrap();
        assert_eq!(people.confusion, [[1, 1, 0], [1, 1, 0], [0, 1, 1]]);
        assert_eq!(people.accuracy.value, 0.5);
        let several = &people.classes[2];
        assert_eq!((several.precision, several.recall, several.pictures), (1.0, 0.5, 2));
        assert!((several.f1 - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(People::of([].iter(), 0.5), None);
    }
}
