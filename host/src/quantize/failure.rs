//! The quantizer's errors with help and exit codes.

use emocue_models::failure::{Failure, exit};
use emocue_quantize::QuantizeError;
use emocue_quantize::onnx::GraphReadError;

/// A network could not be quantized.
#[derive(Debug, thiserror::Error)]
#[error("{network}: {error}")]
pub struct QuantizeFailure {
    /// Name of the file.
    pub network: String,
    /// The reason.
    #[source]
    pub error: QuantizeError,
}

impl Failure for QuantizeFailure {
    fn help(&self) -> Option<String> {
        let option = match &self.error {
            QuantizeError::Unsupported { .. } => "--form w8",
            QuantizeError::NoData { .. } => "--data and --rows",
            QuantizeError::WrongRow { .. }
            | QuantizeError::Read(GraphReadError::Dynamic { .. } | GraphReadError::Shape { .. }) => {
                "--shape"
            }
            _ => return self.error.help(),
        };
        self.error.help().map(|help| format!("{help}\nSee {option}."))
    }

    fn exit_code(&self) -> u8 {
        match &self.error {
            QuantizeError::Unsupported { .. }
            | QuantizeError::Inconsistent { .. }
            | QuantizeError::Read(GraphReadError::NotFinite { .. })
            | QuantizeError::NoLayer
            | QuantizeError::Engine(_) => exit::NETWORK,
            QuantizeError::Read(_)
            | QuantizeError::Overflow { .. }
            | QuantizeError::Constant { .. }
            | QuantizeError::NoData { .. }
            | QuantizeError::WrongRow { .. } => exit::INPUT,
        }
    }
}
