//! Networks as ONNX graphs.

use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear};
use burn::tensor::Tensor;

use super::{Graph, Pool, padding};
use emocue_quantize::onnx::{Array, Attribute, Conv, GraphBuilder, Value};

/// Writes every operator into a [`GraphBuilder`], with batch normalisation folded into the layer
/// before it and without dropout.
pub struct Onnx<'a> {
    graph: &'a mut GraphBuilder,
}

impl<'a> Onnx<'a> {
    /// Appends to `graph`.
    pub fn new(graph: &'a mut GraphBuilder) -> Self {
        Self { graph }
    }

    fn write(&mut self, name: &str, x: &Value, conv: &Conv2d, kernel: &Kernel) -> Value {
        let how = Conv { stride: conv.stride, pad: padding(conv), groups: conv.groups };
        let weight = Array::new(&kernel.shape, &kernel.weight);
        self.graph.conv(name, x, weight, kernel.bias.as_deref(), how)
    }
}

/// A layer's weights, output channels outermost.
struct Kernel {
    shape: Vec<usize>,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Kernel {
    fn of_conv(conv: &Conv2d) -> Self {
        let weight = conv.weight.val();
        Self {
            shape: weight.dims().to_vec(),
            weight: values(weight),
            bias: conv.bias.as_ref().map(|bias| values(bias.val())),
        }
    }

    /// burn stores `[in, out]`, ONNX with transB `[out, in]`.
    fn of_dense(dense: &Linear) -> Self {
        let weight = dense.weight.val().swap_dims(0, 1);
        Self {
            shape: weight.dims().to_vec(),
            weight: values(weight),
            bias: dense.bias.as_ref().map(|bias| values(bias.val())),
        }
    }

    /// `gamma * (layer(x) - mean) / sqrt(var + eps) + beta` as one layer with bias.
    fn fold(mut self, norm: &BatchNorm) -> Self {
        let affine = affine(norm);
        let size = self.weight.len() / self.shape[0].max(1);
        let mut bias = Vec::with_capacity(self.shape[0]);
        let kernels = self.weight.chunks_exact_mut(size.max(1)).enumerate();
        for ((channel, kernel), (factor, offset)) in kernels.zip(affine) {
            kernel.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
            let before = self.bias.as_ref().map_or(0.0, |bias| f64::from(bias[channel]));
            bias.push((before * factor + offset) as f32);
        }
        self.bias = Some(bias);
        self
    }
}

/// Batch normalisation as `factor * x + offset` for each channel.
fn affine(norm: &BatchNorm) -> Vec<(f64, f64)> {
    let (gamma, beta) = (values(norm.gamma.val()), values(norm.beta.val()));
    let (mean, var) = (values(norm.running_mean.value()), values(norm.running_var.value()));
    let channel = |c: usize| {
        let factor = f64::from(gamma[c]) / (f64::from(var[c]) + norm.epsilon).sqrt();
        (factor, f64::from(beta[c]) - f64::from(mean[c]) * factor)
    };
    (0..gamma.len()).map(channel).collect()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

impl Graph for Onnx<'_> {
    type Value = Value;

    fn conv(&mut self, name: &str, x: &Value, conv: &Conv2d) -> Value {
        self.write(name, x, conv, &Kernel::of_conv(conv))
    }

    /// A depthwise 1x1 convolution, which every runtime and quantizer supports.
    fn norm(&mut self, name: &str, x: &Value, norm: &BatchNorm) -> Value {
        let (factors, offsets): (Vec<f32>, Vec<f32>) =
            affine(norm).into_iter().map(|(f, o)| (f as f32, o as f32)).unzip();
        let groups = factors.len();
        let shape = [groups, 1, 1, 1];
        let weight = Array::new(&shape, &factors);
        let how = Conv { groups, ..Conv::default() };
        self.graph.conv(name, x, weight, Some(&offsets), how)
    }

    fn conv_norm(&mut self, name: &str, x: &Value, conv: &Conv2d, norm: &BatchNorm) -> Value {
        self.write(name, x, conv, &Kernel::of_conv(conv).fold(norm))
    }

    fn relu(&mut self, name: &str, x: &Value) -> Value {
        self.graph.relu(name, x)
    }

    fn sigmoid(&mut self, name: &str, x: &Value) -> Value {
        self.graph.sigmoid(name, x)
    }

    fn add(&mut self, name: &str, a: &Value, b: &Value) -> Value {
        self.graph.add(name, a, b)
    }

    fn mul(&mut self, name: &str, x: &Value, gate: &Value) -> Value {
        self.graph.node("Mul", name, &[x, gate], &[])
    }

    fn concat(&mut self, name: &str, a: &Value, b: &Value) -> Value {
        self.graph.node("Concat", name, &[a, b], &[("axis", Attribute::Int(1))])
    }

    fn max_pool(&mut self, name: &str, x: &Value, how: Pool) -> Value {
        self.graph.max_pool(name, x, how)
    }

    fn average_pool(&mut self, name: &str, x: &Value, how: Pool) -> Value {
        self.graph.average_pool(name, x, how)
    }

    fn double(&mut self, name: &str, x: &Value) -> Value {
        self.graph.enlarge(name, x, [2, 2])
    }

    fn global_average(&mut self, name: &str, x: &Value) -> Value {
        self.graph.global_average_pool(name, x)
    }

    fn global_max(&mut self, name: &str, x: &Value) -> Value {
        self.graph.node("GlobalMaxPool", name, &[x], &[])
    }

    fn flatten(&mut self, name: &str, x: &Value) -> Value {
        self.graph.flatten(name, x)
    }

    fn dense(&mut self, name: &str, x: &Value, dense: &Linear) -> Value {
        let Kernel { shape, weight, bias } = Kernel::of_dense(dense);
        let bias = bias.unwrap_or_else(|| vec![0.0; shape[0]]);
        self.graph.dense(name, x, Array::new(&shape, &weight), &bias)
    }

    fn dropout(&mut self, x: &Value, _: f32) -> Value {
        x.clone()
    }
}
