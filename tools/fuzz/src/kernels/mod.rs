//! Integer layers of networks, whose sums every processor forms with instructions of its own.

mod input;

use emocue_kernels::{
    Activation, AveragePool, Conv, ConvSpec, Dense, DenseSpec, Isa, KernelError, LANES, MaxPool,
    Planes, Pointwise, PointwiseSpec, Quantization, Shape, Stem, Window, concat, quantize,
    upsample,
};

use crate::FuzzTarget;
use input::Input;

/// A layer and what it runs on.
pub const KERNELS: FuzzTarget = FuzzTarget {
    name: "kernels",
    what: "an integer layer of any kind, sizes and scales: the same bits or the same refusal with every instruction set, \
           and a refusal leaves the output as it was",
    run: |data| {
        let mut input = Input::new(data);
        input.one_of(LAYERS)(&mut input);
    },
    seeds: || {
        let noise =
            |number: usize| (1..160).map(move |at| ((at * at * 167 + number * 7919) >> 3) as u8);
        let seed = |number| [number as u8].into_iter().chain(noise(number)).collect();
        (0..6 * LAYERS.len()).map(seed).collect()
    },
};

/// Every kind of layer.
const LAYERS: &[fn(&mut Input<'_>)] = &[
    convolution,
    stem,
    dense,
    max_pool,
    average_pool,
    pointwise,
    concatenation,
    upsampling,
    quantization,
];

/// A layer of more products would only take time.
const MOST: usize = 1 << 20;

/// Compares `run` on all instruction sets that this processor has.
fn same<T: PartialEq>(run: impl Fn(Isa) -> Result<T, KernelError>) {
    // A refusal may name a NaN, which differs from itself: compared as text.
    let run = |isa| run(isa).map_err(|error| error.to_string());
    let expected = run(Isa::PORTABLE);
    for isa in Isa::available() {
        let found = run(isa);
        let refusals = (found.as_ref().err(), expected.as_ref().err());
        assert!(found == expected, "{isa} differs: {refusals:?}");
    }
}

/// `out` as `run` leaves it.
fn written(
    mut out: Planes,
    run: impl FnOnce(&mut Planes) -> Result<(), KernelError>,
) -> Result<Planes, KernelError> {
    let before = out.clone();
    let result = run(&mut out);
    assert!(result.is_ok() || out == before, "refused, but written: {result:?}");
    result.map(|()| out)
}

fn convolution(input: &mut Input<'_>) {
    let (inputs, outputs, groups) = match input.below(5) {
        0 => (input.within(1..=40), input.within(1..=70), 1),
        // Whole blocks: what the wide registers are for.
        1 => (LANES * input.within(1..=4), LANES * input.within(1..=9), 1),
        2 => {
            let groups = input.within(2..=3);
            let [inputs, outputs] = [input.within(1..=2), input.within(1..=3)];
            (LANES * groups * inputs, LANES * groups * outputs, groups)
        }
        3 => {
            let channels = input.within(2..=70);
            (channels, channels, channels)
        }
        // Refused for the most part.
        _ => (input.within(0..=33), input.within(0..=33), input.within(0..=5)),
    };
    let case = Case::new(input, inputs, outputs, groups);
    let shape = Shape { channels: inputs, ..input.sides(case.window) };
    let Some(out) = case.output(shape) else { return };
    let padding = case.window.pads.into_iter().fold(0, usize::max).min(8);
    let border = if input.rarely() { input.within(0..=3) } else { padding + input.below(2) };
    let Some(x) = input.planes(shape, border, case.input.zero_point) else { return };
    let residual = case.residual.and_then(|added| input.planes(out, border, added.zero_point));
    same(|isa| {
        let conv = Conv::new(&case.spec(), isa)?;
        let out = Planes::new(conv.output(shape)?, 1, case.output.zero_point)?;
        written(out, |out| conv.run(&x, residual.as_ref(), out))
    });
}

fn stem(input: &mut Input<'_>) {
    let (inputs, outputs) = (input.within(1..=3), input.within(1..=50));
    let case = Case { residual: None, ..Case::new(input, inputs, outputs, 1) };
    let shape = Shape { channels: inputs, ..input.sides(case.window) };
    if case.output(shape).is_none() {
        return;
    }
    let mut picture = input.stored(shape.len());
    if input.rarely() {
        picture[0] = -1;
    }
    let other = input.stored(shape.len());
    let run = |isa| {
        let stem = Stem::new(&case.spec(), isa)?;
        let mut scratch = stem.scratch(shape)?;
        let mut out = Planes::new(stem.output(shape)?, 1, case.output.zero_point)?;
        stem.run(&other, shape, &mut scratch, &mut out)?;
        written(out, |out| stem.run(&picture, shape, &mut scratch, out))
    };
    same(run);
    if let Ok(found) = run(Isa::PORTABLE) {
        let convolution = || {
            let conv = Conv::new(&case.spec(), Isa::PORTABLE)?;
            let mut x = Planes::new(shape, conv.border(), case.input.zero_point)?;
            x.store(&picture)?;
            let mut out = Planes::new(conv.output(shape)?, 1, case.output.zero_point)?;
            conv.run(&x, None, &mut out).map(|()| out)
        };
        // A stem takes any stride.
        if case.window.stride <= 2 {
            assert!(convolution() == Ok(found), "a stem is not its convolution");
        }
    }
}

/// A convolution's numbers.
struct Case {
    channels: [usize; 2],
    groups: usize,
    window: Window,
    weights: Vec<i8>,
    weight_scales: Vec<f32>,
    biases: Vec<f32>,
    slopes: Vec<f32>,
    activation: usize,
    input: Quantization,
    output: Quantization,
    residual: Option<Quantization>,
}

impl Case {
    fn new(input: &mut Input<'_>, inputs: usize, outputs: usize, groups: usize) -> Self {
        let window = input.window();
        let products = inputs / groups.max(1) * window.kernel[0] * window.kernel[1];
        let [from, to] = [input.quantization(), input.quantization()];
        // So that most results lie in the range or near it.
        let spread = [1.0, 0.3, 30.0][input.below(3)] / (products.max(1) as f32).sqrt() / 50.0;
        let scale = to.scale / from.scale * spread;
        Self {
            channels: [inputs, outputs],
            groups,
            window,
            weights: input.weights(outputs * products),
            weight_scales: input.floats(outputs, 0.5 * scale..1.5 * scale),
            biases: input.floats(outputs, -60.0 * to.scale..120.0 * to.scale),
            slopes: input.floats(outputs, -1.0..2.0),
            activation: input.below(4),
            input: from,
            output: to,
            residual: (input.below(2) == 0).then(|| input.quantization()),
        }
    }

    /// The shape of the output, or of the input where a window does not fit; `None` for more work than is worth it.
    fn output(&self, x: Shape) -> Option<Shape> {
        let out = Shape { channels: self.channels[1], ..self.window.output(x).unwrap_or(x) };
        (out.height * out.width * self.weights.len() <= MOST).then_some(out)
    }

    fn spec(&self) -> ConvSpec<'_> {
        ConvSpec {
            inputs: self.channels[0],
            outputs: self.channels[1],
            groups: self.groups,
            window: self.window,
            weights: &self.weights,
            weight_scales: &self.weight_scales,
            biases: &self.biases,
            input: self.input,
            output: self.output,
            residual: self.residual,
            activation: activation(self.activation, &self.slopes, self.output),
        }
    }
}

