//! ResNet-18 and -50 (He et al. 2016) in torchvision's layout (11,689,512 and 25,557,032 weights), and SE-ResNet-50
//! with squeeze-and-excitation (Hu et al. 2018; 28,088,024 weights with 3 channels and 1000 classes), which is called
//! SENet-50 with VGGFace2's weights.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::tensor::Device;

use super::graph::{Graph, Pool};
use super::head::Features;
use super::layers::{ConvLayer, conv, linear_conv};

/// Reduction ratio of squeeze-and-excitation.
const SQUEEZE: usize = 16;

/// The layout of a residual network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResNetLayout {
    /// Blocks in each of the four stages.
    pub blocks: [usize; 4],
    /// Whether a block has 1x1, 3x3 and 1x1 convolutions instead of two 3x3.
    pub bottleneck: bool,
    /// Squeeze-and-excitation; as published, this includes the stride in a block's first convolution and a first pool
    /// with partial windows (`ceil_mode`).
    pub squeeze: bool,
}

/// He et al. 2016.
pub const RESNET18: ResNetLayout =
    ResNetLayout { blocks: [2; 4], bottleneck: false, squeeze: false };
/// He et al. 2016, strides in the 3x3 convolutions.
pub const RESNET50: ResNetLayout =
    ResNetLayout { blocks: [3, 4, 6, 3], bottleneck: true, squeeze: false };
/// Hu et al. 2018.
pub const SENET50: ResNetLayout = ResNetLayout { squeeze: true, ..RESNET50 };

impl ResNetLayout {
    /// Output channels of a block in units of its stage's width.
    fn expansion(self) -> usize {
        if self.bottleneck { 4 } else { 1 }
    }
}

/// Squeeze-and-excitation: a factor for each channel from the means of all channels.
#[derive(Module, Debug)]
struct Squeeze {
    down: Conv2d,
    up: Conv2d,
}

impl Squeeze {
    fn new(channels: usize, device: &Device) -> Self {
        let middle = channels / SQUEEZE;
        Self {
            down: linear_conv([channels, middle], 1, device),
            up: linear_conv([middle, channels], 1, device),
        }
    }

    fn forward<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        let y = graph.global_average(&format!("{name}.mean"), x);
        let y = graph.conv(&format!("{name}.down"), &y, &self.down);
        let y = graph.relu(&format!("{name}.down.relu"), &y);
        let y = graph.conv(&format!("{name}.up"), &y, &self.up);
        let gate = graph.sigmoid(&format!("{name}.gate"), &y);
        graph.mul(name, x, &gate)
    }
}

#[derive(Module, Debug)]
struct Block {
    convs: Vec<ConvLayer>,
    squeeze: Option<Squeeze>,
    /// A 1x1 convolution if size or channels change.
    shortcut: Option<ConvLayer>,
}

impl Block {
    fn new(
        layout: ResNetLayout,
        from: usize,
        width: usize,
        stride: usize,
        device: &Device,
    ) -> Self {
        let to = width * layout.expansion();
        let layer = |channels, kernel, stride| {
            ConvLayer::norm(conv(channels, kernel).with_stride([stride, stride]), device)
        };
        let (first, second) = if layout.squeeze { (stride, 1) } else { (1, stride) };
        let convs = if layout.bottleneck {
            vec![
                layer([from, width], 1, first),
                layer([width, width], 3, second),
                layer([width, to], 1, 1),
            ]
        } else {
            vec![layer([from, width], 3, stride), layer([width, to], 3, 1)]
        };
        Self {
            convs,
            squeeze: layout.squeeze.then(|| Squeeze::new(to, device)),
            shortcut: (stride != 1 || from != to).then(|| layer([from, to], 1, stride)),
        }
    }

    fn forward<G: Graph>(&self, graph: &mut G, name: &str, x: &G::Value) -> G::Value {
        let mut y = x.clone();
        for (index, conv) in self.convs.iter().enumerate() {
            let place = format!("{name}.conv{}", index + 1);
            let last = index + 1 == self.convs.len();
            y = match last {
                true => conv.forward(graph, &place, &y),
                false => conv.relu(graph, &place, &y),
            };
        }
        if let Some(squeeze) = &self.squeeze {
            y = squeeze.forward(graph, &format!("{name}.squeeze"), &y);
        }
        let straight = match &self.shortcut {
            Some(shortcut) => shortcut.forward(graph, &format!("{name}.shortcut"), x),
            None => x.clone(),
        };
        let sum = graph.add(&format!("{name}.add"), &y, &straight);
        graph.relu(&format!("{name}.relu"), &sum)
    }
}

#[derive(Module, Debug)]
struct Stage {
    blocks: Vec<Block>,
}

/// `[N,1,S,S]` normalised luma to features.
#[derive(Module, Debug)]
pub struct Resnet {
    stem: ConvLayer,
    stages: Vec<Stage>,
    dropout: f32,
    #[module(skip)]
    pool: Option<Pool>,
}

impl Resnet {
    /// Weights drawn from the device's seed. `width` channels in the stem, published with 64. A `stem` of 7 px reduces
    /// the picture's sides to a quarter, as published; one of 3 px keeps its size, as for CIFAR.
    pub fn new(
        layout: ResNetLayout,
        channels: usize,
        width: usize,
        stem: usize,
        dropout: f32,
        device: &Device,
    ) -> (Self, Features) {
        let published = stem == 7;
        let pool = match layout.squeeze {
            true => Pool { ceil: true, ..Pool::square(3, 2) },
            false => Pool { pad: [1, 1], ..Pool::square(3, 2) },
        };
        let stride = if published { 2 } else { 1 };
        let mut from = width;
        let mut stages = Vec::new();
        for (stage, count) in layout.blocks.into_iter().enumerate() {
            let width = width << stage;
            let mut blocks = Vec::new();
            for block in 0..count {
                let stride = if stage > 0 && block == 0 { 2 } else { 1 };
                blocks.push(Block::new(layout, from, width, stride, device));
                from = width * layout.expansion();
            }
            stages.push(Stage { blocks });
        }
        let stem = conv([channels, width], stem).with_stride([stride, stride]);
        let net = Self {
            stem: ConvLayer::norm(stem, device),
            stages,
            dropout,
            pool: published.then_some(pool),
        };
        (net, Features::Row(from))
    }

    /// Pictures to features.
    pub fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        let mut x = self.stem.relu(graph, "stem", luma);
        if let Some(pool) = self.pool {
            x = graph.max_pool("pool", &x, pool);
        }
        for (number, stage) in self.stages.iter().enumerate() {
            for (index, block) in stage.blocks.iter().enumerate() {
                x = block.forward(graph, &format!("layer{}.{index}", number + 1), &x);
            }
        }
        let pooled = graph.global_average("mean", &x);
        let features = graph.flatten("features", &pooled);
        graph.dropout(&features, self.dropout)
    }
}
