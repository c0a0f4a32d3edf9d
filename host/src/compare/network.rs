//! A network in the comparison.

use emocue_data::Split;
use emocue_data::dataset::Dataset;
use emocue_data::model::ClassifierModel;
use emocue_data::predict::PredictSettings;
use emocue_models::failure::Failure;
use emocue_quantize::GraphSize;

use super::CompareError;
use super::card::{Cost, Kind, Recognizer};
use super::time::{Answer, ratio};
use crate::eval::card::ScoreCard;
use crate::eval::evaluate;

/// A network to compare.
#[derive(Clone, Debug)]
pub struct NamedNetwork {
    /// Its name in the table.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// The network.
    pub model: ClassifierModel,
}

/// A network's figures on the split.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkScores {
    /// The figures by the protocol.
    pub scores: ScoreCard,
    /// Number of rows whose pixels also occur in Training.
    pub also_in_training: usize,
}

impl NamedNetwork {
    /// Evaluates it on the rows of `split` by `protocol`, as `emocue eval` does. `progress` receives how many more rows
    /// are done.
    ///
    /// # Errors
    /// [`CompareError::Judge`] when it fails, or the protocol does not apply to it.
    pub fn judge(
        &self,
        data: &Dataset,
        split: Split,
        protocol: &str,
        threads: usize,
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<NetworkScores, CompareError> {
        let failed = |source| CompareError::Judge { model: self.name.clone(), source };
        let settings = PredictSettings { threads: threads.max(1), ..PredictSettings::default() };
        let models = std::slice::from_ref(&self.model);
        let judged = evaluate(models, data, &[split], settings, progress).map_err(failed)?;
        let results = judged.evaluation.splits.into_iter().flat_map(|split| {
            split.protocols.into_iter().map(move |result| (split.also_in_training, result))
        });
        let mut of_protocol = results.filter(|(_, result)| result.protocol == protocol);
        let found = of_protocol.next();
        let (also_in_training, result) = found.ok_or_else(|| CompareError::UnknownClass {
            model: self.name.clone(),
            missing: format!("the classes of {protocol}"),
        })?;
        Ok(NetworkScores { scores: result.all, also_in_training })
    }

    /// Its size and computation; only the size in bytes if the graph cannot be analysed.
    pub fn cost(&self) -> Cost {
        let side = self.model.spec().preprocess.size;
        let size = GraphSize::of(self.model.onnx(), &[1, 1, side, side]).ok();
        Cost {
            parameters: size.map(|size| size.parameters),
            macs: size.map(|size| size.macs),
            bytes: Some(self.model.onnx().len() as u64),
            stores: None,
        }
    }

    /// A function that classifies rows of `data`, on this thread.
    ///
    /// # Errors
    /// [`CompareError::Model`] when the graph does not run or does not fit.
    pub fn answer<'a>(&self, data: &'a Dataset) -> Result<Answer<'a>, CompareError> {
        let mut net = self.model.load().map_err(emocue_data::model::ModelError::from)?;
        Ok(Box::new(move |row| {
            net.classify_row(data.picture(row))?;
            Ok(())
        }))
    }

    /// Its line of the table; its CPU time is relative to `reference`, which is `None` for the reference itself.
    ///
    /// # Errors
    /// The network's error.
    pub fn recognizer(
        &self,
        scores: ScoreCard,
        data: &Dataset,
        rows: &[usize],
        reference: Option<&mut Answer<'_>>,
    ) -> Result<Recognizer, Box<dyn Failure>> {
        let cpu_ratio = match reference {
            Some(reference) => ratio(reference, &mut self.answer(data)?, rows)?,
            None => 1.0,
        };
        Ok(Recognizer {
            name: self.name.clone(),
            kind: self.kind,
            labels: self.model.labels().id.to_owned(),
            cost: self.cost(),
            cpu_ratio,
            scores,
        })
    }
}
