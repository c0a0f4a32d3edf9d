//! Integer layers of small convolutional networks, exact on every processor.
//!
//! A quantized network is run layer by layer: [`Stem`] for the first convolution, [`Conv`] for the others (whole, in
//! groups of blocks, or depthwise), [`MaxPool`] and [`AveragePool`], [`Pointwise`] for additions, activations and
//! changes of scale, [`concat()`], [`upsample`], and [`Dense`] for the logits at the end. Each layer is built once,
//! from the network's own parameters: weights, scales, and biases in real units. Building checks everything, folds zero
//! points into biases and packs weights for the processor. A run checks shapes, allocates nothing and cannot fail
//! otherwise.
//!
//! ```
//! use emocue_kernels::{Activation, Conv, ConvSpec, Isa, Planes, Quantization, Shape, Window};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A 3x3 from one channel to one, whose weights are all 1.0: the sum of a pixel and its neighbours.
//! let spec = ConvSpec {
//!     inputs: 1,
//!     outputs: 1,
//!     groups: 1,
//!     window: Window::same(3, 1),
//!     weights: &[100; 9],
//!     weight_scales: &[0.01],
//!     biases: &[0.5],
//!     input: Quantization::unsigned(0.5),
//!     output: Quantization::unsigned(0.25),
//!     residual: None,
//!     activation: Activation::Relu,
//! };
//! let conv = Conv::new(&spec, Isa::chosen()?)?;
//!
//! let mut x = Planes::new(Shape::new(1, 2, 2), conv.border(), 0)?;
//! x.quantize(&[1.0, 2.0, 3.0, 4.0], 0.5)?;
//! let mut y = Planes::new(conv.output(x.shape())?, 0, 0)?;
//! conv.run(&x, None, &mut y)?;
//!
//! let mut sums = [0.0; 4];
//! y.dequantize(0.25, &mut sums)?;
//! assert_eq!(sums, [10.5; 4]);
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! [`Planes`] are blocks of 16 channels, each with a border of the zero point: `[C/16][H + 2b][W + 2b][16]`. So a
//! window at the edge reads zeros like other values, and no copy (im2col) is needed. Here 20 channels of 2x3 with a
//! border `b` of 1; `z` is the zero point, and a letter is a [`Pixel`], the values of 16 channels at one position:
//!
//! ```text
//! block 0: channels 0 to 15      block 1: channels 16 to 19, and 12 that only fill it up
//!   z z z z z                      z z z z z
//!   z a b c z                      z g h i z
//!   z d e f z                      z j k l z
//!   z z z z z                      z z z z z
//! ```
//!
//! Channels that fill up a block are stored values like others (0 to 127), and every weight for them is 0.
//!
//! The border is chosen for each [`Planes`]: as wide as the largest padding of the layers that read it
//! ([`Conv::border`]), 1 for 3x3, 2 for 5x5. Pools and [`Stem`] need none.
//!
//! # Ranges
//!
//! Stored values are 0 to 127 and mean `(stored - zero_point) * scale` ([`Quantization`]). After a ReLU the zero point
//! is 0, which leaves 127 steps; for values of both signs it is 64, which leaves 6 bits and a sign. Weights are -127 to
//! 127, with a scale for each output, and their zero point is 0.
//!
//! A sum of products is `Σ w · (x - z) = Σ w · x - z · Σ w`, and the second term is known when the layer is built, so it
//! is folded into the bias. The border's `z` makes this exact at edges too.
//!
//! # Why nothing overflows
//!
//! - The absolute value of a product is at most 127 · 127 = 16,129.
//! - AVX2 (`vpmaddubsw`) and NEON (`smull`, `smlal2`) add two products in 16 bits: at most 32,258, and the largest
//!   16-bit number is 32,767. Weights of -128 are refused for this reason.
//! - 32 bits hold the sum of 133,144 products. A layer with more for an output is refused.
//! - x86's instructions multiply unsigned with signed bytes, ARM's signed with signed ones. From 0 to 127 they agree.
//! - A sum becomes `f32` and is requantised by fused multiply-adds. When a layer is built, the largest result is bounded,
//!   and refused where `f32` could not hold it: so no result is infinite or NaN.
//!
//! # Why every processor gives the same bits
//!
//! Integer sums are exact in any order. What follows is one formula for each value (`i32` to `f32`, fused multiply-add
//! with scale and bias, another for a residual, the activation, rounding to even, saturation), and IEEE 754 defines
//! every step to the last bit. It is portable code that is compiled for each instruction set; only the sums of products
//! are written by hand for each. The tests compare all of them with the portable code.
//!
//! A result may differ by one step from a runtime that rounds before it adds a residual: here it is rounded once.
//!
//! # Instruction sets
//!
//! | [`Isa`] | sums | tile: places x channels |
//! |---|---|---|
//! | `portable` | plain code | 2 x 16 |
//! | `neon` | `smull`, `smlal2`, `sadalp` | 4 x 4 |
//! | `neon-dot` | `sdot` | 6 x 16 |
//! | `avx2` | `vpmaddubsw`, `vpmaddwd` | 4 x 16 |
//! | `avx-vnni` | `vpdpbusd`, 256 bits (AVX-VNNI or AVX-512) | 6 or 12 x 16 |
//! | `avx512-vnni` | `vpdpbusd`, 512 bits | 12 x 32 or 6 x 64 |
//!
//! [`Isa::chosen`] is the best that the processor has, or the one that the environment variable `EMOCUE_ISA` names; a name
//! that the processor lacks is an error, never a fallback.
//!
//! # Errors
//!
//! [`KernelError`] says what was expected and what was found: counts and shapes that do not fit, scales that are zero,
//! negative, not a number or so small that they underflow, weights of -128, groups that are not whole blocks, sums that
//! could overflow. A layer is built as a whole or not at all, and a run that is refused leaves its output as it was.
//!
//! # Unsafe code
//!
//! Values are loaded and stored through references by `safe_unaligned_simd`. `unsafe` are only the calls of code for
//! instruction sets that were detected (in `isa.rs` and `conv/mod.rs`) and the instruction `sdot`, whose intrinsic is
//! not stable yet.

// Indices run over several arrays at once, and the compiler knows their lengths.
#![allow(clippy::needless_range_loop)]

mod arrange;
mod conv;
mod dense;
mod error;
mod isa;
mod layout;
mod pack;
mod pointwise;
mod pool;
mod quantize;
mod requantize;
mod stem;
mod window;

pub use arrange::{concat, upsample};
pub use conv::{Conv, ConvSpec};
pub use dense::{Dense, DenseSpec};
pub use error::{IsaError, KernelError};
pub use isa::{Isa, VARIABLE};
pub use layout::{LANES, Pixel, Planes, Quantization, Shape, TOP};
pub use pointwise::{Pointwise, PointwiseSpec};
pub use pool::{AveragePool, MaxPool};
pub use quantize::quantize;
pub use requantize::Activation;
pub use stem::Stem;
pub use window::Window;
