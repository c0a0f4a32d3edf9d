//! Initial weights from a graph that this program exported, in which batch normalisation is folded into convolutions.
//!
//! Training needs the normalisation, so it is unfolded with a sample of pictures: a layer's statistics are those of its
//! values on the sample, and its factor and offset undo them, so that network and graph agree on the sample.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear};
use burn::tensor::{Device, Tensor, TensorData};
use emocue_data::model::metadata;
use emocue_quantize::onnx::{Constant, OnnxGraph, Pool};

use super::{Mismatch, Place, TransferError, TransferReport, some};
use crate::net::graph::{Graph, Tensors};
use crate::net::head::LOGITS;
use crate::net::noise::Noise;
use crate::net::{Network, conv};

/// Loads into `net` the weights of the exported graph in `file`, and its heads of common label sets. `sample`
/// `[N,1,S,S]` is normalised luma with the training's augmentation, on a device without autodiff.
///
/// # Errors
/// [`TransferError`] when the graph cannot be read or nothing in it fits.
pub fn transfer_graph(
    net: Network,
    file: &Path,
    onnx: &[u8],
    sample: &Tensor<4>,
) -> Result<(Network, TransferReport), TransferError> {
    let metadata = metadata::read(onnx)?;
    let constants = OnnxGraph::read(onnx)?.constants;
    let measured = net.valid();
    let mut noise = Noise::off();
    let mut unfold = Unfold {
        constants: &constants,
        found: HashMap::new(),
        report: TransferReport::default(),
        seen: BTreeSet::new(),
        inner: Tensors::new(&mut noise),
    };
    let features = measured.body.forward(&mut unfold, sample);
    for (labels, head) in measured.labels.iter().zip(&measured.heads) {
        let place = metadata.heads.iter().position(|theirs| theirs == labels);
        let name = match place {
            Some(0) => LOGITS,
            Some(_) => labels.id,
            None => continue,
        };
        head.forward(&mut unfold, &features, name);
    }
    let Unfold { found, mut report, seen, .. } = unfold;
    let unused = constants.keys().filter(|name| !seen.contains(*name));
    report.unused = unused.cloned().collect();
    if report.matched.is_empty() {
        let theirs: Vec<String> = constants.keys().cloned().collect();
        let ours = report.missing.clone();
        return Err(TransferError::NothingMatched {
            path: file.to_owned(),
            kind: net.spec().kind(),
            theirs: some(&theirs),
            ours: some(&ours),
        });
    }
    let mut put = Put { place: Place::default(), found, current: BTreeMap::new() };
    Ok((net.map(&mut put), report))
}

/// A layer's tensors by their names in burn.
type LayerTensors = BTreeMap<&'static str, Vec<f32>>;

/// Computes with the graph's weights, and collects the tensors with which the network's layers do the same.
struct Unfold<'a> {
    constants: &'a BTreeMap<String, Constant>,
    /// By the identifier of a layer's first parameter.
    found: HashMap<ParamId, LayerTensors>,
    report: TransferReport,
    /// Names of constants that belong to a layer.
    seen: BTreeSet<String>,
    inner: Tensors<'a>,
}

impl Unfold<'_> {
    /// The weight, of `shape`, and the bias of the layer `name`.
    fn layer(&mut self, name: &str, shape: &[usize]) -> Option<(Vec<f32>, Vec<f32>)> {
        let (weight, bias) = (format!("{name}.weight"), format!("{name}.bias"));
        let Some(constant) = self.constants.get(&weight).filter(|c| c.floats().is_some()) else {
            self.report.missing.push(weight);
            return None;
        };
        if constant.shape != shape {
            let (expected, actual) = (shape.to_vec(), constant.shape.clone());
            self.seen.insert(weight.clone());
            self.report.mismatched.push(Mismatch { name: weight, expected, actual });
            return None;
        }
        let floats = |name: &str| self.constants.get(name).and_then(Constant::floats);
        let values = floats(&weight).unwrap_or_default().to_vec();
        let mut offsets = floats(&bias).unwrap_or_default().to_vec();
        offsets.resize(shape[0], 0.0);
        self.report.matched.push(weight.clone());
        self.seen.extend([weight, bias]);
        Some((values, offsets))
    }

    fn keep(&mut self, id: ParamId, tensors: LayerTensors) {
        self.found.insert(id, tensors);
    }

    /// Stores a normalisation whose result on values with the statistics of `x` is `factors * x + offsets`.
    fn keep_norm(&mut self, norm: &BatchNorm, x: &Tensor<4>, factors: &[f32], offsets: &[f32]) {
        let (mean, var) = statistics(x);
        let epsilon = norm.epsilon as f32;
        let gamma = factors.iter().zip(&var).map(|(factor, var)| factor * (var + epsilon).sqrt());
        let beta = offsets.iter().zip(factors).zip(&mean).map(|((o, f), mean)| o + f * mean);
        let tensors = [
            ("gamma", gamma.collect()),
            ("beta", beta.collect()),
            ("running_mean", mean.clone()),
            ("running_var", var.clone()),
        ];
        self.keep(norm.gamma.id, tensors.into());
    }
}

