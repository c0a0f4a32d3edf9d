//! Evaluation of detectors on annotated faces by a fixed protocol, so that figures are comparable.
//!
//! Every picture becomes a frame of one size ([`frame`]), clean and under each condition of [`PROTOCOL`], and all
//! detectors are run on the same frames ([`look`]). Figures are computed over all frames, each with a confidence
//! interval ([`interval`]).

pub mod card;
pub mod curve;
pub mod frame;
mod groups;
pub mod interval;
pub mod look;
pub mod people;
pub mod text;

use emocue_data::DataError;
use emocue_data::degrade::{Condition, PROTOCOL};
use emocue_data::faces::groups::GroupedFace;
use emocue_data::faces::{FacePicture, MarkedFace};
use emocue_data::picture;
use emocue_models::failure::{Failure, Problem};
use emocue_models::geometry::{Face, Rect};
use emocue_models::luma::Luma;
use emocue_run::{Detector, RunError, turns};

use card::{DetectorResult, Row};
use curve::{AP_LEAST, Selection};
use frame::{FittedPicture, WHOLE};
use look::{FaceKind, Look};
use people::People;

use super::parallel;

/// The score from which detections are requested, far below the detectors' own thresholds.
pub const ASKED: f32 = 0.02;

/// False alarms per empty picture at the second threshold: ten for a thousand.
pub const ALARMS: f64 = 0.01;

/// Classes of size, longer side in px of the frame.
const SIZES: [(&str, f32, f32); 4] = [
    ("24-40", 24.0, 40.0),
    ("40-80", 40.0, 80.0),
    ("80-160", 80.0, 160.0),
    ("160+", 160.0, f32::INFINITY),
];

/// The faces that count under the protocol's conditions; pictures without such faces are skipped.
const BARE: Selection = Selection { kind: Some(FaceKind::Bare), from: AP_LEAST, to: f32::INFINITY };

/// The condition of low light in which groups are compared.
const DIM: &str = "light x0.12";

/// A detector cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum DetectorEvalError {
    /// A picture cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A network failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Failure for DetectorEvalError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.help(),
            Self::Run(error) => error.help(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Data(error) => error.exit_code(),
            Self::Run(error) => error.exit_code(),
        }
    }
}

/// Opens a detector, once for each thread.
pub type OpenDetector<'a> = Box<dyn Fn() -> Result<Box<dyn Detector + Send>, RunError> + Sync + 'a>;

/// A detector to evaluate.
pub struct JudgedDetector<'a> {
    /// Its name in tables.
    pub name: String,
    /// Its own threshold.
    pub threshold: f32,
    /// Opens it with the threshold [`ASKED`].
    pub open: OpenDetector<'a>,
}

/// The data of an evaluation.
pub struct DetectorTask<'a> {
    /// Pictures with annotated faces.
    pub pictures: Vec<&'a FacePicture>,
    /// Pictures without faces.
    pub empty: Vec<&'a FacePicture>,
    /// Faces with annotated groups, which are pasted on the pictures without faces.
    pub groups: Vec<&'a GroupedFace>,
    /// Whether to evaluate under every condition of [`PROTOCOL`].
    pub protocol: bool,
    /// The detector whose landmarks are the reference.
    pub reference: Option<OpenDetector<'a>>,
    /// Number of threads, at least 1; the result does not depend on it.
    pub threads: usize,
}

/// The detectors of a thread.
struct Desk {
    /// Each detector with its own threshold.
    detectors: Vec<(Box<dyn Detector + Send>, f32)>,
    reference: Option<Box<dyn Detector + Send>>,
    found: Vec<Face>,
}

