//! A synthetic clip, as a text names it.

use std::str::FromStr;

use super::error::SourceError;
use super::keys;

/// How the clip is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntheticSettings {
    /// How many frames, 1 and more.
    pub frames: u64,
    /// Width, px, `64..=4096`.
    pub width: usize,
    /// Height, px, `64..=4096`.
    pub height: usize,
    /// Selects the portrait and the start of its path.
    pub seed: u64,
    /// Frame rate of the timestamps, Hz, `1..=1000`; frames themselves are made as fast as they are read.
    pub fps: u64,
}

impl Default for SyntheticSettings {
    fn default() -> Self {
        Self { frames: 120, width: 640, height: 480, seed: 0, fps: 30 }
    }
}

impl FromStr for SyntheticSettings {
    type Err = SourceError;

    /// `frames=N,size=WxH,seed=N,fps=N`, each optional; `&` separates like `,`.
    fn from_str(text: &str) -> Result<Self, SourceError> {
        let mut clip = Self::default();
        keys::each("synthetic", text, |key, value| clip.set(key, value))?;
        Ok(clip)
    }
}

impl SyntheticSettings {
    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        let number = || value.parse::<u64>().ok();
        match key {
            "frames" => self.frames = number().filter(|frames| *frames > 0)?,
            "seed" => self.seed = number()?,
            "fps" => self.fps = number().filter(|fps| (1..=1000).contains(fps))?,
            "size" => (self.width, self.height) = keys::size(value)?,
            _ => return None,
        }
        Some(())
    }
}
