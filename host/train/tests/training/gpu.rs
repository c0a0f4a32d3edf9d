//! A GPU computes the same losses as the CPU. For machines with a GPU:
//!
//! ```sh
//! cargo test --release --workspace --features emocue-train/vulkan --test training gpu    # or cuda
//! ```
//!
//! Software implementations of Vulkan do not work. On the matrix product that cubecl 0.11 compiles for Vulkan, Mesa's
//! lavapipe (22.3.6 and 25.0.7) crashes in `vkCreateComputePipelines`, and SwiftShader warns of `UNREACHABLE:
//! TypePointer` and gives wrong results; on both, convolutions, pools and sums agree with the CPU.

use emocue_train::backend::BackendName;

use crate::bench::{Bench, recipe};

/// Steps that are compared; differences grow with each.
const STEPS: usize = 8;

#[test]
fn a_gpu_repeats_the_cpus_losses() {
    let name = if cfg!(feature = "cuda") { BackendName::Cuda(0) } else { BackendName::Vulkan(0) };
    let gpu = name.open().unwrap_or_else(|error| panic!("{error}")).autodiff();
    let mut bench = Bench::new();
    // Both start from the CPU's weights, since each device draws other ones.
    let (examples, mut at) = bench.begin(&recipe());
    let start = bench.dir("start");
    at.save(&start).unwrap();
    let (_, expected) = bench.train(&bench.dir("cpu"), &examples, &mut at, STEPS).unwrap();

    bench.device = gpu;
    let mut at = bench.load(&start);
    let (_, losses) = bench.train(&bench.dir("gpu"), &examples, &mut at, STEPS).unwrap();
    assert_eq!((losses.len(), expected.len()), (STEPS, STEPS));
    for (a, b) in losses.iter().zip(&expected) {
        assert!((a - b).abs() < 1e-3 * b.abs(), "{losses:?}\n{expected:?}");
    }
}
