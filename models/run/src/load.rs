//! From the bytes of an ONNX graph to plans of tract.

use std::collections::HashMap;
use std::sync::Arc;

use emocue_kernels::{Isa, VARIABLE};
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;

use super::{RegionReport, RunError, graph, integer, operators};

/// [`RunError::what`] where the environment names an instruction set that this processor lacks.
pub(crate) const CHOICE: &str = "cannot choose instructions";

/// A graph that was read, for inputs of any shape.
pub(crate) struct Graph<'a> {
    name: &'a str,
    reader: tract_onnx::Onnx,
    proto: ModelProto,
}

/// What a [`crate::Session`] runs.
pub(crate) struct Plan {
    pub(crate) runnable: Arc<TypedRunnableModel>,
    pub(crate) regions: Vec<RegionReport>,
}

/// A float graph that tract has simplified for pictures of any size, which is half of the work of loading it.
pub(crate) struct AnySize<'a> {
    name: &'a str,
    model: TypedModel,
    height: Symbol,
    width: Symbol,
}

fn fail(name: &str, what: &'static str) -> impl Fn(TractError) -> RunError {
    move |reason| RunError { model: name.to_owned(), what, reason: format!("{reason:#}") }
}

impl<'a> Graph<'a> {
    /// # Errors
    /// [`RunError`] when the bytes are not an ONNX graph.
    pub(crate) fn read(name: &'a str, onnx: &[u8]) -> Result<Self, RunError> {
        let reader = operators::onnx();
        let proto = reader.proto_model_for_read(&mut &*onnx);
        let mut proto = proto.map_err(fail(name, "cannot read the ONNX graph"))?;
        proto.graph.iter_mut().for_each(graph::fold);
        Ok(Self { name, reader, proto })
    }

    /// # Errors
    /// [`RunError`] when an operator is unknown or the shape does not fit.
    pub(crate) fn plan(mut self, shape: &[usize]) -> Result<Plan, RunError> {
        let isa = Isa::chosen().map_err(|error| RunError {
            model: self.name.to_owned(),
            what: CHOICE,
            reason: format!("{VARIABLE}: {error}"),
        })?;
        let (mut programs, mut regions) = (Vec::new(), Vec::new());
        if let Some(graph) = &mut self.proto.graph {
            (programs, regions) = integer::replace(graph, shape, isa);
        }
        let mut model = self.parsed()?;
        operators::link(&mut model, programs);
        let model = model
            .with_input_fact(0, f32::fact(shape).into())
            .map_err(fail(self.name, "the graph has no such input"))?
            .into_typed()
            .and_then(TypedModel::into_decluttered)
            .map_err(fail(self.name, "cannot optimise the graph"))?;
        Ok(Plan { runnable: optimised(self.name, model)?, regions })
    }

    fn parsed(&self) -> Result<InferenceModel, RunError> {
        let model = self.reader.model_for_proto_model(&self.proto);
        model.map_err(fail(self.name, "cannot read the ONNX graph"))
    }

    /// The graph for pictures `[1, 1, H, W]` of any size; `None` where tract cannot simplify it without knowing the
    /// size, or where parts of it are integers.
    pub(crate) fn any_size(&self) -> Option<AnySize<'a>> {
        let nodes = &self.proto.graph.as_ref()?.node;
        if nodes.iter().any(|node| node.op_type == "QuantizeLinear") {
            return None;
        }
        let model = self.parsed().ok()?;
        let [height, width] = ["H", "W"].map(|name| model.symbols.sym(name));
        let shape = [1.to_dim(), 1.to_dim(), height.clone().into(), width.clone().into()];
        let model = model.with_input_fact(0, f32::fact(shape).into()).ok()?;
        let model = model.into_typed().and_then(TypedModel::into_decluttered).ok()?;
        Some(AnySize { name: self.name, model, height, width })
    }
}

impl AnySize<'_> {
    /// # Errors
    /// [`RunError`] when the graph cannot run on pictures of this size, px.
    pub(crate) fn plan(&self, height: usize, width: usize) -> Result<Plan, RunError> {
        let sizes = HashMap::from([
            (self.height.clone(), height.to_dim()),
            (self.width.clone(), width.to_dim()),
        ]);
        let model = self.model.set_symbols(&sizes);
        let model = model.map_err(fail(self.name, "cannot optimise the graph"))?;
        Ok(Plan { runnable: optimised(self.name, model)?, regions: Vec::new() })
    }
}

/// A simplified model in tract's fastest operators.
fn optimised(name: &str, mut model: TypedModel) -> Result<Arc<TypedRunnableModel>, RunError> {
    model.optimize().map_err(fail(name, "cannot optimise the graph"))?;
    model.into_runnable().map_err(fail(name, "cannot plan the graph"))
}
