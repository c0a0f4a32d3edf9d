//! Validation of the averaged weights during training. Published figures come from `eval --detector`, which runs the
//! exported graph as deployed.

use burn::tensor::{Device, Tensor, TensorData};
use emocue_models::geometry::{Face, Rect};
use serde::{Deserialize, Serialize};

use super::grid::{CELLS, Cell};
use super::loss::cells;
use super::material::{Material, middle};
use super::net::FaceNet;
use super::view::{Pyramid, View};
use super::{HEIGHT, VALUES, WIDTH, disturb};

/// Frames of a forward pass.
const BATCH: usize = 32;
/// Smallest face that counts, px of the longer side in a frame of 320 px: 40 px at 640.
const LEAST: f32 = 20.0;
/// Lowest IoU of a detection that matches a face.
const SAME: f32 = 0.5;
/// IoU above which non-maximum suppression drops the box with the lower score.
const OVERLAP: f32 = 0.3;
/// Lowest score of a detection, `0..=1`.
const LOWEST: f32 = 0.02;

/// The results of one validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceMetrics {
    /// Training frames so far.
    pub frames: usize,
    /// Mean losses since the last validation: total, scores, boxes, landmarks.
    pub losses: [f32; 4],
    /// Average precision of faces of 20 px and more at 320x240, `0..=1`.
    pub precision: f32,
    /// Recall of the same faces at 10 false alarms in 1,000 pictures without a face, `0..=1`.
    pub recall: f32,
    /// Mean error of a landmark of the detected faces, in interocular distances.
    pub landmarks: f32,
    /// Wall time since the last validation, s.
    pub seconds: f32,
}

/// The validation frames.
pub struct FaceValidation {
    frames: Vec<Vec<u8>>,
    /// For the first frames, which have faces: each face and whether it counts.
    faces: Vec<Vec<(Face, bool)>>,
}

impl FaceValidation {
    /// The held-out pictures of `material`, each scaled to fit a frame.
    pub fn new(material: &Material) -> Self {
        let mut frames = Vec::new();
        let mut faces = Vec::new();
        for photograph in &material.choosing {
            let (view, frame) = whole(&photograph.pyramid);
            frames.push(frame);
            let mut seen: Vec<(Face, bool)> = photograph
                .faces
                .iter()
                .map(|face| {
                    let face = view.face(face);
                    (face, face.rect.width.max(face.rect.height) >= LEAST)
                })
                .collect();
            let ignored = photograph
                .ignored
                .iter()
                .map(|rect| (view.face(&Face { rect: *rect, score: 1.0, landmarks: None }), false));
            seen.extend(ignored);
            faces.push(seen);
        }
        frames.extend(material.choosing_empty.iter().map(|pyramid| whole(pyramid).1));
        Self { frames, faces }
    }

    /// [`FaceMetrics::precision`], [`FaceMetrics::recall`] and [`FaceMetrics::landmarks`] of `net`.
    pub fn look(&self, net: &FaceNet, device: &Device) -> (f32, f32, f32) {
        let mut found = Vec::with_capacity(self.frames.len());
        for batch in self.frames.chunks(BATCH) {
            let mut luma = Vec::with_capacity(batch.len() * WIDTH * HEIGHT);
            batch.iter().for_each(|frame| disturb::input(frame, &mut luma));
            let shape = [batch.len(), 1, HEIGHT, WIDTH];
            let luma = Tensor::from_data(TensorData::new(luma, shape), device);
            let values = cells(net.forward(&luma)).swap_dims(1, 2).into_data();
            let values: Vec<f32> = values.iter::<f32>().collect();
            found.extend(values.chunks_exact(CELLS * VALUES).map(faces_of));
        }
        self.judge(&found)
    }

