//! What is refused, and that nothing is written then.

use emocue_kernels::{
    Activation, AveragePool, Conv, ConvSpec, Dense, DenseSpec, Isa, KernelError, MaxPool, Planes,
    Quantization, Shape, Stem, Window, concat, upsample,
};

use crate::tensor::dirty;

const UNSIGNED: Quantization = Quantization::unsigned(0.5);

/// A valid 3x3 of 16 channels.
fn valid() -> ConvSpec<'static> {
    ConvSpec {
        inputs: 16,
        outputs: 16,
        groups: 1,
        window: Window::same(3, 1),
        weights: &[1; 16 * 16 * 9],
        weight_scales: &[0.01; 16],
        biases: &[0.0; 16],
        input: UNSIGNED,
        output: UNSIGNED,
        residual: None,
        activation: Activation::Relu,
    }
}

fn refused(spec: ConvSpec<'_>) -> String {
    let error = Conv::new(&spec, Isa::best()).unwrap_err();
    // The reference refuses the same.
    assert_eq!(Conv::new(&spec, Isa::PORTABLE).unwrap_err().to_string(), error.to_string());
    error.to_string()
}

#[test]
fn an_invalid_convolution_is_refused_with_the_place() {
    Conv::new(&valid(), Isa::best()).unwrap();
    let mut weights = [1; 16 * 16 * 9];
    weights[77] = -128;
    let with = |at: usize, value: f32, other: f32| {
        let mut values = [other; 16];
        values[at] = value;
        values
    };
    let scale = |value| with(3, value, 0.01);
    let window = |kernel, stride, pads| Window { kernel, stride, pads };
    let zero = |zero_point| Quantization { scale: 1.0, zero_point };
    let scaled = |scale| Quantization { scale, zero_point: 0 };
    #[rustfmt::skip]
    let cases = [
        (refused(ConvSpec { weights: &weights, ..valid() }), "weight 77 is -128"),
        (refused(ConvSpec { weights: &[1; 9], ..valid() }), "weights: expected 2304, found 9"),
        (refused(ConvSpec { weight_scales: &[1.0], ..valid() }), "weight scales: expected 16, found 1"),
        (refused(ConvSpec { weight_scales: &scale(f32::NAN), ..valid() }), "weight scale 3 is NaN"),
        (refused(ConvSpec { weight_scales: &scale(0.0), ..valid() }), "weight scale 3 is 0e0"),
        (refused(ConvSpec { weight_scales: &scale(-0.1), ..valid() }), "weight scale 3 is -"),
        (refused(ConvSpec { weight_scales: &scale(1e-40), ..valid() }), "weight scale 3 is 9.9"),
        (refused(ConvSpec { weight_scales: &scale(f32::INFINITY), ..valid() }), "weight scale 3 is inf"),
        (refused(ConvSpec { weight_scales: &scale(1e38), ..valid() }), "channel 3 can reach"),
        // Valid alone, but together they underflow.
        (refused(ConvSpec { weight_scales: &scale(1e-30), input: scaled(1e-10), ..valid() }), "of channel 3 is 2.0"),
        (refused(ConvSpec { input: scaled(f32::NAN), ..valid() }), "input scale 0 is NaN"),
        (refused(ConvSpec { output: scaled(0.0), ..valid() }), "output scale 0 is 0e0"),
        (refused(ConvSpec { residual: Some(scaled(f32::NAN)), ..valid() }), "residual scale 0 is NaN"),
        (refused(ConvSpec { residual: Some(scaled(1.2e-38)), output: scaled(1e3), ..valid() }), "ratio of residual to output scale 0 is 1.1"),
        (refused(ConvSpec { input: zero(-1), ..valid() }), "zero point 0 is -1: expected 0 to 127"),
        (refused(ConvSpec { biases: &with(5, f32::NAN, 0.0), ..valid() }), "bias 5 is NaN"),
        (refused(ConvSpec { biases: &[], ..valid() }), "biases: expected 16, found 0"),
        (refused(ConvSpec { activation: Activation::Prelu(&with(5, f32::NAN, 0.0)), ..valid() }), "slope 5 is NaN"),
        (refused(ConvSpec { activation: Activation::Prelu(&[0.1]), ..valid() }), "slopes: expected 16, found 1"),
        (refused(ConvSpec { activation: Activation::ReluUpTo(f32::NAN), ..valid() }), "upper limit 0 is NaN"),
        (refused(ConvSpec { groups: 0, ..valid() }), "0 groups of 16 inputs"),
        (refused(ConvSpec { groups: 2, ..valid() }), "2 groups of 16 inputs and 16 outputs"),
        (refused(ConvSpec { groups: 16, outputs: 32, ..valid() }), "16 groups of 16 inputs and 32 outputs"),
        (refused(ConvSpec { inputs: 0, weights: &[], ..valid() }), "1 groups of 0 inputs"),
        (refused(ConvSpec { window: window([3, 3], 3, [1; 4]), ..valid() }), "invalid window: kernel [3, 3], stride 3"),
        (refused(ConvSpec { window: window([3, 3], 0, [1; 4]), ..valid() }), "invalid window"),
        (refused(ConvSpec { window: window([0, 3], 1, [0; 4]), ..valid() }), "invalid window"),
        (refused(ConvSpec { window: window([3, 3], 1, [3, 0, 0, 0]), ..valid() }), "invalid window"),
        (refused(ConvSpec { window: window([usize::MAX, 3], 1, [0; 4]), ..valid() }), "invalid window"),
        (refused(ConvSpec { outputs: usize::MAX, ..valid() }), "weights: expected"),
    ];
    for (message, part) in &cases {
        assert!(message.contains(part), "expected {part:?}, found {message:?}");
    }
}

