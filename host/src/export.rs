//! From trained weights to an ONNX graph with batch norm folded into the convolutions.

use burn::tensor::Tensor;
use emocue_models::label::{FER_7, FERPLUS_8, LabelSet};

use crate::data::SIDE;
use crate::net::badge::{BadgeNet, Block, ConvNorm};
use crate::onnx::{Array, Conv, Dim, GraphBuilder, GraphError, Model, Pool, Value};

/// The head that becomes the graph's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Head {
    /// Eight FER+ classes: the badge's answer.
    #[value(name = "ferplus-8")]
    Ferplus,
    /// FER2013's seven classes, for comparison.
    #[value(name = "fer-7")]
    Fer,
}

impl Head {
    /// The classes of the head's logits.
    pub fn labels(self) -> LabelSet {
        match self {
            Self::Ferplus => FERPLUS_8,
            Self::Fer => FER_7,
        }
    }
}

/// The graph of one head: `luma` `[N,1,48,48]` (normalised) to `logits` `[N,classes]`.
///
/// # Errors
/// [`GraphError`] when the weights do not form a graph; a [`BadgeNet`]'s always do.
pub fn export(net: &BadgeNet, head: Head) -> Result<Model, GraphError> {
    let mut graph = GraphBuilder::new("emocue-badge");
    let side = Dim::Fixed(SIDE);
    let luma = graph.input("luma", &[Dim::BATCH, Dim::Fixed(1), side, side]);
    let stem = conv_norm(&mut graph, "stem", &luma, &net.stem);
    let mut x = graph.relu("stem.relu", &stem);
    for (number, stage) in net.stages.iter().enumerate() {
        if number > 0 {
            x = graph.max_pool(&format!("pool{number}"), &x, Pool::square(2, 2));
        }
        for (index, part) in stage.blocks.iter().enumerate() {
            x = block(&mut graph, &format!("stage{number}.block{index}"), &x, part);
        }
    }
    let pooled = graph.global_average_pool("mean", &x);
    let features = graph.flatten("features", &pooled);
    let dense = match head {
        Head::Ferplus => &net.ferplus,
        Head::Fer => &net.fer,
    };
    // burn keeps `[in, out]`, ONNX with transB `[out, in]`.
    let [inputs, outputs] = dense.weight.val().dims();
    let weight = values(dense.weight.val().swap_dims(0, 1));
    let bias = dense.bias.as_ref().map_or(vec![0.0; outputs], |bias| values(bias.val()));
    let logits = graph.dense("logits", &features, Array::new(&[outputs, inputs], &weight), &bias);
    graph.output(&logits, &[Dim::BATCH, Dim::Fixed(outputs)]);
    graph.finish()
}

fn block(graph: &mut GraphBuilder, name: &str, x: &Value, block: &Block) -> Value {
    let first = conv_norm(graph, &format!("{name}.first"), x, &block.first);
    let middle = graph.relu(&format!("{name}.first.relu"), &first);
    let second = conv_norm(graph, &format!("{name}.second"), &middle, &block.second);
    let sum = match &block.shortcut {
        Some(part) => {
            let straight = conv_norm(graph, &format!("{name}.shortcut"), x, part);
            graph.add(&format!("{name}.add"), &second, &straight)
        }
        None => graph.add(&format!("{name}.add"), &second, x),
    };
    graph.relu(&format!("{name}.relu"), &sum)
}

/// `gamma * (conv(x) - mean) / sqrt(var + eps) + beta` as one convolution with bias.
fn conv_norm(graph: &mut GraphBuilder, name: &str, x: &Value, part: &ConvNorm) -> Value {
    let shape = part.conv.weight.val().dims();
    let mut weight = values(part.conv.weight.val());
    let norm = &part.norm;
    let (gamma, beta) = (values(norm.gamma.val()), values(norm.beta.val()));
    let (mean, var) = (values(norm.running_mean.value()), values(norm.running_var.value()));
    let per_channel = weight.len() / shape[0];
    let mut bias = Vec::with_capacity(shape[0]);
    for (channel, kernel) in weight.chunks_exact_mut(per_channel).enumerate() {
        let factor = f64::from(gamma[channel]) / (f64::from(var[channel]) + norm.epsilon).sqrt();
        kernel.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
        bias.push((f64::from(beta[channel]) - f64::from(mean[channel]) * factor) as f32);
    }
    let how = Conv { stride: part.conv.stride, pad: [shape[2] / 2, shape[3] / 2], groups: 1 };
    graph.conv(name, x, Array::new(&shape, &weight), Some(&bias), how)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[cfg(test)]
mod tests {
    use burn::module::{Module, ModuleMapper, Param};
    use burn::tensor::{Device, TensorData};
    use emocue_models::run::Session;

    use super::*;
    use crate::data::PIXELS;

    /// Makes every batch norm matter: no gamma 1, no variance 1.
    struct Shake(u32);

    impl ModuleMapper for Shake {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|value| {
                let shape = value.dims();
                let device = value.device();
                let noise: Vec<f32> = (0..shape.iter().product())
                    .map(|_| {
                        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        0.8 + 0.4 * (self.0 >> 8) as f32 / (1 << 24) as f32
                    })
                    .collect();
                value * Tensor::from_data(TensorData::new(noise, shape), &device)
            })
        }
    }

    #[test]
    fn tract_runs_the_exported_graph_like_burn() {
        let device = Device::flex();
        device.seed(7);
        let net = BadgeNet::new(8, &device).valid().map(&mut Shake(1));
        let input: Vec<f32> = (0..PIXELS).map(|i| (i * 37 % 256) as f32 / 64.0 - 2.0).collect();
        let shape = [1, 1, SIDE, SIDE];
        let luma = Tensor::<4>::from_data(TensorData::new(input.clone(), shape), &device);
        let logits = net.forward(luma, None);
        for (head, expected) in [(Head::Ferplus, logits.ferplus), (Head::Fer, logits.fer)] {
            let model = export(&net, head).unwrap();
            let session = Session::load("test", &model.to_bytes(), &shape).unwrap();
            let outputs = session.run(|target| target.copy_from_slice(&input)).unwrap();
            let got = outputs.get(0).unwrap();
            let expected = values(expected);
            assert_eq!(got.len(), head.labels().len());
            let scale = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
            for (a, b) in got.iter().zip(&expected) {
                assert!((a - b).abs() <= 1e-4 * scale, "{got:?} {expected:?}");
            }
        }
    }
}
