//! Initial weights from a graph: an exported one, or YuNet's (Wu et al. 2023; `yunet_n`, 76 thousand parameters).
//!
//! YuNet has a bias after each 1x1 convolution, [`super::net`] only after the depthwise one: it is moved there, which
//! changes values at the frame's border only. YuNet's score is the geometric mean of the probabilities of class and
//! object; it becomes one logit, the mean of both logits. YuNet's positions are relative to a cell's corner, here to
//! its centre.

use burn::module::Param;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, TensorData};
use emocue_models::failure::{Failure, exit};
use emocue_quantize::onnx::{GraphReadError, OnnxGraph};

use super::VALUES;
use super::disturb::{MEAN, STD};
use super::net::{BETWEEN, FaceNet, FaceNetSpec, Head, Unit};

/// Taps of a 3x3 kernel.
const TAPS: usize = 9;
/// Levels of the network.
const LEVELS: usize = 3;
/// Channels of YuNet's outputs, in the order of its graph: class, box, object, landmarks.
const KINDS: [usize; 4] = [1, 4, 1, 10];
/// First channel of each of them between a head's two convolutions.
const PLACES: [usize; 4] = [0, 2, 1, 6];

/// A graph's weights do not fit the network.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// It cannot be read.
    #[error("the graph to begin with cannot be read: {0}")]
    Graph(#[from] GraphReadError),
    /// A convolution has another shape.
    #[error(
        "convolution {number} of the graph to begin with has a weight of {found:?}, expected {expected:?}"
    )]
    Shape {
        /// Counts from 1, in the graph's order.
        number: usize,
        /// Its shape in the graph; empty if the graph has no such convolution.
        found: Vec<usize>,
        /// Its shape in the recipe's network.
        expected: Vec<usize>,
    },
}

