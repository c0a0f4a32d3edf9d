//! The badge's runtime as an engine for the quantizer.

use emocue_quantize::{Engine, EngineError, LoadedGraph};
use emocue_run::Session;

/// Runs graphs as the badge does, so that calibration and noise are those of the badge.
#[derive(Clone, Copy, Debug)]
pub struct BadgeEngine;

impl Engine for BadgeEngine {
    fn load(&self, onnx: &[u8], shape: &[usize]) -> Result<Box<dyn LoadedGraph>, EngineError> {
        Ok(Box::new(BadgeGraph(Session::load("tract", onnx, shape)?)))
    }
}

struct BadgeGraph(Session);

impl LoadedGraph for BadgeGraph {
    fn run(&self, input: &[f32]) -> Result<Vec<Vec<f32>>, EngineError> {
        let outputs = self.0.run(|values| values.copy_from_slice(input))?;
        let output = |at| Ok(outputs.get(at)?.to_vec());
        (0..outputs.len()).map(output).collect()
    }
}
