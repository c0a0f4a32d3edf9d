//! The virtual screen: QEMU's screen contents, and the same pictures drawn in memory by the badge's library.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use image::RgbImage;
use serde_json::{Value, json};

use super::control::{Monitor, wait};
use super::play::PATIENCE;
use super::scenario::{Do, Picture, Scenario};
use crate::Result;
use crate::cargo::{output, root};

/// Its size, px, common for small HDMI screens.
pub(crate) const SIZE: (u32, u32) = (1024, 600);

/// Polling interval for the screen; the machine is paused during each dump.
const PAUSE: Duration = Duration::from_millis(500);

/// The golden pictures, and the folder for dumps.
pub(crate) struct Screen {
    golden: Vec<(Picture, RgbImage)>,
    logs: PathBuf,
}

impl Screen {
    /// Draws every picture that `scenario` needs with this computer's `badge` and the library's example `screen`.
    pub(crate) fn new(
        scenario: &Scenario,
        badge: &Path,
        portrait: &str,
        logs: &Path,
    ) -> Result<Self> {
        let mut golden: Vec<(Picture, RgbImage)> = Vec::new();
        for does in scenario.steps.iter().flat_map(|step| step.does) {
            if let Do::ScreenShows(picture) = *does
                && !golden.iter().any(|(known, _)| *known == picture)
            {
                let name = match picture {
                    Picture::Answer(_) => answer(badge, portrait)?,
                    Picture::State(state) => state.to_owned(),
                };
                golden.push((picture, draw(badge, &name)?));
            }
        }
        Ok(Self { golden, logs: logs.to_owned() })
    }

    /// Waits until the screen shows exactly this picture, and stores it as a PNG file.
    pub(crate) fn shows(&self, monitor: &mut Monitor, picture: Picture, step: u32) -> Result<()> {
        let known = self.golden.iter().find(|(known, _)| *known == picture);
        let golden = &known.ok_or("no such golden picture")?.1;
        let name = picture.name();
        let seen = self.until(monitor, &format!("the screen shows {name}"), |seen| seen == golden);
        let file =
            |suffix: &str| self.logs.join(format!("step-{step:02}-screen-{name}{suffix}.png"));
        self.dump(monitor)?.save(file(""))?;
        if seen.is_err() {
            golden.save(file("-golden"))?;
        }
        seen
    }

    /// Waits until the screen is black.
    pub(crate) fn is_dark(&self, monitor: &mut Monitor) -> Result<()> {
        self.until(monitor, "the screen is dark", |seen| seen.as_raw().iter().all(|it| *it == 0))
    }

    fn until(
        &self,
        monitor: &mut Monitor,
        what: &str,
        is_so: impl Fn(&RgbImage) -> bool,
    ) -> Result<()> {
        wait(PATIENCE, what, || {
            if is_so(&self.dump(monitor)?) {
                return Ok(Some(()));
            }
            std::thread::sleep(PAUSE);
            Ok(None)
        })
    }

    /// The current contents of the screen.
    fn dump(&self, monitor: &mut Monitor) -> Result<RgbImage> {
        let file = self.logs.join("screen.ppm");
        monitor.execute("screendump", &json!({ "filename": file }))?;
        let bytes = std::fs::read(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        ppm(&bytes).ok_or_else(|| format!("{}: not a picture", file.display()).into())
    }
}

/// The answer of this computer's badge to the portrait.
fn answer(badge: &Path, portrait: &str) -> Result<String> {
    let mut command = Command::new(badge);
    command.arg("run").arg("--camera").arg(root().join("models/run/pictures").join(portrait));
    let told = output(command.args(["--display", "json"]))?;
    let told: Value = serde_json::from_str(told.lines().next().unwrap_or_default())?;
    Ok(told["shown"].as_str().ok_or("the badge shows nothing")?.to_owned())
}

/// The picture that the library draws in memory.
fn draw(badge: &Path, name: &str) -> Result<RgbImage> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("screen.png");
    let example = format!("examples/screen{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(badge.with_file_name(example));
    output(command.arg(&file).arg(name).arg(format!("{}x{}", SIZE.0, SIZE.1)))?;
    Ok(image::open(&file).map_err(|e| format!("{}: {e}", file.display()))?.to_rgb8())
}

/// Parses a PPM image (`P6`) with 8 bits per channel, as QEMU writes it.
fn ppm(bytes: &[u8]) -> Option<RgbImage> {
    let mut rest = bytes.strip_prefix(b"P6\n")?;
    let mut line = || {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let line = std::str::from_utf8(&rest[..end]).ok()?;
        rest = &rest[end + 1..];
        Some(line)
    };
    let (width, height) = line()?.split_once(' ')?;
    if line()? != "255" {
        return None;
    }
    let (width, height) = (width.parse().ok()?, height.parse().ok()?);
    RgbImage::from_raw(width, height, rest.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_read_and_one_that_is_not_whole_is_not() {
        let picture = ppm(b"P6\n2 1\n255\n\x01\x02\x03\n\n\n").unwrap();
        assert_eq!(picture.get_pixel(0, 0).0, [1, 2, 3]);
        assert_eq!(picture.get_pixel(1, 0).0, [10; 3]);
        for bytes in ["", "P6\n2 1\n255\n12345", "P5\n2 1\n255\n123456", "P6\n2\n255\n123456"] {
            assert_eq!(ppm(bytes.as_bytes()), None, "{bytes:?}");
        }
    }
}
