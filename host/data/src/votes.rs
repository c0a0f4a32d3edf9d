//! Ten raters' votes on a picture (Barsoum et al. 2016), and the rules that turn them into a class.

use emocue_models::label::FERPLUS_8;

/// Columns of votes: the eight classes, then `unknown` and `NF` (not a face).
pub const COLUMNS: usize = 10;
const CLASSES: usize = FERPLUS_8.names.len();

/// Ten raters' votes on one row: eight classes, `unknown`, `NF`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Votes(pub [u8; COLUMNS]);

impl Votes {
    /// The class with the most votes, if one of the eight has more votes than `unknown` and than `NF`; of two equal
    /// classes the first. This is the protocol "plurality": 3,521 PrivateTest rows.
    pub fn plurality(&self) -> Option<usize> {
        let (classes, others) = self.0.split_at(CLASSES);
        let top = classes.iter().max()?;
        if others.iter().any(|votes| votes >= top) {
            return None;
        }
        classes.iter().position(|votes| votes == top)
    }

    /// The class by the authors' own code for the test rows (Barsoum et al. 2016, `_process_data` in mode `majority` of
    /// github.com/microsoft/FERPlus): single votes are dropped, in `unknown` and `NF` too; then one of the eight
    /// classes must have more than half of the remaining votes. Published accuracies such as their 84.986 % use this
    /// rule: 3,153 PrivateTest rows.
    pub fn authors(&self) -> Option<usize> {
        above_half(&self.0.map(|votes| if votes > 1 { votes } else { 0 }))
    }

    /// The class with more than half of all votes, including `unknown`, `NF` and single votes: 2,729 PrivateTest rows,
    /// the least ambiguous ones.
    pub fn above_half(&self) -> Option<usize> {
        above_half(&self.0)
    }

    /// Whether most raters saw no face.
    pub fn not_a_face(&self) -> bool {
        self.0[COLUMNS - 1] > 5
    }

    /// The vote distribution over the eight classes, sum 1, single votes dropped as outliers (as the authors do).
    /// `None` if none of the eight has two votes or most raters saw no face.
    pub fn distribution(&self) -> Option<[f32; CLASSES]> {
        let kept = |count: u8| if count > 1 { f32::from(count) } else { 0.0 };
        let mut weights = [0.0; CLASSES];
        for (weight, count) in weights.iter_mut().zip(self.0) {
            *weight = kept(count);
        }
        let sum: f32 = weights.iter().sum();
        if sum <= 0.0 || self.not_a_face() {
            return None;
        }
        Some(weights.map(|weight| weight / sum))
    }
}

/// The one of the eight classes with more than half of `votes`.
fn above_half(votes: &[u8; COLUMNS]) -> Option<usize> {
    let sum: u32 = votes.iter().map(|count| u32::from(*count)).sum();
    votes[..CLASSES].iter().position(|count| 2 * u32::from(*count) > sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurality_and_distribution() {
        let split = Votes([4, 1, 0, 0, 4, 0, 0, 1, 0, 0]);
        let doubtful = Votes([0, 0, 0, 3, 0, 0, 0, 1, 3, 3]);
        assert_eq!((split.plurality(), doubtful.plurality()), (Some(0), None));
        assert_eq!(split.distribution(), Some([0.5, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.0]));
        assert_eq!(doubtful.distribution(), Some([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]));
        let no_face = Votes([0, 0, 0, 4, 0, 0, 0, 0, 0, 6]);
        assert_eq!((no_face.distribution(), no_face.not_a_face()), (None, true));
        assert_eq!(Votes([1, 1, 1, 1, 0, 0, 0, 0, 6, 0]).distribution(), None);
    }

    #[test]
    fn three_ways_to_a_class() {
        let ways = |votes| {
            let votes = Votes(votes);
            (votes.plurality(), votes.authors(), votes.above_half())
        };
        assert_eq!(ways([6, 4, 0, 0, 0, 0, 0, 0, 0, 0]), (Some(0), Some(0), Some(0)));
        // Without single votes, 5 of 8 is more than half; 5 of 10 is not.
        assert_eq!(ways([0, 5, 3, 1, 1, 0, 0, 0, 0, 0]), (Some(1), Some(1), None));
        assert_eq!(ways([5, 5, 0, 0, 0, 0, 0, 0, 0, 0]), (Some(0), None, None));
        // Several votes for `unknown` or `NF` count, a single one does not.
        assert_eq!(ways([0, 0, 4, 0, 0, 0, 0, 0, 3, 3]), (Some(2), None, None));
        assert_eq!(ways([0, 0, 0, 0, 0, 0, 0, 0, 7, 3]), (None, None, None));
        assert_eq!(ways([0; COLUMNS]), (None, None, None));
    }
}
