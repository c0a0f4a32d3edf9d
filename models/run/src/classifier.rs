//! The expression classifier: a face or a ready row in, calibrated probabilities out.

use super::{Classifier, RegionReport, RunError, Session};
use emocue_models::bundle::Bundle;
use emocue_models::bundle::manifest::ClassifierSpec;
use emocue_models::crop::Preprocess;
use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::label::LabelSet;
use emocue_models::luma::Luma;
use emocue_models::resample::{Resampler, Similarity};

/// A network with input `[1, 1, size, size]` and, as its first output, logits `[1, classes]`.
pub struct ExpressionNet {
    session: Session,
    name: String,
    labels: LabelSet,
    preprocess: Preprocess,
    temperature: f32,
    threshold: f32,
    /// A row of another side than the crop's, kept for its allocation.
    row: Luma,
    resampler: Resampler,
    crop: Vec<u8>,
    probabilities: Vec<f32>,
}

impl ExpressionNet {
    /// The classifier of a bundle.
    ///
    /// # Errors
    /// [`RunError`] when the bundle's network does not run or does not fit its label set.
    pub fn from_bundle(bundle: &Bundle<'_>) -> Result<Self, RunError> {
        let spec = &bundle.manifest().classifier;
        Self::load(spec, bundle.payload(&spec.network).unwrap_or_default())
    }

    /// A classifier as `spec` describes it, with the ONNX graph in `onnx`.
    ///
    /// The network runs once here, so that a misfit shows now and the first answer comes fast.
    ///
    /// # Errors
    /// [`RunError`] when `spec` is impossible, the network does not run or its logits do not fit the
    /// label set.
    pub fn load(spec: &ClassifierSpec, onnx: &[u8]) -> Result<Self, RunError> {
        let name = spec.network.clone();
        // A spec need not come from a manifest, which would have been checked.
        let labels = spec.check().and_then(|()| spec.label_set()).map_err(|e| RunError {
            model: name.clone(),
            what: "cannot be described so",
            reason: e.to_string(),
        })?;
        let preprocess = spec.preprocess.clone();
        let shape = [1, 1, preprocess.size, preprocess.size];
        let mut net = Self {
            session: Session::load(&name, onnx, &shape)?,
            name,
            labels,
            row: Luma::default(),
            resampler: Resampler::default(),
            crop: vec![0; preprocess.pixels()],
            probabilities: vec![0.0; labels.len()],
            preprocess,
            temperature: spec.temperature,
            threshold: spec.threshold,
        };
        net.run_crop()?;
        Ok(net)
    }

    /// Below this probability an answer is unsure, `0..=1`.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// What became of the integer parts of its network, with the network's name.
    pub fn regions(&self) -> impl Iterator<Item = (&str, &RegionReport)> {
        self.session.named_regions()
    }

    /// How faces become inputs.
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// Probabilities of a square row that is a crop already, row-major, such as FER2013's.
    ///
    /// A row of another side than the network's input is resampled as a face would be.
    ///
    /// # Errors
    /// [`RunError`] when the row is not a square or the network fails.
    pub fn classify_row(&mut self, pixels: &[u8]) -> Result<&[f32], RunError> {
        let (side, size) = (pixels.len().isqrt(), self.preprocess.size);
        if side == 0 || side * side != pixels.len() {
            let reason = format!("{} pixels are not a square", pixels.len());
            return Err(self.error("cannot take the row", reason));
        }
        if side == size {
            self.crop.copy_from_slice(pixels);
        } else {
            self.row.reshape(side, side);
            self.row.pixels_mut().copy_from_slice(pixels);
            let to_row = Similarity { a: side as f32 / size as f32, ..Similarity::IDENTITY };
            self.resampler.run(&self.row, to_row, size, &mut self.crop);
        }
        self.run_crop()?;
        Ok(&self.probabilities)
    }

    /// The face that a square row of `side` px shows: cropping it gives what
    /// [`ExpressionNet::classify_row`] sees.
    pub fn face_of_row(&self, side: usize) -> Face {
        let scale = side as f32 / self.preprocess.size as f32;
        let face = self.preprocess.canonical_face();
        let Rect { x, y, width, height } = face.rect;
        let scaled = |p: Point| Point::new(p.x * scale, p.y * scale);
        Face {
            rect: Rect::new(x * scale, y * scale, width * scale, height * scale),
            landmarks: face.landmarks.map(|l| Landmarks::from_points(l.points().map(scaled))),
            ..face
        }
    }

