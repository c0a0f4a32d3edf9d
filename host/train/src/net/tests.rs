use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};
use emocue_data::random::generator;
use emocue_models::label::{FER_7, FERPLUS_8};
use emocue_quantize::GraphSize;
use emocue_run::Session;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::*;

mod gradients;
mod published;

/// Randomises every batch normalisation: no gamma and no variance is 1.
pub(in crate::net) struct Shake(ChaCha8Rng);

impl Shake {
    pub(in crate::net) fn new(seed: u64) -> Self {
        Self(generator(seed, 0, 0))
    }
}

impl ModuleMapper for Shake {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|value| {
            let shape = value.dims();
            let device = value.device();
            let count: usize = shape.iter().product();
            let noise: Vec<f32> = (0..count).map(|_| self.0.random_range(0.8..1.2)).collect();
            value * Tensor::from_data(TensorData::new(noise, shape), &device)
        })
    }
}

/// The heads of the tests.
const LABELS: [LabelSet; 2] = [FERPLUS_8, FER_7];

/// `count` distinct pictures.
pub(in crate::net) fn pictures(count: usize, side: usize) -> Vec<f32> {
    (0..count * side * side).map(|i| (i * 37 % 251) as f32 / 64.0 - 2.0).collect()
}

#[test]
fn tract_runs_every_exported_graph_like_burn() {
    let device = Device::flex();
    for spec in NetSpec::zoo(8) {
        device.seed(7);
        let net = Network::new(&spec, &LABELS, &device).valid().map(&mut Shake::new(1));
        let shape = [1, 1, spec.side(), spec.side()];
        let input = pictures(1, spec.side());
        let luma = Tensor::<4>::from_data(TensorData::new(input.clone(), shape), &device);
        for (head, expected) in net.forward(luma, &mut Noise::off()).into_iter().enumerate() {
            let model = net.export(head).unwrap();
            let session = Session::load(spec.kind(), &model.to_bytes(), &shape).unwrap();
            let outputs = session.run(|target| target.copy_from_slice(&input)).unwrap();
            let expected: Vec<f32> = expected.into_data().iter::<f32>().collect();
            let scale = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
            assert!(scale > 0.0);
            // The first output of its own graph, the second of the other head's.
            let other = net.export(1 - head).unwrap();
            let other = Session::load(spec.kind(), &other.to_bytes(), &shape).unwrap();
            let others = other.run(|target| target.copy_from_slice(&input)).unwrap();
            assert_eq!((outputs.len(), others.len()), (2, 2));
            for got in [outputs.get(0).unwrap(), others.get(1).unwrap()] {
                assert_eq!(got.len(), LABELS[head].len());
                for (a, b) in got.iter().zip(&expected) {
                    assert!((a - b).abs() <= 1e-4 * scale, "{spec:?}: {got:?} {expected:?}");
                }
            }
        }
    }
}

#[test]
fn a_missing_head_has_no_graph() {
    let spec = NetSpec::Badge { width: 4, dropout: 0.0 };
    let net = Network::new(&spec, &LABELS, &Device::flex());
    assert_eq!(net.export(2).unwrap_err().to_string(), "graph emocue-badge has no output");
}

#[test]
fn an_exported_graph_costs_what_its_network_does() {
    for spec in NetSpec::zoo(8) {
        let net = Network::new(&spec, &[FERPLUS_8], &Device::flex());
        let onnx = net.export(0).unwrap().to_bytes();
        let size = GraphSize::of(&onnx, &[1, 1, spec.side(), spec.side()]).unwrap();
        assert_eq!(size.macs, net.macs(), "{spec:?}");
        // Batch normalisation is folded into convolutions: its factors vanish, its offsets become their biases.
        let of_net = net.num_params() as u64;
        assert!((of_net / 2..=of_net).contains(&size.parameters), "{spec:?}: {size:?}, {of_net}");
    }
}

#[test]
fn the_badges_net_stays_within_its_budget() {
    let spec = NetSpec::Badge { width: 32, dropout: 0.1 };
    let net = Network::new(&spec, &[FERPLUS_8], &Device::flex());
    let (macs, params) = (net.macs(), net.num_params());
    assert!(macs <= 60_000_000 && params <= 800_000, "{macs} MACs, {params} weights");
}
