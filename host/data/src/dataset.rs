//! Labelled pictures in memory, independent of the layout they were published in.

mod joined;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use emocue_models::geometry::{Landmarks, Point};
use emocue_models::label::LabelSet;

pub use joined::Part;

use super::votes::Votes;
use super::{Split, picture, resize};

/// The annotations of one picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its split.
    pub split: Split,
    /// Index into the dataset's label set.
    pub label: usize,
    /// Identifier of the person, if the layout has it; it never leaves the host.
    pub subject: Option<String>,
    /// Its source: a file, or a row of a file.
    pub origin: String,
}

/// Labelled pictures in memory, all square and of one size.
#[derive(Clone, Debug)]
pub struct Dataset {
    layout: &'static str,
    labels: LabelSet,
    side: usize,
    pixels: Vec<u8>,
    rows: Vec<Row>,
    votes: Vec<Votes>,
    /// One for each row, in px of the row; empty before detection.
    landmarks: Vec<Option<Landmarks>>,
    skipped: BTreeMap<String, usize>,
    /// Datasets whose rows were added, in the order of their rows.
    added: Vec<Part>,
}

impl Dataset {
    /// An empty dataset; `layout` names the source of its rows, `side` is the width and height of every picture, px.
    pub fn new(layout: &'static str, labels: LabelSet, side: usize) -> Self {
        Self {
            layout,
            labels,
            side,
            pixels: Vec::new(),
            rows: Vec::new(),
            votes: Vec::new(),
            landmarks: Vec::new(),
            skipped: BTreeMap::new(),
            added: Vec::new(),
        }
    }

    /// Adds one picture, row-major luma.
    ///
    /// # Panics
    /// When `picture` does not have `side * side` values or the label is not an index of the label set: a defect of the
    /// reader.
    pub fn push(&mut self, row: Row, picture: &[u8]) {
        assert_eq!(picture.len(), self.side * self.side, "one size for all");
        assert!(row.label < self.labels.len(), "a label of the set");
        self.pixels.extend_from_slice(picture);
        self.rows.push(row);
    }

    /// Counts a picture of the source that is left out; `why` is shown in the summary.
    pub fn skip(&mut self, why: &str) {
        *self.skipped.entry(why.to_owned()).or_default() += 1;
    }

    /// Counts a file whose name is not that of a picture.
    pub(super) fn skip_file(&mut self, file: &Path) {
        self.skip(&format!("not a picture by its name: {}", picture::kind(file)));
    }

    /// The same pictures with other classes: `classes[old]` is the index in `labels`; rows of classes without an index
    /// are skipped.
    ///
    /// # Panics
    /// When `classes` is not as long as the label set.
    #[must_use]
    pub fn relabelled(self, labels: LabelSet, classes: &[Option<usize>]) -> Self {
        assert_eq!(classes.len(), self.labels.len(), "one entry a class");
        let mut new = Self::new(self.layout, labels, self.side);
        new.skipped.clone_from(&self.skipped);
        for (index, row) in self.rows.iter().enumerate() {
            let Some(label) = classes[row.label] else {
                new.skip(&format!("class {}", self.labels.names[row.label]));
                continue;
            };
            new.push(Row { label, ..row.clone() }, self.picture(index));
            new.votes.extend(self.votes.get(index));
            new.landmarks.extend(self.landmarks.get(index));
        }
        new
    }

    /// The same pictures with the same class names, at the indices that `labels` has for them.
    ///
    /// # Panics
    /// When `labels` lacks one of the classes: a defect of the reader.
    #[must_use]
    pub(super) fn renamed(mut self, labels: LabelSet) -> Self {
        let places = self.labels.names.iter().map(|name| labels.index_of(name));
        let places: Vec<usize> = places.map(|place| place.expect("a larger set")).collect();
        self.rows.iter_mut().for_each(|row| row.label = places[row.label]);
        self.labels = labels;
        self
    }

    /// The same pictures at another size, by the badge's resampling.
    #[must_use]
    pub fn resized(self, side: usize) -> Self {
        if side == self.side {
            return self;
        }
        let mut pixels = Vec::with_capacity(self.len() * side * side);
        for row in 0..self.len() {
            pixels.extend(resize::scaled(self.picture(row), self.side, side));
        }
        let scale = side as f32 / self.side as f32;
        let scaled = |found: Landmarks| {
            Landmarks::from_points(found.points().map(|p| Point::new(p.x * scale, p.y * scale)))
        };
        let landmarks = self.landmarks.iter().map(|found| found.map(scaled)).collect();
        Self { side, pixels, landmarks, ..self }
    }

    /// Adds FER+ votes, one entry for each row in order.
    ///
    /// # Panics
    /// When the counts differ; [`super::ferplus::read`] checks that.
    #[must_use]
    pub fn with_votes(mut self, votes: Vec<Votes>) -> Self {
        assert_eq!(votes.len(), self.rows.len(), "one vote a row");
        self.votes = votes;
        self
    }

    /// Adds landmarks, one entry for each row in order, in px of the row.
    ///
    /// # Panics
    /// When the counts differ: a defect of the caller.
    #[must_use]
    pub fn with_landmarks(mut self, landmarks: Vec<Option<Landmarks>>) -> Self {
        assert_eq!(landmarks.len(), self.rows.len(), "one entry a row");
        self.landmarks = landmarks;
        self
    }

    /// The same pictures in other splits, one for each row in order.
    ///
    /// # Panics
    /// When the counts differ: a defect of the caller.
    #[must_use]
    pub fn with_splits(mut self, splits: &[Split]) -> Self {
        assert_eq!(splits.len(), self.rows.len(), "one split a row");
        self.rows.iter_mut().zip(splits).for_each(|(row, split)| row.split = *split);
        self
    }

