//! Settings of the detectors, as a manifest holds them.

use serde::{Deserialize, Serialize};

/// The smallest face that the network finds nearly always, px of what it sees: in a photograph of 29 people with faces
/// from 24 px it finds 28 at half the size, 14 at 0.4, 4 at a third.
pub const YUNET_SMALLEST_FACE: f32 = 20.0;

/// How far the cascade looks and what it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MtcnnSettings {
    /// Smallest face to look for, px of the frame; 40 at 640 wide is about 2 m with a 62 degree lens.
    pub min_face: f32,
    /// Step between the pyramid's levels, `0..1`.
    pub factor: f32,
    /// Scores that a candidate of P-, R- and O-Net must reach, `0..=1`.
    pub thresholds: [f32; 3],
}

impl Default for MtcnnSettings {
    /// The authors' thresholds and factor, a face of 40 px.
    fn default() -> Self {
        Self { min_face: 40.0, factor: 0.709, thresholds: [0.6, 0.7, 0.7] }
    }
}

impl MtcnnSettings {
    /// The first setting that no cascade can run with.
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

    /// The same, accepting faces from `score` on where it would accept fewer.
    #[must_use]
    pub fn accepting(mut self, score: f32) -> Self {
        let [_, _, last] = &mut self.thresholds;
        *last = last.min(score);
        self
    }
}

/// How far the detector looks and what it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct YunetSettings {
    /// Smallest face to look for, px of the frame: larger ones allow for a smaller picture.
    pub min_face: f32,
    /// Score that a face must reach, `0..=1`.
    pub threshold: f32,
    /// IoU above which the weaker of two boxes goes, `0..=1`.
    pub overlap: f32,
}

impl Default for YunetSettings {
    /// OpenCV's sample, and the badge's usual smallest face.
    fn default() -> Self {
        Self { min_face: 40.0, threshold: 0.7, overlap: 0.3 }
    }
}

impl YunetSettings {
    /// The first setting that no detector can run with.
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

/// How the outputs of a network over the whole frame lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outputs {
    /// YuNet's, on luma `0..=255` `[1,1,H,W]`: class and object scores `[1,c,1]`, boxes `[1,c,4]`, landmarks `[1,c,10]`,
    /// each for strides of 8, 16 and 32 px.
    Yunet,
    /// Those of `emocue-face`, on luma normalised as `(pixel / 255 - 0.5) / 0.25`: for strides of 8, 16 and 32 px a map
    /// `[1,15,h,w]` of a score (logit), a box and landmarks, counted from the cell's middle.
    Face,
}

/// How far a network over the whole frame looks, what it accepts, and when it asks O-Net.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SingleShotSettings {
    /// Smallest face to look for, px of the frame: larger ones allow for a smaller picture.
    pub min_face: f32,
    /// Smallest face that the network finds nearly always, px of what it sees.
    pub smallest: f32,
    /// Score that a face must reach by itself, `0..=1`.
    pub sure: f32,
    /// Score that suffices where O-Net confirms the face, or near one that was there a moment ago, `0..=sure`.
    pub maybe: f32,
    /// O-Net's score that confirms a doubtful face, `0..=1`.
    pub confirm: f32,
    /// IoU above which the weaker of two boxes goes, `0..=1`.
    pub overlap: f32,
}

impl Default for SingleShotSettings {
    /// As measured with YuNet.
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
    /// Those that suit a kind of network.
    pub fn of(outputs: Outputs) -> Self {
        match outputs {
            Outputs::Yunet => Self::default(),
            // As measured with the default bundle's.
            Outputs::Face => Self { maybe: 0.5, confirm: 0.6, ..Self::default() },
        }
    }

    /// The first setting that no detector can run with.
    pub fn problem(&self) -> Option<&'static str> {
        let share = 0.0..=1.0;
        if !(8.0..=256.0).contains(&self.smallest) {
            Some("smallest is not in 8..=256 px")
        } else if !(self.smallest..=4096.0).contains(&self.min_face) {
            Some("min_face is not from smallest to 4096 px")
        } else if !share.contains(&self.sure) || !(0.0..=self.sure).contains(&self.maybe) {
            Some("sure is not in 0..=1, or maybe not in 0..=sure")
        } else if !share.contains(&self.confirm) || !share.contains(&self.overlap) {
            Some("confirm or overlap is not in 0..=1")
        } else {
            None
        }
    }

    /// The score of a face with `score` that O-Net confirmed: from `maybe` on it reaches `sure`. Rising, 1 for 1.
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

    /// Score that a face must reach where it is followed.
    pub fn follow(&self) -> f32 {
        (self.sure + self.maybe) / 2.0
    }
}

/// How far a Haar cascade looks and what it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaarSettings {
    /// Smallest window to look at, px of the frame.
    pub min_face: f32,
    /// From one size of the window to the next, `> 1`.
    pub scale: f64,
    /// Windows that must agree besides the first, for a face.
    pub neighbours: u32,
}

impl Default for HaarSettings {
    /// As most programs call OpenCV's `detectMultiScale`.
    fn default() -> Self {
        Self { min_face: 30.0, scale: 1.1, neighbours: 5 }
    }
}

impl HaarSettings {
    /// The first setting that no cascade can run with.
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

    /// The score of a face that so many windows agree on, `0..1`, which OpenCV does not give: a half for five.
    pub fn score(windows: u32) -> f32 {
        windows as f32 / (windows as f32 + 5.0)
    }

    /// The score that a face reaches at least.
    pub fn threshold(&self) -> f32 {
        Self::score(self.neighbours + 1)
    }

    /// The same, accepting faces from `score` on where it would accept fewer.
    #[must_use]
    pub fn accepting(self, score: f32) -> Self {
        let fewer = (1..self.neighbours).find(|fewer| Self::score(fewer + 1) >= score);
        Self { neighbours: fewer.unwrap_or(self.neighbours), ..self }
    }
}
