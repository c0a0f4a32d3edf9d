//! The architecture and its arithmetic: the recipe's `[net]` and `[rounding]` tables.

use serde::{Deserialize, Serialize};

use emocue_data::SIDE;

/// An architecture and its size. `width` scales its channels, `dropout` is the probability of dropping a feature in
/// training, `0..1`, `side` the input's width and height in px; [`NetSpec::check`] has the ranges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum NetSpec {
    /// [`super::badge`]: the badge's own small residual net.
    Badge {
        /// Channels of the first stage; later stages have 2x and 4x.
        width: usize,
        /// Dropout before the heads.
        dropout: f32,
    },
    /// [`super::mini_xception`], published with 8 channels.
    MiniXception {
        /// Channels of the stem; the stages have 2x to 16x.
        width: usize,
        /// 1 as published, or 2: the second branch has 5x5 kernels.
        branches: usize,
    },
    /// [`super::resnet9`], published with 64 channels.
    Resnet9 {
        /// Channels of the first convolution; the others have 2x, 4x and 8x.
        width: usize,
        /// Dropout before the heads.
        dropout: f32,
    },
    /// [`super::resnet`], published with 64 channels at 224 px.
    Resnet18 {
        /// Side of the input, px.
        side: usize,
        /// Channels of the stem and the first stage.
        width: usize,
        /// Kernel of the first convolution, px: 7 reduces the picture's sides to a quarter, as published; 3 keeps its
        /// size.
        stem: usize,
        /// Dropout before the heads; published without.
        dropout: f32,
    },
    /// [`super::resnet`], published with 64 channels at 224 px.
    Resnet50 {
        /// Side of the input, px.
        side: usize,
        /// Channels of the stem; the stages have 4x to 32x.
        width: usize,
        /// As for `resnet18`.
        stem: usize,
        /// Dropout before the heads; published without.
        dropout: f32,
    },
    /// [`super::resnet`] with squeeze-and-excitation, published with 64 channels at 224 px.
    Senet50 {
        /// Side of the input, px.
        side: usize,
        /// Channels of the stem; the stages have 4x to 32x.
        width: usize,
        /// As for `resnet18`.
        stem: usize,
        /// Dropout before the heads; published without.
        dropout: f32,
    },
    /// [`super::vgg`], published with 64 channels at 224 px.
    Vgg16 {
        /// Side of the input, px.
        side: usize,
        /// Channels of the first stage; later ones have 2x, 4x, 8x and 8x.
        width: usize,
        /// Batch normalisation after every convolution.
        batch_norm: bool,
        /// Outputs of the hidden dense layers, published with 4096 and 4096.
        dense: Vec<usize>,
        /// Dropout of the dense layers, published with 0.5.
        dropout: f32,
    },
    /// [`super::vgg`], published with 64 channels at 224 px.
    Vgg19 {
        /// Side of the input, px.
        side: usize,
        /// Channels of the first stage; later ones have 2x, 4x, 8x and 8x.
        width: usize,
        /// Batch normalisation after every convolution.
        batch_norm: bool,
        /// Outputs of the hidden dense layers, published with 4096 and 4096.
        dense: Vec<usize>,
        /// Dropout of the dense layers, published with 0.5.
        dropout: f32,
    },
    /// [`super::alexnet`], published with 64 channels at 224 px.
    Alexnet {
        /// Side of the input, px; below 63 px the last pool would have no input.
        side: usize,
        /// Channels of the first convolution; the others have 3x, 6x, 4x and 4x.
        width: usize,
        /// Outputs of the hidden dense layers, published with 4096 and 4096.
        dense: Vec<usize>,
        /// Dropout of the dense layers, published with 0.5.
        dropout: f32,
    },
    /// [`super::plain_cnn`].
    PlainCnn {
        /// Channels of the first convolution; each later one has twice as many.
        width: usize,
        /// Number of convolutions.
        convs: usize,
        /// Outputs of the hidden dense layer.
        dense: usize,
        /// Dropout before the heads.
        dropout: f32,
    },
    /// [`super::pramerdorfer`], published with 1.8 million weights.
    Pramerdorfer {
        /// Channels of the first block; later ones have 2x, 4x and 8x.
        width: usize,
        /// Dropout after every block and before the heads.
        dropout: f32,
    },
}

/// Quantization-aware training: weights are rounded to 8 bits, the layers' inputs to 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rounding {
    /// One scale for each output channel instead of one for the layer.
    pub per_channel: bool,
    /// Whether layers' inputs are rounded too, between the smallest and the largest value of the batch.
    pub activations: bool,
}

/// The precision of the layers' products in training (mixed precision, Micikevicius et al. 2018). Weights, sums over a
/// batch, losses and optimiser steps are always 32-bit floats, and so is the exported graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// bfloat16, for a GPU that multiplies it faster. It has the exponent range of 32-bit floats, so that the loss
    /// needs no scaling.
    Bf16,
}

impl Precision {
    /// Whether it is the default of a recipe.
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A setting of `[net]` is out of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("net.{setting} is {value}, expected {expected}")]
pub struct NetError {
    /// The setting's key.
    pub setting: &'static str,
    /// The value in the recipe.
    pub value: String,
    /// The expected range.
    pub expected: String,
}

