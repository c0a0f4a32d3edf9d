//! All kinds of damaged frames that a camera's program can write.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use emocue_link::random::Random;

/// A pause within a frame, long enough for the camera to count as missing.
const STALL: Duration = Duration::from_millis(2_300);

/// Number of random bytes.
const GARBAGE: usize = 5_000;

/// What is written instead of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    /// Random bytes at the start of a frame.
    Garbage,
    /// The first half of a frame, then the end of the stream.
    Half,
    /// A frame with some bytes missing, so that the next one starts too early.
    Short,
    /// A frame with some extra bytes.
    Long,
    /// A stream header with another size in the middle of the stream.
    SecondHeader,
    /// A frame header without a line end.
    EndlessLine,
    /// Half a frame, a pause of [`STALL`], and the rest.
    Stall,
    /// A new, valid stream with another frame size.
    OtherSize,
    /// A new stream with a frame size of gigabytes.
    HugeSize,
    /// A new stream with a frame size of zero.
    NoSize,
    /// A new stream without any bytes.
    Empty,
    /// A new stream that ends within its header.
    CutHeader,
    /// An image file instead of a stream.
    Picture,
    /// A valid frame in which every pixel is black.
    Black,
    /// A valid frame of noise.
    Noise,
}

/// What comes after a damaged frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The stream continues.
    GoOn,
    /// The camera's program ends, and another one starts.
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

    /// The bytes at the start of a new stream instead of its header; `None` for damage within a stream, and for another
    /// frame size, which is a valid stream.
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

    /// Writes it into a stream instead of `frame`, which includes its header line.
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
            // These take effect at the start of the next stream.
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
            // Damage at the start of the next stream ends the current one.
            let begins = damage.beginning().is_some() || damage == Damage::OtherSize;
            assert_eq!(begins, out.is_empty() && then == Then::End, "{damage:?}");
        }
    }
}
