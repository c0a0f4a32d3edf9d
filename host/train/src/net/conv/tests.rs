use super::pass::{Sizes, forward};
use super::*;
use burn::tensor::{Device, Distribution, TensorData};

/// Channels in and out, picture, kernel, stride, padding, pictures.
type Case = ([usize; 2], [usize; 2], [usize; 2], [usize; 2], [usize; 2], usize);

const CASES: [Case; 20] = [
    ([1, 1], [1, 1], [1, 1], [1, 1], [0, 0], 1),
    ([1, 1], [3, 3], [3, 3], [1, 1], [1, 1], 1),
    ([2, 3], [5, 7], [3, 3], [1, 1], [1, 1], 3),
    ([3, 9], [6, 6], [3, 3], [1, 1], [0, 0], 2),
    ([4, 8], [6, 6], [3, 3], [1, 1], [2, 2], 5),
    ([32, 32], [24, 24], [3, 3], [1, 1], [1, 1], 7),
    ([17, 20], [12, 12], [3, 3], [1, 1], [1, 1], 61),
    ([5, 11], [12, 12], [1, 1], [1, 1], [0, 0], 4),
    ([5, 11], [13, 12], [1, 1], [2, 2], [0, 0], 4),
    ([1, 6], [48, 48], [5, 5], [2, 2], [2, 2], 3),
    ([3, 5], [11, 9], [5, 5], [1, 1], [2, 2], 2),
    ([3, 5], [11, 9], [7, 7], [2, 2], [3, 3], 2),
    ([3, 5], [12, 10], [3, 3], [2, 2], [1, 1], 4),
    ([3, 5], [11, 9], [3, 3], [2, 2], [1, 1], 4),
    ([3, 5], [10, 10], [3, 3], [2, 2], [0, 0], 4),
    ([3, 5], [10, 13], [2, 4], [3, 1], [1, 2], 3),
    ([4, 4], [9, 9], [4, 4], [4, 4], [3, 3], 2),
    ([2, 2], [3, 3], [7, 7], [1, 1], [3, 3], 2),
    ([70, 33], [3, 3], [3, 3], [1, 1], [1, 1], 9),
    ([2, 2], [8, 8], [3, 3], [5, 5], [1, 1], 2),
];

fn device() -> Device {
    Device::flex().autodiff()
}

fn random(shape: [usize; 4], device: &Device) -> Tensor<4> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), device)
}

fn inputs(case: Case, device: &Device) -> [Tensor<4>; 2] {
    let ([from, to], [height, width], [kernel_height, kernel_width], _, _, images) = case;
    [
        random([images, from, height, width], device),
        random([to, from, kernel_height, kernel_width], device),
    ]
}

#[track_caller]
fn assert_close(what: &str, case: Case, own: Tensor<4>, stock: Tensor<4>) {
    assert_eq!(own.dims(), stock.dims(), "{what} of {case:?}");
    let scale: f32 = stock.clone().abs().max().into_scalar();
    let off: f32 = (own - stock).abs().max().into_scalar();
    assert!(off <= 1e-4 * scale.max(1.0), "{what} of {case:?} is off by {off} of {scale}");
}

/// Result, gradient of the picture, gradient of the weight under a fixed loss.
fn all(
    [x, weight]: [Tensor<4>; 2],
    conv: impl Fn(Tensor<4>, Tensor<4>) -> Tensor<4>,
) -> [Tensor<4>; 3] {
    let (x, weight) = (x.require_grad(), weight.require_grad());
    let y = conv(x.clone(), weight.clone());
    let grads = (y.clone().sin() * 0.5 + y.clone()).sum().backward();
    [y.inner(), x.grad(&grads).expect("tracked"), weight.grad(&grads).expect("tracked")]
}

