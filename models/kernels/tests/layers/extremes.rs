//! The limits of a layer.

use emocue_kernels::{
    Activation, Conv, ConvSpec, Dense, DenseSpec, Isa, KernelError, Planes, Quantization, Shape,
    Window,
};

use crate::tensor::{dirty, stored};

/// As many products of 127 with 127 as 32 bits can add up.
const MOST: usize = 133_144;

fn full(shape: Shape) -> Planes {
    let mut x = Planes::new(shape, 0, 0).unwrap();
    x.store(&vec![127; shape.len()]).unwrap();
    x
}

/// `weight` everywhere, and scales that leave 100 steps of the largest sum.
fn spec<'a>(weights: &'a [i8], scales: &'a [f32], biases: &'a [f32]) -> ConvSpec<'a> {
    ConvSpec {
        inputs: weights.len(),
        outputs: 1,
        groups: 1,
        window: Window::valid(1, 1),
        weights,
        weight_scales: scales,
        biases,
        input: Quantization::unsigned(1.0),
        output: Quantization::signed(1.0),
        residual: None,
        activation: Activation::Linear,
    }
}

#[test]
fn the_largest_sums_do_not_overflow() {
    let x = full(Shape::new(MOST, 1, 1));
    let scale = [50.0 / (MOST * 127 * 127) as f32];
    for isa in Isa::available() {
        for (weight, expected) in [(127, 64 + 50), (-127, 64 - 50)] {
            let weights = vec![weight; MOST];
            let conv = Conv::new(&spec(&weights, &scale, &[0.0]), isa).unwrap();
            let mut out = dirty(Shape::new(1, 1, 1), 0, 64);
            conv.run(&x, None, &mut out).unwrap();
            assert_eq!(stored(&out), [expected], "{isa}");
            let dense = DenseSpec {
                shape: x.shape(),
                outputs: 1,
                weights: &weights,
                weight_scales: &scale,
                biases: &[0.0],
                input: Quantization::unsigned(1.0),
            };
            let mut number = [0.0];
            Dense::new(&dense, isa).unwrap().run(&x, &mut number).unwrap();
            assert!((number[0] - f32::from(expected - 64)).abs() < 1e-3, "{isa}: {number:?}");
        }
    }
}

#[test]
fn one_product_more_is_refused() {
    let weights = vec![1; MOST + 1];
    let error = Conv::new(&spec(&weights, &[1.0], &[0.0]), Isa::best()).unwrap_err();
    assert_eq!(error, KernelError::Products { products: MOST + 1, most: MOST });
}

#[test]
fn sums_far_beyond_the_range_are_saturated() {
    let x = full(Shape::new(32, 2, 7));
    for isa in Isa::available() {
        // 1e30 is far beyond i32 too, where conversions differ between instruction sets.
        for (scale, bias) in [(1e30, 0.0), (1.0, 1e30), (1e30, 1e30)] {
            for (sign, expected) in [(1, 127), (-1, 0)] {
                let weights = [127 * sign; 32];
                let biases = [bias * f32::from(sign)];
                let scales = [scale];
                let conv = Conv::new(&spec(&weights, &scales, &biases), isa).unwrap();
                let mut out = dirty(Shape { channels: 1, ..x.shape() }, 0, 64);
                conv.run(&x, None, &mut out).unwrap();
                assert_eq!(stored(&out), [expected; 14], "{isa}, scale {scale}, bias {bias}");
            }
        }
    }
}

#[test]
fn halves_are_rounded_to_even() {
    let values: Vec<i8> = (0..=127).collect();
    let mut x = Planes::new(Shape::new(1, 1, 128), 0, 0).unwrap();
    x.store(&values).unwrap();
    for isa in Isa::available() {
        let spec = ConvSpec { output: Quantization::unsigned(1.0), ..spec(&[1], &[0.5], &[0.0]) };
        let mut out = dirty(x.shape(), 0, 0);
        Conv::new(&spec, isa).unwrap().run(&x, None, &mut out).unwrap();
        let expected: Vec<i8> =
            values.iter().map(|v| (f32::from(*v) / 2.0).round_ties_even() as i8).collect();
        assert_eq!(stored(&out), expected, "{isa}");
    }
}
