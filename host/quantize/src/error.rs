//! Why a graph cannot be quantized.

use crate::engine::EngineError;
use crate::onnx::GraphReadError;

/// A graph cannot be quantized.
#[derive(Debug, thiserror::Error)]
pub enum QuantizeError {
    /// The graph cannot be read.
    #[error(transparent)]
    Read(#[from] GraphReadError),
    /// The operator is not supported.
    #[error("{node} cannot be quantized: {why}")]
    Unsupported {
        /// Name and operator of the node.
        node: String,
        /// The reason.
        why: String,
    },
    /// Weights, groups and bias of a layer contradict each other.
    #[error("{node} is invalid: {what}")]
    Inconsistent {
        /// Name and operator of the node.
        node: String,
        /// What does not fit.
        what: String,
    },
    /// NaN or infinity in an activation.
    #[error("\"{value}\" is not finite on calibration row {row}")]
    Overflow {
        /// Name of the value.
        value: String,
        /// Calibration row, counted from 0.
        row: usize,
    },
    /// A value that never changes has no range.
    #[error("\"{value}\" is {constant} on all calibration rows")]
    Constant {
        /// Name of the value.
        value: String,
        /// Its value on every row.
        constant: f32,
    },
    /// Too few calibration rows.
    #[error("{rows} calibration rows, at least {least} are needed")]
    NoData {
        /// Rows given.
        rows: usize,
        /// Rows needed.
        least: usize,
    },
    /// A calibration row does not fit the input.
    #[error("a calibration row has {actual} values, the input {expected}")]
    WrongRow {
        /// Values of the row.
        actual: usize,
        /// Values of the input.
        expected: usize,
    },
    /// Nothing to quantize.
    #[error("the graph has no layer with constant weights (Conv, Gemm or MatMul)")]
    NoLayer,
    /// The engine refuses the graph or fails.
    #[error("failed to run the graph: {0}")]
    Engine(#[source] EngineError),
}

impl QuantizeError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Read(error) => return error.help(),
            Self::Unsupported { .. } => {
                "Replace it in the network, or quantize to w8, which changes nothing but weights."
            }
            Self::Overflow { .. } => "Check that row, and the weights before this value.",
            Self::Constant { .. } => {
                "Give data that exercises the network, or remove the dead layer."
            }
            Self::NoData { .. } => "Give more calibration data.",
            Self::WrongRow { .. } => "Give data of the network's size, or another input shape.",
            Self::Inconsistent { .. } => "Export the network again.",
            Self::NoLayer | Self::Engine(_) => return None,
        };
        Some(help.to_owned())
    }
}
