//! Benchmark of this machine: CPU time of a frame by stage, start time, memory.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use emocue_config::source::SyntheticSettings;
use emocue_models::failure::Failure;
use emocue_models::luma::Luma;
use emocue_run::RunError;
use serde::Serialize;

use crate::camera::{Camera, CameraError, FrameInfo, Stills, Synthetic, Y4m};
use crate::show::ShowSettings;
use crate::show::panel::Panel;
use crate::vision::{OverTimeSettings, Vision};

/// Different frames in the measured clip; it is played again and again.
const CLIP: u64 = 4;

/// Frame rate of the measured stream, Hz.
const STREAM_FPS: u32 = 30;

/// Frames processed before anything is measured.
const WARM_UP: u32 = 5;

/// All results. The fields of the JSON do not change: `cargo xtask bench` compares them with a budget.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// CPU time of this thread for each stage of the loop.
    pub stages: Stages,
    /// All stages of a frame together, as for a single picture.
    pub total: Cost,
    /// A frame of a stream at 30 Hz, of which some frames are searched and classified and in the others faces are
    /// followed: the mean over a second.
    pub stream: Cost,
    /// From the start of `main` to the first portrait's answer on the panel, ms of wall time: reading the bundle,
    /// loading the networks, decoding the JPEG, detection, classification, drawing.
    pub start_to_first_answer_ms: f64,
    /// Peak resident memory of the process, bytes, if the system reports it.
    pub peak_rss_bytes: Option<u64>,
    /// Frames measured.
    pub frames: u32,
    /// Width of a frame, px.
    pub width: usize,
    /// Height of a frame, px.
    pub height: usize,
    /// Fewest faces found in a frame; below 1, the times do not include a face.
    pub fewest_faces: usize,
}

/// The stages in their order.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Stages {
    /// Decoding a frame of a Y4M stream to full-range luma.
    pub decode: Cost,
    /// Finding faces.
    pub detect: Cost,
    /// Cropping and classifying every face.
    pub classify: Cost,
    /// Drawing the panel, which a display does only on a change.
    pub draw: Cost,
}

/// CPU time of one stage for one frame, ms.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    /// The minimum of all frames, without disturbance by other work.
    pub min_ms: f64,
    /// The median of all frames.
    pub median_ms: f64,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// A frame could not be read.
    #[error(transparent)]
    Camera(#[from] CameraError),
    /// A network failed.
    #[error(transparent)]
    Vision(#[from] RunError),
}

impl Failure for BenchError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Camera(error) => error.help(),
            Self::Vision(error) => error.help(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Camera(error) => error.exit_code(),
            Self::Vision(error) => error.exit_code(),
        }
    }
}

/// Processes `frames` frames of a clip of 640x480 px with one face, stage by stage on this thread.
///
/// `vision` must not have processed a frame yet, and `start` is when `main` began.
///
/// # Errors
/// [`BenchError`] when a frame cannot be read or a network fails.
pub fn measure(start: Instant, vision: &mut Vision, frames: u32) -> Result<Measured, BenchError> {
    let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
    let settings = ShowSettings::default();
    let mut panel = Panel::new(settings.panel);
    Stills::portraits().next(&mut frame, &mut info)?;
    let report = vision.look(&frame, &info)?;
    panel.show(report.shown, &settings);
    let start_to_first_answer_ms = milliseconds(start.elapsed());

    let clip = clip()?;
    let mut camera = Y4m::new("bench", clip.as_slice())?;
    let mut laps: [Vec<Duration>; 4] = Default::default();
    let mut fewest_faces = usize::MAX;
    for number in 0..WARM_UP + frames {
        if number.is_multiple_of(CLIP as u32) {
            camera = Y4m::new("bench", clip.as_slice())?;
        }
        let start = cpu_time();
        camera.next(&mut frame, &mut info)?;
        let decoded = cpu_time();
        vision.find(&frame)?;
        let found = cpu_time();
        let report = vision.tell(&frame, &info)?;
        let told = cpu_time();
        panel.show(report.shown, &settings);
        let drawn = cpu_time();
        fewest_faces = fewest_faces.min(report.faces.len());
        if number >= WARM_UP {
            let times = [start, decoded, found, told, drawn];
            for (stage, pair) in laps.iter_mut().zip(times.windows(2)) {
                stage.push(pair[1].saturating_sub(pair[0]));
            }
        }
    }
    let total = (0..frames as usize).map(|i| laps.iter().map(|stage| stage[i]).sum()).collect();
    let [decode, detect, classify, draw] = laps.map(cost);
    let stream = stream(vision, &clip, frames.div_ceil(STREAM_FPS))?;
    Ok(Measured {
        stages: Stages { decode, detect, classify, draw },
        total: cost(total),
        stream: cost(stream),
        start_to_first_answer_ms,
        peak_rss_bytes: peak_rss(),
        frames,
        width: frame.width(),
        height: frame.height(),
        fewest_faces,
    })
}

