//! Frames for the networks: upright, and limited to a size for which a board has memory and time.

use std::mem;

use emocue_models::colors::Colors;
use emocue_models::luma::{Luma, Orientation};

use super::{Camera, CameraError, CameraRead, FrameInfo, Rate};

/// Most pixels of a live camera's frame, slightly more than full HD: the smallest board processes it in less than 2 s,
/// and has to stop within 5 s.
const LIVE_PIXELS: usize = 1920 * 1200;

/// Most pixels of a picture and of a file's frame, a photo of 12 megapixels: its processing takes 200 MB in all.
const FILE_PIXELS: usize = 4200 * 3000;

/// Corrects the mounting of a camera: every frame is rotated and mirrored upright. A frame that is too large is reduced
/// by a whole number, and boxes are in px of the reduced frame.
pub struct Mounted {
    camera: Box<dyn Camera>,
    orientation: Orientation,
    most: usize,
    raw: Luma,
    reduced: Luma,
    /// The last frame was reduced.
    is_large: bool,
    /// The last frame's colours, where they had to be changed.
    colors: Option<Colors>,
}

impl Mounted {
    /// Corrects `camera`'s frames by `orientation`.
    pub fn new(camera: Box<dyn Camera>, orientation: Orientation) -> Self {
        let most = if camera.is_live() { LIVE_PIXELS } else { FILE_PIXELS };
        let (raw, reduced) = (Luma::default(), Luma::default());
        Self { camera, orientation, most, raw, reduced, is_large: false, colors: None }
    }

    /// The camera's colours of the last frame, reduced and turned as that was.
    fn changed_colors(&self, factor: usize) -> Option<Colors> {
        let mut colors = self.camera.colors()?.clone();
        if factor > 1 {
            colors = colors.changed(|from, to| from.reduce(factor, to));
        }
        if !self.orientation.is_identity() {
            colors = colors.changed(|from, to| self.orientation.apply(from, to));
        }
        Some(colors)
    }
}

/// The smallest whole number by which a frame has to be reduced to `most` px. A frame with fewer rows or columns than
/// that is too small for a face, and is not reduced.
fn factor(frame: &Luma, most: usize) -> usize {
    let (width, height) = (frame.width(), frame.height());
    let fits = |factor: &usize| (width / factor) * (height / factor) <= most;
    (1..=width.min(height)).find(fits).unwrap_or(1)
}

impl Camera for Mounted {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<CameraRead, CameraError> {
        // A frame that needs no correction is written directly to the caller's buffer.
        let is_direct = self.orientation.is_identity() && !self.is_large;
        let read = self.camera.next(if is_direct { frame } else { &mut self.raw }, info)?;
        if !read.is_frame() {
            return Ok(read);
        }
        let factor = factor(if is_direct { frame } else { &self.raw }, self.most);
        self.is_large = factor > 1;
        let upright = self.orientation.is_identity();
        self.colors = if upright && factor == 1 { None } else { self.changed_colors(factor) };
        if is_direct && factor == 1 {
            return Ok(read);
        }
        if is_direct {
            mem::swap(frame, &mut self.raw);
        }
        match (factor, upright) {
            (1, true) => mem::swap(frame, &mut self.raw),
            (1, false) => self.orientation.apply(&self.raw, frame),
            (_, true) => self.raw.reduce(factor, frame),
            (_, false) => {
                self.raw.reduce(factor, &mut self.reduced);
                self.orientation.apply(&self.reduced, frame);
            }
        }
        Ok(read)
    }

    fn is_live(&self) -> bool {
        self.camera.is_live()
    }

    fn colors(&self) -> Option<&Colors> {
        self.colors.as_ref().or_else(|| self.camera.colors())
    }

    fn rate(&self) -> Option<Rate> {
        self.camera.rate()
    }

