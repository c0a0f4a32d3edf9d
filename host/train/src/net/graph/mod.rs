//! One definition of a network for three interpreters: burn for training, export to ONNX, and the counter of
//! multiply-accumulates.
//!
//! An architecture defines its forward pass once, generic over [`Graph`], and names every value.

mod macs;
mod onnx;
mod rounding;
mod tensors;

use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear, PaddingConfig2d};

pub use super::spec::{Precision, Rounding};
pub use emocue_quantize::onnx::Pool;
pub use macs::Macs;
pub use onnx::Onnx;
pub use tensors::Tensors;

/// The operators of networks; each has the same meaning in burn, tract and ONNX Runtime.
///
/// A value has the shape `[N,C,H,W]`; `F` features are `[N,F,1,1]`, or `[N,F]` in ONNX. `name` becomes the result's
/// name in ONNX and must be unique.
pub trait Graph {
    /// The value between two operators.
    type Value: Clone;

    /// Convolution, with bias if `conv` has one.
    fn conv(&mut self, name: &str, x: &Self::Value, conv: &Conv2d) -> Self::Value;

    /// Batch normalisation without a preceding convolution.
    fn norm(&mut self, name: &str, x: &Self::Value, norm: &BatchNorm) -> Self::Value;

    /// Convolution, then batch normalisation; folded into one convolution with bias in ONNX.
    fn conv_norm(
        &mut self,
        name: &str,
        x: &Self::Value,
        conv: &Conv2d,
        norm: &BatchNorm,
    ) -> Self::Value;

    /// `max(x, 0)`
    fn relu(&mut self, name: &str, x: &Self::Value) -> Self::Value;

    /// `1 / (1 + exp(-x))`
    fn sigmoid(&mut self, name: &str, x: &Self::Value) -> Self::Value;

    /// Sum of two values of the same shape.
    fn add(&mut self, name: &str, a: &Self::Value, b: &Self::Value) -> Self::Value;

    /// Every channel of `x` `[N,C,H,W]` times its factor in `gate` `[N,C,1,1]`.
    fn mul(&mut self, name: &str, x: &Self::Value, gate: &Self::Value) -> Self::Value;

    /// Concatenation along the channels.
    fn concat(&mut self, name: &str, a: &Self::Value, b: &Self::Value) -> Self::Value;

    /// Maximum of every window; padding is never the maximum.
    fn max_pool(&mut self, name: &str, x: &Self::Value, how: Pool) -> Self::Value;

    /// Mean of every window; padding is excluded.
    fn average_pool(&mut self, name: &str, x: &Self::Value, how: Pool) -> Self::Value;

    /// Nearest-neighbour upsampling: `[N,C,H,W]` to `[N,C,2H,2W]`.
    fn double(&mut self, name: &str, x: &Self::Value) -> Self::Value;

    /// Global average pooling: `[N,C,H,W]` to `[N,C,1,1]`.
    fn global_average(&mut self, name: &str, x: &Self::Value) -> Self::Value;

    /// Global max pooling: `[N,C,H,W]` to `[N,C,1,1]`.
    fn global_max(&mut self, name: &str, x: &Self::Value) -> Self::Value;

    /// `[N,C,H,W]` to a row of `C*H*W` features.
    fn flatten(&mut self, name: &str, x: &Self::Value) -> Self::Value;

    /// A dense layer on a row of features.
    fn dense(&mut self, name: &str, x: &Self::Value, dense: &Linear) -> Self::Value;

    /// In training, drops each value with probability `drop` and scales the others by `1 / (1 - drop)`; in inference,
    /// the identity.
    fn dropout(&mut self, x: &Self::Value, drop: f32) -> Self::Value;
}

/// Zeros above and below, left and right of a convolution's input, px.
///
/// # Panics
/// On asymmetric padding and on `Same`, whose meaning differs between runtimes; no layer here uses them.
pub(super) fn padding(conv: &Conv2d) -> [usize; 2] {
    match conv.padding {
        PaddingConfig2d::Valid => [0, 0],
        PaddingConfig2d::Explicit(top, left, bottom, right) if (top, left) == (bottom, right) => {
            [top, left]
        }
        ref other => panic!("layers pad evenly, not {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::BatchNormConfig;
    use burn::tensor::{Device, Tensor, TensorData};
    use emocue_run::Session;

    use super::*;
    use crate::net::layers::{ConvLayer, conv, fresh};
    use crate::net::noise::Noise;
    use emocue_quantize::onnx::{Dim, GraphBuilder};

    /// Operators and settings that no architecture uses at present.
    struct Odd {
        stem: ConvLayer,
        groups: Conv2d,
        norm: BatchNorm,
    }

    impl Odd {
        fn forward<G: Graph>(&self, graph: &mut G, x: &G::Value) -> G::Value {
            let x = self.stem.relu(graph, "stem", x);
            let x = graph.norm("norm", &x, &self.norm);
            let groups = graph.conv("groups", &x, &self.groups);
            let ragged = Pool { pad: [1, 0], ceil: true, ..Pool::square(3, 2) };
            let a = graph.average_pool("average", &groups, ragged);
            let b = graph.max_pool("max", &groups, ragged);
            let both = graph.concat("both", &a, &b);
            let both = graph.double("double", &both);
            let mean = graph.global_average("mean", &both);
            let gate = graph.sigmoid("gate", &mean);
            let gated = graph.mul("gated", &both, &gate);
            let top = graph.global_max("top", &gated);
            let rest = graph.dropout(&top, 0.5);
            graph.flatten("out", &rest)
        }
    }

    #[test]
    fn one_definition_means_the_same_to_burn_tract_and_the_counter() {
        let device = Device::flex();
        device.seed(5);
        let mut norm = BatchNormConfig::new(4).init(&device);
        norm.running_mean = burn::module::RunningState::new(Tensor::full([4], 0.3, &device));
        norm.running_var = burn::module::RunningState::new(Tensor::full([4], 2.5, &device));
        let odd = Odd {
            stem: ConvLayer::biased(conv([1, 4], 3), true, &device),
            groups: fresh(conv([4, 6], 3).with_groups(2).with_stride([1, 2]), &device),
            norm,
        };
        let [height, width] = [8, 11];
        let input: Vec<f32> = (0..height * width).map(|i| (i * 13 % 29) as f32 - 14.0).collect();
        let shape = [1, 1, height, width];
        let x = Tensor::<4>::from_data(TensorData::new(input.clone(), shape), &device);
        let expected = odd.forward(&mut Tensors::new(&mut Noise::off()), &x);
        assert_eq!(expected.dims(), [1, 12, 1, 1]);

        let mut builder = GraphBuilder::new("odd");
        let x = builder.input("x", &shape.map(Dim::Fixed));
        let out = odd.forward(&mut Onnx::new(&mut builder), &x);
        builder.output(&out, &[Dim::Fixed(1), Dim::Fixed(12)]);
        let bytes = builder.finish().unwrap().to_bytes();
        let session = Session::load("odd", &bytes, &shape).unwrap();
        let outputs = session.run(|target| target.copy_from_slice(&input)).unwrap();
        for (a, b) in outputs.get(0).unwrap().iter().zip(expected.into_data().iter::<f32>()) {
            assert!((a - b).abs() <= 1e-4 * b.abs().max(1.0), "{a} {b}");
        }

        let mut macs = Macs::default();
        assert_eq!(odd.forward(&mut macs, &[1, height, width]), [12, 1, 1]);
        assert_eq!(macs.count, (4 * 9 * 8 * 11 + 6 * 2 * 9 * 8 * 6) as u64);
    }
}
