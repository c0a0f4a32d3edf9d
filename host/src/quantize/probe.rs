//! Looking inside: a graph is run in tract with inner values as further outputs.

use emocue_models::run::Session;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{TypeProto, ValueInfoProto, type_proto};

use super::QuantizeError;
use super::graph::Graph;

/// A graph that answers some of its inner values.
pub(super) struct Probe {
    session: Session,
    values: usize,
}

impl Probe {
    /// Prepares `graph` for inputs of `shape`, answering the float values named `values`, in this order.
    ///
    /// # Errors
    /// [`QuantizeError::Run`] when tract refuses the graph.
    pub(super) fn new(
        graph: &Graph,
        shape: &[usize],
        values: &[String],
    ) -> Result<Self, QuantizeError> {
        let mut graph = graph.clone();
        graph.outputs = values.iter().map(|name| float_value(name)).collect();
        let session = Session::load("the graph", &graph.to_bytes(), shape)?;
        Ok(Self { session, values: values.len() })
    }

    /// Runs one input, row-major, and hands every value to `see`: its number and its content.
    ///
    /// # Errors
    /// [`QuantizeError::Run`] when tract fails, or what `see` returns.
    pub(super) fn run(
        &self,
        input: &[f32],
        mut see: impl FnMut(usize, &[f32]) -> Result<(), QuantizeError>,
    ) -> Result<(), QuantizeError> {
        let outputs = self.session.run(|target| target.copy_from_slice(input))?;
        (0..self.values).try_for_each(|at| see(at, outputs.get(at)?))
    }
}

fn float_value(name: &str) -> ValueInfoProto {
    let tensor = type_proto::Tensor { elem_type: DataType::Float as i32, shape: None };
    let r#type =
        TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(r#type), ..ValueInfoProto::default() }
}