    fn close(&mut self) {
        self.camera.close();
        // The memory of a large frame is released during a pause.
        (self.raw, self.reduced) = (Luma::default(), Luma::default());
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::luma::Rotation;

    use super::*;

    /// Frames of these sizes, one after the other.
    struct Sizes(Vec<(usize, usize)>);

    impl Camera for Sizes {
        fn next(&mut self, frame: &mut Luma, _: &mut FrameInfo) -> Result<CameraRead, CameraError> {
            let Some((width, height)) = self.0.pop() else { return Ok(CameraRead::End) };
            frame.reshape(width, height);
            for (index, pixel) in frame.pixels_mut().iter_mut().enumerate() {
                *pixel = (index / width) as u8;
            }
            Ok(CameraRead::Frame)
        }
    }

    fn seen(sizes: &[(usize, usize)], orientation: Orientation, most: usize) -> Vec<Luma> {
        let sizes = sizes.iter().rev().copied().collect();
        let mut camera = Mounted::new(Box::new(Sizes(sizes)), orientation);
        camera.most = most;
        let (mut frame, mut info, mut seen) = (Luma::default(), FrameInfo::default(), Vec::new());
        while camera.next(&mut frame, &mut info).unwrap().is_frame() {
            seen.push(frame.clone());
        }
        seen
    }

    #[test]
    fn a_large_frame_is_reduced_by_a_whole_number_and_a_small_one_stays() {
        let sizes = [(4, 2), (9, 6), (12, 9), (4, 3), (100, 2)];
        let frames = seen(&sizes, Orientation::default(), 12);
        let sizes: Vec<_> = frames.iter().map(|frame| (frame.width(), frame.height())).collect();
        assert_eq!(sizes, [(4, 2), (4, 3), (4, 3), (4, 3), (100, 2)]);
        assert_eq!(frames[0].pixels(), [0, 0, 0, 0, 1, 1, 1, 1]);
        assert_eq!(frames[2].pixels(), [1, 1, 1, 1, 4, 4, 4, 4, 7, 7, 7, 7]);
        assert_eq!(frames[3].row(2), [2; 4]);
    }

    #[test]
    fn colours_are_turned_and_reduced_with_the_frame() {
        /// One frame of 4x2 px, red on the left, blue on the right.
        struct Halves(Colors, bool);

        impl Camera for Halves {
            fn next(
                &mut self,
                frame: &mut Luma,
                _: &mut FrameInfo,
            ) -> Result<CameraRead, CameraError> {
                frame.reshape(4, 2);
                let read = if self.1 { CameraRead::End } else { CameraRead::Frame };
                self.1 = true;
                Ok(read)
            }

            fn colors(&self) -> Option<&Colors> {
                Some(&self.0)
            }
        }

        let (red, blue) = ([200, 0, 0], [0, 0, 200]);
        let halves = || {
            let row = [red, red, blue, blue];
            Box::new(Halves(Colors::of_rgb(4, 2, row.into_iter().chain(row)), false))
        };
        let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
        for (rotation, most, expected) in [
            (Rotation::None, 8, vec![red, red, blue, blue, red, red, blue, blue]),
            (Rotation::Half, 2, vec![blue, red]),
        ] {
            let mut camera = Mounted::new(halves(), Orientation { rotation, mirror: false });
            camera.most = most;
            assert!(camera.next(&mut frame, &mut info).unwrap().is_frame());
            let colors = camera.colors().unwrap();
            assert_eq!((colors.width(), colors.height()), (frame.width(), frame.height()));
            assert_eq!(colors.pixels().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_large_frame_is_turned_as_a_small_one_is() {
        let quarter = Orientation { rotation: Rotation::Cw90, mirror: false };
        let frames = seen(&[(9, 6), (2, 1), (3, 2)], quarter, 6);
        assert_eq!((frames[0].width(), frames[0].height()), (2, 3));
        assert_eq!(frames[0].row(0), [4, 1], "the top comes to the right");
        assert_eq!((frames[1].width(), frames[1].height()), (1, 2));
        assert_eq!(frames[2].row(0), [1, 0]);
    }
}
