//! Frames from a stream of bytes that arrives in pieces of any size.

use emocue_config::source::Coding;
use emocue_models::colors::Colors;
use emocue_models::luma::Luma;

use super::super::CameraError;
use super::super::y4m::{MAGIC, MAX_HEADER, Picture};
use super::super::ycbcr::Step;
use super::PipeError;

/// The shortest header line of a stream and of a frame: this much can be read at once without reading past it.
const SHORTEST_STREAM: usize = b"YUV4MPEG2 W1 H1\n".len();
const FRAME: &[u8] = b"FRAME\n";

/// How much chroma is read at once, bytes.
const SCRAP: usize = 1 << 16;

/// Assembles frames. Bytes are read directly into [`Frames::space`], never beyond the current part, so that nothing has
/// to be moved.
#[derive(Debug)]
pub struct Frames {
    name: String,
    part: Part,
    picture: Option<Picture>,
    /// Whether every frame begins with a line of its own.
    framed: bool,
    line: Vec<u8>,
    /// The luma.
    bytes: Vec<u8>,
    /// Bytes of chroma after it, and how many px each sample covers.
    chroma: usize,
    step: Option<Step>,
    /// Buffer for chroma: all of it if colours are kept, else pieces that are discarded.
    scrap: Vec<u8>,
    /// The last frame's colours, where they are kept and the stream has them.
    colors: Option<Colors>,
    keeps_colors: bool,
    filled: usize,
    index: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    StreamLine,
    FrameLine,
    Picture,
    Chroma,
}

impl Frames {
    /// At the start of a stream; `name` is for errors.
    pub fn new(name: &str, coding: &Coding) -> Self {
        let mut frames = Self {
            name: name.to_owned(),
            part: Part::StreamLine,
            picture: None,
            framed: true,
            line: vec![0; MAX_HEADER as usize],
            bytes: Vec::new(),
            chroma: 0,
            step: None,
            scrap: Vec::new(),
            colors: None,
            keeps_colors: false,
            filled: 0,
            index: 0,
        };
        if let Coding::Raw { width, height, chroma, range } = *coding {
            frames.framed = false;
            frames.of(Picture { width, height, bits: 8, range }, chroma.then_some([2, 2]));
            frames.part = Part::Picture;
        }
        frames
    }

    /// Keeps every frame's colours, for displays, where the stream has them.
    #[must_use]
    pub fn with_colors(mut self, keeps_colors: bool) -> Self {
        self.keeps_colors = keeps_colors;
        if let Some(picture) = self.picture {
            self.of(picture, self.step);
        }
        self
    }

    /// The last frame's colours.
    pub fn colors(&self) -> Option<&Colors> {
        self.colors.as_ref()
    }

    /// Sets the size of frames, and how many px a sample of chroma covers.
    fn of(&mut self, picture: Picture, step: Option<Step>) {
        self.bytes.resize(picture.bytes(), 0);
        self.chroma = step.map_or(0, |step| 2 * picture.chroma_bytes(step));
        (self.picture, self.step) = (Some(picture), step);
        self.colors = step.filter(|_| self.keeps_colors).map(|_| Colors::default());
        let most = if self.colors.is_some() { self.chroma } else { SCRAP };
        self.scrap.resize(self.chroma.min(most), 0);
    }

    /// Where the next bytes go; never empty.
    pub fn space(&mut self) -> &mut [u8] {
        let shortest = match self.part {
            Part::Picture => return &mut self.bytes[self.filled..],
            Part::Chroma => {
                if self.colors.is_some() {
                    return &mut self.scrap[self.filled..];
                }
                let left = (self.chroma - self.filled).min(self.scrap.len());
                return &mut self.scrap[..left];
            }
            Part::StreamLine => SHORTEST_STREAM,
            Part::FrameLine => FRAME.len(),
        };
        let end = shortest.max(self.filled + 1);
        &mut self.line[self.filled..end]
    }

