//! Quantization ranges of activations: scales and zero points.
//!
//! Each value is read in two passes: one for its extremes, one for two histograms between them, of the rows to which a
//! range is fitted and of the rows on which methods are compared.

/// Bins of a histogram.
const BINS: usize = 2048;
/// Fraction of the values that the percentile method clips on either side.
const TAIL: f64 = 5e-5;
/// Number of ranges that the squared-error method tries.
const STEPS: usize = 96;

/// How a range is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum RangeMethod {
    /// From the smallest to the largest calibration value.
    MinMax,
    /// Without the outermost 0.01 % of the values.
    Percentile,
    /// The smallest squared error of rounding and clipping, as in Banner et al. 2019.
    Mse,
    /// For each tensor the one of these with the smallest error on held-out rows.
    Best,
}

/// Which integers represent a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Integers {
    /// `0..=127`, which the integer engine stores.
    Stored,
    /// `-128..=127`, for values inside a step, which the engine does not round.
    Passing,
}

impl Integers {
    fn least(self) -> f32 {
        match self {
            Self::Stored => 0.0,
            Self::Passing => -128.0,
        }
    }
}

/// Floats `low..=high` as `i8`: `x = scale * (q - zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Affine {
    /// Above 0.
    pub(crate) scale: f32,
    /// The integer that represents 0.
    pub(crate) zero_point: i8,
    /// The range of the integers.
    pub(crate) integers: Integers,
}

impl Affine {
    /// For values from `low` to `high`. 0 is always representable exactly, since borders are padded with it.
    pub(crate) fn of(low: f32, high: f32, integers: Integers) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        let least = integers.least();
        let scale = ((high - low) / (127.0 - least)).max(f32::MIN_POSITIVE);
        let zero_point = (least - low / scale).round_ties_even().clamp(least, 127.0);
        Self { scale, zero_point: zero_point as i8, integers }
    }

    /// The floats that the smallest and the largest integer represent.
    pub(crate) fn bounds(self) -> (f32, f32) {
        let value = |q: f32| self.scale * (q - f32::from(self.zero_point));
        (value(self.integers.least()), value(127.0))
    }

    /// `x` after rounding and saturation.
    pub(crate) fn rounded(self, x: f32) -> f32 {
        let q = (x / self.scale).round_ties_even() + f32::from(self.zero_point);
        let within = q.clamp(self.integers.least(), 127.0);
        self.scale * (within - f32::from(self.zero_point))
    }
}

/// Extremes of a value and the mean of each channel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Extremes {
    /// Smallest value.
    pub(crate) low: f32,
    /// Largest value.
    pub(crate) high: f32,
    /// Sums of each channel's mean.
    sums: Vec<f64>,
    rows: usize,
}

impl Extremes {
    /// Empty, for a value with `channels` channels.
    pub(crate) fn new(channels: usize) -> Self {
        let sums = vec![0.0; channels.max(1)];
        Self { low: f32::INFINITY, high: f32::NEG_INFINITY, sums, rows: 0 }
    }

    /// Adds one row's values, `[channels, values of a channel]`, row-major.
    pub(crate) fn add(&mut self, values: &[f32]) {
        let size = (values.len() / self.sums.len()).max(1);
        for (channel, sum) in values.chunks(size).zip(&mut self.sums) {
            let mut total = 0.0;
            for value in channel {
                self.low = self.low.min(*value);
                self.high = self.high.max(*value);
                total += f64::from(*value);
            }
            *sum += total / size as f64;
        }
        self.rows += 1;
    }

    /// The mean of each channel.
    pub(crate) fn means(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.rows.max(1) as f64).collect()
    }
}

/// A histogram of a value between its extremes.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    low: f32,
    width: f32,
    counts: Vec<u64>,
}

impl Histogram {
    /// Empty, from the smallest to the largest value seen.
    pub(crate) fn new(extremes: &Extremes) -> Self {
        let width = (extremes.high - extremes.low) / BINS as f32;
        Self { low: extremes.low, width: width.max(f32::MIN_POSITIVE), counts: vec![0; BINS] }
    }

