//! The decision: what a face looks like, from the probabilities of its classes.

/// The most probable class and its probability; `None` without classes.
///
/// Of equal probabilities the last class counts. The order is total ([`f32::total_cmp`]), so the result is also defined
/// for NaN.
pub fn most_probable(probabilities: &[f32]) -> Option<(usize, f32)> {
    probabilities.iter().copied().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))
}

/// The most probable class, if its probability reaches `threshold` (`0..=1`); `None` for unsure.
pub fn decide(probabilities: &[f32], threshold: f32) -> Option<usize> {
    let (class, probability) = most_probable(probabilities)?;
    (probability >= threshold).then_some(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_probable_class_must_reach_the_threshold() {
        assert_eq!(decide(&[0.2, 0.5, 0.3], 0.5), Some(1));
        assert_eq!(decide(&[0.2, 0.5, 0.3], 0.51), None);
        assert_eq!(decide(&[], 0.0), None);
    }

    #[test]
    fn of_equal_classes_the_last_counts() {
        assert_eq!(most_probable(&[0.4, 0.2, 0.4]), Some((2, 0.4)));
        assert_eq!(decide(&[0.5, 0.5], 0.5), Some(1));
    }

    #[test]
    fn nan_is_unsure() {
        assert_eq!(decide(&[0.9, f32::NAN, 0.1], 0.5), None);
        assert_eq!(decide(&[f32::NAN], 0.0), None);
        // A negative NaN sorts below every number.
        assert_eq!(decide(&[0.9, -f32::NAN], 0.5), Some(0));
    }
}
