//! Names of the layers in published weights files.

use crate::net::NetSpec;
use crate::net::resnet::{RESNET18, RESNET50, ResNetLayout, SENET50};
use crate::net::vgg::{VGG16, VGG19};

/// A layer of this crate and its names in published files, the most common first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Names {
    /// Path inside the body, without the tensor's own name.
    pub(super) ours: String,
    /// As in a PyTorch state dict, without the tensor's own name.
    pub(super) theirs: Vec<String>,
}

fn names<const N: usize>(ours: impl Into<String>, theirs: [String; N]) -> Names {
    Names { ours: ours.into(), theirs: theirs.into() }
}

/// The layers of a body; empty if there are no published weights.
pub(super) fn of(spec: &NetSpec) -> Vec<Names> {
    match spec {
        NetSpec::Resnet9 { .. } => resnet9(),
        NetSpec::Resnet18 { .. } => resnet(RESNET18),
        NetSpec::Resnet50 { .. } => resnet(RESNET50),
        NetSpec::Senet50 { .. } => resnet(SENET50),
        NetSpec::Vgg16 { batch_norm, dense, .. } => vgg(VGG16, *batch_norm, dense.len()),
        NetSpec::Vgg19 { batch_norm, dense, .. } => vgg(VGG19, *batch_norm, dense.len()),
        NetSpec::Alexnet { dense, .. } => alexnet(dense.len()),
        NetSpec::Badge { .. }
        | NetSpec::MiniXception { .. }
        | NetSpec::PlainCnn { .. }
        | NetSpec::Pramerdorfer { .. } => Vec::new(),
    }
}

/// torchvision's names; `layer0` and `se_module` are those of pretrained-models, `conv_down` and `conv_up` those of
/// VGGFace2's ports.
fn resnet(layout: ResNetLayout) -> Vec<Names> {
    let mut all = vec![
        names("stem.conv", ["conv1".to_owned(), "layer0.conv1".to_owned()]),
        names("stem.norm", ["bn1".to_owned(), "layer0.bn1".to_owned()]),
    ];
    for (stage, count) in layout.blocks.into_iter().enumerate() {
        for block in 0..count {
            let ours = format!("stages.{stage}.blocks.{block}");
            let theirs = format!("layer{}.{block}", stage + 1);
            for conv in 0..if layout.bottleneck { 3 } else { 2 } {
                let number = conv + 1;
                all.push(names(
                    format!("{ours}.convs.{conv}.conv"),
                    [format!("{theirs}.conv{number}")],
                ));
                all.push(names(
                    format!("{ours}.convs.{conv}.norm"),
                    [format!("{theirs}.bn{number}")],
                ));
            }
            if block == 0 && (stage > 0 || layout.bottleneck) {
                let shortcut = format!("{ours}.shortcut");
                let downsample = format!("{theirs}.downsample");
                all.push(names(format!("{shortcut}.conv"), [format!("{downsample}.0")]));
                all.push(names(format!("{shortcut}.norm"), [format!("{downsample}.1")]));
            }
            if layout.squeeze {
                for (part, fc) in [("down", "fc1"), ("up", "fc2")] {
                    all.push(names(
                        format!("{ours}.squeeze.{part}"),
                        [format!("{theirs}.se_module.{fc}"), format!("{theirs}.conv_{part}")],
                    ));
                }
            }
        }
    }
    all
}

/// The names of the widespread PyTorch version.
fn resnet9() -> Vec<Names> {
    let mut all = Vec::new();
    let mut layer = |ours: String, theirs: String| {
        all.push(names(format!("{ours}.conv"), [format!("{theirs}.0")]));
        all.push(names(format!("{ours}.norm"), [format!("{theirs}.1")]));
    };
    for conv in 0..4 {
        layer(format!("convs.{conv}"), format!("conv{}", conv + 1));
    }
    for pair in 0..2 {
        for conv in 0..2 {
            layer(format!("pairs.{pair}.{conv}"), format!("res{}.{conv}", pair + 1));
        }
    }
    all
}

/// torchvision numbers convolutions, normalisations, ReLUs and pools in one sequence.
fn vgg(depth: [usize; 5], norm: bool, dense: usize) -> Vec<Names> {
    let mut all = Vec::new();
    let mut at = 0;
    for (stage, count) in depth.into_iter().enumerate() {
        for conv in 0..count {
            let ours = format!("convs.stages.{stage}.{conv}");
            all.push(names(format!("{ours}.conv"), [format!("features.{at}")]));
            if norm {
                all.push(names(format!("{ours}.norm"), [format!("features.{}", at + 1)]));
            }
            at += if norm { 3 } else { 2 };
        }
        at += 1;
    }
    all.extend(hidden(dense, 0));
    all
}

fn alexnet(dense: usize) -> Vec<Names> {
    let convs = [0, 3, 6, 8, 10].into_iter().enumerate();
    let conv =
        |(ours, theirs)| names(format!("convs.layers.{ours}.conv"), [format!("features.{theirs}")]);
    convs.map(conv).chain(hidden(dense, 1)).collect()
}

/// The hidden dense layers; each is numbered together with a ReLU and a dropout, `first` of which precede it.
fn hidden(count: usize, first: usize) -> impl Iterator<Item = Names> {
    (0..count).map(move |layer| {
        names(format!("dense.layers.{layer}"), [format!("classifier.{}", first + 3 * layer)])
    })
}
