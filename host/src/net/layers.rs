//! What several architectures are built of.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, PaddingConfig2d};
use burn::tensor::Device;

use super::graph::Graph;

/// A square convolution without bias that keeps the map's size at stride 1, with He et al. 2015's
/// first weights. Change what differs before [`Conv2dConfig::init`].
pub fn conv(channels: [usize; 2], kernel: usize) -> Conv2dConfig {
    let init = Initializer::KaimingNormal { gain: 2f64.sqrt(), fan_out_only: true };
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_padding(pad(kernel / 2))
        .with_bias(false)
        .with_initializer(init)
}

/// `px` zeros on every side.
pub fn pad(px: usize) -> PaddingConfig2d {
    PaddingConfig2d::Explicit(px, px, px, px)
}

/// Convolution followed by batch normalisation.
#[derive(Module, Debug)]
pub struct ConvNorm {
    /// `[out, in, k, k]`.
    pub conv: Conv2d,
    /// Over `out` channels.
    pub norm: BatchNorm,
}

impl ConvNorm {
    /// Fresh weights from the device's seed.
    pub fn new(conv: Conv2dConfig, device: &Device) -> Self {
        let norm = BatchNormConfig::new(conv.channels[1]).init(device);
        Self { conv: conv.init(device), norm }
    }

    /// One value, `name`.
    pub fn forward<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        graph.conv_norm(name, x, &self.conv, &self.norm)
    }

    /// Two values, `name` and `name.relu`.
    pub fn relu<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        let y = self.forward(graph, name, x);
        graph.relu(&format!("{name}.relu"), &y)
    }
}
