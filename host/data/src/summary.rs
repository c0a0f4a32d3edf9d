//! A dataset's summary: counts, duplicates and other possible problems.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::Split;
use super::dataset::Dataset;

/// Counts of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The layout it was read from.
    pub layout: &'static str,
    /// Identifier of its label set.
    pub labels: &'static str,
    /// Class names in index order.
    pub classes: &'static [&'static str],
    /// Width and height of the pictures, px.
    pub side: usize,
    /// Number of pictures.
    pub rows: usize,
    /// Number of persons, if the layout identifies them.
    pub subjects: Option<usize>,
    /// Whether FER+ votes were added.
    pub votes: bool,
    /// Splits that have pictures.
    pub splits: Vec<SplitSummary>,
    /// Identical pictures.
    pub duplicates: Duplicates,
    /// Numbers of skipped pictures, by reason.
    pub skipped: BTreeMap<String, usize>,
}

/// Counts of one split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SplitSummary {
    /// The split.
    pub split: Split,
    /// Number of pictures.
    pub rows: usize,
    /// Pictures of each class, in index order.
    pub classes: Vec<usize>,
    /// Pictures that are all black.
    pub black: usize,
    /// Pictures of one constant value other than black.
    pub constant: usize,
}

/// Pictures with identical pixels, except those of one constant value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Groups of two and more.
    pub groups: usize,
    /// Pictures in them.
    pub rows: usize,
    /// Groups whose pictures have different labels.
    pub conflicting: usize,
    /// Groups with two and more pictures in one split.
    pub within: BTreeMap<Split, usize>,
    /// Pictures that also occur in another split.
    pub across: Vec<Across>,
}

/// Pictures of one split that also occur in another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Across {
    /// The split in which they are counted.
    pub split: Split,
    /// The other split.
    pub also_in: Split,
    /// Number of pictures, each counted once.
    pub rows: usize,
}

impl Summary {
    /// Computes the summary from all pictures.
    pub fn of(data: &Dataset) -> Self {
        let subjects: BTreeSet<&String> =
            (0..data.len()).filter_map(|row| data.row(row).subject.as_ref()).collect();
        Self {
            layout: data.layout(),
            labels: data.labels().id,
            classes: data.labels().names,
            side: data.side(),
            rows: data.len(),
            subjects: (!subjects.is_empty()).then_some(subjects.len()),
            votes: data.has_votes(),
            splits: Split::ALL.into_iter().filter_map(|split| split_of(data, split)).collect(),
            duplicates: duplicates_of(data),
            skipped: data.skipped().clone(),
        }
    }
}

fn split_of(data: &Dataset, split: Split) -> Option<SplitSummary> {
    let rows = data.rows(split);
    let mut classes = vec![0; data.labels().len()];
    let (mut black, mut constant) = (0, 0);
    for row in &rows {
        classes[data.label(*row)] += 1;
        let picture = data.picture(*row);
        if is_constant(picture) {
            *if picture[0] == 0 { &mut black } else { &mut constant } += 1;
        }
    }
    let rows = rows.len();
    (rows > 0).then_some(SplitSummary { split, rows, classes, black, constant })
}

fn is_constant(picture: &[u8]) -> bool {
    picture.iter().all(|pixel| *pixel == picture[0])
}

fn duplicates_of(data: &Dataset) -> Duplicates {
    // Constant pictures are counted separately.
    let mut groups = data.duplicates();
    groups.retain(|group| !is_constant(data.picture(group[0])));
    let mut within = BTreeMap::new();
    let mut across: BTreeMap<(Split, Split), usize> = BTreeMap::new();
    let mut conflicting = 0;
    for group in &groups {
        let label = data.label(group[0]);
        conflicting += usize::from(group.iter().any(|row| data.label(*row) != label));
        let counts =
            Split::ALL.map(|split| group.iter().filter(|row| data.split(**row) == split).count());
        for (split, rows) in Split::ALL.into_iter().zip(counts) {
            if rows > 1 {
                *within.entry(split).or_default() += 1;
            }
            for (other, others) in Split::ALL.into_iter().zip(counts) {
                if split != other && rows > 0 && others > 0 {
                    *across.entry((split, other)).or_default() += rows;
                }
            }
        }
    }
    let across = across.into_iter().map(|((split, also_in), rows)| Across { split, also_in, rows });
    Duplicates {
        groups: groups.len(),
        rows: groups.iter().map(Vec::len).sum(),
        conflicting,
        within,
        across: across.collect(),
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layout, labels, rows, side, .. } = self;
        write!(f, "{layout}, {labels}: {rows} pictures of {side}x{side} px")?;
        if let Some(subjects) = self.subjects {
            write!(f, " of {subjects} people")?;
        }
        writeln!(f, "{}\n", if self.votes { ", with FER+ votes" } else { "" })?;
        self.table(f)?;
        let Duplicates { groups, rows, conflicting, within, across } = &self.duplicates;
        if *groups == 0 {
            writeln!(f, "\nno two pictures are identical")?;
        } else {
            writeln!(f, "\nidentical pictures: {groups} groups, {rows} pictures")?;
            writeln!(f, "  {conflicting:>6} of the groups have labels that conflict")?;
        }
        for (split, groups) in within {
            writeln!(f, "  {groups:>6} have two or more in {}", split.name())?;
        }
        for Across { split, also_in, rows } in across {
            writeln!(
                f,
                "  {rows:>6} pictures of {} also stand in {}",
                split.name(),
                also_in.name()
            )?;
        }
        for (why, count) in &self.skipped {
            writeln!(f, "{count} left out: {why}")?;
        }
        Ok(())
    }
}