    /// Processes the first `count` bytes of [`Frames::space`]; returns `true` when they complete a frame, which is then
    /// written into `frame`.
    ///
    /// # Errors
    /// [`CameraError`] when the stream is invalid; nothing more can be read from it.
    pub fn take(&mut self, count: usize, frame: &mut Luma) -> Result<bool, CameraError> {
        self.filled += count;
        if let (Part::Picture | Part::Chroma, Some(picture)) = (self.part, self.picture) {
            let is_luma = self.part == Part::Picture;
            if self.filled < if is_luma { self.bytes.len() } else { self.chroma } {
                return Ok(false);
            }
            if is_luma && self.chroma > 0 {
                self.begin(Part::Chroma);
                return Ok(false);
            }
            picture.luma(&self.bytes, frame);
            if let (Some(colors), Some(step)) = (&mut self.colors, self.step) {
                let (cb, cr) = self.scrap.split_at(self.chroma / 2);
                picture.colors(frame, [cb, cr], step, colors);
            }
            self.index += 1;
            self.begin(if self.framed { Part::FrameLine } else { Part::Picture });
            return Ok(true);
        }
        let line = &self.line[..self.filled];
        let magic = if self.part == Part::StreamLine { MAGIC } else { &FRAME[..FRAME.len() - 1] };
        let checked = magic.len().min(line.len());
        if line[..checked] != magic[..checked] {
            return Err(self.stray().into());
        }
        if !line.ends_with(b"\n") {
            // A line that fills the buffer is too long.
            return if line.len() < self.line.len() { Ok(false) } else { Err(self.stray().into()) };
        }
        if self.part == Part::StreamLine {
            let (picture, step) = Picture::of_header(&self.name, line)?;
            self.of(picture, step);
            self.begin(Part::FrameLine);
        } else {
            self.begin(Part::Picture);
        }
        Ok(false)
    }

    fn begin(&mut self, part: Part) {
        self.part = part;
        self.filled = 0;
    }

