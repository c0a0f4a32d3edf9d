//! The contrast stretch before a search: in low light a detector first misses faces of low contrast, and faces with
//! dark skin before others.

/// Quantiles of luma that become black and white.
const TAILS: (f32, f32) = (0.01, 0.99);

/// Upper limit of the gain, since noise grows with it.
const MOST_GAIN: f32 = 8.0;

/// A picture that needs a smaller gain is left as it is.
const LEAST_GAIN: f32 = 1.34;

/// A linear map of luma to the full range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    black: f32,
    gain: f32,
}

impl Stretch {
    /// Leaves everything as it is.
    pub const NONE: Self = Self { black: 0.0, gain: 1.0 };

    /// Makes the 1st percentile of `values` (`0..=255`) black and the 99th white, at most 8 times the
    /// contrast.
    pub fn of(values: &[f32]) -> Self {
        let mut histogram = [0_u32; 256];
        for value in values {
            // A cast saturates; NaN becomes 0.
            histogram[usize::from(*value as u8)] += 1;
        }
        let at = |share: f32| {
            let wanted = (values.len() as f32 * share) as u32;
            let mut sum = 0;
            let found = histogram.iter().position(|count| {
                sum += count;
                sum > wanted
            });
            found.unwrap_or(0) as f32
        };
        let (black, white) = (at(TAILS.0), at(TAILS.1));
        let gain = (255.0 / (white - black).max(1.0)).min(MOST_GAIN);
        if gain < LEAST_GAIN { Self::NONE } else { Self { black, gain } }
    }

    /// Maps `values` in place; they stay in `0..=255`.
    pub fn apply(self, values: &mut [f32]) {
        if self == Self::NONE {
            return;
        }
        for value in values {
            *value = ((*value - self.black) * self.gain).clamp(0.0, 255.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dark_picture_uses_the_whole_range() {
        let mut values: Vec<f32> = (0..1000).map(|i| 10.0 + (i % 50) as f32).collect();
        let stretch = Stretch::of(&values);
        stretch.apply(&mut values);
        let highest = values.iter().copied().fold(0.0, f32::max);
        assert_eq!((values[0], highest), (0.0, 255.0));
        assert!((values[25] - 130.0).abs() < 5.0, "{}", values[25]);
    }

    #[test]
    fn outliers_do_not_count_and_the_gain_has_a_limit() {
        let mut values = vec![20.0; 1000];
        values[..5].fill(255.0);
        values[500..].fill(24.0);
        let stretch = Stretch::of(&values);
        assert_eq!(stretch, Stretch { black: 20.0, gain: MOST_GAIN });
        stretch.apply(&mut values);
        assert_eq!((values[0], values[10], values[999]), (255.0, 0.0, 32.0));
    }

    #[test]
    fn a_picture_with_contrast_and_an_empty_one_stay_as_they_are() {
        let full: Vec<f32> = (0..256).map(|i| i as f32).collect();
        assert_eq!(Stretch::of(&full), Stretch::NONE);
        Stretch::of(&[]).apply(&mut []);
        let mut odd = [f32::NAN, 3.0];
        Stretch::of(&odd).apply(&mut odd);
        assert_eq!(odd[1], 24.0);
    }
}
