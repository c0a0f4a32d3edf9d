//! Calibration: the decision from a network's outputs is fitted to rows that it was not trained on, so that its
//! probabilities match its accuracy.
//!
//! The steps, each on the result of the previous one (`fit`):
//!
//! 1. The temperatures (Guo et al. 2017), on all sources of labels, so that the result does not depend on one source's
//!    annotators.
//! 2. The strength of the prior correction and the weight of a second head (`choose`): the most balanced answers within
//!    the allowed loss of accuracy.
//! 3. How much poor image quality lowers the probabilities (`quality`), on rows under conditions.
//! 4. The threshold at which answers have the required accuracy under every condition, and the limit of the free energy
//!    above which the answer is unsure.

mod choose;
mod figures;
mod fit;
mod quality;
mod sources;
pub mod text;
mod threshold;

pub use figures::{Choice, SourceFigures, ViewFigures};
pub use fit::{FitError, FitSettings, Fitted, fit};
pub use sources::{Outputs, View};
pub use threshold::reachable;

/// Golden-section search for the minimum of `loss`, unimodal between `low` and `high`; returns its position.
fn golden(low: f64, high: f64, steps: usize, loss: impl Fn(f64) -> f64) -> f64 {
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (low, high);
    for _ in 0..steps {
        let (left, right) = (high - ratio * (high - low), low + ratio * (high - low));
        if loss(left) < loss(right) { high = right } else { low = left }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests;