impl Desk {
    fn open(
        task: &DetectorTask<'_>,
        detectors: &[JudgedDetector<'_>],
    ) -> Result<Self, DetectorEvalError> {
        let reference = task.reference.as_ref().map(|open| open()).transpose()?;
        let open = |judged: &JudgedDetector<'_>| Ok(((judged.open)()?, judged.threshold));
        let detectors = detectors.iter().map(open).collect::<Result<_, RunError>>()?;
        Ok(Self { detectors, reference, found: Vec::new() })
    }

    /// Runs every detector on a still frame as a badge does: for one round of its searches.
    fn look(
        &mut self,
        frame: &Luma,
        marked: &[MarkedFace],
        visible: &Rect,
        with_reference: bool,
    ) -> Result<Vec<Look>, DetectorEvalError> {
        let mut reference = Vec::new();
        if let Some(detector) = self.reference.as_mut().filter(|_| with_reference) {
            detector.detect(frame, &mut reference)?;
        }
        let Self { detectors, found, .. } = self;
        let look = |(detector, own): &mut (Box<dyn Detector + Send>, f32)| {
            turns::round(detector.as_mut(), frame, *own, found)?;
            Ok(Look::of(marked, found, &reference, visible))
        };
        detectors.iter_mut().map(look).collect()
    }
}

impl DetectorTask<'_> {
    /// Number of pictures to decode, for a progress bar.
    pub fn steps(&self) -> usize {
        self.pictures.len() + self.empty.len() + self.groups()
    }

    /// Number of composites; they need a background.
    fn groups(&self) -> usize {
        if self.empty.is_empty() { 0 } else { self.groups.len() }
    }

    fn conditions(&self) -> &'static [Condition] {
        if self.protocol { &PROTOCOL } else { &[] }
    }

    /// Runs all detectors on all pictures, one picture at a time.
    ///
    /// # Errors
    /// [`DetectorEvalError`] when a picture cannot be read or a network fails.
    pub fn judge(
        &self,
        detectors: &[JudgedDetector<'_>],
        progress: &(dyn Fn(usize) + Sync),
    ) -> Result<Vec<DetectorResult>, DetectorEvalError> {
        let open = || Desk::open(self, detectors);
        let step = |desk: &mut Desk, at: usize| {
            let looks = self.step(desk, at)?;
            progress(1);
            Ok(looks)
        };
        // Indexed by picture, condition and detector.
        let all = parallel::run(self.threads, self.steps(), open, step)?;
        let (marked, rest) = all.split_at(self.pictures.len());
        let (empty, groups) = rest.split_at(self.empty.len());
        let result = |(at, judged): (usize, &JudgedDetector<'_>)| {
            let of = |looks: &[Vec<Vec<Look>>], how: usize| -> Vec<Look> {
                looks.iter().map(|by| by[how][at].clone()).collect()
            };
            let conditions = (0..=self.conditions().len()).map(|how| of(marked, how)).collect();
            let lights = if groups.is_empty() { 0 } else { 2 };
            let groups = (0..lights).map(|how| of(groups, how)).collect();
            self.figures(judged, &Looks { conditions, empty: of(empty, 0), groups })
        };
        Ok(detectors.iter().enumerate().map(result).collect())
    }

    /// The looks at one picture.
    fn step(&self, desk: &mut Desk, at: usize) -> Result<Vec<Vec<Look>>, DetectorEvalError> {
        let read = |picture: &FacePicture| -> Result<_, DetectorEvalError> {
            Ok(frame::fit(&picture.read()?, &picture.faces))
        };
        if let Some(picture) = self.pictures.get(at) {
            let FittedPicture { frame, faces, visible } = read(picture)?;
            let mut looks = vec![desk.look(&frame, &faces, &visible, true)?];
            let is_counted =
                faces.iter().any(|face| BARE.has(FaceKind::of(&face.label), face.side()));
            for condition in self.conditions() {
                if !is_counted {
                    looks.push(vec![Look::default(); desk.detectors.len()]);
                    continue;
                }
                let (frame, faces) = condition.apply(&picture.name, frame.clone(), faces.clone());
                // A rotated picture may cover the whole frame.
                let visible = if condition.turns() { WHOLE } else { visible };
                looks.push(desk.look(&frame, &faces, &visible, false)?);
            }
            return Ok(looks);
        }
        let at = at - self.pictures.len();
        if let Some(picture) = self.empty.get(at) {
            let FittedPicture { frame, visible, .. } = read(picture)?;
            return Ok(vec![desk.look(&frame, &[], &visible, false)?]);
        }
        let face = self.groups[at - self.empty.len()];
        let background = self.empty[groups::background_of(&face.name, self.empty.len())].read()?;
        let (frame, marked) =
            groups::composite(&face.name, &picture::read(&face.file)?, &background);
        let mut looks = vec![desk.look(&frame, std::slice::from_ref(&marked), &WHOLE, false)?];
        for condition in PROTOCOL.iter().filter(|condition| condition.name == DIM) {
            let (frame, faces) = condition.apply(&face.name, frame.clone(), vec![marked.clone()]);
            looks.push(desk.look(&frame, &faces, &WHOLE, false)?);
        }
        Ok(looks)
    }

    fn figures(&self, judged: &JudgedDetector<'_>, looks: &Looks) -> DetectorResult {
        let Looks { conditions, empty, groups } = looks;
        let own = judged.threshold;
        let at_alarms = (!empty.is_empty()).then(|| curve::threshold_at(empty, ALARMS, ASKED));
        let row = |name: String, looks: &[&Look], selection: &Selection| Row {
            name,
            at_own: curve::recall(looks, selection, own),
            at_alarms: at_alarms.and_then(|at| curve::recall(looks, selection, at)),
        };
        let clean: Vec<&Look> = conditions[0].iter().collect();
        let kinds =
            [("bare", Some(FaceKind::Bare)), ("masked", Some(FaceKind::Masked)), ("all", None)];
        let mut sizes = Vec::new();
        for (kind_name, kind) in kinds {
            for (size_name, from, to) in SIZES {
                let name = format!("{kind_name} {size_name}");
                sizes.push(row(name, &clean, &Selection { kind, from, to }));
            }
        }
        let names = ["as it is"].into_iter().chain(self.conditions().iter().map(|c| c.name));
        let by_condition = names
            .zip(conditions)
            .map(|(name, looks)| row(name.to_owned(), &looks.iter().collect::<Vec<_>>(), &BARE));
        let by_condition = if self.protocol { by_condition.collect() } else { Vec::new() };
        let lights = ["as it is", DIM].into_iter().zip(groups);
        let by_group = lights.map(|(light, looks)| {
            let tags = self.groups.iter().map(|face| face.groups.as_slice());
            let faces: Vec<(&Look, &[String])> = looks.iter().zip(tags).collect();
            let everybody = Selection { kind: None, from: 0.0, to: f32::INFINITY };
            groups::of(light, &faces, |looks| row(String::new(), looks, &everybody))
        });
        DetectorResult {
            name: judged.name.clone(),
            threshold: own,
            threshold_at_alarms: at_alarms,
            alarms_per_1000: interval::per_thousand(curve::alarms(empty, own), empty.len()),
            sizes,
            average_precision: curve::average_precision(&clean),
            conditions: by_condition,
            groups: by_group.collect(),
            landmark_error: landmark_error(&clean, own),
            people: People::of(conditions[0].iter().chain(empty), own),
            curve: if empty.is_empty() { Vec::new() } else { curve::curve(&clean, empty, ASKED) },
        }
    }
}

