//! YUV4MPEG2 streams, as ffmpeg writes with `-f yuv4mpegpipe`. Colours are kept for displays only.

use std::io::{self, BufRead, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::y4m::{Colorspace, Decoder, Error, Limits};
use emocue_models::colors::Colors;
use emocue_models::luma::{Luma, Range};
use emocue_models::picture::MAX_PIXELS;

use super::ycbcr::{self, Step};
use super::{Camera, CameraError, CameraRead, FrameInfo, Rate};

/// The first bytes of every stream.
pub(super) const MAGIC: &[u8] = b"YUV4MPEG2 ";

/// The longest header line that the decoder accepts, bytes.
pub(super) const MAX_HEADER: u64 = 1024;

/// A Y4M stream of 8, 10 or 12 bits.
///
/// Luma is limited range (16 is black, 235 white) unless the header says `XCOLORRANGE=FULL`; the tag
/// `C420jpeg` only places the chroma samples and says nothing about the range.
pub struct Y4m<R: Read> {
    name: String,
    decoder: Decoder<Counted<io::Chain<Cursor<Vec<u8>>, R>>>,
    read: Arc<AtomicU64>,
    picture: Picture,
    index: u64,
    ended: bool,
    colors: Option<Colors>,
}

impl<R: BufRead> Y4m<R> {
    /// Reads the stream's header; `name` is for reports and errors.
    ///
    /// # Errors
    /// [`CameraError`] for another format, an unknown colour space, a size of 0 or over [`MAX_PIXELS`].
    pub fn new(name: &str, mut reader: R) -> Result<Self, CameraError> {
        let mut header = Vec::new();
        let io = |reason| CameraError::Io { name: name.to_owned(), reason };
        (&mut reader).take(MAX_HEADER).read_until(b'\n', &mut header).map_err(io)?;
        check_header(name, &header)?;
        let read = Arc::new(AtomicU64::new(0));
        let at = header.len() as u64;
        let counted =
            Counted { reader: Cursor::new(header).chain(reader), read: Arc::clone(&read) };
        let decoder = decoder(name, at, counted)?;
        let picture = Picture::of(&decoder);
        let name = name.to_owned();
        Ok(Self { name, decoder, read, picture, index: 0, ended: false, colors: None })
    }

    /// The same stream, whose colours are kept for displays where it has any.
    #[must_use]
    pub fn with_colors(mut self, keeps_colors: bool) -> Self {
        let has_chroma = chroma_step(self.decoder.get_colorspace()).is_some();
        self.colors = (keeps_colors && has_chroma).then(Colors::default);
        self
    }
}

/// How many px a sample of chroma covers, horizontally and vertically; `None` without chroma.
fn chroma_step(space: Colorspace) -> Option<Step> {
    match space {
        Colorspace::Cmono | Colorspace::Cmono12 => None,
        Colorspace::C422 | Colorspace::C422p10 | Colorspace::C422p12 => Some([2, 1]),
        Colorspace::C444 | Colorspace::C444p10 | Colorspace::C444p12 => Some([1, 1]),
        _ => Some([2, 2]),
    }
}

/// Refuses headers that the decoder does not handle safely.
fn check_header(name: &str, header: &[u8]) -> Result<(), CameraError> {
    if !header.starts_with(MAGIC) {
        let cut = MAGIC.starts_with(header);
        let (at, missing) = (header.len() as u64, "no YUV4MPEG2 header came");
        let name = name.to_owned();
        return Err(match cut {
            true => CameraError::Truncated { name, at, missing },
            false => CameraError::UnknownFormat { name },
        });
    }
    // The decoder multiplies the two without an overflow check.
    let (width, height) = (number(header, b'W'), number(header, b'H'));
    if width.saturating_mul(height) > MAX_PIXELS {
        return Err(CameraError::TooLarge { name: name.to_owned(), width, height });
    }
    Ok(())
}

/// Reads a checked header of `at` bytes.
fn decoder<R: Read>(name: &str, at: u64, reader: R) -> Result<Decoder<R>, CameraError> {
    // A whole frame is in memory: 4:2:0 with two bytes per sample takes three bytes per pixel; formats with more than
    // four are limited to smaller frames.
    let limits = Limits { bytes: MAX_PIXELS as usize * 4 };
    Decoder::new_with_limits(reader, limits).map_err(|error| {
        let reason = match error {
            Error::UnknownColorspace => "this colour space (C tag) is not supported".to_owned(),
            Error::EOF => "the header line does not end".to_owned(),
            Error::ParseError(_) => "the header's width, height or rate cannot be read".to_owned(),
            other => other.to_string(),
        };
        CameraError::Stream { name: name.to_owned(), at, reason }
    })
}

/// The format of the luma plane, which comes first in every frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// Width, px.
    pub(super) width: usize,
    /// Height, px.
    pub(super) height: usize,
    /// Bits of a sample, `8..=16`; two bytes, little-endian, for more than 8.
    pub(super) bits: usize,
    /// How black and white are encoded.
    pub(super) range: Range,
}