impl Failure for BeginError {
    fn help(&self) -> Option<String> {
        let help = "Give a graph of the channels in the recipe's [net]: `--transfer` takes one of `emocue export`, \
                    `--teacher` YuNet-n (16 and 64 channels) as `emocue import onnx --kind yunet` writes it. \
                    Without --transfer and with from_teacher = false weights are drawn.";
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

/// Weight and bias of a convolution of the graph.
struct Layer {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

/// The graph's convolutions in their order.
struct Layers {
    all: std::vec::IntoIter<(Vec<usize>, Layer)>,
    number: usize,
}

impl Layers {
    fn read(onnx: &[u8]) -> Result<Self, BeginError> {
        let graph = OnnxGraph::read(onnx)?;
        let floats = |constant: Option<&emocue_quantize::onnx::Constant>| {
            constant.and_then(|constant| constant.floats()).unwrap_or_default().to_vec()
        };
        let convs = graph.nodes.iter().filter(|node| node.op_type == "Conv");
        let layer = |node| {
            let weight = graph.constant_of(node, 1);
            let shape = weight.map(|weight| weight.shape.clone()).unwrap_or_default();
            let mut bias = floats(graph.constant_of(node, 2));
            bias.resize(shape.first().copied().unwrap_or_default(), 0.0);
            (shape, Layer { weight: floats(weight), bias })
        };
        let all: Vec<_> = convs.map(layer).collect();
        Ok(Self { all: all.into_iter(), number: 0 })
    }

    fn next(&mut self, expected: [usize; 4]) -> Result<Layer, BeginError> {
        self.number += 1;
        let (found, layer) =
            self.all.next().unwrap_or((Vec::new(), Layer { weight: vec![], bias: vec![] }));
        if found != expected || layer.weight.len() != expected.iter().product::<usize>() {
            let expected = expected.to_vec();
            return Err(BeginError::Shape { number: self.number, found, expected });
        }
        Ok(layer)
    }

    /// A 1x1 convolution and the depthwise one after it, which gets the bias of the first.
    fn pair(&mut self, [from, to]: [usize; 2]) -> Result<(Layer, Layer), BeginError> {
        let point = self.next([to, from, 1, 1])?;
        let mut depth = self.next([to, 1, 3, 3])?;
        for ((bias, taps), before) in
            depth.bias.iter_mut().zip(depth.weight.chunks_exact(TAPS)).zip(&point.bias)
        {
            *bias += before * taps.iter().sum::<f32>();
        }
        Ok((point, depth))
    }
}

/// Checks that the exported graph in `onnx` has the weights of a network of `spec`.
///
/// # Errors
/// [`BeginError`] if it does not.
pub fn check(spec: &FaceNetSpec, onnx: &[u8]) -> Result<(), BeginError> {
    let device = Device::flex();
    FaceNet::new(spec, &device).with_graph(onnx, &device).map(drop)
}

impl FaceNet {
    /// The same network with the weights of the exported graph in `onnx` ([`FaceNet::export`]).
    ///
    /// # Errors
    /// [`BeginError`] when the graph is not of floats or has other numbers of channels.
    pub fn with_graph(mut self, onnx: &[u8], device: &Device) -> Result<Self, BeginError> {
        let mut layers = Layers::read(onnx)?;
        let Self { stem, stages, joins, heads, .. } = &mut self;
        let units = stages.iter_mut().flatten().chain(joins).flat_map(unit_convs);
        let heads = heads.iter_mut().flat_map(head_convs);
        for conv in std::iter::once(stem).chain(units).chain(heads) {
            let shape = conv.weight.lazy_shape().dims();
            let mut layer = layers.next(shape)?;
            if conv.bias.is_none() {
                layer.bias.clear();
            }
            set(conv, layer, device);
        }
        Ok(self)
    }

    /// The same network with the weights of YuNet's graph in `onnx`, which takes luma `0..=255`.
    ///
    /// # Errors
    /// [`BeginError`] when the graph is not YuNet's or has other numbers of channels.
    pub fn begin_with(mut self, onnx: &[u8], device: &Device) -> Result<Self, BeginError> {
        let mut layers = Layers::read(onnx)?;
        let [stem, width] = [self.spec().stem, self.spec().width];
        let mut first = layers.next([stem, 1, 3, 3])?;
        // The graph takes `255 (STD x + MEAN)`.
        for (taps, bias) in first.weight.chunks_exact_mut(TAPS).zip(&mut first.bias) {
            *bias += 255.0 * MEAN * taps.iter().sum::<f32>();
            taps.iter_mut().for_each(|tap| *tap *= 255.0 * STD);
        }
        set(&mut self.stem, first, device);
        for unit in self.stages.iter_mut().flatten().chain(&mut self.joins) {
            fill(unit, layers.pair(channels(unit))?, device);
        }
        for head in &mut self.heads {
            fill(&mut head.unit, layers.pair([width, width])?, device);
        }
        let mut answers: Vec<Answers> = (0..LEVELS).map(|_| Answers::new(width)).collect();
        for (kind, place) in KINDS.into_iter().zip(PLACES) {
            for answers in &mut answers {
                answers.add(place, layers.pair([width, kind])?, width);
            }
        }
        for (head, answers) in self.heads.iter_mut().zip(answers) {
            answers.fill(head, device);
        }
        Ok(self)
    }
}

fn unit_convs(Unit { point, depth }: &mut Unit) -> Vec<&mut Conv2d> {
    vec![point, depth]
}

fn head_convs(Head { unit, values, out }: &mut Head) -> Vec<&mut Conv2d> {
    unit_convs(unit).into_iter().chain([values, out]).collect()
}

fn channels(unit: &Unit) -> [usize; 2] {
    let [to, from, _, _] = unit.point.weight.lazy_shape().dims();
    [from, to]
}

fn fill(unit: &mut Unit, (mut point, depth): (Layer, Layer), device: &Device) {
    point.bias.clear();
    set(&mut unit.point, point, device);
    set(&mut unit.depth, depth, device);
}

fn set(conv: &mut Conv2d, layer: Layer, device: &Device) {
    let shape: [usize; 4] = conv.weight.lazy_shape().dims();
    conv.weight = Param::from_data(TensorData::new(layer.weight, shape), device);
    if !layer.bias.is_empty() {
        let count = layer.bias.len();
        conv.bias = Some(Param::from_data(TensorData::new(layer.bias, [count]), device));
    }
}

/// The weights of a level's head, collected from YuNet's outputs.
struct Answers {
    /// `[BETWEEN, width]`
    values: Vec<f32>,
    /// `[VALUES, BETWEEN, 3, 3]`
    out: Vec<f32>,
    /// `[VALUES]`
    bias: Vec<f32>,
}

impl Answers {
    fn new(width: usize) -> Self {
        Self {
            values: vec![0.0; BETWEEN * width],
            out: vec![0.0; VALUES * BETWEEN * TAPS],
            bias: vec![0.0; VALUES],
        }
    }

    /// Adds one of YuNet's outputs, whose first channel between the convolutions is `place`.
    fn add(&mut self, place: usize, (point, depth): (Layer, Layer), width: usize) {
        self.values[place * width..][..point.weight.len()].copy_from_slice(&point.weight);
        for (index, (taps, bias)) in depth.weight.chunks_exact(TAPS).zip(&depth.bias).enumerate() {
            let from = place + index;
            // Class and object become the first value. Box sizes have no origin; positions are relative to a cell's
            // corner.
            let (to, share) = if from < 2 { (0, 0.5) } else { (from - 1, 1.0) };
            let corner = if (3..5).contains(&to) || to == 0 { 0.0 } else { 0.5 };
            let kernel = &mut self.out[(to * BETWEEN + from) * TAPS..][..TAPS];
            kernel.iter_mut().zip(taps).for_each(|(to, tap)| *to = share * tap);
            self.bias[to] += share * bias - corner;
        }
    }

    fn fill(self, head: &mut Head, device: &Device) {
        set(&mut head.values, Layer { weight: self.values, bias: Vec::new() }, device);
        set(&mut head.out, Layer { weight: self.out, bias: self.bias }, device);
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;
    use emocue_quantize::onnx::{Array, Conv, Dim, GraphBuilder, Pool, Value};
    use emocue_run::Session;

    use super::*;

    const SPEC: FaceNetSpec = FaceNetSpec { stem: 4, width: 8, from_teacher: true, keep: 0.0 };
    /// Large enough that the border does not affect the middle cell, px.
    const SIDE: usize = 640;

    /// A network with YuNet's layers and small distinct weights.
    struct Teacher {
        graph: GraphBuilder,
        convs: usize,
    }

    impl Teacher {
        fn conv(&mut self, x: &Value, shape: [usize; 4], how: Conv, gain: f32) -> Value {
            self.convs += 1;
            let count: usize = shape.iter().product();
            let value = |i: usize| ((i * 31 + self.convs * 17) % 23) as f32 / 11.0 - 0.9;
            let size = gain / (count / shape[0]) as f32;
            let weight: Vec<f32> = (0..count).map(|i| value(i) * size).collect();
            let bias: Vec<f32> = (0..shape[0]).map(|i| value(i + 5) * 0.1).collect();
            let name = format!("conv{}", self.convs);
            self.graph.conv(&name, x, Array::new(&shape, &weight), Some(&bias), how)
        }

        fn relu(&mut self, x: &Value) -> Value {
            self.graph.relu(&format!("relu{}", self.convs), x)
        }

        fn pair(&mut self, x: &Value, [from, to]: [usize; 2]) -> Value {
            let point = self.conv(x, [to, from, 1, 1], Conv::default(), 3.0);
            let how = Conv { pad: [1, 1], groups: to, ..Conv::default() };
            self.conv(&point, [to, 1, 3, 3], how, 3.0)
        }

        fn unit(&mut self, x: &Value, channels: [usize; 2]) -> Value {
            let y = self.pair(x, channels);
            self.relu(&y)
        }

        fn half(&mut self, x: &Value) -> Value {
            self.graph.max_pool(&format!("half{}", self.convs), x, Pool::square(2, 2))
        }

        fn joined(&mut self, map: &Value, coarse: &Value) -> Value {
            let around = self.graph.enlarge(&format!("around{}", self.convs), coarse, [2, 2]);
            self.graph.add(&format!("sum{}", self.convs), map, &around)
        }
    }

    /// Its outputs are class, box, object and landmarks, each for three levels.
    fn teacher() -> Vec<u8> {
        let mut t = Teacher { graph: GraphBuilder::new("yunet"), convs: 0 };
        let shape = [Dim::Fixed(1), Dim::Fixed(1), Dim::Fixed(SIDE), Dim::Fixed(SIDE)];
        let luma = t.graph.input("input", &shape);
        let how = Conv { stride: [2, 2], pad: [1, 1], ..Conv::default() };
        let x = t.conv(&luma, [4, 1, 3, 3], how, 0.02);
        let x = t.relu(&x);
        let x = t.unit(&x, [4, 4]);
        let mut x = t.half(&x);
        for channels in [[4, 4], [4, 8], [8, 8], [8, 8]] {
            x = t.unit(&x, channels);
        }
        let mut maps = Vec::new();
        for _ in 0..3 {
            x = t.half(&x);
            for _ in 0..2 {
                x = t.unit(&x, [8, 8]);
            }
            maps.push(x.clone());
        }
        let coarse = t.unit(&maps[2], [8, 8]);
        let x = t.joined(&maps[1], &coarse);
        let middle = t.unit(&x, [8, 8]);
        let x = t.joined(&maps[0], &middle);
        let fine = t.unit(&x, [8, 8]);
        let heads = [fine, middle, coarse].map(|map| t.unit(&map, [8, 8]));
        for kind in KINDS {
            for (level, head) in heads.iter().enumerate() {
                let out = t.pair(head, [8, kind]);
                let side = SIDE / (8 << level);
                t.graph.output(&out, &[1, kind, side, side].map(Dim::Fixed));
            }
        }
        t.graph.finish().unwrap().to_bytes()
    }

    #[test]
    fn the_network_answers_as_its_teacher_does() {
        let (onnx, device) = (teacher(), Device::flex());
        let net = FaceNet::new(&SPEC, &device).begin_with(&onnx, &device).unwrap();
        let grey: Vec<f32> = (0..SIDE * SIDE).map(|i| ((i * i / 7) % 256) as f32).collect();
        let session = Session::load("yunet", &onnx, &[1, 1, SIDE, SIDE]).unwrap();
        let outputs = session.run(|input| input.copy_from_slice(&grey)).unwrap();
        let luma: Vec<f32> = grey.iter().map(|grey| (grey / 255.0 - MEAN) / STD).collect();
        let luma = Tensor::from_data(TensorData::new(luma, [1, 1, SIDE, SIDE]), &device);
        for (level, map) in net.maps(&luma).into_iter().enumerate() {
            let side = SIDE / (8 << level);
            let (cells, at) = (side * side, side / 2 * side + side / 2);
            let found: Vec<f32> = map.into_data().iter::<f32>().collect();
            let theirs = |kind: usize, value: usize| {
                outputs.get(3 * kind + level).unwrap()[value * cells + at]
            };
            let mut expected = vec![0.5 * (theirs(0, 0) + theirs(2, 0))];
            expected.extend([0, 1].map(|value| theirs(1, value) - 0.5));
            expected.extend([2, 3].map(|value| theirs(1, value)));
            expected.extend((0..10).map(|value| theirs(3, value) - 0.5));
            for (value, expected) in expected.iter().enumerate() {
                let found = found[value * cells + at];
                assert!((found - expected).abs() < 1e-3, "{level} {value}: {found} {expected}");
            }
        }
    }

    #[test]
    fn a_graph_gives_back_the_weights_that_it_was_exported_from() {
        let device = Device::flex();
        let net = FaceNet::new(&SPEC, &device);
        let onnx = net.export().unwrap().to_bytes();
        device.seed(7);
        let other = FaceNet::new(&SPEC, &device);
        assert_ne!(other.export().unwrap().to_bytes(), onnx);
        let again = other.with_graph(&onnx, &device).unwrap();
        assert_eq!(again.export().unwrap().to_bytes(), onnx);
        let error = net.with_graph(&teacher(), &device).unwrap_err();
        assert!(error.to_string().contains("convolution"), "{error}");
    }

    #[test]
    fn another_graph_is_refused_with_the_place() {
        let device = Device::flex();
        let wider = FaceNetSpec { width: 16, ..SPEC };
        let error = FaceNet::new(&wider, &device).begin_with(&teacher(), &device).unwrap_err();
        assert_eq!(
            error.to_string(),
            "convolution 6 of the graph to begin with has a weight of [8, 4, 1, 1], expected [16, 4, 1, 1]"
        );
        assert!(FaceNet::new(&SPEC, &device).begin_with(b"not a graph", &device).is_err());
    }
}
