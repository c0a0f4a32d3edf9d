//! Every architecture once, at a reduced width, for tests.

use burn::module::Module as _;
use burn::tensor::{Device, Distribution, Tensor};
use emocue_models::label::{FER_7, FERPLUS_8};
use emocue_quantize::onnx::GraphError;

use super::noise::Noise;
use super::spec::NetSpec;
use super::{Network, drawing};

/// Every architecture of [`NetSpec::zoo`] as an ONNX graph with two heads; batch normalisation has the statistics of
/// random pictures.
///
/// # Errors
/// [`GraphError`] when an architecture is invalid.
pub fn graphs(share: usize) -> Result<Vec<(NetSpec, Vec<u8>)>, GraphError> {
    let device = Device::flex().autodiff();
    let export = |spec: NetSpec| {
        let guard = drawing();
        device.seed(1);
        let net = Network::new(&spec, &[FERPLUS_8, FER_7], &device);
        let shape = [8, 1, spec.side(), spec.side()];
        for _ in 0..8 {
            let luma = Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device);
            net.forward(luma, &mut Noise::off());
        }
        drop(guard);
        let onnx = net.valid().export(0)?.to_bytes();
        Ok((spec, onnx))
    };
    NetSpec::zoo(share).into_iter().map(export).collect()
}

impl NetSpec {
    /// Every architecture with its usual width divided by `share`, so that all run in seconds; both values of every
    /// boolean setting occur.
    pub fn zoo(share: usize) -> Vec<Self> {
        let narrow = |width: usize| (width / share).max(1);
        let (side, width, dropout) = (48, narrow(64), 0.5);
        vec![
            Self::Badge { width: narrow(32), dropout: 0.1 },
            Self::MiniXception { width: narrow(8), branches: 1 },
            Self::MiniXception { width: narrow(8), branches: 2 },
            Self::Resnet9 { width, dropout: 0.2 },
            Self::Resnet18 { side, width, stem: 3, dropout: 0.0 },
            Self::Resnet50 { side, width, stem: 7, dropout: 0.0 },
            Self::Senet50 { side, width, stem: 7, dropout: 0.2 },
            Self::Vgg16 { side, width, batch_norm: true, dense: vec![], dropout },
            Self::Vgg19 { side, width, batch_norm: false, dense: vec![narrow(4096); 2], dropout },
            Self::Alexnet { side: 96, width, dense: vec![narrow(4096); 2], dropout },
            Self::PlainCnn { width: narrow(32), convs: 4, dense: narrow(256), dropout },
            Self::Pramerdorfer { width: narrow(32), dropout: 0.3 },
        ]
    }
}
