//! Heads: from a body's features to logits.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::{Initializer, Linear, LinearConfig};
use burn::tensor::Device;

use super::graph::Graph;
use super::layers::linear_conv;

/// Name of the first head's output in a graph.
pub const LOGITS: &str = "logits";

/// The shape of a body's features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// A vector of this many features.
    Row(usize),
    /// This many channels of maps.
    Maps(usize),
}

/// One head of a network.
#[derive(Module, Debug)]
pub enum Head {
    /// A dense layer on a vector of features.
    Dense(Linear),
    /// A 3x3 convolution with one output channel for each class, then global average pooling; no dense layer.
    Maps(Conv2d),
}

impl Head {
    /// Weights drawn from the device's seed.
    pub fn new(features: Features, classes: usize, device: &Device) -> Self {
        match features {
            Features::Row(count) => {
                // Small, so that a new network's probabilities are nearly uniform for any number of features.
                let small = Initializer::Normal { mean: 0.0, std: 0.01 };
                let dense = LinearConfig::new(count, classes).with_initializer(small);
                Self::Dense(dense.init(device))
            }
            Features::Maps(count) => Self::Maps(linear_conv([count, classes], 3, device)),
        }
    }

    /// Features to logits `[N, classes]`. Their name in the graph is `name`: [`LOGITS`], or another if the graph has
    /// several heads.
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
