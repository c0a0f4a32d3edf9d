//! 2x2 max pooling for training on the CPU, without stored indices: the backward pass finds the maximum again.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{DType, Tensor};

use super::flex::{is_on_flex, tensor, values};

/// 2x2 max pooling of `x` `[n,c,h,w]` to `[n,c,h/2,w/2]`, if height and width are even and `x` is on the CPU in `f32`;
/// else `None`. Of equal values the first gets the gradient.
pub(super) fn halve(x: &Tensor<4>) -> Option<Tensor<4>> {
    let [_, _, height, width] = x.dims();
    let even = height.is_multiple_of(2) && width.is_multiple_of(2);
    if !even || x.dims().contains(&0) || x.dtype() != DType::F32 {
        return None;
    }
    let x = x.clone().into_dispatch();
    is_on_flex(&x).then(|| Tensor::from_dispatch(Dispatch::largest_of_four(x)))
}

#[backend_extension(Flex, Autodiff)]
trait LargestOfFour: Backend {
    fn largest_of_four(x: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl LargestOfFour for Flex {
    fn largest_of_four(x: FlexTensor) -> FlexTensor {
        let [n, channels, height, width] = x.shape().dims();
        let x = x.to_contiguous();
        let mut out = vec![0.0; n * channels * (height / 2) * (width / 2)];
        let rows = values(&x).chunks_exact(2 * width).zip(out.chunks_exact_mut(width / 2));
        for (pair, out) in rows {
            let (upper, lower) = pair.split_at(width);
            let (upper, lower) = (upper.as_chunks::<2>().0, lower.as_chunks::<2>().0);
            for ((out, [a, b]), [c, d]) in out.iter_mut().zip(upper).zip(lower) {
                *out = a.max(*b).max(c.max(*d));
            }
        }
        tensor(out, [n, channels, height / 2, width / 2])
    }
}

impl<C: CheckpointStrategy> LargestOfFour for Autodiff<Flex, C> {
    fn largest_of_four(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let nodes = [x.node()];
        match LargestBackward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = prep.checkpoint(&x);
                prep.finish(state, Flex::largest_of_four(x.into_primitive()))
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::largest_of_four(x.into_primitive())),
        }
    }
}

#[derive(Debug)]
struct LargestBackward;

impl Backward<Flex, 1> for LargestBackward {
    type State = NodeId;

    fn backward(self, ops: Ops<NodeId, 1>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [node] = ops.parents;
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let Some(node) = node else { return };
        let x = checkpointer.retrieve_node_output::<FlexTensor>(ops.state).to_contiguous();
        let shape @ [_, _, _, width] = x.shape().dims::<4>();
        let mut out = vec![0.0; values(&x).len()];
        let pairs = values(&x).chunks_exact(2 * width).zip(out.chunks_exact_mut(2 * width));
        for ((x, out), grad) in pairs.zip(values(&grad).chunks_exact(width / 2)) {
            for (column, grad) in grad.iter().enumerate() {
                let places =
                    [2 * column, 2 * column + 1, width + 2 * column, width + 2 * column + 1];
                let mut largest = places[0];
                for place in places {
                    if x[place] > x[largest] {
                        largest = place;
                    }
                }
                out[largest] = *grad;
            }
        }
        grads.register::<Flex>(node.id, tensor(out, shape));
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::ops::MaxPoolOptions;
    use burn::tensor::{Device, TensorData, module};

    use super::*;

    #[test]
    fn answers_and_gradients_are_burns() {
        let device = Device::flex().autodiff();
        let shape = [2, 3, 6, 10];
        // All different, since ties may be broken differently.
        let input: Vec<f32> = (0..360).map(|i| ((i * 71) % 367) as f32 - 180.0).collect();
        let run = |own: bool| {
            let x = Tensor::<4>::from_data(TensorData::new(input.clone(), shape), &device);
            let x = x.require_grad();
            let out = match own {
                true => halve(&x).unwrap(),
                false => {
                    module::max_pool2d(x.clone(), MaxPoolOptions::new([2, 2]).with_stride([2, 2]))
                }
            };
            let grads = (out.clone() * out.clone()).sum().backward();
            let read = |data: TensorData| data.iter::<f32>().collect::<Vec<f32>>();
            (read(out.into_data()), read(x.grad(&grads).unwrap().into_data()))
        };
        assert_eq!(run(true), run(false));
    }

    #[test]
    fn odd_maps_are_left_to_burn() {
        assert!(halve(&Tensor::zeros([1, 1, 5, 4], &Device::flex())).is_none());
    }
}
