//! `emocue-face`: a dense single-shot detector on luma, at strides of 8, 16 and 32 px.
//!
//! Plain 3x3 convolutions with channels in sixteens, which the integer engine runs at full rate. The map at stride 8 is
//! joined by the doubled one of stride 16, so that small faces are judged with what is around them; the map at stride 32
//! stands alone, so that a height of 240 px needs no padding. Every cell has one score, a box and five landmarks.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use emocue_quantize::onnx::{Dim, GraphBuilder, GraphError, Model};
use serde::{Deserialize, Serialize};

use super::VALUES;
use crate::net::graph::{Graph, Macs, Onnx, Tensors};
use crate::net::layers::{ConvLayer, conv, linear_conv};
use crate::net::noise::Noise;

/// Sizes of the detector: the recipe's `[net]` table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaceNetSpec {
    /// Channels of the stem, at half the frame's size.
    pub stem: usize,
    /// Channels at strides 4 and 8.
    pub fine: usize,
    /// Channels at strides 16 and 32.
    pub coarse: usize,
}

/// Two 3x3 convolutions beside a shortcut (He et al. 2016).
#[derive(Module, Debug)]
struct Residual {
    first: ConvLayer,
    second: ConvLayer,
}

impl Residual {
    fn new(width: usize, device: &Device) -> Self {
        let layer = || ConvLayer::norm(conv([width, width], 3), device);
        Self { first: layer(), second: layer() }
    }

    fn forward<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        let middle = self.first.relu(graph, &format!("{name}.first"), x);
        let second = self.second.forward(graph, &format!("{name}.second"), &middle);
        let sum = graph.add(&format!("{name}.add"), &second, x);
        graph.relu(&format!("{name}.relu"), &sum)
    }
}

/// The detector in burn.
#[derive(Module, Debug)]
pub struct FaceNet {
    /// 5x5 to stride 2.
    stem: ConvLayer,
    down4: ConvLayer,
    down8: ConvLayer,
    down16: ConvLayer,
    block16: Residual,
    down32: ConvLayer,
    conv32: ConvLayer,
    /// 1x1 from stride 16 to the channels of stride 8.
    lateral: ConvLayer,
    merge8: ConvLayer,
    /// 1x1 to [`VALUES`], for strides 8, 16 and 32.
    heads: Vec<Conv2d>,
    #[module(skip)]
    spec: FaceNetSpec,
}

impl FaceNet {
    /// Fresh weights from the device's seed.
    pub fn new(spec: &FaceNetSpec, device: &Device) -> Self {
        let &FaceNetSpec { stem, fine, coarse } = spec;
        let layer = |channels, kernel, stride| {
            ConvLayer::norm(conv(channels, kernel).with_stride([stride, stride]), device)
        };
        let head = |width| {
            let mut head = linear_conv([width, VALUES], 1, device);
            // A face is rare: the first answers say so (Lin et al. 2017), else their sum drowns the rest.
            let mut bias = [0.0; VALUES];
            bias[0] = -4.6;
            head.bias = Some(burn::module::Param::from_data(bias, device));
            head
        };
        Self {
            stem: layer([1, stem], 5, 2),
            down4: layer([stem, fine], 3, 2),
            down8: layer([fine, fine], 3, 2),
            down16: layer([fine, coarse], 3, 2),
            block16: Residual::new(coarse, device),
            down32: layer([coarse, coarse], 3, 2),
            conv32: layer([coarse, coarse], 3, 1),
            lateral: layer([coarse, fine], 1, 1),
            merge8: layer([fine, fine], 3, 1),
            heads: [fine, coarse, coarse].map(head).into(),
            spec: spec.clone(),
        }
    }

    /// What it was built from.
    pub fn spec(&self) -> &FaceNetSpec {
        &self.spec
    }

    fn pass<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> Vec<G::Value> {
        let half = self.stem.relu(graph, "stem", luma);
        let quarter = self.down4.relu(graph, "down4", &half);
        let fine = self.down8.relu(graph, "down8", &quarter);
        let coarse = self.down16.relu(graph, "down16", &fine);
        let coarse = self.block16.forward(graph, "block16", &coarse);
        let top = self.down32.relu(graph, "down32", &coarse);
        let top = self.conv32.relu(graph, "conv32", &top);
        let lateral = self.lateral.relu(graph, "lateral", &coarse);
        let around = graph.double("around", &lateral);
        let joined = graph.add("joined", &fine, &around);
        let fine = self.merge8.relu(graph, "merge8", &joined);
        let maps = [fine, coarse, top];
        let heads = self.heads.iter().zip(&maps).zip(OUTPUTS);
        heads.map(|((head, map), name)| graph.conv(name, map, head)).collect()
    }

    /// Normalised luma `[N,1,H,W]`, height and width multiples of 16 px, to the cells' values at strides 8, 16 and 32:
    /// `[N,VALUES,h,w]` each.
    pub fn forward(&self, luma: &Tensor<4>) -> Vec<Tensor<4>> {
        self.pass(&mut Tensors::new(&mut Noise::off()), luma)
    }

    /// Multiply-accumulates of a frame of `height` x `width` px.
    pub fn macs(&self, [height, width]: [usize; 2]) -> u64 {
        let mut graph = Macs::default();
        self.pass(&mut graph, &[1, height, width]);
        graph.count
    }

    /// The graph: `luma` `[1,1,height,width]` (normalised) to the maps of [`FaceNet::forward`].
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
/// Names of their sizes.
const GRIDS: [[&str; 2]; 3] =
    [["rows8", "columns8"], ["rows16", "columns16"], ["rows32", "columns32"]];
