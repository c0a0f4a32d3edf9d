//! The learning rate over time.

use std::f64::consts::PI;

use super::recipe::Optimizer;

/// Learning rate of a step: linear warm-up from 0, then half a cosine down to 0 (Loshchilov and
/// Hutter 2017). `step` counts from 0 over the whole training.
pub fn learning_rate(recipe: &Optimizer, step: usize, steps_per_epoch: usize) -> f64 {
    let total = (recipe.epochs * steps_per_epoch) as f64;
    let warmup = (recipe.warmup_epochs * steps_per_epoch as f64).min(total);
    let position = step as f64 + 1.0;
    if position <= warmup {
        return recipe.learning_rate * position / warmup;
    }
    let progress = (position - warmup) / (total - warmup).max(1.0);
    recipe.learning_rate * 0.5 * (1.0 + (PI * progress.min(1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::recipe::Recipe;

    #[test]
    fn climbs_to_the_peak_and_ends_at_zero() {
        let mut recipe = Recipe::load("badge").unwrap().optimizer;
        recipe.epochs = 10;
        recipe.warmup_epochs = 2.0;
        let rates: Vec<f64> = (0..1000).map(|step| learning_rate(&recipe, step, 100)).collect();
        assert!(rates[..200].windows(2).all(|pair| pair[0] < pair[1]));
        assert!(rates[199..].windows(2).all(|pair| pair[0] > pair[1]));
        assert_eq!(rates[199], recipe.learning_rate);
        assert!(rates[999].abs() < 1e-9);
    }
}
