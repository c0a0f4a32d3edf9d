//! One enum over all architectures.

use burn::module::Module;
use burn::tensor::Device;

use super::alexnet::{self, Alexnet};
use super::badge::BadgeNet;
use super::graph::Graph;
use super::head::Features;
use super::mini_xception::MiniXception;
use super::plain_cnn::PlainCnn;
use super::pramerdorfer::Pramerdorfer;
use super::resnet::{RESNET18, RESNET50, Resnet, SENET50};
use super::resnet9::Resnet9;
use super::spec::NetSpec;
use super::vgg::{self, VGG16, VGG19, Vgg};

/// A network without its heads.
#[derive(Module, Debug)]
pub(super) enum Body {
    Badge(BadgeNet),
    MiniXception(MiniXception),
    Resnet9(Resnet9),
    Resnet(Resnet),
    Vgg(Vgg),
    Alexnet(Alexnet),
    PlainCnn(PlainCnn),
    Pramerdorfer(Pramerdorfer),
}

impl Body {
    /// The body for pictures of `channels` planes, and the features that its heads get.
    pub(super) fn new(spec: &NetSpec, channels: usize, device: &Device) -> (Self, Features) {
        let resnet = |layout, width, stem, dropout| {
            let (net, features) = Resnet::new(layout, channels, width, stem, dropout, device);
            (Self::Resnet(net), features)
        };
        let vgg = |depth, settings| {
            let (net, features) = Vgg::new(depth, channels, settings, device);
            (Self::Vgg(net), features)
        };
        match *spec {
            NetSpec::Badge { width, dropout } => {
                let (net, features) = BadgeNet::new(channels, width, dropout, device);
                (Self::Badge(net), features)
            }
            NetSpec::MiniXception { width, branches } => {
                let (net, features) = MiniXception::new(channels, width, branches, device);
                (Self::MiniXception(net), features)
            }
            NetSpec::Resnet9 { width, dropout } => {
                let (net, features) = Resnet9::new(channels, width, dropout, device);
                (Self::Resnet9(net), features)
            }
            NetSpec::Resnet18 { width, stem, dropout, .. } => {
                resnet(RESNET18, width, stem, dropout)
            }
            NetSpec::Resnet50 { width, stem, dropout, .. } => {
                resnet(RESNET50, width, stem, dropout)
            }
            NetSpec::Senet50 { width, stem, dropout, .. } => resnet(SENET50, width, stem, dropout),
            NetSpec::Vgg16 { side, width, batch_norm, ref dense, dropout } => {
                vgg(VGG16, vgg::VggSettings { side, width, norm: batch_norm, dense, dropout })
            }
            NetSpec::Vgg19 { side, width, batch_norm, ref dense, dropout } => {
                vgg(VGG19, vgg::VggSettings { side, width, norm: batch_norm, dense, dropout })
            }
            NetSpec::Alexnet { side, width, ref dense, dropout } => {
                let settings = alexnet::AlexNetSettings { side, width, dense, dropout };
                let (net, features) = Alexnet::new(channels, settings, device);
                (Self::Alexnet(net), features)
            }
            NetSpec::PlainCnn { width, convs, dense, dropout } => {
                let (net, features) = PlainCnn::new(channels, width, convs, dense, dropout, device);
                (Self::PlainCnn(net), features)
            }
            NetSpec::Pramerdorfer { width, dropout } => {
                let (net, features) = Pramerdorfer::new(channels, width, dropout, device);
                (Self::Pramerdorfer(net), features)
            }
        }
    }

    /// Pictures `[N,channels,S,S]` to features.
    pub(super) fn forward<G: Graph>(&self, graph: &mut G, luma: &G::Value) -> G::Value {
        match self {
            Self::Badge(net) => net.forward(graph, luma),
            Self::MiniXception(net) => net.forward(graph, luma),
            Self::Resnet9(net) => net.forward(graph, luma),
            Self::Resnet(net) => net.forward(graph, luma),
            Self::Vgg(net) => net.forward(graph, luma),
            Self::Alexnet(net) => net.forward(graph, luma),
            Self::PlainCnn(net) => net.forward(graph, luma),
            Self::Pramerdorfer(net) => net.forward(graph, luma),
        }
    }
}
