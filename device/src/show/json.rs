//! One line of JSON per frame, for other programs.
//!
//! | Field | Value |
//! |---|---|
//! | `source` | the source's name, for pictures the file's |
//! | `index` | counts frames from 0 |
//! | `time_ms` | ms since the source's start, or `null` |
//! | `age_ms` | ms from a live camera's sensor to this line, or `null` |
//! | `width`, `height` | the frame in px; 0 where there is none |
//! | `shown` | what the panel shows: a class name, or another identifier of [`id`](super::words::id) |
//! | `shown_face` | which of `faces` the panel shows, from 0, or `null` |
//! | `searched` | whether the frame was searched for faces, or known ones were only followed |
//! | `labels` | the label set's identifier |
//! | `faces` | every face, nearest first, with the next six fields |
//! | `box` | `x`, `y`, `width`, `height` in px; may reach past the frame |
//! | `score` | the detector's score, 0 to 1 |
//! | `landmarks` | `left_eye`, `right_eye`, `nose`, `left_mouth`, `right_mouth` with `x`, `y` in px, or `null`; left is the viewer's |
//! | `track` | a number that stays with the face while it is followed, or `null` for still pictures |
//! | `probabilities` | by class name, sum 1, averaged over time where the face is followed; empty before it was classified |
//! | `answer` | a class name, `face-found`, `unsure`, `too-dark` or `too-far` |
//!
//! Fields may be added; none changes its meaning or is removed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use emocue_models::files::refuse_existing;
use emocue_models::geometry::{Landmarks, Rect};
use emocue_models::label::LabelSet;
use emocue_models::plain::PlainWriter;
use serde::{Serialize, Serializer};

use super::{Display, ShowError, ShownFrame, words};
use crate::answer::{FaceAnswer, FrameReport};

/// Writes a line per frame.
pub struct Json<W> {
    out: W,
    /// For messages; `None` is standard output.
    path: Option<PathBuf>,
    line: Vec<u8>,
    lines: u64,
}

/// Opens standard output for an empty argument or `-`, else a file, which is truncated.
pub(crate) fn open(argument: &OsStr, overwrite: bool) -> Result<Box<dyn Display>, ShowError> {
    if argument.is_empty() || argument == "-" {
        return Ok(Box::new(Json::new(io::stdout(), None)));
    }
    let path = PathBuf::from(argument);
    if !overwrite {
        refuse_existing(&path, &[]).map_err(ShowError::Exists)?;
    }
    let file = File::create(&path).map_err(|source| ShowError::write(&path, source))?;
    Ok(Box::new(Json::new(file, Some(path))))
}

impl<W: Write> Json<W> {
    /// Writes to any writer; messages name it `path`, or standard output without one.
    pub fn new(out: W, path: Option<PathBuf>) -> Self {
        Self { out, path, line: Vec::new(), lines: 0 }
    }
}

