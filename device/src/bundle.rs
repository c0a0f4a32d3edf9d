//! The bundle in use: from a file, a slot or embedded in this program, loaded and ready to run.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use emocue_models::bundle::container::read_file;
use emocue_models::bundle::manifest::Form;
use emocue_models::bundle::{self, Bundle, BundleError};
use emocue_models::failure::{Failure, exit};
use emocue_run::acceptance::UnshowableLabels;
use emocue_run::{Networks, RunError, SelfTestError};
use serde::{Deserialize, Serialize};

use crate::vision::Vision;

/// One of the two slots for installed bundles ([`crate::slots`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Slot {
    /// The first.
    A,
    /// The second.
    B,
}

impl Slot {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The other slot.
    pub fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "a",
            Self::B => "b",
        })
    }
}

/// Where a bundle comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is embedded in this program.
    BuiltIn,
    /// A file that the command line or the configuration names.
    File(PathBuf),
    /// A slot.
    Slot {
        /// Which.
        slot: Slot,
        /// Starts that it has left, where it is on trial.
        trial: Option<u8>,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("embedded"),
            Self::File(file) => file.display().fmt(f),
            Self::Slot { slot, .. } => write!(f, "slot {slot}"),
        }
    }
}

/// A bundle that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the bundle ({origin}): {reason}")]
pub struct LoadError {
    origin: Origin,
    /// Why not.
    #[source]
    pub reason: LoadReason,
}

impl Failure for LoadError {
    fn help(&self) -> Option<String> {
        self.reason.help()
    }

    fn exit_code(&self) -> u8 {
        self.reason.exit_code()
    }
}

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadReason {
    /// It cannot be read, or is damaged.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Its networks do not run.
    #[error("{0}")]
    Network(#[from] RunError),
    /// Its classes cannot be shown.
    #[error(transparent)]
    Labels(#[from] UnshowableLabels),
}

impl Failure for LoadReason {
    fn help(&self) -> Option<String> {
        match self {
            Self::Bundle(error) => error.help(),
            Self::Network(error) => {
                error.help().or_else(|| Some("Pack it again with another network.".to_owned()))
            }
            Self::Labels(error) => error.help(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Network(error) => error.exit_code(),
            Self::Bundle(_) | Self::Labels(_) => exit::NETWORK,
        }
    }
}

/// The bundle in use, loaded and ready to run.
pub struct LoadedBundle {
    /// Finds and classifies faces.
    pub vision: Vision,
    /// Where it comes from.
    pub origin: Origin,
    /// Its name.
    pub name: String,
    /// Its release number.
    pub content_version: u32,
    form: Form,
    bytes: usize,
    /// Integer parts of the networks that the integer engine does not run.
    left_to_tract: Vec<String>,
}

impl LoadedBundle {
    /// Loads the bundle in `file`, or the embedded one.
    ///
    /// `min_face` (px of the frame) replaces the bundle's own.
    ///
    /// # Errors
    /// [`LoadError`] when the file cannot be read, is damaged, or its networks do not run.
    pub fn load(file: Option<&Path>, min_face: Option<f32>) -> Result<Self, LoadError> {
        let Some(file) = file else {
            return Self::read(bundle::DEFAULT, Origin::BuiltIn, min_face);
        };
        let origin = Origin::File(file.to_owned());
        match read_file(file) {
            Ok(bytes) => Self::read(&bytes, origin, min_face),
            Err(error) => Err(LoadError { origin, reason: error.into() }),
        }
    }

    /// Loads a bundle from the bytes of its file.
    ///
    /// # Errors
    /// As for [`LoadedBundle::load`].
    pub fn read(bytes: &[u8], origin: Origin, min_face: Option<f32>) -> Result<Self, LoadError> {
        let load = || -> Result<_, LoadReason> {
            let bundle = Bundle::read(bytes)?;
            let manifest = bundle.manifest();
            let networks = Networks::from_bundle(&bundle, min_face)?;
            let left_to_tract = networks.left_to_tract();
            let Networks { detector, classifier } = networks;
            let threshold = manifest.classifier.threshold;
            let vision = Vision::new(detector, Box::new(classifier), threshold)?;
            let form = manifest.classifier.form;
            Ok(Self {
                vision,
                origin: origin.clone(),
                name: manifest.name.clone(),
                content_version: manifest.content_version,
                form,
                bytes: bytes.len(),
                left_to_tract,
            })
        };
        load().map_err(|reason| LoadError { origin: origin.clone(), reason })
    }

    /// Runs the self-test on the embedded portraits, and returns the time that the last one took.
    ///
    /// # Errors
    /// [`SelfTestError`] when a network fails or answers differently.
    pub fn self_test(&mut self) -> Result<Duration, SelfTestError> {
        self.vision.self_test(self.origin == Origin::BuiltIn)
    }

    /// What it is, in one line: `bundle default 8, embedded: classifier in 8-bit integers, 1.30 MB`, and why
    /// networks in integers do not run in the integer engine.
    pub fn describe(&self) -> String {
        let Self { name, content_version, origin, form, .. } = self;
        let megabytes = self.bytes as f64 / 1e6;
        let mut text = format!(
            "bundle {name} {content_version}, {origin}: classifier in {form}, {megabytes:.2} MB"
        );
        for line in &self.left_to_tract {
            text = format!("{text}; {line}");
        }
        text
    }

    /// A status line: `runs slot b: default 8, on trial, 2 starts left`.
    pub fn runs(&self) -> String {
        let Self { name, content_version, origin, .. } = self;
        let (place, trial) = match origin {
            Origin::BuiltIn => ("the embedded bundle".to_owned(), None),
            Origin::File(_) => (origin.to_string(), None),
            Origin::Slot { trial, .. } => (origin.to_string(), *trial),
        };
        let trial = match trial {
            Some(1) => ", on trial, 1 start left".to_owned(),
            Some(left) => format!(", on trial, {left} starts left"),
            None => String::new(),
        };
        format!("runs {place}: {name} {content_version}{trial}")
    }
}

/// Name and release number of the embedded bundle.
pub fn built_in_release() -> (String, u32) {
    static RELEASE: OnceLock<(String, u32)> = OnceLock::new();
    let read = || {
        let bundle = Bundle::read(bundle::DEFAULT).ok();
        let release = bundle.map(|b| (b.manifest().name.clone(), b.manifest().content_version));
        release.unwrap_or_default()
    };
    RELEASE.get_or_init(read).clone()
}
