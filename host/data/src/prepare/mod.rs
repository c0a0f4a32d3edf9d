//! From raw pictures of any size and colour to square luma crops of faces in the same folder structure: detect the face
//! and align it as the badge does, or fall back to the whole picture. Every result is logged, and an interrupted run
//! can be resumed.

mod face;
mod log;
mod work;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use emocue_models::failure::{Failure, exit};
use emocue_run::RunError;
use serde::{Deserialize, Serialize};

use super::{DataError, below, picture, relative};

pub use face::{MIN_FACE, Prepared, Preparer};
pub use log::{LOG, SETTINGS};
pub use work::run;

/// How a found face becomes a square.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// Eyes, nose and mouth are aligned as on the badge
    Align,
    /// The detector's box, with the badge's margin
    Crop,
    /// The whole picture, without face detection
    Whole,
}

/// Which of a picture's faces are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Faces {
    /// The largest one
    #[default]
    Largest,
    /// All of them, with a result for each
    All,
}

/// What happens to a picture whose face is not found or too small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Fallback {
    /// Use the whole picture
    Whole,
    /// Skip the picture
    Skip,
}

/// The settings that determine the results; all results in a folder share them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrepareSettings {
    /// How a found face becomes a square.
    pub how: How,
    /// What happens without a face.
    pub fallback: Fallback,
    /// Width and height of the results, px.
    pub side: usize,
    /// Which faces are used; in folders of earlier versions, the largest.
    #[serde(default)]
    pub faces: Faces,
    /// Lowest ratio of the box's longer side to the picture's shorter side, `0..=1`; a smaller face is not used.
    pub min_share: f32,
    /// Name and version of the bundle whose detector is used.
    pub detector: String,
}

/// The outcome for a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrepareOutcome {
    /// Aligned by its landmarks.
    Aligned,
    /// Cropped by its box.
    Cropped,
    /// The whole picture, as requested.
    Whole,
    /// No face was found: the fallback.
    NoFace,
    /// The face is too small: the fallback.
    SmallFace,
    /// The file could not be read as a picture.
    Unreadable,
}

/// One line of the log: a picture, or one of its faces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreparedRecord {
    /// The picture, relative to the input folder.
    pub file: String,
    /// The result, relative to the output folder; empty if there is none.
    pub output: String,
    /// The outcome.
    pub outcome: PrepareOutcome,
    /// The box's longer side as a fraction of the picture's shorter side, if a face was found.
    pub share: Option<f32>,
    /// Why it is unreadable.
    pub note: String,
}

/// Pictures could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The input folder cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A network failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A result or the log cannot be written.
    #[error(transparent)]
    Write(#[from] std::io::Error),
    /// A result cannot be encoded as PNG.
    #[error("cannot pack {file} as PNG: {source}")]
    Png {
        /// The result.
        file: String,
        /// The encoder's error.
        source: image::ImageError,
    },
    /// The input and output folders do not fit each other.
    #[error("{0}")]
    Folders(String),
}

impl Failure for PrepareError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.help(),
            Self::Run(error) => error.help(),
            Self::Write(_) | Self::Png { .. } | Self::Folders { .. } => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Data(error) => error.exit_code(),
            Self::Run(error) => error.exit_code(),
            Self::Write(_) | Self::Png { .. } => exit::OUTPUT,
            Self::Folders { .. } => exit::FOLDER,
        }
    }
}

/// A picture and the path of its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    file: String,
    output: String,
}

/// The pictures to prepare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jobs {
    /// The pictures, by name.
    pub pictures: Vec<Job>,
    /// Numbers of files that are not pictures, by extension.
    pub ignored: BTreeMap<String, usize>,
}

impl Job {
    /// The result's path for face number `face`, counted from 0: `a.png`, then `a.face2.png`.
    fn output(&self, face: usize) -> String {
        match (face, self.output.strip_suffix(".png")) {
            (1.., Some(stem)) => format!("{stem}.face{}.png", face + 1),
            _ => self.output.clone(),
        }
    }
}

/// Whether a result's name has the form `a.face2.png`.
fn is_numbered(output: &Path) -> bool {
    let stem = output.file_stem().unwrap_or_default().to_string_lossy();
    let number = stem.rsplit_once(".face").map(|(_, number)| number);
    number.is_some_and(|number| number.parse::<usize>().is_ok())
}

/// Text such as `": only .heic 2, .txt 1"`; empty without such files.
fn only(ignored: &BTreeMap<String, usize>) -> String {
    match ignored.is_empty() {
        true => String::new(),
        false => format!(": only {}", picture::kinds(ignored)),
    }
}

/// `path` made canonical, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for parent in path.ancestors() {
        if let (Ok(found), Ok(rest)) = (parent.canonicalize(), path.strip_prefix(parent)) {
            return found.join(rest);
        }
    }
    path
}

/// The pictures below `input`, by name. The result has the same name with the extension `.png`, appended to the
/// original extension if two pictures would share a name.
///
/// # Errors
/// [`PrepareError`] when the folder cannot be read, has no picture or contains `out`.
pub fn jobs(input: &Path, out: &Path) -> Result<Jobs, PrepareError> {
    if resolved(out).starts_with(resolved(input)) {
        return Err(PrepareError::Folders(format!(
            "{} lies in the input folder\n  Choose an --out folder beside it, so that results are not taken for raw pictures.",
            out.display()
        )));
    }
    let mut files: Vec<PathBuf> = Vec::new();
    let mut ignored: BTreeMap<String, usize> = BTreeMap::new();
    for entry in below(input) {
        let entry = entry?;
        if !entry.file_type().is_file() {
            continue;
        }
        match picture::is_picture(entry.path()) {
            // The log names pictures in UTF-8.
            true if entry.path().strip_prefix(input).is_ok_and(|path| path.to_str().is_none()) => {
                *ignored.entry("names that are not UTF-8".to_owned()).or_default() += 1;
            }
            true => files.push(PathBuf::from(relative(entry.path(), input))),
            false => *ignored.entry(picture::kind(entry.path())).or_default() += 1,
        }
    }
    if files.is_empty() {
        let what = format!("there is no picture in {}{}", input.display(), only(&ignored));
        return Err(PrepareError::Folders(format!(
            "{what}\n  JPEG, PNG, BMP, PNM and TIFF files are looked for in all its folders."
        )));
    }
    let mut shared: BTreeMap<PathBuf, usize> = BTreeMap::new();
    for file in &files {
        *shared.entry(file.with_extension("png")).or_default() += 1;
    }
    let job = |file: PathBuf| {
        let short = file.with_extension("png");
        let output = match shared.get(&short) {
            // Names that the result of a second face may have are reserved.
            Some(1) if !is_numbered(&short) => short,
            _ => PathBuf::from(format!("{}.png", file.display())),
        };
        Job { file: file.display().to_string(), output: output.display().to_string() }
    };
    Ok(Jobs { pictures: files.into_iter().map(job).collect(), ignored })
}

#[cfg(test)]
mod tests;