impl NetSpec {
    /// The architecture's name, as in `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Badge { .. } => "badge",
            Self::MiniXception { .. } => "mini-xception",
            Self::Resnet9 { .. } => "resnet9",
            Self::Resnet18 { .. } => "resnet18",
            Self::Resnet50 { .. } => "resnet50",
            Self::Senet50 { .. } => "senet50",
            Self::Vgg16 { .. } => "vgg16",
            Self::Vgg19 { .. } => "vgg19",
            Self::Alexnet { .. } => "alexnet",
            Self::PlainCnn { .. } => "plain-cnn",
            Self::Pramerdorfer { .. } => "pramerdorfer",
        }
    }

    /// Width and height of the input, px.
    pub fn side(&self) -> usize {
        match *self {
            Self::Badge { .. }
            | Self::MiniXception { .. }
            | Self::Resnet9 { .. }
            | Self::PlainCnn { .. }
            | Self::Pramerdorfer { .. } => SIDE,
            Self::Resnet18 { side, .. }
            | Self::Resnet50 { side, .. }
            | Self::Senet50 { side, .. }
            | Self::Vgg16 { side, .. }
            | Self::Vgg19 { side, .. }
            | Self::Alexnet { side, .. } => side,
        }
    }

    /// Refuses a setting that is out of its range. A spec that passes can be built.
    ///
    /// # Errors
    /// [`NetError`] naming the first invalid setting.
    pub fn check(&self) -> Result<(), NetError> {
        match self {
            Self::Badge { width, dropout } | Self::Resnet9 { width, dropout } => {
                between("width", *width, 4, 256)?;
                fraction("dropout", *dropout)
            }
            Self::MiniXception { width, branches } => {
                between("width", *width, 1, 64)?;
                between("branches", *branches, 1, 2)
            }
            Self::Resnet18 { side, width, stem, dropout }
            | Self::Resnet50 { side, width, stem, dropout }
            | Self::Senet50 { side, width, stem, dropout } => {
                between("side", *side, 32, 256)?;
                between("width", *width, 4, 256)?;
                if ![3, 7].contains(stem) {
                    return wrong("stem", stem, "3 or 7".to_owned());
                }
                fraction("dropout", *dropout)
            }
            Self::Vgg16 { side, width, dense, dropout, .. }
            | Self::Vgg19 { side, width, dense, dropout, .. } => {
                between("side", *side, 32, 256)?;
                between("width", *width, 4, 256)?;
                hidden(dense)?;
                fraction("dropout", *dropout)
            }
            Self::Alexnet { side, width, dense, dropout } => {
                between("side", *side, 63, 256)?;
                between("width", *width, 4, 256)?;
                hidden(dense)?;
                fraction("dropout", *dropout)
            }
            Self::PlainCnn { width, convs, dense, dropout } => {
                between("width", *width, 2, 256)?;
                between("convs", *convs, 1, 5)?;
                between("dense", *dense, 1, 8192)?;
                fraction("dropout", *dropout)
            }
            Self::Pramerdorfer { width, dropout } => {
                between("width", *width, 2, 128)?;
                fraction("dropout", *dropout)
            }
        }
    }
}

fn wrong(
    setting: &'static str,
    value: impl std::fmt::Display,
    expected: String,
) -> Result<(), NetError> {
    Err(NetError { setting, value: value.to_string(), expected })
}

fn between(setting: &'static str, value: usize, low: usize, high: usize) -> Result<(), NetError> {
    match (low..=high).contains(&value) {
        true => Ok(()),
        false => wrong(setting, value, format!("{low} to {high}")),
    }
}

fn fraction(setting: &'static str, value: f32) -> Result<(), NetError> {
    match (0.0..=0.999).contains(&value) {
        true => Ok(()),
        false => wrong(setting, value, "0 to below 1".to_owned()),
    }
}

fn hidden(dense: &[usize]) -> Result<(), NetError> {
    match dense.len() <= 4 && dense.iter().all(|width| (1..=8192).contains(width)) {
        true => Ok(()),
        false => wrong("dense", format!("{dense:?}"), "up to four of 1 to 8192".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_setting_is_named_with_what_would_do() {
        let message = |text: &str| match toml::from_str::<NetSpec>(text) {
            Ok(spec) => spec.check().unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        for (text, words) in [
            ("kind = 'badge'\nwidth = 1\ndropout = 0.1", "net.width is 1, expected 4 to 256"),
            ("kind = 'badge'\nwidth = 24\ndropout = 1", "net.dropout is 1, expected 0 to below 1"),
            ("kind = 'badge'\nwidht = 24\ndropout = 0", "unknown field `widht`"),
            ("kind = 'resnet1000'", "expected one of `badge`, `mini-xception`"),
            (
                "kind = 'mini-xception'\nwidth = 8\nbranches = 3",
                "net.branches is 3, expected 1 to 2",
            ),
            (
                "kind = 'resnet18'\nside = 48\nwidth = 64\nstem = 5\ndropout = 0.0",
                "net.stem is 5, expected 3 or 7",
            ),
            (
                "kind = 'alexnet'\nside = 48\nwidth = 64\ndense = []\ndropout = 0.5",
                "net.side is 48, expected 63 to 256",
            ),
            (
                "kind = 'vgg16'\nside = 48\nwidth = 64\nbatch_norm = true\ndense = [0]\ndropout = 0.5",
                "net.dense is [0], expected up to four of 1 to 8192",
            ),
        ] {
            assert!(message(text).contains(words), "{}", message(text));
        }
    }
}
