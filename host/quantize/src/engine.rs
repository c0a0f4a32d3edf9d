//! The interface to a runtime for graphs. The quantizer depends on the values that a graph computes, not on which
//! runtime computes them.

use tract_onnx::prelude::*;

/// Why an engine failed.
pub type EngineError = Box<dyn std::error::Error + Send + Sync>;

/// A runtime for ONNX graphs. Calibrate with the one that will run the quantized graph, since rounding differs between
/// runtimes.
pub trait Engine {
    /// Loads a graph whose only input has `shape`, such as `[1, 1, 48, 48]`. All its outputs are `f32`.
    ///
    /// # Errors
    /// Whatever the runtime reports.
    fn load(&self, onnx: &[u8], shape: &[usize]) -> Result<Box<dyn LoadedGraph>, EngineError>;
}

/// A graph that an [`Engine`] has loaded.
pub trait LoadedGraph {
    /// Runs one input; returns every output in the graph's order. All values are row-major.
    ///
    /// # Errors
    /// Whatever the runtime reports.
    fn run(&self, input: &[f32]) -> Result<Vec<Vec<f32>>, EngineError>;
}

/// One calibration input.
#[derive(Clone, Debug, PartialEq)]
pub struct CalibrationInput {
    /// Sizes, outermost first; the batch size is 1.
    pub shape: Vec<usize>,
    /// Row-major; their count is the product of the sizes.
    pub values: Vec<f32>,
}

/// tract with its built-in operators only.
#[derive(Clone, Copy, Debug, Default)]
pub struct TractEngine;

impl Engine for TractEngine {
    fn load(&self, onnx: &[u8], shape: &[usize]) -> Result<Box<dyn LoadedGraph>, EngineError> {
        let plan = tract_onnx::onnx()
            .with_ignore_value_info(true)
            .model_for_read(&mut &*onnx)?
            .with_input_fact(0, f32::fact(shape).into())?
            .into_optimized()?
            .into_runnable()?;
        Ok(Box::new(TractGraph { plan, shape: shape.to_vec() }))
    }
}

struct TractGraph {
    plan: std::sync::Arc<TypedRunnableModel>,
    shape: Vec<usize>,
}

impl LoadedGraph for TractGraph {
    fn run(&self, input: &[f32]) -> Result<Vec<Vec<f32>>, EngineError> {
        let input = Tensor::from_shape(&self.shape, input)?;
        let outputs = self.plan.run(tvec!(input.into_tvalue()))?;
        let floats = |output: &TValue| -> TractResult<Vec<f32>> {
            Ok(output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
        };
        Ok(outputs.iter().map(floats).collect::<TractResult<_>>()?)
    }
}
