//! Synthetic scenes with ground truth.

pub(super) mod canvas;
pub(super) mod disturb;
pub(super) mod pictures;
pub(super) mod script;

use std::io::{self, Write};

use emocue_link::random::Random;
use image::ImageResult;

use self::canvas::{Grey, HEIGHT, WIDTH};
use self::disturb::Disturber;
use self::pictures::Portrait;
use super::log::Point;
use super::truth::Span;

/// Rate at which the size of a flickering face changes, Hz.
const FLICKERS: f64 = 10.0;

/// A face in a scene.
#[derive(Clone)]
pub(super) struct Actor<'a> {
    /// Its picture.
    pub(super) portrait: &'a Portrait,
    /// When it appears, s.
    pub(super) from: f64,
    /// When it disappears, s.
    pub(super) to: f64,
    /// Position of the midpoint of its eyes at `from`, px.
    pub(super) start: Point,
    /// Velocity, px/s.
    pub(super) speed: Point,
    /// Interocular distance, px.
    pub(super) eyes: f64,
    /// Relative variation of that distance.
    pub(super) flicker: f64,
}

/// A scene with its camera effects.
pub(super) struct Scene<'a> {
    /// Its name in the table.
    pub(super) name: String,
    /// Length, s.
    pub(super) seconds: f64,
    /// Its faces; later ones are in front.
    pub(super) actors: Vec<Actor<'a>>,
    /// Times of cuts to another background, s.
    pub(super) cuts: Vec<f64>,
    /// Intervals in which the camera repeats one frame, s.
    pub(super) frozen: Vec<(f64, f64)>,
    /// The ground truth.
    pub(super) truth: Vec<Span>,
    /// Camera effects on each frame.
    pub(super) disturber: Disturber,
}

impl Scene<'_> {
    /// Number of frames at `fps`.
    pub(super) fn frames(&self, fps: f64) -> u64 {
        (self.seconds * fps).round() as u64
    }

    /// Writes the scene as Y4M.
    pub(super) fn write(&self, fps: f64, out: &mut dyn Write) -> io::Result<()> {
        write_header(fps, out)?;
        let mut shown = Grey::new(WIDTH, HEIGHT, 0);
        for index in 0..self.frames(fps) {
            let time = index as f64 / fps;
            let stands = |(from, to): &(f64, f64)| (*from..*to).contains(&time);
            if !self.frozen.iter().any(stands) && !self.disturber.loses(index) {
                shown = self.frame(index, time).map_err(io::Error::other)?;
            }
            write_frame(&shown, out)?;
        }
        out.flush()
    }

    /// The frame with this `index` at `time` s.
    fn frame(&self, index: u64, time: f64) -> ImageResult<Grey> {
        let mut frame = backdrop(self.cuts.iter().filter(|cut| **cut <= time).count());
        let offset = self.disturber.offset(time);
        for (number, actor) in self.actors.iter().enumerate() {
            if (actor.from..actor.to).contains(&time) {
                let since = time - actor.from;
                let at = Point {
                    x: actor.start.x + actor.speed.x * since + offset.x,
                    y: actor.start.y + actor.speed.y * since + offset.y,
                };
                let eyes = actor.eyes * (1.0 + actor.flicker * flicker(number, time));
                frame.draw(&actor.portrait.grey, &actor.portrait.place(at, eyes));
            }
        }
        self.disturber.apply(&mut frame, index, time)?;
        Ok(frame)
    }
}

/// Writes `frames` as Y4M.
fn write_frames(
    fps: f64,
    frames: impl Iterator<Item = Grey>,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_header(fps, out)?;
    for frame in frames {
        write_frame(&frame, out)?;
    }
    out.flush()
}

fn write_header(fps: f64, out: &mut dyn Write) -> io::Result<()> {
    let rate = (fps * 1e3).round() as u64;
    writeln!(out, "YUV4MPEG2 W{WIDTH} H{HEIGHT} F{rate}:1000 Ip A1:1 Cmono XCOLORRANGE=FULL")
}

