//! A float ONNX graph, opened to be rewritten: nodes in order, constants by name.

use std::collections::{BTreeMap, HashSet};

use prost::Message as _;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto};

use super::node::label;

/// The operator set in which `DequantizeLinear` knows channels and `MaxPool` knows `i8`.
const OPSET: i64 = 13;
/// The oldest operator set that can be read as [`OPSET`].
const OLDEST: i64 = 11;
/// What changed its meaning from [`OLDEST`] to [`OPSET`].
const CHANGED: &[&str] =
    &["Softmax", "LogSoftmax", "Hardmax", "Squeeze", "Unsqueeze", "ReduceSum", "Split"];

/// A graph cannot be opened or lacks what is asked of it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not ONNX.
    #[error(
        "it is no ONNX graph: {0}\n  Give a file as emocue export or another framework writes it."
    )]
    Onnx(#[from] prost::DecodeError),
    /// Too old.
    #[error(
        "its operator set is older than {oldest}\n  Export it again with operator set 13 or later."
    )]
    OldOpset {
        /// The oldest that can be read.
        oldest: i64,
    },
    /// An operator that meant something else.
    #[error(
        "{node} has changed its meaning since the graph's operator set\n  Export the graph again with operator set {needed} or later."
    )]
    ChangedOperator {
        /// Which node.
        node: String,
        /// Where it means what it does now.
        needed: i64,
    },
    /// Weights elsewhere.
    #[error(
        "{tensor} lies in another file\n  Save the model with its weights inside (save_as_external_data=False)."
    )]
    External {
        /// Which tensor.
        tensor: String,
    },
    /// A tensor that does not fill its shape.
    #[error(
        "{tensor} has {actual} values for the shape {shape:?}\n  The file is damaged; export it again."
    )]
    WrongCount {
        /// Which tensor.
        tensor: String,
        /// As stated.
        shape: Vec<usize>,
        /// Values there.
        actual: usize,
    },
    /// None or several inputs, or not of floats.
    #[error(
        "a graph with one input of 32-bit floats is needed\n  Split the graph, or make other inputs constants."
    )]
    Inputs,
    /// A value that nobody wrote.
    #[error(
        "{node} reads \"{value}\", which nothing before it writes\n  The graph is damaged or out of order; export it again."
    )]
    Undefined {
        /// Who reads.
        node: String,
        /// What.
        value: String,
    },
    /// A size that is not known.
    #[error(
        "axis {axis} of the input \"{input}\" has no fixed size\n  Name the sizes with --shape, e.g. --shape 1,1,48,48."
    )]
    Dynamic {
        /// The input's name.
        input: String,
        /// From 0.
        axis: usize,
    },
    /// A shape that the input cannot have.
    #[error(
        "the input cannot have the shape {given:?}\n  --shape must agree with the sizes that the graph fixes."
    )]
    Shape {
        /// What was asked for.
        given: Vec<usize>,
    },
}

/// Constant values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// `FLOAT`
    F32(Vec<f32>),
    /// `INT64`
    I64(Vec<i64>),
    /// `INT32`
    I32(Vec<i32>),
    /// `INT8`
    I8(Vec<i8>),
    /// Any other type, carried along unread.
    Other(Box<TensorProto>),
}

/// A constant of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// Sizes, outermost first; none is a scalar.
    pub shape: Vec<usize>,
    /// As many as the sizes multiply to.
    pub values: Values,
}

impl Constant {
    /// A scalar.
    pub fn scalar(values: Values) -> Self {
        Self { shape: Vec::new(), values }
    }

    /// The floats, where they are floats.
    pub fn floats(&self) -> Option<&[f32]> {
        match &self.values {
            Values::F32(values) => Some(values),
            _ => None,
        }
    }

    pub(super) fn read(tensor: TensorProto) -> Result<Self, OpenError> {
        let shape: Vec<usize> = tensor.dims.iter().map(|size| (*size).max(0) as usize).collect();
        let count: usize = shape.iter().product();
        let raw = &tensor.raw_data;
        let values = match DataType::try_from(tensor.data_type) {
            _ if !tensor.external_data.is_empty() => {
                return Err(OpenError::External { tensor: tensor.name });
            }
            Ok(DataType::Float) if raw.is_empty() => Values::F32(tensor.float_data.clone()),
            Ok(DataType::Float) => Values::F32(words(raw).map(f32::from_le_bytes).collect()),
            Ok(DataType::Int64) if raw.is_empty() => Values::I64(tensor.int64_data.clone()),
            Ok(DataType::Int64) => Values::I64(words(raw).map(i64::from_le_bytes).collect()),
            Ok(DataType::Int32) if raw.is_empty() => Values::I32(tensor.int32_data.clone()),
            Ok(DataType::Int32) => Values::I32(words(raw).map(i32::from_le_bytes).collect()),
            Ok(DataType::Int8) if raw.is_empty() => {
                Values::I8(tensor.int32_data.iter().map(|value| *value as i8).collect())
            }
            Ok(DataType::Int8) => Values::I8(raw.iter().map(|byte| *byte as i8).collect()),
            _ => return Ok(Self { shape, values: Values::Other(Box::new(tensor)) }),
        };
        let actual = match &values {
            Values::F32(values) => values.len(),
            Values::I64(values) => values.len(),
            Values::I32(values) => values.len(),
            Values::I8(values) => values.len(),
            Values::Other(_) => count,
        };
        if actual != count {
            return Err(OpenError::WrongCount { tensor: tensor.name, shape, actual });
        }
        Ok(Self { shape, values })
    }

