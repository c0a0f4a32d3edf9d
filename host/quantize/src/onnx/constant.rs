//! Constants of a graph: weights and parameters.

use tract_onnx::pb::TensorProto;
use tract_onnx::pb::tensor_proto::DataType;

use super::error::GraphReadError;

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
    /// Any other type, unchanged.
    Other(Box<TensorProto>),
}

/// A constant of the graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Constant {
    /// Sizes, outermost first; empty for a scalar.
    pub shape: Vec<usize>,
    /// Their count is the product of the sizes.
    pub values: Values,
}

impl Constant {
    /// A scalar.
    pub fn scalar(values: Values) -> Self {
        Self { shape: Vec::new(), values }
    }

    /// The values, if they are 32-bit floats.
    pub fn floats(&self) -> Option<&[f32]> {
        match &self.values {
            Values::F32(values) => Some(values),
            _ => None,
        }
    }

    pub(super) fn read(tensor: TensorProto) -> Result<Self, GraphReadError> {
        let shape: Vec<usize> = tensor.dims.iter().map(|size| (*size).max(0) as usize).collect();
        let count: usize = shape.iter().product();
        let raw = &tensor.raw_data;
        let values = match DataType::try_from(tensor.data_type) {
            _ if !tensor.external_data.is_empty() => {
                return Err(GraphReadError::External { tensor: tensor.name });
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
            return Err(GraphReadError::WrongCount { tensor: tensor.name, shape, actual });
        }
        Ok(Self { shape, values })
    }

    pub(super) fn write(&self, name: &str) -> TensorProto {
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
