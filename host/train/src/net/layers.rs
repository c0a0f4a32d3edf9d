//! Layers that several architectures share.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::Device;

use super::graph::Graph;

/// Initial weights for layers before a ReLU (He et al. 2015). With batch normalisation, which fixes the scale of the
/// outputs, they preserve the scale of the gradients (`fan_out`); without, that of the values.
fn he(fan_out: bool) -> Initializer {
    Initializer::KaimingNormal { gain: 2f64.sqrt(), fan_out_only: fan_out }
}

/// The configuration of a square convolution without bias that keeps the map's size at stride 1, for a layer with batch
/// normalisation. Adjust it before building a layer.
pub fn conv(channels: [usize; 2], kernel: usize) -> Conv2dConfig {
    Conv2dConfig::new(channels, [kernel, kernel])
        .with_padding(pad(kernel / 2))
        .with_bias(false)
        .with_initializer(he(true))
}

/// `px` zeros on every side.
pub fn pad(px: usize) -> PaddingConfig2d {
    PaddingConfig2d::Explicit(px, px, px, px)
}

/// A square convolution with bias and without a ReLU after it, with PyTorch's default initial weights.
pub fn linear_conv(channels: [usize; 2], kernel: usize, device: &Device) -> Conv2d {
    let small = Conv2dConfig::new(channels, [kernel, kernel]).initializer;
    fresh(conv(channels, kernel).with_bias(true).with_initializer(small), device)
}

/// A convolution with weights drawn from the device's seed and a bias of 0, if any.
pub fn fresh(conv: Conv2dConfig, device: &Device) -> Conv2d {
    let mut layer = conv.init(device);
    if conv.bias {
        layer.bias = Some(Initializer::Zeros.init([conv.channels[1]], device));
    }
    layer
}

/// A convolution with optional batch normalisation.
#[derive(Module, Debug)]
pub struct ConvLayer {
    /// `[out, in, k, k]`.
    pub conv: Conv2d,
    /// Over `out` channels.
    pub norm: Option<BatchNorm>,
}

impl ConvLayer {
    /// With batch normalisation.
    pub fn norm(conv: Conv2dConfig, device: &Device) -> Self {
        let norm = BatchNormConfig::new(conv.channels[1]).init(device);
        Self { conv: fresh(conv, device), norm: Some(norm) }
    }

    /// With a bias and, if `norm`, batch normalisation, as in networks from before 2015 and their later variants.
    pub fn biased(conv: Conv2dConfig, norm: bool, device: &Device) -> Self {
        let conv = conv.with_bias(true);
        if norm {
            return Self::norm(conv, device);
        }
        Self { conv: fresh(conv.with_initializer(he(false)), device), norm: None }
    }

    /// Writes one value, `name`.
    pub fn forward<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        match &self.norm {
            Some(norm) => graph.conv_norm(name, x, &self.conv, norm),
            None => graph.conv(name, x, &self.conv),
        }
    }

    /// Writes two values, `name` and `name.relu`.
    pub fn relu<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        let y = self.forward(graph, name, x);
        graph.relu(&format!("{name}.relu"), &y)
    }
}

/// Whether dropout comes before or after a hidden dense layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropPlace {
    /// As in AlexNet.
    Before,
    /// As in VGG.
    After,
}

/// Hidden dense layers with ReLU and dropout; without layers, dropout only.
#[derive(Module, Debug)]
pub struct DenseStack {
    layers: Vec<Linear>,
    dropout: f32,
    #[module(skip)]
    drop: DropPlace,
}

impl DenseStack {
    /// Layers with `widths` outputs on `inputs` features.
    pub fn new(
        inputs: usize,
        widths: &[usize],
        dropout: f32,
        drop: DropPlace,
        device: &Device,
    ) -> Self {
        let froms = std::iter::once(&inputs).chain(widths);
        let layer = |(from, to): (&usize, &usize)| {
            let mut layer = LinearConfig::new(*from, *to).with_initializer(he(false)).init(device);
            layer.bias = Some(Initializer::Zeros.init([*to], device));
            layer
        };
        Self { layers: froms.zip(widths).map(layer).collect(), dropout, drop }
    }

    /// Features to the last layer's outputs.
    pub fn forward<G: Graph>(&self, graph: &mut G, features: &G::Value) -> G::Value {
        let mut x = features.clone();
        if self.layers.is_empty() || self.drop == DropPlace::Before {
            x = graph.dropout(&x, self.dropout);
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let y = graph.dense(&format!("dense{index}"), &x, layer);
            x = graph.relu(&format!("dense{index}.relu"), &y);
            let last = index + 1 == self.layers.len();
            if self.drop == DropPlace::After || !last {
                x = graph.dropout(&x, self.dropout);
            }
        }
        x
    }
}
