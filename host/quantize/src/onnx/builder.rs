//! Values, initializers and nodes of one graph.

use std::collections::HashSet;

use prost::Message as _;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

use super::bounds::decode;
use super::error::GraphReadError;

/// The operator set that every graph here declares.
const OPSET: i64 = 17;
/// The container version that came with [`OPSET`] (ONNX 1.12).
const IR_VERSION: i64 = 8;

/// One axis of an input or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dim {
    /// A fixed size.
    Fixed(usize),
    /// A dynamic size, set when the graph is loaded; axes of the same name have the same size.
    Named(&'static str),
}

impl Dim {
    /// The batch size, `N`.
    pub const BATCH: Self = Self::Named("N");
}

/// Constant values with their shape, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Array<'a> {
    /// Sizes, outermost first.
    pub shape: &'a [usize],
    /// Row-major; their count is the product of the sizes.
    pub values: &'a [f32],
}

impl<'a> Array<'a> {
    /// `values`, row-major, in `shape`. [`GraphBuilder::finish`] reports a wrong count.
    pub const fn new(shape: &'a [usize], values: &'a [f32]) -> Self {
        Self { shape, values }
    }
}

/// The output of a node or an input of the graph, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value(String);

impl Value {
    /// An optional input that is omitted.
    pub(super) const NONE: Self = Self(String::new());

    /// The name in the graph.
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// A node's parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// `INT`
    Int(i64),
    /// `FLOAT`
    Float(f32),
    /// `INTS`
    Ints(Vec<i64>),
    /// `STRING`
    Text(&'static str),
}

/// A graph cannot be written as it was built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Names of values must be unique in ONNX.
    #[error("graph {graph}: two values are named {name:?}")]
    DuplicateName {
        /// The graph's name.
        graph: String,
        /// The name that is used twice.
        name: String,
    },
    /// An initializer's values do not fill its shape.
    #[error("graph {graph}: {name} of shape {shape:?} needs {expected} values, not {actual}")]
    WrongCount {
        /// The graph's name.
        graph: String,
        /// The initializer.
        name: String,
        /// Its stated shape.
        shape: Vec<usize>,
        /// The product of the shape.
        expected: usize,
        /// The values given.
        actual: usize,
    },
    /// A graph without an output computes nothing.
    #[error("graph {graph} has no output")]
    NoOutput {
        /// The graph's name.
        graph: String,
    },
}

/// A finished graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Model(ModelProto);

impl Model {
    /// Reads the content of an `.onnx` file.
    ///
    /// # Errors
    /// [`GraphReadError`] when the bytes are not a graph, or one that is too large.
    pub fn from_bytes(onnx: &[u8]) -> Result<Self, GraphReadError> {
        decode(onnx).map(Self)
    }

    /// The protobuf message.
    pub fn proto(&self) -> &ModelProto {
        &self.0
    }

    /// Adds `metadata_props`; an existing key gets the new value.
    #[must_use]
    pub fn with_metadata(mut self, entries: &[(&str, &str)]) -> Self {
        let known = &mut self.0.metadata_props;
        for (key, value) in entries {
            known.retain(|entry| entry.key != *key);
            let (key, value) = ((*key).to_owned(), (*value).to_owned());
            known.push(StringStringEntryProto { key, value });
        }
        self
    }

    /// The content of an `.onnx` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }
}

