//! Cameras that deliver every kind of damaged frame: the frames between them are processed, no frame is accepted that
//! can be recognised as damaged, and memory use does not grow.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::io::{self, Cursor};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use allocation_counter::measure;
use emocue_config::PanelSize;
use emocue_config::source::{Coding, Pixels};
use emocue_device::answer::FrameReport;
use emocue_device::badge;
use emocue_device::camera::pipe::Frames;
use emocue_device::camera::v4l2::V4l2Error;
use emocue_device::camera::v4l2::plane::{Plane, PlaneLayout};
use emocue_device::camera::{Camera, CameraError, CameraRead, FrameInfo, Synthetic};
use emocue_device::show::json::Json;
use emocue_device::show::panel::Panel;
use emocue_device::show::{Display, ShowError, ShowSettings, ShownFrame};
use emocue_device::vision::Vision;
use emocue_models::bundle::{self, Bundle};
use emocue_models::luma::{Luma, Range};
use emocue_run::Networks;
use image::{GrayImage, ImageFormat};

const WIDTH: usize = 192;
const HEIGHT: usize = 144;

/// One frame in this number is damaged; `cargo xtask soak --frames` has one in a thousand.
const ONE_IN: u64 = 30;

/// Most memory that is allocated at once while frames are damaged, bytes: a decoder's tables and a network's values.
const MOST: u64 = 4 << 20;

/// The expected result for a damaged frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It is refused and reported.
    Refused,
    /// It may be processed: no decoder can distinguish it from a whole picture.
    Either,
}

