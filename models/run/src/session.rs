//! One ONNX graph, optimised once for one input shape and run many times.

use std::cell::RefCell;
use std::sync::Arc;

use emocue_kernels::Isa;
use tract_onnx::prelude::*;

use super::{RegionReport, RunError, graph, integer, operators};

/// A float graph with one input, ready to run on the calling thread.
pub struct Session {
    name: String,
    shape: Vec<usize>,
    plan: Arc<TypedRunnableModel>,
    regions: Vec<RegionReport>,
    /// Copies of inputs, while somebody wants them.
    recorded: RefCell<Option<Vec<Recorded>>>,
}

/// One input of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Vec<f32>,
}

/// What one run returned.
pub struct Outputs<'a> {
    name: &'a str,
    values: TVec<TValue>,
}

impl Session {
    /// Reads an ONNX graph whose only input has `shape`, e.g. `[1, 1, 48, 48]`, and optimises it.
    ///
    /// # Errors
    /// [`RunError`] when the bytes are not an ONNX graph, an operator is unknown or the shape does not fit.
    pub fn load(name: &str, onnx: &[u8], shape: &[usize]) -> Result<Self, RunError> {
        let fail = |what| {
            move |reason: TractError| RunError {
                model: name.to_owned(),
                what,
                reason: format!("{reason:#}"),
            }
        };
        let isa = Isa::chosen().map_err(|e| fail("cannot choose instructions")(e.into()))?;
        let onnx_reader = operators::onnx();
        let mut proto = onnx_reader
            .proto_model_for_read(&mut &*onnx)
            .map_err(fail("cannot read the ONNX graph"))?;
        let (mut programs, mut regions) = (Vec::new(), Vec::new());
        if let Some(graph) = &mut proto.graph {
            graph::fold(graph);
            (programs, regions) = integer::replace(graph, shape, isa);
        }
        let mut model = onnx_reader
            .model_for_proto_model(&proto)
            .map_err(fail("cannot read the ONNX graph"))?;
        operators::link(&mut model, programs);
        let plan = model
            .with_input_fact(0, f32::fact(shape).into())
            .map_err(fail("the graph has no such input"))?
            .into_optimized()
            .map_err(fail("cannot optimise the graph"))?
            .into_runnable()
            .map_err(fail("cannot plan the graph"))?;
        let (name, recorded) = (name.to_owned(), RefCell::new(None));
        Ok(Self { name, shape: shape.to_vec(), plan, regions, recorded })
    }

    /// What became of the graph's integer parts; nothing where it has none.
    pub fn regions(&self) -> &[RegionReport] {
        &self.regions
    }

    /// Keeps a copy of every input from now on, to calibrate a quantized graph.
    pub fn record(&self) {
        self.recorded.borrow_mut().get_or_insert_default();
    }

    /// The copies since [`Session::record`], or since they were last taken.
    pub fn take_recorded(&self) -> Vec<Recorded> {
        self.recorded.borrow_mut().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Runs the graph on an input that `fill` writes; it gets all values, row-major, preset to 0.
    ///
    /// # Errors
    /// [`RunError`] when tract fails.
    pub fn run(&self, fill: impl FnOnce(&mut [f32])) -> Result<Outputs<'_>, RunError> {
        let run = || -> TractResult<TVec<TValue>> {
            let mut input = Tensor::zero::<f32>(&self.shape)?;
            let mut plain = input.try_as_plain_ram_mut()?;
            let values = plain.as_slice_mut()?;
            fill(values);
            if let Some(recorded) = self.recorded.borrow_mut().as_mut() {
                recorded.push(Recorded { shape: self.shape.clone(), values: values.to_vec() });
            }
            self.plan.run(tvec!(input.into_tvalue()))
        };
        let values = run().map_err(|reason| RunError {
            model: self.name.clone(),
            what: "cannot run the graph",
            reason: format!("{reason:#}"),
        })?;
        Ok(Outputs { name: &self.name, values })
    }
}

impl Outputs<'_> {
    /// Number of outputs.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the graph has no output.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values of output `index`, row-major.
    ///
    /// # Errors
    /// [`RunError`] when there is no such output or it is not f32.
    pub fn get(&self, index: usize) -> Result<&[f32], RunError> {
        let read = || -> TractResult<&[f32]> {
            let value = self.values.get(index).ok_or_else(|| TractError::msg("no such output"))?;
            value.try_as_plain_ram()?.as_slice::<f32>()
        };
        read().map_err(|reason| RunError {
            model: self.name.to_owned(),
            what: "cannot read an output",
            reason: format!("output {index}: {reason:#}"),
        })
    }
}
