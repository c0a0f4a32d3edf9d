//! The plain convolutional network of tutorials, a baseline for the others: 3x3 convolutions, each with ReLU and a 2x2
//! pool, then one hidden dense layer with dropout before the classes. No batch normalisation, no shortcuts.

use burn::module::Module;
use burn::tensor::Device;

use super::graph::{Graph, Macs, Pool};
use super::head::Features;
use super::layers::{ConvLayer, DenseStack, DropPlace, conv};
use emocue_data::SIDE;

#[derive(Module, Debug)]
struct Convs {
    layers: Vec<ConvLayer>,
}

impl Convs {
    fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let mut x = luma.clone();
        for (index, layer) in self.layers.iter().enumerate() {
            x = layer.relu(graph, &format!("conv{index}"), &x);
            x = graph.max_pool(&format!("pool{index}"), &x, Pool::square(2, 2));
        }
        graph.flatten("features", &x)
    }
}

/// `[N,1,48,48]` normalised luma to features.
#[derive(Module, Debug)]
pub struct PlainCnn {
    convs: Convs,
    dense: DenseStack,
}

impl PlainCnn {
    /// Weights drawn from the device's seed: `convs` convolutions of `width`, 2x, 4x, ... channels and `dense` hidden
    /// features.
    pub fn new(
        channels: usize,
        width: usize,
        convs: usize,
        dense: usize,
        dropout: f32,
        device: &Device,
    ) -> (Self, Features) {
        let layer = |index| {
            let from = if index == 0 { channels } else { width << (index - 1) };
            ConvLayer::biased(conv([from, width << index], 3), false, device)
        };
        let convs = Convs { layers: (0..convs).map(layer).collect() };
        let [inputs, _, _] = convs.forward(&mut Macs::default(), &[channels, SIDE, SIDE]);
        let stack = DenseStack::new(inputs, &[dense], dropout, DropPlace::After, device);
        (Self { convs, dense: stack }, Features::Row(dense))
    }

    /// Pictures to features.
    pub fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let x = self.convs.forward(graph, luma);
        self.dense.forward(graph, &x)
    }
}