/// Mean CPU time of a frame for each of `seconds` seconds of a stream, after a second that is not counted.
fn stream(vision: &mut Vision, clip: &[u8], seconds: u32) -> Result<Vec<Duration>, BenchError> {
    let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
    vision.set_over_time(Some(OverTimeSettings::default()));
    let mut laps = Vec::new();
    let mut number = 0;
    for second in 0..=seconds {
        let mut lap = Duration::ZERO;
        for _ in 0..STREAM_FPS {
            // There and back again, so that no face jumps.
            let at = number % (2 * CLIP - 2);
            let wanted = at.min(2 * CLIP - 2 - at);
            let mut camera = Y4m::new("bench", clip)?;
            let mut start = cpu_time();
            for _ in 0..=wanted {
                start = cpu_time();
                camera.next(&mut frame, &mut info)?;
            }
            info.time_ms = Some(number * 1000 / u64::from(STREAM_FPS));
            vision.look(&frame, &info)?;
            lap += cpu_time().saturating_sub(start);
            number += 1;
        }
        if second > 0 {
            laps.push(lap / STREAM_FPS);
        }
    }
    Ok(laps)
}

impl Measured {
    /// Writes a table as text.
    ///
    /// # Errors
    /// Whatever `out` returns.
    pub fn write_table(&self, mut out: impl Write) -> io::Result<()> {
        let (width, height) = (self.width, self.height);
        writeln!(
            out,
            "CPU ms per frame of {width}x{height} px, one thread, {} frames",
            self.frames
        )?;
        writeln!(out, "{:<10}{:>10}{:>10}", "stage", "min", "median")?;
        let Stages { decode, detect, classify, draw } = self.stages;
        let rows = [
            ("decode", decode),
            ("detect", detect),
            ("classify", classify),
            ("draw", draw),
            ("total", self.total),
            ("stream", self.stream),
        ];
        for (stage, Cost { min_ms, median_ms }) in rows {
            writeln!(out, "{stage:<10}{min_ms:>10.3}{median_ms:>10.3}")?;
        }
        writeln!(out, "faces per frame: at least {}", self.fewest_faces)?;
        writeln!(out, "start to first answer: {:.0} ms", self.start_to_first_answer_ms)?;
        match self.peak_rss_bytes {
            Some(bytes) => writeln!(out, "peak memory: {:.1} MB", bytes as f64 / 1e6),
            None => writeln!(out, "peak memory: this system does not tell"),
        }
    }
}

/// A short synthetic Y4M stream as from a camera: 4:2:0, 640x480, one face.
fn clip() -> Result<Vec<u8>, CameraError> {
    let settings = SyntheticSettings { frames: CLIP, ..SyntheticSettings::default() };
    let mut camera = Synthetic::new(&settings)?;
    let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
    let tags = "F30:1 C420jpeg XCOLORRANGE=LIMITED";
    let mut clip =
        format!("YUV4MPEG2 W{} H{} {tags}\n", settings.width, settings.height).into_bytes();
    while camera.next(&mut frame, &mut info)?.is_frame() {
        clip.extend(b"FRAME\n");
        let limited = |luma: &u8| (16 + (u32::from(*luma) * 219 + 127) / 255) as u8;
        clip.extend(frame.pixels().iter().map(limited));
        clip.resize(clip.len() + frame.pixels().len() / 2, 128);
    }
    Ok(clip)
}

fn cost(mut laps: Vec<Duration>) -> Cost {
    laps.sort();
    let at = |index: usize| laps.get(index).copied().map_or(0.0, milliseconds);
    Cost { min_ms: at(0), median_ms: at(laps.len() / 2) }
}

/// Rounded to whole microseconds.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// CPU time that this thread has used.
#[cfg(unix)]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Wall time, on systems without a thread's CPU time.
#[cfg(not(unix))]
fn cpu_time() -> Duration {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed()
}

/// Linux' high-water mark of the resident set.
fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
