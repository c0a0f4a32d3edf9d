//! Several datasets in one, for a joint training: rows of the added ones keep their own classes.

use emocue_models::label::{FERPLUS_8, LabelSet};

use super::Dataset;
use crate::Split;

/// A dataset within a joined one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// The layout it was read from.
    pub layout: &'static str,
    /// The label set that its rows' labels are indices of.
    pub labels: LabelSet,
    /// Its first row.
    pub start: usize,
}

impl Dataset {
    /// Adds the Training rows of `other`, for training only; they keep their own classes.
    ///
    /// # Panics
    /// When the pictures have another side: a defect of the caller.
    #[must_use]
    pub fn with_more(mut self, other: &Self) -> Self {
        assert_eq!(self.side, other.side, "one size for all");
        let start = self.len();
        self.added.push(Part { layout: other.layout, labels: other.labels, start });
        let located = self.has_landmarks() || other.has_landmarks();
        self.landmarks.resize(if located { start } else { 0 }, None);
        for row in other.rows(Split::Training) {
            self.pixels.extend_from_slice(other.picture(row));
            self.rows.push(other.row(row).clone());
            if located {
                self.landmarks.push(other.landmarks(row));
            }
        }
        self
    }

    /// The datasets it consists of, in the order of their rows.
    pub fn parts(&self) -> Vec<Part> {
        let own = Part { layout: self.layout, labels: self.labels, start: 0 };
        std::iter::once(own).chain(self.added.iter().copied()).collect()
    }

    /// Index into [`Dataset::parts`] of a row's dataset.
    pub fn part_of(&self, row: usize) -> usize {
        self.added.partition_point(|part| part.start <= row)
    }

    /// The target of a row: a distribution over the classes of `head`, sum 1.
    ///
    /// From FER+ votes if the row has them and `head` is FER+'s label set, else from the label, mapped by name. `None`
    /// if the votes are unusable or `head` does not have the class.
    pub fn target(&self, row: usize, head: &LabelSet) -> Option<Vec<f32>> {
        if let Some(votes) = self.votes(row).filter(|_| head.id == FERPLUS_8.id) {
            return votes.distribution().map(|votes| votes.to_vec());
        }
        let labels = self.parts()[self.part_of(row)].labels;
        let class = labels.mapping_to(head)[self.label(row)]?;
        let mut target = vec![0.0; head.len()];
        target[class] = 1.0;
        Some(target)
    }

    /// Which classes of `head` the part with this index has; all of them if it has FER+ votes.
    pub fn taught(&self, part: usize, head: &LabelSet) -> Vec<bool> {
        if part == 0 && self.has_votes() && head.id == FERPLUS_8.id {
            return vec![true; head.len()];
        }
        let mut taught = vec![false; head.len()];
        let labels = self.parts()[part].labels;
        labels.mapping_to(head).into_iter().flatten().for_each(|class| taught[class] = true);
        taught
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::{CK_7, FER_7, RAF_7};

    use super::super::Row;
    use super::*;
    use crate::votes::Votes;

    fn row(split: Split, label: usize) -> Row {
        Row { split, label, subject: None, origin: "here".into() }
    }

    #[test]
    fn targets_go_by_name_and_votes_come_first() {
        let mut data = Dataset::new("test", CK_7, 1);
        data.push(row(Split::Training, 3), &[0]);
        data.push(row(Split::Training, 6), &[0]);
        assert_eq!(data.target(0, &FER_7), Some(vec![0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]));
        assert_eq!(data.target(1, &FER_7), None, "contempt is none of the seven");
        let votes = [[8, 2, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0, 10, 0]];
        let data = data.with_votes(votes.map(Votes).to_vec());
        let expected = vec![0.8, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(data.target(0, &FERPLUS_8), Some(expected));
        assert_eq!(data.target(1, &FERPLUS_8), None);
    }

    #[test]
    fn added_rows_are_learned_from_by_their_own_classes() {
        let mut data = Dataset::new("first", FER_7, 1);
        data.push(row(Split::Training, 3), &[1]);
        data.push(row(Split::PrivateTest, 0), &[2]);
        let data = data.with_votes(vec![Votes([10, 0, 0, 0, 0, 0, 0, 0, 0, 0]); 2]);
        let mut other = Dataset::new("second", RAF_7, 1);
        other.push(row(Split::PrivateTest, 1), &[9]);
        other.push(row(Split::Training, 0), &[2]);
        let data = data.with_more(&other);
        assert_eq!((data.len(), data.rows(Split::Training)), (3, vec![0, 2]));
        assert_eq!((data.part_of(1), data.part_of(2), data.parts()[1].layout), (0, 1, "second"));
        let surprise = FERPLUS_8.index_of("surprise").unwrap();
        assert_eq!(data.target(0, &FERPLUS_8).unwrap()[0], 1.0, "by votes");
        assert_eq!(data.target(2, &FERPLUS_8).unwrap()[surprise], 1.0, "by name");
        assert_eq!(data.leaked_rows(), [2], "it stands in the first one's test");
        let contempt = FERPLUS_8.index_of("contempt").unwrap();
        let taught = [0, 1].map(|part| data.taught(part, &FERPLUS_8)[contempt]);
        assert_eq!(taught, [true, false]);
    }
}
