//! Multiply-accumulates of one inference.

use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear};

use super::{Graph, Pool, padding};

/// Counts multiply-accumulates of convolutions and dense layers for one picture; other operators are negligible. A
/// value is its shape: channels, height, width.
#[derive(Debug, Default)]
pub struct Macs {
    /// Multiply-accumulates so far.
    pub count: u64,
}

type Shape = [usize; 3];

/// Number of windows along one axis.
fn windows(size: usize, kernel: usize, stride: usize, pad: usize, ceil: bool) -> usize {
    let room = (size + 2 * pad).saturating_sub(kernel);
    // The last window of `ceil` must begin inside the picture or its leading padding.
    let up = if ceil { room.div_ceil(stride) } else { room / stride };
    if ceil && up * stride >= size + pad { up } else { up + 1 }
}

fn pool([channels, height, width]: Shape, how: Pool) -> Shape {
    let along = |size, axis: usize| {
        windows(size, how.kernel[axis], how.stride[axis], how.pad[axis], how.ceil)
    };
    [channels, along(height, 0), along(width, 1)]
}

impl Graph for Macs {
    type Value = Shape;

    fn conv(&mut self, _: &str, x: &Shape, conv: &Conv2d) -> Shape {
        let [out, inputs, kernel_height, kernel_width] = conv.weight.lazy_shape().dims();
        let pad = padding(conv);
        let height = windows(x[1], kernel_height, conv.stride[0], pad[0], false);
        let width = windows(x[2], kernel_width, conv.stride[1], pad[1], false);
        self.count += (out * height * width * inputs * kernel_height * kernel_width) as u64;
        [out, height, width]
    }

    fn norm(&mut self, _: &str, x: &Shape, _: &BatchNorm) -> Shape {
        *x
    }

    fn conv_norm(&mut self, name: &str, x: &Shape, conv: &Conv2d, _: &BatchNorm) -> Shape {
        self.conv(name, x, conv)
    }

    fn relu(&mut self, _: &str, x: &Shape) -> Shape {
        *x
    }

    fn sigmoid(&mut self, _: &str, x: &Shape) -> Shape {
        *x
    }

    fn add(&mut self, _: &str, x: &Shape, _: &Shape) -> Shape {
        *x
    }

    fn mul(&mut self, _: &str, x: &Shape, _: &Shape) -> Shape {
        *x
    }

    fn concat(&mut self, _: &str, a: &Shape, b: &Shape) -> Shape {
        [a[0] + b[0], a[1], a[2]]
    }

    fn max_pool(&mut self, _: &str, x: &Shape, how: Pool) -> Shape {
        pool(*x, how)
    }

    fn average_pool(&mut self, _: &str, x: &Shape, how: Pool) -> Shape {
        pool(*x, how)
    }

    fn double(&mut self, _: &str, [channels, height, width]: &Shape) -> Shape {
        [*channels, 2 * height, 2 * width]
    }

    fn global_average(&mut self, _: &str, x: &Shape) -> Shape {
        [x[0], 1, 1]
    }

    fn global_max(&mut self, _: &str, x: &Shape) -> Shape {
        [x[0], 1, 1]
    }

    fn flatten(&mut self, _: &str, x: &Shape) -> Shape {
        [x.iter().product(), 1, 1]
    }

    fn dense(&mut self, _: &str, _: &Shape, dense: &Linear) -> Shape {
        let [inputs, outputs] = dense.weight.lazy_shape().dims();
        self.count += (inputs * outputs) as u64;
        [outputs, 1, 1]
    }

    fn dropout(&mut self, x: &Shape, _: f32) -> Shape {
        *x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ragged_windows_count_like_pytorchs() {
        assert_eq!(windows(55, 3, 2, 0, false), 27);
        assert_eq!(windows(8, 3, 2, 0, false), 3);
        assert_eq!(windows(8, 3, 2, 0, true), 4);
        // ceil(5 / 2) + 1 windows, but the last would begin in the trailing padding.
        assert_eq!(windows(3, 2, 2, 1, true), 2);
    }
}
