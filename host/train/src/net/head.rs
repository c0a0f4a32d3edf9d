//! From a body's features to logits.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::Device;

use super::graph::Graph;
use super::layers::linear_conv;

/// The first head's name in a graph.
pub const LOGITS: &str = "logits";

/// What a body hands to its heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// A row of this many.
    Row(usize),
    /// This many maps.
    Maps(usize),
}

/// One answer of a network.
#[derive(Module, Debug)]
pub enum Head {
    /// A dense layer on a row of features.
    Dense(Linear),
    /// A 3x3 convolution with one map a class, then each map's mean: no dense layer at all.
    Maps(Conv2d),
}

impl Head {
    /// Fresh weights from the device's seed.
    pub fn new(features: Features, classes: usize, device: &Device) -> Self {
        match features {
            Features::Row(count) => {
                // Small, so that a fresh net is unsure whatever its features' size.
                let small = Initializer::Normal { mean: 0.0, std: 0.01 };
                let dense = LinearConfig::new(count, classes).with_initializer(small);
                Self::Dense(dense.init(device))
            }
            Features::Maps(count) => Self::Maps(linear_conv([count, classes], 3, device)),
        }
    }

    /// Features to `[N, classes]`, the value `name`: [`LOGITS`], or another where a graph has several heads.
    pub fn forward<G: Graph>(&self, graph: &mut G, features: &G::Value, name: &str) -> G::Value {
        let inner = |part: &str| match name {
            LOGITS => part.to_owned(),
            other => format!("{other}.{part}"),
        };
        match self {
            Self::Dense(dense) => graph.dense(name, features, dense),
            Self::Maps(conv) => {
                let maps = graph.conv(&inner("maps"), features, conv);
                let means = graph.global_average(&inner("means"), &maps);
                graph.flatten(name, &means)
            }
        }
    }
}
