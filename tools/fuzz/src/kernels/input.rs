//! What bytes choose of a layer: mostly what networks have, rarely anything.

use std::ops::{Range, RangeInclusive};

use arbitrary::Unstructured;
use emocue_kernels::{Planes, Quantization, Shape, TOP, Window};

/// Bytes, and zeros behind them.
pub(super) struct Input<'a>(Unstructured<'a>);

impl<'a> Input<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    fn any<T: arbitrary::Arbitrary<'a> + Default>(&mut self) -> T {
        self.0.arbitrary().unwrap_or_default()
    }

    pub(super) fn below(&mut self, count: usize) -> usize {
        usize::from(self.any::<u8>()) % count
    }

    pub(super) fn within(&mut self, range: RangeInclusive<usize>) -> usize {
        range.start() + self.below(range.end() - range.start() + 1)
    }

    pub(super) fn rarely(&mut self) -> bool {
        self.any::<u8>() >= 240
    }

    pub(super) fn one_of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    /// A kernel, stride and padding, which need not be valid.
    pub(super) fn window(&mut self) -> Window {
        let square = self.one_of(&[1, 3, 3, 5]);
        let kernel = match self.below(3) {
            0 => [self.within(1..=6), self.within(1..=6)],
            _ => [square; 2],
        };
        if self.rarely() {
            let kernel = [self.within(0..=6), self.within(0..=6)];
            let pads = std::array::from_fn(|_| self.within(0..=6));
            return Window { kernel, stride: self.within(0..=4), pads };
        }
        let pads = std::array::from_fn(|side| self.below(kernel[side % 2]));
        Window { kernel, stride: self.within(1..=2), pads }
    }

    /// Rows and columns on which a window mostly fits, of one channel.
    pub(super) fn sides(&mut self, window: Window) -> Shape {
        let [height, width] = window.kernel.map(|kernel| {
            if self.rarely() { self.within(1..=4) } else { kernel.max(1) + self.below(30) }
        });
        Shape::new(1, height, width)
    }

    pub(super) fn zero_point(&mut self) -> i8 {
        match self.rarely() {
            true => self.any(),
            false => self.one_of(&[0, 64, 0, 64, TOP, 1]),
        }
    }

    pub(super) fn quantization(&mut self) -> Quantization {
        let scale = self.floats(1, 0.001..1.0)[0];
        Quantization { scale, zero_point: self.zero_point() }
    }

    /// Numbers of a range, and rarely one of any bits.
    pub(super) fn floats(&mut self, count: usize, range: Range<f32>) -> Vec<f32> {
        let mut noise = self.noise();
        let number = |_| {
            let part = noise() as u16 as f32 / 65536.0;
            range.start + part * (range.end - range.start)
        };
        let mut numbers: Vec<f32> = (0..count).map(number).collect();
        if count > 0 && self.rarely() {
            let at = self.below(count);
            numbers[at] = f32::from_bits(self.any());
        }
        numbers
    }

    /// -127 to 127, and rarely a -128.
    pub(super) fn weights(&mut self, count: usize) -> Vec<i8> {
        let kind = self.below(4);
        let mut noise = self.noise();
        let weight = |_| match kind {
            // As far as a sum of two products can go.
            0 => TOP,
            1 => [-TOP, TOP][noise() as usize % 2],
            _ => (noise() % 255) as u8 as i8,
        };
        let mut weights: Vec<i8> = (0..count).map(weight).collect();
        weights.iter_mut().filter(|weight| **weight == i8::MIN).for_each(|weight| *weight = 0);
        if count > 0 && self.rarely() {
            let at = usize::from(self.any::<u16>()) % count;
            weights[at] = i8::MIN;
        }
        weights
    }

    /// 0 to 127.
    pub(super) fn stored(&mut self, count: usize) -> Vec<i8> {
        let kind = self.below(3);
        let mut noise = self.noise();
        let value = |_| match kind {
            0 => [0, TOP][noise() as usize % 2],
            _ => (noise() % 128) as i8,
        };
        (0..count).map(value).collect()
    }

    /// Planes of such values; `None` where they cannot be.
    pub(super) fn planes(&mut self, shape: Shape, border: usize, zero_point: i8) -> Option<Planes> {
        let mut planes = Planes::new(shape, border, zero_point).ok()?;
        planes.store(&self.stored(shape.len())).expect("as many, and none negative");
        Some(planes)
    }

    /// Numbers without an end from a seed (xorshift, Marsaglia 2003).
    fn noise(&mut self) -> impl FnMut() -> u32 + use<> {
        let mut state = u32::from(self.any::<u16>()) * 2 + 1;
        move || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state >> 3
        }
    }
}
