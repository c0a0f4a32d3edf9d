//! FER+ votes (Barsoum et al. 2016): ten raters a row, joined to FER2013 by row order.

use std::path::Path;

use emocue_models::label::FERPLUS_8;

use super::dataset::Dataset;
use super::table::{csv_error, expect_header, open_csv};
use super::{DataError, Split};

/// Columns of votes: the eight classes, then `unknown` and `NF` (not a face).
pub const COLUMNS: usize = 10;
const CLASSES: usize = FERPLUS_8.names.len();

/// Ten raters' votes on one row: eight classes, `unknown`, `NF`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Votes(pub [u8; COLUMNS]);

/// Reads `fer2013new.csv` and joins it to the FER2013 rows of `fer`.
///
/// # Errors
/// [`DataError`] naming the row: a vote that is no small number, a Usage that differs from
/// FER2013's, or another count of rows than FER2013 has.
pub fn read(path: &Path, fer: Dataset) -> Result<Dataset, DataError> {
    let help = "FER+ joins FER2013 by row order: use fer2013new.csv with the complete fer2013.csv it was made for.";
    let header = [
        "Usage",
        "Image name",
        "neutral",
        "happiness",
        "surprise",
        "sadness",
        "anger",
        "disgust",
        "fear",
        "contempt",
        "unknown",
        "NF",
    ];
    let mut reader = open_csv(path, true)?;
    expect_header(path, &mut reader, &header, help)?;
    let mut votes = Vec::with_capacity(fer.len());
    let mut record = csv::StringRecord::new();
    for row in 1.. {
        if !reader.read_record(&mut record).map_err(|e| csv_error(path, row, &e))? {
            break;
        }
        let bad = |what| DataError::Row { path: path.to_owned(), row, what, help };
        if record.len() != header.len() {
            return Err(bad(format!("{} columns, expected {}", record.len(), header.len())));
        }
        if row > fer.len() {
            return Err(bad(format!("FER2013 has only {} rows", fer.len())));
        }
        let usage = &record[0];
        if Split::from_name(usage) != Some(fer.split(row - 1)) {
            let expected = fer.split(row - 1).name();
            return Err(bad(format!("Usage is \"{usage}\", FER2013 says {expected}")));
        }
        let mut counts = [0; COLUMNS];
        for (index, count) in counts.iter_mut().enumerate() {
            let text = &record[index + 2];
            *count = text.parse().ok().filter(|votes| *votes <= 10).ok_or_else(|| {
                bad(format!("{} has \"{text:.20}\" votes, expected 0-10", header[index + 2]))
            })?;
        }
        votes.push(Votes(counts));
    }
    if votes.len() != fer.len() {
        let what = format!("{} rows, but FER2013 has {}", votes.len(), fer.len());
        return Err(DataError::File { path: path.to_owned(), what, help });
    }
    Ok(fer.with_votes(votes))
}

impl Votes {
    /// Class of the top vote, where one of the eight has more votes than `unknown` and than `NF`; the
    /// first of two even classes. Scoring by it is "plurality": 3,521 PrivateTest rows.
    pub fn plurality(&self) -> Option<usize> {
        let (classes, others) = self.0.split_at(CLASSES);
        let top = classes.iter().max()?;
        if others.iter().any(|votes| votes >= top) {
            return None;
        }
        classes.iter().position(|votes| votes == top)
    }

    /// Class as the authors' own code tells it for a test (Barsoum et al. 2016, `_process_data` in mode
    /// `majority` of github.com/microsoft/FERPlus): single votes are dropped, in `unknown` and `NF` too;
    /// then one of the eight classes must have more than half of the votes that are left. Published
    /// accuracies such as their 84.986 % belong to it: 3,153 PrivateTest rows.
    pub fn authors(&self) -> Option<usize> {
        above_half(&self.0.map(|votes| if votes > 1 { votes } else { 0 }))
    }

    /// Class that has more than half of all votes, `unknown` and `NF` and single ones counted: 2,729
    /// PrivateTest rows, the clearest ones.
    pub fn above_half(&self) -> Option<usize> {
        above_half(&self.0)
    }

    /// Whether most raters saw no face.
    pub fn not_a_face(&self) -> bool {
        self.0[COLUMNS - 1] > 5
    }

    /// The vote distribution over the eight classes, sum 1, single votes dropped as outliers (the
    /// authors' own cleaning). `None` where none of the eight has two votes or most raters saw no
    /// face.
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
    use std::io::Write;

    use super::*;
    use crate::{PIXELS, fer2013};

    const HEADER: &str = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n";

    fn joined(votes: &[&str]) -> Result<Dataset, String> {
        let pixels = vec!["0"; PIXELS].join(" ");
        let mut fer = tempfile::NamedTempFile::new().unwrap();
        write!(fer, "emotion,pixels,Usage\n0,{pixels},Training\n1,{pixels},PrivateTest\n").unwrap();
        let fer = fer2013::read(fer.path()).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{HEADER}{}", votes.join("\n")).unwrap();
        read(file.path(), fer).map_err(|error| error.to_string())
    }

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
        // Single votes dropped, 5 of 8 are more than half; 5 of 10 are not.
        assert_eq!(ways([0, 5, 3, 1, 1, 0, 0, 0, 0, 0]), (Some(1), Some(1), None));
        assert_eq!(ways([5, 5, 0, 0, 0, 0, 0, 0, 0, 0]), (Some(0), None, None));
        // A doubt of several raters counts, a single one does not.
        assert_eq!(ways([0, 0, 4, 0, 0, 0, 0, 0, 3, 3]), (Some(2), None, None));
        assert_eq!(ways([0, 0, 0, 0, 0, 0, 0, 0, 7, 3]), (None, None, None));
        assert_eq!(ways([0; COLUMNS]), (None, None, None));
    }

    #[test]
    fn refuses_what_does_not_join() {
        let good = "Training,a.png,10,0,0,0,0,0,0,0,0,0";
        let last = "PrivateTest,b.png,10,0,0,0,0,0,0,0,0,0";
        assert!(joined(&[good, last]).is_ok());
        for (rows, word) in [
            (vec![good], "1 rows, but FER2013 has 2"),
            (vec![good, last, last], "row 3: FER2013 has only 2 rows"),
            (vec![last, last], "row 1: Usage is \"PrivateTest\", FER2013 says Training"),
            (
                vec![good, "PrivateTest,b.png,11,0,0,0,0,0,0,0,0,0"],
                "row 2: neutral has \"11\" votes",
            ),
            (vec![good, "PrivateTest,b.png,1"], "row 2: 3 columns"),
        ] {
            let error = joined(&rows).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