#[test]
fn conv_and_its_gradients_are_those_of_burn() {
    for case in CASES {
        let (_, _, _, stride, padding, _) = case;
        let inputs = inputs(case, &device());
        let own = all(inputs.clone(), |x, weight| conv2d(x, weight, stride, padding));
        let stock = all(inputs, |x, weight| stock(x, weight, stride, padding));
        let what = ["result", "gradient of the picture", "gradient of the weight"];
        for ((what, own), stock) in what.into_iter().zip(own).zip(stock) {
            assert_close(what, case, own, stock);
        }
    }
}

#[test]
fn conv_gradients_are_differences_of_its_result() {
    let (stride, padding) = ([2, 1], [1, 1]);
    let case = ([2, 3], [5, 4], [3, 3], stride, padding, 2);
    let [x, weight] = inputs(case, &Device::flex());
    let loss = |x: &Tensor<4>, weight: &Tensor<4>| -> f32 {
        let y = conv2d(x.clone(), weight.clone(), stride, padding);
        (y.clone() * y).sum().into_scalar()
    };
    let tracked = [&x, &weight].map(|t| Tensor::from_data(t.to_data(), &device()).require_grad());
    let y = conv2d(tracked[0].clone(), tracked[1].clone(), stride, padding);
    let grads = (y.clone() * y).sum().backward();
    let both = [(&x, true), (&weight, false)];
    for (tracked, (tensor, is_x)) in tracked.iter().zip(both) {
        let grad: Vec<f32> =
            tracked.grad(&grads).expect("tracked").to_data().try_to_vec().expect("f32");
        let values: Vec<f32> = tensor.to_data().try_to_vec().expect("f32");
        for (index, grad) in grad.iter().enumerate().step_by(3) {
            let at = |step: f32| {
                let mut values = values.clone();
                values[index] += step;
                let moved =
                    Tensor::from_data(TensorData::new(values, tensor.dims()), &Device::flex());
                if is_x { loss(&moved, &weight) } else { loss(&x, &moved) }
            };
            let difference = (at(0.05) - at(-0.05)) / 0.1;
            assert!((difference - grad).abs() < 0.02 * grad.abs().max(1.0), "{difference} {grad}");
        }
    }
}

#[test]
fn conv_leaves_out_the_gradient_of_what_is_not_tracked() {
    let [x, weight] = inputs(([3, 4], [6, 6], [3, 3], [1, 1], [1, 1], 2), &device());
    let tracked = weight.clone().require_grad();
    let grads = conv2d(x.clone(), tracked.clone(), [1, 1], [1, 1]).sum().backward();
    assert!(tracked.grad(&grads).is_some());
    assert!(x.grad(&grads).is_none());

    let tracked = x.require_grad();
    let grads = conv2d(tracked.clone(), weight.clone(), [1, 1], [1, 1]).sum().backward();
    assert!(tracked.grad(&grads).is_some());
    assert!(weight.grad(&grads).is_none());
}

#[test]
fn conv_of_a_picture_does_not_depend_on_the_others() {
    let sizes = Sizes {
        channels: [16, 9],
        input: [12, 12],
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1],
    };
    let value = |i: usize| (i * 7919 % 1009) as f32 / 1009.0 - 0.5;
    let x: Vec<f32> = (0..50 * 16 * 144).map(value).collect();
    let weight: Vec<f32> = (0..9 * 16 * 9).map(value).collect();
    let all = forward(sizes, &x, &weight);
    for (one, of_all) in x.chunks(16 * 144).zip(all.chunks(9 * 144)) {
        assert_eq!(forward(sizes, one, &weight), of_all);
    }
}

#[test]
fn conv_reads_views() {
    let [x, weight] = inputs(([4, 4], [6, 7], [3, 3], [1, 1], [1, 1], 3), &Device::flex());
    let view = x.clone().swap_dims(2, 3).slice([1..3, 0..4, 1..7, 0..6]);
    let copy = Tensor::from_data(view.to_data(), &Device::flex());
    let weight = weight.swap_dims(0, 1);
    let own = conv2d(view, weight.clone(), [1, 1], [1, 1]);
    let stock = stock(copy, weight, [1, 1], [1, 1]);
    assert!(own.all_close(stock, Some(1e-4), Some(1e-4)));
}
