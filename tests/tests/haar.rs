//! OpenCV's frontal cascade, imported, against OpenCV.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::PathBuf;

use emocue_host::import::haar::import;
use emocue_models::geometry::Rect;
use emocue_models::luma::Luma;
use emocue_models::picture::{self, Rules};
use emocue_run::Detector;
use emocue_run::haar::{Haar, HaarSettings};
use emocue_run::portraits::PORTRAITS;

/// The faces that OpenCV 4.14 finds in the embedded portraits:
/// `cv2.CascadeClassifier("haarcascade_frontalface_default.xml") .detectMultiScale(picture, 1.1, 5, minSize=(30, 30))`.
const OPENCV: [[f32; 4]; 2] = [[178.0, 67.0, 92.0, 92.0], [155.0, 104.0, 224.0, 224.0]];

/// The cascade that `EMOCUE_HAAR` names, or the one of Debian's package opencv-data.
fn published() -> Option<Vec<u8>> {
    let usual = "/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml";
    let path = std::env::var_os("EMOCUE_HAAR").map_or_else(|| usual.into(), PathBuf::from);
    let Ok(xml) = std::fs::read(&path) else {
        println!("skipped: EMOCUE_HAAR names no haarcascade_frontalface_default.xml");
        return None;
    };
    Some(import(&xml).unwrap())
}

#[test]
fn the_portraits_have_opencvs_boxes() {
    let Some(cascade) = published() else { return };
    let mut haar = Haar::load(&cascade, HaarSettings::default()).unwrap();
    let mut faces = Vec::new();
    for (portrait, [x, y, width, height]) in PORTRAITS.iter().zip(OPENCV) {
        let frame = picture::decode(portrait.jpeg, &Rules::BADGE).unwrap();
        haar.detect(&frame, &mut faces).unwrap();
        assert_eq!(faces.len(), 1, "{}: {faces:?}", portrait.file);
        let iou = faces[0].rect.iou(&Rect::new(x, y, width, height));
        assert!(iou >= 0.95, "{}: IoU {iou}, {faces:?}", portrait.file);
    }
}

#[test]
fn a_large_picture_with_many_faces_is_searched_whole() {
    let Some(cascade) = published() else { return };
    let face = picture::decode(PORTRAITS[0].jpeg, &Rules::BADGE).unwrap();
    // The face with a margin, 20 by 15 times, in 12 megapixels.
    let (side, columns, rows) = (200, 20, 15);
    let mut frame = Luma::new(side * columns, side * rows);
    let width = frame.width();
    for (y, row) in frame.pixels_mut().chunks_exact_mut(width).enumerate() {
        let source = &face.row(20 + y % side)[124..124 + side];
        row.chunks_exact_mut(side).for_each(|part| part.copy_from_slice(source));
    }
    let mut haar = Haar::load(&cascade, HaarSettings::default()).unwrap();
    let mut faces = Vec::new();
    haar.detect(&frame, &mut faces).unwrap();
    let near = |column: usize, row: usize| {
        let (x, y) = ((side * column) as f32 + 54.0, (side * row) as f32 + 47.0);
        faces.iter().any(|face| face.rect.iou(&Rect::new(x, y, 92.0, 92.0)) > 0.5)
    };
    let found = (0..columns * rows).filter(|at| near(at % columns, at / columns)).count();
    assert_eq!(found, columns * rows, "{} faces", faces.len());
}