    fn run_crop(&mut self) -> Result<(), RunError> {
        let outputs = self.session.run(|input| self.preprocess.normalise(&self.crop, input))?;
        let logits = outputs.get(0)?;
        if logits.len() != self.probabilities.len() {
            let reason = format!("{} logits for the classes of {}", logits.len(), self.labels.id);
            return Err(self.error("does not fit its label set", reason));
        }
        if !logits.iter().all(|logit| logit.is_finite()) {
            return Err(self.error("cannot answer", format!("logits {logits:?} are not finite")));
        }
        softmax(logits, self.temperature, &mut self.probabilities);
        Ok(())
    }

    fn error(&self, what: &'static str, reason: String) -> RunError {
        RunError { model: self.name.clone(), what, reason }
    }
}

impl Classifier for ExpressionNet {
    fn labels(&self) -> LabelSet {
        self.labels
    }

    fn classify(&mut self, frame: &Luma, face: &Face) -> Result<&[f32], RunError> {
        self.preprocess.crop(frame, face, &mut self.resampler, &mut self.crop);
        self.run_crop()?;
        Ok(&self.probabilities)
    }
}

/// `softmax(logits / temperature)` (Guo et al. 2017) without overflow.
fn softmax(logits: &[f32], temperature: f32, probabilities: &mut [f32]) {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for (probability, logit) in probabilities.iter_mut().zip(logits) {
        *probability = ((logit - highest) / temperature).exp();
    }
    let sum: f32 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|probability| *probability /= sum);
}

#[cfg(test)]
mod tests {
    use emocue_models::bundle::manifest::Form;
    use prost::Message as _;
    use tract_onnx::pb::tensor_proto::DataType;
    use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
    use tract_onnx::pb::{
        GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
        TypeProto, ValueInfoProto, type_proto,
    };

    use super::*;

    /// A float value of fixed shape.
    fn value(name: &str, shape: &[usize]) -> ValueInfoProto {
        let dim = |size: &usize| Dimension {
            value: Some(dimension::Value::DimValue(*size as i64)),
            ..Dimension::default()
        };
        let tensor = type_proto::Tensor {
            elem_type: DataType::Float as i32,
            shape: Some(TensorShapeProto { dim: shape.iter().map(dim).collect() }),
        };
        let r#type = TypeProto {
            value: Some(type_proto::Value::TensorType(tensor)),
            ..TypeProto::default()
        };
        ValueInfoProto { name: name.into(), r#type: Some(r#type), ..ValueInfoProto::default() }
    }

    fn node(op: &str, inputs: &[&str], output: &str) -> NodeProto {
        NodeProto {
            op_type: op.into(),
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            ..NodeProto::default()
        }
    }

    /// A graph whose logit `k` is `gain` times the crop's normalised pixel `k`.
    fn first_pixels(classes: usize, gain: f32) -> Vec<u8> {
        let mut values = vec![0.0_f32; 2304 * classes];
        (0..classes).for_each(|k| values[k * classes + k] = gain);
        let weights = TensorProto {
            name: "weights".into(),
            dims: vec![2304, classes as i64],
            data_type: DataType::Float as i32,
            float_data: values,
            ..TensorProto::default()
        };
        let graph = GraphProto {
            node: vec![
                node("Flatten", &["input"], "flat"),
                node("MatMul", &["flat", "weights"], "logits"),
            ],
            initializer: vec![weights],
            input: vec![value("input", &[1, 1, 48, 48])],
            output: vec![value("logits", &[1, classes])],
            ..GraphProto::default()
        };
        let opset = OperatorSetIdProto { version: 17, ..OperatorSetIdProto::default() };
        let model = ModelProto {
            ir_version: 8,
            graph: Some(graph),
            opset_import: vec![opset],
            ..ModelProto::default()
        };
        model.encode_to_vec()
    }

