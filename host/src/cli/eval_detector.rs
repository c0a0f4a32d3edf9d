//! `emocue eval --detector`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use emocue_data::faces::{self, FaceLayout, FacePicture, FaceSet, Half, groups, half_of};
use emocue_models::failure::{Failure, Problem};
use emocue_models::files::write_atomically;

use super::detectors::NamedDetector;
use super::eval::with_bar;
use super::output::{HTML, OverwriteArg};
use crate::eval::context::{Environment, command_line, portable};
use crate::eval::detector::card::{DetectorFile, FORMAT, SetInfo};
use crate::eval::detector::{ASKED, DetectorTask, JudgedDetector, OpenDetector, problem, text};
use crate::output::{errln, out, outln};
use crate::report::detectors;

const HEADING: &str = "Detectors";

/// Which detectors are evaluated, and on what data.
#[derive(Args, Debug, Default)]
pub(super) struct DetectorArgs {
    /// Evaluate a face detector instead: a folder with pnet.onnx, rnet.onnx and onet.onnx, a bundle's file, or default;
    /// repeatable, all on the same frames of 640x480 px.
    #[arg(
        long,
        help_heading = HEADING,
        value_name = "NAME",
        conflicts_with_all = ["bundle", "model", "ensemble", "fer2013", "data", "folds"]
    )]
    pub(super) detector: Vec<PathBuf>,
    /// A set of annotated faces (CSV, WIDER FACE, Pascal VOC or YOLO); repeatable.
    #[arg(long, help_heading = HEADING, value_name = "PATH", requires = "detector")]
    faces: Vec<PathBuf>,
    /// The sets' layout (default: detected).
    #[arg(long, help_heading = HEADING, value_enum, requires = "faces")]
    faces_layout: Option<FaceLayout>,
    /// A folder of pictures without faces, for false alarms; repeatable.
    #[arg(long, help_heading = HEADING, value_name = "FOLDER", requires = "detector")]
    empty: Vec<PathBuf>,
    /// Faces with apparent groups (UTKFace's labels.csv: image,age,gender,group). With --detector they are pasted onto
    /// the empty pictures. Without it, classifiers are evaluated: whether the answer under each condition is that for
    /// the clean face, by group; and accuracy if a column expression has the faces' expressions.
    #[arg(long, value_name = "CSV", conflicts_with = "folds")]
    pub(super) groups: Option<PathBuf>,
    /// Also evaluate under every condition of the protocol: tilted, occluded, dark, blurred.
    #[arg(long, help_heading = HEADING, requires = "faces")]
    protocol: bool,
    /// Half of every set, by the hash of its file names; training never uses the half `judging`.
    #[arg(long, help_heading = HEADING, value_enum, default_value = "judging")]
    half: HalfArg,
    /// Smallest face to detect, px of the frame (default: each detector's own).
    #[arg(long, help_heading = HEADING, value_name = "PX", requires = "detector")]
    min_face: Option<f32>,
    /// Detector to compare landmarks with, named as for --detector.
    #[arg(long, help_heading = HEADING, value_name = "NAME", requires = "faces")]
    reference: Option<PathBuf>,
    /// Only this many pictures of each set of faces, evenly spaced.
    #[arg(long, help_heading = HEADING, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum HalfArg {
    /// For reported results.
    #[default]
    Judging,
    /// The half that a detector may have been trained on.
    Training,
    /// Both.
    All,
}

