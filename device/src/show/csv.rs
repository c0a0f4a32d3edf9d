//! A table for spreadsheets and pandas: one row per face and frame, CSV as in RFC 4180 with `\n` between rows.
//!
//! | Column | Value |
//! |---|---|
//! | `source` | the source's name, for pictures the file's |
//! | `index` | counts frames from 0 |
//! | `time_ms` | ms since the source's start; empty for pictures |
//! | `width`, `height` | the frame, px |
//! | `shown` | what the panel shows, as in [`json`](super::json) |
//! | `face` | counts the frame's faces from 0, nearest first |
//! | `is_shown` | 1 for the face that the panel shows, else 0 |
//! | `track` | a number that stays with the face while it is followed; empty for pictures |
//! | `box_x`, `box_y`, `box_width`, `box_height` | px; may reach past the frame |
//! | `score` | the detector's score, 0 to 1 |
//! | `answer` | a class name, `face-found`, `unsure`, `too-dark` or `too-far` |
//! | `p_CLASS`, one per class | probability, sum 1; empty before the face was classified |
//!
//! A frame without a face has one row, whose columns from `face` on are empty.

use std::ffi::OsStr;
use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::Instant;

use emocue_models::files::refuse_existing;
use emocue_models::label::LabelSet;
use emocue_models::plain::PlainWriter;

use super::{Display, ShowError, ShownFrame, words};
use crate::answer::{FaceAnswer, FrameReport};

/// The columns before the probabilities.
const COLUMNS: &str = "source,index,time_ms,width,height,shown,face,is_shown,track,\
                       box_x,box_y,box_width,box_height,score,answer";
/// How many of them are about a face.
const FACE_COLUMNS: usize = 9;

/// Writes a row per face.
pub struct Csv<W: Write> {
    out: BufWriter<W>,
    path: PathBuf,
    /// The classes of the header, once it is written.
    labels: Option<LabelSet>,
    rows: u64,
    text: String,
}

/// Opens a new file.
pub(crate) fn open(argument: &OsStr, overwrite: bool) -> Result<Box<dyn Display>, ShowError> {
    let path = PathBuf::from(argument);
    if path.as_os_str().is_empty() {
        return Err(ShowError::NoFile { sink: "csv" });
    }
    if !overwrite {
        refuse_existing(&path, &[]).map_err(ShowError::Exists)?;
    }
    let file = File::create(&path).map_err(|source| ShowError::write(&path, source))?;
    Ok(Box::new(Csv::new(file, path)))
}

impl<W: Write> Csv<W> {
    /// Writes to any writer; messages name it `path`.
    pub fn new(out: W, path: PathBuf) -> Self {
        Self { out: BufWriter::new(out), path, labels: None, rows: 0, text: String::new() }
    }

    /// Appends a frame's rows to `self.text`.
    fn rows(&mut self, frame: Option<ShownFrame<'_>>, report: &FrameReport) -> fmt::Result {
        let text = &mut self.text;
        if self.labels.is_none() {
            self.labels = Some(report.labels);
            text.push_str(COLUMNS);
            for name in report.labels.names {
                text.push(',');
                field(text, &format!("p_{name}"));
            }
            text.push('\n');
        }
        let classes = report.labels.names.len();
        for (index, face) in report.faces.iter().enumerate() {
            frame_columns(text, frame, report)?;
            let is_shown = u8::from(report.shown_face == Some(index));
            write!(text, ",{index},{is_shown},")?;
            face_columns(text, face, classes)?;
        }
        if report.faces.is_empty() {
            frame_columns(text, frame, report)?;
            text.extend(std::iter::repeat_n(',', FACE_COLUMNS + classes));
            text.push('\n');
        }
        self.rows += report.faces.len().max(1) as u64;
        Ok(())
    }
}

fn frame_columns(
    text: &mut String,
    frame: Option<ShownFrame<'_>>,
    report: &FrameReport,
) -> fmt::Result {
    let (width, height) = frame.map_or((0, 0), |frame| (frame.luma.width(), frame.luma.height()));
    field(text, &report.source);
    write!(text, ",{},", report.index)?;
    if let Some(ms) = report.time_ms {
        write!(text, "{ms}")?;
    }
    write!(text, ",{width},{height},{}", words::id(report.shown))
}

fn face_columns(text: &mut String, face: &FaceAnswer, classes: usize) -> fmt::Result {
    if let Some(track) = face.track {
        write!(text, "{track}")?;
    }
    let rect = face.face.rect;
    write!(text, ",{:.1},{:.1},{:.1},{:.1}", rect.x, rect.y, rect.width, rect.height)?;
    write!(text, ",{:.3},{}", face.face.score, words::id(face.answer))?;
    for class in 0..classes {
        text.push(',');
        if let Some(probability) = face.probabilities.get(class) {
            write!(text, "{probability:.4}")?;
        }
    }
    text.push('\n');
    Ok(())
}

