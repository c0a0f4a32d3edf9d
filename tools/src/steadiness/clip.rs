//! Video clips, their rates, and their conversion to a stream for the badge.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use super::badge::Stream;
use crate::Result;

/// A frame rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rate {
    /// The clip's own rate; 30 Hz for a synthetic scene.
    Own,
    /// This rate, Hz; frames of a clip are dropped.
    Fps(f64),
}

impl Rate {
    /// The rate in Hz, where `own` is the clip's rate.
    pub(super) fn or(self, own: f64) -> f64 {
        match self {
            Self::Own => own,
            Self::Fps(fps) => fps,
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match (text, text.parse()) {
            ("own", _) => Ok(Self::Own),
            (_, Ok(fps)) if (0.1..=120.0).contains(&fps) => Ok(Self::Fps(fps)),
            _ => Err("expected `own` or 0.1 to 120 frames a second".to_owned()),
        }
    }
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Own => f.write_str("own"),
            Self::Fps(fps) => write!(f, "{fps}"),
        }
    }
}

/// A video file.
pub(super) struct Clip {
    path: PathBuf,
    /// Its file name without the extension.
    pub(super) name: String,
}

impl Clip {
    /// The clip in the file `path`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        File::open(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(Self { path: path.to_owned(), name })
    }

    /// The part of the name before the first hyphen; clips of a group are added up.
    pub(super) fn group(&self) -> &str {
        self.name.split('-').next().unwrap_or(&self.name)
    }

    /// The clip's frames at `rate`: a Y4M file at its own rate directly, anything else through ffmpeg.
    pub(super) fn stream(&self, rate: Rate) -> Result<Stream<'static>> {
        const MAGIC: &[u8; 9] = b"YUV4MPEG2";
        let mut start = [0; MAGIC.len()];
        let y4m = File::open(&self.path)?.read_exact(&mut start).is_ok() && start == *MAGIC;
        if y4m && rate == Rate::Own {
            return Ok(Stream::File(File::open(&self.path)?));
        }
        Ok(Stream::Program(self.ffmpeg(rate)))
    }

    /// The ffmpeg command that writes the clip's frames at `rate` as Y4M.
    pub(super) fn ffmpeg(&self, rate: Rate) -> Command {
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-v", "error", "-nostdin", "-i"]).arg(&self.path).arg("-an");
        if let Rate::Fps(fps) = rate {
            ffmpeg.arg("-vf").arg(format!("fps={fps}"));
        }
        ffmpeg.args(["-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"]);
        ffmpeg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_own_or_a_number() {
        assert_eq!(
            ["own", "8", "12.5"].map(|text| text.parse().ok()),
            [Some(Rate::Own), Some(Rate::Fps(8.0)), Some(Rate::Fps(12.5))]
        );
        assert!(["", "0", "-8", "nan", "1e9", "eight"].iter().all(|t| t.parse::<Rate>().is_err()));
    }

    #[test]
    fn clips_of_a_kind_are_a_group() {
        let folder = tempfile::tempdir().unwrap();
        for (file, group) in [("acted-d0.mp4", "acted"), ("street.mkv", "street")] {
            let path = folder.path().join(file);
            std::fs::write(&path, "").unwrap();
            assert_eq!(Clip::open(&path).unwrap().group(), group);
        }
        assert!(Clip::open(&folder.path().join("none.mp4")).is_err());
    }
}
