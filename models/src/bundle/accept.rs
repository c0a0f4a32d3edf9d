//! The score threshold and the smallest face, for every kind of detector.

use super::manifest::DetectorSpec;

impl DetectorSpec {
    /// Score that a face must reach, `0..=1`.
    pub fn threshold(&self) -> f32 {
        match self {
            Self::Mtcnn { settings, .. } => settings.thresholds[2],
            Self::Yunet { settings, .. } => settings.threshold,
            Self::Haar { settings, .. } => settings.threshold(),
            Self::SingleShot { settings, .. } => settings.sure,
        }
    }

    /// The same detector for faces of at least `min_face` px of the frame.
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
    fn a_detector_is_asked_for_smaller_faces() {
        let mtcnn = DetectorSpec::Mtcnn {
            pnet: "p".into(),
            rnet: "r".into(),
            onet: "o".into(),
            settings: MtcnnSettings::default(),
        };
        let yunet = DetectorSpec::Yunet { network: "y".into(), settings: YunetSettings::default() };
        let single = DetectorSpec::SingleShot {
            network: "n".into(),
            outputs: Outputs::Face,
            onet: Some("o".into()),
            settings: SingleShotSettings::default(),
        };
        for spec in [mtcnn, yunet, single] {
            assert_eq!(spec.threshold(), 0.7);
            let smaller = spec.clone().looking_for(24.0);
            assert_eq!((smaller.min_face(), smaller.threshold()), (24.0, 0.7));
        }
    }

    #[test]
    fn only_the_last_score_is_lowered_and_never_raised() {
        let usual = MtcnnSettings::default();
        let lower = usual.accepting(0.1);
        assert_eq!(lower, MtcnnSettings { thresholds: [0.6, 0.7, 0.1], ..usual });
        assert_eq!(lower.accepting(0.5), lower);
    }

    #[test]
    fn what_o_net_confirms_counts_from_maybe_on() {
        let settings = SingleShotSettings { maybe: 0.3, sure: 0.6, ..Default::default() };
        let near = |a: f32, b: f32| assert!((a - b).abs() < 1e-6, "{a} {b}");
        for (score, confirmed) in [(0.0, 0.0), (0.15, 0.3), (0.3, 0.6), (0.65, 0.8), (1.0, 1.0)] {
            near(settings.confirmed(score), confirmed);
        }
        // Settings at the ends of their ranges.
        let never = SingleShotSettings { maybe: 0.0, sure: 1.0, ..settings };
        near(never.confirmed(0.0), 1.0);
        let alike = SingleShotSettings { maybe: 1.0, sure: 1.0, ..settings };
        near(alike.confirmed(0.5), 0.5);
        near(alike.confirmed(1.0), 1.0);
    }

    #[test]
    fn windows_of_a_haar_cascade_count_as_a_score() {
        let settings = HaarSettings::default();
        let haar = DetectorSpec::Haar { cascade: "h".into(), settings };
        // Five neighbours and the first window.
        assert_eq!(haar.threshold(), HaarSettings::score(6));
        for (score, neighbours) in [(0.9, 5), (0.5, 4), (0.3, 2), (0.0, 1)] {
            let expected = HaarSettings { neighbours, ..settings };
            assert_eq!(settings.accepting(score), expected, "{score}");
            assert!(expected.threshold() >= score || neighbours == 5);
        }
    }
}
