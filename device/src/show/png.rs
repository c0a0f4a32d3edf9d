//! PNG files: the panel's sink, and the file writer that it shares with the overlay.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use emocue_config::Mode;
use emocue_models::files::refuse_existing;
use emocue_models::plain::PlainWriter;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};

use super::change::{News, ScreenChange};
use super::panel::Panel;
use super::{Display, FileRules, ShowError, ShowSettings, ShownFrame};
use crate::answer::FrameReport;

/// The source name of a badge's own states, such as "paused".
const OWN: &str = "badge";

/// Writes the panel, as it is, on every change of answer and for every still picture.
pub struct PanelPng {
    folder: Folder,
    settings: ShowSettings,
    panel: Panel,
    change: ScreenChange,
    pixels: Vec<u8>,
}

impl PanelPng {
    /// Writes files to `folder`, which is created.
    ///
    /// # Errors
    /// [`ShowError`] when `folder` is empty or cannot be created.
    pub fn create(
        folder: impl AsRef<Path>,
        settings: &ShowSettings,
        rules: FileRules,
    ) -> Result<Self, ShowError> {
        Ok(Self {
            folder: Folder::create("png", folder, rules)?,
            settings: *settings,
            panel: Panel::new(settings.panel),
            change: ScreenChange::default(),
            pixels: Vec::new(),
        })
    }
}

impl Display for PanelPng {
    fn finish(&mut self) -> Result<(), ShowError> {
        self.folder.say();
        Ok(())
    }

    fn set_mode(&mut self, mode: Mode, _: Instant) -> Result<(), ShowError> {
        self.settings.mode = mode;
        self.change.renew();
        Ok(())
    }

    fn show(
        &mut self,
        frame: Option<ShownFrame<'_>>,
        report: &FrameReport,
        _: Instant,
    ) -> Result<(), ShowError> {
        if self.change.see(report) == News::None {
            return Ok(());
        }
        self.panel.show(report.shown, &self.settings);
        self.pixels.clear();
        self.pixels.extend(self.panel.pixels().iter().map(|lit| if *lit { 255 } else { 0 }));
        let (width, height) = (self.panel.width() as u32, self.panel.height() as u32);
        // A badge's own states are numbered separately from its camera's frames.
        let source = frame.map_or(OWN, |_| report.source.as_str());
        let name = file_name(source, report.index);
        self.folder.write(name, &self.pixels, width, height, ExtendedColorType::L8)
    }
}

/// A folder of PNG files named after reports.
pub(crate) struct Folder {
    path: PathBuf,
    rules: FileRules,
    written: u64,
    /// The names of the written files that still exist, oldest first, if their number is limited.
    kept: VecDeque<String>,
}

impl Folder {
    /// Creates the folder of the sink `sink`, with its parents.
    pub(crate) fn create(
        sink: &'static str,
        folder: impl AsRef<Path>,
        rules: FileRules,
    ) -> Result<Self, ShowError> {
        let path = folder.as_ref().to_owned();
        if path.as_os_str().is_empty() {
            return Err(ShowError::NoFolder { sink });
        }
        fs::create_dir_all(&path).map_err(|source| ShowError::write(&path, source))?;
        Ok(Self { path, rules, written: 0, kept: VecDeque::new() })
    }

    /// Reports what was written on standard error.
    pub(crate) fn say(&self) {
        let plural = if self.written == 1 { "" } else { "s" };
        let kept = match self.kept.len() as u64 {
            kept if self.rules.keep.is_some() && kept < self.written => {
                format!(", the newest {kept} kept (--keep)")
            }
            _ => String::new(),
        };
        // Standard error may be closed.
        let _ = writeln!(
            PlainWriter(std::io::stderr()),
            "{}: {} picture{plural} written{kept}",
            self.path.display(),
            self.written
        );
    }

