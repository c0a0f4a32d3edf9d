//! YuNet (Wu et al. 2023, "YuNet: a tiny millisecond-level face detector"): one network over the whole frame, without
//! anchors, at strides of 8, 16 and 32 px. Decoded as OpenCV's `FaceDetectorYN` does.

use super::area::{AreaResize, Window};
use super::stretch::Stretch;
use super::{Detector, RunError, Session};
use emocue_models::bundle::detector::YUNET_SMALLEST_FACE;
pub use emocue_models::bundle::detector::YunetSettings;
use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::luma::Luma;

/// px from one cell to the next, for each of the three outputs of a kind.
const STRIDES: [usize; 3] = [8, 16, 32];
/// Width and height of what the network sees are multiples of it, px.
const MULTIPLE: usize = 32;

/// What the network sees of frames of one size.
struct Fitted {
    /// Of the frame, px.
    frame: (usize, usize),
    /// Of the shrunk frame, px.
    size: (usize, usize),
    /// Of the input, px: the shrunk frame with black to the right and below.
    padded: (usize, usize),
    session: Session,
}

/// The detector, ready to search frames.
pub struct Yunet {
    settings: YunetSettings,
    onnx: Vec<u8>,
    fitted: Option<Fitted>,
    resize: AreaResize,
    shrunk: Vec<f32>,
    found: Vec<Face>,
}

impl Yunet {
    /// Keeps the graph, and tries it on a small frame.
    ///
    /// It takes luma `0..=255` `[1,1,H,W]` and gives, each for strides 8, 16 and 32 with `c` cells, in this order:
    /// class and object scores `[1,c,1]`, boxes `[1,c,4]`, landmarks `[1,c,10]`.
    ///
    /// # Errors
    /// [`RunError`] when the graph cannot be loaded, has other outputs or a setting is out of range.
    pub fn load(onnx: &[u8], settings: YunetSettings) -> Result<Self, RunError> {
        if let Some(problem) = settings.problem() {
            return Err(error("bad settings", problem.to_owned()));
        }
        let (resize, shrunk, found) = Default::default();
        let mut net = Self { settings, onnx: onnx.to_vec(), fitted: None, resize, shrunk, found };
        net.detect(&Luma::new(2 * MULTIPLE, MULTIPLE), &mut Vec::new())?;
        Ok(net)
    }

    fn fit(&mut self, frame: &Luma) -> Result<&Fitted, RunError> {
        let asked = (frame.width(), frame.height());
        if self.fitted.as_ref().is_none_or(|fitted| fitted.frame != asked) {
            self.fitted = None;
            let scale = (YUNET_SMALLEST_FACE / self.settings.min_face).min(1.0);
            let shrunk = |side: usize| ((side as f32 * scale).round() as usize).max(1);
            let size = (shrunk(asked.0), shrunk(asked.1));
            let padded = (size.0.next_multiple_of(MULTIPLE), size.1.next_multiple_of(MULTIPLE));
            let session = Session::load("yunet", &self.onnx, &[1, 1, padded.1, padded.0])?;
            self.shrunk = vec![0.0; size.0 * size.1];
            self.fitted = Some(Fitted { frame: asked, size, padded, session });
        }
        self.fitted.as_ref().ok_or_else(|| error("cannot be fitted", String::new()))
    }
}

impl Detector for Yunet {
    fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
        faces.clear();
        self.found.clear();
        if frame.width() == 0 || frame.height() == 0 {
            return Ok(());
        }
        self.fit(frame)?;
        let Self { settings, fitted, resize, shrunk, found, .. } = self;
        let Some(Fitted { size, padded, session, .. }) = fitted else { return Ok(()) };
        resize.run(frame, Window::whole(frame), size.0, shrunk);
        Stretch::of(shrunk).apply(shrunk);
        let outputs = session.run(|input| {
            for (row, line) in input.chunks_exact_mut(padded.0).zip(shrunk.chunks_exact(size.0)) {
                row[..size.0].copy_from_slice(line);
            }
        })?;
        let scale =
            Point::new(frame.width() as f32 / size.0 as f32, frame.height() as f32 / size.1 as f32);
        for (level, stride) in STRIDES.into_iter().enumerate() {
            let columns = padded.0 / stride;
            let cells = columns * (padded.1 / stride);
            let read = |kind: usize, each: usize| {
                let values = outputs.get(3 * kind + level)?;
                match values.len() == cells * each {
                    true => Ok(values),
                    false => Err(error(
                        "unexpected outputs",
                        format!("{} values where {} are due", values.len(), cells * each),
                    )),
                }
            };
            let cells = Cells {
                classes: read(0, 1)?,
                objects: read(1, 1)?,
                boxes: read(2, 4)?,
                landmarks: read(3, 10)?,
                columns,
                stride: stride as f32,
            };
            cells.decode(settings.threshold, scale, found);
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        for face in found.iter() {
            if faces.iter().all(|kept| kept.rect.iou(&face.rect) <= settings.overlap) {
                faces.push(*face);
            }
        }
        faces.sort_by(|a, b| b.rect.area().total_cmp(&a.rect.area()));
        Ok(())
    }
}