fn write_frame(frame: &Grey, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"FRAME\n")?;
    out.write_all(&frame.pixels)
}

/// The background: a wall with light from one side, different for each place.
fn backdrop(place: usize) -> Grey {
    let mut wall = Grey::new(WIDTH, HEIGHT, 0);
    let (low, slope) = ([60, 110, 40, 150][place % 4], [70, -60, 90, -80][place % 4]);
    for (y, row) in wall.pixels.chunks_mut(WIDTH).enumerate() {
        for (x, pixel) in row.iter_mut().enumerate() {
            *pixel = (low + slope * (x + y) as i32 / (WIDTH + HEIGHT) as i32) as u8;
        }
    }
    wall
}

/// Relative size change of actor `number` at `time` s, -1 to 1: linear interpolation between random values.
fn flicker(number: usize, time: f64) -> f64 {
    let knot = (time * FLICKERS) as u64;
    let value = |knot: u64| Random::of(knot, "flicker").number().wrapping_add(number as u64);
    let [from, to] = [knot, knot + 1].map(|knot| Random::new(value(knot)).part() * 2.0 - 1.0);
    from + (to - from) * (time * FLICKERS - knot as f64)
}

#[cfg(test)]
mod tests {
    use super::disturb::Disturbance;
    use super::*;

    fn scene(portrait: &Portrait, disturbance: Disturbance) -> Scene<'_> {
        let actor = Actor {
            portrait,
            from: 0.2,
            to: 0.6,
            start: Point { x: 300.0, y: 200.0 },
            speed: Point::default(),
            eyes: 80.0,
            flicker: 0.03,
        };
        Scene {
            name: "one".to_owned(),
            seconds: 1.0,
            actors: vec![actor],
            cuts: vec![0.5],
            frozen: vec![(0.7, 0.9)],
            truth: Vec::new(),
            disturber: Disturber::new(disturbance, 1),
        }
    }

    /// The frames of a scene at 10 frames a second.
    fn drawn(scene: &Scene<'_>) -> Vec<Vec<u8>> {
        let mut file = Vec::new();
        scene.write(10.0, &mut file).unwrap();
        let header = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        assert!(file.starts_with(b"YUV4MPEG2 W640 H480 F10000:1000 "));
        let frames = file[header..].chunks(WIDTH * HEIGHT + 6);
        frames.map(|frame| frame.strip_prefix(b"FRAME\n").unwrap().to_vec()).collect()
    }

    #[test]
    fn faces_come_and_go_places_change_and_cameras_freeze() {
        let portrait = Portrait::fixture();
        let frames = drawn(&scene(&portrait, Disturbance { noise: 2.0, ..Disturbance::default() }));
        assert_eq!(frames.len(), 10);
        let [before, there, after] = [1, 3, 6].map(|at: usize| frames[at][200 * WIDTH + 300]);
        assert!(there > 180 && before < 150 && after < 150, "{before} {there} {after}");
        assert_ne!(frames[4][0] / 16, frames[5][0] / 16, "a cut");
        // Noise changes every frame, unless the camera repeats one.
        let changed: Vec<bool> = frames.windows(2).map(|pair| pair[0] != pair[1]).collect();
        assert_eq!(changed, [true, true, true, true, true, true, false, false, true]);
    }

    #[test]
    fn a_seed_draws_the_same_at_every_rate() {
        let portrait = Portrait::fixture();
        let scene = scene(&portrait, Disturbance::default());
        assert_eq!(drawn(&scene), drawn(&scene));
        assert_eq!((scene.frames(30.0), scene.frames(8.0), scene.frames(5.0)), (30, 8, 5));
        let size = |time| flicker(0, time);
        assert!((size(0.15) - (size(0.1) + size(0.2)) / 2.0).abs() < 1e-9);
        assert_ne!(flicker(0, 0.1), flicker(1, 0.1));
    }
}