type Damage = (&'static str, Vec<u8>, Fate);

/// The synthetic clip's frame.
fn picture(width: usize, height: usize) -> Luma {
    let mut drawn = Synthetic::new(&format!("size={width}x{height}").parse().unwrap()).unwrap();
    let mut frame = Luma::default();
    assert!(drawn.next(&mut frame, &mut FrameInfo::default()).unwrap().is_frame());
    frame
}

fn jpeg(frame: &Luma) -> Vec<u8> {
    let (width, height) = (frame.width() as u32, frame.height() as u32);
    let grey = GrayImage::from_raw(width, height, frame.pixels().to_vec()).unwrap();
    let mut bytes = Cursor::new(Vec::new());
    grey.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// The offset of a marker's segment.
fn segment(jpeg: &[u8], marker: u8) -> usize {
    jpeg.windows(2).position(|pair| pair == [0xff, marker]).unwrap()
}

fn jpegs() -> Vec<Damage> {
    let good = jpeg(&picture(WIDTH, HEIGHT));
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        bytes
    };
    let [tables, codes, size, scan] = [0xdb, 0xc4, 0xc0, 0xda].map(|marker| segment(&good, marker));
    let middle = usize::midpoint(scan, good.len());
    let cut = |length: usize| good[..length].to_vec();
    vec![
        ("empty", Vec::new(), Fate::Refused),
        ("two bytes", cut(2), Fate::Refused),
        ("within its tables", cut(tables + 20), Fate::Refused),
        ("before its scan", cut(scan), Fate::Refused),
        ("half of its scan", cut(middle), Fate::Refused),
        ("without its last bytes", cut(good.len() - 9), Fate::Refused),
        ("no picture at all", b"hello, world".repeat(99), Fate::Refused),
        ("zeros", vec![0; good.len()], Fate::Refused),
        ("larger than negotiated", jpeg(&picture(640, 480)), Fate::Refused),
        ("no height", with(&|it| it[size + 5..size + 7].fill(0)), Fate::Refused),
        ("no components", with(&|it| it[size + 9] = 0), Fate::Refused),
        ("codes that are none", with(&|it| it[codes + 5..codes + 21].fill(0xff)), Fate::Refused),
        (
            "a segment without an end",
            with(&|it| it[tables + 2..tables + 4].fill(0xff)),
            Fate::Refused,
        ),
        ("smaller than negotiated", jpeg(&picture(96, 64)), Fate::Either),
        ("disturbed scan", with(&|it| it[middle..middle + 40].fill(0x5a)), Fate::Either),
        ("markers in its scan", with(&|it| it[middle..middle + 40].fill(0xff)), Fate::Either),
        ("tables of zeros", with(&|it| it[tables + 5..tables + 69].fill(0)), Fate::Either),
        ("noise behind it", with(&|it| it.extend([0xa5; 5000])), Fate::Either),
    ]
}

/// Buffers of a camera, as the kernel delivers them.
struct Buffers {
    plane: Plane,
    good: Vec<u8>,
    damaged: Vec<Damage>,
    index: u64,
}

impl Buffers {
    fn new(pixels: Pixels, good: Vec<u8>, damaged: Vec<Damage>) -> Self {
        let layout =
            PlaneLayout { pixels, width: WIDTH, height: HEIGHT, stride: 0, range: Range::Full };
        Self { plane: Plane::new(layout), good, damaged, index: 0 }
    }

    /// Whole frames in raw buffers of `bytes` bytes, and others.
    fn raw(pixels: Pixels, bytes: usize) -> Self {
        let frame = picture(WIDTH, HEIGHT);
        let each = bytes / frame.pixels().len();
        let spread = |luma: &u8| [*luma].into_iter().chain(std::iter::repeat_n(128, each - 1));
        let mut good: Vec<u8> = match pixels {
            Pixels::Yuyv => frame.pixels().iter().flat_map(spread).collect(),
            _ => frame.pixels().to_vec(),
        };
        good.resize(bytes, 128);
        let damaged = vec![
            ("empty", Vec::new(), Fate::Refused),
            ("half", good[..frame.pixels().len() / 2].to_vec(), Fate::Refused),
            ("too long", [good.clone(), vec![7; 999]].concat(), Fate::Either),
        ];
        Self::new(pixels, good, damaged)
    }
}

/// The damaged frame that replaces frame `index`, if there is one.
fn damage(index: u64, damaged: &[Damage]) -> Option<&Damage> {
    let at = (index % ONE_IN == ONE_IN - 1).then_some((index / ONE_IN) as usize)?;
    damaged.get(at % damaged.len())
}

/// Sets the information of a frame of a stream at 125 Hz.
fn note(info: &mut FrameInfo, index: u64) {
    (info.index, info.time_ms) = (index, Some(index * 8));
}

impl Camera for Buffers {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<CameraRead, CameraError> {
        let damage = damage(self.index, &self.damaged);
        note(info, self.index);
        self.index += 1;
        let taken = self.plane.extract(damage.map_or(&self.good, |(_, bytes, _)| bytes), frame);
        match (taken, damage) {
            (Err(reason), Some(_)) => {
                Err(V4l2Error::Damaged { name: "camera".into(), reason }.into())
            }
            (Ok(()), Some((what, _, Fate::Refused))) => panic!("{what}: taken for a picture"),
            (Ok(()), _) => Ok(CameraRead::Frame),
            (Err(reason), None) => panic!("a good frame is refused: {reason}"),
        }
    }
}

/// A stream of a program, which is restarted after an error.
struct Stream {
    coding: Coding,
    frames: Frames,
    header: Vec<u8>,
    good: Vec<u8>,
    damaged: Vec<Damage>,
    index: u64,
    /// Bytes that were written and not read yet.
    rest: Vec<u8>,
}

impl Stream {
    fn y4m() -> Self {
        let (frame, header) = (picture(WIDTH, HEIGHT), y4m_header(WIDTH, HEIGHT));
        let good = [b"FRAME\n", frame.pixels()].concat();
        let cut = |length: usize| good[..length].to_vec();
        let damaged = vec![
            ("garbage", b"hello, world".repeat(999), Fate::Refused),
            ("a header of another size", y4m_header(320, 240), Fate::Refused),
            (
                "a line without an end",
                [b"FRAME ", vec![b'x'; 2000].as_slice()].concat(),
                Fate::Refused,
            ),
            ("a frame too short by a byte", cut(good.len() - 1), Fate::Either),
            ("half a frame", cut(good.len() / 2), Fate::Either),
            ("a frame too long by a byte", [good.clone(), vec![7]].concat(), Fate::Either),
            ("black", [b"FRAME\n", vec![0; WIDTH * HEIGHT].as_slice()].concat(), Fate::Either),
        ];
        Self::new(Coding::Y4m, header, good, damaged)
    }

    fn raw() -> Self {
        let good = picture(WIDTH, HEIGHT).pixels().to_vec();
        let coding =
            Coding::Raw { width: WIDTH, height: HEIGHT, chroma: false, range: Range::Full };
        let half = good[..good.len() / 2].to_vec();
        // Raw frames have no markers: missing bytes shift the frames after them.
        let damaged = vec![("half", half.clone(), Fate::Either), ("half", half, Fate::Either)];
        Self::new(coding, Vec::new(), good, damaged)
    }

    fn new(coding: Coding, header: Vec<u8>, good: Vec<u8>, damaged: Vec<Damage>) -> Self {
        let frames = Frames::new("pipe:test", &coding);
        let rest = header.clone();
        Self { coding, frames, header, good, damaged, index: 0, rest }
    }
}

fn y4m_header(width: usize, height: usize) -> Vec<u8> {
    format!("YUV4MPEG2 W{width} H{height} F125:1 Cmono XCOLORRANGE=FULL\n").into_bytes()
}

impl Camera for Stream {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<CameraRead, CameraError> {
        note(info, self.index);
        loop {
            if self.rest.is_empty() {
                let next = damage(self.index, &self.damaged).map_or(&self.good, |(_, it, _)| it);
                self.rest.extend(next);
                self.index += 1;
            }
            let space = self.frames.space();
            let count = space.len().min(self.rest.len());
            space[..count].copy_from_slice(&self.rest[..count]);
            self.rest.drain(..count);
            match self.frames.take(count, frame) {
                Ok(false) => {}
                Ok(true) => return Ok(CameraRead::Frame),
                Err(error) => {
                    self.frames = Frames::new("pipe:test", &self.coding);
                    self.rest.clone_from(&self.header);
                    return Err(error);
                }
            }
        }
    }
}

/// Counters of what was shown.
#[derive(Default)]
struct Counts {
    looks: AtomicU64,
    faces: AtomicU64,
}

/// The panel and the lines of a badge.
struct Shown {
    panel: Panel,
    json: Json<io::Sink>,
    counts: Arc<Counts>,
}

impl Display for Shown {
    fn show(
        &mut self,
        frame: Option<ShownFrame<'_>>,
        report: &FrameReport,
        now: Instant,
    ) -> Result<(), ShowError> {
        self.panel.show(report.shown, &ShowSettings::default());
        self.json.show(frame, report, now)?;
        self.counts.looks.fetch_add(1, Ordering::Relaxed);
        self.counts.faces.fetch_add(u64::from(!report.faces.is_empty()), Ordering::Relaxed);
        Ok(())
    }
}

/// Runs a badge on every kind of damaged frame several times, and on the frames between them.
fn looks_on(name: &str, camera: &mut dyn Camera, damaged: &[Damage]) {
    let bundle = Bundle::read(bundle::DEFAULT).unwrap();
    let Networks { detector, classifier } = Networks::from_bundle(&bundle, None).unwrap();
    let threshold = bundle.manifest().classifier.threshold;
    let mut vision = Vision::new(detector, Box::new(classifier), threshold).unwrap();
    let counts = Arc::<Counts>::default();
    let shown = Shown {
        panel: Panel::new(PanelSize::Tall),
        json: Json::new(io::sink(), None),
        counts: Arc::clone(&counts),
    };
    let mut displays: [Box<dyn Display>; 1] = [Box::new(shown)];
    let round = damaged.len() as u64 * ONE_IN;
    let never = AtomicBool::new(false);
    let mut rounds = |rounds: u64| {
        let (camera, displays) = (&mut *camera, &mut displays[..]);
        let limit = Some(rounds * round);
        badge::run(camera, &mut vision, displays, limit, &never, |error| {
            assert!(error.may_heal(), "{name}: {error}");
        })
        .unwrap()
    };
    rounds(2);
    let mut tally = badge::Tally::default();
    let memory = measure(|| tally = rounds(2));
    // A partial round may end with the last frames of the one before.
    let refused = damaged.iter().filter(|(_, _, fate)| *fate == Fate::Refused).count() as u64;
    assert_eq!(tally.shown, 2 * round, "{name}");
    assert!(tally.unreadable >= (2 * refused).saturating_sub(1), "{name}: {tally:?}");
    let [looks, faces] = [&counts.looks, &counts.faces].map(|it| it.load(Ordering::Relaxed));
    println!("{name}: {looks} looks, {faces} with a face, then {tally:?}, {memory:?}");
    assert!(looks == 4 * round && faces * 10 >= looks * 9, "{name}: {faces} of {looks}");
    assert_eq!(memory.bytes_current, 0, "{name}: {memory:?}");
    assert!(memory.bytes_max < MOST, "{name}: {memory:?}");
}

#[test]
fn between_damaged_pictures_of_a_camera_every_good_one_is_looked_at() {
    let damaged = jpegs();
    let good = jpeg(&picture(WIDTH, HEIGHT));
    looks_on("MJPEG", &mut Buffers::new(Pixels::Mjpg, good, jpegs()), &damaged);
}

#[test]
fn between_damaged_raw_buffers_every_good_one_is_looked_at() {
    let pixels = WIDTH * HEIGHT;
    for (kind, bytes) in
        [(Pixels::Grey, pixels), (Pixels::Nv12, pixels * 3 / 2), (Pixels::Yuyv, pixels * 2)]
    {
        let mut camera = Buffers::raw(kind, bytes);
        let damaged = camera.damaged.clone();
        looks_on(&format!("{kind:?}"), &mut camera, &damaged);
    }
}

#[test]
fn between_damaged_frames_of_a_stream_every_good_one_is_looked_at() {
    for (name, mut camera) in [("Y4M", Stream::y4m()), ("raw", Stream::raw())] {
        let damaged = camera.damaged.clone();
        looks_on(name, &mut camera, &damaged);
    }
}
