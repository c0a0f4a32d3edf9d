//! A fixed piece of work that tells how fast this machine is right now.

use std::hint::black_box;
use std::time::Instant;

/// Side of the matrices.
const SIDE: usize = 192;

/// Runs; the fastest counts, since everything else on the machine can only add time.
const RUNS: usize = 40;

/// Milliseconds of the fastest of some multiplications of two 192x192 f32 matrices.
pub(crate) fn fastest_ms() -> f64 {
    let left: Vec<f32> = (0..SIDE * SIDE).map(|i| (i % 17) as f32).collect();
    let right: Vec<f32> = (0..SIDE * SIDE).map(|i| (i % 13) as f32).collect();
    let mut product = vec![0.0; SIDE * SIDE];
    let time = |_| {
        let start = Instant::now();
        multiply(black_box(&left), black_box(&right), &mut product);
        black_box(&product);
        start.elapsed().as_secs_f64() * 1e3
    };
    (0..RUNS).map(time).fold(f64::INFINITY, f64::min)
}

fn multiply(left: &[f32], right: &[f32], product: &mut [f32]) {
    product.fill(0.0);
    for (row, factors) in product.chunks_exact_mut(SIDE).zip(left.chunks_exact(SIDE)) {
        for (factor, line) in factors.iter().zip(right.chunks_exact(SIDE)) {
            row.iter_mut().zip(line).for_each(|(sum, value)| *sum += factor * value);
        }
    }
}
