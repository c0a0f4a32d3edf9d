//! ResNet-9, the small residual network of the DAWNBench CIFAR-10 competition (Page 2018, fast.ai): four convolutions
//! of 64, 128, 256 and 512 channels, three of them with a pool, and after the second and the fourth a residual block of
//! two convolutions. Convolutions have a bias, as in the widespread PyTorch version of 6,575,370 weights (3 channels,
//! 10 classes). The last pool is global.

use burn::module::Module;
use burn::tensor::Device;

use super::graph::{Graph, Pool};
use super::head::Features;
use super::layers::{ConvLayer, conv};

/// `[N,1,48,48]` normalised luma to features.
#[derive(Module, Debug)]
pub struct Resnet9 {
    convs: Vec<ConvLayer>,
    /// After the second and the fourth of `convs`.
    pairs: Vec<Vec<ConvLayer>>,
    dropout: f32,
}

impl Resnet9 {
    /// Weights drawn from the device's seed; `width` channels in the first convolution, 8 times as many in the last.
    pub fn new(channels: usize, width: usize, dropout: f32, device: &Device) -> (Self, Features) {
        let layer = |from, to| ConvLayer::biased(conv([from, to], 3), true, device);
        let pair = |width| vec![layer(width, width), layer(width, width)];
        let net = Self {
            convs: vec![
                layer(channels, width),
                layer(width, 2 * width),
                layer(2 * width, 4 * width),
                layer(4 * width, 8 * width),
            ],
            pairs: vec![pair(2 * width), pair(8 * width)],
            dropout,
        };
        (net, Features::Row(8 * width))
    }

    /// Pictures to features.
    pub fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let mut x = luma.clone();
        for (index, conv) in self.convs.iter().enumerate() {
            x = conv.relu(graph, &format!("conv{index}"), &x);
            if index > 0 {
                x = graph.max_pool(&format!("pool{index}"), &x, Pool::square(2, 2));
            }
            if index % 2 == 1 {
                let straight = x.clone();
                for (place, conv) in self.pairs[index / 2].iter().enumerate() {
                    x = conv.relu(graph, &format!("pair{}.conv{place}", index / 2), &x);
                }
                x = graph.add(&format!("pair{}.add", index / 2), &x, &straight);
            }
        }
        let pooled = graph.global_max("max", &x);
        let features = graph.flatten("features", &pooled);
        graph.dropout(&features, self.dropout)
    }
}
