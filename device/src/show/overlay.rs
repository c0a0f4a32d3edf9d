//! The picture with every face's answer.

use emocue_models::luma::Luma;
use image::ExtendedColorType;

use super::png::Folder;
use super::{Display, ShowError};
use crate::answer::Report;

/// Writes every frame with what was found in it.
pub struct Overlay {
    folder: Folder,
}

impl Overlay {
    /// Files go to `folder`, which is made.
    ///
    /// # Errors
    /// [`ShowError`] when `folder` is empty or cannot be made.
    pub fn create(folder: &str) -> Result<Self, ShowError> {
        Ok(Self { folder: Folder::create("overlay", folder)? })
    }
}

impl Display for Overlay {
    fn show(&mut self, frame: &Luma, report: &Report) -> Result<(), ShowError> {
        let (width, height) = (frame.width() as u32, frame.height() as u32);
        self.folder.write(report, frame.pixels(), width, height, ExtendedColorType::L8)
    }
}
