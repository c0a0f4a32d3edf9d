//! `emocue boxes`

use crate::output::{out, outln};
use std::path::{Path, PathBuf};

use clap::Args;
use emocue_models::failure::{Failure, Problem, exit};
use emocue_models::geometry::Rect;
use emocue_run::Detector;
use serde::Deserialize;

use super::detectors::NamedDetector;
use super::eval::with_bar;
use crate::eval::boxes::Agreement;
use emocue_data::picture;
use emocue_data::picture::pictures_in;

/// Compare two detectors by their boxes, such as a quantized one with its original.
///
/// Two boxes are of the same face from an IoU of 0.5 on. In pictures without faces every detection is a false alarm.
#[derive(Args, Debug)]
pub struct BoxesArgs {
    /// The detector that is compared: a folder with pnet.onnx, rnet.onnx and onet.onnx, a bundle's file or default.
    first: PathBuf,
    /// The detector that it is compared with, in the same form.
    second: PathBuf,
    /// A folder of pictures.
    #[arg(long, value_name = "DIR", required_unless_present = "marked")]
    pictures: Option<PathBuf>,
    /// Annotated faces instead: a CSV file with file,x,y,w,h,label, next to its pictures.
    #[arg(long, value_name = "CSV", conflicts_with = "pictures")]
    marked: Option<PathBuf>,
    /// Labels of the annotated faces that are evaluated.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "face,without_mask")]
    labels: Vec<String>,
    /// Smallest longer side of an annotated face that is evaluated, px.
    #[arg(long, value_name = "PX", default_value_t = 24.0)]
    least: f32,
    /// Smallest face to detect, px.
    #[arg(long, value_name = "PX", default_value_t = 24.0)]
    min_face: f32,
    /// Print JSON instead.
    #[arg(long)]
    json: bool,
    /// Only this many pictures, evenly spaced.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// A picture with its annotated faces.
type Marked = (PathBuf, Vec<Rect>);

/// A line of a file of annotated faces.
#[derive(Deserialize)]
struct Mark {
    file: String,
    x: f32,
    y: f32,
    w: f32,
    h: f32,
    label: String,
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help.
pub fn run(args: &BoxesArgs) -> Result<(), Box<dyn Failure>> {
    let open = |name| -> Result<Box<dyn Detector>, Box<dyn Failure>> {
        Ok(NamedDetector::read(name, Some(args.min_face))?.open(None)?)
    };
    let (mut first, mut second) = (open(&args.first)?, open(&args.second)?);
    let pictures = args.with_marks()?;
    let used = args.limit.unwrap_or(usize::MAX).min(pictures.len());
    let mut agreement = Agreement::default();
    with_bar(used, |progress| {
        (0..used).try_for_each(|at| -> Result<(), Box<dyn Failure>> {
            let (path, marks) = &pictures[at * pictures.len() / used];
            agreement.see([first.as_mut(), second.as_mut()], &picture::read(path)?, marks)?;
            progress(1);
            Ok(())
        })
    })?;
    if args.json {
        outln!("{}", json(&agreement));
    } else {
        out!("{}", text(args, &agreement));
    }
    Ok(())
}

impl BoxesArgs {
    /// Pictures with the annotated faces that count.
    fn with_marks(&self) -> Result<Vec<Marked>, Box<dyn Failure>> {
        let Some(marked) = &self.marked else {
            let folder = self.pictures.as_deref().unwrap_or(Path::new("."));
            return Ok(pictures_in(folder)?.into_iter().map(|path| (path, Vec::new())).collect());
        };
        let folder = marked.parent().unwrap_or(Path::new("."));
        let named = |error: csv::Error| {
            Problem::new(format!("{}: {error}", marked.display())).code(exit::INPUT)
        };
        let mut pictures: Vec<Marked> = Vec::new();
        for line in csv::Reader::from_path(marked).map_err(named)?.deserialize::<Mark>() {
            let Mark { file, x, y, w, h, label } = line.map_err(named)?;
            let path = folder.join(file);
            if pictures.last().is_none_or(|(last, _)| *last != path) {
                pictures.push((path, Vec::new()));
            }
            if self.labels.contains(&label)
                && w.max(h) >= self.least
                && let Some((_, marks)) = pictures.last_mut()
            {
                marks.push(Rect::new(x, y, w, h));
            }
        }
        Ok(pictures)
    }
}

fn json(agreement: &Agreement) -> serde_json::Value {
    let Agreement { pictures, both, first_only, second_only, marked, found, .. } = agreement;
    serde_json::json!({
        "pictures": pictures,
        "both": both,
        "first_only": first_only,
        "second_only": second_only,
        "mean_iou": agreement.mean_iou(),
        "landmark_error": agreement.landmark_error(),
        "marked": marked,
        "found": found,
    })
}

fn text(args: &BoxesArgs, agreement: &Agreement) -> String {
    let (first, second) = (args.first.display(), args.second.display());
    let Agreement { pictures, both, first_only, second_only, marked, found, .. } = agreement;
    let mut lines = vec![
        format!("{pictures} pictures, faces of {} px and more", args.min_face),
        format!(
            "found by both {both}, only by {first} {first_only}, only by {second} {second_only}"
        ),
    ];
    if *both > 0 {
        lines.push(format!(
            "mean IoU {:.4} (99 % reach {:.3}), landmarks off by {:.2} % of the box's width",
            agreement.mean_iou(),
            agreement.low_iou(),
            100.0 * agreement.landmark_error()
        ));
    }
    if *marked > 0 {
        lines.push(format!(
            "of {marked} marked faces {first} found {}, {second} {}",
            found[0], found[1]
        ));
    }
    lines.join("\n") + "\n"
}