impl Summary {
    /// A table with a row for each class and a column for each split.
    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}", "")?;
        self.splits.iter().try_for_each(|split| write!(f, " {:>12}", split.split.name()))?;
        writeln!(f, " {:>12}", "all")?;
        let mut line = |name: &str, of: &dyn Fn(&SplitSummary) -> usize| {
            write!(f, "{name:<12}")?;
            self.splits.iter().try_for_each(|split| write!(f, " {:>12}", of(split)))?;
            writeln!(f, " {:>12}", self.splits.iter().map(of).sum::<usize>())
        };
        for (class, name) in self.classes.iter().enumerate() {
            line(name, &|split| split.classes[class])?;
        }
        line("all", &|split| split.rows)?;
        line("black", &|split| split.black)?;
        line("one value", &|split| split.constant)
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::FER_7;

    use super::*;
    use crate::dataset::Row;

    fn data() -> Dataset {
        let mut data = Dataset::new("test", FER_7, 2);
        let mut add = |split, label, picture: [u8; 4], subject: &str| {
            let row = Row { split, label, subject: Some(subject.into()), origin: "here".into() };
            data.push(row, &picture);
        };
        use Split::{PrivateTest, PublicTest, Training};
        add(Training, 0, [5, 5, 5, 6], "a");
        add(Training, 1, [5, 5, 5, 6], "a");
        add(Training, 2, [1, 2, 3, 4], "b");
        add(PublicTest, 2, [1, 2, 3, 4], "b");
        add(PublicTest, 2, [1, 2, 3, 4], "b");
        add(PrivateTest, 2, [1, 2, 3, 4], "c");
        add(PrivateTest, 6, [9; 4], "c");
        add(PrivateTest, 6, [0; 4], "c");
        add(Training, 5, [0; 4], "c");
        data.skip("8 none");
        data
    }

    #[test]
    fn counts_what_should_make_one_careful() {
        let summary = Summary::of(&data());
        assert_eq!((summary.rows, summary.subjects, summary.skipped["8 none"]), (9, Some(3), 1));
        let rows: Vec<_> = summary.splits.iter().map(|s| (s.rows, s.black, s.constant)).collect();
        assert_eq!(rows, [(4, 1, 0), (2, 0, 0), (3, 1, 1)]);
        assert_eq!(summary.splits[0].classes, [1, 1, 1, 0, 0, 1, 0]);
        let Duplicates { groups, rows, conflicting, within, across } = summary.duplicates;
        assert_eq!((groups, rows, conflicting), (2, 6, 1));
        assert_eq!(within, BTreeMap::from([(Split::Training, 1), (Split::PublicTest, 1)]));
        let rows = |split, also_in| {
            across.iter().find(|a| a.split == split && a.also_in == also_in).map(|a| a.rows)
        };
        assert_eq!(rows(Split::Training, Split::PublicTest), Some(1));
        assert_eq!(rows(Split::PublicTest, Split::PrivateTest), Some(2));
        assert_eq!(across.len(), 6);
    }

    #[test]
    fn prints_and_serialises() {
        let summary = Summary::of(&data());
        let text = summary.to_string();
        for line in [
            "test, fer-7: 9 pictures of 2x2 px of 3 people",
            "                 Training   PublicTest  PrivateTest          all",
            "identical pictures: 2 groups, 6 pictures",
            "2 pictures of PublicTest also stand in Training",
            "1 left out: 8 none",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let json = serde_json::to_value(&summary).unwrap();
        assert_eq!(json["duplicates"]["within"]["Training"], 1);
        assert_eq!(json["splits"][2]["constant"], 1);
    }
}