/// Appends a field with any text. A spreadsheet interprets one that begins with `=`, `+`, `-` or `@` as a formula, so
/// an apostrophe is put before it.
fn field(text: &mut String, value: &str) {
    let is_formula = value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let is_plain = !is_formula && !value.contains([',', '"', '\n', '\r']);
    if is_plain {
        text.push_str(value);
        return;
    }
    text.push('"');
    if is_formula {
        text.push('\'');
    }
    for c in value.chars() {
        if c == '"' {
            text.push('"');
        }
        text.push(c);
    }
    text.push('"');
}

impl<W: Write + Send> Display for Csv<W> {
    fn show(
        &mut self,
        frame: Option<ShownFrame<'_>>,
        report: &FrameReport,
        _: Instant,
    ) -> Result<(), ShowError> {
        // A state of the badge itself is not a frame.
        if frame.is_none() {
            return Ok(());
        }
        self.text.clear();
        let written = self.rows(frame, report).map_err(io::Error::other);
        written
            .and_then(|()| self.out.write_all(self.text.as_bytes()))
            .map_err(|source| ShowError::write(&self.path, source))
    }

    fn tick(&mut self, _: Instant) -> Result<(), ShowError> {
        self.out.flush().map_err(|source| ShowError::write(&self.path, source))
    }

    fn finish(&mut self) -> Result<(), ShowError> {
        self.out.flush().map_err(|source| ShowError::write(&self.path, source))?;
        // Standard error may be closed.
        let _ = writeln!(
            PlainWriter(io::stderr()),
            "{}: {} rows written",
            self.path.display(),
            self.rows
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::Expression;
    use emocue_models::luma::Luma;

    use super::*;
    use crate::answer::{Answer, Screen};
    use crate::show::fixture;

    fn written(reports: &[FrameReport]) -> String {
        let mut out = Vec::new();
        let mut sink = Csv::new(&mut out, "a.csv".into());
        for report in reports {
            sink.show(Some((&Luma::new(64, 48)).into()), report, Instant::now()).unwrap();
        }
        sink.show(None, &fixture::report("a", 9, None, Screen::Paused), Instant::now()).unwrap();
        sink.finish().unwrap();
        drop(sink);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_row_per_face_and_one_for_a_frame_without_any() {
        let mut two = fixture::report("clip.y4m", 3, Some(120), Answer::Looks(Expression::Fear));
        let mut other = fixture::face([-4.0, 0.0, 20.0, 25.0], Answer::FaceFound, 0.3);
        (other.track, other.probabilities) = (Some(7), Vec::new());
        two.faces.push(other);
        let none = fixture::report("clip.y4m", 4, Some(160), Answer::NoFace);
        let text = written(&[two, none]);
        let rows: Vec<&str> = text.lines().collect();
        let header = format!(
            "{COLUMNS},p_neutral,p_happiness,p_surprise,p_sadness,p_anger,p_disgust,p_fear,p_contempt"
        );
        assert_eq!(rows[0], header);
        assert_eq!(
            rows[1],
            "clip.y4m,3,120,64,48,fear,0,1,,10.0,10.0,40.0,40.0,0.990,fear,\
             0.0100,0.0100,0.0100,0.0100,0.0100,0.0100,0.9300,0.0100"
        );
        assert_eq!(
            rows[2],
            "clip.y4m,3,120,64,48,fear,1,0,7,-4.0,0.0,20.0,25.0,0.990,face-found,,,,,,,,"
        );
        assert_eq!(rows[3], "clip.y4m,4,160,64,48,no-face,,,,,,,,,,,,,,,,,");
        assert_eq!(rows.len(), 4);
        let columns = |row: &&str| row.split(',').count();
        assert!(rows.iter().all(|row| columns(row) == columns(&rows[0])));
    }

    #[test]
    fn a_name_is_quoted_and_is_not_a_formula() {
        for (name, expected) in [
            ("a b.jpg", "a b.jpg"),
            ("a,\"b\".jpg", "\"a,\"\"b\"\".jpg\""),
            ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
            ("-x", "\"'-x\""),
        ] {
            let text = written(&[fixture::report(name, 0, None, Answer::NoFace)]);
            assert!(text.lines().nth(1).unwrap().starts_with(&format!("{expected},0,")), "{text}");
        }
    }

    #[test]
    fn a_file_that_is_there_is_kept_and_a_name_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "kept").unwrap();
        assert!(matches!(open(path.as_os_str(), false), Err(ShowError::Exists(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"kept");
        assert!(matches!(open(OsStr::new(""), false), Err(ShowError::NoFile { sink: "csv" })));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said_with_the_file() {
        let mut sink = open(OsStr::new("/dev/full"), true).unwrap();
        let report = fixture::report("a", 0, None, Answer::NoFace);
        sink.show(Some((&Luma::new(8, 8)).into()), &report, Instant::now()).unwrap();
        let error = sink.tick(Instant::now()).unwrap_err();
        assert!(error.to_string().starts_with("cannot write /dev/full: "), "{error}");
    }
}
