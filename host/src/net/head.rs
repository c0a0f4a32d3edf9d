//! From a body's features to logits.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::Device;

use super::graph::Graph;

/// One answer of a network.
#[derive(Module, Debug)]
pub struct Head {
    dense: Linear,
}

impl Head {
    /// Fresh weights from the device's seed.
    pub fn new(features: usize, classes: usize, device: &Device) -> Self {
        Self { dense: LinearConfig::new(features, classes).init(device) }
    }

    /// Features to `[N, classes]`, the value `logits`.
    pub fn forward<G: Graph>(&self, graph: &mut G, features: &G::Value) -> G::Value {
        graph.dense("logits", features, &self.dense)
    }
}