impl Picture {
    fn of<R: Read>(decoder: &Decoder<R>) -> Self {
        let mut tags = decoder.get_raw_params().split(|byte| *byte == b' ');
        let full = tags.any(|tag| tag == b"XCOLORRANGE=FULL");
        Self {
            width: decoder.get_width(),
            height: decoder.get_height(),
            bits: decoder.get_bit_depth(),
            range: if full { Range::Full } else { Range::Limited },
        }
    }

    /// The format in a stream's header line, and the step of its chroma, if it has any.
    ///
    /// # Errors
    /// As for [`Y4m::new`].
    pub(super) fn of_header(
        name: &str,
        header: &[u8],
    ) -> Result<(Self, Option<Step>), CameraError> {
        check_header(name, header)?;
        let decoder = decoder(name, header.len() as u64, Cursor::new(header))?;
        Ok((Self::of(&decoder), chroma_step(decoder.get_colorspace())))
    }

    /// Bytes of one of its two planes of chroma, of which each sample covers `step` px.
    pub(super) fn chroma_bytes(&self, step: Step) -> usize {
        let [across, down] = step;
        self.width.div_ceil(across) * self.height.div_ceil(down) * self.bytes_per_sample()
    }

    fn bytes_per_sample(&self) -> usize {
        if self.bits > 8 { 2 } else { 1 }
    }

    /// Bytes of its luma.
    pub(super) fn bytes(&self) -> usize {
        self.width * self.height * self.bytes_per_sample()
    }

    /// Writes the luma at the start of `bytes` into `frame` as 8-bit full range.
    pub(super) fn luma(&self, bytes: &[u8], frame: &mut Luma) {
        frame.reshape(self.width, self.height);
        let to = frame.pixels_mut();
        if self.bits == 8 {
            to.copy_from_slice(&bytes[..to.len()]);
        } else {
            for (to, from) in to.iter_mut().zip(bytes.chunks_exact(2)) {
                *to = (u16::from_le_bytes([from[0], from[1]]) >> (self.bits - 8)).min(255) as u8;
            }
        }
        self.range.expand(frame.pixels_mut());
    }

    /// Writes the colours of a frame whose luma is `luma`; the chroma planes `[Cb, Cr]` have a sample for each `step` px.
    pub(super) fn colors(&self, luma: &Luma, chroma: [&[u8]; 2], step: Step, colors: &mut Colors) {
        let columns = self.width.div_ceil(step[0]);
        let sample = |plane: &[u8], at: usize| match self.bits {
            8 => plane.get(at).copied().unwrap_or(128),
            bits => {
                let bytes = plane.get(2 * at..2 * at + 2).unwrap_or(&[0, 0]);
                (u16::from_le_bytes([bytes[0], bytes[1]]) >> (bits - 8)).min(255) as u8
            }
        };
        ycbcr::fill(colors, luma, self.range, step, |column, row| {
            chroma.map(|plane| sample(plane, row * columns + column))
        });
    }
}