/// Mean and biased variance of every channel.
fn statistics(x: &Tensor<4>) -> (Vec<f32>, Vec<f32>) {
    let [_, channels, _, _] = x.dims();
    let rows = x.clone().swap_dims(0, 1).reshape([channels as i32, -1]);
    let (var, mean) = rows.var_mean_bias(1);
    let values = |tensor: Tensor<2>| tensor.into_data().iter::<f32>().collect();
    (values(mean), values(var))
}

/// One value for each channel, in a shape that broadcasts.
fn channels(values: &[f32], device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values.to_vec(), [1, values.len(), 1, 1]), device)
}

impl Graph for Unfold<'_> {
    type Value = Tensor<4>;

    fn conv(&mut self, name: &str, x: &Tensor<4>, conv: &Conv2d) -> Tensor<4> {
        let shape: [usize; 4] = conv.weight.lazy_shape().dims();
        let Some((weight, bias)) = self.layer(name, &shape) else {
            return self.inner.conv(name, x, conv);
        };
        self.keep(conv.weight.id, [("weight", weight.clone()), ("bias", bias.clone())].into());
        convolved(conv, weight, shape, x) + channels(&bias, &x.device())
    }

    fn norm(&mut self, name: &str, x: &Tensor<4>, norm: &BatchNorm) -> Tensor<4> {
        let [count] = norm.gamma.lazy_shape().dims();
        let Some((factors, offsets)) = self.layer(name, &[count, 1, 1, 1]) else {
            return self.inner.norm(name, x, norm);
        };
        self.keep_norm(norm, x, &factors, &offsets);
        x.clone() * channels(&factors, &x.device()) + channels(&offsets, &x.device())
    }

    fn conv_norm(
        &mut self,
        name: &str,
        x: &Tensor<4>,
        conv: &Conv2d,
        norm: &BatchNorm,
    ) -> Tensor<4> {
        let shape: [usize; 4] = conv.weight.lazy_shape().dims();
        let Some((weight, bias)) = self.layer(name, &shape) else {
            return self.inner.conv_norm(name, x, conv, norm);
        };
        // A bias of its own would count twice.
        let none = vec![0.0; bias.len()];
        self.keep(conv.weight.id, [("weight", weight.clone()), ("bias", none)].into());
        let y = convolved(conv, weight, shape, x);
        self.keep_norm(norm, &y, &vec![1.0; bias.len()], &bias);
        y + channels(&bias, &x.device())
    }

    fn relu(&mut self, name: &str, x: &Tensor<4>) -> Tensor<4> {
        self.inner.relu(name, x)
    }

    fn sigmoid(&mut self, name: &str, x: &Tensor<4>) -> Tensor<4> {
        self.inner.sigmoid(name, x)
    }

    fn add(&mut self, name: &str, a: &Tensor<4>, b: &Tensor<4>) -> Tensor<4> {
        self.inner.add(name, a, b)
    }

    fn mul(&mut self, name: &str, x: &Tensor<4>, gate: &Tensor<4>) -> Tensor<4> {
        self.inner.mul(name, x, gate)
    }

    fn concat(&mut self, name: &str, a: &Tensor<4>, b: &Tensor<4>) -> Tensor<4> {
        self.inner.concat(name, a, b)
    }

    fn max_pool(&mut self, name: &str, x: &Tensor<4>, how: Pool) -> Tensor<4> {
        self.inner.max_pool(name, x, how)
    }

    fn average_pool(&mut self, name: &str, x: &Tensor<4>, how: Pool) -> Tensor<4> {
        self.inner.average_pool(name, x, how)
    }

    fn double(&mut self, name: &str, x: &Tensor<4>) -> Tensor<4> {
        self.inner.double(name, x)
    }

    fn global_average(&mut self, name: &str, x: &Tensor<4>) -> Tensor<4> {
        self.inner.global_average(name, x)
    }

    fn global_max(&mut self, name: &str, x: &Tensor<4>) -> Tensor<4> {
        self.inner.global_max(name, x)
    }

    fn flatten(&mut self, name: &str, x: &Tensor<4>) -> Tensor<4> {
        self.inner.flatten(name, x)
    }

    fn dense(&mut self, name: &str, x: &Tensor<4>, dense: &Linear) -> Tensor<4> {
        let [inputs, outputs]: [usize; 2] = dense.weight.lazy_shape().dims();
        let Some((weight, bias)) = self.layer(name, &[outputs, inputs]) else {
            return self.inner.dense(name, x, dense);
        };
        let matrix = TensorData::new(weight, [outputs, inputs]);
        let matrix = Tensor::<2>::from_data(matrix, &x.device()).swap_dims(0, 1);
        let rows = x.clone().reshape([-1, inputs as i32]).matmul(matrix.clone());
        let turned = matrix.into_data().iter::<f32>().collect();
        self.keep(dense.weight.id, [("weight", turned), ("bias", bias.clone())].into());
        let [count, _] = rows.dims();
        rows.reshape([count, outputs, 1, 1]) + channels(&bias, &x.device())
    }

    fn dropout(&mut self, x: &Tensor<4>, drop: f32) -> Tensor<4> {
        self.inner.dropout(x, drop)
    }
}

