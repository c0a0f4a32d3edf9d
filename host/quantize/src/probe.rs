//! Reads intermediate values of a graph: it is run with them as its outputs.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{TypeProto, ValueInfoProto, type_proto};

use crate::engine::{CalibrationInput, Engine, LoadedGraph};
use crate::error::QuantizeError;
use crate::onnx::OnnxGraph;

/// A graph whose outputs are some of its intermediate values.
pub(crate) struct Probe<'a> {
    engine: &'a dyn Engine,
    onnx: Vec<u8>,
    values: usize,
    /// The loaded graph for each shape of the input.
    loaded: RefCell<HashMap<Vec<usize>, Rc<dyn LoadedGraph>>>,
}

impl<'a> Probe<'a> {
    /// `graph` with the float values named `values` as its outputs, in this order.
    pub(crate) fn new(engine: &'a dyn Engine, graph: &OnnxGraph, values: &[String]) -> Self {
        let mut graph = graph.clone();
        graph.outputs = values.iter().map(|name| float_value(name)).collect();
        let loaded = RefCell::default();
        Self { engine, onnx: graph.to_bytes(), values: values.len(), loaded }
    }

    /// Runs one input and returns every value.
    ///
    /// # Errors
    /// [`QuantizeError::Engine`] when the engine refuses the graph or fails.
    pub(crate) fn run(&self, input: &CalibrationInput) -> Result<Vec<Vec<f32>>, QuantizeError> {
        let values = self.loaded(&input.shape)?.run(&input.values);
        let values = values.map_err(QuantizeError::Engine)?;
        if values.len() != self.values {
            let error = format!("expected {} outputs, found {}", self.values, values.len());
            return Err(QuantizeError::Engine(error.into()));
        }
        Ok(values)
    }

    fn loaded(&self, shape: &[usize]) -> Result<Rc<dyn LoadedGraph>, QuantizeError> {
        if let Some(known) = self.loaded.borrow().get(shape) {
            return Ok(Rc::clone(known));
        }
        let graph = self.engine.load(&self.onnx, shape).map_err(QuantizeError::Engine)?;
        let graph: Rc<dyn LoadedGraph> = graph.into();
        self.loaded.borrow_mut().insert(shape.to_vec(), Rc::clone(&graph));
        Ok(graph)
    }
}

fn float_value(name: &str) -> ValueInfoProto {
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: None };
    let r#type =
        TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(r#type), ..ValueInfoProto::default() }
}
