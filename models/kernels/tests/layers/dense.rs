//! The dense layer.

use emocue_kernels::{Dense, DenseSpec, Isa, Shape};
use proptest::prelude::*;

use crate::tensor::{Random, Tensor, places};

proptest! {
    #[test]
    fn numbers_come_from_all_values(
        sides in [1..=40_usize, 1..=5_usize, 1..=5_usize],
        outputs in 1..=12_usize,
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let shape = Shape::new(sides[0], sides[1], sides[2]);
        let x = Tensor::random(shape, random.quantization(), &mut random);
        let weights = random.weights(outputs * shape.len());
        let weight_scales = random.floats(outputs, 0.001, 0.01);
        let biases = random.floats(outputs, -3.0, 3.0);
        let spec = DenseSpec {
            shape,
            outputs,
            weights: &weights,
            weight_scales: &weight_scales,
            biases: &biases,
            input: x.quantization,
        };
        let planes = x.planes(1);
        let run = |isa| {
            let mut out = vec![f32::NAN; outputs];
            Dense::new(&spec, isa).unwrap().run(&planes, &mut out).unwrap();
            out
        };
        let expected = run(Isa::PORTABLE);
        for (output, found) in expected.iter().enumerate() {
            let weights = &weights[output * shape.len()..][..shape.len()];
            let scale = f64::from(weight_scales[output]);
            let (mut sum, mut size) = (f64::from(biases[output]), 4.0);
            for ((c, y, column), weight) in places(shape).zip(weights) {
                let weight = f64::from(*weight) * scale;
                sum += weight * x.value(c, y as isize, column as isize);
                size += weight.abs() * 127.0 * f64::from(x.quantization.scale);
            }
            prop_assert!((f64::from(*found) - sum).abs() <= size * 1e-6, "{} {}", found, sum);
        }
        for isa in Isa::available() {
            let found = run(isa);
            let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&found), bits(&expected), "{}", isa);
        }
    }
}
