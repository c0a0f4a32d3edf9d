//! Settings of the detectors, as a manifest holds them.

use serde::{Deserialize, Serialize};

/// The smallest face that the network finds reliably, px of its input. In a photograph of 29 people with faces from 24
/// px it finds 28 at a scale of 1/2, 14 at 0.4 and 4 at 1/3.
pub const YUNET_SMALLEST_FACE: f32 = 20.0;

/// Settings of MTCNN.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MtcnnSettings {
    /// Smallest face to look for, px of the frame, `12..=4096`; 40 at 640 wide is about 2 m with a 62 degree lens.
    pub min_face: f32,
    /// Scale from one level of the image pyramid to the next, `0.1..=0.95`.
    pub factor: f32,
    /// Scores that a candidate window must reach in P-, R- and O-Net, `0..=1`.
    pub thresholds: [f32; 3],
}

impl Default for MtcnnSettings {
    /// The authors' thresholds and factor, and a face of 40 px.
    fn default() -> Self {
        Self { min_face: 40.0, factor: 0.709, thresholds: [0.6, 0.7, 0.7] }
    }
}

impl MtcnnSettings {
    /// What is wrong with the first invalid setting.
    pub fn problem(&self) -> Option<&'static str> {
        let share = 0.0..=1.0;
        if !(12.0..=4096.0).contains(&self.min_face) {
            Some("min_face is not in 12..=4096 px (P-Net's window has 12 px)")
        } else if !(0.1..=0.95).contains(&self.factor) {
            Some("factor is not in 0.1..=0.95")
        } else if !self.thresholds.iter().all(|threshold| share.contains(threshold)) {
            Some("a threshold is not in 0..=1")
        } else {
            None
        }
    }

    /// The same settings, with a limit lowered so that faces with a score of at least `score`, `0..=1`, are accepted. A
    /// limit is never raised.
    #[must_use]
    pub fn accepting(mut self, score: f32) -> Self {
        let [_, _, last] = &mut self.thresholds;
        *last = last.min(score);
        self
    }
}

/// Settings of YuNet.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct YunetSettings {
    /// Smallest face to look for, px of the frame, at most 4096; a larger one allows a smaller network input.
    pub min_face: f32,
    /// Score that a face must reach, `0..=1`.
    pub threshold: f32,
    /// IoU above which the box with the lower score is suppressed, `0..=1`.
    pub overlap: f32,
}

impl Default for YunetSettings {
    /// Thresholds of OpenCV's sample, and the badge's default smallest face.
    fn default() -> Self {
        Self { min_face: 40.0, threshold: 0.7, overlap: 0.3 }
    }
}

impl YunetSettings {
    /// What is wrong with the first invalid setting.
    pub fn problem(&self) -> Option<&'static str> {
        let share = 0.0..=1.0;
        if !(YUNET_SMALLEST_FACE..=4096.0).contains(&self.min_face) {
            Some("min_face is not in 20..=4096 px")
        } else if !share.contains(&self.threshold) || !share.contains(&self.overlap) {
            Some("threshold or overlap is not in 0..=1")
        } else {
            None
        }
    }
}

/// Layout of a single-shot detector's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outputs {
    /// YuNet's, on luma `0..=255` `[1,1,H,W]`: class and object scores `[1,c,1]`, boxes `[1,c,4]`, landmarks
    /// `[1,c,10]`, each for strides of 8, 16 and 32 px.
    Yunet,
    /// Those of `emocue-face`, on luma normalised as `(pixel / 255 - 0.5) / 0.25`: for strides of 8, 16 and 32 px a map
    /// `[1,15,h,w]` of a score (logit), a box and landmarks, relative to the cell's centre.
    Face,
}

/// Settings of a single-shot detector, and when it runs O-Net.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SingleShotSettings {
    /// Smallest face to look for, px of the frame, at most 4096; a larger one allows a smaller network input.
    pub min_face: f32,
    /// Smallest face that the network finds reliably, px of its input, `8..=256`.
    pub smallest: f32,
    /// Score at which a face is accepted by itself, `0..=1`.
    pub sure: f32,
    /// Score at which a face is accepted if O-Net confirms it, `0..=sure`. Without O-Net: if it is near a known face.
    pub maybe: f32,
    /// O-Net's score that confirms a face with a score below `sure`, `0..=1`.
    pub confirm: f32,
    /// IoU above which the box with the lower score is suppressed, `0..=1`.
    pub overlap: f32,
}

