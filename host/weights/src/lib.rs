//! Reads weights of other programs: safetensors files, and files of `torch.save` (`.pt`, `.pth`).

#![warn(clippy::disallowed_macros)]

mod error;
mod floats;
mod safetensors_file;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use pytorch_reader::{PytorchError, PytorchReader};

pub use error::WeightsError;
use floats::FloatType;

/// Largest file that is read, bytes: published networks have less than 1 GB, their checkpoints a few GB.
pub const MAX_FILE_BYTES: u64 = 16 << 30;

/// An open weights file.
#[derive(Debug)]
pub struct WeightsFile {
    path: PathBuf,
    tensors: BTreeMap<String, StoredTensor>,
}

/// A tensor of the file; its values are read when asked for.
#[derive(Debug)]
pub struct StoredTensor {
    shape: Vec<usize>,
    /// The element type, as the file's format names it.
    element: String,
    /// The float type; `None` for integers and other elements.
    float: Option<FloatType>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    /// Bytes from this offset of the file.
    At(u64),
    Pytorch(pytorch_reader::Tensor),
}

impl StoredTensor {
    /// Sizes, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether its elements are floats.
    pub fn is_float(&self) -> bool {
        self.float.is_some()
    }
}

impl WeightsFile {
    /// Opens a safetensors file or a PyTorch state dict, alone or inside a checkpoint.
    ///
    /// # Errors
    /// [`WeightsError`] when the file cannot be read, is too large, or is neither.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let unreadable = |reason| WeightsError::Unreadable { file: path.to_owned(), reason };
        let found = std::fs::metadata(path).map_err(unreadable)?;
        if !found.is_file() {
            // Reading a pipe would block.
            let reason = io::Error::new(io::ErrorKind::InvalidInput, "not a regular file");
            return Err(unreadable(reason));
        }
        if found.len() > MAX_FILE_BYTES {
            return Err(WeightsError::TooLarge { file: path.to_owned(), bytes: found.len() });
        }
        let mut begin = Vec::new();
        let mut file = File::open(path).map_err(unreadable)?;
        file.by_ref().take(9).read_to_end(&mut begin).map_err(unreadable)?;
        // safetensors begins with its header's length and the header's brace.
        let tensors = match begin.get(8) {
            Some(b'{') => safetensors_file::tensors(&mut file, found.len()),
            _ => pytorch(path),
        };
        match tensors {
            Ok(tensors) => Ok(Self { path: path.to_owned(), tensors }),
            Err(ReadError::Io(reason)) => Err(unreadable(reason)),
            Err(ReadError::Damaged(reason)) => {
                Err(WeightsError::Damaged { file: path.to_owned(), reason })
            }
        }
    }

    /// Its tensors by name.
    pub fn tensors(&self) -> &BTreeMap<String, StoredTensor> {
        &self.tensors
    }

    /// The values of `name`, row-major and finite; `f64` is rounded. Check the shape first, since it determines how
    /// much is allocated.
    ///
    /// # Errors
    /// [`WeightsError`] when the tensor is missing, not of floats, damaged, or has a value that is not finite.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>, WeightsError> {
        let (file, tensor) = (|| self.path.clone(), || name.to_owned());
        let missing = || WeightsError::MissingTensor { file: file(), tensor: tensor() };
        let found = self.tensors.get(name).ok_or_else(missing)?;
        let float = found.float.ok_or_else(|| self.wrong(name, found, &found.shape))?;
        let bytes = match &found.values {
            Values::At(offset) => {
                let count = float.bytes_of(&found.shape);
                safetensors_file::values(&self.path, *offset, count)
            }
            Values::Pytorch(stored) => stored.read(),
        };
        let bytes = bytes.map_err(|reason| WeightsError::DamagedTensor {
            file: file(),
            tensor: tensor(),
            reason,
        })?;
        let values = match found.values {
            Values::At(_) => float.read_little_endian(&bytes),
            Values::Pytorch(_) => float.read_native(&bytes),
        };
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(WeightsError::NotFinite {
                file: file(),
                tensor: tensor(),
                index,
                value: values[index],
            }),
            None => Ok(values),
        }
    }

    /// As [`WeightsFile::floats`], for a tensor that must have this shape.
    ///
    /// # Errors
    /// [`WeightsError`] as there, and for another shape.
    pub fn floats_of_shape(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        match self.tensors.get(name) {
            Some(found) if found.shape != shape || found.float.is_none() => {
                Err(self.wrong(name, found, shape))
            }
            _ => self.floats(name),
        }
    }

    fn wrong(&self, name: &str, found: &StoredTensor, expected: &[usize]) -> WeightsError {
        WeightsError::WrongTensor {
            file: self.path.clone(),
            tensor: name.to_owned(),
            expected: expected.to_vec(),
            actual: found.shape.clone(),
            actual_type: found.element.clone(),
        }
    }
}

/// Why a file's tensors cannot be listed.
enum ReadError {
    /// The operating system cannot read it.
    Io(io::Error),
    /// It is inconsistent, or of another format.
    Damaged(String),
}

/// The tensors of a file of `torch.save`.
fn pytorch(path: &Path) -> Result<BTreeMap<String, StoredTensor>, ReadError> {
    let reader = PytorchReader::new(path).map_err(|error| match error {
        PytorchError::Io(reason) if reason.raw_os_error().is_some() => ReadError::Io(reason),
        other => ReadError::Damaged(other.to_string()),
    })?;
    let stored = |(name, tensor): (String, pytorch_reader::Tensor)| {
        let stored = StoredTensor {
            shape: tensor.shape().to_vec(),
            element: format!("{:?}", tensor.dtype()),
            float: FloatType::of_pytorch(tensor.dtype()),
            values: Values::Pytorch(tensor),
        };
        (name, stored)
    };
    Ok(reader.into_tensors().into_iter().map(stored).collect())
}

#[cfg(test)]
mod tests;