    /// The layout it was read from, such as `"fer2013"` or `"raf-db"`.
    pub fn layout(&self) -> &'static str {
        self.layout
    }

    /// The label set that [`Row::label`] is an index of.
    pub fn labels(&self) -> LabelSet {
        self.labels
    }

    /// Width and height of every picture, px.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Number of pictures.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no pictures; readers never return such a dataset.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The annotations of picture `row`.
    pub fn row(&self, row: usize) -> &Row {
        &self.rows[row]
    }

    /// Luma of picture `row`, `0..=255`, `side * side`, row-major.
    pub fn picture(&self, row: usize) -> &[u8] {
        let size = self.side * self.side;
        &self.pixels[row * size..(row + 1) * size]
    }

    /// Class of picture `row`.
    pub fn label(&self, row: usize) -> usize {
        self.rows[row].label
    }

    /// Its split.
    pub fn split(&self, row: usize) -> Split {
        self.rows[row].split
    }

    /// FER+ votes on picture `row`, if they were added.
    pub fn votes(&self, row: usize) -> Option<&Votes> {
        self.votes.get(row)
    }

    /// Whether FER+ votes were added.
    pub fn has_votes(&self) -> bool {
        !self.votes.is_empty()
    }

    /// Its landmarks, in px of the row; `None` before detection, or if none were found.
    pub fn landmarks(&self, row: usize) -> Option<Landmarks> {
        self.landmarks.get(row).copied().flatten()
    }

    /// Whether landmarks were added.
    pub fn has_landmarks(&self) -> bool {
        !self.landmarks.is_empty()
    }

    /// Numbers of skipped pictures, by reason.
    pub fn skipped(&self) -> &BTreeMap<String, usize> {
        &self.skipped
    }

    /// Indices of the pictures of one split, ascending.
    pub fn rows(&self, split: Split) -> Vec<usize> {
        (0..self.len()).filter(|row| self.split(*row) == split).collect()
    }

    /// Share of each class of `head` in the targets of the Training rows, sum 1; empty if no row has a target.
    pub fn shares(&self, head: &LabelSet) -> Vec<f32> {
        let mut sums = vec![0f64; head.len()];
        for target in self.rows(Split::Training).iter().filter_map(|row| self.target(*row, head)) {
            sums.iter_mut().zip(target).for_each(|(sum, value)| *sum += f64::from(value));
        }
        let total: f64 = sums.iter().sum();
        if total == 0.0 {
            return Vec::new();
        }
        sums.into_iter().map(|sum| (sum / total) as f32).collect()
    }

    /// Training rows whose pixels also occur in another split, ascending. Training on them would bias the evaluation
    /// (data leakage).
    pub fn leaked_rows(&self) -> Vec<usize> {
        let is_test = |row: &usize| self.split(*row) != Split::Training;
        let tests: HashSet<&[u8]> =
            (0..self.len()).filter(is_test).map(|row| self.picture(row)).collect();
        let training = self.rows(Split::Training);
        training.into_iter().filter(|row| tests.contains(self.picture(*row))).collect()
    }

    /// Rows with the same pixels, in groups of two and more, in the order of their first rows.
    pub fn duplicates(&self) -> Vec<Vec<usize>> {
        let mut groups: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for row in 0..self.len() {
            groups.entry(self.picture(row)).or_default().push(row);
        }
        let mut groups: Vec<_> = groups.into_values().filter(|group| group.len() > 1).collect();
        groups.sort_unstable_by_key(|group| group[0]);
        groups
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::{CK_7, FER_7, VALENCE_3};

    use super::*;

    fn row(split: Split, label: usize) -> Row {
        Row { split, label, subject: None, origin: "here".into() }
    }

    #[test]
    fn finds_duplicates_and_what_leaks() {
        let mut data = Dataset::new("test", FER_7, 2);
        data.push(row(Split::Training, 0), &[1; 4]);
        data.push(row(Split::Training, 1), &[2; 4]);
        data.push(row(Split::PublicTest, 1), &[2; 4]);
        data.push(row(Split::PrivateTest, 1), &[3; 4]);
        assert_eq!(data.leaked_rows(), [1]);
        assert_eq!(data.duplicates(), [[1, 2]]);
        assert_eq!(data.rows(Split::Training), [0, 1]);
    }

    #[test]
    fn other_classes_keep_pictures_and_count_what_has_none() {
        let mut data = Dataset::new("test", CK_7, 1);
        for label in 0..7 {
            data.push(row(Split::Training, label), &[label as u8]);
        }
        let eye = |x| Some(Landmarks::from_points([Point::new(x, 0.5); 5]));
        let landmarks = (0..7).map(|row| eye(row as f32)).collect();
        let data = data.with_votes(vec![Votes([1; 10]); 7]).with_landmarks(landmarks);
        let classes = CK_7.mapping_to(&VALENCE_3);
        let data = data.relabelled(VALENCE_3, &classes);
        assert_eq!(
            (0..data.len()).map(|row| data.label(row)).collect::<Vec<_>>(),
            [2, 2, 2, 0, 2, 2]
        );
        assert_eq!((data.picture(5), data.votes(5).is_some()), ([6].as_slice(), true));
        assert_eq!(data.skipped()["class surprise"], 1);
        let larger = data.clone().resized(3);
        assert_eq!((larger.side(), larger.picture(5)), (3, [6; 9].as_slice()));
        assert_eq!((data.landmarks(5), larger.landmarks(5).unwrap().nose.x), (eye(6.0), 18.0));
    }
}