/// Convolves `x` with another weight and without the layer's bias.
fn convolved(layer: &Conv2d, weight: Vec<f32>, shape: [usize; 4], x: &Tensor<4>) -> Tensor<4> {
    let weight = Tensor::from_data(TensorData::new(weight, shape), &x.device());
    let mut bare = layer.clone();
    bare.bias = None;
    conv::apply(&bare, weight, x.clone())
}

/// Loads the layers' tensors into the network.
struct Put {
    place: Place,
    found: HashMap<ParamId, LayerTensors>,
    /// Tensors of the current layer.
    current: LayerTensors,
}

impl ModuleMapper for Put {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.place.0.last().map(|(name, _)| name.as_str()).unwrap_or_default();
        // A layer's first parameter.
        if matches!(name, "weight" | "gamma") {
            self.current = self.found.remove(&param.id).unwrap_or_default();
        }
        let Some(values) = self.current.remove(name) else { return param };
        let data = TensorData::new(values, param.lazy_shape());
        let tensor = Tensor::from_data(data, &param.lazy_device());
        let id = param.id;
        param.transform_for_load(tensor, id)
    }

    fn enter_module(&mut self, name: &str, container: &str) {
        self.place.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.0.pop();
    }
}

#[cfg(test)]
mod tests {
    use emocue_data::model::metadata::{HEADS, LABELS};
    use emocue_models::label::{FER_7, FERPLUS_8, LabelSet, RAF_7};

    use super::*;
    use crate::net::NetSpec;
    use crate::net::tests::{Shake, pictures};

    const OURS: [LabelSet; 2] = [FERPLUS_8, FER_7];

    fn onnx(net: &Network) -> Vec<u8> {
        let heads = [(LABELS, "ferplus-8"), (HEADS, "[\"ferplus-8\",\"fer-7\"]")];
        net.export(0).unwrap().with_metadata(&heads).to_bytes()
    }

    fn answers(net: &Network, luma: &Tensor<4>) -> Vec<Vec<f32>> {
        let logits = net.forward(luma.clone(), &mut Noise::off());
        logits.into_iter().map(|logits| logits.into_data().iter::<f32>().collect()).collect()
    }

    #[track_caller]
    fn assert_close(kind: &str, a: &[Vec<f32>], b: &[Vec<f32>]) {
        for (a, b) in a.iter().zip(b) {
            let scale = a.iter().fold(0.1f32, |most, value| most.max(value.abs()));
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() < 2e-3 * scale, "{kind}: {a} {b}");
            }
        }
    }

    #[test]
    fn every_architecture_computes_what_its_graph_does_in_training_too() {
        let device = Device::flex();
        for spec in NetSpec::zoo(8) {
            device.seed(7);
            let net = Network::new(&spec, &OURS, &device).valid().map(&mut Shake::new(1));
            let side = spec.side();
            let shape = [6, 1, side, side];
            let luma = Tensor::<4>::from_data(TensorData::new(pictures(6, side), shape), &device);
            device.seed(8);
            let autodiff = device.clone().autodiff();
            let fresh = Network::new(&spec, &OURS, &autodiff);
            let (begun, report) =
                transfer_graph(fresh, Path::new("a.onnx"), &onnx(&net), &luma).unwrap();
            assert_eq!((report.missing.len(), report.mismatched.len()), (0, 0), "{report}");
            assert_eq!(report.unused, Vec::<String>::new(), "{}", spec.kind());
            let expected = answers(&net, &luma);
            assert_close(spec.kind(), &expected, &answers(&begun.valid(), &luma));
            // In training, with the batch's statistics, which are the sample's.
            let batch = Tensor::from_inner(luma).to_device(&autodiff);
            assert_close(spec.kind(), &expected, &answers(&begun, &batch));
        }
    }

    #[test]
    fn other_heads_stay_fresh_and_another_network_is_refused() {
        let device = Device::flex();
        let spec = NetSpec::Badge { width: 8, dropout: 0.0 };
        let net = Network::new(&spec, &OURS, &device);
        let luma = Tensor::<4>::zeros([2, 1, 48, 48], &device);
        let raf = Network::new(&spec, &[RAF_7, FER_7], &device);
        let (_, report) = transfer_graph(raf, Path::new("a"), &onnx(&net), &luma).unwrap();
        assert_eq!(report.unused, ["logits.bias", "logits.weight"]);
        let wide = Network::new(&NetSpec::Badge { width: 12, dropout: 0.0 }, &OURS, &device);
        let error = transfer_graph(wide, Path::new("a"), &onnx(&net), &luma).unwrap_err();
        assert!(error.to_string().starts_with("nothing in a fits a badge"), "{error}");
        let net = Network::new(&spec, &OURS, &device);
        assert!(transfer_graph(net, Path::new("a"), b"not a graph", &luma).is_err());
    }
}
