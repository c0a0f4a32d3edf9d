//! Why weights cannot be read.

use std::path::PathBuf;

use emocue_models::failure::{Failure, exit};

use crate::MAX_FILE_BYTES;

/// A weights file is missing, is damaged, or belongs to another network.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The operating system cannot open or read the file.
    #[error("cannot read {}: {reason}", file.display())]
    Unreadable {
        /// The weights file.
        file: PathBuf,
        /// The operating system's error.
        reason: std::io::Error,
    },
    /// The file is larger than [`MAX_FILE_BYTES`].
    #[error("{} has {bytes} bytes, more than the {MAX_FILE_BYTES} that a weights file may have", file.display())]
    TooLarge {
        /// The weights file.
        file: PathBuf,
        /// Its size, bytes.
        bytes: u64,
    },
    /// The file is neither of the formats, or damaged.
    #[error(
        "{} is damaged, or neither safetensors nor what torch.save writes: {reason}",
        file.display()
    )]
    Damaged {
        /// The weights file.
        file: PathBuf,
        /// The reader's message.
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
    #[error("{}: tensor {tensor:?} is {actual_type} {actual:?}, expected floats {expected:?}", file.display())]
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
        /// The reader's message.
        reason: std::io::Error,
    },
    /// A value is NaN or infinity.
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
            Self::Damaged { .. } => "Save a state dict, or download the file again.",
            Self::DamagedTensor { .. } | Self::NotFinite { .. } => "Download the file again.",
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}
