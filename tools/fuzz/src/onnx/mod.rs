//! ONNX graphs: as bytes, and as graphs with mistakes in them.

mod edit;
mod graphs;

use emocue_data::model::describe::{describe, preprocess};
use emocue_models::failure;
use emocue_models::label::FER_7;
use emocue_quantize::onnx::{OnnxGraph, check_finite, to_logits};
use emocue_quantize::{
    Arithmetic, CalibrationInput, Engine, EngineError, Granularity, LoadedGraph, QuantizeSettings,
    RangeMethod, quantize,
};

use crate::FuzzTarget;
use graphs::GRAPHS;

/// Any file as a graph.
pub const ONNX: FuzzTarget = FuzzTarget {
    name: "onnx",
    what: "an ONNX file: opened, described, simplified and quantized, or refused",
    run: graph,
    seeds: || GRAPHS.iter().map(|graph| graph()).collect(),
};

/// Graphs with changed nodes, names, attributes and shapes.
pub const ONNX_EDIT: FuzzTarget = FuzzTarget {
    name: "onnx_edit",
    what: "ONNX graphs with changed nodes, names, attributes and shapes: as above",
    run: |data| {
        if let Ok(bytes) = edit::edited(&mut arbitrary::Unstructured::new(data)) {
            graph(&bytes);
        }
    },
    seeds: || {
        (0..8_u8)
            .map(|first| {
                (0..64_u8)
                    .map(|at| first.wrapping_mul(31).wrapping_add(at.wrapping_mul(7)))
                    .collect()
            })
            .collect()
    },
};

/// Answers with the same wave, whatever the graph: what is tested is what is done with it. How graphs run is for the
/// badge's self-test in a process of its own.
struct Wave;

struct WaveGraph {
    outputs: usize,
}

impl Engine for Wave {
    fn load(&self, onnx: &[u8], _: &[usize]) -> Result<Box<dyn LoadedGraph>, EngineError> {
        let outputs = OnnxGraph::read(onnx)?.outputs.len();
        Ok(Box::new(WaveGraph { outputs }))
    }
}

impl LoadedGraph for WaveGraph {
    fn run(&self, input: &[f32]) -> Result<Vec<Vec<f32>>, EngineError> {
        let first = input.first().copied().unwrap_or_default();
        let wave = |output| (0..24).map(|at| first + ((at * 7 + output) as f32).sin()).collect();
        Ok((0..self.outputs).map(wave).collect())
    }
}

/// Values of the inputs that are calibrated on; larger ones only take time.
const MOST: usize = 1 << 12;

fn graph(onnx: &[u8]) {
    let _ = check_finite(onnx).map_err(|error| error.help());
    if let Ok(logits) = to_logits(onnx)
        && let Some(changed) = logits.onnx
    {
        to_logits(&changed).expect("what was changed can be read");
    }
    for labels in [None, Some(FER_7)] {
        let _ = describe("net.onnx", onnx, labels).map_err(|error| failure::line(&error));
    }
    let _ = preprocess("net.onnx", onnx, Some(48));
    let Ok(graph) = OnnxGraph::read(onnx) else { return };
    let written = graph.to_bytes();
    let again = OnnxGraph::read(&written).expect("what was written can be read");
    // As bytes: a NaN among the attributes is not equal to itself.
    assert!(again.to_bytes() == written, "what is written twice is the same");
    let Ok(shape) = graph.input_shape(None) else { return };
    let count = shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size));
    let Some(count) = count.filter(|count| *count <= MOST) else { return };
    let row = |row: usize| CalibrationInput {
        shape: shape.clone(),
        values: (0..count).map(|at| ((at * 3 + row) as f32).cos()).collect(),
    };
    let rows: Vec<_> = (0..8).map(row).collect();
    for arithmetic in [Arithmetic::W8, Arithmetic::Int8] {
        let settings = QuantizeSettings {
            granularity: Granularity::PerChannel,
            ranges: RangeMethod::MinMax,
            equalize: true,
            keep_below: 0,
            ..QuantizeSettings::of(arithmetic)
        };
        match quantize(&Wave, onnx, &rows, settings) {
            Ok(quantized) => {
                OnnxGraph::read(&quantized.onnx).expect("a quantized graph can be read");
            }
            Err(error) => drop((error.to_string(), error.help())),
        }
    }
}
