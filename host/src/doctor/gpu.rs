//! GPUs, and whether this program can use them.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use emocue_train::backend::BackendName;

use super::CheckOutcome;
use super::outside::{ask, find};

/// Timeout of `nvidia-smi`, which may take seconds to initialise the driver.
const PATIENCE: Duration = Duration::from_secs(20);

/// The command that builds this program for GPUs.
const BUILD: &str = "cargo build --release --package emocue-host --features";

/// The result of NVIDIA's driver.
pub(super) enum Gpu {
    /// There is no driver: `nvidia-smi` is missing.
    None,
    /// `nvidia-smi` exists and fails, for this reason.
    Broken(String),
    /// A line for each GPU: name, driver version, memory.
    There(Vec<String>),
}

impl Gpu {
    /// Asks `nvidia-smi`.
    pub(super) fn look() -> Self {
        let Some(program) = find("nvidia-smi") else { return Self::None };
        let mut command = Command::new(program);
        command.args(["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]);
        match ask(command, PATIENCE) {
            Ok(text) => {
                let gpus: Vec<_> = text.lines().filter_map(gpu).collect();
                match gpus.is_empty() {
                    true => Self::Broken("lists no GPU".to_owned()),
                    false => Self::There(gpus),
                }
            }
            Err(reason) => Self::Broken(reason),
        }
    }

    /// Whether the driver works.
    pub(super) fn check(&self) -> CheckOutcome {
        match self {
            Self::None => CheckOutcome::note("no NVIDIA driver: nvidia-smi is not on the PATH"),
            Self::Broken(reason) => CheckOutcome::problem(
                format!("nvidia-smi {reason}"),
                "install the driver for this kernel and restart; in a container, start it with \
                 `--gpus all`",
            ),
            Self::There(gpus) => CheckOutcome::ok(gpus.join("; ")),
        }
    }
}

/// `NVIDIA H200, driver 550.54.15, 143771 MiB` of a line of `nvidia-smi`.
fn gpu(line: &str) -> Option<String> {
    let mut fields = line.split(',').map(str::trim);
    let (name, driver, memory) = (fields.next()?, fields.next()?, fields.next()?);
    Some(format!("{name}, driver {driver}, {memory}"))
}

/// Whether a training can use the GPU through CUDA.
pub(super) fn cuda(gpu: &Gpu) -> CheckOutcome {
    let there = matches!(gpu, Gpu::There(_));
    if !cfg!(feature = "cuda") {
        let found = "this program was built without cuda";
        return match there {
            true => CheckOutcome::missing(
                format!("{found}, so the GPU is not used"),
                format!("{BUILD} cuda (docs/training.md has the whole recipe)"),
            ),
            false => CheckOutcome::note(format!("{found}, and there is no NVIDIA GPU")),
        };
    }
    if !there {
        return CheckOutcome::note("built with cuda, and there is no NVIDIA GPU: --device cpu");
    }
    let Some(toolkit) = toolkit() else {
        return CheckOutcome::problem(
            "built with cuda, but there is no CUDA toolkit, which compiles a training's kernels",
            "install it (Debian: nvidia-cuda-toolkit), or name its folder in CUDA_PATH",
        );
    };
    match BackendName::Cuda(0).open() {
        Ok(_) => CheckOutcome::ok(format!(
            "built with cuda, toolkit in {}: --device cuda:0",
            toolkit.display()
        )),
        Err(error) => CheckOutcome::failure(&error, "train with --device cpu"),
    }
}

/// Whether a training can use a GPU through Vulkan. The driver is not asked here: most systems have software devices,
/// which would be reported as a GPU.
pub(super) fn vulkan() -> CheckOutcome {
    match cfg!(feature = "vulkan") {
        true => CheckOutcome::ok(
            "built with vulkan: --device vulkan:0, whose driver a training asks when it begins",
        ),
        false => CheckOutcome::note(format!(
            "this program was built without vulkan; for GPUs of other makers: {BUILD} vulkan"
        )),
    }
}

/// The folder in which the kernel compiler looks for the CUDA toolkit.
fn toolkit() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CUDA_PATH") {
        return Some(PathBuf::from(named)).filter(|folder| folder.join("include").is_dir());
    }
    let usual = ["/usr/local/cuda", "/opt/cuda"].map(PathBuf::from);
    let own = find("nvcc").map(|_| PathBuf::from("/usr"));
    usual.into_iter().find(|folder| folder.join("include").is_dir()).or(own)
}
