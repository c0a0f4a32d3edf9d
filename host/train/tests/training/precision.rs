//! A training whose layers multiply in 16 bits.

use emocue_train::TrainOutcome;
use emocue_train::net::spec::Precision;

use crate::bench::{Bench, logits, recipe};

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
    // The first step has the same weights: 8 bits of mantissa move its loss, and hardly.
    let first = (losses[0] - exact[0]).abs() / exact[0];
    assert!(first > 0.0 && first < 0.01, "{losses:?}\n{exact:?}");
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    assert!((mean(&losses) - mean(&exact)).abs() < 0.05 * mean(&exact), "{losses:?}\n{exact:?}");

    // What is kept is as exact as without: reading it back changes nothing, and it answers in 32 bits.
    let kept = bench.load(&dir);
    let answers = logits(&kept.net);
    assert!(answers.iter().any(|logit| logit.to_bits() & 0xffff != 0), "{answers:?}");
}
