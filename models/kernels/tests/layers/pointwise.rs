//! Additions, activations and changes of scale.

use emocue_kernels::{Isa, Pointwise, PointwiseSpec, Shape};
use proptest::prelude::*;

use crate::tensor::{Random, Tensor, activate, assert_border, assert_near, dirty, places, stored};

proptest! {
    #[test]
    fn what_looks_at_one_place_is_right(
        channels in 1..=40_usize,
        sides in [1..=5_usize, 1..=9_usize],
        adds in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let shape = Shape::new(channels, sides[0], sides[1]);
        let x = Tensor::random(shape, random.quantization(), &mut random);
        let added = Tensor::random(shape, random.quantization(), &mut random);
        let output = random.quantization();
        let slopes = random.floats(channels, -2.0, 2.0);
        let spec = PointwiseSpec {
            channels,
            input: x.quantization,
            residual: adds.then_some(added.quantization),
            output,
            activation: random.activation(&slopes),
        };
        let (planes, other) = (x.planes(1), added.planes(2));
        let run = |isa| {
            let mut out = dirty(shape, 1, output.zero_point);
            let layer = Pointwise::new(&spec, isa).unwrap();
            layer.run(&planes, adds.then_some(&other), &mut out).unwrap();
            out
        };
        let expected = run(Isa::PORTABLE);
        assert_border(&expected);
        for (stored, (c, y, column)) in stored(&expected).into_iter().zip(places(shape)) {
            let (y, column) = (y as isize, column as isize);
            let added = if adds { added.value(c, y, column) } else { 0.0 };
            let value = activate(spec.activation, c, x.value(c, y, column) + added);
            assert_near(stored, value, output, 2e-2);
        }
        for isa in Isa::available() {
            prop_assert!(run(isa) == expected, "{} differs", isa);
        }
    }
}
