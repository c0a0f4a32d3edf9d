//! mini-Xception (Arriaga, Valdenegro-Toro and Plöger 2017, "Real-time Convolutional Neural Networks for Emotion and
//! Gender Classification"): depthwise separable convolutions with strided shortcuts, and no dense layer. The published
//! network starts with 8 channels and has 58,423 parameters for 7 classes, running statistics included.
//!
//! For maps of even size, Keras pads strided pools at the end; this crate and PyTorch pad at the beginning.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Device;

use super::graph::{Graph, Pool};
use super::head::Features;
use super::layers::{ConvLayer, conv, fresh, pad};

/// Depthwise separable convolution: depthwise, then 1x1.
#[derive(Module, Debug)]
struct Separable {
    depth: Conv2d,
    point: ConvLayer,
}

impl Separable {
    fn new([from, to]: [usize; 2], kernel: usize, device: &Device) -> Self {
        Self {
            depth: fresh(conv([from, from], kernel).with_groups(from), device),
            point: ConvLayer::norm(conv([from, to], 1), device),
        }
    }

    fn forward<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        let depth = graph.conv(&format!("{name}.depth"), x, &self.depth);
        self.point.forward(graph, name, &depth)
    }
}

/// Halves the map: two separable convolutions and a pool, with a strided 1x1 shortcut.
#[derive(Module, Debug)]
struct Stage {
    first: Separable,
    second: Separable,
    shortcut: ConvLayer,
}

impl Stage {
    fn new(from: usize, to: usize, kernel: usize, device: &Device) -> Self {
        Self {
            first: Separable::new([from, to], kernel, device),
            second: Separable::new([to, to], kernel, device),
            shortcut: ConvLayer::norm(conv([from, to], 1).with_stride([2, 2]), device),
        }
    }

    fn forward<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        let straight = self.shortcut.forward(graph, &format!("{name}.shortcut"), x);
        let y = self.first.forward(graph, &format!("{name}.first"), x);
        let y = graph.relu(&format!("{name}.first.relu"), &y);
        let y = self.second.forward(graph, &format!("{name}.second"), &y);
        let window = Pool { pad: [1, 1], ..Pool::square(3, 2) };
        let y = graph.max_pool(&format!("{name}.pool"), &y, window);
        graph.add(&format!("{name}.add"), &y, &straight)
    }
}

/// A whole mini-Xception without its head.
#[derive(Module, Debug)]
struct Branch {
    stem: Vec<ConvLayer>,
    stages: Vec<Stage>,
}

impl Branch {
    fn new(channels: usize, width: usize, kernel: usize, device: &Device) -> Self {
        // Padding makes every kernel shrink the map by as much as 3x3, so that the branches' maps have the same size.
        let stem = |from| {
            let conv = conv([from, width], kernel).with_padding(pad((kernel - 3) / 2));
            ConvLayer::norm(conv, device)
        };
        let stage = |index: u32| {
            let from = width << index;
            Stage::new(from, 2 * from, kernel, device)
        };
        Self { stem: vec![stem(channels), stem(width)], stages: (0..4).map(stage).collect() }
    }

    fn forward<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        let mut x = x.clone();
        for (index, layer) in self.stem.iter().enumerate() {
            x = layer.relu(graph, &format!("{name}.stem{index}"), &x);
        }
        for (index, stage) in self.stages.iter().enumerate() {
            x = stage.forward(graph, &format!("{name}.stage{index}"), &x);
        }
        x
    }
}

/// `[N,1,48,48]` normalised luma to 3x3 maps.
#[derive(Module, Debug)]
pub struct MiniXception {
    branches: Vec<Branch>,
}

impl MiniXception {
    /// Weights drawn from the device's seed. `width` channels in the stem, 16 times as many at the end. The second of
    /// two branches has 5x5 kernels, for coarser features, and the branches' maps are concatenated.
    pub fn new(
        channels: usize,
        width: usize,
        branches: usize,
        device: &Device,
    ) -> (Self, Features) {
        let branch = |index| Branch::new(channels, width, 3 + 2 * index, device);
        let branches: Vec<Branch> = (0..branches).map(branch).collect();
        let features = Features::Maps(16 * width * branches.len());
        (Self { branches }, features)
    }

    /// Pictures to maps.
    pub fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let mut maps: Option<G::Value> = None;
        for (index, branch) in self.branches.iter().enumerate() {
            let more = branch.forward(graph, &format!("branch{index}"), luma);
            maps = Some(match maps {
                Some(maps) => graph.concat(&format!("join{index}"), &maps, &more),
                None => more,
            });
        }
        maps.unwrap_or_else(|| luma.clone())
    }
}
