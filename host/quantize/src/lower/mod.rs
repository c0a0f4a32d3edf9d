//! From a float graph and the ranges of its activations to a quantized graph.

mod domains;
mod int8;
mod parts;
mod w8;

pub(crate) use parts::{Lowered, LoweredLayer};

use crate::calibrate::ActivationRanges;
use crate::error::QuantizeError;
use crate::onnx::OnnxGraph;
use crate::settings::{Arithmetic, QuantizeSettings};

/// Rewrites `graph` in the arithmetic of `settings`.
///
/// # Errors
/// [`QuantizeError`] when a value has no range.
pub(crate) fn lower(
    graph: &OnnxGraph,
    ranges: &ActivationRanges,
    settings: QuantizeSettings,
) -> Result<Lowered, QuantizeError> {
    match settings.arithmetic {
        Arithmetic::W8 => Ok(w8::lower(graph, ranges, settings)),
        Arithmetic::Int8 => int8::lower(graph, ranges, settings),
    }
}