fn activation(kind: usize, slopes: &[f32], output: Quantization) -> Activation<'_> {
    match kind {
        0 => Activation::Linear,
        1 => Activation::Relu,
        2 => Activation::ReluUpTo(40.0 * output.scale),
        _ => Activation::Prelu(slopes),
    }
}

fn dense(input: &mut Input<'_>) {
    let shape = Shape::new(input.within(1..=70), input.within(1..=6), input.within(1..=6));
    let (outputs, quantization) = (input.within(1..=12), input.quantization());
    let weights = input.weights(outputs * shape.len());
    let (weight_scales, biases) =
        (input.floats(outputs, 0.001..0.01), input.floats(outputs, -3.0..3.0));
    let Some(x) = input.planes(shape, 1, quantization.zero_point) else { return };
    let spec = DenseSpec {
        shape,
        outputs,
        weights: &weights,
        weight_scales: &weight_scales,
        biases: &biases,
        input: quantization,
    };
    same(|isa| {
        let mut out = vec![0.0; outputs];
        Dense::new(&spec, isa)?.run(&x, &mut out)?;
        Ok(out.into_iter().map(f32::to_bits).collect::<Vec<_>>())
    });
}

fn max_pool(input: &mut Input<'_>) {
    let (window, zero_point) = (input.window(), input.zero_point());
    let shape = Shape { channels: input.within(1..=40), ..input.sides(window) };
    let border = input.below(2);
    let Some(x) = input.planes(shape, border, zero_point) else { return };
    same(|isa| {
        let pool = MaxPool::new(window, isa)?;
        let out = Planes::new(pool.output(shape)?, 1, zero_point)?;
        written(out, |out| pool.run(&x, out))
    });
}

