//! 95 % confidence intervals of figures.

use emocue_data::random::generator;
use rand::RngExt;
use serde::{Deserialize, Serialize};

/// The two-sided 95 % quantile of the standard normal distribution.
const Z: f64 = 1.959_964;

/// Number of bootstrap samples.
const DRAWS: usize = 400;

/// A figure with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The measured value.
    pub value: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
    /// Number of cases.
    pub of: usize,
}

/// A proportion with its Wilson score interval (Wilson 1927); `None` without cases.
pub fn share(hits: usize, of: usize) -> Option<Figure> {
    if of == 0 {
        return None;
    }
    let (n, p) = (of as f64, hits as f64 / of as f64);
    let z = Z * Z / n;
    let middle = (p + z / 2.0) / (1.0 + z);
    let half = Z / (1.0 + z) * (p * (1.0 - p) / n + z / (4.0 * n)).sqrt();
    let (low, high) = ((middle - half).max(0.0), (middle + half).min(1.0));
    Some(Figure { value: p, low: low.min(p), high: high.max(p), of })
}

/// Events for each thousand of `of`, with Byar's approximation of the Poisson interval; `None` without cases.
pub fn per_thousand(events: usize, of: usize) -> Option<Figure> {
    if of == 0 {
        return None;
    }
    let bound = |count: f64, sign: f64| {
        let root = 1.0 - 1.0 / (9.0 * count) + sign * Z / (3.0 * count.sqrt());
        count * root.powi(3)
    };
    let events = events as f64;
    let scale = 1000.0 / of as f64;
    let low = if events > 0.0 { bound(events, -1.0).max(0.0) } else { 0.0 };
    let high = bound(events + 1.0, 1.0);
    Some(Figure { value: events * scale, low: low * scale, high: high * scale, of })
}

/// A figure over pictures with its bootstrap interval, from a fixed seed. `measure` receives how often each picture
/// counts.
pub fn bootstrap(
    pictures: usize,
    of: usize,
    measure: impl Fn(&[u32]) -> Option<f64>,
) -> Option<Figure> {
    let mut weights = vec![1; pictures];
    let value = measure(&weights)?;
    let mut values = Vec::with_capacity(DRAWS);
    for draw in 0..DRAWS {
        let mut rng = generator(19, draw, pictures);
        weights.fill(0);
        (0..pictures).for_each(|_| weights[rng.random_range(0..pictures)] += 1);
        values.extend(measure(&weights));
    }
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values.get(((values.len() as f64 - 1.0) * share).round() as usize);
    let (low, high) = (*at(0.025)?, *at(0.975)?);
    Some(Figure { value, low: low.min(value), high: high.max(value), of })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(figure: Figure, low: f64, high: f64) {
        assert!((figure.low - low).abs() < 1e-3 && (figure.high - high).abs() < 1e-3, "{figure:?}");
    }

    #[test]
    fn shares_have_wilsons_interval() {
        near(share(8, 10).unwrap(), 0.4902, 0.9433);
        near(share(0, 10).unwrap(), 0.0, 0.2775);
        near(share(10, 10).unwrap(), 0.7225, 1.0);
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn rare_events_have_poissons_interval() {
        let figure = per_thousand(10, 1000).unwrap();
        assert!((figure.low - 4.79).abs() < 0.05 && (figure.high - 18.39).abs() < 0.05);
        let none = per_thousand(0, 1000).unwrap();
        assert!(none.low == 0.0 && (3.0..4.0).contains(&none.high), "{none:?}");
    }

    #[test]
    fn a_bootstrap_is_the_same_each_time_and_narrows_with_more() {
        let mean = |values: Vec<f64>| {
            bootstrap(values.len(), values.len(), |weights| {
                let sum: u32 = weights.iter().sum();
                let pairs = values.iter().zip(weights);
                Some(pairs.map(|(v, w)| v * f64::from(*w)).sum::<f64>() / f64::from(sum))
            })
            .unwrap()
        };
        let values = |count: usize| (0..count).map(|i| f64::from(i as u32 % 2)).collect::<Vec<_>>();
        let (few, many) = (mean(values(40)), mean(values(400)));
        assert_eq!(mean(values(40)), few);
        assert_eq!(few.value, 0.5);
        // The mean of 40 coin tosses has a standard deviation of 0.079.
        assert!((few.high - few.low - 2.0 * 1.96 * 0.079).abs() < 0.05, "{few:?}");
        assert!(many.high - many.low < 0.4 * (few.high - few.low));
    }
}
