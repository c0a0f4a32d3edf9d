//! The frames for all detectors: one size for pictures of any size.

use emocue_data::faces::MarkedFace;
use emocue_models::geometry::{Landmarks, Point, Rect};
use emocue_models::luma::Luma;
use image::GrayImage;
use image::imageops::{FilterType, resize};

/// Width and height of a frame, px.
pub const FRAME: (usize, usize) = (640, 480);

/// The whole frame, px.
pub const WHOLE: Rect = Rect::new(0.0, 0.0, FRAME.0 as f32, FRAME.1 as f32);

/// A picture fitted into a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedPicture {
    /// The frame.
    pub frame: Luma,
    /// Its faces, in px of the frame.
    pub faces: Vec<MarkedFace>,
    /// The part of the frame that is the picture, px.
    pub visible: Rect,
}

/// Scales a picture to fit the frame, centred, and transforms its faces. The rest of the frame repeats the picture's
/// border, so that no other greys occur.
pub fn fit(picture: &Luma, faces: &[MarkedFace]) -> FittedPicture {
    let (width, height) = (picture.width().max(1), picture.height().max(1));
    let scale = (FRAME.0 as f32 / width as f32).min(FRAME.1 as f32 / height as f32);
    let side = |own: usize, most: usize| ((own as f32 * scale).round() as usize).clamp(1, most);
    let (inner_width, inner_height) = (side(width, FRAME.0), side(height, FRAME.1));
    let scaled = scaled(picture, inner_width, inner_height);
    let (left, top) = ((FRAME.0 - inner_width) / 2, (FRAME.1 - inner_height) / 2);
    let mut frame = Luma::new(FRAME.0, FRAME.1);
    for (y, row) in frame.pixels_mut().chunks_exact_mut(FRAME.0).enumerate() {
        let source = scaled.row(y.saturating_sub(top).min(inner_height - 1));
        row[..left].fill(source[0]);
        row[left..left + inner_width].copy_from_slice(source);
        row[left + inner_width..].fill(source[inner_width - 1]);
    }
    let (x_scale, y_scale) =
        (inner_width as f32 / width as f32, inner_height as f32 / height as f32);
    let point = |p: Point| Point::new(p.x * x_scale + left as f32, p.y * y_scale + top as f32);
    let moved = |face: &MarkedFace| {
        let corner = point(Point::new(face.rect.x, face.rect.y));
        let (width, height) = (face.rect.width * x_scale, face.rect.height * y_scale);
        MarkedFace {
            rect: Rect::new(corner.x, corner.y, width, height),
            landmarks: face.landmarks.map(|l| Landmarks::from_points(l.points().map(point))),
            ..face.clone()
        }
    };
    let visible = Rect::new(left as f32, top as f32, inner_width as f32, inner_height as f32);
    FittedPicture { frame, faces: faces.iter().map(moved).collect(), visible }
}

/// The picture at another size, px; black if the picture is empty.
pub(super) fn scaled(picture: &Luma, width: usize, height: usize) -> Luma {
    let (own_width, own_height) = (picture.width() as u32, picture.height() as u32);
    let source = GrayImage::from_raw(own_width, own_height, picture.pixels().to_vec());
    let pixels = source.filter(|_| own_width > 0 && own_height > 0).map(|source| {
        resize(&source, width as u32, height as u32, FilterType::Triangle).into_raw()
    });
    pixels
        .and_then(|pixels| Luma::from_raw(width, height, pixels).ok())
        .unwrap_or_else(|| Luma::new(width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_move_with_the_picture_and_the_border_continues() {
        let mut picture = Luma::from_raw(100, 150, vec![50; 15000]).unwrap();
        for y in 60..90 {
            picture.pixels_mut()[y * 100 + 40..y * 100 + 60].fill(250);
        }
        let rect = Rect::new(40.0, 60.0, 20.0, 30.0);
        let landmarks = Some(Landmarks::from_points([rect.center(); 5]));
        let face = MarkedFace { rect, landmarks, label: "face".into(), ..Default::default() };
        let FittedPicture { frame, faces, visible } = fit(&picture, &[face]);
        assert_eq!(visible, Rect::new(160.0, 0.0, 320.0, 480.0));
        assert_eq!((frame.width(), frame.height()), FRAME);
        let Rect { x, y, width, height } = faces[0].rect;
        assert_eq!((x, y, width, height), (160.0 + 128.0, 192.0, 64.0, 96.0));
        let bright = |x: usize, y: usize| frame.row(y)[x] > 200;
        assert!(bright(291, 195) && bright(348, 284) && !bright(284, 240) && !bright(320, 292));
        assert_eq!(faces[0].landmarks.unwrap().nose, Point::new(320.0, 240.0));
        assert_eq!([frame.row(0)[0], frame.row(479)[639]], [50, 50]);
    }

    #[test]
    fn odd_pictures_fit_too() {
        for (width, height) in [(0, 0), (1, 1), (5000, 1), (1, 5000), (640, 480), (4000, 3000)] {
            let frame = fit(&Luma::new(width, height), &[]).frame;
            assert_eq!((frame.width(), frame.height()), FRAME);
        }
    }
}
