//! A video file: Y4M by this program, anything else by ffmpeg.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ChildStdin;

use emocue_models::files::refuse_existing;
use emocue_models::plain::PlainWriter;

use super::{FileRules, ShowError};
use crate::camera::Rate;
use crate::ffmpeg::Ffmpeg;

/// Frame rate of a live camera's video, Hz; frames are repeated or dropped to keep the rate.
const LIVE: u32 = 25;
/// Frame rate of single pictures, Hz.
const PICTURES: u32 = 1;
/// The most repetitions for missing frames: a minute.
const MOST_REPEATED: u64 = 60 * LIVE as u64;

/// A video that is being written. All its frames have the size of the first; larger ones are cropped, and smaller ones
/// padded with black.
pub struct Video {
    path: PathBuf,
    out: Out,
    format: Option<Format>,
    frames: u64,
    /// The frame in Y4M's order.
    yuv: Vec<u8>,
}

/// The destination of frames.
enum Out {
    File(BufWriter<File>),
    Ffmpeg(Box<Ffmpeg>, Option<ChildStdin>),
}

/// The format in the header, which is written with the first frame.
#[derive(Clone, Copy, Debug)]
struct Format {
    width: u32,
    height: u32,
    /// Whether the frames are from a live camera.
    is_live: bool,
    /// The first frame's time, ms.
    from_ms: u64,
}

/// A frame's colours, 8-bit RGB row by row, and its time.
#[derive(Clone, Copy, Debug)]
pub struct VideoFrame<'a> {
    /// `3 * width * height` bytes.
    pub rgb: &'a [u8],
    /// Width, px.
    pub width: u32,
    /// Height, px.
    pub height: u32,
    /// The source's frame rate, if it is known: then every frame is written once.
    pub rate: Option<Rate>,
    /// The frame's timestamp, ms, if it has one.
    pub time_ms: Option<u64>,
}

impl Video {
    /// Begins the file `path`. Without ffmpeg, a file that is not Y4M gets the extension `.y4m`, which is reported on
    /// standard error.
    ///
    /// # Errors
    /// [`ShowError`] without a name, or when the file exists or cannot be created.
    pub fn create(path: impl AsRef<Path>, rules: FileRules) -> Result<Self, ShowError> {
        let mut path = path.as_ref().to_owned();
        if path.file_name().is_none() {
            return Err(ShowError::NoFile { sink: "video" });
        }
        let free = |path: &Path| match rules.overwrite {
            true => Ok(()),
            false => refuse_existing(path, &[]).map_err(ShowError::Exists),
        };
        free(&path)?;
        if !is_y4m(&path) {
            match Ffmpeg::writer(&path) {
                Ok((ffmpeg, stdin)) => {
                    // Checked first, since ffmpeg's message about a folder is not helpful.
                    let file = File::options().append(true).create(true).open(&path);
                    file.map_err(|source| ShowError::write(&path, source))?;
                    return Ok(Self::new(path, Out::Ffmpeg(Box::new(ffmpeg), Some(stdin))));
                }
                // An existing video at `path` is not changed.
                Err(reason) if reason.kind() == io::ErrorKind::NotFound => {
                    path.set_extension("y4m");
                    free(&path)?;
                    say(format_args!("without ffmpeg the video becomes {}", path.display()));
                }
                Err(reason) => {
                    return Err(ShowError::Ffmpeg { path, reason: reason.to_string() });
                }
            }
        }
        let file = File::create(&path).map_err(|source| ShowError::write(&path, source))?;
        Ok(Self::new(path, Out::File(BufWriter::with_capacity(1 << 20, file))))
    }

    fn new(path: PathBuf, out: Out) -> Self {
        Self { path, out, format: None, frames: 0, yuv: Vec::new() }
    }

    /// Appends a frame.
    ///
    /// # Errors
    /// [`ShowError`] when it cannot be written.
    pub fn write(&mut self, frame: &VideoFrame<'_>) -> Result<(), ShowError> {
        let format = match self.format {
            Some(format) => format,
            None => self.begin(frame)?,
        };
        // The number of frames that there should be, including this one.
        let due = match frame.time_ms {
            Some(ms) if format.is_live => {
                let frames = ms.saturating_sub(format.from_ms) * u64::from(LIVE) / 1000 + 1;
                frames.min(self.frames + MOST_REPEATED)
            }
            _ => self.frames + 1,
        };
        if self.frames < due {
            yuv420(frame, format.width, format.height, &mut self.yuv);
        }
        while self.frames < due {
            self.send(b"FRAME\n")?;
            let yuv = std::mem::take(&mut self.yuv);
            let sent = self.send(&yuv);
            self.yuv = yuv;
            sent?;
            self.frames += 1;
        }
        Ok(())
    }

