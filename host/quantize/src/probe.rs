//! Looking inside: a graph is run in tract with inner values as further outputs.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use emocue_run::{Recorded, Session};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{TypeProto, ValueInfoProto, type_proto};

use super::QuantizeError;
use crate::onnx::graph::Graph;

/// A graph that answers some of its inner values.
pub(super) struct Probe {
    onnx: Vec<u8>,
    values: usize,
    /// One for each shape of the input.
    sessions: RefCell<HashMap<Vec<usize>, Rc<Session>>>,
}

impl Probe {
    /// `graph` answering the float values named `values`, in this order.
    pub(super) fn new(graph: &Graph, values: &[String]) -> Self {
        let mut graph = graph.clone();
        graph.outputs = values.iter().map(|name| float_value(name)).collect();
        Self { onnx: graph.to_bytes(), values: values.len(), sessions: RefCell::default() }
    }

    /// Runs one input and hands every value to `see`: its number and its content.
    ///
    /// # Errors
    /// [`QuantizeError::Run`] when tract refuses the graph or fails, or what `see` returns.
    pub(super) fn run(
        &self,
        input: &Recorded,
        mut see: impl FnMut(usize, &[f32]) -> Result<(), QuantizeError>,
    ) -> Result<(), QuantizeError> {
        let session = self.session(&input.shape)?;
        let outputs = session.run(|target| target.copy_from_slice(&input.values))?;
        (0..self.values).try_for_each(|at| see(at, outputs.get(at)?))
    }

    fn session(&self, shape: &[usize]) -> Result<Rc<Session>, QuantizeError> {
        if let Some(known) = self.sessions.borrow().get(shape) {
            return Ok(Rc::clone(known));
        }
        let session = Rc::new(Session::load("the graph", &self.onnx, shape)?);
        self.sessions.borrow_mut().insert(shape.to_vec(), Rc::clone(&session));
        Ok(session)
    }
}

fn float_value(name: &str) -> ValueInfoProto {
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: None };
    let r#type =
        TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(r#type), ..ValueInfoProto::default() }
}
