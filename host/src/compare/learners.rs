//! Simple learners, trained with their default settings and evaluated as by `emocue baseline`.

use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_models::failure::Failure;
use emocue_models::label::LabelSet;

use super::card::{Cost, Kind, Recognizer};
use super::text::thousands;
use super::time::{Answer, ratio};
use crate::baseline::examples::{BaselineExamples, BaselineTarget};
use crate::baseline::features::{Features, Matrix};
use crate::baseline::forest::ForestSettings;
use crate::baseline::knn::{Knn, KnnError, Metric, vote};
use crate::baseline::mlp::MlpSettings;
use crate::baseline::score;
use crate::baseline::sweep::{KS, KnnSample, best};
use crate::eval::card::ScoreCard;
use crate::eval::metrics::Scores;

/// A simple learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learner {
    /// k nearest neighbours by either metric; k is chosen on PublicTest.
    Knn,
    /// A multilayer perceptron.
    Mlp,
    /// A random forest.
    Forest,
}

impl Learner {
    /// `"knn"`, `"mlp"`, `"forest"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Knn => "knn",
            Self::Mlp => "mlp",
            Self::Forest => "forest",
        }
    }
}

/// Rows as vectors of pixels, with their classes.
struct Sample {
    features: Matrix,
    classes: Vec<usize>,
}

/// The training and evaluation rows of the learners.
pub struct Lessons<'a> {
    data: &'a Dataset,
    labels: LabelSet,
    training: Sample,
    test: Sample,
    /// PublicTest, if it is not the evaluated split and a learner needs it to choose a setting.
    public: Option<Sample>,
}

/// The inputs of the time measurement.
pub struct Timing<'a, 'b> {
    /// The reference's answers.
    pub reference: &'a mut Answer<'b>,
    /// Rows to classify.
    pub rows: &'a [usize],
}

/// A trained learner.
struct Learned<'a> {
    name: String,
    cost: Cost,
    scores: Scores,
    answer: Answer<'a>,
}

impl<'a> Lessons<'a> {
    /// The rows of Training, at most `limit` of them, and those of `split`, for `learners`.
    ///
    /// # Errors
    /// An error that names the missing rows.
    pub fn new(
        data: &'a Dataset,
        target: BaselineTarget,
        split: Split,
        limit: Option<usize>,
        learners: &[Learner],
    ) -> Result<Self, Box<dyn Failure>> {
        let sample = |split: Split, limit: Option<usize>| -> Result<Sample, Box<dyn Failure>> {
            let BaselineExamples { rows, classes, .. } = target.examples(data, split)?.first(limit);
            let features = Features::Pixels.of(data, &rows, &|_| ())?;
            Ok(Sample { features, classes })
        };
        let needs_public = learners.contains(&Learner::Knn) && split != Split::PublicTest;
        Ok(Self {
            data,
            labels: target.labels(data),
            test: sample(split, None)?,
            public: needs_public.then(|| sample(Split::PublicTest, None)).transpose()?,
            training: sample(Split::Training, limit)?,
        })
    }

    /// Number of training rows.
    pub fn training_rows(&self) -> usize {
        self.training.classes.len()
    }

    /// The number of progress steps of [`Lessons::learn`].
    pub fn steps(&self, learner: Learner) -> usize {
        let rows = |sample: &Sample| sample.classes.len();
        match learner {
            Learner::Knn => {
                METRICS.len() * (rows(&self.test) + self.public.as_ref().map_or(0, rows))
            }
            Learner::Mlp => MlpSettings::default().epochs * rows(&self.training),
            Learner::Forest => 1,
        }
    }

    /// Trains, evaluates and times a learner; nearest neighbours are two recognizers. `done` receives how many more
    /// steps are finished.
    ///
    /// # Errors
    /// The learner's error.
    pub fn learn(
        &self,
        learner: Learner,
        timing: &mut Timing<'_, '_>,
        done: &dyn Fn(usize),
    ) -> Result<Vec<Recognizer>, Box<dyn Failure>> {
        match learner {
            Learner::Knn => {
                let one = |metric: &Metric| self.timed(self.knn(*metric, done)?, timing);
                METRICS.iter().map(one).collect()
            }
            Learner::Mlp => Ok(vec![self.timed(self.mlp(done)?, timing)?]),
            Learner::Forest => Ok(vec![self.timed(self.forest(done)?, timing)?]),
        }
    }

