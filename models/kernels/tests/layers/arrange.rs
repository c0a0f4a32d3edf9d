//! Layers that move values, and storing and loading planes.

use emocue_kernels::{Planes, Quantization, Shape, concat, upsample};
use proptest::prelude::*;

use crate::tensor::{Random, Tensor, assert_border, dirty, places, stored};

proptest! {
    #[test]
    fn a_concatenation_has_all_channels_in_order(
        blocks in prop::collection::vec(1..=3_usize, 0..3),
        last in 1..=40_usize,
        sides in [1..=5_usize, 1..=5_usize],
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let quantization = random.quantization();
        let channels = blocks.iter().map(|blocks| 16 * blocks).chain([last]);
        let inputs: Vec<_> = channels
            .map(|channels| Shape::new(channels, sides[0], sides[1]))
            .map(|shape| Tensor::random(shape, quantization, &mut random))
            .collect();
        let planes: Vec<_> =
            inputs.iter().map(|x| x.planes(random.below(3) as usize)).collect();
        let channels = inputs.iter().map(|x| x.shape.channels).sum();
        let shape = Shape::new(channels, sides[0], sides[1]);
        let mut out = dirty(shape, 1, quantization.zero_point);
        concat(&planes.iter().collect::<Vec<_>>(), &mut out).unwrap();
        assert_border(&out);
        let all: Vec<i8> = inputs.iter().flat_map(|x| x.stored.clone()).collect();
        prop_assert_eq!(stored(&out), all);
    }

    #[test]
    fn upsampling_repeats(
        sides in [1..=20_usize, 1..=5_usize, 1..=5_usize],
        factors in [1..=3_usize, 1..=3_usize],
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let shape = Shape::new(sides[0], sides[1], sides[2]);
        let x = Tensor::random(shape, random.quantization(), &mut random);
        let large = Shape::new(sides[0], sides[1] * factors[0], sides[2] * factors[1]);
        let mut out = dirty(large, 1, x.quantization.zero_point);
        upsample(&x.planes(2), factors, &mut out).unwrap();
        assert_border(&out);
        for (stored, (c, y, column)) in stored(&out).into_iter().zip(places(large)) {
            let at = (c * shape.height + y / factors[0]) * shape.width + column / factors[1];
            prop_assert_eq!(stored, x.stored[at]);
        }
    }

    #[test]
    fn numbers_come_back_within_half_a_step(
        sides in [1..=40_usize, 1..=5_usize, 1..=5_usize],
        zero_point in 0..=127_i8,
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let quantization = Quantization { zero_point, ..random.quantization() };
        let x = Tensor::random(Shape::new(sides[0], sides[1], sides[2]), quantization, &mut random);
        let mut planes = x.planes(1);
        let mut values = vec![f32::NAN; x.shape.len()];
        planes.dequantize(quantization.scale, &mut values).unwrap();
        for (value, place) in values.iter().zip(places(x.shape)) {
            let expected = x.value(place.0, place.1 as isize, place.2 as isize);
            prop_assert!((f64::from(*value) - expected).abs() < 1e-5 * expected.abs() + 1e-9);
        }
        planes.quantize(&values, quantization.scale).unwrap();
        prop_assert_eq!(stored(&planes), x.stored);
    }
}

#[test]
fn what_does_not_fit_is_saturated_and_what_is_not_a_number_is_zero() {
    let mut planes = Planes::new(Shape::new(1, 1, 6), 0, 64).unwrap();
    let values = [f32::NEG_INFINITY, -1e9, f32::NAN, 0.25, 1e9, f32::INFINITY];
    planes.quantize(&values, 0.5).unwrap();
    // Half a step above an even one.
    assert_eq!(stored(&planes), [0, 0, 64, 64, 127, 127]);
}
