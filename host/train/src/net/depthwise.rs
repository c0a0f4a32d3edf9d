//! Depthwise 3x3 convolution for training on the CPU: forward and backward in one pass over each map.
//!
//! burn computes the gradients of a grouped convolution group by group, which costs more than all other layers of a
//! network of depthwise convolutions.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::nn::conv::Conv2d;
use burn::tensor::{DType, Tensor};
use pulp::{Arch, Simd, WithSimd};

use super::flex::{is_on_flex, tensor, values};
use super::graph::padding;

/// Side of the kernel.
const K: usize = 3;

/// burn's layer on `x` `[n,c,h,w]` with `weight` in place of its own, where it is a depthwise 3x3 of stride 1 with a bias
/// and runs on the CPU in `f32`; `None` for every other layer.
pub(super) fn apply(layer: &Conv2d, weight: &Tensor<4>, x: &Tensor<4>) -> Option<Tensor<4>> {
    let [channels, each, height, width] = weight.dims();
    let fits = layer.groups == channels
        && (each, height, width) == (1, K, K)
        && (layer.stride, layer.dilation, padding(layer)) == ([1, 1], [1, 1], [1, 1])
        && !x.dims().contains(&0)
        && x.dtype() == DType::F32;
    let bias = layer.bias.as_ref().filter(|_| fits)?;
    let x = x.clone().into_dispatch();
    if !is_on_flex(&x) {
        return None;
    }
    let (weight, bias) = (weight.clone().into_dispatch(), bias.val().into_dispatch());
    Some(Tensor::from_dispatch(Dispatch::depthwise(x, weight, bias)))
}

#[backend_extension(Flex, Autodiff)]
trait Depthwise: Backend {
    /// `x` `[n,c,h,w]`, `weight` `[c,1,3,3]`, `bias` `[c]` to `[n,c,h,w]`, with a border of zeros.
    fn depthwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

impl Depthwise for Flex {
    fn depthwise(x: FlexTensor, weight: FlexTensor, bias: FlexTensor) -> FlexTensor {
        let shape @ [_, _, height, width] = x.shape().dims();
        let [x, weight, bias] = [x, weight, bias].map(|tensor| tensor.to_contiguous());
        let (kernels, _) = values(&weight).as_chunks::<{ K * K }>();
        tensor(forward(values(&x), kernels, values(&bias), [height, width]), shape)
    }
}

impl<C: CheckpointStrategy> Depthwise for Autodiff<Flex, C> {
    fn depthwise(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let run = |x: FloatTensor<Self>, weight: FloatTensor<Self>, bias: FloatTensor<Self>| {
            Flex::depthwise(x.into_primitive(), weight.into_primitive(), bias.into_primitive())
        };
        match DepthwiseBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&x), prep.checkpoint(&weight));
                prep.finish(state, run(x, weight, bias))
            }
            OpsKind::UnTracked(prep) => prep.finish(run(x, weight, bias)),
        }
    }
}

#[derive(Debug)]
struct DepthwiseBackward;

impl Backward<Flex, 3> for DepthwiseBackward {
    type State = (NodeId, NodeId);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        checkpointer: &mut Checkpointer,
    ) {
        let (x, weight) = ops.state;
        let [x_node, weight_node, bias_node] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let x = checkpointer.retrieve_node_output::<FlexTensor>(x).to_contiguous();
        let weight = checkpointer.retrieve_node_output::<FlexTensor>(weight).to_contiguous();
        let shape @ [_, channels, height, width] = x.shape().dims();
        if let Some(node) = x_node {
            // The gradient of the picture is the gradient of the result convolved with the flipped kernel.
            let (kernels, _) = values(&weight).as_chunks::<{ K * K }>();
            let turned: Vec<[f32; K * K]> = kernels.iter().copied().map(turned).collect();
            let out = forward(values(&grad), &turned, &vec![0.0; channels], [height, width]);
            grads.register::<Flex>(node.id, tensor(out, shape));
        }
        let (kernels, biases) =
            weight_gradient(values(&x), values(&grad), channels, [height, width]);
        if let Some(node) = weight_node {
            grads.register::<Flex>(node.id, tensor(kernels, [channels, 1, K, K]));
        }
        if let Some(node) = bias_node {
            grads.register::<Flex>(node.id, tensor(biases, [channels]));
        }
    }
}

