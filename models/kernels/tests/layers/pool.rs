//! Pools.

use emocue_kernels::{AveragePool, Isa, MaxPool, Shape, Window};
use proptest::prelude::*;

use crate::tensor::{Random, Tensor, assert_border, assert_near, dirty, places, stored};

fn windows() -> impl Strategy<Value = Window> {
    (1..=4_usize, 1..=4_usize, 1..=4_usize, [0..4_usize, 0..4, 0..4, 0..4]).prop_map(
        |(height, width, stride, pads)| {
            let kernel = [height, width];
            let pads = std::array::from_fn(|side| pads[side].min(kernel[side % 2] - 1));
            Window { kernel, stride, pads }
        },
    )
}

/// The positions under a window that are not padding.
fn below(window: Window, x: Shape, (y, column): (usize, usize)) -> Vec<(isize, isize)> {
    let Window { kernel, stride, pads } = window;
    let mut places = Vec::new();
    for ky in 0..kernel[0] {
        for kx in 0..kernel[1] {
            let y = (y * stride + ky) as isize - pads[0] as isize;
            let x_at = (column * stride + kx) as isize - pads[1] as isize;
            if (0..x.height as isize).contains(&y) && (0..x.width as isize).contains(&x_at) {
                places.push((y, x_at));
            }
        }
    }
    places
}

proptest! {
    #[test]
    fn a_maximum_is_one_of_the_values(
        channels in 1..=40_usize,
        window in windows(),
        more in [0..=7_usize, 0..=9_usize],
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let [height, width] = window.kernel;
        let shape = Shape::new(channels, height + more[0], width + more[1]);
        let x = Tensor::random(shape, random.quantization(), &mut random);
        let zero_point = x.quantization.zero_point;
        for isa in Isa::available() {
            let pool = MaxPool::new(window, isa).unwrap();
            let shape = pool.output(x.shape).unwrap();
            let mut out = dirty(shape, 1, zero_point);
            pool.run(&x.planes(1), &mut out).unwrap();
            assert_border(&out);
            for (stored, (c, y, column)) in stored(&out).into_iter().zip(places(shape)) {
                let values = below(window, x.shape, (y, column)).into_iter().map(|(y, column)| {
                    x.stored[(c * x.shape.height + y as usize) * x.shape.width + column as usize]
                });
                prop_assert_eq!(Some(stored), values.max(), "{}", isa);
            }
        }
    }

    #[test]
    fn a_mean_is_of_the_values_that_are_there(
        channels in 1..=40_usize,
        window in windows(),
        more in [0..=7_usize, 0..=9_usize],
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        let [height, width] = window.kernel;
        let shape = Shape::new(channels, height + more[0], width + more[1]);
        let x = Tensor::random(shape, random.quantization(), &mut random);
        let output = random.quantization();
        let run = |isa| {
            let pool = AveragePool::new(channels, window, x.quantization, output, isa).unwrap();
            let mut out = dirty(pool.output(x.shape).unwrap(), 1, output.zero_point);
            pool.run(&x.planes(1), &mut out).unwrap();
            out
        };
        let expected = run(Isa::PORTABLE);
        assert_border(&expected);
        let shape = expected.shape();
        for (stored, (c, y, column)) in stored(&expected).into_iter().zip(places(shape)) {
            let below = below(window, x.shape, (y, column));
            let sum: f64 = below.iter().map(|(y, column)| x.value(c, *y, *column)).sum();
            assert_near(stored, sum / below.len() as f64, output, 1e-2);
        }
        for isa in Isa::available() {
            prop_assert!(run(isa) == expected, "{} differs", isa);
        }
    }
}
