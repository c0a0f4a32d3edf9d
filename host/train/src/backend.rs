//! The device of a training: this CPU, an NVIDIA GPU, or any device with a Vulkan driver.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use emocue_models::failure::{Failure, exit};

/// A device as the command line names it: `cpu`, `cuda:0`, `vulkan`, `vulkan:1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackendName {
    /// The CPU, by burn's pure-Rust backend.
    Cpu,
    /// The NVIDIA GPU with this number.
    Cuda(usize),
    /// The device with this number among those that Vulkan lists.
    Vulkan(usize),
}

/// A device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// Not a device's name.
    #[error("\"{0}\" is not a device: expected cpu, cuda:0 or vulkan:0")]
    Unknown(String),
    /// The program was built without this backend.
    #[error("this program was built without {0}")]
    NotBuilt(&'static str),
    /// The driver lists no such device.
    #[error("{name} is not there: the {driver} driver lists {count} devices")]
    Missing {
        /// The requested device.
        name: BackendName,
        /// `"CUDA"` or `"Vulkan"`.
        driver: &'static str,
        /// Number of devices that the driver lists.
        count: usize,
        /// What to do next.
        help: &'static str,
    },
    /// The driver cannot list its devices.
    #[error("failed to use the {0} driver: {1}")]
    Driver(&'static str, String),
}

impl Failure for BackendError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => None,
            Self::NotBuilt(feature) => Some(format!(
                "Build it with: cargo build --release --package emocue-host --features {feature}"
            )),
            Self::Missing { help, .. } => Some((*help).to_owned()),
            Self::Driver(..) => Some("Install the driver, or train with --device cpu.".to_owned()),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Unknown(_) | Self::NotBuilt(_) => exit::USAGE,
            Self::Missing { .. } | Self::Driver(..) => exit::FAILED,
        }
    }
}

impl FromStr for BackendName {
    type Err = BackendError;

    fn from_str(text: &str) -> Result<Self, BackendError> {
        let unknown = || BackendError::Unknown(text.to_owned());
        let (kind, number) = text.split_once(':').unwrap_or((text, "0"));
        let number: usize = number.parse().map_err(|_| unknown())?;
        match kind {
            "cpu" if text == "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(number)),
            "vulkan" => Ok(Self::Vulkan(number)),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for BackendName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            Self::Vulkan(number) => write!(f, "vulkan:{number}"),
        }
    }
}

impl BackendName {
    /// Opens the device, without autodiff.
    ///
    /// # Errors
    /// [`BackendError`] when the program was built without this backend or there is no such device.
    pub fn open(self) -> Result<Device, BackendError> {
        match self {
            Self::Cpu => Ok(Device::flex()),
            #[cfg(feature = "cuda")]
            Self::Cuda(number) => {
                let help = "Look at nvidia-smi, or train with --device cpu.";
                self.pick(number, "CUDA", help, burn::tensor::DeviceType::Cuda)
            }
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => Err(BackendError::NotBuilt("cuda")),
            #[cfg(feature = "vulkan")]
            Self::Vulkan(number) => {
                let help = "Look at vulkaninfo --summary, or train with --device cpu.";
                self.pick(number, "Vulkan", help, burn::tensor::DeviceType::Vulkan)
            }
            #[cfg(not(feature = "vulkan"))]
            Self::Vulkan(_) => Err(BackendError::NotBuilt("vulkan")),
        }
    }

    /// Asks the driver first: burn panics when it opens a device that does not exist.
    #[cfg(any(feature = "cuda", feature = "vulkan"))]
    fn pick(
        self,
        number: usize,
        driver: &'static str,
        help: &'static str,
        kind: burn::tensor::DeviceType,
    ) -> Result<Device, BackendError> {
        let listed = std::panic::catch_unwind(|| Device::enumerate(kind).into_vec());
        let devices = listed.map_err(|panic| {
            BackendError::Driver(driver, crate::panics::message(panic.as_ref()).to_owned())
        })?;
        let count = devices.len();
        devices.into_iter().nth(number).ok_or(BackendError::Missing {
            name: self,
            driver,
            count,
            help,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        for (text, name) in [
            ("cpu", BackendName::Cpu),
            ("cuda:1", BackendName::Cuda(1)),
            ("vulkan:0", BackendName::Vulkan(0)),
        ] {
            assert_eq!((text.parse(), name.to_string()), (Ok(name), text.to_owned()));
        }
        assert_eq!("vulkan".parse(), Ok(BackendName::Vulkan(0)));
        for bad in ["", "gpu", "cuda:", "cuda:-1", "cpu:1"] {
            assert!(bad.parse::<BackendName>().unwrap_err().to_string().contains("expected cpu"));
        }
    }

    #[test]
    #[cfg(not(any(feature = "cuda", feature = "vulkan")))]
    fn what_was_not_built_says_how_to_build_it() {
        let help = BackendName::Cuda(0).open().unwrap_err().help().unwrap();
        assert!(help.contains("--features cuda"), "{help}");
    }
}
