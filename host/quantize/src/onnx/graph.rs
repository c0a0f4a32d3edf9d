//! A float ONNX graph, opened to be rewritten: nodes in order, constants by name.

use std::collections::{BTreeMap, HashSet};

use prost::Message as _;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, ValueInfoProto, type_proto};

use super::bounds::decode;
use super::constant::Constant;
use super::error::GraphReadError;
use super::node::{constant_node, label};
use super::widen::widen;

/// The operator set from which `DequantizeLinear` has per-channel scales and `MaxPool` supports `i8`.
const OPSET: i64 = 13;
/// The oldest operator set that can be read as [`OPSET`].
const OLDEST: i64 = 11;
/// Operators whose meaning changed between [`OLDEST`] and [`OPSET`].
const CHANGED: &[&str] =
    &["Softmax", "LogSoftmax", "Hardmax", "Squeeze", "Unsqueeze", "ReduceSum", "Split"];

/// Operators that are the identity in inference.
const PASSING: &[&str] = &["Identity", "Dropout"];

/// A graph with one float input. `Constant` nodes have become [`OnnxGraph::constants`], and 16-bit floats 32-bit
/// floats.
#[derive(Clone, Debug)]
pub struct OnnxGraph {
    /// The model without its graph.
    model: ModelProto,
    name: String,
    /// In the order of computation.
    pub nodes: Vec<NodeProto>,
    /// Weights and parameters by name.
    pub constants: BTreeMap<String, Constant>,
    /// The only input that is not a constant.
    pub input: ValueInfoProto,
    /// The graph's outputs.
    pub outputs: Vec<ValueInfoProto>,
}

