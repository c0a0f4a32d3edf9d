//! Counting right and wrong answers.

use emocue_models::label::LabelSet;
use serde::Serialize;
use serde::ser::SerializeStruct;

/// Bins of the expected calibration error, the usual number.
const BINS: usize = 15;

/// Answers of a classifier against the truth.
#[derive(Clone, Debug)]
pub struct Scores {
    labels: LabelSet,
    threshold: f32,
    /// Row: truth, column: answer.
    confusion: Vec<Vec<usize>>,
    /// Per bin of the top probability: answers, right ones, sum of top probabilities.
    bins: [(usize, usize, f64); BINS],
    sure: usize,
    sure_right: usize,
}

/// One class's figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassScores {
    /// Class name.
    pub class: &'static str,
    /// Right among those answered so, `0..=1`.
    pub precision: f64,
    /// Right among those truly so, `0..=1`.
    pub recall: f64,
    /// Harmonic mean of both.
    pub f1: f64,
    /// Rows truly so.
    pub support: usize,
}

impl Scores {
    /// No answers yet; a top probability below `threshold` counts as unsure.
    pub fn new(labels: LabelSet, threshold: f32) -> Self {
        Self {
            labels,
            threshold,
            confusion: vec![vec![0; labels.len()]; labels.len()],
            bins: [(0, 0, 0.0); BINS],
            sure: 0,
            sure_right: 0,
        }
    }

    /// Counts one answer: `probabilities` over the label set, `truth` an index into it.
    pub fn add(&mut self, truth: usize, probabilities: &[f32]) {
        let best = (0..probabilities.len())
            .max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]))
            .unwrap_or(0);
        let right = best == truth;
        let top = probabilities[best];
        self.confusion[truth][best] += 1;
        let bin = ((top * BINS as f32) as usize).min(BINS - 1);
        let (count, hits, sum) = &mut self.bins[bin];
        *count += 1;
        *hits += usize::from(right);
        *sum += f64::from(top);
        if top >= self.threshold {
            self.sure += 1;
            self.sure_right += usize::from(right);
        }
    }

    /// The classes.
    pub fn labels(&self) -> LabelSet {
        self.labels
    }

    /// Answers counted.
    pub fn rows(&self) -> usize {
        self.confusion.iter().flatten().sum()
    }

    /// Share of right answers, `0..=1`.
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..self.labels.len()).map(|class| self.confusion[class][class]).sum();
        ratio(right, self.rows())
    }

    /// Precision, recall, F1 and support of every class, in the label set's order.
    pub fn classes(&self) -> Vec<ClassScores> {
        let class_scores = |class: usize| {
            let hits = self.confusion[class][class];
            let support = self.confusion[class].iter().sum();
            let answered = self.confusion.iter().map(|row| row[class]).sum();
            let (precision, recall) = (ratio(hits, answered), ratio(hits, support));
            ClassScores {
                class: self.labels.names[class],
                precision,
                recall,
                f1: ratio(2 * hits, answered + support),
                support,
            }
        };
        (0..self.labels.len()).map(class_scores).collect()
    }

    /// Mean F1 of the classes that occur.
    pub fn macro_f1(&self) -> f64 {
        let present: Vec<f64> =
            self.classes().iter().filter(|c| c.support > 0).map(|c| c.f1).collect();
        present.iter().sum::<f64>() / present.len().max(1) as f64
    }

    /// Expected calibration error (Naeini et al. 2015) over 15 bins of the top probability, `0..=1`.
    pub fn calibration_error(&self) -> f64 {
        let total = self.rows().max(1) as f64;
        let gap = |(count, hits, sum): &(usize, usize, f64)| {
            if *count == 0 { 0.0 } else { (*hits as f64 - sum).abs() / total }
        };
        self.bins.iter().map(gap).sum()
    }

    /// Share of answers at or above the threshold, and their accuracy.
    pub fn sure(&self) -> (f64, f64) {
        (ratio(self.sure, self.rows()), ratio(self.sure_right, self.sure))
    }

    /// Counts, row: truth, column: answer.
    pub fn confusion(&self) -> &[Vec<usize>] {
        &self.confusion
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Serialize for Scores {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (coverage, sure_accuracy) = self.sure();
        let mut fields = serializer.serialize_struct("Scores", 9)?;
        fields.serialize_field("labels", self.labels.id)?;
        fields.serialize_field("rows", &self.rows())?;
        fields.serialize_field("accuracy", &self.accuracy())?;
        fields.serialize_field("macro_f1", &self.macro_f1())?;
        fields.serialize_field("calibration_error", &self.calibration_error())?;
        fields.serialize_field("sure_coverage", &coverage)?;
        fields.serialize_field("sure_accuracy", &sure_accuracy)?;
        fields.serialize_field("classes", &self.classes())?;
        fields.serialize_field("confusion", &self.confusion)?;
        fields.end()
    }
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

    #[test]
    fn counts_by_hand() {
        let scores = scores();
        assert_eq!((scores.rows(), scores.accuracy()), (4, 0.75));
        let classes = scores.classes();
        assert_eq!((classes[0].precision, classes[0].support), (1.0, 3));
        assert!((classes[0].recall - 2.0 / 3.0).abs() < 1e-12);
        assert!((classes[0].f1 - 0.8).abs() < 1e-12);
        assert_eq!((classes[1].precision, classes[1].recall), (0.5, 1.0));
        assert_eq!(classes[2].support, 0);
        assert!((scores.macro_f1() - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-12);
        assert_eq!(scores.sure(), (0.75, 2.0 / 3.0));
    }

    #[test]
    fn calibration_error_by_hand() {
        // Four bins of one answer each: |1-0.7|, |1-0.5|, |0-0.8|, |1-0.9|.
        let expected = (0.3 + 0.5 + 0.8 + 0.1) / 4.0;
        assert!((scores().calibration_error() - expected).abs() < 1e-6);
    }
}
