//! `emocue-face`: a single-shot detector on luma, at strides of 8, 16 and 32 px, similar to YuNet (Wu et al. 2023).
//!
//! Its units are a 1x1 convolution, a depthwise 3x3 and a ReLU, so that it can start from YuNet's weights
//! ([`super::transfer`]). The upsampled maps of the next stride are added to the maps at strides 8 and 16, so that
//! small faces are detected with their context. Every cell has one score, a box and five landmarks. They come from a
//! 1x1 convolution to 16 channels and a dense 3x3, which the integer engine runs at full rate.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use emocue_quantize::onnx::{Dim, GraphBuilder, GraphError, Model};
use serde::{Deserialize, Serialize};

use super::grid::STRIDES;
use super::{HEIGHT, VALUES, WIDTH};
use crate::net::graph::{Graph, Macs, Onnx, Pool, Precision, Tensors};
use crate::net::layers::{conv, fresh, linear_conv, pad};
use crate::net::noise::Noise;

/// Height and width of an input must be multiples of this, px.
pub const MULTIPLE: usize = 32;
/// Channels between the two convolutions of a head: class, object, box and landmarks of YuNet.
pub(super) const BETWEEN: usize = 16;

/// Sizes of the detector: the recipe's `[net]` table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceNetSpec {
    /// Channels of the stem and up to stride 4.
    pub stem: usize,
    /// Channels from stride 4 on.
    pub width: usize,
    /// Whether the initial weights are the teacher's, which requires its numbers of channels; else they are drawn.
    #[serde(default)]
    pub from_teacher: bool,
    /// The initial weights' share in the exported weights, `0..1`; the trained weights have the rest (weight averaging,
    /// Wortsman et al. 2022). This preserves abilities of the teacher.
    #[serde(default)]
    pub keep: f32,
}

/// A 1x1 convolution, a depthwise 3x3 with bias, a ReLU.
#[derive(Module, Debug)]
pub(super) struct Unit {
    pub(super) point: Conv2d,
    pub(super) depth: Conv2d,
}

impl Unit {
    fn new(channels: [usize; 2], device: &Device) -> Self {
        let out = channels[1];
        let depth = conv([out, out], 3).with_groups(out).with_bias(true);
        Self { point: fresh(conv(channels, 1), device), depth: fresh(depth, device) }
    }

    fn forward<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        let middle = graph.conv(&format!("{name}.point"), x, &self.point);
        let y = graph.conv(&format!("{name}.depth"), &middle, &self.depth);
        graph.relu(&format!("{name}.relu"), &y)
    }
}

/// The head of a level.
#[derive(Module, Debug)]
pub(super) struct Head {
    pub(super) unit: Unit,
    /// 1x1 to [`BETWEEN`].
    pub(super) values: Conv2d,
    /// Dense 3x3 to [`VALUES`].
    pub(super) out: Conv2d,
}

impl Head {
    fn new(width: usize, device: &Device) -> Self {
        let mut out = linear_conv([BETWEEN, VALUES], 3, device);
        // Positive cells are rare: the bias starts at a low prior (Lin et al. 2017), or the negatives would dominate
        // the first losses.
        let mut bias = [0.0; VALUES];
        bias[0] = -4.6;
        out.bias = Some(burn::module::Param::from_data(bias, device));
        let values = fresh(conv([width, BETWEEN], 1), device);
        Self { unit: Unit::new([width, width], device), values, out }
    }

    fn forward<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        let x = self.unit.forward(graph, &format!("{name}.unit"), x);
        let values = graph.conv(&format!("{name}.values"), &x, &self.values);
        graph.conv(name, &values, &self.out)
    }
}

/// The detector in burn.
#[derive(Module, Debug)]
pub struct FaceNet {
    /// 3x3 to stride 2.
    pub(super) stem: Conv2d,
    /// At strides 2, 4, 8, 16 and 32, each but the first after a 2x2 max pool.
    pub(super) stages: Vec<Vec<Unit>>,
    /// Units on the map of stride 32 and on the summed maps of strides 16 and 8.
    pub(super) joins: Vec<Unit>,
    /// For strides 8, 16 and 32.
    pub(super) heads: Vec<Head>,
    #[module(skip)]
    spec: FaceNetSpec,
    #[module(skip)]
    precision: Precision,
}

