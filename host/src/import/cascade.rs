//! What MTCNN's networks see in pictures: P-Net whole levels of the pyramid, R- and O-Net what is left to judge.

use emocue_models::luma::Luma;
use emocue_run::mtcnn::{Mtcnn, MtcnnNets};
use emocue_run::{Recorded, RunError};

/// Collects the inputs of the three networks, picture by picture.
pub struct Watched {
    cascade: Mtcnn,
    inputs: MtcnnNets<Vec<Recorded>>,
}

impl Watched {
    /// Nothing yet.
    pub fn new(cascade: Mtcnn) -> Self {
        let inputs = MtcnnNets { pnet: Vec::new(), rnet: Vec::new(), onet: Vec::new() };
        Self { cascade, inputs }
    }

    /// Searches `picture`.
    ///
    /// # Errors
    /// [`RunError`] when a network fails.
    pub fn see(&mut self, picture: &Luma) -> Result<(), RunError> {
        let MtcnnNets { pnet, rnet, onet } = self.cascade.inputs(picture)?;
        self.inputs.pnet.extend(pnet);
        self.inputs.rnet.extend(rnet.iter().flat_map(windows));
        self.inputs.onet.extend(onet.iter().flat_map(windows));
        Ok(())
    }

    /// At most `count` inputs for each network, at even distances from all.
    pub fn inputs(self, count: usize) -> MtcnnNets<Vec<Recorded>> {
        let even = |all: Vec<Recorded>| {
            let count = count.min(all.len());
            (0..count).map(|at| all[at * all.len() / count].clone()).collect()
        };
        let MtcnnNets { pnet, rnet, onet } = self.inputs;
        MtcnnNets { pnet: even(pnet), rnet: even(rnet), onet: even(onet) }
    }
}

/// The windows of a run over several, without the empty places of a last run.
fn windows(run: &Recorded) -> Vec<Recorded> {
    let [count, rest @ ..] = run.shape.as_slice() else { return Vec::new() };
    let shape = [&[1], rest].concat();
    let size = (run.values.len() / count).max(1);
    let filled = run.values.chunks(size).filter(|window| window.iter().any(|value| *value != 0.0));
    filled.map(|window| Recorded { shape: shape.clone(), values: window.to_vec() }).collect()
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
        assert_eq!(found[1], Recorded { shape: vec![1, 1, 1, 2], values: vec![3.0, 4.0] });
    }
}
