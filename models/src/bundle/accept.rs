//! What a detector accepts, whatever its kind.

use super::manifest::DetectorSpec;

impl DetectorSpec {
    /// The score that a face reaches at least.
    pub fn threshold(&self) -> f32 {
        match self {
            Self::Mtcnn { settings, .. } => settings.thresholds[2],
            Self::Yunet { settings, .. } => settings.threshold,
            Self::Haar { settings, .. } => settings.threshold(),
            Self::SingleShot { onet, settings, .. } => settings.threshold(onet.is_some()),
        }
    }

    /// The same detector, accepting faces from `score` on where it would accept fewer. Those that it accepts anyhow stay the
    /// same.
    #[must_use]
    pub fn accepting(mut self, score: f32) -> Self {
        match &mut self {
            Self::Mtcnn { settings, .. } => {
                settings.thresholds[2] = settings.thresholds[2].min(score);
            }
            Self::Yunet { settings, .. } => settings.threshold = settings.threshold.min(score),
            Self::Haar { settings, .. } => *settings = settings.accepting(score),
            Self::SingleShot { settings, .. } => *settings = settings.accepting(score),
        }
        self
    }

    /// The same detector for faces of `min_face` px and more.
    #[must_use]
    pub fn looking_for(mut self, min_face: f32) -> Self {
        match &mut self {
            Self::Mtcnn { settings, .. } => settings.min_face = min_face,
            Self::Yunet { settings, .. } => settings.min_face = min_face,
            Self::Haar { settings, .. } => settings.min_face = min_face,
            Self::SingleShot { settings, .. } => settings.min_face = min_face,
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::detector::{
        HaarSettings, MtcnnSettings, Outputs, SingleShotSettings, YunetSettings,
    };
    use super::*;

    #[test]
    fn only_the_last_score_is_lowered_and_never_raised() {
        let mtcnn = DetectorSpec::Mtcnn {
            pnet: "p".into(),
            rnet: "r".into(),
            onet: "o".into(),
            settings: MtcnnSettings::default(),
        };
        let yunet = DetectorSpec::Yunet { network: "y".into(), settings: YunetSettings::default() };
        for spec in [mtcnn, yunet] {
            assert_eq!(spec.threshold(), 0.7);
            let lower = spec.clone().accepting(0.1).looking_for(24.0);
            assert_eq!(lower.threshold(), 0.1);
            assert_eq!(lower.clone().accepting(0.5), lower);
            if let DetectorSpec::Mtcnn { settings, .. } = lower {
                assert_eq!((settings.thresholds, settings.min_face), ([0.6, 0.7, 0.1], 24.0));
            }
        }
    }

    #[test]
    fn o_net_confirms_faces_below_the_usual_score() {
        let settings = SingleShotSettings::default();
        let spec = |onet: Option<&str>| DetectorSpec::SingleShot {
            network: "n".into(),
            outputs: Outputs::Yunet,
            onet: onet.map(str::to_owned),
            settings,
        };
        assert_eq!(spec(None).threshold(), 0.7);
        assert_eq!(spec(Some("o")).threshold(), 0.65);
        let lower = spec(Some("o")).accepting(0.1);
        assert_eq!(lower.problem(), None);
        assert_eq!(lower.threshold(), 0.1);
        assert_eq!(lower.looking_for(24.0).min_face(), 24.0);
    }

    #[test]
    fn windows_of_a_haar_cascade_count_as_a_score() {
        let settings = HaarSettings::default();
        let haar = DetectorSpec::Haar { cascade: "h".into(), settings };
        // Six windows are the least.
        assert_eq!(haar.threshold(), HaarSettings::score(6));
        for (score, neighbours) in [(0.9, 5), (0.5, 4), (0.3, 2), (0.0, 1)] {
            let expected = HaarSettings { neighbours, ..settings };
            assert_eq!(settings.accepting(score), expected, "{score}");
            assert!(expected.threshold() >= score || neighbours == 5);
        }
    }
}
