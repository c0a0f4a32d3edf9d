//! Confidence that means what it says: how a network's outputs become an answer is fitted to rows that it was not trained
//! on.
//!
//! One step after the other, each on what the steps before it left (`fit`):
//!
//! 1. The temperatures (Guo et al. 2017), on all sources of labels, so that no single source's habits decide.
//! 2. How much frequent classes count less, and how much a second head counts (`choose`): the most balanced answers that
//!    cost no more plain accuracy than is allowed.
//! 3. How much poor sight lowers confidence (`quality`), on rows under conditions.
//! 4. The threshold at which answers are right as often as asked, under every condition; and the free energy above which
//!    nothing is answered.

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

/// The least of `loss` between `low` and `high`, where it has one minimum: golden-section search.
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
