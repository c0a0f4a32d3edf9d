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
mod tests {
    use std::sync::atomic::AtomicBool;

    use emocue_models::crop::Preprocess;
    use emocue_models::geometry::{Face, Landmarks, Point, Rect};
    use emocue_models::luma::Luma;
    use emocue_run::Detector;

    use super::*;
    use crate::fixture;

    /// Finds a face in the middle of every bright frame, whose size is proportional to the brightness, and a smaller
    /// one inside it.
    struct Bright;

    impl Detector for Bright {
        fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
            faces.clear();
            let middle = frame.at_clamped(frame.width() as isize / 2, frame.height() as isize / 2);
            if middle > 0 {
                let (side, width) = (f32::from(middle), frame.width() as f32);
                let start = (width - side) / 2.0;
                let points = Preprocess::default().landmarks.points();
                let scale = side / 48.0;
                let points = points.map(|p| Point::new(start + p.x * scale, start + p.y * scale));
                let rect = Rect::new(start, start, side, side);
                let small = Rect::new(start, start, side / 2.0, side / 2.0);
                faces.push(Face { rect: small, score: 1.0, landmarks: None });
                let landmarks = Some(Landmarks::from_points(points));
                faces.push(Face { rect, score: 1.0, landmarks });
            }
            Ok(())
        }
    }

    fn settings() -> PrepareSettings {
        let detector = "test 1".to_owned();
        PrepareSettings {
            how: How::Align,
            fallback: Fallback::Whole,
            side: 48,
            faces: Faces::Largest,
            min_share: 0.5,
            detector,
        }
    }

    fn preparers(settings: &PrepareSettings) -> Vec<Preparer> {
        let one = || Preparer::new(Box::new(Bright), &Preprocess::default(), settings.clone());
        vec![one(), one()]
    }

    fn grey(path: &Path, side: u32, value: u8) {
        fixture::save(path, side, 1);
        image::GrayImage::from_pixel(side, side, image::Luma([value])).save(path).unwrap();
    }

    /// Raw pictures: a face, a small one, none, one that cannot be read, and two with one name.
    fn raw() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let at = |file: &str| root.path().join("raw").join(file);
        grey(&at("happy/face.png"), 90, 200);
        grey(&at("happy/small.bmp"), 90, 60);
        grey(&at("sad/none.png"), 90, 0);
        fixture::write(&at("sad/broken.jpg"), b"no picture");
        fixture::write(&at("sad/notes.txt"), b"no picture");
        grey(&at("sad/twice.png"), 20, 200);
        grey(&at("sad/twice.bmp"), 20, 200);
        root
    }

    fn prepare(
        root: &Path,
        settings: &PrepareSettings,
        stop: &AtomicBool,
    ) -> Result<Vec<PreparedRecord>, String> {
        let (input, out) = (root.join("raw"), root.join("out"));
        let jobs = jobs(&input, &out).unwrap();
        assert_eq!(jobs.ignored, [(".txt".to_owned(), 1)].into());
        let mut records = Vec::new();
        run(&input, &out, &jobs.pictures, preparers(settings), stop, |r| {
            records.extend_from_slice(r)
        })
        .map_err(fixture::reported)?;
        records.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(records)
    }

    #[test]
    fn every_picture_gets_its_outcome_and_its_line() {
        let root = raw();
        let records = prepare(root.path(), &settings(), &AtomicBool::new(false)).unwrap();
        let outcomes: Vec<_> =
            records.iter().map(|r| (r.file.as_str(), r.output.as_str(), r.outcome)).collect();
        assert_eq!(
            outcomes,
            [
                ("happy/face.png", "happy/face.png", PrepareOutcome::Aligned),
                ("happy/small.bmp", "happy/small.png", PrepareOutcome::SmallFace),
                ("sad/broken.jpg", "", PrepareOutcome::Unreadable),
                ("sad/none.png", "sad/none.png", PrepareOutcome::NoFace),
                ("sad/twice.bmp", "sad/twice.bmp.png", PrepareOutcome::Aligned),
                ("sad/twice.png", "sad/twice.png.png", PrepareOutcome::Aligned),
            ]
        );
        // A box of 60 of the 240 px that the picture has for the search.
        assert_eq!(records[1].share, Some(0.25));
        let data = crate::folder::read(&root.path().join("out"), None, None, 48).unwrap();
        assert_eq!((data.len(), data.picture(0)), (5, [200; 2304].as_slice()));
        let log = std::fs::read_to_string(root.path().join("out").join(LOG)).unwrap();
        assert!(log.starts_with("file,output,outcome,share,note\n"), "{log}");
        assert!(log.contains("sad/broken.jpg,,unreadable,,\"not a JPEG, PNG"), "{log}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_not_utf_8_is_counted() {
        use std::os::unix::ffi::OsStrExt as _;
        let root = tempfile::tempdir().unwrap();
        for name in [&b"a.png"[..], b"caf\xe9.png", b"notes.txt"] {
            std::fs::write(root.path().join(std::ffi::OsStr::from_bytes(name)), b"").unwrap();
        }
        let out = tempfile::tempdir().unwrap();
        let Jobs { pictures, ignored } = jobs(root.path(), out.path()).unwrap();
        assert_eq!(pictures.len(), 1);
        assert_eq!(picture::kinds(&ignored), ".txt 1, names that are not UTF-8 1");
    }

    #[test]
    fn what_is_done_is_skipped_and_what_failed_is_tried_again() {
        let root = raw();
        let out = root.path().join("out");
        prepare(root.path(), &settings(), &AtomicBool::new(true)).unwrap();
        assert_eq!(std::fs::read_dir(&out).unwrap().count(), 2, "only the log and the settings");
        prepare(root.path(), &settings(), &AtomicBool::new(false)).unwrap();
        let first = std::fs::metadata(out.join("happy/face.png")).unwrap().modified().unwrap();
        std::fs::remove_file(out.join("sad/none.png")).unwrap();
        grey(&root.path().join("raw/sad/broken.jpg"), 90, 0);
        // Truncates the log's last line.
        let log = std::fs::read_to_string(out.join(LOG)).unwrap();
        std::fs::write(out.join(LOG), format!("{log}sad/tw")).unwrap();

        let records = prepare(root.path(), &settings(), &AtomicBool::new(false)).unwrap();
        assert_eq!(records.len(), 6);
        assert!(records.iter().all(|record| record.outcome != PrepareOutcome::Unreadable));
        assert!(out.join("sad/none.png").exists() && out.join("sad/broken.png").exists());
        let second = std::fs::metadata(out.join("happy/face.png")).unwrap().modified().unwrap();
        assert_eq!(first, second);
        let lines = std::fs::read_to_string(out.join(LOG)).unwrap().lines().count();
        assert_eq!(lines, 7);

        let other = PrepareSettings { side: 64, ..settings() };
        let error = prepare(root.path(), &other, &AtomicBool::new(false)).unwrap_err();
        assert!(error.contains("other settings") && error.contains("side = 48"), "{error}");
    }

    #[test]
    fn other_ways_and_the_other_fallback() {
        for (how, fallback, outcomes) in [
            (How::Crop, Fallback::Skip, [PrepareOutcome::Cropped, PrepareOutcome::SmallFace]),
            (How::Whole, Fallback::Skip, [PrepareOutcome::Whole, PrepareOutcome::Whole]),
        ] {
            let root = raw();
            let settings = PrepareSettings { how, fallback, ..settings() };
            let records = prepare(root.path(), &settings, &AtomicBool::new(false)).unwrap();
            assert_eq!([records[0].outcome, records[1].outcome], outcomes);
            let small = root.path().join("out/happy/small.png");
            assert_eq!(small.exists(), how == How::Whole);
        }
    }

    #[test]
    fn every_face_of_a_picture_has_its_result_and_its_line() {
        let root = raw();
        let settings = PrepareSettings { faces: Faces::All, min_share: 0.2, ..settings() };
        let records = prepare(root.path(), &settings, &AtomicBool::new(false)).unwrap();
        let outcomes: Vec<_> =
            records[..3].iter().map(|r| (r.output.as_str(), r.outcome)).collect();
        assert_eq!(
            outcomes,
            [
                ("happy/face.png", PrepareOutcome::Aligned),
                ("happy/face.face2.png", PrepareOutcome::Cropped),
                ("happy/small.png", PrepareOutcome::Aligned),
            ]
        );
        // A picture is finished when all its results exist.
        let second = root.path().join("out/happy/face.face2.png");
        std::fs::remove_file(&second).unwrap();
        let again = prepare(root.path(), &settings, &AtomicBool::new(false)).unwrap();
        assert_eq!((again, second.exists()), (records, true));
    }

    #[test]
    fn folders_of_earlier_versions_are_continued() {
        let old = "how = \"align\"\nfallback = \"whole\"\nside = 48\nmin_share = 0.5\ndetector = \"test 1\"\n";
        assert_eq!(toml::from_str::<PrepareSettings>(old).unwrap(), settings());
    }

    #[test]
    fn results_do_not_go_into_the_input() {
        let root = raw();
        let input = root.path().join("raw");
        let out = input.join("out");
        std::fs::create_dir(&out).unwrap();
        let error = fixture::reported(jobs(&input, &out).unwrap_err());
        assert!(error.contains("lies in the input folder"), "{error}");
        let error = fixture::reported(jobs(&out, &root.path().join("out")).unwrap_err());
        assert!(error.contains("there is no picture"), "{error}");
    }
}
