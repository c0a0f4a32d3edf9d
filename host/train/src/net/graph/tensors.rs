//! Networks in burn.

use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear};
use burn::tensor::activation::{relu, sigmoid};
use burn::tensor::module::{avg_pool2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{FloatDType, Tensor, TensorData};

use super::{Graph, Pool, Precision, Rounding};
use crate::net::noise::Noise;
use crate::net::{conv, norm, pool};

/// Computes with tensors `[N,C,H,W]`; names are unused. Batch normalisation uses the batch's statistics if burn tracks
/// gradients.
pub struct Tensors<'a> {
    noise: &'a mut Noise,
    rounding: Option<Rounding>,
    precision: Precision,
}

impl<'a> Tensors<'a> {
    /// Dropout masks come from `noise`.
    pub fn new(noise: &'a mut Noise) -> Self {
        Self { noise, rounding: None, precision: Precision::F32 }
    }

    /// The same, rounding the layers' inputs and weights.
    #[must_use]
    pub fn rounded(self, rounding: Option<Rounding>) -> Self {
        Self { rounding, ..self }
    }

    /// The same, with layers that multiply in `precision`.
    #[must_use]
    pub fn multiplying_in(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// A layer's weights, output channels first, and its input, rounded and cast as they are multiplied.
    fn operands<const D: usize>(&self, weight: Tensor<D>, x: &Tensor<4>) -> (Tensor<D>, Tensor<4>) {
        let (weight, x) = match self.rounding {
            Some(rounding) => (rounding.weight(weight), rounding.activation(x.clone())),
            None => (weight, x.clone()),
        };
        match self.precision {
            Precision::F32 => (weight, x),
            Precision::Bf16 => (weight.cast(FloatDType::BF16), x.cast(FloatDType::BF16)),
        }
    }
}

impl Graph for Tensors<'_> {
    type Value = Tensor<4>;

    fn conv(&mut self, _: &str, x: &Tensor<4>, conv: &Conv2d) -> Tensor<4> {
        let (weight, x) = self.operands(conv.weight.val(), x);
        conv::apply(conv, weight, x).cast(FloatDType::F32)
    }

    fn norm(&mut self, _: &str, x: &Tensor<4>, norm: &BatchNorm) -> Tensor<4> {
        norm::apply(norm, x.clone())
    }

    fn conv_norm(
        &mut self,
        name: &str,
        x: &Tensor<4>,
        conv: &Conv2d,
        norm: &BatchNorm,
    ) -> Tensor<4> {
        // Folding multiplies all weights of a channel by one factor, so with per-channel scales it does not change
        // their rounding.
        norm::apply(norm, self.conv(name, x, conv))
    }

    fn relu(&mut self, _: &str, x: &Tensor<4>) -> Tensor<4> {
        relu(x.clone())
    }

    fn sigmoid(&mut self, _: &str, x: &Tensor<4>) -> Tensor<4> {
        sigmoid(x.clone())
    }

    fn add(&mut self, _: &str, a: &Tensor<4>, b: &Tensor<4>) -> Tensor<4> {
        a.clone() + b.clone()
    }

    fn mul(&mut self, _: &str, x: &Tensor<4>, gate: &Tensor<4>) -> Tensor<4> {
        x.clone() * gate.clone()
    }

    fn concat(&mut self, _: &str, a: &Tensor<4>, b: &Tensor<4>) -> Tensor<4> {
        Tensor::cat(vec![a.clone(), b.clone()], 1)
    }

    fn max_pool(&mut self, _: &str, x: &Tensor<4>, how: Pool) -> Tensor<4> {
        if how == Pool::square(2, 2)
            && let Some(y) = pool::halve(x)
        {
            return y;
        }
        let options = MaxPoolOptions::new(how.kernel)
            .with_stride(how.stride)
            .with_padding(how.pad)
            .with_ceil_mode(how.ceil);
        max_pool2d(x.clone(), options)
    }

    fn average_pool(&mut self, _: &str, x: &Tensor<4>, how: Pool) -> Tensor<4> {
        let options = AvgPoolOptions::new(how.kernel)
            .with_stride(how.stride)
            .with_padding(how.pad)
            .with_count_include_pad(false)
            .with_ceil_mode(how.ceil);
        avg_pool2d(x.clone(), options)
    }

    fn double(&mut self, _: &str, x: &Tensor<4>) -> Tensor<4> {
        let [n, channels, height, width] = x.dims();
        let apart = x.clone().reshape([n * channels, height, 1, width, 1]);
        let four = apart.expand([n * channels, height, 2, width, 2]);
        four.reshape([n, channels, 2 * height, 2 * width])
    }

    fn global_average(&mut self, _: &str, x: &Tensor<4>) -> Tensor<4> {
        let [n, channels, height, width] = x.dims();
        let maps = x.clone().reshape([n, channels, height * width]);
        maps.mean_dim(2).reshape([n, channels, 1, 1])
    }

    fn global_max(&mut self, _: &str, x: &Tensor<4>) -> Tensor<4> {
        let [n, channels, height, width] = x.dims();
        let maps = x.clone().reshape([n, channels, height * width]);
        maps.max_dim(2).reshape([n, channels, 1, 1])
    }

    fn flatten(&mut self, _: &str, x: &Tensor<4>) -> Tensor<4> {
        let [n, channels, height, width] = x.dims();
        x.clone().reshape([n, channels * height * width, 1, 1])
    }

    fn dense(&mut self, _: &str, x: &Tensor<4>, dense: &Linear) -> Tensor<4> {
        let [n, features, _, _] = x.dims();
        let [_, outputs] = dense.weight.lazy_shape().dims();
        if self.rounding.is_none() && self.precision == Precision::F32 {
            return dense.forward(x.clone().reshape([n, features])).reshape([n, outputs, 1, 1]);
        }
        // burn stores [in, out].
        let (weight, x) = self.operands(dense.weight.val().swap_dims(0, 1), x);
        let product = x.reshape([n, features]).matmul(weight.swap_dims(0, 1)).cast(FloatDType::F32);
        let answer = match &dense.bias {
            Some(bias) => product.add(bias.val().reshape([1, outputs])),
            None => product,
        };
        answer.reshape([n, outputs, 1, 1])
    }

    fn dropout(&mut self, x: &Tensor<4>, drop: f32) -> Tensor<4> {
        let [n, channels, height, width] = x.dims();
        match self.noise.mask(n, channels * height * width, drop) {
            Some(mask) => {
                let mask = TensorData::new(mask, [n, channels, height, width]);
                x.clone() * Tensor::from_data(mask, &x.device())
            }
            None => x.clone(),
        }
    }
}
