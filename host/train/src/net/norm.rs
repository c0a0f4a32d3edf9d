//! Batch normalisation for training on the CPU.
//!
//! burn composes it of about twenty passes over the picture and a copy for each sum over a channel. Here it takes two
//! passes forward and two backward.

use super::flex::{is_on_flex, tensor, values};
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::module::RunningState;
use burn::nn::BatchNorm;
use burn::tensor::{DType, Tensor};
use pulp::Arch;

/// Samples that are summed in parallel (SIMD lanes).
const LANES: usize = 16;

/// burn's layer on `x` `[n, channels, h, w]`, running statistics included. In training on the CPU in `f32` it is this
/// module's operator, with its own gradient; elsewhere it is burn's.
pub fn apply(layer: &BatchNorm, x: Tensor<4>) -> Tensor<4> {
    let training = x.device().is_autodiff() && layer.training.is_enabled();
    let empty = x.dims().contains(&0);
    if !training || empty || x.dtype() != DType::F32 || layer.gamma.dtype() != DType::F32 {
        return layer.forward(x);
    }
    let dispatch = x.clone().into_dispatch();
    if !is_on_flex(&dispatch) {
        return layer.forward(x);
    }
    let [_, channels, _, _] = x.dims();
    let statistics =
        Tensor::<2>::from_dispatch(Dispatch::channel_statistics(x.inner().into_dispatch()));
    for (row, running) in [&layer.running_mean, &layer.running_var].into_iter().enumerate() {
        let batch = statistics.clone().narrow(0, row, 1).reshape([channels]);
        follow(running, Tensor::from_inner(batch), layer.momentum);
    }
    let (gamma, beta) = (layer.gamma.val().into_dispatch(), layer.beta.val().into_dispatch());
    let statistics = Tensor::<2>::from_inner(statistics).into_dispatch();
    Tensor::from_dispatch(Dispatch::normalise(dispatch, gamma, beta, statistics, layer.epsilon))
}

/// Moves a running statistic by `momentum` towards the batch's, as burn does.
fn follow(running: &RunningState<Tensor<1>>, batch: Tensor<1>, momentum: f64) {
    let before = running.value_sync().to_device(&batch.device());
    let after = before.mul_scalar(1.0 - momentum).add(batch.mul_scalar(momentum));
    running.update(after.detach());
}

#[backend_extension(Flex)]
trait ChannelStatistics: Backend {
    /// `[n, channels, h, w]` to `[2, channels]`: mean and biased variance.
    fn channel_statistics(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

#[backend_extension(Flex, Autodiff)]
trait Normalise: Backend {
    /// `(x - mean) / sqrt(variance + epsilon) * gamma + beta`, where the statistics `[2, channels]` must be those of
    /// `x`: no gradient flows through that argument, since the gradient of `x` includes it.
    fn normalise(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        statistics: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self>;
}

impl ChannelStatistics for Flex {
    fn channel_statistics(x: FlexTensor) -> FlexTensor {
        let [_, channels, height, width] = x.shape().dims();
        let x = x.to_contiguous();
        tensor(statistics(values(&x), channels, height * width), [2, channels])
    }
}

impl Normalise for Flex {
    fn normalise(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        statistics: FlexTensor,
        epsilon: f64,
    ) -> FlexTensor {
        let shape @ [_, _, height, width] = x.shape().dims();
        let [x, gamma, beta, statistics] =
            [x, gamma, beta, statistics].map(|tensor| tensor.to_contiguous());
        let lines = lines(values(&gamma), values(&beta), values(&statistics), epsilon);
        tensor(forward(values(&x), &lines, height * width), shape)
    }
}

impl<C: CheckpointStrategy> Normalise for Autodiff<Flex, C> {
    fn normalise(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        statistics: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), gamma.node(), beta.node()];
        let statistics = statistics.into_primitive();
        let run = |x: FloatTensor<Self>, gamma: FloatTensor<Self>, statistics| {
            let [x, gamma, beta] = [x, gamma, beta].map(|tensor| tensor.into_primitive());
            Flex::normalise(x, gamma, beta, statistics, epsilon)
        };
        match NormaliseBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let (x_id, gamma_id) = (prep.checkpoint(&x), prep.checkpoint(&gamma));
                let state =
                    State { x: x_id, gamma: gamma_id, statistics: statistics.clone(), epsilon };
                prep.finish(state, run(x, gamma, statistics))
            }
            OpsKind::UnTracked(prep) => prep.finish(run(x, gamma, statistics)),
        }
    }
}

#[derive(Debug)]
struct NormaliseBackward;

#[derive(Clone, Debug)]
struct State {
    x: NodeId,
    gamma: NodeId,
    statistics: FlexTensor,
    epsilon: f64,
}

