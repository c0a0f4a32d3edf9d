//! Fuzz targets: what reads bytes that come from outside.
//!
//! A target is a function of a few bytes that panics when a promise is broken. libFuzzer calls it with what it invents
//! (`cargo xtask fuzz`), and a test replays the known inputs of every target without libFuzzer (`tests/replay.rs`). The
//! first inputs are made by each target's `seeds`; those that found a fault, and what long runs found worth keeping,
//! lie in `inputs/NAME/`.

mod bundle;
#[cfg(feature = "networks")]
mod camera;
mod config;
#[cfg(feature = "networks")]
mod data;
#[cfg(feature = "networks")]
mod flash;
#[cfg(feature = "networks")]
mod haar;
mod journal;
mod kernels;
mod link;
#[cfg(feature = "networks")]
mod onnx;
mod picture;
#[cfg(feature = "networks")]
mod slots;
mod weights;
mod zip;

use std::path::{Path, PathBuf};

pub use bundle::{BUNDLE, MANIFEST, SIGNATURE};
#[cfg(feature = "networks")]
pub use camera::{RAW_FRAMES, V4L2_BUFFER, V4L2_FORMATS, Y4M};
pub use config::{CONFIG, LANGUAGE, SETTINGS, SOURCE};
#[cfg(feature = "networks")]
pub use data::{ANNOTATIONS, FOLDERS, NPZ, TABLE};
#[cfg(feature = "networks")]
pub use flash::{DISK, SHELL};
#[cfg(feature = "networks")]
pub use haar::HAAR;
pub use journal::JOURNAL;
pub use kernels::KERNELS;
pub use link::{LINK_CLIENT, LINK_FRAMES, LINK_INBOX, LINK_SERVER};
#[cfg(feature = "networks")]
pub use onnx::{ONNX, ONNX_EDIT};
pub use picture::PICTURE;
#[cfg(feature = "networks")]
pub use slots::SLOT_POINTER;
pub use weights::WEIGHTS;

/// One thing that reads bytes from outside.
#[derive(Clone, Copy, Debug)]
pub struct FuzzTarget {
    /// Its name, which its file in `fuzz_targets/` has too.
    pub name: &'static str,
    /// What is read, and what must hold.
    pub what: &'static str,
    /// Reads one input. Panics when something is wrong.
    pub run: fn(&[u8]),
    /// Inputs to begin with, always the same.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Targets whose code needs no runtime for networks.
const LIGHT: &[FuzzTarget] = &[
    BUNDLE,
    MANIFEST,
    SIGNATURE,
    CONFIG,
    SETTINGS,
    LANGUAGE,
    SOURCE,
    LINK_FRAMES,
    LINK_INBOX,
    LINK_SERVER,
    LINK_CLIENT,
    PICTURE,
    WEIGHTS,
    KERNELS,
    JOURNAL,
];

/// The others.
#[cfg(feature = "networks")]
const OTHERS: &[FuzzTarget] = &[
    Y4M,
    RAW_FRAMES,
    V4L2_BUFFER,
    V4L2_FORMATS,
    SLOT_POINTER,
    ONNX,
    ONNX_EDIT,
    NPZ,
    TABLE,
    FOLDERS,
    ANNOTATIONS,
    DISK,
    SHELL,
    HAAR,
];
#[cfg(not(feature = "networks"))]
const OTHERS: &[FuzzTarget] = &[];

/// All targets.
pub fn targets() -> impl Iterator<Item = &'static FuzzTarget> {
    LIGHT.iter().chain(OTHERS)
}

/// libFuzzer's program for a target of this crate.
#[macro_export]
macro_rules! libfuzzer {
    ($target:ident) => {
        libfuzzer_sys::fuzz_target!(init: $crate::$target.begin(), |data: &[u8]| {
            ($crate::$target.run)(data)
        });
    };
}

/// The environment variable that names a folder for the seeds of the target that is started.
const SEEDS: &str = "EMOCUE_FUZZ_SEEDS";

impl FuzzTarget {
    /// Called once by libFuzzer's program before its first input: writes the seeds where they are asked for.
    ///
    /// # Panics
    /// When the folder cannot be written.
    pub fn begin(&self) {
        // libFuzzer ends the program at every panic, also at one that the code under test handles. One that is not
        // handled leaves the target, and still ends it.
        let _ = std::panic::take_hook();
        let Some(folder) = std::env::var_os(SEEDS).map(PathBuf::from) else { return };
        let written = (self.seeds)().iter().enumerate().try_for_each(|(number, seed)| {
            std::fs::write(folder.join(format!("seed-{number:02}")), seed)
        });
        written
            .unwrap_or_else(|error| panic!("cannot write seeds to {}: {error}", folder.display()));
    }

    /// Where its known inputs lie.
    pub fn inputs(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("inputs").join(self.name)
    }
}
