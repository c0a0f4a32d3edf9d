//! Video files, decoded by ffmpeg where it is installed.

use std::io::{self, BufReader};
use std::path::Path;
use std::process::ChildStdout;

use emocue_models::colors::Colors;
use emocue_models::luma::Luma;

use super::{Camera, CameraError, CameraRead, FrameInfo, Rate, Y4m};
use crate::ffmpeg::Ffmpeg;

/// Signatures of video containers: offset and bytes.
const CONTAINERS: &[(usize, &[u8])] = &[
    (4, b"ftyp"),             // MP4, MOV, 3GP
    (4, b"moov"),             // old MOV
    (0, b"\x1A\x45\xDF\xA3"), // Matroska, WebM
    (8, b"AVI "),
    (0, b"\0\0\x01\xBA"), // MPEG program stream
    (0, b"\0\0\x01\xB3"), // MPEG video
    (0, b"OggS"),
    (0, b"FLV"),
    (0, b"\x30\x26\xB2\x75"), // WMV
];
/// `ftyp` brands of pictures.
const PICTURES: [&[u8]; 4] = [b"heic", b"heix", b"mif1", b"avif"];
/// An MPEG transport stream has this byte every 188 bytes.
const TRANSPORT: (u8, usize) = (0x47, 188);

/// Whether a file that begins with `bytes` is a video.
pub(super) fn is_video(bytes: &[u8]) -> bool {
    let has = |at: usize, magic: &[u8]| bytes.get(at..at + magic.len()) == Some(magic);
    let is_container = CONTAINERS.iter().any(|(at, magic)| has(*at, magic));
    let is_picture = has(4, b"ftyp") && PICTURES.iter().any(|brand| has(8, brand));
    let (sync, packet) = TRANSPORT;
    let is_transport = (0..3).all(|packets| bytes.get(packets * packet) == Some(&sync));
    is_container && !is_picture || is_transport
}

/// A video file's frames, one after the other.
pub(super) struct Video {
    name: String,
    /// The process, while it runs.
    ffmpeg: Option<Ffmpeg>,
    frames: Y4m<BufReader<ChildStdout>>,
}

impl Video {
    /// Starts ffmpeg on the file `path`; reports name it `name`.
    ///
    /// # Errors
    /// [`CameraError`] without ffmpeg, or when it finds no picture in the file.
    pub(super) fn open(name: &str, path: &Path, keeps_colors: bool) -> Result<Self, CameraError> {
        let started = Ffmpeg::reader(path);
        let (ffmpeg, stdout) = started.map_err(|reason| match reason.kind() {
            io::ErrorKind::NotFound => CameraError::NoFfmpeg { name: name.to_owned() },
            _ => CameraError::Io { name: name.to_owned(), reason },
        })?;
        match Y4m::new(name, BufReader::with_capacity(1 << 16, stdout)) {
            Ok(frames) => {
                let frames = frames.with_colors(keeps_colors);
                Ok(Self { name: name.to_owned(), ffmpeg: Some(ffmpeg), frames })
            }
            Err(error) => Err(failed(name, ffmpeg).unwrap_or(error)),
        }
    }
}

/// Why ffmpeg failed; `None` where it did not.
fn failed(name: &str, mut ffmpeg: Ffmpeg) -> Option<CameraError> {
    let name = name.to_owned();
    match ffmpeg.end() {
        Ok((status, _)) if status.success() => None,
        Ok((status, said)) => Some(CameraError::Video { name, status: status.to_string(), said }),
        Err(reason) => Some(CameraError::Io { name, reason }),
    }
}

impl Camera for Video {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<CameraRead, CameraError> {
        let read = self.frames.next(frame, info);
        let is_over = !matches!(&read, Ok(read) if read.is_frame());
        // A stream is incomplete if ffmpeg failed at its end.
        match self.ffmpeg.take_if(|_| is_over).and_then(|ffmpeg| failed(&self.name, ffmpeg)) {
            Some(error) => Err(error),
            None => read,
        }
    }

    fn colors(&self) -> Option<&Colors> {
        self.frames.colors()
    }

    fn rate(&self) -> Option<Rate> {
        self.frames.rate()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn videos_are_told_by_how_they_begin() {
        let mut transport = vec![0; 600];
        for at in [0, 188, 376] {
            transport[at] = 0x47;
        }
        let videos: [&[u8]; 5] = [
            b"\0\0\0\x20ftypisom\0\0",
            b"\x1A\x45\xDF\xA3\x01",
            b"RIFF\0\0\0\0AVI LIST",
            b"\0\0\x01\xBA\x44",
            &transport,
        ];
        for bytes in videos {
            assert!(is_video(bytes), "{bytes:?}");
        }
        let others: [&[u8]; 7] = [
            b"",
            b"G",
            b"\0\0\0\x20ftypheic",
            b"RIFF\0\0\0\0WEBPVP8 ",
            b"\xFF\xD8\xFF\xE0",
            b"\x89PNG\r\n\x1A\n",
            b"GIF89a",
        ];
        for bytes in others {
            assert!(!is_video(bytes), "{bytes:?}");
        }
    }
}