impl Backward<Flex, 3> for NormaliseBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let State { x, gamma, statistics, epsilon } = ops.state;
        let [x_node, gamma_node, beta_node] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let x = checkpointer.retrieve_node_output::<FlexTensor>(x).to_contiguous();
        let gamma = checkpointer.retrieve_node_output::<FlexTensor>(gamma).to_contiguous();
        let shape @ [images, channels, height, width] = x.shape().dims();
        let plane = height * width;
        let gradient = Gradient {
            x: values(&x),
            grad: values(&grad),
            mean: &values(&statistics)[..channels],
            scale: &scales(&values(&statistics)[channels..], epsilon),
            plane,
        };
        let (beta_grad, gamma_grad) = gradient.sums();
        if let Some(node) = x_node {
            let samples = (images * plane) as f32;
            let out = gradient.of_x(values(&gamma), &beta_grad, &gamma_grad, samples);
            grads.register::<Flex>(node.id, tensor(out, shape));
        }
        if let Some(node) = gamma_node {
            grads.register::<Flex>(node.id, tensor(gamma_grad, [channels]));
        }
        if let Some(node) = beta_node {
            grads.register::<Flex>(node.id, tensor(beta_grad, [channels]));
        }
    }
}

/// Sum of `term` over two slices of samples, in the same order on every processor.
#[inline(always)]
fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f64 {
    let mut lanes = [0.0; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += term(a[lane], b[lane]);
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        lanes[lane] += term(*a, *b);
    }
    lanes.iter().map(|lane| f64::from(*lane)).sum()
}

/// Mean and biased variance of each channel, `[2, channels]`, in one pass over memory: first of each plane, which fits
/// the first-level cache.
fn statistics(x: &[f32], channels: usize, plane: usize) -> Vec<f32> {
    let count = plane as f64;
    let mut means = Vec::with_capacity(x.len() / plane);
    let mut squares = vec![0.0; channels];
    Arch::new().dispatch(|| {
        for (index, x) in x.chunks_exact(plane).enumerate() {
            let mean = sum(x, x, |x, _| x) / count;
            let near = mean as f32;
            squares[index % channels] += sum(x, x, |x, _| (x - near) * (x - near));
            means.push(mean);
        }
    });
    let images = (means.len() / channels) as f64;
    let mut mean = vec![0.0; channels];
    for (index, plane_mean) in means.iter().enumerate() {
        mean[index % channels] += plane_mean / images;
    }
    for (index, plane_mean) in means.iter().enumerate() {
        squares[index % channels] += count * (plane_mean - mean[index % channels]).powi(2);
    }
    let variance = squares.iter().map(|squares| squares / (images * count));
    mean.iter().copied().chain(variance).map(|value| value as f32).collect()
}

/// `1 / sqrt(variance + epsilon)`.
fn scales(variance: &[f32], epsilon: f64) -> Vec<f32> {
    variance.iter().map(|value| (f64::from(*value) + epsilon).sqrt().recip() as f32).collect()
}

/// Slope and intercept of each channel.
fn lines(gamma: &[f32], beta: &[f32], statistics: &[f32], epsilon: f64) -> Vec<[f32; 2]> {
    let (mean, variance) = statistics.split_at(gamma.len());
    let scale = scales(variance, epsilon);
    let slopes = gamma.iter().zip(&scale).map(|(gamma, scale)| gamma * scale);
    slopes
        .zip(beta.iter().zip(mean))
        .map(|(slope, (beta, mean))| [slope, beta - mean * slope])
        .collect()
}

fn forward(x: &[f32], lines: &[[f32; 2]], plane: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(x.len());
    Arch::new().dispatch(|| {
        for (x, [slope, intercept]) in x.chunks_exact(plane).zip(lines.iter().cycle()) {
            out.extend(x.iter().map(|x| x * slope + intercept));
        }
    });
    out
}

/// The inputs of one layer's gradients.
struct Gradient<'a> {
    /// `[n, channels, plane]`.
    x: &'a [f32],
    /// Gradient of the result, `[n, channels, plane]`.
    grad: &'a [f32],
    /// `[channels]`.
    mean: &'a [f32],
    /// `[channels]`, [`scales`].
    scale: &'a [f32],
    plane: usize,
}