impl<R: BufRead + Send> Camera for Y4m<R> {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<CameraRead, CameraError> {
        if self.ended {
            return Ok(CameraRead::End);
        }
        let start = self.read.load(Ordering::Relaxed);
        let rate = self.decoder.get_framerate();
        let step = chroma_step(self.decoder.get_colorspace());
        let coded = match self.decoder.read_frame() {
            Ok(coded) => coded,
            Err(error) => {
                self.ended = true;
                let at = self.read.load(Ordering::Relaxed);
                let name = self.name.clone();
                return match error {
                    Error::EOF if at == start => Ok(CameraRead::End),
                    Error::EOF => Err(CameraError::Truncated {
                        name,
                        at,
                        missing: "the last frame is incomplete",
                    }),
                    Error::IoError(reason) => Err(CameraError::Io { name, reason }),
                    _ => {
                        let reason = "no FRAME begins here".to_owned();
                        Err(CameraError::Stream { name, at: start, reason })
                    }
                };
            }
        };
        self.picture.luma(coded.get_y_plane(), frame);
        if let (Some(colors), Some(step)) = (&mut self.colors, step) {
            let chroma = [coded.get_u_plane(), coded.get_v_plane()];
            self.picture.colors(frame, chroma, step, colors);
        }
        info.source.clone_from(&self.name);
        info.index = self.index;
        info.time_ms = (self.index * 1000)
            .checked_mul(rate.den as u64)
            .and_then(|time| time.checked_div(rate.num as u64));
        self.index += 1;
        Ok(CameraRead::Frame)
    }

    fn colors(&self) -> Option<&Colors> {
        self.colors.as_ref()
    }

    fn rate(&self) -> Option<Rate> {
        let rate = self.decoder.get_framerate();
        let whole = |value: usize| u32::try_from(value).ok().filter(|value| *value > 0);
        Some(Rate { frames: whole(rate.num)?, seconds: whole(rate.den)? })
    }
}

/// The number of the header's parameter `tag`; 0 when it is missing or none.
fn number(header: &[u8], tag: u8) -> u64 {
    let values = header.trim_ascii_end().split(|byte| *byte == b' ');
    let values = values.filter_map(|value| value.strip_prefix(&[tag]));
    let values = values.map(|digits| {
        std::str::from_utf8(digits).ok().and_then(|text| text.parse().ok()).unwrap_or(u64::MAX)
    });
    // The decoder uses the last of several; the largest is an upper bound.
    values.max().unwrap_or(0)
}

/// Counts the bytes read, and continues when a signal interrupts.
struct Counted<R> {
    reader: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    self.read.fetch_add(*result.as_ref().unwrap_or(&0) as u64, Ordering::Relaxed);
                    return result;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A 4x2 stream of two frames, every luma sample of a frame the same.
    fn stream(tags: &str, bytes_per_sample: usize, luma: [u16; 2]) -> Vec<u8> {
        let mut out = format!("YUV4MPEG2 W4 H2 F25:1 {tags}\n").into_bytes();
        for value in luma {
            out.extend(b"FRAME\n");
            for sample in std::iter::repeat_n(value, 8).chain(std::iter::repeat_n(128, 4)) {
                out.extend(&sample.to_le_bytes()[..bytes_per_sample]);
            }
        }
        out
    }

    fn frames(bytes: &[u8]) -> Result<Vec<(u8, Option<u64>)>, CameraError> {
        let mut camera = Y4m::new("clip.y4m", bytes)?;
        let (mut frame, mut info, mut out) = (Luma::default(), FrameInfo::default(), Vec::new());
        while camera.next(&mut frame, &mut info)?.is_frame() {
            assert_eq!(frame.pixels().len(), frame.width() * frame.height());
            out.push((frame.pixels().first().copied().unwrap_or(0), info.time_ms));
        }
        Ok(out)
    }

