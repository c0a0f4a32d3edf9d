//! Quantization-aware training (Jacob et al. 2018): the forward pass rounds weights and activations as a quantized
//! graph does; the backward pass ignores the rounding (straight-through estimator, Bengio et al. 2013).

use burn::tensor::Tensor;

use crate::net::spec::Rounding;

impl Rounding {
    /// Rounds a layer's weights, whose first axis is the output channel.
    pub(super) fn weight<const D: usize>(self, weight: Tensor<D>) -> Tensor<D> {
        let shape = weight.dims();
        let size = weight.shape().num_elements();
        let rows = if self.per_channel { shape[0] } else { 1 };
        let flat: Tensor<2> = weight.clone().detach().reshape([rows, size / rows.max(1)]);
        // A channel of zeros needs a scale too.
        let scale = flat.clone().abs().max_dim(1).clamp_min(1e-12).div_scalar(127.0);
        let rounded = flat.div(scale.clone()).round().clamp(-127.0, 127.0).mul(scale);
        through(weight, rounded.reshape(shape))
    }

    /// Rounds a layer's input to 128 values, as the integer engine stores it.
    pub(super) fn activation(self, x: Tensor<4>) -> Tensor<4> {
        if !self.activations {
            return x;
        }
        let plain = x.clone().detach();
        // 0 must be representable exactly.
        let low = plain.clone().min().clamp_max(0.0);
        let high = plain.clone().max().clamp_min(0.0);
        let scale = (high - low.clone()).div_scalar(127.0).clamp_min(1e-12);
        let zero = low.div(scale.clone()).round().neg();
        let [scale, zero] = [scale, zero].map(|value| value.reshape([1, 1, 1, 1]));
        let steps = plain.div(scale.clone()).round().add(zero.clone()).clamp(0.0, 127.0);
        through(x, steps.sub(zero).mul(scale))
    }
}

/// `rounded`, with the gradient of `exact` (straight-through estimator).
fn through<const D: usize>(exact: Tensor<D>, rounded: Tensor<D>) -> Tensor<D> {
    let error = rounded.sub(exact.clone().detach());
    exact.add(error)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};

    use super::*;

    const BOTH: Rounding = Rounding { per_channel: true, activations: true };

    fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
        tensor.to_data().iter::<f32>().collect()
    }

    #[test]
    fn channels_are_rounded_apart() {
        let data = TensorData::new(vec![1.0f32, -0.3, 0.0, 100.0, 50.2, -127.0], [2, 3]);
        let weight = Tensor::<2>::from_data(data, &Device::flex());
        let apart = values(&BOTH.weight(weight.clone()));
        assert!((apart[1] + 38.0 / 127.0).abs() < 1e-6 && (apart[4] - 50.0).abs() < 1e-4);
        let together = values(&Rounding { per_channel: false, ..BOTH }.weight(weight));
        assert_eq!(together[..3], [1.0, 0.0, 0.0]);
    }

    #[test]
    fn activations_keep_zero_and_lose_half_a_step_at_most() {
        let pixels: Vec<f32> = (0..64).map(|i| (i * 37 % 64) as f32 / 10.0 - 1.0).collect();
        let data = TensorData::new(pixels.clone(), [1, 1, 8, 8]);
        let x = Tensor::<4>::from_data(data, &Device::flex());
        let rounded = values(&BOTH.activation(x.clone()));
        let step = 6.3 / 127.0;
        for (a, b) in rounded.iter().zip(&pixels) {
            assert!((a - b).abs() <= 0.51 * step, "{a} {b}");
        }
        let zero = pixels.iter().position(|pixel| *pixel == 0.0).unwrap();
        assert_eq!(rounded[zero], 0.0);
        let weights_only = Rounding { activations: false, ..BOTH };
        assert_eq!(values(&weights_only.activation(x)), pixels);
    }

    #[test]
    fn the_gradient_passes_as_if_nothing_were_rounded() {
        let device = Device::flex().autodiff();
        let weight = Tensor::<2>::from_floats([[0.11, -0.52], [0.73, 0.24]], &device);
        let weight = weight.require_grad();
        let factors = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, 4.0]], &device);
        let grads = BOTH.weight(weight.clone()).mul(factors.clone()).sum().backward();
        assert_eq!(values(&weight.grad(&grads).unwrap()), values(&factors));
    }
}
