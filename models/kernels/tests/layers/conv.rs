//! Convolutions of every kind, and the stem.

use emocue_kernels::{Activation, Conv, ConvSpec, Isa, Quantization, Shape, Stem, Window};
use proptest::prelude::*;

use crate::tensor::{Random, Tensor, activate, assert_border, assert_near, dirty, places, stored};

/// Channels of the input and output, and groups.
fn channels() -> impl Strategy<Value = (usize, usize, usize)> {
    prop_oneof![
        4 => (1..=40_usize, 1..=80_usize).prop_map(|(inputs, outputs)| (inputs, outputs, 1)),
        // Whole blocks: what the wide registers are for.
        4 => (1..=3_usize, 1..=8_usize).prop_map(|(inputs, outputs)| (16 * inputs, 16 * outputs, 1)),
        2 => (1..=2_usize, 1..=4_usize, 2..=3_usize)
            .prop_map(|(inputs, outputs, groups)| (16 * inputs * groups, 16 * outputs * groups, groups)),
        3 => (2..=50_usize).prop_map(|channels| (channels, channels, channels)),
    ]
}

fn windows(most_pad: usize) -> impl Strategy<Value = Window> {
    let kernel = prop_oneof![
        Just([1, 1]),
        Just([3, 3]),
        Just([5, 5]),
        (1..=5_usize, 1..=5_usize).prop_map(|(height, width)| [height, width])
    ];
    let pads = [0..=most_pad, 0..=most_pad, 0..=most_pad, 0..=most_pad];
    (kernel, 1..=2_usize, pads).prop_map(|(kernel, stride, pads)| {
        let pads = std::array::from_fn(|side| pads[side].min(kernel[side % 2] - 1));
        Window { kernel, stride, pads }
    })
}

/// A convolution and its input.
struct Case {
    channels: (usize, usize, usize),
    window: Window,
    weights: Vec<i8>,
    weight_scales: Vec<f32>,
    biases: Vec<f32>,
    slopes: Vec<f32>,
    activation: u64,
    x: Tensor,
    output: Quantization,
    residual: Option<Tensor>,
}

impl Case {
    /// `more`: rows and columns beyond the kernel's.
    fn new(channels: (usize, usize, usize), window: Window, more: [usize; 2], seed: u64) -> Self {
        let mut random = Random::new(seed);
        let (inputs, outputs, groups) = channels;
        let [height, width] = window.kernel;
        let products = inputs / groups * height * width;
        let x_shape = Shape::new(inputs, height + more[0], width + more[1]);
        let x = Tensor::random(x_shape, random.quantization(), &mut random);
        let mut output = random.quantization();
        // So that results cover the whole range, and exceed it.
        let spread = random.pick(&[1.0, 0.3, 30.0]) / (products as f32).sqrt() / 50.0;
        let scale = output.scale * spread / x.quantization.scale;
        let weight_scales = random.floats(outputs, 0.5 * scale, 1.5 * scale);
        if random.below(8) == 0 {
            output.scale *= 1e3;
        }
        let steps = 60.0 * output.scale;
        let out_shape = Shape { channels: outputs, ..window.output(x_shape).unwrap() };
        let residual = (random.below(2) == 0)
            .then(|| Tensor::random(out_shape, random.quantization(), &mut random));
        Self {
            channels,
            window,
            weights: random.weights(outputs * products),
            weight_scales,
            biases: random.floats(outputs, -steps, 2.0 * steps),
            slopes: random.floats(outputs, -1.0, 2.0),
            activation: seed,
            x,
            output,
            residual,
        }
    }