fn planes(channels: usize, side: usize, border: usize, zero_point: i8) -> Planes {
    dirty(Shape::new(channels, side, side), border, zero_point)
}

#[test]
fn planes_that_do_not_fit_are_refused_and_left_alone() {
    let conv = Conv::new(&valid(), Isa::best()).unwrap();
    let adding = Conv::new(&ConvSpec { residual: Some(UNSIGNED), ..valid() }, Isa::best()).unwrap();
    let (x, right) = (planes(16, 4, 1, 0), planes(16, 4, 1, 0));
    #[rustfmt::skip]
    let cases = [
        (&conv, planes(17, 4, 1, 0), None, right.clone(), "input: expected 16 channels of 4x4, found 17 channels"),
        (&conv, planes(16, 4, 1, 64), None, right.clone(), "input: expected zero point 0, found 64"),
        (&conv, planes(16, 4, 0, 0), None, right.clone(), "border is 0 wide, and the padding needs 1"),
        (&conv, x.clone(), None, planes(16, 5, 1, 0), "output: expected 16 channels of 4x4, found 16 channels of 5x5"),
        (&conv, x.clone(), None, planes(16, 4, 1, 64), "output: expected zero point 0"),
        (&conv, x.clone(), Some(x.clone()), right.clone(), "residuals: expected 0, found 1"),
        (&adding, x.clone(), None, right.clone(), "residuals: expected 1, found 0"),
        (&adding, x.clone(), Some(planes(16, 4, 1, 9)), right.clone(), "residual: expected zero point 0"),
        (&adding, x.clone(), Some(planes(16, 3, 1, 0)), right.clone(), "residual: expected 16 channels"),
    ];
    for (conv, x, residual, out, part) in cases {
        let mut after = out.clone();
        let error = conv.run(&x, residual.as_ref(), &mut after).unwrap_err().to_string();
        assert!(error.contains(part), "expected {part:?}, found {error:?}");
        assert_eq!(after, out);
    }
    let small = ConvSpec { window: Window::valid(3, 1), ..valid() };
    let small = Conv::new(&small, Isa::best()).unwrap();
    let error = small.run(&planes(16, 2, 1, 0), None, &mut right.clone()).unwrap_err();
    assert!(matches!(error, KernelError::TooSmall { .. }), "{error}");
}

