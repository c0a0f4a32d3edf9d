//! The VGG variant of Pramerdorfer and Kampel 2016, "Facial Expression Recognition using Convolutional Neural Networks:
//! State of the Art": four blocks of two 3x3 convolutions with batch normalisation, a 2x2 pool and dropout, then a
//! hidden dense layer. The paper gives its depth, 10 layers with weights, and its size, 1.8 million weights; 32 to 256
//! channels and 256 hidden features match both.

use burn::module::Module;
use burn::tensor::Device;

use super::graph::{Graph, Macs, Pool};
use super::head::Features;
use super::layers::{ConvLayer, DenseStack, DropPlace, conv};
use emocue_data::SIDE;

#[derive(Module, Debug)]
struct Blocks {
    blocks: Vec<Vec<ConvLayer>>,
    dropout: f32,
}

impl Blocks {
    fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let mut x = luma.clone();
        for (number, block) in self.blocks.iter().enumerate() {
            for (index, layer) in block.iter().enumerate() {
                x = layer.relu(graph, &format!("block{number}.conv{index}"), &x);
            }
            x = graph.max_pool(&format!("block{number}.pool"), &x, Pool::square(2, 2));
            x = graph.dropout(&x, self.dropout);
        }
        graph.flatten("features", &x)
    }
}

/// `[N,1,48,48]` normalised luma to features.
#[derive(Module, Debug)]
pub struct Pramerdorfer {
    blocks: Blocks,
    dense: DenseStack,
}

impl Pramerdorfer {
    /// Weights drawn from the device's seed: `width` channels in the first block, 8 times as many in the last and in
    /// the hidden layer.
    pub fn new(channels: usize, width: usize, dropout: f32, device: &Device) -> (Self, Features) {
        let block = |index| {
            let (from, to) =
                if index == 0 { (channels, width) } else { (width << (index - 1), width << index) };
            [[from, to], [to, to]].map(|pair| ConvLayer::norm(conv(pair, 3), device)).into()
        };
        let blocks = Blocks { blocks: (0..4).map(block).collect(), dropout };
        let [inputs, _, _] = blocks.forward(&mut Macs::default(), &[channels, SIDE, SIDE]);
        let hidden = 8 * width;
        let dense = DenseStack::new(inputs, &[hidden], dropout, DropPlace::After, device);
        (Self { blocks, dense }, Features::Row(hidden))
    }

    /// Pictures to features.
    pub fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let x = self.blocks.forward(graph, luma);
        self.dense.forward(graph, &x)
    }
}
