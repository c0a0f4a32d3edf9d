//! The expression classifier: from a face, or a row that is a crop already, to calibrated probabilities.

use super::session::Outputs;
use super::{Classifier, RegionReport, RunError, Session};
use emocue_models::bundle::Bundle;
use emocue_models::bundle::manifest::ClassifierSpec;
use emocue_models::crop::Preprocess;
use emocue_models::decision::{Decider, Sight};
use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::label::LabelSet;
use emocue_models::luma::Luma;
use emocue_models::resample::{Resampler, Similarity};

/// A network with input `[1, 1, size, size]` and, as its first output, logits `[1, classes]`. The bundle's
/// [`emocue_models::decision`] turns them into probabilities.
pub struct ExpressionNet {
    session: Session,
    name: String,
    labels: LabelSet,
    preprocess: Preprocess,
    decider: Decider,
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
    /// The network runs once here, so that a wrong shape is reported now and the first answer is fast.
    ///
    /// # Errors
    /// [`RunError`] when `spec` is invalid, the network does not run or its logits do not fit the label set.
    pub fn load(spec: &ClassifierSpec, onnx: &[u8]) -> Result<Self, RunError> {
        let name = spec.network.clone();
        // A spec need not come from a manifest, which would have been checked.
        let fail = |reason: String| RunError {
            model: name.clone(),
            what: "does not match its description",
            reason,
        };
        let labels = spec.check().and_then(|()| spec.label_set());
        let labels = labels.map_err(|error| fail(error.to_string()))?;
        let decider = Decider::new(&spec.decision, &labels, spec.temperature, spec.threshold);
        let decider = decider.map_err(|error| fail(error.to_string()))?;
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
            decider,
            threshold: spec.threshold,
        };
        net.answer_crop((net.preprocess.size as f32, 0.0))?;
        Ok(net)
    }

    /// Below this probability an answer is unsure, `0..=1`.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// A report for each integer region of its network, with the network's name.
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
        let side = self.take_row(pixels)?;
        self.answer_crop((side as f32, 0.0))?;
        Ok(&self.probabilities)
    }

    /// The network's outputs for a row as [`ExpressionNet::classify_row`] accepts it, before they become probabilities,
    /// and the image quality of its face: the data to which a decision is fitted.
    ///
    /// # Errors
    /// As for [`ExpressionNet::classify_row`].
    pub fn evidence_of_row(&mut self, pixels: &[u8]) -> Result<(Vec<Vec<f32>>, Sight), RunError> {
        let side = self.take_row(pixels)?;
        let sight = Sight::of(&self.crop, side as f32, 0.0);
        let outputs = self.run_crop()?;
        let values = (0..outputs.len()).map(|at| outputs.get(at).map(<[f32]>::to_vec));
        Ok((values.collect::<Result<_, _>>()?, sight))
    }

    /// Makes a row the crop; returns its side, px.
    fn take_row(&mut self, pixels: &[u8]) -> Result<usize, RunError> {
        let (side, size) = (pixels.len().isqrt(), self.preprocess.size);
        if side == 0 || side * side != pixels.len() {
            let reason = format!("{} pixels are not a square", pixels.len());
            return Err(self.error("cannot classify the row", reason));
        }
        if side == size {
            self.crop.copy_from_slice(pixels);
        } else {
            self.row.reshape(side, side);
            self.row.pixels_mut().copy_from_slice(pixels);
            let to_row = Similarity { a: side as f32 / size as f32, ..Similarity::IDENTITY };
            self.resampler.run(&self.row, to_row, size, &mut self.crop);
        }
        Ok(side)
    }

    /// The face of a square row of `side` px: its crop is the input of [`ExpressionNet::classify_row`].
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

    fn run_crop(&self) -> Result<Outputs<'_>, RunError> {
        self.session.run(|input| self.preprocess.normalise(&self.crop, input))
    }

    /// Runs the network on the crop; `size`, px, and `turn` are those of [`Sight`].
    fn answer_crop(&mut self, (size, turn): (f32, f32)) -> Result<(), RunError> {
        let outputs = self.session.run(|input| self.preprocess.normalise(&self.crop, input))?;
        let logits = self.logits(&outputs, 0, self.labels)?;
        let second = self.decider.second();
        let second = second.map(|(output, labels)| self.logits(&outputs, output, labels));
        let second = second.transpose()?;
        let quality = self.decider.quality();
        let shortfall = match quality.is_unused() {
            true => 0.0,
            false => quality.shortfall(&Sight::of(&self.crop, size, turn)),
        };
        self.decider.answer(logits, second, shortfall, &mut self.probabilities);
        Ok(())
    }

    /// The logits of output number `output`, one for each of `labels`.
    fn logits<'a>(
        &self,
        outputs: &'a Outputs<'_>,
        output: usize,
        labels: LabelSet,
    ) -> Result<&'a [f32], RunError> {
        if output >= outputs.len() {
            let reason = format!(
                "the head for {} is output {output}, expected one of the graph's {}",
                labels.id,
                outputs.len()
            );
            return Err(self.error("does not fit its decision", reason));
        }
        let logits = outputs.get(output)?;
        if logits.len() != labels.len() {
            let reason = format!("{} logits for the classes of {}", logits.len(), labels.id);
            return Err(self.error("does not fit its label set", reason));
        }
        if !logits.iter().all(|logit| logit.is_finite()) {
            return Err(self.error("cannot answer", format!("logits {logits:?} are not finite")));
        }
        Ok(logits)
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
        self.answer_crop(self.preprocess.place(face))?;
        Ok(&self.probabilities)
    }
}

#[cfg(test)]
mod tests;
