//! The badge's classifier: a small residual net (He et al. 2016) of plain 3x3 convolutions.
//!
//! The stem halves the picture at once, since passes over 48x48 maps cost more than they teach.
//! From there every convolution has stride 1 and pooling stands alone, the shapes that tract and
//! integer kernels run fastest. Three stages of two blocks at 24x24, 12x12 and 6x6 px.

use super::{conv, norm};
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use emocue_models::label::{FER_7, FERPLUS_8};

/// Convolution without bias followed by batch normalisation.
#[derive(Module, Debug)]
pub struct ConvNorm {
    /// `[out, in, k, k]`.
    pub conv: Conv2d,
    /// Over `out` channels.
    pub norm: BatchNorm,
}

impl ConvNorm {
    fn new(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Self {
        let init = Initializer::KaimingNormal { gain: 2f64.sqrt(), fan_out_only: true };
        let conv = Conv2dConfig::new(channels, [kernel, kernel])
            .with_padding(PaddingConfig2d::Explicit(kernel / 2, kernel / 2, kernel / 2, kernel / 2))
            .with_stride([stride, stride])
            .with_bias(false)
            .with_initializer(init)
            .init(device);
        Self { conv, norm: BatchNormConfig::new(channels[1]).init(device) }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        norm::apply(&self.norm, conv::apply(&self.conv, x))
    }
}

/// Two 3x3 convolutions beside a shortcut, which is 1x1 where the channels change.
#[derive(Module, Debug)]
pub struct Block {
    /// First 3x3.
    pub first: ConvNorm,
    /// Second 3x3.
    pub second: ConvNorm,
    /// 1x1, where the channels change.
    pub shortcut: Option<ConvNorm>,
}

impl Block {
    fn new(from: usize, to: usize, device: &Device) -> Self {
        Self {
            first: ConvNorm::new([from, to], 3, 1, device),
            second: ConvNorm::new([to, to], 3, 1, device),
            shortcut: (from != to).then(|| ConvNorm::new([from, to], 1, 1, device)),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let straight = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x.clone()),
            None => x.clone(),
        };
        let y = self.second.forward(relu(self.first.forward(x)));
        relu(y + straight)
    }
}

/// Two blocks.
#[derive(Module, Debug)]
pub struct Stage {
    /// In order.
    pub blocks: Vec<Block>,
}

/// `[N,1,48,48]` normalised luma to two heads' logits.
#[derive(Module, Debug)]
pub struct BadgeNet {
    /// 5x5, stride 2, from luma at 48x48 to 24x24.
    pub stem: ConvNorm,
    /// 2x2, stride 2, between stages.
    pub pool: MaxPool2d,
    /// At 24x24, 12x12 and 6x6.
    pub stages: Vec<Stage>,
    /// `[N, 8]`, `ferplus-8`: the badge's answer.
    pub ferplus: Linear,
    /// `[N, 7]`, `fer-7`: for comparison.
    pub fer: Linear,
}

/// Logits of both heads.
pub struct Logits {
    /// `[N, 8]`.
    pub ferplus: Tensor<2>,
    /// `[N, 7]`.
    pub fer: Tensor<2>,
}

impl BadgeNet {
    /// Fresh weights from the device's seed; `width` channels in the first stage.
    pub fn new(width: usize, device: &Device) -> Self {
        let stage = |from, to| Stage {
            blocks: vec![Block::new(from, to, device), Block::new(to, to, device)],
        };
        let top = Self::features(width);
        Self {
            stem: ConvNorm::new([1, width], 5, 2, device),
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            stages: vec![stage(width, width), stage(width, 2 * width), stage(2 * width, top)],
            ferplus: LinearConfig::new(top, FERPLUS_8.len()).init(device),
            fer: LinearConfig::new(top, FER_7.len()).init(device),
        }
    }

    /// Length of the feature vector that the heads read.
    pub fn features(width: usize) -> usize {
        4 * width
    }

    /// `[N,1,48,48]` to logits. In training, features are multiplied by the dropout mask
    /// `[N, features]`; it comes from outside so that a resumed run repeats it.
    pub fn forward(&self, luma: Tensor<4>, mask: Option<Tensor<2>>) -> Logits {
        let mut x = relu(self.stem.forward(luma));
        for (index, stage) in self.stages.iter().enumerate() {
            if index > 0 {
                x = self.pool.forward(x);
            }
            for block in &stage.blocks {
                x = block.forward(x);
            }
        }
        let [n, channels, height, width] = x.dims();
        let features = x.reshape([n, channels, height * width]).mean_dim(2).reshape([n, channels]);
        let features = match mask {
            Some(mask) => features * mask,
            None => features,
        };
        Logits { ferplus: self.ferplus.forward(features.clone()), fer: self.fer.forward(features) }
    }
}