impl OnnxGraph {
    /// The value of an entry of the model's metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<&str> {
        let entry = self.model.metadata_props.iter().find(|entry| entry.key == key);
        entry.map(|entry| entry.value.as_str())
    }

    /// Opens `.onnx` bytes.
    ///
    /// # Errors
    /// [`GraphReadError`] when they are not a graph of operator set 11 or later with one float input, or a
    /// node reads a value that no node before it writes, or a value has two writers.
    pub fn read(onnx: &[u8]) -> Result<Self, GraphReadError> {
        let mut model = decode(onnx)?;
        widen(&mut model);
        let mut graph = model.graph.take().unwrap_or_default();
        let opset = model.opset_import.iter_mut().find(|opset| opset.domain.is_empty());
        let Some(opset) = opset.filter(|opset| opset.version >= OLDEST) else {
            return Err(GraphReadError::OldOpset { oldest: OLDEST });
        };
        if opset.version < OPSET {
            let changed = |node: &&NodeProto| CHANGED.contains(&node.op_type.as_str());
            if let Some(node) = graph.node.iter().find(changed) {
                return Err(GraphReadError::ChangedOperator { node: label(node), needed: OPSET });
            }
            opset.version = OPSET;
        }
        let mut constants = BTreeMap::new();
        for tensor in graph.initializer {
            let name = tensor.name.clone();
            if constants.insert(name.clone(), Constant::read(tensor)?).is_some() {
                return Err(GraphReadError::WrittenTwice { value: name });
            }
        }
        graph.input.retain(|input| !constants.contains_key(&input.name));
        let [input] = graph.input.as_slice() else {
            let found = graph.input.into_iter().map(|input| input.name).collect();
            return Err(GraphReadError::Inputs { found });
        };
        let of = tensor_type(input).map(|tensor| tensor.elem_type);
        if of != Some(DataType::Float as i32) {
            let of = of.and_then(|of| DataType::try_from(of).ok());
            let found = of.map_or("no tensor", |of| of.as_str_name()).to_lowercase();
            return Err(GraphReadError::InputType { input: input.name.clone(), found });
        }
        let input = input.clone();
        let mut nodes = Vec::with_capacity(graph.node.len());
        for node in graph.node {
            match (constant_node(&node)?, node.output.first()) {
                (Some(constant), Some(output)) => {
                    if constants.insert(output.clone(), constant).is_some() {
                        return Err(GraphReadError::WrittenTwice { value: output.clone() });
                    }
                }
                _ => nodes.push(node),
            }
        }
        let graph =
            Self { model, name: graph.name, nodes, constants, input, outputs: graph.output };
        graph.check_order()?;
        Ok(graph)
    }

    fn check_order(&self) -> Result<(), GraphReadError> {
        let mut known: HashSet<&str> = self.constants.keys().map(String::as_str).collect();
        known.extend(["", &self.input.name]);
        for node in &self.nodes {
            if let Some(value) = node.input.iter().find(|value| !known.contains(value.as_str())) {
                return Err(GraphReadError::Undefined { node: label(node), value: value.clone() });
            }
            // An omitted output has an empty name.
            for output in node.output.iter().filter(|output| !output.is_empty()) {
                if !known.insert(output) {
                    return Err(GraphReadError::WrittenTwice { value: output.clone() });
                }
            }
        }
        match self.outputs.iter().find(|output| !known.contains(output.name.as_str())) {
            Some(output) => Err(GraphReadError::Undefined {
                node: "the graph's output".to_owned(),
                value: output.name.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The content of an `.onnx` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let initializer =
            self.constants.iter().map(|(name, constant)| constant.write(name)).collect();
        let graph = GraphProto {
            name: self.name.clone(),
            node: self.nodes.clone(),
            initializer,
            input: vec![self.input.clone()],
            output: self.outputs.clone(),
            ..GraphProto::default()
        };
        ModelProto { graph: Some(graph), ..self.model.clone() }.encode_to_vec()
    }

    /// The input's shape with a batch size of 1 and other dynamic axes taken from `given`.
    ///
    /// # Errors
    /// [`GraphReadError::Dynamic`] when an axis besides the first has no size.
    pub fn input_shape(&self, given: Option<&[usize]>) -> Result<Vec<usize>, GraphReadError> {
        let dims = tensor_type(&self.input).and_then(|t| t.shape.as_ref()).map(|s| &s.dim[..]);
        let dims = dims.unwrap_or_default();
        if let Some(given) = given {
            let fixed = |dim: &dimension::Value| match dim {
                dimension::Value::DimValue(size) => Some(*size as usize),
                dimension::Value::DimParam(_) => None,
            };
            let fits = dims.len() == given.len()
                && dims.iter().zip(given).all(|(dim, given)| {
                    dim.value.as_ref().and_then(fixed).is_none_or(|size| size == *given)
                });
            return match fits {
                true => Ok(given.to_vec()),
                false => Err(GraphReadError::Shape { given: given.to_vec() }),
            };
        }
        let mut shape = Vec::new();
        for (axis, dim) in dims.iter().enumerate() {
            match dim.value {
                Some(dimension::Value::DimValue(size)) if size > 0 => shape.push(size as usize),
                _ if axis == 0 => shape.push(1),
                _ => return Err(GraphReadError::Dynamic { input: self.input.name.clone(), axis }),
            }
        }
        if shape.is_empty() {
            return Err(GraphReadError::Dynamic { input: self.input.name.clone(), axis: 0 });
        }
        Ok(shape)
    }

    /// Indices of the nodes that read `value`.
    pub fn readers(&self, value: &str) -> Vec<usize> {
        let reads = |(_, node): &(usize, &NodeProto)| node.input.iter().any(|name| name == value);
        self.nodes.iter().enumerate().filter(reads).map(|(at, _)| at).collect()
    }

    /// Index of the only node that reads `value`; `None` if `value` is an output of the graph.
    pub fn only_reader(&self, value: &str) -> Option<usize> {
        let is_output = self.outputs.iter().any(|output| output.name == value);
        match self.readers(value)[..] {
            [at] if !is_output => Some(at),
            _ => None,
        }
    }

    /// Input number `at` of `node`, if it is a constant.
    pub fn constant_of(&self, node: &NodeProto, at: usize) -> Option<&Constant> {
        self.constants.get(node.input.get(at)?)
    }

    /// Whether a constant or a value has this name.
    pub fn knows(&self, name: &str) -> bool {
        self.constants.contains_key(name)
            || self.input.name == name
            || self.nodes.iter().any(|node| node.output.iter().any(|output| output == name))
    }

    /// Removes nodes that are the identity in inference.
    pub fn drop_passing(&mut self) {
        while let Some(at) = self.nodes.iter().position(|node| {
            let is_output = |name: &String| self.outputs.iter().any(|output| output.name == *name);
            PASSING.contains(&node.op_type.as_str()) && !node.output.iter().any(is_output)
        }) {
            let node = self.nodes.remove(at);
            let (Some(from), Some(to)) = (node.output.first(), node.input.first()) else {
                continue;
            };
            let names = self.nodes.iter_mut().flat_map(|node| &mut node.input);
            names.filter(|name| *name == from).for_each(|name| name.clone_from(to));
        }
    }

    /// Removes constants that no node reads.
    pub fn drop_unread(&mut self) {
        let read: HashSet<&str> =
            self.nodes.iter().flat_map(|node| node.input.iter().map(String::as_str)).collect();
        let outputs = &self.outputs;
        self.constants.retain(|name, _| {
            read.contains(name.as_str()) || outputs.iter().any(|output| output.name == *name)
        });
    }
}

fn tensor_type(value: &ValueInfoProto) -> Option<&type_proto::Tensor> {
    let type_proto::Value::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    Some(tensor)
}