fn turned(mut kernel: [f32; K * K]) -> [f32; K * K] {
    kernel.reverse();
    kernel
}

/// Values that are computed in parallel (SIMD lanes).
const LANES: usize = 16;

/// A zero-padded map, reused for its allocation. Rows end in enough zeros that whole [`LANES`] can be read from any
/// position.
struct Bordered {
    values: Vec<f32>,
    width: usize,
    pitch: usize,
}

impl Bordered {
    fn new([height, width]: [usize; 2]) -> Self {
        let pitch = width.next_multiple_of(LANES) + K - 1;
        Self { values: vec![0.0; (height + K - 1) * pitch], width, pitch }
    }

    fn fill(&mut self, plane: &[f32]) {
        let rows = self.values.chunks_exact_mut(self.pitch).skip(1);
        for (row, from) in rows.zip(plane.chunks_exact(self.width)) {
            row[1..=self.width].copy_from_slice(from);
        }
    }

    /// The rows that the kernel reads for the result's row `row`.
    #[inline(always)]
    fn rows(&self, row: usize) -> [&[f32]; K] {
        [self.row(row), self.row(row + 1), self.row(row + 2)]
    }

    #[inline(always)]
    fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.pitch..][..self.pitch]
    }
}

/// The lanes of a row from `at` on.
#[inline(always)]
fn lanes(row: &[f32], at: usize) -> [f32; LANES] {
    let mut lanes = [0.0; LANES];
    lanes.copy_from_slice(&row[at..at + LANES]);
    lanes
}

fn forward(x: &[f32], kernels: &[[f32; K * K]], bias: &[f32], size: [usize; 2]) -> Vec<f32> {
    let plane = size[0] * size[1];
    let mut out = vec![0.0; x.len()];
    let mut bordered = Bordered::new(size);
    let planes = x.chunks_exact(plane).zip(out.chunks_exact_mut(plane)).enumerate();
    for (index, (x, out)) in planes {
        let channel = index % kernels.len();
        bordered.fill(x);
        let (kernel, bias) = (&kernels[channel], bias[channel]);
        Arch::new().dispatch(Convolve { x: &bordered, kernel, bias, out });
    }
    out
}

/// Writes one map of the result. It has no closures, since they would not be compiled for the processor's widest
/// vectors.
struct Convolve<'a> {
    x: &'a Bordered,
    kernel: &'a [f32; K * K],
    bias: f32,
    out: &'a mut [f32],
}

impl WithSimd for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, kernel, bias, out } = self;
        for (row, out) in out.chunks_exact_mut(x.width).enumerate() {
            let rows = x.rows(row);
            for (chunk, out) in out.chunks_mut(LANES).enumerate() {
                let mut sums = [bias; LANES];
                for y in 0..K {
                    for column in 0..K {
                        let (x, tap) =
                            (lanes(rows[y], chunk * LANES + column), kernel[K * y + column]);
                        for lane in 0..LANES {
                            sums[lane] = tap.mul_add(x[lane], sums[lane]);
                        }
                    }
                }
                out.copy_from_slice(&sums[..out.len()]);
            }
        }
    }
}

/// Gradients `[c,1,3,3]` and `[c]` of weight and bias.
fn weight_gradient(
    x: &[f32],
    grad: &[f32],
    channels: usize,
    size: [usize; 2],
) -> (Vec<f32>, Vec<f32>) {
    let plane = size[0] * size[1];
    let mut kernels = vec![0.0; channels * K * K];
    let mut biases = vec![0.0; channels];
    let (mut bordered, mut above) = (Bordered::new(size), Bordered::new(size));
    for (index, (x, grad)) in x.chunks_exact(plane).zip(grad.chunks_exact(plane)).enumerate() {
        let channel = index % channels;
        bordered.fill(x);
        above.fill(grad);
        let kernel = &mut kernels[channel * K * K..][..K * K];
        let (x, grad, height) = (&bordered, &above, size[0]);
        biases[channel] += Arch::new().dispatch(Correlate { x, grad, height, kernel });
    }
    (kernels, biases)
}