    fn write(&self, name: &str) -> TensorProto {
        let (of, raw_data) = match &self.values {
            Values::F32(v) => (DataType::Float, v.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::I64(v) => (DataType::Int64, v.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::I32(v) => (DataType::Int32, v.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::I8(v) => (DataType::Int8, v.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Values::Other(tensor) => {
                return TensorProto { name: name.to_owned(), ..tensor.as_ref().clone() };
            }
        };
        TensorProto {
            name: name.to_owned(),
            dims: self.shape.iter().map(|size| *size as i64).collect(),
            data_type: of as i32,
            raw_data,
            ..TensorProto::default()
        }
    }
}

fn words<const N: usize>(raw: &[u8]) -> impl Iterator<Item = [u8; N]> {
    raw.chunks_exact(N).map(|chunk| std::array::from_fn(|at| chunk[at]))
}

/// A graph with one float input.
#[derive(Clone, Debug)]
pub struct Graph {
    /// All but the graph itself.
    model: ModelProto,
    name: String,
    /// In the order of computation.
    pub nodes: Vec<NodeProto>,
    /// Weights and parameters by name.
    pub constants: BTreeMap<String, Constant>,
    /// The only input that is no constant.
    pub input: ValueInfoProto,
    /// What the graph answers.
    pub outputs: Vec<ValueInfoProto>,
}

impl Graph {
    /// Opens `.onnx` bytes.
    ///
    /// # Errors
    /// [`OpenError`] when they are no graph of operator set 11 or later with one float input, or a
    /// node reads what nobody wrote before it.
    pub fn read(onnx: &[u8]) -> Result<Self, OpenError> {
        let mut model = ModelProto::decode(onnx)?;
        let graph = model.graph.take().unwrap_or_default();
        let opset = model.opset_import.iter_mut().find(|opset| opset.domain.is_empty());
        let Some(opset) = opset.filter(|opset| opset.version >= OLDEST) else {
            return Err(OpenError::OldOpset { oldest: OLDEST });
        };
        if opset.version < OPSET {
            let changed = |node: &&NodeProto| CHANGED.contains(&node.op_type.as_str());
            if let Some(node) = graph.node.iter().find(changed) {
                return Err(OpenError::ChangedOperator { node: label(node), needed: OPSET });
            }
            opset.version = OPSET;
        }
        let mut constants = BTreeMap::new();
        for tensor in graph.initializer {
            constants.insert(tensor.name.clone(), Constant::read(tensor)?);
        }
        let mut inputs =
            graph.input.into_iter().filter(|input| !constants.contains_key(&input.name));
        let (Some(input), None) = (inputs.next(), inputs.next()) else {
            return Err(OpenError::Inputs);
        };
        if tensor_type(&input).map(|tensor| tensor.elem_type) != Some(DataType::Float as i32) {
            return Err(OpenError::Inputs);
        }
        let graph = Self {
            model,
            name: graph.name,
            nodes: graph.node,
            constants,
            input,
            outputs: graph.output,
        };
        graph.check_order()?;
        Ok(graph)
    }

    fn check_order(&self) -> Result<(), OpenError> {
        let mut known: HashSet<&str> = self.constants.keys().map(String::as_str).collect();
        known.extend(["", &self.input.name]);
        for node in &self.nodes {
            if let Some(value) = node.input.iter().find(|value| !known.contains(value.as_str())) {
                return Err(OpenError::Undefined { node: label(node), value: value.clone() });
            }
            known.extend(node.output.iter().map(String::as_str));
        }
        match self.outputs.iter().find(|output| !known.contains(output.name.as_str())) {
            Some(output) => Err(OpenError::Undefined {
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

    /// The input's shape with a batch of one, other symbolic axes taken from `given`.
    ///
    /// # Errors
    /// [`OpenError::Dynamic`] when an axis besides the first has no size.
    pub fn input_shape(&self, given: Option<&[usize]>) -> Result<Vec<usize>, OpenError> {
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
                false => Err(OpenError::Shape { given: given.to_vec() }),
            };
        }
        let mut shape = Vec::new();
        for (axis, dim) in dims.iter().enumerate() {
            match dim.value {
                Some(dimension::Value::DimValue(size)) if size > 0 => shape.push(size as usize),
                _ if axis == 0 => shape.push(1),
                _ => return Err(OpenError::Dynamic { input: self.input.name.clone(), axis }),
            }
        }
        if shape.is_empty() {
            return Err(OpenError::Dynamic { input: self.input.name.clone(), axis: 0 });
        }
        Ok(shape)
    }

    /// Indices of the nodes that read `value`.
    pub fn readers(&self, value: &str) -> Vec<usize> {
        let reads = |(_, node): &(usize, &NodeProto)| node.input.iter().any(|name| name == value);
        self.nodes.iter().enumerate().filter(reads).map(|(at, _)| at).collect()
    }

    /// The only node that reads `value`, where the graph does not answer it too.
    pub fn only_reader(&self, value: &str) -> Option<usize> {
        let is_output = self.outputs.iter().any(|output| output.name == value);
        match self.readers(value)[..] {
            [at] if !is_output => Some(at),
            _ => None,
        }
    }

    /// The constant that input number `at` of `node` is.
    pub fn constant_of(&self, node: &NodeProto, at: usize) -> Option<&Constant> {
        self.constants.get(node.input.get(at)?)
    }

    /// Whether a constant or a value has this name.
    pub fn knows(&self, name: &str) -> bool {
        self.constants.contains_key(name)
            || self.input.name == name
            || self.nodes.iter().any(|node| node.output.iter().any(|output| output == name))
    }

    /// Forgets constants that nobody reads.
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
