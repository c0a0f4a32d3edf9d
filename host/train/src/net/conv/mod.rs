//! Convolution for training on the CPU: forward and backward without a matrix of patches (im2col).
//!
//! burn's CPU backend copies patches into a matrix, multiplies, and takes the weight's gradient as
//! a convolution with a kernel as large as the picture. Here both directions read the picture in
//! place, with one thread, since training runs a worker on every core.

mod kernel;
mod pass;
mod strip;
#[cfg(test)]
mod tests;

use super::depthwise;
use super::flex::{is_on_flex, tensor, values};
use super::graph::padding;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::nn::conv::Conv2d;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Tensor, module};
use pass::Sizes;

/// burn's layer on `x` `[n, in, h, w]` with `weight` in place of its own: through [`conv2d`] if it is dense, through
/// this crate's operator if it is depthwise 3x3, else burn's.
pub fn apply(layer: &Conv2d, weight: Tensor<4>, x: Tensor<4>) -> Tensor<4> {
    let padding = padding(layer);
    let bias = layer.bias.as_ref().map(|bias| bias.val().cast(x.dtype()));
    if layer.groups == 1 && layer.dilation == [1, 1] {
        let y = conv2d(x, weight, layer.stride, padding);
        return match bias {
            Some(bias) => {
                let [channels] = bias.dims();
                y + bias.reshape([1, channels, 1, 1])
            }
            None => y,
        };
    }
    if let Some(y) = depthwise::apply(layer, &weight, &x) {
        return y;
    }
    let how = ConvOptions::new(layer.stride, padding, layer.dilation, layer.groups);
    module::conv2d(x, weight, bias, how)
}

/// `x` `[n, in, h, w]` with `weight` `[out, in, kh, kw]` to `[n, out, oh, ow]`: no bias, one group, `stride` and
/// `padding` in pixels, rows first. On the CPU in `f32` it is this module's operator, with its own gradients; elsewhere
/// it is burn's.
pub fn conv2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    stride: [usize; 2],
    padding: [usize; 2],
) -> Tensor<4> {
    let [_, _, height, width] = weight.dims();
    let padded = padding[0] < height && padding[1] < width;
    let empty = x.dims().contains(&0) || weight.dims().contains(&0);
    if padded && !empty && x.dtype() == DType::F32 && weight.dtype() == DType::F32 {
        let x = x.into_dispatch();
        if is_on_flex(&x) {
            let weight = weight.into_dispatch();
            return Tensor::from_dispatch(Dispatch::strip_conv2d(x, weight, stride, padding));
        }
        return stock(Tensor::from_dispatch(x), weight, stride, padding);
    }
    stock(x, weight, stride, padding)
}

fn stock(x: Tensor<4>, weight: Tensor<4>, stride: [usize; 2], padding: [usize; 2]) -> Tensor<4> {
    module::conv2d(x, weight, None, ConvOptions::new(stride, padding, [1, 1], 1))
}

/// burn's interface for custom operators.
#[backend_extension(Flex, Autodiff)]
trait StripConv: Backend {
    fn strip_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> FloatTensor<Self>;
}

impl StripConv for Flex {
    fn strip_conv2d(
        x: FlexTensor,
        weight: FlexTensor,
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> FlexTensor {
        let sizes = sizes(&x, &weight, stride, padding);
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let [height, width] = sizes.output();
        let shape = [x.shape()[0], sizes.channels[1], height, width];
        tensor(pass::forward(sizes, values(&x), values(&weight)), shape)
    }
}

impl<C: CheckpointStrategy> StripConv for Autodiff<Flex, C> {
    fn strip_conv2d(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        match StripConvBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let sizes = sizes(x.primitive(), weight.primitive(), stride, padding);
                let state =
                    State { x: prep.checkpoint(&x), weight: prep.checkpoint(&weight), sizes };
                let out = Flex::strip_conv2d(
                    x.into_primitive(),
                    weight.into_primitive(),
                    stride,
                    padding,
                );
                prep.finish(state, out)
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::strip_conv2d(
                x.into_primitive(),
                weight.into_primitive(),
                stride,
                padding,
            )),
        }
    }
}

#[derive(Debug)]
struct StripConvBackward;

#[derive(Clone, Debug)]
struct State {
    x: NodeId,
    weight: NodeId,
    sizes: Sizes,
}

impl Backward<Flex, 2> for StripConvBackward {
    type State = State;

    fn backward(self, ops: Ops<State, 2>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let State { x, weight, sizes } = ops.state;
        let [x_node, weight_node] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let x = checkpointer.retrieve_node_output::<FlexTensor>(x);
        let weight = checkpointer.retrieve_node_output::<FlexTensor>(weight);
        let (x_shape, weight_shape) = (x.shape().dims::<4>(), weight.shape().dims::<4>());
        if let Some(node) = x_node {
            let weight = weight.to_contiguous();
            let out = pass::input_gradient(sizes, values(&weight), values(&grad));
            grads.register::<Flex>(node.id, tensor(out, x_shape));
        }
        if let Some(node) = weight_node {
            let x = x.to_contiguous();
            let out = pass::weight_gradient(sizes, values(&x), values(&grad));
            grads.register::<Flex>(node.id, tensor(out, weight_shape));
        }
    }
}

fn sizes(x: &FlexTensor, weight: &FlexTensor, stride: [usize; 2], padding: [usize; 2]) -> Sizes {
    let [_, inputs, height, width] = x.shape().dims();
    let [outputs, weight_inputs, kernel_height, kernel_width] = weight.shape().dims();
    assert_eq!(inputs, weight_inputs, "input channels of the picture and of the weight");
    Sizes {
        channels: [inputs, outputs],
        input: [height, width],
        kernel: [kernel_height, kernel_width],
        stride,
        padding,
    }
}
