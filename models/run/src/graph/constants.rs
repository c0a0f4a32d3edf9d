//! The numbers of a graph's constants.

use tract_onnx::pb::TensorProto;
use tract_onnx::pb::tensor_proto::DataType;

/// A constant's sizes, outermost first, and its values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Constant {
    pub(crate) shape: Vec<usize>,
    pub(crate) numbers: Numbers,
}

/// Values of the types that quantized graphs have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Numbers {
    F32(Vec<f32>),
    I8(Vec<i8>),
    U8(Vec<u8>),
    I32(Vec<i32>),
    I64(Vec<i64>),
}

impl Constant {
    /// `None` for other types, for values in another file, and for a number of values that does not match the shape.
    pub(crate) fn read(tensor: &TensorProto) -> Option<Self> {
        if !tensor.external_data.is_empty() {
            return None;
        }
        let sizes = tensor.dims.iter().map(|size| usize::try_from(*size).ok());
        let shape = sizes.collect::<Option<Vec<usize>>>()?;
        let raw = &tensor.raw_data[..];
        let words = &tensor.int32_data;
        let numbers = match DataType::try_from(tensor.data_type).ok()? {
            DataType::Float if raw.is_empty() => Numbers::F32(tensor.float_data.clone()),
            DataType::Float => Numbers::F32(each(raw, f32::from_le_bytes)?),
            DataType::Int8 if raw.is_empty() => Numbers::I8(narrow(words)?),
            DataType::Int8 => Numbers::I8(each(raw, i8::from_le_bytes)?),
            DataType::Uint8 if raw.is_empty() => Numbers::U8(narrow(words)?),
            DataType::Uint8 => Numbers::U8(raw.to_vec()),
            DataType::Int32 if raw.is_empty() => Numbers::I32(words.clone()),
            DataType::Int32 => Numbers::I32(each(raw, i32::from_le_bytes)?),
            DataType::Int64 if raw.is_empty() => Numbers::I64(tensor.int64_data.clone()),
            DataType::Int64 => Numbers::I64(each(raw, i64::from_le_bytes)?),
            _ => return None,
        };
        let count = shape.iter().try_fold(1_usize, |count, size| count.checked_mul(*size))?;
        (numbers.len() == count).then_some(Self { shape, numbers })
    }

    pub(crate) fn floats(&self) -> Option<&[f32]> {
        match &self.numbers {
            Numbers::F32(values) => Some(values),
            _ => None,
        }
    }

    /// The only value.
    pub(crate) fn float(&self) -> Option<f32> {
        match self.floats()? {
            [value] => Some(*value),
            _ => None,
        }
    }

    pub(crate) fn bytes(&self) -> Option<&[i8]> {
        match &self.numbers {
            Numbers::I8(values) => Some(values),
            _ => None,
        }
    }
}

impl Numbers {
    fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
        }
    }

    /// Value number `at` of an integer type.
    pub(crate) fn integer(&self, at: usize) -> Option<i64> {
        match self {
            Self::F32(_) => None,
            Self::I8(values) => values.get(at).map(|value| i64::from(*value)),
            Self::U8(values) => values.get(at).map(|value| i64::from(*value)),
            Self::I32(values) => values.get(at).map(|value| i64::from(*value)),
            Self::I64(values) => values.get(at).copied(),
        }
    }
}

fn each<const N: usize, T>(raw: &[u8], value: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (words, rest) = raw.as_chunks::<N>();
    rest.is_empty().then(|| words.iter().map(|word| value(*word)).collect())
}

fn narrow<T: TryFrom<i32>>(words: &[i32]) -> Option<Vec<T>> {
    words.iter().map(|word| T::try_from(*word).ok()).collect()
}