    #[test]
    fn limited_range_unless_the_header_says_full() {
        let expected = vec![(0, Some(0)), (255, Some(40))];
        assert_eq!(frames(&stream("C420jpeg", 1, [16, 235])).unwrap(), expected);
        assert_eq!(frames(&stream("C420p10 XYSCSS=420P10", 2, [64, 940])).unwrap(), expected);
        let full = frames(&stream("C420jpeg XCOLORRANGE=FULL", 1, [16, 235])).unwrap();
        assert_eq!(full, vec![(16, Some(0)), (235, Some(40))]);
    }

    #[test]
    fn a_cut_stream_gives_its_whole_frames_then_the_byte_of_the_cut() {
        let bytes = stream("C420jpeg", 1, [16, 235]);
        let mut camera = Y4m::new("clip.y4m", &bytes[..bytes.len() - 3]).unwrap();
        let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
        assert!(camera.next(&mut frame, &mut info).unwrap().is_frame());
        let error = camera.next(&mut frame, &mut info).unwrap_err().to_string();
        let expected = format!("clip.y4m: cut off at byte {}", bytes.len() - 3);
        assert!(error.starts_with(&expected), "{error}");
        let end = camera.next(&mut frame, &mut info).unwrap();
        assert!(matches!(end, CameraRead::End), "then the stream is at its end");
    }

    #[test]
    fn colours_are_those_of_the_samples() {
        let colors = |tags: &str, chroma: [u8; 2], samples: usize| {
            let mut bytes = format!("YUV4MPEG2 W4 H2 F30000:1001 {tags}\nFRAME\n").into_bytes();
            bytes.extend([81; 8]);
            bytes.extend(chroma.into_iter().flat_map(|value| vec![value; samples]));
            let mut camera = Y4m::new("a", bytes.as_slice()).unwrap().with_colors(true);
            let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
            assert!(camera.next(&mut frame, &mut info).unwrap().is_frame());
            assert_eq!(camera.rate(), Some(Rate { frames: 30000, seconds: 1001 }));
            camera.colors().map(|colors| colors.pixels().collect::<Vec<_>>())
        };
        // BT.601's red.
        for (tags, samples) in [("C420jpeg", 2), ("C422", 4), ("C444", 8)] {
            let red = colors(tags, [90, 240], samples).unwrap();
            assert!(red.iter().all(|[r, g, b]| *r > 250 && *g < 4 && *b < 4), "{tags} {red:?}");
        }
        assert_eq!(colors("Cmono", [0, 0], 0), None);
    }

    #[test]
    fn bad_headers_are_told_apart() {
        let error = |bytes: &[u8]| frames(bytes).unwrap_err().to_string();
        assert!(error(b"").contains("cut off at byte 0"));
        assert!(error(b"hello, world").contains("known format"));
        assert!(error(b"YUV4MPEG2 W4 H2 C411\n").contains("colour space"));
        assert!(error(b"YUV4MPEG2 W0 H2\n").contains("width"));
        assert!(error(b"YUV4MPEG2 W4294967296 H4294967296\n").contains("50 megapixels"));
        assert!(error(b"YUV4MPEG2 W4 H2\nFRAMES\n").contains("byte 16: no FRAME"));
    }

    proptest! {
        #[test]
        fn damaged_streams_never_panic(
            flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
            keep in any::<prop::sample::Index>(),
        ) {
            let mut bytes = stream("C420jpeg", 1, [16, 235]);
            for (at, value) in flips {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            bytes.truncate(keep.index(bytes.len() * 2));
            let _ = frames(&bytes);
        }

        #[test]
        fn arbitrary_headers_never_panic(tail in "[WHFAC0-9:. x]{0,40}\n(FRAME\n)?.{0,40}") {
            let _ = frames(format!("YUV4MPEG2 {tail}").as_bytes());
        }
    }
}
