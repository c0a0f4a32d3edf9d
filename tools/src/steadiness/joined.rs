//! Steady segments of one clip, joined: real faces whose expression changes abruptly at known times.

use std::io::{self, BufRead, BufReader, Write};
use std::process::Stdio;

use super::badge::{Badge, Stream};
use super::clip::{Clip, Rate};
use super::generated::SceneFigures;
use super::log::Frame;
use super::measure::{Figures, Pair};
use super::scene::script::Kind;
use super::segments::{Segment, segments};
use super::truth::{Expected, Span, TruthFigures};
use crate::Result;

/// Minimum time for which a segment is played forwards and backwards, s.
const PIECE_S: f64 = 1.5;

/// The segments of a clip in an order in which neighbours have different expressions.
pub(super) struct Joined<'a> {
    clip: &'a Clip,
    pieces: Vec<Segment>,
}

impl<'a> Joined<'a> {
    /// The segments of `clip`; `raw` are the single-frame answers at its own rate. `None` when it does not have two
    /// steady expressions.
    pub(super) fn of(clip: &'a Clip, raw: &[Frame]) -> Option<Self> {
        let pieces = in_turn(segments(raw));
        (pieces.len() > 1).then_some(Self { clip, pieces })
    }

    /// Runs the badge on the segments at `rate`.
    pub(super) fn run(&self, badge: &Badge, rate: Rate) -> Result<SceneFigures> {
        eprintln!("steadiness: {} joined at {rate} frames a second", self.clip.name);
        let film = Film::read(self.clip)?;
        let fps = rate.or(film.fps);
        let (order, truth) = self.play(film.fps);
        let write = |out: &mut dyn Write| film.write(&order, fps, out);
        let pair = Pair::run(badge, || Ok(Stream::Drawn(Box::new(write))))?;
        Ok(SceneFigures {
            scene: format!("joined, {}", self.clip.name),
            kind: Kind::Joined,
            rate: rate.to_string(),
            fps,
            raw_truth: TruthFigures::of(&pair.raw.frames, &truth),
            steady_truth: TruthFigures::of(&pair.steady.frames, &truth),
            figures: Figures::of(&pair),
        })
    }

    /// The order of the frames, and the ground truth.
    fn play(&self, fps: f64) -> (Vec<usize>, Vec<Span>) {
        let (mut order, mut truth) = (Vec::new(), Vec::new());
        for piece in &self.pieces {
            let expected = Expected::Answer(piece.expression.clone());
            truth.push(Span { from_ms: order.len() as f64 * 1e3 / fps, expected });
            let begin = order.len();
            while ((order.len() - begin) as f64) < PIECE_S * fps {
                order.extend(piece.from..piece.to);
                order.extend((piece.from..piece.to).rev());
            }
        }
        (order, truth)
    }
}

/// Drops segments with the same expression as the previous one; then appends the reverse order, for the opposite
/// changes.
fn in_turn(mut pieces: Vec<Segment>) -> Vec<Segment> {
    pieces.dedup_by(|next, last| next.expression == last.expression);
    let back: Vec<Segment> = pieces.iter().rev().skip(1).cloned().collect();
    pieces.extend(back);
    pieces
}

/// The luma planes of all frames of a clip.
struct Film {
    header: String,
    fps: f64,
    frames: Vec<Vec<u8>>,
}

impl Film {
    fn read(clip: &Clip) -> Result<Self> {
        let mut ffmpeg = clip.ffmpeg(Rate::Own);
        let started = ffmpeg.stdout(Stdio::piped()).spawn();
        let mut child = started.map_err(|e| format!("cannot start {ffmpeg:?}: {e}"))?;
        let output = child.stdout.take().ok_or("ffmpeg has no output")?;
        let film = Self::of(BufReader::new(output));
        let status = child.wait()?;
        match status.success() {
            true => film,
            false => Err(format!("{ffmpeg:?}: {status}").into()),
        }
    }

