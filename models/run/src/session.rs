//! One ONNX graph, optimised once for one input shape and run many times.

use std::cell::RefCell;
use std::sync::Arc;

use tract_onnx::prelude::*;

use super::load::{Graph, Plan};
use super::{RegionReport, RunError};

/// A graph with one float input, ready to run on the calling thread.
pub struct Session {
    name: String,
    shape: Vec<usize>,
    plan: Arc<TypedRunnableModel>,
    regions: Vec<RegionReport>,
    /// Copies of inputs, while they are recorded.
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
        let plan = Graph::read(name, onnx)?.plan(shape)?;
        Ok(Self::new(name, shape.to_vec(), plan))
    }

    /// As [`Session::load`], for pictures `[1, 1, height, width]` of several sizes; what does not depend on the size is
    /// done once.
    ///
    /// # Errors
    /// As for [`Session::load`].
    pub fn load_sizes(
        name: &str,
        onnx: &[u8],
        sizes: &[[usize; 2]],
    ) -> Result<Vec<Self>, RunError> {
        let any_size = match sizes.len() {
            0 | 1 => None,
            _ => Graph::read(name, onnx)?.any_size(),
        };
        let session = |&[height, width]: &[usize; 2]| {
            let shape = [1, 1, height, width];
            match &any_size {
                Some(graph) => Ok(Self::new(name, shape.to_vec(), graph.plan(height, width)?)),
                None => Self::load(name, onnx, &shape),
            }
        };
        sizes.iter().map(session).collect()
    }

    fn new(name: &str, shape: Vec<usize>, plan: Plan) -> Self {
        let Plan { runnable, regions } = plan;
        Self { name: name.to_owned(), shape, plan: runnable, regions, recorded: RefCell::new(None) }
    }

    /// A report for each integer region of the graph.
    pub fn regions(&self) -> &[RegionReport] {
        &self.regions
    }

    /// The same with the graph's name.
    pub(crate) fn named_regions(&self) -> impl Iterator<Item = (&str, &RegionReport)> {
        self.regions.iter().map(|region| (self.name.as_str(), region))
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
