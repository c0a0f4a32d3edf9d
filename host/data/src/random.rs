//! Random generators that depend on a seed and their purpose only.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The generator of one example in one epoch; it does not depend on the thread.
pub fn generator(seed: u64, epoch: usize, row: usize) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&(epoch as u64).to_le_bytes());
    key[16..24].copy_from_slice(&(row as u64).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// The order of `count` examples in an epoch.
pub fn shuffled(seed: u64, epoch: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut generator(seed, epoch, usize::MAX));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_one_order() {
        assert_eq!(shuffled(3, 1, 50), shuffled(3, 1, 50));
        assert_ne!(shuffled(3, 1, 50), shuffled(3, 2, 50));
    }
}
