//! Post-training quantization of float ONNX graphs, and reading and writing them.
//!
//! [`quantize`] takes a graph with one float input and calibration inputs, and returns a graph with 8-bit weights that
//! are dequantized when it is loaded ([`Arithmetic::W8`]), or one in full int8 ([`Arithmetic::Int8`], `QLinearConv` and
//! `QLinearMatMul`). Both use standard ONNX operators only.
//!
//! The graph is simplified (an earlier quantization is undone, batch normalisation is folded), optionally equalised
//! (Nagel et al. 2019), and run on the calibration inputs; [`RangeMethod`] chooses each activation's range, and biases
//! are corrected for the rounding of the weights. [`QuantizedGraph::layers`] has the signal-to-noise ratio of each
//! layer. The same arguments give the same bytes.
//!
//! Graphs are run by an [`Engine`], a trait of two methods; [`TractEngine`] is one.
//!
//! ```
//! use emocue_quantize::onnx::{Array, Dim, GraphBuilder};
//! use emocue_quantize::{Arithmetic, CalibrationInput, QuantizeSettings, TractEngine, quantize};
//!
//! // A dense layer from 4 values to 2.
//! let mut graph = GraphBuilder::new("net");
//! let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(4)]);
//! let weights = [0.5, -0.25, 0.75, 1.0, -1.0, 0.125, 0.5, 0.25];
//! let y = graph.dense("dense", &x, Array::new(&[2, 4], &weights), &[0.0, 0.5]);
//! graph.output(&y, &[Dim::BATCH, Dim::Fixed(2)]);
//! let onnx = graph.finish()?.to_bytes();
//!
//! let row = |at: usize| CalibrationInput {
//!     shape: vec![1, 4],
//!     values: (0..4).map(|column| ((at * 4 + column) as f32).sin()).collect(),
//! };
//! let rows: Vec<CalibrationInput> = (0..8).map(row).collect();
//! let settings = QuantizeSettings { keep_below: 0, ..QuantizeSettings::of(Arithmetic::W8) };
//! let quantized = quantize(&TractEngine, &onnx, &rows, settings)?;
//! assert_eq!(quantized.layers[0].layer, "dense (Gemm)");
//! assert!(quantized.layers[0].signal_to_noise > 30.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The feature `clap` derives `ValueEnum` for [`Arithmetic`], [`Granularity`] and [`RangeMethod`].

#![warn(clippy::disallowed_macros)]

mod average;
mod calibrate;
mod engine;
mod equalize;
mod error;
mod layer;
mod lower;
mod noise;
pub mod onnx;
mod operators;
mod probe;
mod range;
mod restore;
mod settings;
mod simplify;
mod size;
mod weights;

pub use average::{AverageError, average};
pub use engine::{CalibrationInput, Engine, EngineError, LoadedGraph, TractEngine};
pub use error::QuantizeError;
pub use noise::LayerNoise;
pub use range::RangeMethod;
pub use restore::restore_floats;
pub use settings::{Arithmetic, QuantizeSettings};
pub use size::{GraphSize, SizeError};
pub use weights::Granularity;

use lower::Lowered;
use onnx::OnnxGraph;

/// A quantized graph and its quantization noise.
#[derive(Clone, Debug)]
pub struct QuantizedGraph {
    /// The content of an `.onnx` file.
    pub onnx: Vec<u8>,
    /// Every layer with weights, in order of computation.
    pub layers: Vec<LayerNoise>,
    /// Pairs of layers that were equalised.
    pub equalized: usize,
}

/// Quantizes the graph in `onnx`, calibrated on `rows`, at least 8 of them.
///
/// The result is deterministic: the same arguments give the same bytes.
///
/// # Errors
/// [`QuantizeError`] naming the node, tensor or row.
pub fn quantize(
    engine: &dyn Engine,
    onnx: &[u8],
    rows: &[CalibrationInput],
    settings: QuantizeSettings,
) -> Result<QuantizedGraph, QuantizeError> {
    let mut graph = OnnxGraph::read(onnx)?;
    simplify::simplify(&mut graph)?;
    operators::check(&graph, settings.arithmetic)?;
    let equalized = if settings.equalize { equalize::equalize(&mut graph) } else { 0 };
    let ranges = calibrate::calibrate(engine, &graph, rows, settings.ranges)?;
    let Lowered { graph: lowered, layers } = lower::lower(&graph, &ranges, settings)?;
    let layers = noise::noise(engine, [&graph, &lowered], &layers, rows)?;
    Ok(QuantizedGraph { onnx: lowered.to_bytes(), layers, equalized })
}