    /// Adds one row's values.
    pub(crate) fn add(&mut self, values: &[f32]) {
        for value in values {
            let bin = (value - self.low) / self.width;
            self.counts[(bin as usize).min(BINS - 1)] += 1;
        }
    }

    /// Centres of the bins that are not empty, with their counts.
    fn filled(&self) -> impl Iterator<Item = (f32, u64)> {
        let middle =
            |(at, count): (usize, &u64)| (self.low + (at as f32 + 0.5) * self.width, *count);
        self.counts.iter().enumerate().map(middle).filter(|(_, count)| *count > 0)
    }

    /// The mean squared error of rounding to `affine`.
    fn error(&self, affine: Affine) -> f64 {
        let total: u64 = self.counts.iter().sum();
        let squared = |(x, count): (f32, u64)| {
            let error = f64::from(x - affine.rounded(x));
            count as f64 * error * error
        };
        self.filled().map(squared).sum::<f64>() / total.max(1) as f64
    }

    /// The smallest and the largest value seen.
    fn bounds(&self) -> (f32, f32) {
        (self.low, self.low + BINS as f32 * self.width)
    }

    /// The bounds without a fraction `TAIL` of the values on either side.
    fn percentile(&self) -> (f32, f32) {
        let total: u64 = self.counts.iter().sum();
        let tail = (total as f64 * TAIL) as u64;
        let cut = |counts: &mut dyn Iterator<Item = &u64>| {
            let mut seen = 0;
            counts
                .take_while(|count| {
                    seen += **count;
                    seen <= tail
                })
                .count()
        };
        let (below, above) = (cut(&mut self.counts.iter()), cut(&mut self.counts.iter().rev()));
        (
            self.low + below as f32 * self.width,
            self.low + (BINS - above.min(BINS - 1)) as f32 * self.width,
        )
    }

    /// The bounds, shrunk by the same factor on both sides, with the smallest squared error.
    fn least_error(&self, integers: Integers) -> (f32, f32) {
        let (low, high) = self.bounds();
        let bounds = |step: usize| {
            let share = 1.0 - 0.75 * step as f32 / STEPS as f32;
            (low * share, high * share)
        };
        let error = |step: usize| {
            let (low, high) = bounds(step);
            self.error(Affine::of(low, high, integers))
        };
        let best = (0..STEPS).min_by(|a, b| error(*a).total_cmp(&error(*b)));
        bounds(best.unwrap_or(0))
    }
}

/// A value's distribution in two halves of the rows.
#[derive(Clone, Debug)]
pub(crate) struct Distribution {
    fitted: Histogram,
    compared: Histogram,
}

impl Distribution {
    /// Empty.
    pub(crate) fn new(extremes: &Extremes) -> Self {
        let empty = Histogram::new(extremes);
        Self { fitted: empty.clone(), compared: empty }
    }

    /// Adds the values of row number `row`.
    pub(crate) fn add(&mut self, row: usize, values: &[f32]) {
        let half = if row.is_multiple_of(2) { &mut self.fitted } else { &mut self.compared };
        half.add(values);
    }

