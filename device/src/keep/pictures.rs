//! Pictures of faces with the answers that were shown, for the wearer's own training: `FOLDER/happiness/0001.png`.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use emocue_models::failure::{Failure, exit};
use emocue_models::files;
use emocue_models::geometry::Rect;
use emocue_models::label::Expression;
use emocue_models::luma::Luma;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};

use super::consent::Consent;
use crate::answer::Kept;

/// The minimum time between two pictures.
const EVERY: Duration = Duration::from_secs(1);
/// The most pictures of one consent.
const MOST: u32 = 600;
/// Margin around the face's box in a picture, as a fraction of the box.
const AROUND: f32 = 0.25;
/// The longest side of a picture, px: larger ones are reduced by a whole number.
const LONGEST: usize = 224;

/// Writes pictures only while the wearer's consent holds.
#[derive(Debug)]
pub struct PictureStore {
    folder: PathBuf,
    consent: Consent,
    last: Option<Instant>,
    written: u32,
}

/// Why a picture cannot be stored.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The consent is for something else.
    #[error("the consent is not for pictures")]
    OtherConsent,
    /// A folder or a file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A picture cannot be encoded.
    #[error("a picture cannot be encoded as PNG")]
    Encode(#[from] image::ImageError),
}

impl Failure for PictureError {
    fn help(&self) -> Option<String> {
        match self {
            Self::OtherConsent | Self::Encode(_) => None,
            Self::Write { .. } => {
                Some("Free space there, or let the badge's user write to that folder.".to_owned())
            }
        }
    }

    fn exit_code(&self) -> u8 {
        exit::FOLDER
    }
}

impl PictureStore {
    /// Writes to `folder`, which only its owner can read, for as long as `consent` holds.
    ///
    /// # Errors
    /// [`PictureError`] for a consent to something else, and a folder that cannot be created.
    pub fn new(folder: &Path, consent: Consent) -> Result<Self, PictureError> {
        if consent.kept() != Kept::Pictures {
            return Err(PictureError::OtherConsent);
        }
        make_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), consent, last: None, written: 0 })
    }

    /// The consent that it writes by.
    pub fn consent(&self) -> &Consent {
        &self.consent
    }

    /// Number of pictures that it has written.
    pub fn written(&self) -> u32 {
        self.written
    }

    /// Stores the face in `rect` of `frame`, which looks like `expression`, at most once a second. `now` returns the
    /// time before and after writing; a picture that is not complete when the consent ends is removed.
    ///
    /// # Errors
    /// [`PictureError`] when it cannot be written; no part of it is left.
    pub fn keep(
        &mut self,
        frame: &Luma,
        rect: Rect,
        expression: Expression,
        now: impl Fn() -> Instant,
    ) -> Result<(), PictureError> {
        let begin = now();
        let is_early = self.last.is_some_and(|last| begin.saturating_duration_since(last) < EVERY);
        if is_early || self.written >= MOST || !self.consent.holds(begin) {
            return Ok(());
        }
        let Some(picture) = cut(frame, rect) else { return Ok(()) };
        self.last = Some(begin);
        let mut png = Vec::new();
        let (width, height) = (picture.width() as u32, picture.height() as u32);
        PngEncoder::new(&mut png).write_image(
            picture.pixels(),
            width,
            height,
            ExtendedColorType::L8,
        )?;
        let folder = self.folder.join(expression.name());
        make_folder(&folder)?;
        let unfinished = folder.join(UNFINISHED);
        // A file that was left by a power failure.
        let _ = fs::remove_file(&unfinished);
        let done = files::write_new(&unfinished, &png, 0o600).and_then(|()| {
            match self.consent.holds(now()) {
                true => publish(&unfinished, &folder).map(|()| true),
                false => Ok(false),
            }
        });
        if !matches!(done, Ok(true)) {
            let _ = fs::remove_file(&unfinished);
        }
        match done {
            Ok(kept) => {
                self.written += u32::from(kept);
                Ok(())
            }
            Err(source) => Err(PictureError::Write { path: folder, source }),
        }
    }
}

/// A picture that is being written.
const UNFINISHED: &str = "unfinished";

/// The face with its margin, no larger than a network needs.
fn cut(frame: &Luma, rect: Rect) -> Option<Luma> {
    let edge = |at: f32, most: usize| at.clamp(0.0, most as f32) as usize;
    let (dx, dy) = (rect.width * AROUND, rect.height * AROUND);
    let (left, right) = (edge(rect.x - dx, frame.width()), edge(rect.right() + dx, frame.width()));
    let (top, bottom) =
        (edge(rect.y - dy, frame.height()), edge(rect.bottom() + dy, frame.height()));
    let (width, height) = (right.checked_sub(left)?, bottom.checked_sub(top)?);
    if width == 0 || height == 0 {
        return None;
    }
    let mut picture = Luma::new(width, height);
    for (row, to) in picture.pixels_mut().chunks_exact_mut(width).enumerate() {
        to.copy_from_slice(&frame.row(top + row)[left..right]);
    }
    let factor = width.max(height).div_ceil(LONGEST);
    if factor > 1 {
        let mut reduced = Luma::default();
        picture.reduce(factor, &mut reduced);
        picture = reduced;
    }
    Some(picture)
}

/// Creates a folder that only its owner can read.
fn make_folder(folder: &Path) -> Result<(), PictureError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|source| PictureError::Write { path: folder.to_owned(), source })
}

/// Renames a picture to the first free number in its folder; no other program writes there.
fn publish(unfinished: &Path, folder: &Path) -> io::Result<()> {
    let free = (0..u32::MAX).map(|number| folder.join(format!("{number:04}.png")));
    let mut free = free.skip(fs::read_dir(folder)?.count().saturating_sub(1));
    let path = free.find(|path| fs::symlink_metadata(path).is_err());
    fs::rename(unfinished, path.ok_or(io::ErrorKind::StorageFull)?)
}

#[cfg(test)]
mod tests;