    /// Reads Y4M with 4:2:0 and 8 bits from ffmpeg.
    fn of(mut y4m: impl BufRead) -> Result<Self> {
        let mut header = String::new();
        y4m.read_line(&mut header)?;
        let tag =
            |name: char| header.split_whitespace().skip(1).find_map(|tag| tag.strip_prefix(name));
        let number = |tag: Option<&str>| tag.and_then(|tag| tag.parse::<usize>().ok());
        let (Some(width), Some(height)) = (number(tag('W')), number(tag('H'))) else {
            return Err("the clip has no size".into());
        };
        let rate = tag('F').and_then(|rate| rate.split_once(':'));
        let rate =
            rate.and_then(|(of, by)| Some(of.parse::<f64>().ok()? / by.parse::<f64>().ok()?));
        let fps = rate.filter(|fps| fps.is_finite() && *fps > 0.0).ok_or("the clip has no rate")?;
        let range = if header.contains("XCOLORRANGE=FULL") { " XCOLORRANGE=FULL" } else { "" };
        let header_of_luma = format!("W{width} H{height} Ip A1:1 Cmono{range}");
        let chroma = width.div_ceil(2) * height.div_ceil(2) * 2;
        let mut frames = Vec::new();
        loop {
            let mut line = Vec::new();
            if y4m.read_until(b'\n', &mut line)? == 0 {
                return Ok(Self { header: header_of_luma, fps, frames });
            }
            let mut frame = vec![0; width * height + chroma];
            y4m.read_exact(&mut frame)?;
            frame.truncate(width * height);
            frames.push(frame);
        }
    }

    /// Writes the frames of `order`, given at the clip's own rate, at `fps`.
    fn write(&self, order: &[usize], fps: f64, out: &mut dyn Write) -> io::Result<()> {
        let rate = (fps * 1e3).round() as u64;
        writeln!(out, "YUV4MPEG2 F{rate}:1000 {}", self.header)?;
        let at = |number: u64| (number as f64 * self.fps / fps + 1e-6) as usize;
        let frames = (0..).map_while(|number| order.get(at(number)));
        for frame in frames.filter_map(|index| self.frames.get(*index)) {
            out.write_all(b"FRAME\n")?;
            out.write_all(frame)?;
        }
        out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::by_hand::frames;
    use super::*;

    #[test]
    fn pieces_alternate_and_come_back() {
        let raw = frames(100, "fear*8 unsure*3 fear*9 anger*7 neutral*2 fear*6");
        let pieces = in_turn(segments(&raw));
        let order: Vec<_> =
            pieces.iter().map(|piece| (piece.expression.as_str(), piece.from)).collect();
        assert_eq!(order, [("fear", 0), ("anger", 20), ("fear", 29), ("anger", 20), ("fear", 0)]);
        assert_eq!(in_turn(segments(&frames(100, "fear*20"))).len(), 1);
    }

    #[test]
    fn a_film_plays_its_pieces_at_any_rate() {
        let mut y4m = b"YUV4MPEG2 W2 H2 F10:1 Ip C420jpeg\n".to_vec();
        for shade in 0..30 {
            y4m.extend(b"FRAME\n");
            y4m.extend([shade, shade, shade, shade, 128, 128]);
        }
        let film = Film::of(y4m.as_slice()).unwrap();
        assert_eq!((film.frames.len(), film.fps), (30, 10.0));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a-b.y4m");
        std::fs::write(&path, &y4m).unwrap();
        let clip = Clip::open(&path).unwrap();
        let joined = Joined::of(&clip, &frames(100, "fear*8 unsure*3 anger*19")).unwrap();
        let (order, truth) = joined.play(film.fps);
        // Forwards and backwards takes 1.6 s, then the next segment follows.
        assert_eq!(order[6..10], [6, 7, 7, 6]);
        assert_eq!((order[16], truth[1].from_ms, truth.len()), (11, 1_600.0, 3));
        let written = |fps: f64| {
            let mut out = Vec::new();
            film.write(&order, fps, &mut out).unwrap();
            let header = out.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            out[header..].chunks(10).map(|frame| usize::from(frame[9])).collect::<Vec<_>>()
        };
        assert_eq!(written(10.0), order);
        assert_eq!(written(5.0)[..4], [0, 2, 4, 6]);
        assert!(Film::of(&b"YUV4MPEG2 W2 F10:1\n"[..]).is_err());
    }
}
