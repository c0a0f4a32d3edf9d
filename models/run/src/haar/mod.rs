//! A Haar cascade (Viola and Jones 2001), run as OpenCV's `CascadeClassifier::detectMultiScale` runs it: the baseline
//! that many programs use. It gives no landmarks.

mod features;
mod group;
mod integral;
mod linear;
mod scales;
mod stages;

use self::features::Features;
use self::group::{Groups, WindowRect};
use self::integral::Integrals;
use self::linear::LinearResize;
use self::scales::{Scale, scales};
use self::stages::{Stages, Verdict};
use super::{Detector, RunError};
pub use emocue_models::bundle::detector::HaarSettings;
use emocue_models::bundle::haar::HaarCascade;
use emocue_models::failure;
use emocue_models::geometry::{Face, Rect};
use emocue_models::luma::Luma;

/// Most windows of a frame that may pass all stages; about 50 do around each face.
const MAX_WINDOWS: usize = 1 << 17;

/// The detector, ready to search frames. It keeps its working memory from frame to frame.
pub struct Haar {
    settings: HaarSettings,
    cascade: HaarCascade,
    stages: Stages,
    /// Of the frames that the rest is made for, px.
    size: (usize, usize),
    scales: Vec<Scale>,
    features: Features,
    resize: LinearResize,
    integrals: Integrals,
    passed: Vec<WindowRect>,
    groups: Groups,
}

impl Haar {
    /// Reads what `emocue import haar` wrote.
    ///
    /// # Errors
    /// [`RunError`] when the bytes are not a cascade that can be run, or a setting is out of range.
    pub fn load(bytes: &[u8], settings: HaarSettings) -> Result<Self, RunError> {
        if let Some(problem) = settings.problem() {
            return Err(error("bad settings", problem.to_owned()));
        }
        let cascade = HaarCascade::from_bytes(bytes)
            .map_err(|reason| error("cannot read the cascade", failure::line(&reason)))?;
        Ok(Self {
            settings,
            stages: Stages::of(&cascade),
            cascade,
            size: (0, 0),
            scales: Vec::new(),
            features: Features::default(),
            resize: LinearResize::default(),
            integrals: Integrals::default(),
            passed: Vec::new(),
            groups: Groups::default(),
        })
    }

    /// Allocates memory for frames of this size, px, unless that was the last size.
    fn fit(&mut self, size: (usize, usize)) {
        if self.size == size {
            return;
        }
        let window = (usize::from(self.cascade.width), usize::from(self.cascade.height));
        self.scales.clear();
        self.scales.extend(scales(size, window, self.settings));
        // The first scale has the largest picture.
        let (width, height) = self.scales.first().map_or((0, 0), |scale| scale.size);
        self.integrals.fit(width, height, self.cascade.has_tilted());
        self.features = Features::of(&self.cascade, &self.integrals);
        self.size = size;
    }

    /// Adds the windows of one scale that pass all stages.
    fn scan(&mut self, frame: &Luma, scale: Scale) -> Result<(), RunError> {
        let (width, height) = scale.size;
        let Self { cascade, features, resize, integrals, stages, passed, .. } = self;
        integrals.begin();
        resize.run(frame, width, height, |row| integrals.add(row));
        let columns = (width + 1).saturating_sub(usize::from(cascade.width));
        let rows = (height + 1).saturating_sub(usize::from(cascade.height));
        for y in (0..rows).step_by(scale.step) {
            let mut x = 0;
            while x < columns {
                match stages.judge(features, integrals, x, y) {
                    Verdict::Passed if passed.len() == MAX_WINDOWS => {
                        let reason = format!("more than {MAX_WINDOWS} windows pass the cascade");
                        return Err(error("cannot search the frame", reason));
                    }
                    Verdict::Passed => passed.push(scale.window(x, y)),
                    // The next window is skipped too.
                    Verdict::FailedFirst => x += scale.step,
                    Verdict::Failed => (),
                }
                x += scale.step;
            }
        }
        Ok(())
    }
}

impl Detector for Haar {
    fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
        faces.clear();
        self.passed.clear();
        self.fit((frame.width(), frame.height()));
        for index in 0..self.scales.len() {
            self.scan(frame, self.scales[index])?;
        }
        let neighbours = self.settings.neighbours;
        self.groups.of(&mut self.passed, neighbours, |rect, windows| {
            let WindowRect { x, y, width, height } = rect;
            let rect = Rect::new(x as f32, y as f32, width as f32, height as f32);
            let score = HaarSettings::score(windows);
            faces.push(Face { rect, score, landmarks: None });
        });
        faces.sort_unstable_by(|a, b| b.rect.area().total_cmp(&a.rect.area()));
        Ok(())
    }
}

fn error(what: &'static str, reason: String) -> RunError {
    RunError { model: "haar".into(), what, reason }
}

#[cfg(test)]
mod tests;