    /// Writes `width` x `height` px as `name`. The file appears when it is complete.
    pub(crate) fn write(
        &mut self,
        name: String,
        pixels: &[u8],
        width: u32,
        height: u32,
        color: ExtendedColorType,
    ) -> Result<(), ShowError> {
        let path = self.path.join(&name);
        if !self.rules.overwrite {
            refuse_existing(&path, &[]).map_err(ShowError::Exists)?;
        }
        let unfinished = self.path.join(format!(".{name}.part"));
        let written = encode(&unfinished, &path, pixels, width, height, color).and_then(|()| {
            fs::rename(&unfinished, &path).map_err(|source| ShowError::write(&path, source))
        });
        if written.is_err() {
            // The first error is the one to report.
            let _ = fs::remove_file(&unfinished);
        }
        written?;
        self.written += 1;
        if let Some(most) = self.rules.keep {
            self.kept.push_back(name);
            if self.kept.len() > most.get()
                && let Some(oldest) = self.kept.pop_front()
            {
                // The file may have been moved.
                let _ = fs::remove_file(self.path.join(oldest));
            }
        }
        Ok(())
    }
}

fn encode(
    unfinished: &Path,
    path: &Path,
    pixels: &[u8],
    width: u32,
    height: u32,
    color: ExtendedColorType,
) -> Result<(), ShowError> {
    let io_error = |source| ShowError::write(path, source);
    let mut file = BufWriter::new(fs::File::create(unfinished).map_err(io_error)?);
    PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Adaptive)
        .write_image(pixels, width, height, color)
        .map_err(|error| match error {
            ImageError::IoError(source) => io_error(source),
            other => ShowError::Encode {
                path: path.to_owned(),
                width,
                height,
                reason: other.to_string(),
            },
        })?;
    file.flush().map_err(io_error)
}