    fn stray(&self) -> PipeError {
        let name = self.name.clone();
        if self.part == Part::FrameLine {
            return PipeError::OutOfStep { name, index: self.index };
        }
        let found =
            String::from_utf8_lossy(&self.line[..self.filled.min(SHORTEST_STREAM)]).into_owned();
        PipeError::NotY4m { name, found }
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::failure::Failure as _;

    use emocue_models::luma::Range;
    use proptest::prelude::*;

    use super::*;
    use crate::camera::{Camera as _, FrameInfo, Y4m};

    /// Every frame's first pixel, from `bytes` in pieces whose lengths repeat.
    fn firsts(coding: &Coding, bytes: &[u8], pieces: &[usize]) -> Result<Vec<u8>, CameraError> {
        let (mut frames, mut frame, mut out) =
            (Frames::new("pipe:test", coding), Luma::default(), Vec::new());
        let mut pieces = pieces.iter().cycle();
        let mut rest = bytes;
        while !rest.is_empty() {
            let piece = pieces.next().map_or(1, |piece| *piece);
            let space = frames.space();
            let count = space.len().min(piece).min(rest.len());
            assert!(count > 0, "there is always space");
            space[..count].copy_from_slice(&rest[..count]);
            rest = &rest[count..];
            if frames.take(count, &mut frame)? {
                assert_eq!(frame.pixels().len(), frame.width() * frame.height());
                out.push(frame.pixels()[0]);
            }
        }
        Ok(out)
    }

    fn y4m(tags: &str, frame_bytes: usize) -> Vec<u8> {
        let mut out = format!("YUV4MPEG2 W4 H2 {tags} XCOLORRANGE=FULL\n").into_bytes();
        for (line, value) in [("FRAME\n", 7), ("FRAME Ip\n", 8), ("FRAME\n", 9)] {
            out.extend(line.as_bytes());
            out.extend(std::iter::repeat_n(value, frame_bytes));
        }
        out
    }

    #[test]
    fn raw_frames_follow_each_other_and_chroma_is_dropped() {
        let raw = |chroma, range| Coding::Raw { width: 3, height: 3, chroma, range };
        let yuv: Vec<u8> = [[16; 9].as_slice(), &[99; 8], &[235; 9], &[99; 8]].concat();
        assert_eq!(firsts(&raw(true, Range::Limited), &yuv, &[5]).unwrap(), [0, 255]);
        let grey = [[16; 9].as_slice(), &[235; 9], &[1; 8]].concat();
        assert_eq!(firsts(&raw(false, Range::Full), &grey, &[100]).unwrap(), [16, 235]);
    }

    #[test]
    fn colours_are_those_of_a_file() {
        for (tags, bytes) in [("C420jpeg", 12), ("C422", 16), ("C444", 24), ("C420p10", 24)] {
            let stream = y4m(tags, bytes);
            let mut frames = Frames::new("pipe:test", &Coding::Y4m).with_colors(true);
            let mut file = Y4m::new("file", stream.as_slice()).unwrap().with_colors(true);
            let (mut frame, mut info, mut seen) = (Luma::default(), FrameInfo::default(), 0);
            let mut rest = stream.as_slice();
            while !rest.is_empty() {
                let space = frames.space();
                let count = space.len().min(5).min(rest.len());
                space[..count].copy_from_slice(&rest[..count]);
                rest = &rest[count..];
                if frames.take(count, &mut frame).unwrap() {
                    assert!(file.next(&mut Luma::default(), &mut info).unwrap().is_frame());
                    assert!(frames.colors().is_some(), "{tags}");
                    assert_eq!(frames.colors(), file.colors(), "{tags}");
                    seen += 1;
                }
            }
            assert_eq!(seen, 3, "{tags}");
        }
        let raw = Coding::Raw { width: 2, height: 2, chroma: true, range: Range::Full };
        let mut frames = Frames::new("pipe:test", &raw).with_colors(true);
        let mut bytes = [100, 100, 100, 100, 128, 228].as_slice();
        while !bytes.is_empty() {
            let space = frames.space();
            let count = space.len();
            space.copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            frames.take(count, &mut Luma::default()).unwrap();
        }
        assert_eq!(frames.colors(), Some(&Colors::of_rgb(2, 2, [[240, 29, 100]; 4])));
    }

    #[test]
    fn every_colour_space_has_its_frame_size() {
        for (tags, bytes) in [("Cmono", 8), ("C420jpeg", 12), ("C422", 16), ("C444", 24), ("", 12)]
        {
            assert_eq!(
                firsts(&Coding::Y4m, &y4m(tags, bytes), &[1000]).unwrap(),
                [7, 8, 9],
                "{tags}"
            );
        }
        let deep = y4m("C420p10 XYSCSS=420P10", 24);
        assert_eq!(firsts(&Coding::Y4m, &deep, &[1000]).unwrap().len(), 3);
    }

    #[test]
    fn what_is_no_y4m_says_how_it_began_and_what_to_write() {
        let error = firsts(&Coding::Y4m, b"\xFF\xD8\xFF\xE0 a JPEG picture", &[64]).unwrap_err();
        assert!(error.may_heal(), "the program may write frames the next time");
        let help = error.help().unwrap();
        assert!(help.contains("pipe:?format=yuv420"), "{help}");
        let endless = [MAGIC, &[b'W'; 2000]].concat();
        assert!(firsts(&Coding::Y4m, &endless, &[64]).is_err());
        let mut torn = y4m("Cmono", 8);
        torn.remove(50);
        let error = firsts(&Coding::Y4m, &torn, &[64]).unwrap_err();
        assert!(error.to_string().contains("frame 1 does not begin"), "{error}");
        assert!(error.may_heal());
    }

    proptest! {
        #[test]
        fn the_pieces_do_not_matter(pieces in proptest::collection::vec(1usize..40, 1..8)) {
            prop_assert_eq!(firsts(&Coding::Y4m, &y4m("C420", 12), &pieces).unwrap(), [7, 8, 9]);
        }

        #[test]
        fn no_stream_makes_it_panic(
            head in prop::sample::select(vec!["", "YUV4MPEG2 W4 H2\n", "YUV4MPEG2 W4 H2\nFRAME\n"]),
            tail in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let _ = firsts(&Coding::Y4m, &[head.as_bytes(), &tail].concat(), &[7, 31]);
        }
    }
}
