//! Values as a network defines them, without blocks and borders, and random test data.

use emocue_kernels::{Activation, Planes, Quantization, Shape};

/// Stored values in the order `[C][H][W]`.
#[derive(Clone, Debug)]
pub(crate) struct Tensor {
    pub(crate) shape: Shape,
    pub(crate) quantization: Quantization,
    pub(crate) stored: Vec<i8>,
}

impl Tensor {
    pub(crate) fn random(shape: Shape, quantization: Quantization, random: &mut Random) -> Self {
        Self { shape, quantization, stored: random.stored(shape.len()) }
    }

    pub(crate) fn planes(&self, border: usize) -> Planes {
        let mut planes = Planes::new(self.shape, border, self.quantization.zero_point).unwrap();
        planes.store(&self.stored).unwrap();
        planes
    }

    /// The real value at a position; zero outside.
    pub(crate) fn value(&self, channel: usize, y: isize, x: isize) -> f64 {
        let Shape { height, width, .. } = self.shape;
        let inside = |place: isize, side: usize| usize::try_from(place).ok().filter(|p| *p < side);
        match (inside(y, height), inside(x, width)) {
            (Some(y), Some(x)) => {
                let stored = self.stored[(channel * height + y) * width + x];
                let steps = i32::from(stored) - i32::from(self.quantization.zero_point);
                f64::from(steps) * f64::from(self.quantization.scale)
            }
            _ => 0.0,
        }
    }
}

/// Every index of a shape.
pub(crate) fn places(shape: Shape) -> impl Iterator<Item = (usize, usize, usize)> {
    let rows = (0..shape.channels).flat_map(move |c| (0..shape.height).map(move |y| (c, y)));
    rows.flat_map(move |(c, y)| (0..shape.width).map(move |x| (c, y, x)))
}

/// Planes full of other values, so that values that were not written are detected.
pub(crate) fn dirty(shape: Shape, border: usize, zero_point: i8) -> Planes {
    let mut planes = Planes::new(shape, border, zero_point).unwrap();
    planes.store(&vec![99; shape.len()]).unwrap();
    planes
}

pub(crate) fn stored(planes: &Planes) -> Vec<i8> {
    let mut values = vec![-1; planes.shape().len()];
    planes.load(&mut values).unwrap();
    values
}

/// The border is as it was, wherever blocks are full.
pub(crate) fn assert_border(planes: &Planes) {
    if planes.shape().channels.is_multiple_of(16) {
        let mut fresh = Planes::new(planes.shape(), planes.border(), planes.zero_point()).unwrap();
        fresh.store(&stored(planes)).unwrap();
        assert_eq!(&fresh, planes, "the border was written to");
    }
}

pub(crate) fn activate(activation: Activation<'_>, channel: usize, value: f64) -> f64 {
    match activation {
        Activation::Linear => value,
        Activation::Relu => value.max(0.0),
        Activation::ReluUpTo(high) => value.min(f64::from(high)).max(0.0),
        Activation::Prelu(slopes) => {
            if value < 0.0 {
                value * f64::from(slopes[channel])
            } else {
                value
            }
        }
    }
}

/// Whether a stored value is the one nearest to a real one; `slack` in steps.
pub(crate) fn assert_near(stored: i8, value: f64, to: Quantization, slack: f64) {
    let steps = value / f64::from(to.scale) + f64::from(to.zero_point);
    let exact = steps.clamp(0.0, 127.0);
    let off = (f64::from(stored) - exact).abs();
    assert!(stored >= 0 && off <= 0.5 + slack, "stored {stored}, exact {exact}, slack {slack}");
}

/// Numbers from a seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % end
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    pub(crate) fn float(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.below(1 << 20) as f32 / (1 << 20) as f32
    }

    /// All values occur, the ends more often; sometimes only the end.
    pub(crate) fn stored(&mut self, count: usize) -> Vec<i8> {
        let ends = self.below(5);
        (0..count)
            .map(|_| match ends {
                0 => 127,
                1 => self.pick(&[0, 127]),
                _ => self.below(128) as i8,
            })
            .collect()
    }

    pub(crate) fn weights(&mut self, count: usize) -> Vec<i8> {
        let ends = self.below(5);
        (0..count)
            .map(|_| match ends {
                0 => 127,
                1 => self.pick(&[-127, 127]),
                2 => -127,
                _ => (self.below(255) as i16 - 127) as i8,
            })
            .collect()
    }

    pub(crate) fn quantization(&mut self) -> Quantization {
        let any = self.below(128) as i8;
        let zero_point = self.pick(&[0, 64, 127, any]);
        Quantization { scale: self.float(0.001, 0.1), zero_point }
    }

    pub(crate) fn floats(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count).map(|_| self.float(low, high)).collect()
    }

    /// One of each kind; `slopes` serve PReLU.
    pub(crate) fn activation<'a>(&mut self, slopes: &'a [f32]) -> Activation<'a> {
        let high = self.float(0.0, 6.0);
        self.pick(&[
            Activation::Linear,
            Activation::Relu,
            Activation::ReluUpTo(high),
            Activation::Prelu(slopes),
        ])
    }
}
