//! A synthetic clip: an embedded portrait that moves over a plain background, the same in every run.

use std::f64::consts::TAU;

use emocue_config::source::SyntheticSettings;
use emocue_models::luma::Luma;
use emocue_run::portraits::PORTRAITS;
use image::GrayImage;
use image::imageops::{FilterType, resize};

use super::{Camera, CameraError, CameraRead, FrameInfo, decode_picture};

/// The clip of [`SyntheticSettings`].
pub struct Synthetic {
    settings: SyntheticSettings,
    background: Luma,
    portrait: GrayImage,
    index: u64,
}

impl Synthetic {
    /// Draws the parts of which frames are composed.
    ///
    /// # Errors
    /// [`CameraError`] when the embedded portrait cannot be read.
    pub fn new(settings: &SyntheticSettings) -> Result<Self, CameraError> {
        let (width, height) = (settings.width, settings.height);
        let embedded = PORTRAITS[(settings.seed % PORTRAITS.len() as u64) as usize];
        let picture = decode_picture(embedded.file, embedded.jpeg)?;
        // Four fifths of the frame: a face of about 80 px at 640x480, and room to move.
        let scale = (0.8 * height as f64 / picture.height() as f64)
            .min(0.8 * width as f64 / picture.width() as f64);
        let scaled = |px: usize| (px as f64 * scale) as u32;
        let portrait =
            GrayImage::from_fn(picture.width() as u32, picture.height() as u32, |x, y| {
                image::Luma([picture.row(y as usize)[x as usize]])
            });
        let (w, h) = (scaled(picture.width()), scaled(picture.height()));
        let portrait = resize(&portrait, w, h, FilterType::Triangle);
        let mut background = Luma::new(width, height);
        for (i, pixel) in background.pixels_mut().iter_mut().enumerate() {
            *pixel = (96 + 64 * (i % width) / width + 32 * (i / width) / height) as u8;
        }
        Ok(Self { settings: settings.clone(), background, portrait, index: 0 })
    }

    /// The portrait's top-left corner in frame `index`, px: a slow figure of eight.
    fn corner(&self, index: u64) -> (usize, usize) {
        let turn = TAU * ((index + 37 * (self.settings.seed % 1000)) % 240) as f64 / 240.0;
        let room_x = (self.settings.width - self.portrait.width() as usize) as f64;
        let room_y = (self.settings.height - self.portrait.height() as usize) as f64;
        let along = |room: f64, turn: f64| (room * (0.5 + 0.5 * turn.sin())) as usize;
        (along(room_x, turn), along(room_y, 2.0 * turn))
    }
}

impl Camera for Synthetic {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<CameraRead, CameraError> {
        if self.index == self.settings.frames {
            return Ok(CameraRead::End);
        }
        let (width, height) = (self.settings.width, self.settings.height);
        frame.reshape(width, height);
        frame.pixels_mut().copy_from_slice(self.background.pixels());
        let (left, top) = self.corner(self.index);
        let across = self.portrait.width() as usize;
        let rows = frame.pixels_mut().chunks_exact_mut(width).skip(top);
        for (to, from) in rows.zip(self.portrait.as_raw().chunks_exact(across)) {
            to[left..left + across].copy_from_slice(from);
        }
        "synthetic".clone_into(&mut info.source);
        info.index = self.index;
        info.time_ms = Some((self.index as u128 * 1000 / u128::from(self.settings.fps)) as u64);
        self.index += 1;
        Ok(CameraRead::Frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(text: &str) -> Vec<(Luma, FrameInfo)> {
        let mut camera = Synthetic::new(&text.parse().unwrap()).unwrap();
        let (mut frame, mut info, mut out) = (Luma::default(), FrameInfo::default(), Vec::new());
        while camera.next(&mut frame, &mut info).unwrap().is_frame() {
            out.push((frame.clone(), info.clone()));
        }
        out
    }

    #[test]
    fn as_many_frames_as_asked_for_and_the_same_again() {
        let frames = clip("frames=3,size=320x240,seed=1,fps=10");
        assert_eq!(frames.len(), 3);
        assert_eq!((frames[0].0.width(), frames[0].0.height()), (320, 240));
        assert_eq!(frames[2].1.time_ms, Some(200));
        assert_ne!(frames[0].0, frames[2].0, "the portrait moves");
        assert_eq!(frames, clip("frames=3&size=320x240&seed=1&fps=10"));
    }

    #[test]
    fn any_allowed_size_has_room_for_the_portrait() {
        for size in ["64x64", "64x4096", "4096x64"] {
            assert_eq!(clip(&format!("frames=2,size={size}")).len(), 2);
        }
    }
}