impl<W: Write + Send> Display for Json<W> {
    fn show(
        &mut self,
        frame: Option<ShownFrame<'_>>,
        report: &FrameReport,
        now: Instant,
    ) -> Result<(), ShowError> {
        let (width, height) =
            frame.map_or((0, 0), |frame| (frame.luma.width(), frame.luma.height()));
        let record = JsonRecord {
            source: &report.source,
            index: report.index,
            time_ms: report.time_ms,
            age_ms: report.captured.map(|at| now.saturating_duration_since(at).as_millis() as u64),
            width,
            height,
            shown: words::id(report.shown),
            shown_face: report.shown_face,
            searched: report.searched,
            labels: report.labels.id,
            faces: report,
        };
        self.line.clear();
        let write = |line: &mut Vec<u8>, out: &mut W| {
            serde_json::to_writer(&mut *line, &record).map_err(io::Error::from)?;
            line.push(b'\n');
            // A whole line in one write: a reader never gets half of one.
            out.write_all(line)?;
            out.flush()
        };
        write(&mut self.line, &mut self.out)
            .map_err(|source| ShowError::stream(self.path.as_deref(), source))?;
        self.lines += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ShowError> {
        if let Some(path) = &self.path {
            // Standard error may be closed.
            let mut stderr = PlainWriter(io::stderr());
            let _ = writeln!(stderr, "{}: {} lines written", path.display(), self.lines);
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct JsonRecord<'a> {
    source: &'a str,
    index: u64,
    time_ms: Option<u64>,
    age_ms: Option<u64>,
    width: usize,
    height: usize,
    shown: &'static str,
    shown_face: Option<usize>,
    searched: bool,
    labels: &'static str,
    #[serde(serialize_with = "each_face")]
    faces: &'a FrameReport,
}

#[derive(Serialize)]
struct FaceRecord<'a> {
    #[serde(rename = "box")]
    rect: Rect,
    score: f32,
    landmarks: Option<Landmarks>,
    track: Option<u32>,
    #[serde(serialize_with = "by_name")]
    probabilities: (&'static [&'static str], &'a [f32]),
    answer: &'static str,
}

impl<'a> FaceRecord<'a> {
    fn new(face: &'a FaceAnswer, labels: &LabelSet) -> Self {
        Self {
            rect: face.face.rect,
            score: face.face.score,
            landmarks: face.face.landmarks,
            track: face.track,
            probabilities: (labels.names, &face.probabilities),
            answer: words::id(face.answer),
        }
    }
}

/// Serializes face by face, without a list.
fn each_face<S: Serializer>(report: &FrameReport, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(report.faces.iter().map(|face| FaceRecord::new(face, &report.labels)))
}

/// A map in the label set's order.
fn by_name<S: Serializer>(
    (names, values): &(&'static [&'static str], &[f32]),
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(names.iter().zip(*values))
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;
    use emocue_models::luma::Luma;

    use emocue_models::label::Expression;
    use serde_json::{Value, json};

    use super::*;
    use crate::answer::{Answer, Screen};
    use crate::show::fixture;

    fn lines(reports: &[FrameReport]) -> Vec<String> {
        let mut out = Vec::new();
        let mut sink = Json::new(&mut out, None);
        for report in reports {
            sink.show(Some((&Luma::new(64, 48)).into()), report, Instant::now()).unwrap();
        }
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn a_face_has_every_documented_field() {
        let mut report =
            fixture::report("a \"b\".jpg", 7, Some(280), Answer::Looks(Expression::Surprise));
        report.faces[0].face = serde_json::from_value(json!({
            "rect": { "x": 1.5, "y": 2.0, "width": 30.0, "height": 40.0 },
            "score": 0.5,
            "landmarks": null,
        }))
        .unwrap();
        report.faces[0].probabilities = vec![0.0, 0.0, 0.75, 0.25, 0.0, 0.0, 0.0, 0.0];
        let lines = lines(&[report]);
        assert_eq!(
            lines,
            [concat!(
                r#"{"source":"a \"b\".jpg","index":7,"time_ms":280,"age_ms":null,"width":64,"height":48,"#,
                r#""shown":"surprise","shown_face":0,"searched":true,"labels":"ferplus-8","faces":[{"#,
                r#""box":{"x":1.5,"y":2.0,"width":30.0,"height":40.0},"score":0.5,"landmarks":null,"track":null,"#,
                r#""probabilities":{"neutral":0.0,"happiness":0.0,"surprise":0.75,"sadness":0.25,"#,
                r#""anger":0.0,"disgust":0.0,"fear":0.0,"contempt":0.0},"answer":"surprise"}]}"#
            )]
        );
    }

    #[test]
    fn every_frame_has_a_line_and_landmarks_have_names() {
        let reports = [
            fixture::report("clip", 0, None, Answer::NoFace),
            fixture::report("clip", 1, None, Answer::Unsure),
            fixture::report("clip", 2, None, Answer::Unsure),
        ];
        let values: Vec<Value> =
            lines(&reports).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(values.len(), 3);
        assert_eq!(values[0]["shown"], "no-face");
        assert_eq!(values[0]["faces"], json!([]));
        assert_eq!(values[1]["faces"][0]["answer"], "unsure");
        assert_eq!(
            values[1]["faces"][0]["landmarks"]["right_mouth"],
            json!({ "x": 36.0, "y": 42.0 })
        );
    }

    #[test]
    fn a_file_takes_the_lines_and_a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("faces.jsonl");
        let mut sink = open(path.as_os_str(), true).unwrap();
        let report = fixture::report("a", 0, None, Screen::Paused);
        sink.show(None, &report, Instant::now()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(r#""shown":"paused""#) && text.ends_with('\n'), "{text}");
        // An existing file is not lost.
        let error = open(path.as_os_str(), false).err().unwrap();
        assert!(matches!(error, ShowError::Exists(_)), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        let missing = folder.path().join("none/faces.jsonl");
        let text = failure::line(&open(missing.as_os_str(), false).err().unwrap());
        assert!(text.contains("none/faces.jsonl") && text.contains("does not exist"), "{text}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_named_with_the_next_step() {
        let mut sink = open(OsStr::new("/dev/full"), false).unwrap();
        let report = fixture::report("a", 0, None, Screen::Paused);
        let error = sink.show(None, &report, Instant::now()).unwrap_err();
        let text = failure::line(&error);
        assert!(text.contains("/dev/full") && text.contains("free some space"), "{text}");
    }
}