impl FaceNet {
    /// Weights drawn from the device's seed.
    pub fn new(spec: &FaceNetSpec, device: &Device) -> Self {
        let &FaceNetSpec { stem, width, .. } = spec;
        let stage = |channels: &[[usize; 2]]| {
            channels.iter().map(|channels| Unit::new(*channels, device)).collect()
        };
        let wide = [width, width];
        let first = conv([1, stem], 3).with_stride([2, 2]).with_padding(pad(1)).with_bias(true);
        Self {
            stem: fresh(first, device),
            stages: [
                stage(&[[stem, stem]]),
                stage(&[[stem, stem], [stem, width], wide, wide]),
                stage(&[wide, wide]),
                stage(&[wide, wide]),
                stage(&[wide, wide]),
            ]
            .into(),
            joins: stage(&[wide, wide, wide]),
            heads: (0..STRIDES.len()).map(|_| Head::new(width, device)).collect(),
            spec: spec.clone(),
            precision: Precision::F32,
        }
    }

    /// The same, with layers that multiply in `precision`, forward and backward.
    #[must_use]
    pub fn multiplying_in(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The sizes it was built with.
    pub fn spec(&self) -> &FaceNetSpec {
        &self.spec
    }

    fn pass<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> Vec<G::Value> {
        let stem = graph.conv("stem", luma, &self.stem);
        let mut x = graph.relu("stem.relu", &stem);
        let mut maps = Vec::new();
        for (number, stage) in self.stages.iter().enumerate() {
            if number > 0 {
                x = graph.max_pool(&format!("stage{number}.half"), &x, Pool::square(2, 2));
            }
            for (index, unit) in stage.iter().enumerate() {
                x = unit.forward(graph, &format!("stage{number}.{index}"), &x);
            }
            maps.push(x.clone());
        }
        // From the coarsest level: to each map the upsampled map of the level before is added.
        let mut joined: Vec<G::Value> = Vec::new();
        for (level, (join, map)) in self.joins.iter().zip(maps.iter().rev()).enumerate() {
            let map = match joined.last() {
                Some(coarse) => {
                    let around = graph.double(&format!("join{level}.around"), coarse);
                    graph.add(&format!("join{level}.sum"), map, &around)
                }
                None => map.clone(),
            };
            joined.push(join.forward(graph, &format!("join{level}"), &map));
        }
        let heads = self.heads.iter().zip(joined.iter().rev()).zip(OUTPUTS);
        heads.map(|((head, map), name)| head.forward(graph, name, map)).collect()
    }

    /// Normalised luma `[N,1,HEIGHT,WIDTH]` to the cells' values at strides 8, 16 and 32, `[N,VALUES,h,w]` each. The
    /// frame is padded with black to [`MULTIPLE`], as on the badge.
    pub fn forward(&self, luma: &Tensor<4>) -> Vec<Tensor<4>> {
        let [n, _, height, width] = luma.dims();
        assert_eq!([height, width], [HEIGHT, WIDTH], "a training frame");
        let missing = height.next_multiple_of(MULTIPLE) - height;
        let below = Tensor::full([n, 1, missing, width], super::disturb::BLACK, &luma.device());
        let maps = self.maps(&Tensor::cat(vec![luma.clone(), below], 2));
        let rows = |(map, stride): (Tensor<4>, usize)| map.narrow(2, 0, height.div_ceil(stride));
        maps.into_iter().zip(STRIDES).map(rows).collect()
    }

    /// The same for an input `[N,1,H,W]` of another size, multiples of [`MULTIPLE`] px.
    pub fn maps(&self, luma: &Tensor<4>) -> Vec<Tensor<4>> {
        self.pass(&mut Tensors::new(&mut Noise::off()).multiplying_in(self.precision), luma)
    }

    /// Multiply-accumulates for an input of `height` x `width` px.
    pub fn macs(&self, [height, width]: [usize; 2]) -> u64 {
        let mut graph = Macs::default();
        self.pass(&mut graph, &[1, height, width]);
        graph.count
    }

    /// The graph: `luma` `[1,1,height,width]` (normalised, multiples of [`MULTIPLE`] px) to the maps of [`FaceNet::maps`].
    ///
    /// # Errors
    /// [`GraphError`] when two values of the network share a name.
    pub fn export(&self) -> Result<Model, GraphError> {
        let mut builder = GraphBuilder::new("emocue-face");
        let shape = [Dim::Fixed(1), Dim::Fixed(1), Dim::Named("height"), Dim::Named("width")];
        let luma = builder.input("luma", &shape);
        let maps = self.pass(&mut Onnx::new(&mut builder), &luma);
        for (map, [height, width]) in maps.iter().zip(GRIDS) {
            let shape = [Dim::Fixed(1), Dim::Fixed(VALUES), Dim::Named(height), Dim::Named(width)];
            builder.output(map, &shape);
        }
        builder.finish()
    }
}

/// Names of the graph's outputs.
const OUTPUTS: [&str; 3] = ["cells8", "cells16", "cells32"];
/// Names of the outputs' dynamic sizes.
const GRIDS: [[&str; 2]; 3] =
    [["rows8", "columns8"], ["rows16", "columns16"], ["rows32", "columns32"]];