fn average_pool(input: &mut Input<'_>) {
    let (window, from, to) = (input.window(), input.quantization(), input.quantization());
    let shape = Shape { channels: input.within(1..=40), ..input.sides(window) };
    let border = input.below(2);
    let Some(x) = input.planes(shape, border, from.zero_point) else { return };
    same(|isa| {
        let pool = AveragePool::new(shape.channels, window, from, to, isa)?;
        let out = Planes::new(pool.output(shape)?, 1, to.zero_point)?;
        written(out, |out| pool.run(&x, out))
    });
}

fn pointwise(input: &mut Input<'_>) {
    let shape = Shape::new(input.within(1..=70), input.within(1..=12), input.within(1..=12));
    let [from, added, output] = [(); 3].map(|()| input.quantization());
    let residual = (input.below(2) == 0).then_some(added);
    let slopes = input.floats(shape.channels, -1.0..2.0);
    let spec = PointwiseSpec {
        channels: shape.channels,
        input: from,
        residual,
        output,
        activation: activation(input.below(4), &slopes, output),
    };
    let Some(x) = input.planes(shape, 1, from.zero_point) else { return };
    let residual = residual.and_then(|added| input.planes(shape, 0, added.zero_point));
    same(|isa| {
        let pointwise = Pointwise::new(&spec, isa)?;
        let out = Planes::new(shape, 2, output.zero_point)?;
        written(out, |out| pointwise.run(&x, residual.as_ref(), out))
    });
}

fn concatenation(input: &mut Input<'_>) {
    let zero_point = input.zero_point();
    let [height, width] = [input.within(1..=6), input.within(1..=6)];
    let count = input.within(0..=3);
    let mut planes = Vec::new();
    for at in 0..count {
        let is_odd = at + 1 == count || input.rarely();
        let channels = if is_odd { input.within(1..=40) } else { LANES * input.within(1..=3) };
        let border = input.below(3);
        planes.extend(input.planes(Shape::new(channels, height, width), border, zero_point));
    }
    let channels: usize = planes.iter().map(|planes| planes.shape().channels).sum();
    let channels = if input.rarely() { input.within(1..=99) } else { channels };
    let Ok(out) = Planes::new(Shape::new(channels, height, width), 1, zero_point) else { return };
    if let Ok(out) = written(out, |out| concat(&planes.iter().collect::<Vec<_>>(), out)) {
        assert_eq!(loaded(&out), planes.iter().flat_map(loaded).collect::<Vec<_>>());
    }
}

fn upsampling(input: &mut Input<'_>) {
    let shape = Shape::new(input.within(1..=40), input.within(1..=6), input.within(1..=6));
    let factors = [input.within(0..=4), input.within(0..=4)];
    let (zero_point, mut large) = (input.zero_point(), shape);
    (large.height, large.width) = (shape.height * factors[0], shape.width * factors[1]);
    if input.rarely() {
        large.width += 1;
    }
    let Some(x) = input.planes(shape, 2, zero_point) else { return };
    let Ok(out) = Planes::new(large, 1, zero_point) else { return };
    if let Ok(out) = written(out, |out| upsample(&x, factors, out)) {
        let (small, found) = (loaded(&x), loaded(&out));
        for (at, stored) in found.into_iter().enumerate() {
            let (row, column) = (at / large.width, at % large.width / factors[1]);
            let (channel, row) = (row / large.height, row % large.height / factors[0]);
            let from = (channel * shape.height + row) * shape.width + column;
            assert_eq!(stored, small[from]);
        }
    }
}

fn quantization(input: &mut Input<'_>) {
    let (quantization, count) = (input.quantization(), input.within(1..=200));
    let reach = 100.0 * quantization.scale;
    let values = input.floats(count, -reach..reach);
    let run = |isa| {
        let mut stored = vec![7; count];
        let result = quantize(&values, quantization, isa, &mut stored);
        assert!(result.is_ok() || stored.iter().all(|value| *value == 7), "refused, but written");
        result.map(|()| stored)
    };
    same(run);
    let planes = Planes::new(Shape::new(count, 1, 1), 0, quantization.zero_point);
    if let (Ok(stored), Ok(mut planes)) = (run(Isa::PORTABLE), planes) {
        planes.quantize(&values, quantization.scale).expect("the scale was accepted");
        assert_eq!(loaded(&planes), stored);
    }
}

/// The stored values, channel by channel.
fn loaded(planes: &Planes) -> Vec<i8> {
    let mut values = vec![0; planes.shape().len()];
    planes.load(&mut values).expect("as many as there are");
    values
}