    fn spec(&self) -> ConvSpec<'_> {
        ConvSpec {
            inputs: self.channels.0,
            outputs: self.channels.1,
            groups: self.channels.2,
            window: self.window,
            weights: &self.weights,
            weight_scales: &self.weight_scales,
            biases: &self.biases,
            input: self.x.quantization,
            output: self.output,
            residual: self.residual.as_ref().map(|residual| residual.quantization),
            activation: Random::new(self.activation).activation(&self.slopes),
        }
    }

    /// What an output is before it is rounded, and how far rounding in f32 may move it, in steps.
    fn exact(&self, (channel, y, x): (usize, usize, usize)) -> (f64, f64) {
        let (inputs, outputs, groups) = self.channels;
        let inputs = inputs / groups;
        let first = channel / (outputs / groups) * inputs;
        let Window { kernel, stride, pads } = self.window;
        let scale = f64::from(self.weight_scales[channel]);
        let (mut sum, mut size) = (f64::from(self.biases[channel]), 0.0);
        for input in 0..inputs {
            for (ky, kx) in (0..kernel[0]).flat_map(|ky| (0..kernel[1]).map(move |kx| (ky, kx))) {
                let at = ((channel * inputs + input) * kernel[0] + ky) * kernel[1] + kx;
                let row = (y * stride + ky) as isize - pads[0] as isize;
                let column = (x * stride + kx) as isize - pads[1] as isize;
                let weight = f64::from(self.weights[at]) * scale;
                sum += weight * self.x.value(first + input, row, column);
                size += weight.abs() * 127.0 * f64::from(self.x.quantization.scale);
            }
        }
        if let Some(residual) = &self.residual {
            let value = residual.value(channel, y as isize, x as isize);
            sum += value;
            size += 127.0 * f64::from(residual.quantization.scale);
        }
        size += f64::from(self.biases[channel]).abs();
        let slack = 1e-4 + 8.0 * size / f64::from(self.output.scale) * f64::from(f32::EPSILON);
        (activate(self.spec().activation, channel, sum), slack)
    }

    fn check(&self) {
        let spec = self.spec();
        let border = self.window.pads.into_iter().max().unwrap();
        let x = self.x.planes(border);
        let residual = self.residual.as_ref().map(|residual| residual.planes(2));
        let reference = Conv::new(&spec, Isa::PORTABLE).unwrap();
        let shape = reference.output(x.shape()).unwrap();
        let run = |conv: &Conv| {
            let mut out = dirty(shape, 1, self.output.zero_point);
            conv.run(&x, residual.as_ref(), &mut out).unwrap();
            out
        };
        let out = run(&reference);
        assert_border(&out);
        for (stored, place) in stored(&out).into_iter().zip(places(shape)) {
            let (exact, slack) = self.exact(place);
            assert_near(stored, exact, self.output, slack);
        }
        for isa in Isa::available() {
            let conv = Conv::new(&spec, isa).unwrap();
            assert!(run(&conv) == out, "{isa} differs");
        }
    }
}

proptest! {
    #[test]
    fn convolutions_are_the_same_everywhere_and_right(
        channels in channels(),
        window in windows(2),
        more in [0..=5_usize, 0..=26_usize],
        seed in any::<u64>(),
    ) {
        Case::new(channels, window, more, seed).check();
    }

    #[test]
    fn a_stem_is_a_convolution(
        inputs in 1..=3_usize,
        outputs in 1..=40_usize,
        window in windows(4),
        more in [0..=9_usize, 0..=13_usize],
        seed in any::<u64>(),
    ) {
        let mut case = Case::new((inputs, outputs, 1), window, more, seed);
        case.residual = None;
        let spec = case.spec();
        let conv = Conv::new(&spec, Isa::PORTABLE).unwrap();
        let shape = conv.output(case.x.shape).unwrap();
        let mut expected = dirty(shape, 1, case.output.zero_point);
        conv.run(&case.x.planes(4), None, &mut expected).unwrap();
        for isa in Isa::available() {
            let stem = Stem::new(&spec, isa).unwrap();
            prop_assert_eq!(stem.output(case.x.shape).unwrap(), shape);
            let mut scratch = stem.scratch(case.x.shape).unwrap();
            for _ in 0..2 {
                let mut out = dirty(shape, 1, case.output.zero_point);
                stem.run(&case.x.stored, case.x.shape, &mut scratch, &mut out).unwrap();
                prop_assert!(out == expected, "{} differs", isa);
            }
        }
    }
}

/// The sizes of the badge's network, so that each width of a tile occurs.
#[test]
fn every_tile_width_is_the_same() {
    for width in 1..=40 {
        for (inputs, outputs) in [(16, 16), (16, 32), (16, 48), (16, 64), (32, 80)] {
            for stride in [1, 2] {
                let window = Window::same(3, stride);
                let case = Case::new((inputs, outputs, 1), window, [0, width], width as u64 + 7);
                let x = case.x.planes(1);
                let spec = ConvSpec { residual: None, activation: Activation::Relu, ..case.spec() };
                let run = |isa| {
                    let conv = Conv::new(&spec, isa).unwrap();
                    let mut out = dirty(conv.output(x.shape()).unwrap(), 1, case.output.zero_point);
                    conv.run(&x, None, &mut out).unwrap();
                    out
                };
                let expected = run(Isa::PORTABLE);
                for isa in Isa::available() {
                    assert!(run(isa) == expected, "{isa}, {width} wide, {outputs} outputs");
                }
            }
        }
    }
}
