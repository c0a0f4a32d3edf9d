//! VGG-16 and -19 (Simonyan and Zisserman 2015, configurations D and E; 138,357,544 and 143,667,240 weights): five
//! stages of 3x3 convolutions, each ending in a 2x2 pool, then dense layers. Batch normalisation is a later addition.
//! Without hidden dense layers and with batch normalisation it is the network of public FER2013 and CK+ studies at 48
//! px.

use burn::module::Module;
use burn::tensor::Device;

use super::graph::{Graph, Macs, Pool};
use super::head::Features;
use super::layers::{ConvLayer, DenseStack, DropPlace, conv};

/// Convolutions in each stage of VGG-16.
pub const VGG16: [usize; 5] = [2, 2, 3, 3, 3];
/// Convolutions in each stage of VGG-19.
pub const VGG19: [usize; 5] = [2, 2, 4, 4, 4];

/// Settings of a recipe besides the depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VggSettings<'a> {
    /// Width and height of the input, px; 32 at least.
    pub side: usize,
    /// Channels of the first stage, published with 64; later stages have 2x, 4x, 8x and 8x.
    pub width: usize,
    /// Whether batch normalisation follows every convolution.
    pub norm: bool,
    /// Outputs of the hidden dense layers, published with 4096 and 4096.
    pub dense: &'a [usize],
    /// Probability of dropping a feature, published with 0.5.
    pub dropout: f32,
}

#[derive(Module, Debug)]
struct Stages {
    stages: Vec<Vec<ConvLayer>>,
}

impl Stages {
    fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let mut x = luma.clone();
        for (stage, layers) in (1..).zip(&self.stages) {
            for (index, layer) in (1..).zip(layers) {
                x = layer.relu(graph, &format!("conv{stage}_{index}"), &x);
            }
            x = graph.max_pool(&format!("pool{stage}"), &x, Pool::square(2, 2));
        }
        graph.flatten("features", &x)
    }
}

/// `[N,1,S,S]` normalised luma to features.
#[derive(Module, Debug)]
pub struct Vgg {
    convs: Stages,
    dense: DenseStack,
}

impl Vgg {
    /// Weights drawn from the device's seed; `depth` is [`VGG16`] or [`VGG19`].
    pub fn new(
        depth: [usize; 5],
        channels: usize,
        settings: VggSettings<'_>,
        device: &Device,
    ) -> (Self, Features) {
        let VggSettings { side, width, norm, dense, dropout } = settings;
        let mut from = channels;
        let mut layer = |to| {
            let layer = ConvLayer::biased(conv([from, to], 3), norm, device);
            from = to;
            layer
        };
        let stage =
            |(stage, count)| (0..count).map(|_| layer(width << usize::min(stage, 3))).collect();
        let convs = Stages { stages: depth.into_iter().enumerate().map(stage).collect() };
        let [inputs, _, _] = convs.forward(&mut Macs::default(), &[channels, side, side]);
        let features = Features::Row(dense.last().copied().unwrap_or(inputs));
        let dense = DenseStack::new(inputs, dense, dropout, DropPlace::After, device);
        (Self { convs, dense }, features)
    }

    /// Pictures to features.
    pub fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let x = self.convs.forward(graph, luma);
        self.dense.forward(graph, &x)
    }
}
