//! A fixed workload that measures the machine's current speed.

use std::hint::black_box;
use std::time::Instant;

/// Number of rows and columns of the matrices.
const SIDE: usize = 192;

/// Number of runs; the minimum counts, since other load can only add time.
const RUNS: usize = 40;

/// Minimum time of several multiplications of two 192x192 f32 matrices, ms.
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