/// Adds to each tap the correlation of the map and the gradient at that tap; returns the gradient's sum.
struct Correlate<'a> {
    x: &'a Bordered,
    grad: &'a Bordered,
    height: usize,
    kernel: &'a mut [f32],
}

impl WithSimd for Correlate<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f32 {
        let Self { x, grad, height, kernel } = self;
        let mut taps = [[0.0_f32; LANES]; K * K];
        let mut sums = [0.0_f32; LANES];
        for row in 0..height {
            let (rows, grads) = (x.rows(row), grad.rows(row)[1]);
            for at in (0..x.width).step_by(LANES) {
                // Skips the gradient's left border.
                let grad = lanes(grads, at + 1);
                for lane in 0..LANES {
                    sums[lane] += grad[lane];
                }
                for y in 0..K {
                    for column in 0..K {
                        let (x, tap) = (lanes(rows[y], at + column), &mut taps[K * y + column]);
                        for lane in 0..LANES {
                            tap[lane] = grad[lane].mul_add(x[lane], tap[lane]);
                        }
                    }
                }
            }
        }
        for (to, tap) in kernel.iter_mut().zip(&taps) {
            *to += tap.iter().sum::<f32>();
        }
        sums.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Param;
    use burn::nn::conv::Conv2dConfig;
    use burn::tensor::{Device, TensorData, module, ops::ConvOptions};

    use super::*;
    use crate::net::layers::pad;

    fn values_of(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0).collect()
    }

    #[test]
    fn answers_and_gradients_are_burns() {
        let device = Device::flex().autodiff();
        for [n, channels, height, width] in [[2, 3, 7, 21], [1, 4, 1, 1], [3, 2, 40, 33]] {
            let mut layer = Conv2dConfig::new([channels, channels], [K, K])
                .with_groups(channels)
                .with_padding(pad(1))
                .init(&device);
            let weight = TensorData::new(values_of(channels * 9, 3), [channels, 1, K, K]);
            layer.weight = Param::from_data(weight, &device);
            layer.bias = Some(Param::from_data(
                TensorData::new(values_of(channels, 5), [channels]),
                &device,
            ));
            let shape = [n, channels, height, width];
            let count = n * channels * height * width;
            let run = |own: bool| {
                let x = TensorData::new(values_of(count, 1), shape);
                let x = Tensor::<4>::from_data(x, &device).require_grad();
                let out = if own {
                    apply(&layer, &layer.weight.val(), &x).unwrap()
                } else {
                    let how = ConvOptions::new([1, 1], [1, 1], [1, 1], channels);
                    let bias = layer.bias.as_ref().map(|bias| bias.val());
                    module::conv2d(x.clone(), layer.weight.val(), bias, how)
                };
                let weights = TensorData::new(values_of(count, 9), shape);
                let loss = (out.clone() * Tensor::from_data(weights, &device)).sum();
                let grads = loss.backward();
                let read = |data: TensorData| data.iter::<f32>().collect::<Vec<f32>>();
                [
                    read(out.into_data()),
                    read(x.grad(&grads).unwrap().into_data()),
                    read(layer.weight.val().grad(&grads).unwrap().into_data()),
                    read(layer.bias.as_ref().unwrap().val().grad(&grads).unwrap().into_data()),
                ]
            };
            for (own, burns) in run(true).iter().zip(&run(false)) {
                assert_eq!(own.len(), burns.len());
                for (a, b) in own.iter().zip(burns) {
                    assert!((a - b).abs() <= 1e-3 * b.abs().max(1.0), "{shape:?}: {a} {b}");
                }
            }
        }
    }

    #[test]
    fn other_layers_are_left_to_burn() {
        let device = Device::flex();
        let x = Tensor::<4>::zeros([1, 4, 8, 8], &device);
        let config = || Conv2dConfig::new([4, 4], [3, 3]).with_padding(pad(1));
        let strided = config().with_groups(4).with_stride([2, 2]);
        for config in [config(), strided, config().with_groups(4).with_bias(false)] {
            let layer = config.init(&device);
            assert!(apply(&layer, &layer.weight.val(), &x).is_none(), "{layer}");
        }
    }
}
