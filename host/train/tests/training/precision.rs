//! A training whose layers multiply in 16 bits.

use burn::module::{Module as _, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor};
use emocue_train::TrainOutcome;
use emocue_train::net::spec::Precision;

use crate::bench::{Bench, recipe};

#[test]
fn sixteen_bits_learn_nearly_the_same_and_leave_weights_in_floats() {
    let bench = Bench::new();
    let (examples, mut at) = bench.begin(&recipe());
    let start = bench.dir("start");
    at.save(&start).unwrap();
    let (_, exact) = bench.train(&bench.dir("f32"), &examples, &mut at, usize::MAX).unwrap();

    let mut recipe = recipe();
    recipe.optimizer.precision = Precision::Bf16;
    let (examples, mut at) = bench.begin(&recipe);
    let dir = bench.dir("bf16");
    let (outcome, losses) = bench.train(&dir, &examples, &mut at, usize::MAX).unwrap();
    assert_eq!(outcome, TrainOutcome::Finished);
    assert_eq!(losses.len(), exact.len());
    // The first step has the same weights: a mantissa of 8 bits changes its loss, but only slightly.
    let first = (losses[0] - exact[0]).abs() / exact[0];
    assert!(first > 0.0 && first < 0.01, "{losses:?}\n{exact:?}");
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    assert!((mean(&losses) - mean(&exact)).abs() < 0.05 * mean(&exact), "{losses:?}\n{exact:?}");

    // Stored weights have a longer mantissa than the 8 bits of the products.
    let mut bits = Bits::default();
    bench.load(&dir).net.visit(&mut bits);
    assert!(bits.weights > 1000 && bits.rounded < bits.weights / 100, "{bits:?}");
}

/// The number of weights, and of those that bfloat16 represents exactly.
#[derive(Debug, Default)]
struct Bits {
    weights: usize,
    rounded: usize,
}

impl ModuleVisitor for Bits {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param.val();
        assert_eq!(values.dtype(), DType::F32);
        // Biases and statistics may be 0 or 1.
        if D > 1 {
            let values: Vec<f32> = values.to_data().iter::<f32>().collect();
            self.weights += values.len();
            self.rounded += values.iter().filter(|value| value.to_bits() & 0xffff == 0).count();
        }
    }
}