/// The outputs of one stride.
struct Cells<'a> {
    classes: &'a [f32],
    objects: &'a [f32],
    boxes: &'a [f32],
    landmarks: &'a [f32],
    columns: usize,
    stride: f32,
}

impl Cells<'_> {
    /// Adds the faces that score at least `threshold`, in px of the frame: `scale` times the network's.
    fn decode(&self, threshold: f32, scale: Point, faces: &mut Vec<Face>) {
        let stride = self.stride;
        for (cell, (class, object)) in self.classes.iter().zip(self.objects).enumerate() {
            let score = (class.clamp(0.0, 1.0) * object.clamp(0.0, 1.0)).sqrt();
            if score < threshold {
                continue;
            }
            let [column, row] = [cell % self.columns, cell / self.columns].map(|i| i as f32);
            let place = |x: f32, y: f32| {
                Point::new((column + x) * stride * scale.x, (row + y) * stride * scale.y)
            };
            let shape = &self.boxes[cell * 4..][..4];
            let center = place(shape[0], shape[1]);
            let (width, height) =
                (shape[2].exp() * stride * scale.x, shape[3].exp() * stride * scale.y);
            let points = &self.landmarks[cell * 10..][..10];
            let point = |i: usize| place(points[2 * i], points[2 * i + 1]);
            faces.push(Face {
                rect: Rect::new(center.x - width / 2.0, center.y - height / 2.0, width, height),
                score,
                landmarks: Some(Landmarks::from_points(std::array::from_fn(point))),
            });
        }
    }
}

fn error(what: &'static str, reason: String) -> RunError {
    RunError { model: "yunet".into(), what, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_becomes_the_face_it_saw() {
        let (mut boxes, mut landmarks) = ([0.0; 16], [0.0; 40]);
        // The third of four cells: second row, first column, 2 cells wide.
        boxes[8..12].copy_from_slice(&[0.5, 0.25, 2f32.ln(), 0.0]);
        landmarks[20..22].copy_from_slice(&[1.0, -1.0]);
        let cells = Cells {
            classes: &[0.9, 0.1, 0.81, 2.0],
            objects: &[0.1, 0.9, 0.81, 0.3],
            boxes: &boxes,
            landmarks: &landmarks,
            columns: 2,
            stride: 8.0,
        };
        let mut faces = Vec::new();
        cells.decode(0.7, Point::new(2.0, 4.0), &mut faces);
        assert_eq!(faces.len(), 1);
        let face = faces[0];
        assert!((face.score - 0.81).abs() < 1e-6);
        let expected = Rect::new(8.0 - 16.0, 40.0 - 16.0, 32.0, 32.0);
        let near = [face.rect.x - expected.x, face.rect.y - expected.y, face.rect.width - 32.0];
        assert!(near.iter().all(|off| off.abs() < 1e-4), "{:?}", face.rect);
        assert_eq!(face.landmarks.unwrap().left_eye, Point::new(16.0, 0.0));
        assert_eq!(face.landmarks.unwrap().nose, Point::new(0.0, 32.0));
    }

    #[test]
    fn impossible_settings_and_graphs_are_refused() {
        let load = |settings| Yunet::load(b"no graph", settings).err().unwrap().to_string();
        let usual = YunetSettings::default();
        assert!(load(YunetSettings { min_face: 3.0, ..usual }).contains("min_face"));
        assert!(load(YunetSettings { overlap: f32::NAN, ..usual }).contains("overlap"));
        assert!(load(usual).contains("cannot read the ONNX graph"));
    }
}
