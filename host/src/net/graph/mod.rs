//! One definition of a network for three readers: burn trains it, ONNX carries it, a counter prices it.
//!
//! An architecture writes its forward pass once, generic over [`Graph`], and names every value there.

mod macs;
mod onnx;
mod tensors;

use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear, PaddingConfig2d};

pub use crate::onnx::Pool;
pub use macs::Macs;
pub use onnx::Onnx;
pub use tensors::Tensors;

/// The operators that networks are made of; each has the same meaning in burn, tract and ONNX Runtime.
///
/// A value is a stack of maps `[N,C,H,W]`; a row of `F` features is `[N,F,1,1]`, or `[N,F]` in ONNX.
/// `name` becomes the result's name in ONNX and must be used once.
pub trait Graph {
    /// What flows between the operators.
    type Value: Clone;

    /// Convolution, with bias where `conv` has one.
    fn conv(&mut self, name: &str, x: &Self::Value, conv: &Conv2d) -> Self::Value;

    /// Batch normalisation that no convolution precedes.
    fn norm(&mut self, name: &str, x: &Self::Value, norm: &BatchNorm) -> Self::Value;

    /// Convolution, then batch normalisation; in ONNX one convolution with bias.
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

    /// Sum of two values of one shape.
    fn add(&mut self, name: &str, a: &Self::Value, b: &Self::Value) -> Self::Value;

    /// Every map of `x` `[N,C,H,W]` times its factor in `gate` `[N,C,1,1]`.
    fn mul(&mut self, name: &str, x: &Self::Value, gate: &Self::Value) -> Self::Value;

    /// The maps of `a`, then those of `b`.
    fn concat(&mut self, name: &str, a: &Self::Value, b: &Self::Value) -> Self::Value;

    /// Maximum of every window; padding never wins.
    fn max_pool(&mut self, name: &str, x: &Self::Value, how: Pool) -> Self::Value;

    /// Mean of every window; padding is not counted.
    fn average_pool(&mut self, name: &str, x: &Self::Value, how: Pool) -> Self::Value;

    /// Mean of every map: `[N,C,H,W]` to `[N,C,1,1]`.
    fn global_average(&mut self, name: &str, x: &Self::Value) -> Self::Value;

    /// Maximum of every map: `[N,C,H,W]` to `[N,C,1,1]`.
    fn global_max(&mut self, name: &str, x: &Self::Value) -> Self::Value;

    /// `[N,C,H,W]` to a row of `C*H*W` features.
    fn flatten(&mut self, name: &str, x: &Self::Value) -> Self::Value;

    /// A dense layer on a row of features.
    fn dense(&mut self, name: &str, x: &Self::Value, dense: &Linear) -> Self::Value;

    /// Batch normalisation of a row of features after a dense layer; in ONNX one `Gemm`.
    fn dense_norm(
        &mut self,
        name: &str,
        x: &Self::Value,
        dense: &Linear,
        norm: &BatchNorm,
    ) -> Self::Value;

    /// In training, drops each value with probability `drop` and scales up the rest; else nothing.
    fn dropout(&mut self, x: &Self::Value, drop: f32) -> Self::Value;
}

/// Zeros above and below, left and right of a convolution's input, px.
///
/// # Panics
/// On uneven padding and on `Same`, which no layer here uses: its meaning differs between runtimes.
fn padding(conv: &Conv2d) -> [usize; 2] {
    match conv.padding {
        PaddingConfig2d::Valid => [0, 0],
        PaddingConfig2d::Explicit(top, left, bottom, right) if (top, left) == (bottom, right) => {
            [top, left]
        }
        ref other => panic!("layers pad evenly, not {other:?}"),
    }
}