impl HalfArg {
    fn has(self, half: Half) -> bool {
        match self {
            Self::Judging => half == Half::Judging,
            Self::Training => half == Half::Training,
            Self::All => true,
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// The form of the results.
pub(super) struct DetectorOutput<'a> {
    pub(super) threads: usize,
    pub(super) json: bool,
    pub(super) report: Option<&'a PathBuf>,
    pub(super) overwrite: OverwriteArg,
}

impl DetectorArgs {
    /// Reads the data, evaluates, prints.
    pub(super) fn run(&self, output: &DetectorOutput<'_>) -> Result<(), Box<dyn Failure>> {
        if let Some(page) = output.report {
            output.overwrite.check(page, HTML, &[])?;
        }
        let file = self.measure(output.threads)?;
        if output.json {
            let json = serde_json::to_string_pretty(&file);
            outln!("{}", json.map_err(|error| Problem::new(error.to_string()))?);
        } else {
            out!("{}", text::text(&file));
        }
        if let Some(path) = output.report {
            let page = detectors::page(&file).map_err(|error| Problem::new(error.to_string()))?;
            write_atomically(path, page.as_bytes())?;
            errln!("the page is in {}", path.display());
        }
        Ok(())
    }

    /// Arguments with detectors and pictures only, for `emocue compare`.
    pub(super) fn plain(
        detector: &[PathBuf],
        faces: &[PathBuf],
        empty: &[PathBuf],
        limit: Option<usize>,
    ) -> Self {
        let [detector, faces, empty] = [detector, faces, empty].map(<[PathBuf]>::to_vec);
        Self { detector, faces, empty, limit, ..Self::default() }
    }

    /// Reads the data and evaluates.
    pub(super) fn measure(&self, threads: usize) -> Result<DetectorFile, Box<dyn Failure>> {
        if self.faces.is_empty() && self.empty.is_empty() {
            let problem = Problem::usage("there is nothing to judge a detector by");
            let help =
                "Name marked faces with --faces SET, pictures without anybody with --empty FOLDER.";
            return Err(problem.help(help).into());
        }
        let detectors = self
            .detector
            .iter()
            .map(|name| NamedDetector::read(name, self.min_face))
            .collect::<Result<Vec<_>, _>>()?;
        let reference = self
            .reference
            .as_ref()
            .map(|name| NamedDetector::read(name, self.min_face))
            .transpose()?;
        let read = |path: &PathBuf| faces::read_as(path, self.faces_layout);
        let sets = self.faces.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let empty = self.empty.iter().map(|path| faces::empty(path));
        let empty = empty.collect::<Result<Vec<_>, _>>()?;
        let groups = self.groups.as_deref().map(groups::read).transpose()?.unwrap_or_default();
        let (marked, set_infos) = self.used(&sets);
        let (empty, empty_infos) = self.used(&empty);
        let open = |detector| -> OpenDetector<'_> {
            Box::new(move || NamedDetector::open(detector, None))
        };
        let task = DetectorTask {
            pictures: marked,
            empty,
            groups: self.limited(groups.iter().filter(|face| self.half.has(half_of(&face.name)))),
            protocol: self.protocol,
            reference: reference.as_ref().map(open),
            threads,
        };
        if let Some(problem) = problem(&task) {
            return Err(problem.into());
        }
        let judged: Vec<JudgedDetector<'_>> = detectors
            .iter()
            .map(|detector| JudgedDetector {
                name: portable(&detector.name),
                threshold: detector.threshold(),
                open: Box::new(|| detector.open(Some(ASKED))),
            })
            .collect();
        let results = with_bar(task.steps(), |progress| task.judge(&judged, progress))?;
        Ok(DetectorFile {
            format: FORMAT.to_owned(),
            environment: Environment::here(),
            command: command_line(std::env::args()),
            half: self.half.name(),
            min_face: self.min_face,
            reference: reference.as_ref().map(|detector| portable(&detector.name)),
            sets: set_infos,
            empty: empty_infos,
            detectors: results,
        })
    }

    /// The pictures of the evaluated half, and their counts.
    fn used<'a>(&self, sets: &'a [FaceSet]) -> (Vec<&'a FacePicture>, Vec<SetInfo>) {
        let (mut pictures, mut infos) = (Vec::new(), Vec::new());
        for set in sets {
            let in_half = set.pictures.iter().filter(|picture| self.half.has(picture.half()));
            let used = self.limited(in_half);
            infos.push(SetInfo {
                name: set.name.clone(),
                pictures: used.len(),
                faces: used.iter().map(|picture| picture.faces.len()).sum(),
                skipped: set.skipped.clone(),
            });
            pictures.extend(used);
        }
        (pictures, infos)
    }

    /// Whether there is a limit that applies to nothing.
    pub(super) fn limits_nothing(&self) -> bool {
        self.limit.is_some() && self.detector.is_empty() && self.groups.is_none()
    }

    /// At most `limit` items, evenly spaced.
    pub(super) fn limited<'a, T>(&self, all: impl Iterator<Item = &'a T>) -> Vec<&'a T> {
        let all: Vec<&T> = all.collect();
        let used = self.limit.unwrap_or(usize::MAX).min(all.len());
        (0..used).map(|at| all[at * all.len() / used]).collect()
    }
}
