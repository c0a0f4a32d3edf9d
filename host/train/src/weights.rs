//! Published PyTorch weights, checked against the shapes that a network needs.

use std::fs;
use std::path::{Path, PathBuf};

use burn_store::pytorch::{PytorchError, PytorchReader};
use burn_store::pytorch_reader::DType;

use emocue_models::failure::{Failure, exit};

/// Larger files are refused unread: the networks that are read this way have at most a few MB.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// A weights file is missing, is damaged, or belongs to another network.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The system refuses the file.
    #[error("cannot read {}: {reason}", file.display())]
    Unreadable {
        /// The weights file.
        file: PathBuf,
        /// The system's words.
        reason: std::io::Error,
    },
    /// No weights of these networks are that large.
    #[error("{} has {bytes} bytes, more than the {MAX_FILE_BYTES} a weights file may have", file.display())]
    TooLarge {
        /// The weights file.
        file: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The file is not what `torch.save` writes, or is cut short.
    #[error("{} is damaged or not a PyTorch state dict: {reason}", file.display())]
    Damaged {
        /// The weights file.
        file: PathBuf,
        /// The reader's words.
        reason: String,
    },
    /// A layer is missing: probably another network's file.
    #[error("{} has no tensor {tensor:?}", file.display())]
    MissingTensor {
        /// The weights file.
        file: PathBuf,
        /// The wanted tensor.
        tensor: String,
    },
    /// A layer has another size or type: probably another network's file.
    #[error("{}: tensor {tensor:?} is {actual_type} {actual:?}, expected F32 {expected:?}", file.display())]
    WrongTensor {
        /// The weights file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// The shape the network needs.
        expected: Vec<usize>,
        /// The shape found.
        actual: Vec<usize>,
        /// The element type found.
        actual_type: String,
    },
    /// A tensor's bytes cannot be read.
    #[error("{}: tensor {tensor:?} is damaged: {reason}", file.display())]
    DamagedTensor {
        /// The weights file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// The reader's words.
        reason: std::io::Error,
    },
    /// NaN or infinity would silently spoil every answer.
    #[error("{}: tensor {tensor:?} holds {value} at position {index}",
            file.display())]
    NotFinite {
        /// The weights file.
        file: PathBuf,
        /// The tensor.
        tensor: String,
        /// Position in row-major order.
        index: usize,
        /// The value.
        value: f32,
    },
}

impl Failure for WeightsError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Unreadable { .. } | Self::TooLarge { .. } => return None,
            Self::MissingTensor { .. } | Self::WrongTensor { .. } => {
                "Check that it is the right network's file."
            }
            Self::Damaged { .. } | Self::DamagedTensor { .. } | Self::NotFinite { .. } => {
                "Download the file again."
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

/// One opened state dict.
pub struct Weights {
    file: PathBuf,
    reader: PytorchReader,
}

impl Weights {
    /// Opens a `.pt` file; tensors are read when asked for.
    ///
    /// # Errors
    /// [`WeightsError`] when the file cannot be read, is too large or is not a state dict.
    pub fn open(file: &Path) -> Result<Self, WeightsError> {
        let owned = || file.to_path_buf();
        let unreadable = |reason| WeightsError::Unreadable { file: owned(), reason };
        let bytes = fs::metadata(file).map_err(unreadable)?.len();
        if bytes > MAX_FILE_BYTES {
            return Err(WeightsError::TooLarge { file: owned(), bytes });
        }
        match PytorchReader::new(file) {
            Ok(reader) => Ok(Self { file: owned(), reader }),
            Err(PytorchError::Io(reason)) if reason.raw_os_error().is_some() => {
                Err(unreadable(reason))
            }
            Err(reason) => Err(WeightsError::Damaged { file: owned(), reason: reason.to_string() }),
        }
    }

    /// The values of `tensor`, row-major.
    ///
    /// # Errors
    /// [`WeightsError`] when it is missing, damaged, or has another shape or type.
    pub fn get(&self, tensor: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let (file, name) = (|| self.file.clone(), tensor.to_owned());
        let Some(found) = self.reader.get(tensor) else {
            return Err(WeightsError::MissingTensor { file: file(), tensor: name });
        };
        if found.shape() != shape || found.dtype() != DType::F32 {
            return Err(WeightsError::WrongTensor {
                file: file(),
                tensor: name,
                expected: shape.to_vec(),
                actual: found.shape().to_vec(),
                actual_type: format!("{:?}", found.dtype()),
            });
        }
        let bytes = match found.read() {
            Ok(bytes) => bytes,
            Err(reason) => {
                return Err(WeightsError::DamagedTensor { file: file(), tensor: name, reason });
            }
        };
        let (values, _) = bytes.as_chunks::<4>();
        let values: Vec<f32> = values.iter().map(|&b| f32::from_ne_bytes(b)).collect();
        match values.iter().position(|v| !v.is_finite()) {
            Some(index) => Err(WeightsError::NotFinite {
                file: file(),
                tensor: name,
                index,
                value: values[index],
            }),
            None => Ok(values),
        }
    }
}
