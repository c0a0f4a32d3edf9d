//! Every kind of damaged frame that a program can write instead of a good one.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use emocue_link::random::Random;

/// A camera that is silent for so long within a frame counts as missing, and goes on.
const STALL: Duration = Duration::from_millis(2_300);

/// Bytes that no stream contains.
const GARBAGE: usize = 5_000;

/// What is written instead of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// Random bytes where a frame begins.
    Garbage,
    /// The first half of a frame, then the end.
    Half,
    /// A frame without some of its bytes, so that the next one begins too early.
    Short,
    /// A frame with some bytes too many.
    Long,
    /// The header of another size in the middle of the stream.
    SecondHeader,
    /// A frame's line that does not end.
    EndlessLine,
    /// Half a frame, nothing for a while, and the rest.
    Stall,
    /// A new stream in another size.
    OtherSize,
    /// A new stream with frames of gigabytes.
    HugeSize,
    /// A new stream with frames without a pixel.
    NoSize,
    /// A new stream of nothing.
    Empty,
    /// A new stream that ends within its header.
    CutHeader,
    /// A picture instead of a stream.
    Picture,
    /// A whole frame in which every pixel is black.
    Black,
    /// A whole frame of noise.
    Noise,
}

/// What comes after a damaged frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The stream goes on.
    GoOn,
    /// The camera's program ends, and another one begins.
    End,
}

impl Damage {
    pub(super) const ALL: [Self; 15] = [
        Self::Garbage,
        Self::Half,
        Self::Short,
        Self::Long,
        Self::SecondHeader,
        Self::EndlessLine,
        Self::Stall,
        Self::OtherSize,
        Self::HugeSize,
        Self::NoSize,
        Self::Empty,
        Self::CutHeader,
        Self::Picture,
        Self::Black,
        Self::Noise,
    ];

    /// What a new stream begins with instead of its header; `None` for damage within a stream. One in another size is
    /// good, and goes on.
    pub(super) fn beginning(self) -> Option<&'static [u8]> {
        Some(match self {
            Self::HugeSize => b"YUV4MPEG2 W4294967295 H4294967295 F30:1 Cmono\n",
            Self::NoSize => b"YUV4MPEG2 W0 H0 F30:1 Cmono\n",
            Self::Empty => b"",
            Self::CutHeader => b"YUV4MPEG2 W9",
            Self::Picture => {
                b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
            }
            _ => return None,
        })
    }

    /// Writes it into a stream, instead of `frame`, which has its line.
    pub(super) fn write(
        self,
        out: &mut impl Write,
        frame: &[u8],
        random: &mut Random,
    ) -> io::Result<Then> {
        let (line, pixels) = frame.split_at(frame.len().min(b"FRAME\n".len()));
        let half = pixels.len() / 2;
        match self {
            Self::Garbage => out.write_all(&random.bytes(GARBAGE))?,
            Self::Half => {
                out.write_all(line)?;
                out.write_all(&pixels[..half])?;
                return Ok(Then::End);
            }
            Self::Short => {
                out.write_all(line)?;
                out.write_all(&pixels[1 + random.below(half)..])?;
            }
            Self::Long => {
                let extra = 1 + random.below(half);
                out.write_all(frame)?;
                out.write_all(&random.bytes(extra))?;
            }
            Self::SecondHeader => out.write_all(b"YUV4MPEG2 W320 H240 F30:1 Cmono\n")?,
            Self::EndlessLine => {
                out.write_all(b"FRAME ")?;
                out.write_all(&[b'x'; GARBAGE])?;
            }
            Self::Stall => {
                out.write_all(line)?;
                out.write_all(&pixels[..half])?;
                thread::sleep(STALL);
                out.write_all(&pixels[half..])?;
            }
            Self::Black => {
                out.write_all(line)?;
                out.write_all(&vec![0; pixels.len()])?;
            }
            Self::Noise => {
                out.write_all(line)?;
                out.write_all(&random.bytes(pixels.len()))?;
            }
            // The next stream is another one.
            Self::OtherSize
            | Self::HugeSize
            | Self::NoSize
            | Self::Empty
            | Self::CutHeader
            | Self::Picture => return Ok(Then::End),
        }
        Ok(Then::GoOn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_written_within_a_stream_or_begins_one() {
        let frame = [b"FRAME\n", [7; 64].as_slice()].concat();
        let mut random = Random::new(1);
        for damage in Damage::ALL.into_iter().filter(|it| *it != Damage::Stall) {
            let mut out = Vec::new();
            let then = damage.write(&mut out, &frame, &mut random).unwrap();
            assert_ne!(out, frame, "{damage:?}");
            // What is only written at the next beginning ends the stream before.
            let begins = damage.beginning().is_some() || damage == Damage::OtherSize;
            assert_eq!(begins, out.is_empty() && then == Then::End, "{damage:?}");
        }
    }
}
