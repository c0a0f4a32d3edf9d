//! Post-training quantization of float ONNX graphs.
//!
//! A graph is opened ([`onnx::graph`]), simplified ([`mod@simplify`]), perhaps equalised ([`mod@equalize`]) and run on
//! calibration inputs ([`mod@calibrate`]); then its layers are written anew ([`lower`]): with 8-bit weights that are
//! dequantized ([`Form::W8`]), or in integers from one end to the other ([`Form::Int8`]).

pub mod calibrate;
pub mod equalize;
pub mod lower;
pub mod noise;
pub mod onnx;
mod probe;
pub mod range;
pub mod simplify;
pub mod weights;

use emocue_run::{Recorded, RunError};

use calibrate::calibrate;
use lower::Target;
use noise::{LayerNoise, noise};
use onnx::graph::{Graph, OpenError};
use range::Method;
use weights::Granularity;

/// What the quantized graph computes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// 8-bit weights, float arithmetic.
    W8,
    /// 8-bit weights and activations, integer arithmetic.
    Int8,
}

/// How to quantize.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Arithmetic of the result.
    pub form: Form,
    /// What shares a scale.
    pub granularity: Granularity,
    /// How activations' ranges are chosen.
    pub ranges: Method,
    /// Whether channels are balanced between layers first.
    pub equalize: bool,
    /// Layers with fewer weights than this stay as they are in `w8`: there is little to save, and first and last
    /// layers, which are small, cost most.
    pub keep_below: usize,
    /// Whether biases make up for what rounding the weights does on average (Nagel et al. 2019).
    pub correct_bias: bool,
}

impl Settings {
    /// The usual settings of a form: scales for each channel cost `w8` nothing; `int8` runs faster without.
    pub fn of(form: Form) -> Self {
        let granularity = match form {
            Form::W8 => Granularity::PerChannel,
            Form::Int8 => Granularity::PerTensor,
        };
        Self {
            form,
            granularity,
            ranges: Method::Best,
            equalize: false,
            keep_below: 3000,
            correct_bias: true,
        }
    }
}

/// A quantized graph and what it costs.
#[derive(Clone, Debug)]
pub struct Quantized {
    /// The content of an `.onnx` file.
    pub onnx: Vec<u8>,
    /// Every layer with weights, in order of computation.
    pub layers: Vec<LayerNoise>,
    /// Pairs of layers that were equalised.
    pub equalized: usize,
}

/// A graph cannot be quantized.
#[derive(Debug, thiserror::Error)]
pub enum QuantizeError {
    /// The graph cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An operator that has no integer form here.
    #[error(
        "{node} cannot be quantized: {why}\n  Replace it in the network, or use --form w8, which leaves all but weights as they are."
    )]
    Unsupported {
        /// Which node.
        node: String,
        /// The reason.
        why: String,
    },
    /// NaN or infinity among the weights.
    #[error(
        "{tensor} holds {value}\n  The training diverged or the file is damaged; train or export again."
    )]
    NotFinite {
        /// Which tensor.
        tensor: String,
        /// The value.
        value: f32,
    },
    /// NaN or infinity in an activation.
    #[error(
        "\"{value}\" is not finite on calibration row {row}\n  Look at that row, or at the weights before it."
    )]
    Overflow {
        /// Which value.
        value: String,
        /// From 0.
        row: usize,
    },
    /// A value that never changes has no range.
    #[error(
        "\"{value}\" is {constant} on all calibration rows\n  Give data that exercises the network, or drop the dead layer."
    )]
    Constant {
        /// Which value.
        value: String,
        /// What it always is.
        constant: f32,
    },
    /// Too little to calibrate on.
    #[error("{rows} calibration rows, at least {least} are needed\n  Give more data with --data.")]
    NoData {
        /// As given.
        rows: usize,
        /// As needed.
        least: usize,
    },
    /// Rows that do not fit the input.
    #[error(
        "a calibration row has {actual} values, the input {expected}\n  Give data of the network's size, or another --shape."
    )]
    WrongRow {
        /// Of a row.
        actual: usize,
        /// Of the input.
        expected: usize,
    },
    /// Nothing to quantize.
    #[error("the graph has no layer with constant weights (Conv, Gemm or MatMul)")]
    NoLayer,
    /// tract refuses the graph.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Quantizes the graph in `onnx` by what it computes on `rows`.
///
/// The result depends on nothing else: the same arguments give the same bytes.
///
/// # Errors
/// [`QuantizeError`] naming the node, tensor or row.
pub fn quantize(
    onnx: &[u8],
    rows: &[Recorded],
    settings: Settings,
) -> Result<Quantized, QuantizeError> {
    let mut graph = Graph::read(onnx)?;
    simplify::simplify(&mut graph)?;
    lower::check(&graph, settings.form)?;
    let equalized = if settings.equalize { equalize::equalize(&mut graph) } else { 0 };
    let calibration = calibrate(&graph, rows, settings.ranges)?;
    let Target { graph: lowered, renamed } = lower::lower(&graph, &calibration, settings)?;
    let layers = noise(&graph, &lowered, &renamed, rows)?;
    Ok(Quantized { onnx: lowered.to_bytes(), layers, equalized })
}
