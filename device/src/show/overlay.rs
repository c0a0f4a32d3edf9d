//! The frame with every face's answer, in one colour per answer: as PNG files or as a video.

mod bars;
mod boxes;
mod panels;
mod place;

use std::path::Path;
use std::time::Instant;

use embedded_graphics::geometry::Size;
use emocue_config::Language;
use image::{ExtendedColorType, RgbImage};

use super::canvas::{self, Canvas};
use super::png::{Folder, file_name};
use super::video::{self, Video, VideoFrame};
use super::{Display, FileRules, ShowError, ShownFrame, language};
use crate::answer::FrameReport;

/// How a frame is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// A box around every face, its emoji, its word and its probability beside it.
    #[default]
    Box,
    /// The same, with a bar for the probability of every class where there is space.
    Bars,
    /// Four pictures: the frame, the face that is shown, bars and the emoji.
    Panel,
}

/// Writes every frame with its faces and answers. Small frames are enlarged, so that words fit beside faces.
pub struct Overlay {
    out: Out,
    painter: Painter,
}

/// The destination of pictures.
enum Out {
    Folder(Folder),
    Video(Box<Video>),
}

/// Draws frames.
struct Painter {
    style: Style,
    /// The language of words.
    language: &'static Language,
    canvas: Canvas,
    /// Reused for anti-aliased drawing of emoji.
    scratch: Canvas,
}

impl Default for Painter {
    fn default() -> Self {
        let (canvas, scratch) = (Canvas::default(), Canvas::default());
        Self { style: Style::default(), language: language::english(), canvas, scratch }
    }
}

impl Painter {
    fn paint(&mut self, picture: RgbImage, report: &FrameReport) {
        let Self { style, language, canvas, scratch } = self;
        match style {
            Style::Box => boxes::paint(picture, report, language, false, canvas, scratch),
            Style::Bars => boxes::paint(picture, report, language, true, canvas, scratch),
            Style::Panel => panels::paint(&picture, report, language, canvas, scratch),
        }
    }
}

impl Overlay {
    /// Writes files to `folder`, which is created; or a video if it is named like a Y4M file.
    ///
    /// # Errors
    /// [`ShowError`] when `folder` is empty or cannot be created.
    pub fn create(
        folder: impl AsRef<Path>,
        style: Style,
        rules: FileRules,
    ) -> Result<Self, ShowError> {
        if video::is_y4m(folder.as_ref()) {
            return Self::video(folder, style, rules);
        }
        let out = Out::Folder(Folder::create("overlay", folder, rules)?);
        Ok(Self { out, painter: Painter { style, ..Painter::default() } })
    }

    /// Writes frames to the video `path` ([`Video::create`]).
    ///
    /// # Errors
    /// [`ShowError`] when it cannot be created.
    pub fn video(
        path: impl AsRef<Path>,
        style: Style,
        rules: FileRules,
    ) -> Result<Self, ShowError> {
        let out = Out::Video(Box::new(Video::create(path, rules)?));
        Ok(Self { out, painter: Painter { style, ..Painter::default() } })
    }
}

impl Overlay {
    /// Sets the language of words.
    #[must_use]
    pub fn in_language(mut self, language: &'static Language) -> Self {
        self.painter.language = language;
        self
    }
}

impl Display for Overlay {
    fn finish(&mut self) -> Result<(), ShowError> {
        match &mut self.out {
            Out::Folder(folder) => folder.say(),
            Out::Video(video) => video.finish()?,
        }
        Ok(())
    }

    fn show(
        &mut self,
        frame: Option<ShownFrame<'_>>,
        report: &FrameReport,
        _: Instant,
    ) -> Result<(), ShowError> {
        let frame = frame.filter(|frame| !frame.luma.pixels().is_empty());
        let Some(frame) = frame else { return Ok(()) };
        self.painter.paint(canvas::picture(frame), report);
        let canvas = &self.painter.canvas;
        let Size { width, height } = canvas.bounds().size;
        match &mut self.out {
            Out::Folder(folder) => {
                let name = file_name(&report.source, report.index);
                folder.write(name, canvas.bytes(), width, height, ExtendedColorType::Rgb8)
            }
            Out::Video(video) => {
                let (rate, time_ms) = (frame.rate, report.time_ms);
                video.write(&VideoFrame { rgb: canvas.bytes(), width, height, rate, time_ms })
            }
        }
    }
}

#[cfg(test)]
mod tests;