    /// The range that `method` chooses.
    pub(crate) fn choose(&self, method: RangeMethod, integers: Integers) -> Affine {
        let (low, high) = match method {
            RangeMethod::Percentile => self.fitted.percentile(),
            RangeMethod::Mse => self.fitted.least_error(integers),
            RangeMethod::MinMax => self.fitted.bounds(),
            RangeMethod::Best => {
                let methods = [RangeMethod::MinMax, RangeMethod::Percentile, RangeMethod::Mse];
                let [min_max, others @ ..] = methods.map(|method| self.choose(method, integers));
                let error = |affine: Affine| self.compared.error(affine);
                let better = |best, other| if error(other) < error(best) { other } else { best };
                return others.into_iter().fold(min_max, better);
            }
        };
        Affine::of(low, high, integers)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seen(rows: &[Vec<f32>]) -> Distribution {
        let mut extremes = Extremes::new(1);
        rows.iter().for_each(|row| extremes.add(row));
        let mut seen = Distribution::new(&extremes);
        rows.iter().enumerate().for_each(|(at, row)| seen.add(at, row));
        seen
    }

    #[test]
    fn a_range_without_negatives_uses_all_integers() {
        let of = |low, high, integers| {
            let affine = Affine::of(low, high, integers);
            (affine.scale, affine.zero_point)
        };
        assert_eq!(of(0.0, 2.55, Integers::Passing), (0.01, -128));
        assert_eq!(of(1.0, 2.55, Integers::Passing).1, -128, "0 is always there");
        assert_eq!(of(-1.27, 1.28, Integers::Passing).1, -1);
        assert_eq!(of(-2.55, -1.0, Integers::Passing).1, 127);
        assert_eq!(of(0.0, 1.27, Integers::Stored), (0.01, 0));
        assert_eq!(of(-0.64, 0.63, Integers::Stored).1, 64);
        assert_eq!(of(-1.27, -0.5, Integers::Stored).1, 127);
    }

    #[test]
    fn outliers_are_kept_by_min_max_and_cut_off_by_the_others() {
        let mut rows = vec![(0..20_000).map(|i| (i % 1000) as f32 / 1000.0).collect::<Vec<_>>(); 2];
        rows.iter_mut().for_each(|row| row[7] = 80.0);
        let seen = seen(&rows);
        let top = |method| seen.choose(method, Integers::Passing).scale * 255.0;
        assert!((top(RangeMethod::MinMax) - 80.0).abs() < 1e-3);
        assert!(top(RangeMethod::Percentile) < 2.0, "{}", top(RangeMethod::Percentile));
        assert!(top(RangeMethod::Mse) < 80.0);
    }

    #[test]
    fn the_best_method_errs_least_on_the_other_half() {
        // Both halves have the same uniform distribution: clipping gains nothing.
        let even: Vec<Vec<f32>> =
            (0..4).map(|r| (0..5000).map(|i| (i * 4 + r) as f32 / 2e4 - 0.5).collect()).collect();
        // Both have an outlier: clipping a little gains something.
        let mut outliers = vec![(0..20_000).map(|i| (i % 1000) as f32 / 1000.0).collect(); 2];
        outliers.iter_mut().for_each(|row: &mut Vec<f32>| row[7] = 80.0);
        for (rows, clipping_helps) in [(&even, false), (&outliers, true)] {
            let seen = seen(rows);
            let error = |method| seen.compared.error(seen.choose(method, Integers::Stored));
            let best = error(RangeMethod::Best);
            let all = [RangeMethod::MinMax, RangeMethod::Percentile, RangeMethod::Mse].map(error);
            assert_eq!(best, all.into_iter().fold(f64::INFINITY, f64::min), "{all:?}");
            assert_eq!(best < all[0], clipping_helps, "{all:?}");
        }
    }

    #[test]
    fn means_are_by_channel() {
        let mut extremes = Extremes::new(2);
        extremes.add(&[1.0, 3.0, 10.0, 20.0]);
        // Rows may differ in size.
        extremes.add(&[2.0, 2.0, 2.0, 30.0, 40.0, 35.0]);
        assert_eq!(extremes.means(), [2.0, 25.0]);
        assert_eq!((extremes.low, extremes.high), (1.0, 40.0));
    }

    proptest! {
        /// Inside the range the rounding error is half a step at most, and 0 stays 0.
        #[test]
        fn rounding_stays_within_half_a_step(
            a in -50f32..50.0, b in -50f32..50.0, at in 0f32..1.0, stored: bool,
        ) {
            let integers = if stored { Integers::Stored } else { Integers::Passing };
            let (low, high) = (a.min(b).min(0.0), a.max(b).max(1e-3));
            let affine = Affine::of(low, high, integers);
            let x = low + at * (high - low);
            prop_assert_eq!(affine.rounded(0.0), 0.0);
            // The zero point itself is rounded, which moves the bounds by half a step.
            prop_assert!((affine.rounded(x) - x).abs() <= 1.01 * affine.scale);
        }
    }
}