/// All looks of one detector.
struct Looks {
    /// By condition, the clean pictures first.
    conditions: Vec<Vec<Look>>,
    empty: Vec<Look>,
    /// Clean, then in low light.
    groups: Vec<Vec<Look>>,
}

/// Landmark error of faces from [`AP_LEAST`] px that are detected at `threshold`.
fn landmark_error(looks: &[&Look], threshold: f32) -> Option<interval::Figure> {
    let errors: Vec<Vec<f64>> = looks
        .iter()
        .map(|look| {
            let found = look.marks.iter().filter(|mark| {
                mark.side >= AP_LEAST && mark.score.is_some_and(|score| score >= threshold)
            });
            found.filter_map(|mark| mark.landmark_error.map(f64::from)).collect()
        })
        .collect();
    let of = errors.iter().map(Vec::len).sum();
    interval::bootstrap(errors.len(), of, |weights| {
        let (mut sum, mut count) = (0.0, 0.0);
        for (errors, weight) in errors.iter().zip(weights) {
            sum += f64::from(*weight) * errors.iter().sum::<f64>();
            count += f64::from(*weight) * errors.len() as f64;
        }
        (count > 0.0).then_some(sum / count)
    })
}

/// The reason why nothing can be measured with `task`, if there is one.
pub fn problem(task: &DetectorTask<'_>) -> Option<Problem> {
    if task.pictures.is_empty() && task.empty.is_empty() {
        let problem = Problem::usage("there is no picture to judge by in this half");
        return Some(problem.help("Name pictures with --faces SET and --empty FOLDER."));
    }
    if !task.groups.is_empty() && task.empty.is_empty() {
        let problem = Problem::usage("faces of groups have no background");
        return Some(problem.help("Name pictures without faces with --empty FOLDER."));
    }
    None
}

#[cfg(test)]
mod tests;
