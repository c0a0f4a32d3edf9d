//! Metrics of a classifier.

use emocue_data::model::AbstentionPoint;
use emocue_models::decide::most_probable;
use emocue_models::label::LabelSet;
use serde::{Deserialize, Serialize};

/// Number of bins of the expected calibration error and of the reliability diagram.
pub const BINS: usize = 15;

/// Largest number of points of an abstention curve.
const CURVE: usize = 50;

/// The answers of a classifier compared with the truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    labels: LabelSet,
    threshold: f32,
    /// Row: truth, column: answer.
    confusion: Vec<Vec<usize>>,
    /// Of every answer, the top probability and whether it is right.
    answers: Vec<(f32, bool)>,
}

/// One class's figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Class name.
    pub class: String,
    /// Precision, `0..=1`.
    pub precision: f64,
    /// Recall, `0..=1`.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Number of rows of the class.
    pub support: usize,
}

/// Means over classes, `0..=1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Averages {
    /// Mean precision.
    pub precision: f64,
    /// Mean recall.
    pub recall: f64,
    /// Mean F1.
    pub f1: f64,
}

/// One bin of the reliability diagram.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower end, `0..1`.
    pub from: f64,
    /// Upper end, `0..=1`.
    pub to: f64,
    /// Answers in it.
    pub count: usize,
    /// Mean top probability of those answers, 0 without answers.
    pub confidence: f64,
    /// Accuracy of those answers, 0 without answers.
    pub accuracy: f64,
}

impl Scores {
    /// Without answers; an answer whose top probability is below `threshold` is unsure.
    pub fn new(labels: LabelSet, threshold: f32) -> Self {
        let confusion = vec![vec![0; labels.len()]; labels.len()];
        Self { labels, threshold, confusion, answers: Vec::new() }
    }

    /// Adds one answer: `probabilities` over the label set, and the right class `truth`, an index into it.
    pub fn add(&mut self, truth: usize, probabilities: &[f32]) {
        if let Some((answer, probability)) = most_probable(probabilities) {
            self.confusion[truth][answer] += 1;
            self.answers.push((probability, answer == truth));
        }
    }

