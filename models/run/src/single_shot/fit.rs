//! Inputs of the network: whole frames of one size, or the region around a face.

use emocue_models::geometry::{Point, Rect};
use emocue_models::luma::Luma;
use emocue_models::resample::Similarity;

use super::layout::Layout;
use super::turned::View;
use super::{NETWORK, SingleShotSettings};
use crate::RunError;
use crate::area::{AreaResize, Window};
use crate::session::{Outputs, Session};
use crate::stretch::Stretch;

/// Side of the region around a known face, px of the network's input; a multiple of every layout's `multiple`.
pub(super) const REGION_SIDE: usize = 96;
/// The region's side in sides of the face.
pub(super) const REGION_FACES: f32 = 2.0;

/// An input of so many px may be mostly padding; a larger one is at least two thirds frame.
const MOST_PADDED: usize = 1 << 22;

/// Sizes of an input, px.
#[derive(Debug, PartialEq, Eq)]
struct Input {
    /// Of the shrunk frame.
    size: (usize, usize),
    /// Of the input.
    padded: (usize, usize),
}

impl Input {
    /// Shrinks `frame` (px) by `scale`, and a long, thin one by more: its short side is padded to `multiple`.
    fn of(frame: (usize, usize), mut scale: f32, multiple: usize) -> Self {
        loop {
            let shrunk = |side: usize| ((side as f32 * scale).round() as usize).max(1);
            let size = (shrunk(frame.0), shrunk(frame.1));
            let whole = |side: usize| side.next_multiple_of(multiple);
            let padded = (whole(size.0), whole(size.1));
            if padded.0 * padded.1 <= MOST_PADDED.max(size.0 * size.1 / 2 * 3) {
                return Self { size, padded };
            }
            scale *= 0.9;
        }
    }
}

/// The network for frames of one size.
pub(super) struct Fitted {
    /// Of the frame, px.
    frame: (usize, usize),
    /// Of the shrunk frame, px.
    size: (usize, usize),
    /// Of the input, px: the shrunk frame with black to the right and below.
    padded: (usize, usize),
    session: Session,
    shrunk: Vec<f32>,
}

impl Fitted {
    /// Shrinks frames so that the smallest face to look for is the smallest that the network finds.
    ///
    /// # Errors
    /// [`RunError`] when the graph cannot take such a size.
    pub(super) fn load(
        onnx: &[u8],
        layout: &Layout,
        frame: (usize, usize),
        settings: &SingleShotSettings,
    ) -> Result<Self, RunError> {
        let scale = (settings.smallest / settings.min_face).min(1.0);
        let Input { size, padded } = Input::of(frame, scale, layout.multiple);
        let session = Session::load(NETWORK, onnx, &[1, 1, padded.1, padded.0])?;
        Ok(Self { frame, size, padded, session, shrunk: vec![0.0; size.0 * size.1] })
    }

    pub(super) fn frame(&self) -> (usize, usize) {
        self.frame
    }

    pub(super) fn padded(&self) -> (usize, usize) {
        self.padded
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Frame px for each px of the input.
    pub(super) fn scale(&self) -> Point {
        let [x, y] = [(self.frame.0, self.size.0), (self.frame.1, self.size.1)]
            .map(|(frame, size)| frame as f32 / size as f32);
        Point::new(x, y)
    }

    /// Where the px of an input lie in the frame, for a view of the same size that is turned by `degrees`; the centres
    /// of frame and input coincide.
    pub(super) fn view(&self, degrees: f32) -> View {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let turn = Similarity { a: cos, b: sin, x: 0.0, y: 0.0 };
        let half =
            |(width, height): (usize, usize)| Point::new(width as f32 / 2.0, height as f32 / 2.0);
        let (middle, from) = (half(self.size), turn.apply(half(self.padded)));
        View { to_shrunk: Similarity { x: middle.x - from.x, y: middle.y - from.y, ..turn } }
    }

    /// Runs the network on a frame and sets `stretch` to that of the frame; turned where there is a `view`.
    pub(super) fn run(
        &mut self,
        frame: &Luma,
        layout: &Layout,
        resize: &mut AreaResize,
        stretch: &mut Stretch,
        view: Option<View>,
    ) -> Result<Outputs<'_>, RunError> {
        let Self { size, padded, session, shrunk, .. } = self;
        resize.run(frame, Window::whole(frame), size.0, shrunk);
        *stretch = Stretch::of(shrunk);
        stretch.apply(shrunk);
        session.run(|input| {
            match view {
                Some(view) => view.sample(shrunk, size.0, input, padded.0),
                None => {
                    let lines = shrunk.chunks_exact(size.0);
                    for (row, line) in input.chunks_exact_mut(padded.0).zip(lines) {
                        row[..size.0].copy_from_slice(line);
                    }
                }
            }
            layout.normalise(input);
        })
    }
}