/// Collects one graph in the order of computation. The first error is kept and returned by [`GraphBuilder::finish`], so
/// that building reads like the network's definition.
///
/// A node's name is also its output's name; its weights are `NAME.weight` and `NAME.bias`. The operators
/// themselves are methods in `layers.rs`; [`GraphBuilder::node`] adds any other.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: GraphProto,
    names: HashSet<String>,
    mistake: Option<GraphError>,
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new(name: &str) -> Self {
        let graph = GraphProto { name: name.to_owned(), ..GraphProto::default() };
        Self { graph, names: HashSet::new(), mistake: None }
    }

    /// A float input.
    pub fn input(&mut self, name: &str, shape: &[Dim]) -> Value {
        let value = self.define(name);
        self.graph.input.push(float_value(name, shape));
        value
    }

    /// Makes `value` an output of the graph; outputs are numbered in the order of these calls.
    pub fn output(&mut self, value: &Value, shape: &[Dim]) {
        self.graph.output.push(float_value(&value.0, shape));
    }

    /// A float constant.
    pub fn constant(&mut self, name: &str, array: Array<'_>) -> Value {
        let expected = array.shape.iter().product();
        if array.values.len() != expected {
            let (graph, name) = (self.graph.name.clone(), name.to_owned());
            let (shape, actual) = (array.shape.to_vec(), array.values.len());
            let mistake = GraphError::WrongCount { graph, name, shape, expected, actual };
            self.mistake.get_or_insert(mistake);
        }
        let raw = array.values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.initializer(name, DataType::Float, array.shape, raw)
    }

    /// A one-dimensional integer constant, such as the target of a `Reshape`.
    pub fn integers(&mut self, name: &str, values: &[i64]) -> Value {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.initializer(name, DataType::Int64, &[values.len()], raw)
    }

    /// Any operator with one output.
    pub fn node(
        &mut self,
        op_type: &str,
        name: &str,
        inputs: &[&Value],
        attributes: &[(&str, Attribute)],
    ) -> Value {
        let output = self.define(name);
        self.graph.node.push(NodeProto {
            name: name.to_owned(),
            op_type: op_type.to_owned(),
            input: inputs.iter().map(|value| value.0.clone()).collect(),
            output: vec![name.to_owned()],
            attribute: attributes.iter().map(|(key, value)| attribute(key, value)).collect(),
            ..NodeProto::default()
        });
        output
    }

    /// The finished graph.
    ///
    /// # Errors
    /// [`GraphError`] for the first error made while building, or when there is no output.
    pub fn finish(self) -> Result<Model, GraphError> {
        if let Some(mistake) = self.mistake {
            return Err(mistake);
        }
        if self.graph.output.is_empty() {
            return Err(GraphError::NoOutput { graph: self.graph.name });
        }
        Ok(Model(ModelProto {
            ir_version: IR_VERSION,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            producer_name: "emocue".to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            graph: Some(self.graph),
            ..ModelProto::default()
        }))
    }

    fn initializer(&mut self, name: &str, of: DataType, shape: &[usize], raw: Vec<u8>) -> Value {
        let value = self.define(name);
        self.graph.initializer.push(TensorProto {
            name: name.to_owned(),
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: of as i32,
            raw_data: raw,
            ..TensorProto::default()
        });
        value
    }

    fn define(&mut self, name: &str) -> Value {
        if !self.names.insert(name.to_owned()) {
            let (graph, name) = (self.graph.name.clone(), name.to_owned());
            self.mistake.get_or_insert(GraphError::DuplicateName { graph, name });
        }
        Value(name.to_owned())
    }
}

fn float_value(name: &str, shape: &[Dim]) -> ValueInfoProto {
    let dimension = |dim: &Dim| Dimension {
        value: Some(match *dim {
            Dim::Fixed(size) => dimension::Value::DimValue(size as i64),
            Dim::Named(name) => dimension::Value::DimParam(name.to_owned()),
        }),
        ..Dimension::default()
    };
    let tensor = type_proto::Tensor {
        elem_type: DataType::Float as i32,
        shape: Some(TensorShapeProto { dim: shape.iter().map(dimension).collect() }),
    };
    let r#type =
        TypeProto { value: Some(type_proto::Value::TensorType(tensor)), ..TypeProto::default() };
    ValueInfoProto { name: name.to_owned(), r#type: Some(r#type), ..ValueInfoProto::default() }
}

fn attribute(name: &str, value: &Attribute) -> AttributeProto {
    let mut proto = AttributeProto { name: name.to_owned(), ..AttributeProto::default() };
    let kind = match value {
        Attribute::Int(i) => {
            proto.i = *i;
            AttributeType::Int
        }
        Attribute::Float(f) => {
            proto.f = *f;
            AttributeType::Float
        }
        Attribute::Ints(ints) => {
            proto.ints.clone_from(ints);
            AttributeType::Ints
        }
        Attribute::Text(text) => {
            proto.s = text.as_bytes().to_vec();
            AttributeType::String
        }
    };
    proto.r#type = kind as i32;
    proto
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_reported_with_their_names() {
        let mut graph = GraphBuilder::new("net");
        graph.input("x", &[Dim::BATCH]);
        graph.constant("w", Array::new(&[2, 3], &[0.0; 5]));
        graph.input("x", &[Dim::BATCH]);
        let error = graph.finish().unwrap_err().to_string();
        assert_eq!(error, "graph net: w of shape [2, 3] needs 6 values, not 5");

        let mut graph = GraphBuilder::new("net");
        graph.input("x", &[Dim::BATCH]);
        graph.input("x", &[Dim::BATCH]);
        assert_eq!(
            graph.finish().unwrap_err().to_string(),
            "graph net: two values are named \"x\""
        );

        assert_eq!(
            GraphBuilder::new("net").finish().unwrap_err().to_string(),
            "graph net has no output"
        );
    }
}
