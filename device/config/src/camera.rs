//! The camera and how it is mounted.

use emocue_models::luma::{Orientation, Rotation};
use serde::{Deserialize, Serialize};

/// The camera and how it is mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraSettings {
    /// As `--camera` accepts it; checked when the file is read.
    pub source: String,
    /// Clockwise turn that makes frames upright.
    #[serde(with = "degrees")]
    pub rotate: Rotation,
    /// Mirror left to right, after the turn.
    pub mirror: bool,
    /// Whether to wait for a missing camera; otherwise the run ends.
    pub wait: bool,
}

impl Default for CameraSettings {
    fn default() -> Self {
        let source = "v4l2:/dev/video0".to_owned();
        Self { source, rotate: Rotation::None, mirror: false, wait: true }
    }
}

impl CameraSettings {
    /// The transform that makes its frames upright.
    pub fn orientation(&self) -> Orientation {
        Orientation { rotation: self.rotate, mirror: self.mirror }
    }
}

/// A turn as TOML's whole number of degrees.
pub(crate) mod degrees {
    use emocue_models::luma::Rotation;
    use serde::de::{Error, Unexpected};
    use serde::{Deserialize, Deserializer, Serializer};

    const TURNS: [(u16, Rotation); 4] =
        [(0, Rotation::None), (90, Rotation::Cw90), (180, Rotation::Half), (270, Rotation::Cw270)];

    pub(crate) fn serialize<S: Serializer>(turn: &Rotation, out: S) -> Result<S::Ok, S::Error> {
        let degrees = TURNS.iter().find(|(_, named)| named == turn).map_or(0, |turn| turn.0);
        out.serialize_u16(degrees)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Rotation, D::Error> {
        let degrees = i64::deserialize(from)?;
        let turn = TURNS.iter().find(|(named, _)| i64::from(*named) == degrees);
        let expected = &"0, 90, 180 or 270";
        turn.map(|turn| turn.1)
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Signed(degrees), expected))
    }
}
