//! AlexNet (the single column of Krizhevsky 2014, in torchvision's layout: 61,100,840 weights): five convolutions, the
//! first 11x11 at stride 4, three pools and two hidden dense layers with dropout before each. With an input of 224 px
//! the first dense layer reads 6x6 maps, with smaller inputs smaller ones.

use burn::module::Module;
use burn::tensor::Device;

use super::graph::{Graph, Macs, Pool};
use super::head::Features;
use super::layers::{ConvLayer, DenseStack, DropPlace, conv, pad};

/// Settings of a recipe.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlexNetSettings<'a> {
    /// Width and height of the input, px; 63 at least, published with 224.
    pub side: usize,
    /// Channels of the first convolution, published with 64; the others have 3x, 6x, 4x and 4x.
    pub width: usize,
    /// Outputs of the hidden dense layers, published with 4096 and 4096.
    pub dense: &'a [usize],
    /// Probability of dropping a feature, published with 0.5.
    pub dropout: f32,
}

#[derive(Module, Debug)]
struct Convs {
    layers: Vec<ConvLayer>,
}

impl Convs {
    fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let mut x = luma.clone();
        for (number, layer) in (1..).zip(&self.layers) {
            x = layer.relu(graph, &format!("conv{number}"), &x);
            if matches!(number, 1 | 2 | 5) {
                x = graph.max_pool(&format!("pool{number}"), &x, Pool::square(3, 2));
            }
        }
        graph.flatten("features", &x)
    }
}

/// `[N,1,S,S]` normalised luma to features.
#[derive(Module, Debug)]
pub struct Alexnet {
    convs: Convs,
    dense: DenseStack,
}

impl Alexnet {
    /// Weights drawn from the device's seed.
    pub fn new(
        channels: usize,
        settings: AlexNetSettings<'_>,
        device: &Device,
    ) -> (Self, Features) {
        let AlexNetSettings { side, width, dense, dropout } = settings;
        let first = conv([channels, width], 11).with_stride([4, 4]).with_padding(pad(2));
        let configs = [
            first,
            conv([width, 3 * width], 5),
            conv([3 * width, 6 * width], 3),
            conv([6 * width, 4 * width], 3),
            conv([4 * width, 4 * width], 3),
        ];
        let layers = configs.map(|conv| ConvLayer::biased(conv, false, device)).into();
        let convs = Convs { layers };
        let [inputs, _, _] = convs.forward(&mut Macs::default(), &[channels, side, side]);
        let features = Features::Row(dense.last().copied().unwrap_or(inputs));
        let dense = DenseStack::new(inputs, dense, dropout, DropPlace::Before, device);
        (Self { convs, dense }, features)
    }

    /// Pictures to features.
    pub fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let x = self.convs.forward(graph, luma);
        self.dense.forward(graph, &x)
    }
}
