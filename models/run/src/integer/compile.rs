//! From a region's layers to a program: shapes, kernels, memory.

use std::collections::HashMap;

use emocue_kernels::{
    AveragePool, Conv, ConvSpec, Dense, DenseSpec, Isa, KernelError, LANES, MaxPool, Planes,
    Pointwise, PointwiseSpec, Quantization, Shape, Stem, Window,
};

use super::layers::{Layer, Operation, Written};
use super::parameters::{Follows, Geometry, Weighted, columns, repeated, window};
use super::program::{Memory, Picture, Program, Step};
use super::regions::Region;
use super::shapes::Shapes;
use crate::graph::Index;

/// Most bytes of a region's working memory, so that a malicious graph cannot exhaust memory.
const MOST_BYTES: usize = 1 << 27;

/// What is known of a stored value.
#[derive(Clone, Copy, Debug)]
struct Value {
    quantization: Quantization,
    shape: Shape,
    /// Whether it has one axis besides the batch in the graph.
    is_flat: bool,
    place: Place,
}

/// Where a value is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Planes(usize),
    /// `[C][H][W]`, for a first convolution.
    Picture(usize),
}

/// Builds the program of `region`, and runs it once, so that nothing can be refused later.
///
/// # Errors
/// Why the engine cannot run it.
pub(super) fn compile<'a>(
    region: &Region<'a>,
    index: &Index<'a>,
    shapes: &mut Shapes<'a>,
    isa: Isa,
) -> Result<Program, String> {
    let mut compiler = Compiler {
        region,
        isa,
        batch: None,
        bytes: 0,
        values: HashMap::new(),
        planes: Vec::new(),
        pictures: Vec::new(),
        scratch: Vec::new(),
        steps: Vec::new(),
        outputs: vec![Vec::new(); region.outputs.len()],
    };
    for layer in &region.layers {
        let built = match &layer.operation {
            Operation::Quantize { floats } => match shapes.of(index, floats) {
                Some(shape) => compiler.quantize(layer, floats, &shape),
                None => Err(format!("the shape of {floats} is not known before tract reads it")),
            },
            _ => compiler.layer(layer),
        };
        built.map_err(|reason| format!("{}: {reason}", layer.label))?;
    }
    let program = compiler.finish()?;
    for (name, shape) in region.outputs.iter().zip(&program.outputs) {
        shapes.insert(name, shape.clone());
    }
    program.try_out().map_err(|reason| reason.to_string())?;
    Ok(program)
}

struct Compiler<'r, 'a> {
    region: &'r Region<'a>,
    isa: Isa,
    batch: Option<usize>,
    /// Bytes that are reserved.
    bytes: usize,
    values: HashMap<&'a str, Value>,
    /// Shape, border and zero point of each.
    planes: Vec<(Shape, usize, i8)>,
    pictures: Vec<Shape>,
    scratch: Vec<Planes>,
    steps: Vec<Step>,
    /// Shapes of the floats that are written, outermost first.
    outputs: Vec<Vec<usize>>,
}