    fn spec(temperature: f32) -> ClassifierSpec {
        ClassifierSpec {
            network: "classifier.onnx".into(),
            labels: "ferplus-8".into(),
            preprocess: Preprocess::default(),
            form: Form::Float32,
            temperature,
            threshold: 0.4,
        }
    }

    /// Pixels 64 steps apart: normalised, one is about 1 above the next.
    fn row() -> Vec<u8> {
        let mut row = vec![128; 2304];
        row[..8].copy_from_slice(&[0, 64, 128, 192, 128, 64, 0, 0]);
        row
    }

    #[test]
    fn probabilities_are_the_softmax_of_the_logits() {
        let mut net = ExpressionNet::load(&spec(2.0), &first_pixels(8, 1.0)).unwrap();
        let found = net.classify_row(&row()).unwrap().to_vec();
        let weight = |pixel: &u8| (f32::from(*pixel) / 255.0 / 0.25 / 2.0).exp();
        let sum: f32 = row()[..8].iter().map(weight).sum();
        for (pixel, probability) in row().iter().zip(&found) {
            assert!((probability - weight(pixel) / sum).abs() < 1e-5, "{found:?}");
        }
        assert_eq!(net.threshold(), 0.4);
    }

    #[test]
    fn a_face_and_a_ready_row_take_the_same_path() {
        let mut net = ExpressionNet::load(&spec(1.0), &first_pixels(8, 1.0)).unwrap();
        let ready = net.classify_row(&row()).unwrap().to_vec();
        // The same row inside a larger frame.
        let mut frame = Luma::new(100, 80);
        for (y, line) in row().chunks(48).enumerate() {
            let start = (y + 20) * 100 + 30;
            frame.pixels_mut()[start..start + 48].copy_from_slice(line);
        }
        let mut face = net.preprocess().canonical_face();
        (face.rect.x, face.rect.y) = (face.rect.x + 30.0, face.rect.y + 20.0);
        face.landmarks = None;
        assert_eq!(net.classify(&frame, &face).unwrap(), ready);
    }

    #[test]
    fn extreme_logits_stay_probabilities() {
        let mut net = ExpressionNet::load(&spec(0.01), &first_pixels(8, 1e6)).unwrap();
        let found = net.classify_row(&row()).unwrap();
        assert_eq!(found, [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_network_that_does_not_fit_is_refused_when_loaded() {
        let load = |onnx: &[u8]| ExpressionNet::load(&spec(1.0), onnx).err().unwrap().to_string();
        assert!(load(&first_pixels(7, 1.0)).contains("7 logits for the classes of ferplus-8"));
        assert!(load(&first_pixels(8, f32::NAN)).contains("not finite"));
        assert!(load(b"no graph").starts_with("classifier.onnx: "));
        let mut net = ExpressionNet::load(&spec(1.0), &first_pixels(8, 1.0)).unwrap();
        let error = net.classify_row(&[0; 2303]).unwrap_err().to_string();
        assert!(error.contains("2303 pixels are not a square"), "{error}");
        let huge = ClassifierSpec {
            preprocess: Preprocess { size: usize::MAX, ..Preprocess::default() },
            ..spec(1.0)
        };
        let error = ExpressionNet::load(&huge, &first_pixels(8, 1.0)).err().unwrap().to_string();
        assert!(error.contains("preprocess.size"), "{error}");
    }

    #[test]
    fn a_row_of_another_side_is_resampled_as_its_face_would_be() {
        let mut net = ExpressionNet::load(&spec(1.0), &first_pixels(8, 1.0)).unwrap();
        for side in [24, 44, 96, 224] {
            // Softly graded, so that a rounding of the face's points shows as rounding.
            let value = |i: usize| (128 * (i % side + i / side) / side) as u8;
            let pixels: Vec<u8> = (0..side * side).map(value).collect();
            let ready = net.classify_row(&pixels).unwrap().to_vec();
            let frame = Luma::from_raw(side, side, pixels).unwrap();
            let face = net.face_of_row(side);
            for (a, b) in net.classify(&frame, &face).unwrap().iter().zip(&ready) {
                assert!((a - b).abs() < 0.01, "{side}: {a} {b}");
            }
        }
    }
}
