//! Which network: the recipe's `[net]` table.

use serde::{Deserialize, Serialize};

use crate::data::SIDE;

/// An architecture and its size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum NetSpec {
    /// [`super::badge`]: the badge's own small residual net.
    Badge {
        /// Channels of the first stage, 4..=256; later stages have 2x and 4x.
        width: usize,
        /// Probability of dropping a feature before the heads, `0..1`.
        dropout: f32,
    },
}

/// A setting of `[net]` is out of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("net.{setting} is {value}, expected {expected}")]
pub struct NetError {
    /// The setting's key.
    pub setting: &'static str,
    /// What the recipe says.
    pub value: String,
    /// What would do.
    pub expected: String,
}

impl NetSpec {
    /// The architecture's name, as in `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Badge { .. } => "badge",
        }
    }

    /// Width and height of the input, px.
    pub fn side(&self) -> usize {
        match self {
            Self::Badge { .. } => SIDE,
        }
    }

    /// Refuses a setting outside its range; what passes can be built.
    ///
    /// # Errors
    /// [`NetError`] naming the first wrong setting.
    pub fn check(&self) -> Result<(), NetError> {
        match self {
            Self::Badge { width, dropout } => {
                between("width", *width, 4, 256)?;
                fraction("dropout", *dropout)
            }
        }
    }
}

fn between(setting: &'static str, value: usize, low: usize, high: usize) -> Result<(), NetError> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(NetError { setting, value: value.to_string(), expected: format!("{low} to {high}") })
}

fn fraction(setting: &'static str, value: f32) -> Result<(), NetError> {
    if (0.0..=0.999).contains(&value) {
        return Ok(());
    }
    Err(NetError { setting, value: value.to_string(), expected: "0 to below 1".to_owned() })
}
