//! The badge's classifier: a small residual network (He et al. 2016) of dense 3x3 convolutions.
//!
//! The stem halves the picture at once, since layers on 48x48 maps cost more than they add in accuracy. All other
//! convolutions have stride 1, with separate pooling: tract and the integer kernels run these shapes fastest. Three
//! stages of two blocks at 24x24, 12x12 and 6x6 px.

use burn::module::Module;
use burn::tensor::Device;

use super::graph::{Graph, Pool};
use super::head::Features;
use super::layers::{ConvLayer, conv};

/// Two 3x3 convolutions with a shortcut, which is a 1x1 convolution where the channels change.
#[derive(Module, Debug)]
pub struct Block {
    first: ConvLayer,
    second: ConvLayer,
    shortcut: Option<ConvLayer>,
}

impl Block {
    fn new(from: usize, to: usize, device: &Device) -> Self {
        Self {
            first: ConvLayer::norm(conv([from, to], 3), device),
            second: ConvLayer::norm(conv([to, to], 3), device),
            shortcut: (from != to).then(|| ConvLayer::norm(conv([from, to], 1), device)),
        }
    }

    fn forward<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        let middle = self.first.relu(graph, &format!("{name}.first"), x);
        let second = self.second.forward(graph, &format!("{name}.second"), &middle);
        let straight = match &self.shortcut {
            Some(shortcut) => shortcut.forward(graph, &format!("{name}.shortcut"), x),
            None => x.clone(),
        };
        let sum = graph.add(&format!("{name}.add"), &second, &straight);
        graph.relu(&format!("{name}.relu"), &sum)
    }
}

/// Two blocks.
#[derive(Module, Debug)]
pub struct Stage {
    blocks: Vec<Block>,
}

/// `[N,1,48,48]` normalised luma to features.
#[derive(Module, Debug)]
pub struct BadgeNet {
    /// 5x5, stride 2, from luma at 48x48 to 24x24.
    stem: ConvLayer,
    /// At 24x24, 12x12 and 6x6, 2x2 pools between them.
    stages: Vec<Stage>,
    dropout: f32,
}

impl BadgeNet {
    /// Weights drawn from the device's seed; `width` channels in the first stage, features dropped with probability
    /// `dropout`.
    pub fn new(channels: usize, width: usize, dropout: f32, device: &Device) -> (Self, Features) {
        let stage = |from, to| Stage {
            blocks: vec![Block::new(from, to, device), Block::new(to, to, device)],
        };
        let top = 4 * width;
        let net = Self {
            stem: ConvLayer::norm(conv([channels, width], 5).with_stride([2, 2]), device),
            stages: vec![stage(width, width), stage(width, 2 * width), stage(2 * width, top)],
            dropout,
        };
        (net, Features::Row(top))
    }

    /// Pictures to features.
    pub fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let mut x = self.stem.relu(graph, "stem", luma);
        for (number, stage) in self.stages.iter().enumerate() {
            if number > 0 {
                x = graph.max_pool(&format!("pool{number}"), &x, Pool::square(2, 2));
            }
            for (index, block) in stage.blocks.iter().enumerate() {
                x = block.forward(graph, &format!("stage{number}.block{index}"), &x);
            }
        }
        let pooled = graph.global_average("mean", &x);
        let features = graph.flatten("features", &pooled);
        graph.dropout(&features, self.dropout)
    }
}
