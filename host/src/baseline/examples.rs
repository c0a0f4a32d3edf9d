//! The rows on which a baseline is trained or evaluated, and their classes.

use std::collections::HashSet;

use emocue_models::failure::{Failure, exit};
use emocue_models::label::{FERPLUS_8, LabelSet};

use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_data::votes::Votes;

/// What a baseline learns to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BaselineTarget {
    /// The dataset's own labels.
    Label,
    /// The class with most FER+ votes; rows without one are left out.
    Ferplus,
}

/// There are no rows for training or evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExamplesError {
    /// The target needs FER+ votes.
    #[error("the target is ferplus, but no votes are joined")]
    NoVotes,
    /// A split is empty.
    #[error("no row of {0} can be used")]
    NoRows(&'static str),
}

impl Failure for ExamplesError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoVotes => "Name fer2013new.csv with --ferplus.",
            Self::NoRows(_) => {
                "A baseline needs Training rows and rows of the split that it is judged by."
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::NoVotes => exit::USAGE,
            Self::NoRows(_) => exit::INPUT,
        }
    }
}

/// Rows of a [`Dataset`] and their classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineExamples {
    /// Indices of the rows, ascending.
    pub rows: Vec<usize>,
    /// The class of each row, an index into the target's label set.
    pub classes: Vec<usize>,
    /// Training rows left out because a test row has the same pixels.
    pub leaked: usize,
}

impl BaselineExamples {
    /// Keeps the first `limit` rows, if there is a limit.
    #[must_use]
    pub fn first(mut self, limit: Option<usize>) -> Self {
        let limit = limit.unwrap_or(usize::MAX);
        self.rows.truncate(limit);
        self.classes.truncate(limit);
        self
    }
}

impl BaselineTarget {
    /// The label set of the answers.
    pub fn labels(self, data: &Dataset) -> LabelSet {
        match self {
            Self::Label => data.labels(),
            Self::Ferplus => FERPLUS_8,
        }
    }

    /// The rows of a split that have a class. Training rows with the same pixels as a test row are left out: the
    /// nearest neighbour of that test row would be itself.
    ///
    /// # Errors
    /// [`ExamplesError`] when votes are missing or no row is left.
    pub fn examples(self, data: &Dataset, split: Split) -> Result<BaselineExamples, ExamplesError> {
        if self == Self::Ferplus && !data.has_votes() {
            return Err(ExamplesError::NoVotes);
        }
        let leaked: HashSet<usize> = match split {
            Split::Training => data.leaked_rows().into_iter().collect(),
            Split::PublicTest | Split::PrivateTest => HashSet::new(),
        };
        let class = |row| match self {
            Self::Label => Some(data.label(row)),
            Self::Ferplus => data.votes(row).and_then(Votes::plurality),
        };
        let kept = data.rows(split).into_iter().filter(|row| !leaked.contains(row));
        let (rows, classes): (Vec<_>, Vec<_>) =
            kept.filter_map(|row| Some((row, class(row)?))).unzip();
        if rows.is_empty() {
            return Err(ExamplesError::NoRows(split.name()));
        }
        Ok(BaselineExamples { rows, classes, leaked: leaked.len() })
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::FER_7;

    use super::*;
    use emocue_data::dataset::Row;

    fn data() -> Dataset {
        let mut data = Dataset::new("test", FER_7, 1);
        let rows = [
            (Split::Training, 3, 10),
            (Split::Training, 4, 20),
            (Split::PublicTest, 5, 20),
            (Split::Training, 6, 30),
        ];
        for (split, label, pixel) in rows {
            data.push(Row { split, label, subject: None, origin: String::new() }, &[pixel]);
        }
        data
    }

    #[test]
    fn leaves_out_what_leaks() {
        let data = data();
        let training = BaselineTarget::Label.examples(&data, Split::Training).unwrap();
        assert_eq!(training, BaselineExamples { rows: vec![0, 3], classes: vec![3, 6], leaked: 1 });
        let first = BaselineExamples { rows: vec![0], classes: vec![3], leaked: 1 };
        assert_eq!(
            (training.clone().first(Some(1)), training.clone().first(None)),
            (first, training)
        );
        let test = BaselineTarget::Label.examples(&data, Split::PublicTest).unwrap();
        assert_eq!((test.rows, test.classes, test.leaked), (vec![2], vec![5], 0));
        let none = BaselineTarget::Label.examples(&data, Split::PrivateTest).unwrap_err();
        assert_eq!(none, ExamplesError::NoRows("PrivateTest"));
    }

    #[test]
    fn votes_name_another_class_or_none() {
        let error = BaselineTarget::Ferplus.examples(&data(), Split::Training).unwrap_err();
        assert_eq!(error, ExamplesError::NoVotes);
        let unknown = Votes([0, 0, 0, 0, 0, 0, 0, 0, 10, 0]);
        let happy = Votes([1, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
        let data = data().with_votes(vec![happy, happy, happy, unknown]);
        let training = BaselineTarget::Ferplus.examples(&data, Split::Training).unwrap();
        assert_eq!((training.rows, training.classes), (vec![0], vec![1]));
        assert_eq!(BaselineTarget::Ferplus.labels(&data), FERPLUS_8);
    }
}