    fn timed(
        &self,
        learned: Learned<'_>,
        timing: &mut Timing<'_, '_>,
    ) -> Result<Recognizer, Box<dyn Failure>> {
        let Learned { name, cost, scores, mut answer } = learned;
        Ok(Recognizer {
            name,
            kind: Kind::Baseline,
            labels: self.labels.id.to_owned(),
            cost,
            cpu_ratio: ratio(timing.reference, &mut answer, timing.rows)?,
            scores: ScoreCard::of(&scores),
        })
    }

    fn knn(&self, metric: Metric, done: &dyn Fn(usize)) -> Result<Learned<'_>, Box<dyn Failure>> {
        let Sample { features, classes: known } = &self.training;
        let knn = Knn::new(features.clone(), metric);
        let ks = KS.iter().map(|k| *k as usize).filter(|k| *k <= known.len());
        let ks: Vec<usize> = ks.collect();
        let judged = |sample: &Sample, ks: &[usize]| -> Result<_, KnnError> {
            let most = ks.last().copied().unwrap_or(0);
            let nearest = knn.nearest(sample.features.clone(), most, done)?;
            let classes = &sample.classes;
            Ok(KnnSample { labels: self.labels, nearest: &nearest, known, classes }.sweep(ks))
        };
        let tries = judged(self.public.as_ref().unwrap_or(&self.test), &ks)?;
        let (k, mut scores) = best(&tries).cloned().ok_or(KnnError::ZeroK)?;
        // k is chosen on other rows than those reported.
        if self.public.is_some() {
            scores = judged(&self.test, &[k])?.remove(0).1;
        }
        let (rows, width) = (known.len(), features.width());
        Ok(Learned {
            name: format!("kNN ({}, k = {k})", metric.name()),
            cost: Cost {
                bytes: Some(size_of_val(features.values()) as u64),
                stores: Some(format!("{} rows of {width} pixels", thousands(rows as u64))),
                ..Cost::default()
            },
            scores,
            answer: Box::new(move |row| {
                let nearest = knn.nearest(self.pixels(row)?, k, |_| ())?;
                nearest.iter().for_each(|near| {
                    vote(near, known, self.labels.len());
                });
                Ok(())
            }),
        })
    }

    fn mlp(&self, done: &dyn Fn(usize)) -> Result<Learned<'_>, Box<dyn Failure>> {
        let settings = MlpSettings::default();
        let Sample { features, classes } = &self.training;
        let mlp = settings.train(features, classes, self.labels.len(), done, |_, _| ())?;
        let hidden: Vec<String> = settings.hidden.iter().map(usize::to_string).collect();
        let parameters = mlp.num_params() as u64;
        Ok(Learned {
            name: format!("MLP ({})", hidden.join(", ")),
            cost: Cost {
                parameters: Some(parameters),
                macs: Some(mlp.macs()),
                // Includes each pixel's mean and scale.
                bytes: Some(size_of::<f32>() as u64 * (parameters + 2 * features.width() as u64)),
                stores: None,
            },
            scores: self.scores(&mlp.probabilities(&self.test.features)),
            answer: Box::new(move |row| {
                mlp.probabilities(&self.pixels(row)?);
                Ok(())
            }),
        })
    }

    fn forest(&self, done: &dyn Fn(usize)) -> Result<Learned<'_>, Box<dyn Failure>> {
        let settings = ForestSettings::default();
        let Sample { features, classes } = &self.training;
        let forest = settings.grow(features, classes, self.labels.len())?;
        done(1);
        let trees = format!("{} trees", settings.trees);
        Ok(Learned {
            name: format!("random forest ({trees})"),
            cost: Cost { stores: Some(trees), ..Cost::default() },
            scores: self.scores(&forest.probabilities(&self.test.features)),
            answer: Box::new(move |row| {
                forest.probabilities_on(&self.pixels(row)?, 1);
                Ok(())
            }),
        })
    }

    fn scores(&self, probabilities: &[f32]) -> Scores {
        score(self.labels, &self.test.classes, probabilities)
    }

    /// One row as a vector.
    fn pixels(&self, row: usize) -> Result<Matrix, Box<dyn Failure>> {
        Ok(Features::Pixels.of(self.data, &[row], &|_| ())?)
    }
}

/// The metrics of nearest neighbours.
const METRICS: [Metric; 2] = [Metric::Euclidean, Metric::Cosine];