#[test]
fn planes_hold_only_what_every_processor_reads_alike() {
    let mut x = Planes::new(Shape::new(1, 1, 3), 1, 0).unwrap();
    let before = x.clone();
    let error = x.store(&[0, -1, 5]).unwrap_err().to_string();
    assert_eq!(error, "value 1 is -1: expected 0 to 127");
    assert!(x.store(&[0, 1]).is_err() && x.load(&mut [0; 4]).is_err());
    assert!(x.quantize(&[0.0; 3], 0.0).is_err() && x.quantize(&[0.0; 2], 1.0).is_err());
    assert!(x.dequantize(f32::NAN, &mut [0.0; 3]).is_err());
    assert_eq!(x, before);
    for shape in [Shape::new(0, 1, 1), Shape::new(1, 0, 1), Shape::new(1, 1, 0)] {
        assert_eq!(Planes::new(shape, 1, 0).unwrap_err(), KernelError::Size { shape });
    }
    for side in [usize::MAX, usize::MAX / 2, 1 << (usize::BITS / 2)] {
        let shape = Shape::new(side, side, side);
        assert_eq!(Planes::new(shape, 1, 0).unwrap_err(), KernelError::Size { shape });
    }
    assert!(Planes::new(Shape::new(1, 1, 1), usize::MAX, 0).is_err());
    assert!(Planes::new(Shape::new(1, 1, 1), 0, -1).is_err());
}

#[test]
fn other_layers_refuse_what_does_not_fit() {
    let isa = Isa::best();
    let x = planes(16, 4, 1, 0);
    let pool = MaxPool::new(Window::valid(2, 2), isa).unwrap();
    assert!(pool.run(&x, &mut planes(16, 3, 1, 0)).is_err());
    assert!(pool.run(&x, &mut planes(16, 2, 1, 64)).is_err());
    assert!(MaxPool::new(Window::valid(0, 1), isa).is_err());
    let mean = AveragePool::new(16, Window::valid(4, 1), UNSIGNED, UNSIGNED, isa).unwrap();
    assert!(mean.run(&planes(32, 4, 1, 0), &mut planes(32, 1, 0, 0)).is_err());
    let tiny = Quantization::unsigned(1.2e-38);
    assert!(AveragePool::new(16, Window::valid(4, 1), tiny, UNSIGNED, isa).is_err());

    let (odd, mut both) = (planes(8, 4, 1, 0), planes(24, 4, 1, 0));
    let error = concat(&[&odd, &x], &mut both).unwrap_err().to_string();
    assert_eq!(error, "channels of an input that others follow: expected 16, found 8");
    concat(&[&x, &odd], &mut both).unwrap();
    assert!(concat(&[&x], &mut both).is_err() && concat(&[], &mut both).is_err());
    assert!(concat(&[&x, &planes(8, 4, 1, 64)], &mut both).is_err());
    assert!(upsample(&x, [2, 2], &mut planes(16, 9, 1, 0)).is_err());
    assert!(upsample(&x, [0, 2], &mut planes(16, 8, 1, 0)).is_err());
    assert!(upsample(&x, [usize::MAX, 2], &mut planes(16, 8, 1, 0)).is_err());

    let stem = Stem::new(&ConvSpec { inputs: 1, weights: &[1; 16 * 9], ..valid() }, isa).unwrap();
    let picture = Shape::new(1, 4, 4);
    let mut scratch = stem.scratch(picture).unwrap();
    let mut out = planes(16, 4, 1, 0);
    let mut run = |values: &[i8], shape| stem.run(values, shape, &mut scratch, &mut out);
    run(&[1; 16], picture).unwrap();
    assert!(run(&[1; 15], picture).is_err() && run(&[1; 16], Shape::new(2, 2, 4)).is_err());
    let error = run(&[-5; 16], picture).unwrap_err().to_string();
    assert_eq!(error, "value 0 is -5: expected 0 to 127");

    let dense = DenseSpec {
        shape: x.shape(),
        outputs: 2,
        weights: &[1; 2 * 256],
        weight_scales: &[1.0, 0.0],
        biases: &[0.0; 2],
        input: UNSIGNED,
    };
    let error = Dense::new(&dense, isa).unwrap_err().to_string();
    assert!(error.starts_with("weight scale 1 is 0e0"), "{error}");
    let dense = Dense::new(&DenseSpec { weight_scales: &[1.0; 2], ..dense }, isa).unwrap();
    assert!(dense.run(&x, &mut [0.0; 3]).is_err());
    assert!(dense.run(&planes(16, 5, 1, 0), &mut [0.0; 2]).is_err());
}
