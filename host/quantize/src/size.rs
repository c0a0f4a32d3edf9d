//! The parameters and multiply-accumulates of an ONNX graph.

use std::collections::HashSet;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::cnn::Conv;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_hir::internal::*;

use crate::onnx::{Constant, GraphReadError, OnnxGraph, Values};
use crate::restore_floats;

/// The size of a graph cannot be computed.
#[derive(Debug, thiserror::Error)]
pub enum SizeError {
    /// Its bytes are not a supported graph.
    #[error(transparent)]
    Read(#[from] GraphReadError),
    /// tract cannot infer the shapes of its values.
    #[error("tract cannot type the graph: {0}")]
    Shapes(String),
}

/// Parameters of a graph, and its multiply-accumulates for one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GraphSize {
    /// Weights and biases, whatever their type; batch normalisation's running statistics are not counted.
    pub parameters: u64,
    /// Multiply-accumulates of convolutions and dense layers; other operators are negligible. Layers of all outputs
    /// count, as a run computes all of them.
    pub macs: u64,
}

impl GraphSize {
    /// The size of the graph in `onnx`, whose only input has `shape`.
    ///
    /// # Errors
    /// [`SizeError`] when the bytes are not a graph of operator set 11 or later, or shapes do not follow from the input's.
    pub fn of(onnx: &[u8], shape: &[usize]) -> Result<Self, SizeError> {
        let mut graph = OnnxGraph::read(onnx)?;
        restore_floats(&mut graph);
        graph.drop_unread();
        let macs = macs(&graph.to_bytes(), shape);
        let macs = macs.map_err(|error| SizeError::Shapes(format!("{error:#}")))?;
        Ok(Self { parameters: parameters(&graph), macs })
    }
}

/// Whether input `at` of an operator may be weights.
fn is_weight(operator: &str, at: usize) -> bool {
    match operator {
        // Running means and variances.
        "BatchNormalization" => at < 3,
        // Sizes, bounds and scales.
        "Resize" | "Clip" | "Pad" | "QuantizeLinear" | "DequantizeLinear" => false,
        _ => true,
    }
}

fn parameters(graph: &OnnxGraph) -> u64 {
    // A weight that several nodes read counts once.
    let mut weights: HashSet<&str> = HashSet::new();
    for node in &graph.nodes {
        let inputs = node.input.iter().enumerate();
        let read = inputs.filter(|(at, _)| is_weight(&node.op_type, *at));
        weights.extend(read.map(|(_, name)| name.as_str()));
    }
    let count = |(name, constant): (&String, &Constant)| match &constant.values {
        Values::F32(values) if weights.contains(name.as_str()) => values.len() as u64,
        _ => 0,
    };
    graph.constants.iter().map(count).sum()
}

fn macs(onnx: &[u8], shape: &[usize]) -> TractResult<u64> {
    let model = tract_onnx::onnx()
        .with_ignore_value_info(true)
        .model_for_read(&mut &*onnx)?
        .with_input_fact(0, f32::fact(shape).into())?
        .into_typed()?;
    let mut sum = 0;
    for node in model.nodes() {
        if !(node.op_is::<Conv>() || node.op_is::<EinSum>()) {
            continue;
        }
        let inputs = model.node_input_facts(node.id)?;
        for (cost, count) in node.op.cost(&inputs)? {
            if matches!(cost, Cost::FMA(_)) {
                sum += count.to_i64()?.unsigned_abs();
            }
        }
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{Array, Conv as How, Dim, GraphBuilder};
    use crate::{Arithmetic, CalibrationInput, QuantizeSettings, TractEngine, quantize};

    fn graph() -> Vec<u8> {
        let mut graph = GraphBuilder::new("net");
        let side = Dim::Fixed(8);
        let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), side, side]);
        let how = How { pad: [1, 1], stride: [2, 2], ..How::default() };
        let y = graph.conv("a", &x, Array::new(&[4, 1, 3, 3], &[0.5; 36]), Some(&[0.1; 4]), how);
        let y = graph.relu("relu", &y);
        let how = How { groups: 2, ..How::default() };
        let y = graph.conv("b", &y, Array::new(&[6, 2, 1, 1], &[0.5; 12]), None, how);
        let y = graph.flatten("flat", &y);
        let y = graph.dense("c", &y, Array::new(&[3, 96], &[0.5; 288]), &[0.0; 3]);
        graph.output(&y, &[Dim::BATCH, Dim::Fixed(3)]);
        graph.finish().unwrap().to_bytes()
    }

    const SHAPE: [usize; 4] = [1, 1, 8, 8];
    const MACS: u64 = 16 * 4 * 9 + 16 * 6 * 2 + 288;

    #[test]
    fn counts_by_hand() {
        let size = GraphSize::of(&graph(), &SHAPE).unwrap();
        assert_eq!(size, GraphSize { parameters: 36 + 4 + 12 + 288 + 3, macs: MACS });
        assert!(matches!(GraphSize::of(b"not a graph", &SHAPE), Err(SizeError::Read(_))));
        assert!(matches!(GraphSize::of(&graph(), &[1, 2, 8, 8]), Err(SizeError::Shapes(_))));
    }

    #[test]
    fn integers_count_as_the_floats_that_they_stand_for() {
        let row = |at: usize| CalibrationInput {
            shape: SHAPE.to_vec(),
            values: (0..64).map(|pixel| ((at * 64 + pixel) as f32).sin()).collect(),
        };
        let rows: Vec<CalibrationInput> = (0..8).map(row).collect();
        for arithmetic in [Arithmetic::W8, Arithmetic::Int8] {
            let settings = QuantizeSettings { keep_below: 0, ..QuantizeSettings::of(arithmetic) };
            let onnx = quantize(&TractEngine, &graph(), &rows, settings).unwrap().onnx;
            let size = GraphSize::of(&onnx, &SHAPE).unwrap();
            assert_eq!(size.macs, MACS, "{arithmetic:?}");
            // A layer without a bias may get one that corrects for the rounding of its weights.
            assert!((343..=343 + 6).contains(&size.parameters), "{arithmetic:?}: {size:?}");
        }
    }
}