    /// Writes the header.
    fn begin(&mut self, frame: &VideoFrame<'_>) -> Result<Format, ShowError> {
        // 4:2:0 has a sample of chroma for every two px.
        let even = |px: u32| (px & !1).max(2);
        let format = Format {
            width: even(frame.width),
            height: even(frame.height),
            is_live: frame.rate.is_none() && frame.time_ms.is_some(),
            from_ms: frame.time_ms.unwrap_or_default(),
        };
        let usual = if format.is_live { LIVE } else { PICTURES };
        let Rate { frames, seconds } = frame.rate.unwrap_or(Rate { frames: usual, seconds: 1 });
        let Format { width, height, .. } = format;
        let header = format!("YUV4MPEG2 W{width} H{height} F{frames}:{seconds} Ip A1:1 C420jpeg\n");
        self.send(header.as_bytes())?;
        self.format = Some(format);
        Ok(format)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), ShowError> {
        match &mut self.out {
            Out::File(file) => {
                file.write_all(bytes).map_err(|source| ShowError::write(&self.path, source))
            }
            Out::Ffmpeg(_, Some(stdin)) => match stdin.write_all(bytes) {
                // ffmpeg ended; its message says why.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.end(),
                result => result.map_err(|source| ShowError::write(&self.path, source)),
            },
            Out::Ffmpeg(_, None) => Ok(()),
        }
    }

    /// Waits until the file is complete.
    fn end(&mut self) -> Result<(), ShowError> {
        let fail = |reason: String| ShowError::Ffmpeg { path: self.path.clone(), reason };
        match &mut self.out {
            Out::File(file) => file.flush().map_err(|source| ShowError::write(&self.path, source)),
            Out::Ffmpeg(ffmpeg, stdin) => {
                drop(stdin.take());
                match ffmpeg.end() {
                    Ok((status, _)) if status.success() => Ok(()),
                    Ok((status, said)) => Err(fail(format!("{said} ({status})"))),
                    Err(error) => Err(fail(error.to_string())),
                }
            }
        }
    }

    /// Ends the file, and reports what was written on standard error.
    ///
    /// # Errors
    /// [`ShowError`] when the rest cannot be written.
    pub fn finish(&mut self) -> Result<(), ShowError> {
        // ffmpeg does not write a video without frames.
        if self.frames > 0 {
            self.end()?;
        }
        say(format_args!("{}: {} frames written", self.path.display(), self.frames));
        Ok(())
    }
}

fn say(line: std::fmt::Arguments<'_>) {
    // Standard error may be closed.
    let _ = writeln!(PlainWriter(io::stderr()), "{line}");
}

/// Whether a video of this name is Y4M.
pub(crate) fn is_y4m(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("y4m"))
}