    fn judge(&self, found: &[Vec<Face>]) -> (f32, f32, f32) {
        let total = self.faces.iter().flatten().filter(|(_, counts)| *counts).count();
        // Score of each detection and whether it is correct; matches of faces that do not count are dropped.
        let mut judged: Vec<(f32, bool)> = Vec::new();
        let (mut off, mut pairs) = (0.0, 0);
        for (found, marked) in found.iter().zip(&self.faces) {
            let mut taken = vec![false; marked.len()];
            for face in found {
                let best = (0..marked.len())
                    .filter(|at| !taken[*at])
                    .map(|at| (at, marked[at].0.rect.iou(&face.rect)))
                    .filter(|(_, iou)| *iou >= SAME)
                    .max_by(|a, b| a.1.total_cmp(&b.1));
                match best {
                    None => judged.push((face.score, false)),
                    Some((at, _)) => {
                        taken[at] = true;
                        if marked[at].1 {
                            judged.push((face.score, true));
                            if let Some(distance) = landmarks_off(face, &marked[at].0) {
                                off += distance;
                                pairs += 1;
                            }
                        }
                    }
                }
            }
        }
        let empty = found.get(self.faces.len()..).unwrap_or_default();
        let mut alarms: Vec<f32> = empty.iter().flatten().map(|face| face.score).collect();
        alarms.sort_by(|a, b| b.total_cmp(a));
        let allowed = empty.len() / 100;
        let threshold = alarms.get(allowed).copied().unwrap_or(0.0);
        let right = judged.iter().filter(|(score, right)| *right && *score > threshold).count();
        let recall = right as f32 / total.max(1) as f32;
        (precision(&mut judged, total), recall, off / pairs.max(1) as f32)
    }
}

/// Average precision: the area under the precision-recall curve with monotone precision (all-point interpolation).
fn precision(judged: &mut [(f32, bool)], total: usize) -> f32 {
    judged.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut right = 0;
    let mut curve: Vec<f32> = Vec::new();
    for (seen, (_, hit)) in judged.iter().enumerate() {
        if *hit {
            right += 1;
            curve.push(right as f32 / (seen + 1) as f32);
        }
    }
    for at in (1..curve.len()).rev() {
        curve[at - 1] = curve[at - 1].max(curve[at]);
    }
    curve.iter().sum::<f32>() / total.max(1) as f32
}

fn landmarks_off(found: &Face, marked: &Face) -> Option<f32> {
    let (found, marked) = (found.landmarks?, marked.landmarks?);
    let eyes = marked.left_eye.distance(marked.right_eye).max(1.0);
    let pairs = found.points().into_iter().zip(marked.points());
    Some(pairs.map(|(a, b)| a.distance(b)).sum::<f32>() / 5.0 / eyes)
}

/// The detections of a frame's cells `[CELLS,VALUES]` after non-maximum suppression, by falling score.
fn faces_of(values: &[f32]) -> Vec<Face> {
    let mut all: Vec<Face> = Vec::new();
    for (index, values) in values.chunks_exact(VALUES).enumerate() {
        let score = 1.0 / (1.0 + (-values[0]).exp());
        if score >= LOWEST
            && let Ok(values) = values[1..].try_into()
        {
            all.push(Cell::of_index(index).decode(score, values));
        }
    }
    all.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut kept: Vec<Face> = Vec::new();
    for face in all {
        if kept.iter().all(|other| other.rect.iou(&face.rect) <= OVERLAP) {
            kept.push(face);
        }
    }
    kept
}

/// The whole picture scaled into a frame and centred.
fn whole(pyramid: &Pyramid) -> (View, Vec<u8>) {
    let picture = pyramid.picture();
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let scale = (WIDTH as f32 / width).min(HEIGHT as f32 / height);
    let from = Rect::new(0.0, 0.0, width, height).center();
    let view = View::new(from, middle(), [scale; 2], false);
    let mut frame = vec![0; WIDTH * HEIGHT];
    view.draw(pyramid, 0.0, &mut frame);
    (view, frame)
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::Point;

    use super::*;

    #[test]
    fn precision_is_one_when_every_face_comes_first_and_falls_with_what_stands_before() {
        assert_eq!(precision(&mut [(0.9, true), (0.8, true), (0.1, false)], 2), 1.0);
        assert_eq!(precision(&mut [(0.9, false), (0.8, true)], 1), 0.5);
        assert_eq!(precision(&mut [(0.9, true)], 2), 0.5);
        assert_eq!(precision(&mut [], 0), 0.0);
    }

    #[test]
    fn a_whole_picture_keeps_its_shape() {
        let (view, frame) = whole(&Pyramid::new(emocue_models::luma::Luma::new(100, 100)));
        let corner = view.point(Point::new(0.0, 0.0));
        assert!(corner.distance(Point::new(40.0, 0.0)) < 1e-3, "{corner:?}");
        assert_eq!(frame.len(), WIDTH * HEIGHT);
    }
}