impl<'a> Compiler<'_, 'a> {
    fn quantize(&mut self, layer: &Layer<'a>, floats: &str, shape: &[usize]) -> Result<(), String> {
        let (batch, shape, is_flat) = match *shape {
            [batch, channels, height, width] => (batch, Shape::new(channels, height, width), false),
            [batch, channels] => (batch, Shape::new(channels, 1, 1), true),
            _ => return Err(format!("{floats} has {} axes: expected 2 or 4", shape.len())),
        };
        if *self.batch.get_or_insert(batch) != batch || batch == 0 {
            return Err(format!("{floats} has another number of pictures, or none"));
        }
        let Written::Stored(name, quantization) = layer.writes else {
            return Err("it writes nothing".to_owned());
        };
        let input = self.region.inputs.iter().position(|input| *input == floats);
        let input = input.ok_or("it reads nothing")?;
        let place = match self.is_picture(name, shape) {
            true => {
                self.take(shape)?;
                self.pictures.push(shape);
                let picture = self.pictures.len() - 1;
                self.steps.push(Step::Picture { input, quantization, picture });
                Place::Picture(picture)
            }
            false => {
                let out = self.plane(shape, quantization)?;
                self.steps.push(Step::Quantize { input, scale: quantization.scale, out });
                Place::Planes(out)
            }
        };
        self.values.insert(name, Value { quantization, shape, is_flat, place });
        Ok(())
    }

    /// Whether only first convolutions read the value: its few channels would leave most lanes of a block unused.
    fn is_picture(&self, name: &str, shape: Shape) -> bool {
        let reads = |layer: &&Layer<'_>| layer.reads.iter().any(|(read, _)| *read == name);
        let first = |layer: &Layer<'_>| {
            matches!(&layer.operation, Operation::Conv(_, geometry) if geometry.groups == 1)
                && layer.reads.len() == 1
        };
        shape.channels < LANES && self.region.layers.iter().filter(reads).all(first)
    }

    /// Reserves memory for values of this shape, in blocks of channels.
    fn take(&mut self, shape: Shape) -> Result<(), String> {
        let lines = (shape.blocks() * LANES).checked_mul(shape.height);
        let bytes = lines.and_then(|lines| lines.checked_mul(shape.width));
        let bytes = bytes.and_then(|bytes| bytes.checked_add(self.bytes));
        match bytes.filter(|bytes| *bytes <= MOST_BYTES) {
            Some(bytes) => {
                self.bytes = bytes;
                Ok(())
            }
            None => Err(format!("with {shape} it needs more than {MOST_BYTES} bytes")),
        }
    }

    fn plane(&mut self, shape: Shape, quantization: Quantization) -> Result<usize, String> {
        self.take(shape)?;
        self.planes.push((shape, 0, quantization.zero_point));
        Ok(self.planes.len() - 1)
    }

    fn value(&self, (name, read): (&str, Quantization)) -> Result<Value, String> {
        let value = self.values.get(name).copied().ok_or(format!("{name} is not known"))?;
        match value.quantization == read {
            true => Ok(value),
            false => Err(format!("it reads {name} with another scale or zero point")),
        }
    }

    /// A value and where its planes are.
    fn read(&self, read: (&str, Quantization)) -> Result<(Value, usize), String> {
        let value = self.value(read)?;
        match value.place {
            Place::Planes(at) => Ok((value, at)),
            Place::Picture(_) => Err(format!("{} has too few channels", read.0)),
        }
    }

    fn layer(&mut self, layer: &Layer<'a>) -> Result<(), String> {
        let first = *layer.reads.first().ok_or("it reads nothing")?;
        let value = self.value(first)?;
        let isa = self.isa;
        match (&layer.operation, &layer.writes) {
            (Operation::Conv(parts, geometry), Written::Stored(name, to)) => {
                self.conv(layer, parts, *geometry, (name, *to))
            }
            (Operation::Dense(parts), Written::Stored(name, to)) => {
                let Shape { height, width, .. } = value.shape;
                let window = Window { kernel: [height, width], stride: 1, pads: [0; 4] };
                let geometry = Geometry { window, groups: 1, ceil: false };
                let weights = columns(parts)?;
                self.built(layer, parts, (&weights, parts.rows()), geometry, (name, *to))?;
                self.flatten(name);
                Ok(())
            }
            (Operation::Dense(parts), Written::Floats(name)) => self.dense(first, parts, name),
            (Operation::Dequantize, Written::Floats(name)) => {
                let (value, x) = self.read(first)?;
                let Shape { channels, height, width } = value.shape;
                let shape = match value.is_flat {
                    true => vec![value.shape.len()],
                    false => vec![channels, height, width],
                };
                let scale = value.quantization.scale;
                let output = self.output(name, &shape)?;
                self.steps.push(Step::Dequantize { x, scale, output });
                Ok(())
            }
            (Operation::Flatten, Written::Stored(name, _)) => {
                self.values.insert(name, value);
                self.flatten(name);
                Ok(())
            }
            (Operation::MaxPool(geometry), Written::Stored(name, to)) => {
                let (value, x) = self.read(first)?;
                let pool = MaxPool::new(window(*geometry, value.shape), isa).map_err(text)?;
                let shape = pool.output(value.shape).map_err(text)?;
                let same = value.quantization == *to;
                let out = match same {
                    true => self.write(name, shape, *to)?,
                    false => self.plane(shape, value.quantization)?,
                };
                self.steps.push(Step::MaxPool { pool, x, out });
                if !same {
                    let largest = Value { shape, ..value };
                    let pointwise = self.pointwise(largest, None, &Follows::Nothing, *to)?;
                    let to = self.write(name, shape, *to)?;
                    self.steps.push(Step::Pointwise { pointwise, x: out, residual: None, out: to });
                }
                Ok(())
            }
            (Operation::AveragePool(geometry), Written::Stored(name, to)) => {
                let (value, x) = self.read(first)?;
                let (channels, window) = (value.shape.channels, window(*geometry, value.shape));
                let pool = AveragePool::new(channels, window, value.quantization, *to, isa);
                let pool = pool.map_err(text)?;
                let shape = pool.output(value.shape).map_err(text)?;
                let out = self.write(name, shape, *to)?;
                self.steps.push(Step::AveragePool { pool, x, out });
                Ok(())
            }
            (Operation::Pointwise(follows), Written::Stored(name, to)) => {
                let (value, x) = self.read(first)?;
                let residual = layer.reads.get(1).map(|read| self.read(*read)).transpose()?;
                let added = residual.map(|(value, _)| value.quantization);
                let pointwise = self.pointwise(value, added, follows, *to)?;
                let out = self.write(name, value.shape, *to)?;
                let residual = residual.map(|(_, at)| at);
                self.steps.push(Step::Pointwise { pointwise, x, residual, out });
                Ok(())
            }
            (Operation::Concat, Written::Stored(name, to)) => self.concat(layer, name, *to),
            (Operation::Upsample(factors), Written::Stored(name, to)) => {
                let (value, x) = self.read(first)?;
                let shape = Shape {
                    height: value.shape.height.saturating_mul(factors[0]),
                    width: value.shape.width.saturating_mul(factors[1]),
                    ..value.shape
                };
                let out = self.write(name, shape, *to)?;
                self.steps.push(Step::Upsample { factors: *factors, x, out });
                Ok(())
            }
            _ => Err("the integer engine cannot write what it should".to_owned()),
        }
    }

    /// A new value of the graph in planes of its own.
    fn write(
        &mut self,
        name: &'a str,
        shape: Shape,
        quantization: Quantization,
    ) -> Result<usize, String> {
        let out = self.plane(shape, quantization)?;
        let place = Place::Planes(out);
        self.values.insert(name, Value { quantization, shape, is_flat: false, place });
        Ok(out)
    }

    fn flatten(&mut self, name: &str) {
        if let Some(value) = self.values.get_mut(name) {
            value.is_flat = true;
        }
    }

    /// The number of the output `name`, whose shape without the batch is `shape`.
    fn output(&mut self, name: &str, shape: &[usize]) -> Result<usize, String> {
        let at = self.region.outputs.iter().position(|output| *output == name);
        let at = at.ok_or("it writes nothing")?;
        let batch = self.batch.ok_or("nothing comes before it")?;
        self.outputs[at] = [&[batch], shape].concat();
        Ok(at)
    }

    fn conv(
        &mut self,
        layer: &Layer<'a>,
        parts: &Weighted,
        geometry: Geometry,
        to: (&'a str, Quantization),
    ) -> Result<(), String> {
        let weights = parts.weights.bytes().ok_or("its weights are not of i8")?;
        let outputs = parts.weights.shape.first().copied().unwrap_or(0);
        self.built(layer, parts, (weights, outputs), geometry, to)
    }

    /// A convolution, also one that stands for a matrix product.
    fn built(
        &mut self,
        layer: &Layer<'a>,
        parts: &Weighted,
        (weights, outputs): (&[i8], usize),
        Geometry { window, groups, .. }: Geometry,
        (name, to): (&'a str, Quantization),
    ) -> Result<(), String> {
        let value = self.value(layer.reads[0])?;
        let residual = layer.reads.get(1).map(|read| self.read(*read)).transpose()?;
        let slopes = parts.follows.slopes(outputs);
        let spec = ConvSpec {
            inputs: value.shape.channels,
            outputs,
            groups,
            window,
            weights,
            weight_scales: &repeated(&parts.scales, outputs, 1.0),
            biases: &repeated(&parts.biases, outputs, 0.0),
            input: value.quantization,
            output: to,
            residual: residual.map(|(value, _)| value.quantization),
            activation: parts.follows.activation(&slopes),
        };
        match value.place {
            Place::Picture(picture) => {
                let stem = Stem::new(&spec, self.isa).map_err(text)?;
                let shape = stem.output(value.shape).map_err(text)?;
                let taps = value.shape.channels * window.kernel[0] * window.kernel[1];
                self.take(Shape { channels: taps, ..shape })?;
                self.scratch.push(stem.scratch(value.shape).map_err(text)?);
                let scratch = self.scratch.len() - 1;
                let out = self.write(name, shape, to)?;
                self.steps.push(Step::Stem { stem, picture, scratch, out });
            }
            Place::Planes(x) => {
                let conv = Conv::new(&spec, self.isa).map_err(text)?;
                let shape = conv.output(value.shape).map_err(text)?;
                let border = &mut self.planes[x].1;
                *border = conv.border().max(*border);
                let out = self.write(name, shape, to)?;
                let residual = residual.map(|(_, at)| at);
                self.steps.push(Step::Conv { conv, x, residual, out });
            }
        }
        Ok(())
    }

    fn dense(
        &mut self,
        read: (&str, Quantization),
        parts: &Weighted,
        name: &str,
    ) -> Result<(), String> {
        let (value, x) = self.read(read)?;
        let outputs = parts.rows();
        let dense = Dense::new(
            &DenseSpec {
                shape: value.shape,
                outputs,
                weights: &columns(parts)?,
                weight_scales: &repeated(&parts.scales, outputs, 1.0),
                biases: &repeated(&parts.biases, outputs, 0.0),
                input: value.quantization,
            },
            self.isa,
        );
        let dense = dense.map_err(text)?;
        let output = self.output(name, &[outputs])?;
        self.steps.push(Step::Dense { dense, x, output });
        Ok(())
    }

    fn pointwise(
        &self,
        value: Value,
        residual: Option<Quantization>,
        follows: &Follows,
        to: Quantization,
    ) -> Result<Pointwise, String> {
        let channels = value.shape.channels;
        let slopes = follows.slopes(channels);
        let spec = PointwiseSpec {
            channels,
            input: value.quantization,
            residual,
            output: to,
            activation: follows.activation(&slopes),
        };
        Pointwise::new(&spec, self.isa).map_err(text)
    }

    fn concat(&mut self, layer: &Layer<'a>, name: &'a str, to: Quantization) -> Result<(), String> {
        let (mut inputs, mut channels, mut last) = (Vec::new(), 0, None);
        for read in &layer.reads {
            let (value, x) = self.read(*read)?;
            channels = value.shape.channels.saturating_add(channels);
            last = Some(value.shape);
            inputs.push(match value.quantization == to {
                true => x,
                false => {
                    let pointwise = self.pointwise(value, None, &Follows::Nothing, to)?;
                    let out = self.plane(value.shape, to)?;
                    self.steps.push(Step::Pointwise { pointwise, x, residual: None, out });
                    out
                }
            });
        }
        let shape = Shape { channels, ..last.ok_or("it reads nothing")? };
        let out = self.write(name, shape, to)?;
        self.steps.push(Step::Concat { inputs, out });
        Ok(())
    }

    fn finish(self) -> Result<Program, String> {
        let planes =
            self.planes.iter().map(|(shape, border, zero)| Planes::new(*shape, *border, *zero));
        let planes = planes.collect::<Result<Vec<_>, _>>().map_err(text)?;
        let picture = |shape: &Shape| Picture { shape: *shape, values: vec![0; shape.len()] };
        let memory = Memory {
            planes,
            pictures: self.pictures.iter().map(picture).collect(),
            scratch: self.scratch,
        };
        let inputs = self.region.inputs.len();
        let batch = self.batch.ok_or("it has no input")?;
        Ok(Program::new(self.isa, batch, inputs, self.outputs, self.steps, memory))
    }
}

fn text(error: KernelError) -> String {
    error.to_string()
}