/// The frame as limited-range BT.601 in 4:2:0, `width` x `height` px, both even.
fn yuv420(frame: &VideoFrame<'_>, width: u32, height: u32, yuv: &mut Vec<u8>) {
    yuv.clear();
    let pixel = |x: u32, y: u32| {
        let at = 3 * (y as usize * frame.width as usize + x as usize);
        let is_inside = x < frame.width && y < frame.height;
        let rgb = frame.rgb.get(at..at + 3).filter(|_| is_inside);
        rgb.map_or([0.0; 3], |rgb| [rgb[0], rgb[1], rgb[2]].map(f32::from))
    };
    let dot = |[r, g, b]: [f32; 3], [x, y, z]: [f32; 3]| r * x + g * y + b * z;
    for y in 0..height {
        yuv.extend(
            (0..width)
                .map(|x| (16.5 + dot(pixel(x, y), [0.299, 0.587, 0.114]) * 219.0 / 255.0) as u8),
        );
    }
    for weights in [[-0.168_736, -0.331_264, 0.5], [0.5, -0.418_688, -0.081_312]] {
        for y in (0..height).step_by(2) {
            yuv.extend((0..width).step_by(2).map(|x| {
                let square = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)];
                let sum: f32 = square.map(|(x, y)| dot(pixel(x, y), weights)).iter().sum();
                (128.5 + sum / 4.0 * 224.0 / 255.0) as u8
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;
    use emocue_models::luma::Luma;

    use super::*;
    use crate::camera::{Camera, FrameInfo, Y4m};

    const RED: [u8; 3] = [255, 0, 0];

    fn frame(rgb: &[u8], width: u32, rate: Option<Rate>, time_ms: Option<u64>) -> VideoFrame<'_> {
        VideoFrame { rgb, width, height: rgb.len() as u32 / 3 / width, rate, time_ms }
    }

    /// Times and first colours of the frames that a video holds after `write`.
    fn written(write: impl FnOnce(&mut Video)) -> Vec<(u64, [u8; 3])> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.y4m");
        let mut video = Video::create(&path, FileRules::default()).unwrap();
        write(&mut video);
        video.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let mut camera = Y4m::new("a", bytes.as_slice()).unwrap().with_colors(true);
        let (mut luma, mut info, mut frames) = (Luma::default(), FrameInfo::default(), vec![]);
        while camera.next(&mut luma, &mut info).unwrap().is_frame() {
            let color = camera.colors().unwrap().pixels().next().unwrap();
            frames.push((info.time_ms.unwrap(), color));
        }
        frames
    }

    #[test]
    fn colours_and_the_rate_come_back() {
        let red = RED.repeat(8);
        let rate = Some(Rate { frames: 25, seconds: 1 });
        let frames = written(|video| {
            for ms in [0, 40, 80] {
                video.write(&frame(&red, 4, rate, Some(ms))).unwrap();
            }
        });
        assert_eq!(frames.iter().map(|(ms, _)| *ms).collect::<Vec<_>>(), [0, 40, 80]);
        for (_, [r, g, b]) in frames {
            assert!(r >= 252 && g <= 3 && b <= 3, "{r} {g} {b}");
        }
    }

    #[test]
    fn a_live_video_keeps_time_and_a_long_silence_is_shortened() {
        let grey = [128; 3 * 4];
        let count = |times: &[u64]| {
            written(|video| {
                for ms in times {
                    video.write(&frame(&grey, 2, None, Some(*ms))).unwrap();
                }
            })
            .len()
        };
        // 25 Hz: of 100 Hz every fourth, of 5 Hz each five times.
        assert_eq!(count(&(0..100).map(|i| 7000 + 10 * i).collect::<Vec<_>>()), 25);
        assert_eq!(count(&(0..6).map(|i| 200 * i).collect::<Vec<_>>()), 26);
        assert_eq!(count(&[0, 3_600_000]), 1 + MOST_REPEATED as usize);
        assert_eq!(count(&[500, 0, 500]), 1);
    }

    #[test]
    fn pictures_of_any_size_go_into_the_first_ones() {
        let frames = written(|video| {
            for (count, width) in [(6 * 4, 6), (2, 1), (100, 10), (9, 3)] {
                video.write(&frame(&RED.repeat(count), width, None, None)).unwrap();
            }
        });
        assert_eq!(frames.iter().map(|(ms, _)| *ms).collect::<Vec<_>>(), [0, 1000, 2000, 3000]);
    }

    #[test]
    fn a_video_that_is_there_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.y4m", "a.mp4"] {
            let path = folder.path().join(name);
            std::fs::write(&path, "kept").unwrap();
            assert!(matches!(
                Video::create(&path, FileRules::default()),
                Err(ShowError::Exists(_))
            ));
            assert_eq!(std::fs::read(&path).unwrap(), b"kept");
        }
        assert!(matches!(
            Video::create("", FileRules::default()),
            Err(ShowError::NoFile { sink: "video" })
        ));
    }

    #[test]
    fn without_ffmpeg_it_is_y4m_and_with_it_a_wrong_ending_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.no-such-ending");
        let mut video = Video::create(&path, FileRules::default()).unwrap();
        let red = RED.repeat(4);
        let result = (0..100_000)
            .try_for_each(|_| video.write(&frame(&red, 2, None, None)))
            .and_then(|()| video.finish());
        match result {
            Ok(()) => assert!(folder.path().join("a.y4m").exists() && !path.exists()),
            Err(error) => {
                let line = failure::line(&error);
                assert!(line.contains("ffmpeg") && line.contains("another ending"), "{line}");
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_said_with_the_file() {
        let full = Path::new("/dev/full");
        let file = BufWriter::new(File::options().write(true).open(full).unwrap());
        let mut video = Video::new(full.to_owned(), Out::File(file));
        video.write(&frame(&RED.repeat(4), 2, None, None)).unwrap();
        let error = video.finish().unwrap_err().to_string();
        assert!(error.starts_with("cannot write /dev/full: "), "{error}");
    }
}
