//! Seeded random numbers for games and tests; not for keys.

/// SplitMix64 (Steele et al. 2014): sufficient for tests and games, without a dependency.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Numbers of one seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Numbers for one purpose, which do not depend on how many another purpose uses.
    pub fn of(seed: u64, purpose: &str) -> Self {
        let mixed = purpose.bytes().fold(seed, |seed, byte| Self(seed ^ u64::from(byte)).number());
        Self(mixed)
    }

    /// Any number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.number() % end as u64) as usize
    }

    /// A number in `0..1`.
    pub fn part(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A byte other than `byte`.
    pub fn other_byte(&mut self, byte: u8) -> u8 {
        byte ^ (1 + self.below(255) as u8)
    }

    /// Any bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.number() as u8).collect()
    }

    /// At most `most` numbers of `0..of` in order, one from each of as many equal parts.
    pub fn sample(&mut self, of: usize, most: usize) -> Vec<usize> {
        if of <= most {
            return (0..of).collect();
        }
        let edge = |part: usize| part * of / most;
        (0..most).map(|part| edge(part) + self.below(edge(part + 1) - edge(part))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_purpose_give_the_same_numbers() {
        let first = |seed, purpose| Random::of(seed, purpose).number();
        assert_eq!(first(1, "kill"), first(1, "kill"));
        assert_ne!(first(1, "kill"), first(2, "kill"));
        assert_ne!(first(1, "kill"), first(1, "clock"));
    }

    #[test]
    fn a_sample_is_spread_evenly() {
        let mut random = Random::of(1, "sample");
        let sample = random.sample(1000, 10);
        assert!(sample.iter().enumerate().all(|(part, at)| at / 100 == part), "{sample:?}");
        assert_eq!(random.sample(3, 10), [0, 1, 2]);
        assert!((0..1000).all(|_| random.other_byte(7) != 7));
    }
}