/// The network for a square region of a frame.
pub(super) struct Region {
    session: Session,
}

impl Region {
    /// # Errors
    /// [`RunError`] when the graph cannot be loaded.
    pub(super) fn load(onnx: &[u8]) -> Result<Self, RunError> {
        let session = Session::load(NETWORK, onnx, &[1, 1, REGION_SIDE, REGION_SIDE])?;
        Ok(Self { session })
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// Runs the network on a part of a frame.
    pub(super) fn run(
        &self,
        frame: &Luma,
        window: Window,
        layout: &Layout,
        resize: &mut AreaResize,
        stretch: Stretch,
    ) -> Result<Outputs<'_>, RunError> {
        self.session.run(|input| {
            resize.run(frame, window, REGION_SIDE, input);
            stretch.apply(input);
            layout.normalise(input);
        })
    }
}

/// The square region around `face`, moved into the frame; `None` where nothing is left of it.
pub(super) fn window(frame: &Luma, face: &Rect) -> Option<Window> {
    let most = frame.width().min(frame.height());
    let wanted = REGION_FACES * face.width.max(face.height);
    let side = (wanted.round() as usize).clamp(most.min(8), most);
    if side == 0 || !wanted.is_finite() {
        return None;
    }
    let from = |middle: f32, whole: usize| {
        let first = (middle - side as f32 / 2.0).round().max(0.0) as usize;
        first.min(whole - side)
    };
    let center = face.center();
    let (x, y) = (from(center.x, frame.width()), from(center.y, frame.height()));
    Some(Window { x, y, width: side, height: side })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_the_frame_and_a_little_padding_unless_the_frame_is_thin() {
        let of = |width, height| Input::of((width, height), 0.5, 32);
        let both = |size, padded| Input { size, padded };
        assert_eq!(of(640, 480), both((320, 240), (320, 256)));
        assert_eq!(of(1, 1), both((1, 1), (32, 32)));
        // Photos of 12 and 50 megapixels.
        assert_eq!(of(4200, 3000), both((2100, 1500), (2112, 1504)));
        assert_eq!(of(8660, 5773), both((4330, 2887), (4352, 2912)));
        for (width, height) in [(50_000_000, 1), (2, 25_000_000), (630_000, 20), (65_500, 760)] {
            let Input { padded, .. } = of(width, height);
            assert!(padded.0 * padded.1 < 20_000_000, "{width}x{height}: {padded:?}");
        }
    }

    #[test]
    fn a_region_is_twice_the_face_and_inside_the_frame() {
        let frame = Luma::new(100, 80);
        let at = |x, y, width, height| window(&frame, &Rect::new(x, y, width, height));
        let square = |x, y, side| Some(Window { x, y, width: side, height: side });
        assert_eq!(at(40.0, 30.0, 16.0, 20.0), square(28, 20, 40));
        assert_eq!(at(90.0, -10.0, 20.0, 20.0), square(60, 0, 40));
        assert_eq!(at(10.0, 10.0, 70.0, 60.0), square(5, 0, 80));
        assert_eq!(at(0.0, 0.0, f32::NAN, f32::NAN), None);
        assert_eq!(at(0.0, 0.0, f32::INFINITY, 1.0), None);
        assert_eq!(window(&Luma::new(0, 5), &Rect::new(0.0, 0.0, 5.0, 5.0)), None);
        assert_eq!(window(&Luma::new(1, 1), &Rect::new(-9.0, 0.0, 5.0, 5.0)), square(0, 0, 1));
    }
}
