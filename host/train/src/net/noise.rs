//! Dropout masks that are reproducible when a training is resumed.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The source of dropout masks: one random generator for each example of a batch, read by the network's dropout layers
/// in their order. An example's masks depend on its own generator only.
#[derive(Debug)]
pub struct Noise(Option<Vec<ChaCha8Rng>>);

impl Noise {
    /// No dropout, for inference.
    pub fn off() -> Self {
        Self(None)
    }

    /// One generator for each example, in the batch's order.
    pub fn of(generators: Vec<ChaCha8Rng>) -> Self {
        Self(Some(generators))
    }

    /// Factors for `examples` rows of `features` values, row-major: 0 with probability `drop`, else `1 / (1 - drop)`.
    /// `None` if nothing is dropped.
    ///
    /// # Panics
    /// When there are not as many generators as examples.
    pub fn mask(&mut self, examples: usize, features: usize, drop: f32) -> Option<Vec<f32>> {
        let generators = self.0.as_mut().filter(|_| drop > 0.0)?;
        assert_eq!(generators.len(), examples, "one generator for each example");
        let rows = generators.iter_mut().flat_map(|rng| dropout_mask(rng, drop, features));
        Some(rows.collect())
    }
}

/// A dropout mask for `features`: 0 with probability `drop`, else `1 / (1 - drop)`.
fn dropout_mask(rng: &mut ChaCha8Rng, drop: f32, features: usize) -> impl Iterator<Item = f32> {
    let keep = 1.0 / (1.0 - drop);
    (0..features).map(move |_| if rng.random::<f32>() < drop { 0.0 } else { keep })
}

#[cfg(test)]
mod tests {
    use super::*;
    use emocue_data::random::generator;

    #[test]
    fn dropout_keeps_the_mean() {
        let mean = dropout_mask(&mut generator(0, 0, 0), 0.3, 20_000).sum::<f32>() / 20_000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn an_examples_mask_does_not_depend_on_its_batch() {
        let of = |rows: &[usize]| {
            let mut noise = Noise::of(rows.iter().map(|row| generator(1, 0, *row)).collect());
            let first = noise.mask(rows.len(), 3, 0.5).unwrap();
            (first, noise.mask(rows.len(), 5, 0.5).unwrap())
        };
        let (pair, alone) = (of(&[4, 9]), of(&[9]));
        assert_eq!((&pair.0[3..], &pair.1[5..]), (&alone.0[..], &alone.1[..]));
        assert_ne!(pair.1[..5], pair.1[5..]);
        assert_eq!(Noise::off().mask(2, 3, 0.5), None);
        assert_eq!(Noise::of(vec![generator(1, 0, 0)]).mask(1, 3, 0.0), None);
    }
}