impl Default for SingleShotSettings {
    /// Values measured with YuNet.
    fn default() -> Self {
        Self {
            min_face: 40.0,
            smallest: YUNET_SMALLEST_FACE,
            sure: 0.7,
            maybe: 0.3,
            confirm: 0.5,
            overlap: 0.3,
        }
    }
}

impl From<YunetSettings> for SingleShotSettings {
    fn from(settings: YunetSettings) -> Self {
        let YunetSettings { min_face, threshold, overlap } = settings;
        let usual = Self::default();
        Self { min_face, sure: threshold, maybe: usual.maybe.min(threshold), overlap, ..usual }
    }
}

impl SingleShotSettings {
    /// The default settings for an output layout.
    pub fn of(outputs: Outputs) -> Self {
        match outputs {
            Outputs::Yunet => Self::default(),
            // Measured with the network of the default bundle.
            Outputs::Face => Self { maybe: 0.5, confirm: 0.6, ..Self::default() },
        }
    }

    /// What is wrong with the first invalid setting.
    pub fn problem(&self) -> Option<&'static str> {
        let share = 0.0..=1.0;
        if !(8.0..=256.0).contains(&self.smallest) {
            Some("smallest is not in 8..=256 px")
        } else if !(self.smallest..=4096.0).contains(&self.min_face) {
            Some("min_face is not from the network's smallest face to 4096 px")
        } else if !share.contains(&self.sure) || !(0.0..=self.sure).contains(&self.maybe) {
            Some("sure is not in 0..=1, or maybe not in 0..=sure")
        } else if !share.contains(&self.confirm) || !share.contains(&self.overlap) {
            Some("confirm or overlap is not in 0..=1")
        } else {
            None
        }
    }

    /// The score, `0..=1`, of a face with the network's `score` that O-Net confirmed. It rises with `score`: `maybe`
    /// becomes `sure`, and 1 stays 1.
    pub fn confirmed(&self, score: f32) -> f32 {
        let Self { sure, maybe, .. } = *self;
        if score < maybe {
            score / maybe * sure
        } else if maybe < 1.0 {
            sure + (score - maybe) / (1.0 - maybe) * (1.0 - sure)
        } else {
            score
        }
    }

    /// Score that a face must reach where a known face is followed, `0..=1`.
    pub fn follow(&self) -> f32 {
        (self.sure + self.maybe) / 2.0
    }
}

/// Settings of a Haar cascade, as of OpenCV's `detectMultiScale`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaarSettings {
    /// Smallest search window, px of the frame, `8..=4096`.
    pub min_face: f32,
    /// Factor from one size of the search window to the next, `1.01..=4`.
    pub scale: f64,
    /// Windows that must agree besides the first for a face (OpenCV's `minNeighbors`), `1..=100`.
    pub neighbours: u32,
}

impl Default for HaarSettings {
    /// As most programs call OpenCV's `detectMultiScale`.
    fn default() -> Self {
        Self { min_face: 30.0, scale: 1.1, neighbours: 5 }
    }
}

impl HaarSettings {
    /// What is wrong with the first invalid setting.
    pub fn problem(&self) -> Option<&'static str> {
        if !(8.0..=4096.0).contains(&self.min_face) {
            Some("min_face is not in 8..=4096 px")
        } else if !(1.01..=4.0).contains(&self.scale) {
            Some("scale is not in 1.01..=4")
        } else if !(1..=100).contains(&self.neighbours) {
            Some("neighbours is not in 1..=100")
        } else {
            None
        }
    }

    /// The score of a face that `windows` windows agree on, `0..1`: 0.5 for five. OpenCV gives no such score.
    pub fn score(windows: u32) -> f32 {
        windows as f32 / (windows as f32 + 5.0)
    }

    /// Score that a face must reach, `0..1`.
    pub fn threshold(&self) -> f32 {
        Self::score(self.neighbours + 1)
    }

    /// The same settings, with a limit lowered so that faces with a score of at least `score`, `0..=1`, are accepted. A
    /// limit is never raised.
    #[must_use]
    pub fn accepting(self, score: f32) -> Self {
        let fewer = (1..self.neighbours).find(|fewer| Self::score(fewer + 1) >= score);
        Self { neighbours: fewer.unwrap_or(self.neighbours), ..self }
    }
}
