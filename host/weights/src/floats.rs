//! The float types of weights files.

use half::{bf16, f16};
use safetensors::Dtype;

/// A float type that weights are stored in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FloatType {
    F16,
    Bf16,
    F32,
    F64,
}

impl FloatType {
    pub(crate) fn of_pytorch(of: pytorch_reader::DType) -> Option<Self> {
        use pytorch_reader::DType;
        match of {
            DType::F16 => Some(Self::F16),
            DType::BF16 => Some(Self::Bf16),
            DType::F32 => Some(Self::F32),
            DType::F64 => Some(Self::F64),
            _ => None,
        }
    }

    pub(crate) fn of_safetensors(of: Dtype) -> Option<Self> {
        match of {
            Dtype::F16 => Some(Self::F16),
            Dtype::BF16 => Some(Self::Bf16),
            Dtype::F32 => Some(Self::F32),
            Dtype::F64 => Some(Self::F64),
            _ => None,
        }
    }

    /// Bytes of a tensor of `shape`, whose size has been checked.
    pub(crate) fn bytes_of(self, shape: &[usize]) -> usize {
        let element = match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        };
        shape.iter().product::<usize>() * element
    }

    pub(crate) fn read_little_endian(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => each(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Self::Bf16 => each(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Self::F32 => each(bytes, f32::from_le_bytes),
            Self::F64 => each(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }

    pub(crate) fn read_native(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F16 => each(bytes, |bytes| f16::from_ne_bytes(bytes).to_f32()),
            Self::Bf16 => each(bytes, |bytes| bf16::from_ne_bytes(bytes).to_f32()),
            Self::F32 => each(bytes, f32::from_ne_bytes),
            Self::F64 => each(bytes, |bytes| f64::from_ne_bytes(bytes) as f32),
        }
    }
}

fn each<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|bytes| read(*bytes)).collect()
}