    /// Adds the answers of `other`, which must have the same label set.
    ///
    /// # Panics
    /// When the label sets differ.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.labels, other.labels, "one label set");
        for (mine, theirs) in
            self.confusion.iter_mut().flatten().zip(other.confusion.iter().flatten())
        {
            *mine += theirs;
        }
        self.answers.extend_from_slice(&other.answers);
    }

    /// The classes.
    pub fn labels(&self) -> LabelSet {
        self.labels
    }

    /// An answer whose top probability is below this is unsure, `0..=1`.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Of every answer, the top probability and whether it is right.
    pub fn answers(&self) -> &[(f32, bool)] {
        &self.answers
    }

    /// Number of answers.
    pub fn rows(&self) -> usize {
        self.answers.len()
    }

    /// Accuracy, `0..=1`.
    pub fn accuracy(&self) -> f64 {
        ratio(self.answers.iter().filter(|(_, right)| *right).count(), self.rows())
    }

    /// Precision, recall, F1 and support of every class, in the label set's order.
    pub fn classes(&self) -> Vec<ClassScores> {
        let class_scores = |class: usize| {
            let hits = self.confusion[class][class];
            let support = self.confusion[class].iter().sum();
            let answered: usize = self.confusion.iter().map(|row| row[class]).sum();
            ClassScores {
                class: self.labels.names[class].to_owned(),
                precision: ratio(hits, answered),
                recall: ratio(hits, support),
                f1: ratio(2 * hits, answered + support),
                support,
            }
        };
        (0..self.labels.len()).map(class_scores).collect()
    }

    /// Means over the classes that occur, all with the same weight.
    pub fn macro_average(&self) -> Averages {
        self.average(|class| f64::from(u8::from(class.support > 0)))
    }

    /// Means over the classes, weighted by their frequency; the mean recall is the accuracy.
    pub fn weighted_average(&self) -> Averages {
        self.average(|class| class.support as f64)
    }

    fn average(&self, weight: impl Fn(&ClassScores) -> f64) -> Averages {
        let classes = self.classes();
        let total: f64 = classes.iter().map(&weight).sum();
        let mean = |value: fn(&ClassScores) -> f64| {
            let sum: f64 = classes.iter().map(|class| weight(class) * value(class)).sum();
            if total > 0.0 { sum / total } else { 0.0 }
        };
        Averages {
            precision: mean(|class| class.precision),
            recall: mean(|class| class.recall),
            f1: mean(|class| class.f1),
        }
    }

    /// The reliability diagram: [`BINS`] intervals of the top probability, ascending (DeGroot & Fienberg
    /// 1983).
    pub fn reliability(&self) -> Vec<ReliabilityBin> {
        let mut sums = [(0, 0, 0.0); BINS];
        for (top, right) in &self.answers {
            let bin = ((top * BINS as f32) as usize).min(BINS - 1);
            let (count, hits, sum) = &mut sums[bin];
            *count += 1;
            *hits += usize::from(*right);
            *sum += f64::from(*top);
        }
        let bin = |(index, (count, hits, sum)): (usize, (usize, usize, f64))| ReliabilityBin {
            from: index as f64 / BINS as f64,
            to: (index + 1) as f64 / BINS as f64,
            count,
            confidence: if count > 0 { sum / count as f64 } else { 0.0 },
            accuracy: ratio(hits, count),
        };
        sums.into_iter().enumerate().map(bin).collect()
    }

    /// Expected calibration error (Naeini et al. 2015) over [`BINS`] bins of the top probability, `0..=1`.
    pub fn calibration_error(&self) -> f64 {
        let total = self.rows().max(1) as f64;
        let gap =
            |bin: &ReliabilityBin| (bin.accuracy - bin.confidence).abs() * bin.count as f64 / total;
        self.reliability().iter().map(gap).sum()
    }

    /// Abstention curve: accuracy by coverage (El-Yaniv & Wiener 2010); at most 50 points.
    pub fn abstention(&self) -> Vec<AbstentionPoint> {
        let mut answers = self.answers.clone();
        answers.sort_by(|a, b| b.0.total_cmp(&a.0));
        let points = CURVE.min(answers.len());
        let mut right_so_far = 0;
        let mut done = 0;
        let mut point = |index: usize| {
            let count = (index + 1) * answers.len() / points;
            right_so_far += answers[done..count].iter().filter(|(_, right)| *right).count();
            done = count;
            AbstentionPoint {
                threshold: answers[count - 1].0,
                coverage: ratio(count, answers.len()),
                accuracy: ratio(right_so_far, count),
            }
        };
        (0..points).map(&mut point).collect()
    }

    /// Coverage at the threshold, and the accuracy of the answers that are not unsure.
    pub fn at_threshold(&self) -> AbstentionPoint {
        let covered = || self.answers.iter().filter(|(top, _)| *top >= self.threshold);
        let (count, right) = (covered().count(), covered().filter(|(_, right)| *right).count());
        AbstentionPoint {
            threshold: self.threshold,
            coverage: ratio(count, self.rows()),
            accuracy: ratio(right, count),
        }
    }

    /// Counts, row: truth, column: answer.
    pub fn confusion(&self) -> &[Vec<usize>] {
        &self.confusion
    }

    /// [`Scores::confusion`] normalised by rows: each sums to 1, or to 0 if the class does not occur.
    pub fn confusion_normalised(&self) -> Vec<Vec<f64>> {
        let share = |row: &Vec<usize>| {
            let support = row.iter().sum();
            row.iter().map(|count| ratio(*count, support)).collect()
        };
        self.confusion.iter().map(share).collect()
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::VALENCE_3;

    use super::*;

    fn scores() -> Scores {
        let mut scores = Scores::new(VALENCE_3, 0.6);
        scores.add(0, &[0.7, 0.2, 0.1]);
        scores.add(0, &[0.5, 0.4, 0.1]);
        scores.add(0, &[0.1, 0.8, 0.1]);
        scores.add(1, &[0.1, 0.9, 0.0]);
        scores
    }

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }

    #[test]
    fn counts_by_hand() {
        let scores = scores();
        assert_eq!((scores.rows(), scores.accuracy()), (4, 0.75));
        let classes = scores.classes();
        assert_eq!((classes[0].precision, classes[0].support), (1.0, 3));
        near(classes[0].recall, 2.0 / 3.0);
        near(classes[0].f1, 0.8);
        assert_eq!((classes[1].precision, classes[1].recall), (0.5, 1.0));
        assert_eq!(classes[2].support, 0);
        let AbstentionPoint { coverage, accuracy, .. } = scores.at_threshold();
        assert_eq!((coverage, accuracy), (0.75, 2.0 / 3.0));
        assert_eq!(scores.confusion(), [[2, 1, 0], [0, 1, 0], [0, 0, 0]]);
        let shares = scores.confusion_normalised();
        near(shares[0][0], 2.0 / 3.0);
        near(shares[0][1], 1.0 / 3.0);
        assert_eq!(shares[1..], [[0.0, 1.0, 0.0], [0.0; 3]]);
    }

    #[test]
    fn averages_by_hand() {
        // Two classes occur, three times and once.
        let (macros, weighted) = (scores().macro_average(), scores().weighted_average());
        near(macros.precision, (1.0 + 0.5) / 2.0);
        near(macros.recall, (2.0 / 3.0 + 1.0) / 2.0);
        near(macros.f1, (0.8 + 2.0 / 3.0) / 2.0);
        near(weighted.precision, (3.0 * 1.0 + 0.5) / 4.0);
        near(weighted.recall, 0.75);
        near(weighted.f1, (3.0 * 0.8 + 2.0 / 3.0) / 4.0);
        assert_eq!(Scores::new(VALENCE_3, 0.5).macro_average(), Averages::default());
    }

    #[test]
    fn calibration_by_hand() {
        // Four bins of one answer each: |1-0.7|, |1-0.5|, |0-0.8|, |1-0.9|.
        near(scores().calibration_error(), (0.3 + 0.5 + 0.8 + 0.1) / 4.0);
        let bins = scores().reliability();
        assert_eq!(bins.len(), BINS);
        let used: Vec<usize> = (0..BINS).filter(|bin| bins[*bin].count > 0).collect();
        assert_eq!(used, [7, 10, 12, 13]);
        near(bins[12].confidence, 0.8);
        assert_eq!((bins[12].accuracy, bins[13].accuracy), (0.0, 1.0));
        near(bins[12].from, 0.8);
    }

    #[test]
    fn silence_by_hand() {
        // By falling probability: 0.9 right, 0.8 wrong, 0.7 right, 0.5 right.
        let found: Vec<_> =
            scores().abstention().iter().map(|p| (p.coverage, p.accuracy)).collect();
        assert_eq!(found, [(0.25, 1.0), (0.5, 0.5), (0.75, 2.0 / 3.0), (1.0, 0.75)]);
        assert_eq!(scores().abstention()[2].threshold, 0.7);
        assert!(Scores::new(VALENCE_3, 0.5).abstention().is_empty());
        let mut many = Scores::new(VALENCE_3, 0.5);
        (0..137).for_each(|i| many.add(0, &[1.0 - i as f32 / 300.0, 0.0, 0.0]));
        let curve = many.abstention();
        assert_eq!((curve.len(), curve[49].coverage, curve[49].accuracy), (50, 1.0, 1.0));
    }

    #[test]
    fn folds_become_one() {
        let mut both = scores();
        both.merge(&scores());
        assert_eq!((both.rows(), both.accuracy()), (8, 0.75));
        assert_eq!(both.confusion()[0], [4, 2, 0]);
        near(both.calibration_error(), scores().calibration_error());
    }
}