impl Gradient<'_> {
    /// The gradients of `beta` and `gamma`: for each channel the sum of the result's gradient, and the sum of its
    /// product with the normalised sample.
    fn sums(&self) -> (Vec<f32>, Vec<f32>) {
        let channels = self.mean.len();
        let (mut plain, mut product) = (vec![0.0; channels], vec![0.0; channels]);
        Arch::new().dispatch(|| {
            let planes = self.x.chunks_exact(self.plane).zip(self.grad.chunks_exact(self.plane));
            for (index, (x, grad)) in planes.enumerate() {
                let channel = index % channels;
                let mean = self.mean[channel];
                plain[channel] += sum(x, grad, |_, grad| grad);
                product[channel] += sum(x, grad, |x, grad| (x - mean) * grad);
            }
        });
        let plain = plain.iter().map(|sum| *sum as f32).collect();
        let scaled = product.iter().zip(self.scale);
        (plain, scaled.map(|(sum, scale)| (sum * f64::from(*scale)) as f32).collect())
    }

    /// The gradient of `x`, for `samples` in each channel; it includes the dependence of mean and variance on every
    /// sample.
    fn of_x(&self, gamma: &[f32], plain: &[f32], product: &[f32], samples: f32) -> Vec<f32> {
        let channels = self.mean.len();
        let mut out = Vec::with_capacity(self.x.len());
        Arch::new().dispatch(|| {
            let planes = self.x.chunks_exact(self.plane).zip(self.grad.chunks_exact(self.plane));
            for (index, (x, grad)) in planes.enumerate() {
                let channel = index % channels;
                let (mean, scale) = (self.mean[channel], self.scale[channel]);
                let slope = gamma[channel] * scale;
                let level = plain[channel] / samples;
                let tilt = product[channel] / samples * scale;
                let terms = x.iter().zip(grad);
                out.extend(terms.map(|(x, grad)| slope * (grad - level - (x - mean) * tilt)));
            }
        });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::BatchNormConfig;
    use burn::tensor::{Device, Distribution};

    fn random(shape: [usize; 4], device: &Device) -> Tensor<4> {
        Tensor::random(shape, Distribution::Normal(0.3, 2.0), device)
    }

    fn layer(channels: usize, device: &Device) -> BatchNorm {
        let mut layer = BatchNormConfig::new(channels).init(device);
        let values = |first: f32| {
            let values: Vec<f32> = (0..channels).map(|c| first + 0.25 * c as f32).collect();
            Tensor::<1>::from_floats(values.as_slice(), device)
        };
        layer.gamma = layer.gamma.map(|_| values(0.5).require_grad());
        layer.beta = layer.beta.map(|_| values(-0.5).require_grad());
        layer
    }

    #[track_caller]
    fn assert_close<const D: usize>(own: Tensor<D>, burn: Tensor<D>) {
        let scale: f32 = burn.clone().abs().max().into_scalar();
        let off: f32 = (own - burn).abs().max().into_scalar();
        assert!(off <= 1e-4 * scale.max(1.0), "off by {off} of {scale}");
    }

    #[test]
    fn norm_its_gradients_and_its_statistics_are_those_of_burn() {
        let device = Device::flex().autodiff();
        for shape in [[1, 1, 1, 2], [5, 3, 6, 6], [3, 8, 7, 5], [9, 32, 12, 12], [2, 5, 48, 48]] {
            let x = random(shape, &device);
            let weights = random(shape, &device);
            let runs = [true, false].map(|own| {
                let (layer, x) = (layer(shape[1], &device), x.clone().require_grad());
                let y = if own { apply(&layer, x.clone()) } else { layer.forward(x.clone()) };
                let grads = (y.clone().sin() * weights.clone()).sum().backward();
                let planes = [y.inner(), x.grad(&grads).expect("tracked")];
                let rows =
                    [&layer.gamma, &layer.beta].map(|p| p.val().grad(&grads).expect("tracked"));
                let [mean, var] =
                    [&layer.running_mean, &layer.running_var].map(|s| s.value_sync().inner());
                (planes, rows, [mean, var])
            });
            let [own, burn] = runs;
            own.0.into_iter().zip(burn.0).for_each(|(own, burn)| assert_close(own, burn));
            own.1.into_iter().zip(burn.1).for_each(|(own, burn)| assert_close(own, burn));
            own.2.into_iter().zip(burn.2).for_each(|(own, burn)| assert_close(own, burn));
        }
    }

    #[test]
    fn norm_of_large_values_keeps_its_variance() {
        let device = Device::flex().autodiff();
        let x = random([4, 2, 6, 6], &device) + 1000.0;
        let layer = layer(2, &device);
        apply(&layer, x.clone());
        let (variance, _) = x.inner().swap_dims(0, 1).reshape([2, 144]).var_mean_bias(1);
        let variance = variance.reshape([2]) * 0.1 + 0.9;
        assert_close(layer.running_var.value_sync().inner(), variance);
    }

    #[test]
    fn norm_outside_training_uses_running_statistics() {
        let device = Device::flex();
        let x = random([2, 3, 4, 4], &device);
        let layer = BatchNormConfig::new(3).init(&device);
        assert_close(apply(&layer, x.clone()), x / (1.0f32 + 1e-5).sqrt());
        assert_close(layer.running_mean.value_sync(), Tensor::zeros([3], &device));
    }
}
