//! The inputs of MTCNN's networks for pictures: whole pyramid levels for P-Net, candidate windows of the network before
//! for R-Net and O-Net.

use emocue_models::luma::Luma;
use emocue_quantize::CalibrationInput;
use emocue_run::mtcnn::{Mtcnn, MtcnnNets};
use emocue_run::{Recorded, RunError};

use crate::quantize::inputs::even;

/// Collects the inputs of the three networks, picture by picture.
pub struct CascadeInputs {
    cascade: Mtcnn,
    inputs: MtcnnNets<Vec<CalibrationInput>>,
}

impl CascadeInputs {
    /// Without inputs.
    pub fn new(cascade: Mtcnn) -> Self {
        let inputs = MtcnnNets { pnet: Vec::new(), rnet: Vec::new(), onet: Vec::new() };
        Self { cascade, inputs }
    }

    /// Runs the cascade on `picture` and keeps the networks' inputs.
    ///
    /// # Errors
    /// [`RunError`] when a network fails.
    pub fn add(&mut self, picture: &Luma) -> Result<(), RunError> {
        let MtcnnNets { pnet, rnet, onet } = self.cascade.inputs(picture)?;
        let levels =
            pnet.into_iter().map(|Recorded { shape, values }| CalibrationInput { shape, values });
        self.inputs.pnet.extend(levels);
        self.inputs.rnet.extend(rnet.iter().flat_map(windows));
        self.inputs.onet.extend(onet.iter().flat_map(windows));
        Ok(())
    }

    /// At most `count` inputs for each network, evenly spaced among all.
    pub fn into_inputs(self, count: usize) -> MtcnnNets<Vec<CalibrationInput>> {
        let some =
            |all: Vec<CalibrationInput>| even(count, all.len()).map(|at| all[at].clone()).collect();
        let MtcnnNets { pnet, rnet, onet } = self.inputs;
        MtcnnNets { pnet: some(pnet), rnet: some(rnet), onet: some(onet) }
    }
}

/// The single windows of a batch, without the padding of a last batch.
fn windows(run: &Recorded) -> Vec<CalibrationInput> {
    let [count, rest @ ..] = run.shape.as_slice() else { return Vec::new() };
    let shape = [&[1], rest].concat();
    let size = (run.values.len() / count).max(1);
    let filled = run.values.chunks(size).filter(|window| window.iter().any(|value| *value != 0.0));
    filled
        .map(|window| CalibrationInput { shape: shape.clone(), values: window.to_vec() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_falls_into_its_windows() {
        let values = [1.0, 2.0, 3.0, 4.0, 0.0, 0.0];
        let run = Recorded { shape: vec![3, 1, 1, 2], values: values.to_vec() };
        let found = windows(&run);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], CalibrationInput { shape: vec![1, 1, 1, 2], values: vec![3.0, 4.0] });
    }
}
