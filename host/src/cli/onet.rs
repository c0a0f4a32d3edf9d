//! MTCNN's O-Net as a verification step of another detector.

use std::path::{Path, PathBuf};

use clap::Args;
use emocue_models::bundle::manifest::DetectorSpec;
use emocue_models::bundle::{Bundle, bytes_of, in_bundle};
use emocue_models::failure::{Failure, Problem};

use super::open::read;

/// Whether a detector gets O-Net.
#[derive(Args, Debug)]
pub(super) struct OnetArg {
    /// Let MTCNN's O-Net confirm low-confidence detections of YuNet or emocue-face, and place the landmarks: onet.onnx,
    /// as `emocue import mtcnn` writes it, or a bundle that has one (default)
    #[arg(long, value_name = "FILE")]
    onet: Option<PathBuf>,
}

impl OnetArg {
    /// The network, if requested.
    ///
    /// # Errors
    /// A file that cannot be read, or a bundle without O-Net.
    pub(super) fn read(&self) -> Result<Option<Vec<u8>>, Box<dyn Failure>> {
        self.onet.as_deref().map(onet).transpose()
    }

    /// # Errors
    /// When O-Net was requested, and `detector` cannot use it.
    pub(super) fn refuse(&self, detector: &str) -> Result<(), Problem> {
        match self.onet {
            Some(_) => Err(not_for("--onet", detector)),
            None => Ok(()),
        }
    }
}

/// An option for YuNet and emocue-face was given with another detector.
pub(super) fn not_for(option: &str, detector: &str) -> Problem {
    Problem::usage(format!("{option} is not for {detector}"))
        .help("It is for YuNet and emocue-face.")
}

fn onet(path: &Path) -> Result<Vec<u8>, Box<dyn Failure>> {
    if path.extension().is_some_and(|extension| extension == "onnx") {
        return Ok(read(path)?);
    }
    let bytes = bytes_of(path)?;
    let bundle = Bundle::read(&bytes).map_err(in_bundle(path))?;
    let name = match &bundle.manifest().detector {
        DetectorSpec::Mtcnn { onet, .. } => Some(onet),
        DetectorSpec::SingleShot { onet, .. } => onet.as_ref(),
        DetectorSpec::Yunet { .. } | DetectorSpec::Haar { .. } => None,
    };
    let found = name.and_then(|name| bundle.payload(name)).map(<[u8]>::to_vec);
    Ok(found.ok_or_else(|| {
        Problem::usage(format!("the bundle {} has no O-Net", path.display()))
            .help("Use --onet default, or the onet.onnx of `emocue import mtcnn`.")
    })?)
}