/// `astronaut-000000.png`: the source's stem and the frame's index. Characters that are not portable in file names
/// become `_`.
pub(crate) fn file_name(source: &str, index: u64) -> String {
    let stem = Path::new(source).file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
    let keep = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    // Names may be 255 bytes long; a character takes up to 4.
    let stem: String = stem.chars().take(48).map(|c| if keep(c) { c } else { '_' }).collect();
    let stem = stem.trim_matches(['.', '-']);
    let stem = if stem.is_empty() { "frame" } else { stem };
    format!("{stem}-{index:06}.png")
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use emocue_models::failure;
    use emocue_models::label::Expression;
    use emocue_models::luma::Luma;

    use super::*;
    use crate::answer::{Answer, Screen};
    use crate::show::fixture::report;

    const HAPPY: Screen = Screen::looks(Expression::Happiness);

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_per_change_holds_the_panel_pixel_by_pixel() {
        let folder = tempfile::tempdir().unwrap();
        let (into, frame) = (folder.path().join("made/here"), Luma::new(4, 2));
        let mut sink =
            PanelPng::create(&into, &ShowSettings::default(), FileRules::default()).unwrap();
        for (index, answer) in (0..).zip([HAPPY, HAPPY, Answer::NoFace.into(), HAPPY]) {
            let report = report("clip.y4m", index, None, answer);
            sink.show(Some((&frame).into()), &report, Instant::now()).unwrap();
        }
        let expected = ["clip-000000.png", "clip-000002.png", "clip-000003.png"];
        assert_eq!(names(&into), expected);
        let picture = image::open(into.join(expected[0])).unwrap().to_luma8();
        let mut panel = Panel::new(ShowSettings::default().panel);
        panel.show(HAPPY, &ShowSettings::default());
        assert_eq!(picture.dimensions(), (128, 64));
        let lit: Vec<bool> = picture.pixels().map(|pixel| pixel.0 == [255]).collect();
        assert_eq!(lit, panel.pixels());
    }

    #[test]
    fn a_picture_of_an_earlier_run_is_replaced_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a-000000.png"), "kept").unwrap();
        let shown = |overwrite| {
            let rules = FileRules { overwrite, ..FileRules::default() };
            let sink = PanelPng::create(folder.path(), &ShowSettings::default(), rules);
            let (report, frame) = (report("a", 0, None, HAPPY), Luma::new(4, 2));
            sink.unwrap().show(Some((&frame).into()), &report, Instant::now())
        };
        let error = failure::line(&shown(false).unwrap_err());
        assert!(error.contains("a-000000.png exists") && error.contains("--overwrite"), "{error}");
        assert_eq!(fs::read(folder.path().join("a-000000.png")).unwrap(), b"kept");
        shown(true).unwrap();
        assert!(image::open(folder.path().join("a-000000.png")).is_ok());
    }

    #[test]
    fn only_the_newest_pictures_of_a_run_are_kept_and_others_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let frame = Luma::new(4, 2);
        fs::write(folder.path().join("a-000100.png"), "of an earlier run").unwrap();
        let rules = FileRules { keep: NonZeroUsize::new(3), ..FileRules::default() };
        let mut sink = PanelPng::create(folder.path(), &ShowSettings::default(), rules).unwrap();
        for index in 0..10 {
            let answer = if index % 2 == 0 { HAPPY } else { Answer::NoFace.into() };
            let report = report("a", index, None, answer);
            sink.show(Some((&frame).into()), &report, Instant::now()).unwrap();
        }
        let expected = ["a-000007.png", "a-000008.png", "a-000009.png", "a-000100.png"];
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn a_state_of_the_badge_never_takes_the_name_of_a_frame() {
        let (folder, frame) = (tempfile::tempdir().unwrap(), Luma::new(4, 2));
        let rules = FileRules::default();
        let mut sink = PanelPng::create(folder.path(), &ShowSettings::default(), rules).unwrap();
        // The states of a live badge have the camera's name as their source, and numbers of their own.
        let mut show = |index, shown: Screen, frame: Option<&Luma>| {
            let report = report("pipe:cat", index, None, shown);
            sink.show(frame.map(Into::into), &report, Instant::now()).unwrap();
        };
        show(1, Screen::Starting, None);
        show(2, HAPPY, Some(&frame));
        show(2, Screen::CameraMissing, None);
        show(3, HAPPY, Some(&frame));
        let expected =
            ["badge-000001.png", "badge-000002.png", "pipe_cat-000002.png", "pipe_cat-000003.png"];
        assert_eq!(names(folder.path()), expected);
    }

    #[test]
    fn any_source_gives_a_safe_name() {
        let name = |source: &str| file_name(source, 7);
        assert_eq!(name("/pictures/a b.jpg"), "a_b-000007.png");
        assert_eq!(name("-"), "frame-000007.png");
        assert_eq!(name("../.."), "frame-000007.png");
        assert_eq!(name(".hidden"), "hidden-000007.png");
        assert_eq!(name("a\n\x1b:*.png"), "a____-000007.png");
        assert!(name(&"\u{1f600}\u{10ffff}".repeat(500)).len() < 255);
    }

    #[test]
    fn a_file_in_the_way_is_named_with_the_next_step() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().join("below");
        let text =
            failure::line(&Folder::create("png", &path, FileRules::default()).err().unwrap());
        assert!(text.contains(path.to_str().unwrap()), "{text}");
        assert!(text.contains("name another folder"), "{text}");
    }

    #[test]
    fn what_cannot_be_finished_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut sink = Folder::create("png", folder.path(), FileRules::default()).unwrap();
        // A folder with the file's name: encoding works, renaming does not.
        fs::create_dir_all(folder.path().join("a-000000.png/in the way")).unwrap();
        let name = "a-000000.png".to_owned();
        let error = sink.write(name, &[0; 4], 2, 2, ExtendedColorType::L8).unwrap_err();
        assert!(error.to_string().contains("a-000000.png"), "{error}");
        assert_eq!(names(folder.path()), ["a-000000.png"]);
    }
}
