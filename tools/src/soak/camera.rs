//! The camera of a badge under load: synthetic frames through a named pipe at full rate. One in a thousand is damaged,
//! and the camera can be unplugged.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use emocue_device::camera::{Camera as _, FrameInfo, Synthetic};
use emocue_link::random::Random;
use emocue_models::luma::Luma;
use rustix::fs::{CWD, FileType, Mode, OFlags, fcntl_setfl, mknodat};

use super::damage::{Damage, Then};
use crate::Result;

/// The badge's camera command; the pipe is in its working directory.
pub(super) const COMMAND: &str = "exec cat camera";

/// Frame rate, Hz: slightly more than a badge processes.
const RATE: f64 = 250.0;

/// One frame in this many is damaged.
const ONE_IN: u64 = 1_000;

/// Number of distinct frames, which repeat.
const FRAMES: usize = 240;

/// Frame sizes, px: small frames need little CPU time; in smaller ones the face would be too small.
const SIZES: [&str; 2] = ["192x144", "256x192"];

/// Polling interval for a reader.
const AGAIN: Duration = Duration::from_millis(5);

/// State shared with the writer thread.
#[derive(Debug, Default)]
struct Shared {
    unplugged: AtomicBool,
    ended: AtomicBool,
    frames: AtomicU64,
    damaged: AtomicU64,
    starts: AtomicU64,
}

/// A camera that runs until it is dropped.
pub(super) struct Camera {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

impl Camera {
    /// A camera whose pipe is made in `folder`.
    pub(super) fn new(folder: &Path, seed: u64) -> Result<Self> {
        let path = folder.join("camera");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        let clips = SIZES.map(Clip::drawn);
        let [small, large] = clips;
        let clips = [small?, large?];
        let shared = Arc::<Shared>::default();
        let random = Random::of(seed, "camera");
        let mut writer =
            Writer { path, shared: Arc::clone(&shared), clips, random, next: None, kind: 0 };
        let writer = thread::spawn(move || writer.run());
        Ok(Self { shared, writer: Some(writer) })
    }

    /// Unplugs it, or plugs it in again.
    pub(super) fn unplug(&self, unplugged: bool) {
        self.shared.unplugged.store(unplugged, Ordering::Relaxed);
    }

    /// Number of valid frames, of damaged frames, and of starts of the camera's program.
    pub(super) fn counts(&self) -> [u64; 3] {
        let Shared { frames, damaged, starts, .. } = &*self.shared;
        [frames, damaged, starts].map(|count| count.load(Ordering::Relaxed))
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        if let Some(writer) = self.writer.take() {
            // A panicked thread has ended, too.
            let _ = writer.join();
        }
    }
}

/// A clip in Y4M.
struct Clip {
    header: Vec<u8>,
    /// Each with its header line.
    frames: Vec<Vec<u8>>,
}

impl Clip {
    fn drawn(size: &str) -> Result<Self> {
        let mut drawn = Synthetic::new(&format!("frames={FRAMES},size={size}").parse()?)?;
        let (mut frame, mut info, mut frames) = (Luma::default(), FrameInfo::default(), Vec::new());
        while drawn.next(&mut frame, &mut info)?.is_frame() {
            frames.push([b"FRAME\n", frame.pixels()].concat());
        }
        let (width, height) = (frame.width(), frame.height());
        let header = format!("YUV4MPEG2 W{width} H{height} F250:1 Cmono XCOLORRANGE=FULL\n");
        Ok(Self { header: header.into_bytes(), frames })
    }
}

struct Writer {
    path: PathBuf,
    shared: Arc<Shared>,
    clips: [Clip; 2],
    random: Random,
    /// Damage at the start of the next stream.
    next: Option<Damage>,
    /// The kind of the next damage.
    kind: usize,
}

impl Writer {
    fn run(&mut self) {
        while !self.shared.ended.load(Ordering::Relaxed) {
            let begun = (!self.shared.unplugged.load(Ordering::Relaxed)).then(|| self.open());
            match begun.and_then(io::Result::ok) {
                Some(pipe) => {
                    self.shared.starts.fetch_add(1, Ordering::Relaxed);
                    // The badge has closed the pipe.
                    let _ = self.stream(pipe);
                }
                None => thread::sleep(AGAIN),
            }
        }
    }

    /// Opens the pipe; an error while there is no reader.
    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
        let pipe = options.open(&self.path)?;
        fcntl_setfl(&pipe, OFlags::empty())?;
        Ok(pipe)
    }

    fn stream(&mut self, mut pipe: File) -> io::Result<()> {
        let begins = self.next.take();
        if let Some(bytes) = begins.and_then(Damage::beginning) {
            pipe.write_all(bytes)?;
            // After invalid data the program runs for another moment.
            thread::sleep(AGAIN);
            return Ok(());
        }
        let clip = &self.clips[usize::from(begins == Some(Damage::OtherSize))];
        pipe.write_all(&clip.header)?;
        let mut due = Instant::now();
        for frame in clip.frames.iter().cycle() {
            let Shared { unplugged, ended, frames, damaged, .. } = &*self.shared;
            if unplugged.load(Ordering::Relaxed) || ended.load(Ordering::Relaxed) {
                break;
            }
            let count = frames.fetch_add(1, Ordering::Relaxed) + 1;
            if count.is_multiple_of(ONE_IN) {
                damaged.fetch_add(1, Ordering::Relaxed);
                let damage = Damage::ALL[self.kind % Damage::ALL.len()];
                self.kind += 1;
                if damage.write(&mut pipe, frame, &mut self.random)? == Then::End {
                    self.next = Some(damage);
                    break;
                }
            } else {
                pipe.write_all(frame)?;
            }
            due += Duration::from_secs_f64(1.0 / RATE);
            let now = Instant::now();
            // Missed frames are not written later.
            due = due.max(now);
            thread::sleep(due - now);
        }
        Ok(())
    }
}
