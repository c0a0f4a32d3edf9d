//! The camera: streaming through the `v4l` crate.

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use emocue_config::source::V4l2Settings;
use emocue_models::colors::Colors;
use emocue_models::luma::{Luma, Range};
use rustix::time::{ClockId, clock_gettime};
use v4l::buffer::{Flags, Metadata, Type};
use v4l::device::Handle;
use v4l::format::{Colorspace, Quantization};
use v4l::io::mmap::Stream;
use v4l::io::traits::{CaptureStream, Stream as _};
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Format, FourCC};

use super::super::patience::{Verdict, WAIT, Watch};
use super::super::stamps::Stamps;
use super::super::{Camera, CameraError, CameraRead, FrameInfo};
use super::error::is_gone;
use super::format::{self, PixelFormat};
use super::plane::{BadBuffer, Plane, PlaneLayout};
use super::{V4l2Error, probe};

/// How long a camera that has streamed may give no whole frame before it is reopened.
const HUNG: Duration = Duration::from_secs(4);

/// Number of capture buffers: one is processed, one is filled, two wait.
const BUFFERS: u32 = 4;

/// `POLLIN` of poll(2).
const READABLE: i16 = 1;

/// A V4L2 camera; it streams from the first [`Camera::next`] until [`Camera::close`].
pub struct V4l2 {
    name: String,
    settings: V4l2Settings,
    streaming: Option<Streaming>,
    /// Why the driver did not stop streaming; the camera stays open then.
    stuck: Option<io::Error>,
    stamps: Stamps,
    keeps_colors: bool,
}

struct Streaming {
    stream: Stream<'static>,
    handle: Arc<Handle>,
    plane: Plane,
    /// How many buffers the driver has while one is processed.
    queued: u32,
    watch: Watch,
}

impl V4l2 {
    /// A camera with these settings; nothing is opened yet.
    pub fn new(settings: V4l2Settings) -> Self {
        Self {
            name: settings.name(),
            settings,
            streaming: None,
            stuck: None,
            stamps: Stamps::default(),
            keeps_colors: false,
        }
    }

    /// Keeps every frame's colours, for displays.
    #[must_use]
    pub fn with_colors(mut self, keeps_colors: bool) -> Self {
        self.keeps_colors = keeps_colors;
        self
    }

    fn fail(&self, call: &'static str, reason: io::Error) -> V4l2Error {
        V4l2Error::of_call(&self.name, &self.settings.node.display().to_string(), call, reason)
    }

    fn start(&mut self) -> Result<Streaming, V4l2Error> {
        if let Some(reason) = &self.stuck {
            let reason = io::Error::new(reason.kind(), reason.to_string());
            return Err(V4l2Error::Stuck { name: self.name.clone(), reason });
        }
        let wanted = self.settings.wanted;
        let (device, choice) = probe::open(&self.name, &self.settings.node, &wanted)?;
        let fourcc = FourCC::new(&PixelFormat::of(choice.pixels).fourcc);
        let format = device.set_format(&Format::new(choice.width, choice.height, fourcc));
        let format = format.map_err(|reason| self.fail("VIDIOC_S_FMT", reason))?;
        // The nearest rate is used; cameras with a single rate refuse the call.
        let _ = device.set_params(&Parameters::with_fps(wanted.fps));
        let layout = self.layout(&format)?;
        let mut stream = Stream::with_buffers(&device, Type::VideoCapture, BUFFERS)
            .map_err(|reason| self.fail("VIDIOC_REQBUFS", reason))?;
        // The crate's own start is part of its first `next`, which would wait for a frame without a timeout. All
        // buffers but the first are queued here, and a driver may have allocated fewer than requested; `next` queues
        // the one that it returned last, at first number 0.
        let queued = (1..BUFFERS).take_while(|index| stream.queue(*index as usize).is_ok()).count();
        if let Err(reason) = stream.start() {
            let error = self.fail("VIDIOC_STREAMON", reason);
            self.release(stream);
            return Err(error);
        }
        let (plane, queued) = (Plane::new(layout).with_colors(self.keeps_colors), queued as u32);
        let watch = Watch::start(Instant::now(), HUNG);
        Ok(Streaming { stream, handle: device.handle(), plane, queued, watch })
    }

    /// The layout of the format that the driver chose for the request.
    fn layout(&self, format: &Format) -> Result<PlaneLayout, V4l2Error> {
        let pixels =
            format::of_fourcc(format.fourcc.repr).ok_or_else(|| V4l2Error::Unsupported {
                name: self.name.clone(),
                offered: format.fourcc.to_string(),
                remedy: "another format=... may do".to_owned(),
            })?;
        let said = match format.quantization {
            Quantization::Default => None,
            Quantization::FullRange => Some(Range::Full),
            Quantization::LimitedRange => Some(Range::Limited),
        };
        Ok(PlaneLayout {
            pixels,
            width: format.width as usize,
            height: format.height as usize,
            stride: format.stride as usize,
            range: format::range(pixels, said, matches!(format.colorspace, Colorspace::JPEG)),
        })
    }

    /// Ends a stream.
    ///
    /// The crate's destructor repeats STREAMOFF and panics on any failure except that of a camera that is gone, which
    /// would end a badge that is built to abort. V4L2 allows repeated STREAMOFF calls, so a call that succeeds twice
    /// here succeeds a third time. If a driver refuses, the stream is leaked and the camera stays open: there is no
    /// safe way to release it, and the next [`Camera::next`] reports it.
    fn release(&mut self, mut stream: Stream<'static>) {
        for _ in 0..2 {
            let stopped = loop {
                match stream.stop() {
                    Err(reason) if reason.kind() == io::ErrorKind::Interrupted => {}
                    stopped => break stopped,
                }
            };
            match stopped {
                Err(reason) if !is_gone(&reason) => {
                    self.stuck = Some(reason);
                    mem::forget(stream);
                    return;
                }
                _ => {}
            }
        }
    }
}

impl Camera for V4l2 {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<CameraRead, CameraError> {
        let mut streaming = match self.streaming.take() {
            Some(streaming) => streaming,
            None => self.start()?,
        };
        let got = streaming.next(self, frame, Instant::now() + WAIT);
        let now = Instant::now();
        let verdict = match &got {
            Ok(captured) => {
                streaming.watch.see(now);
                self.stamps.next(&self.name, *captured, info);
                Verdict::Wait
            }
            // The stream is in a valid state, so it can be waited for again.
            Err(V4l2Error::Silent { .. } | V4l2Error::Damaged { .. }) => {
                streaming.watch.verdict(now)
            }
            Err(_) => Verdict::Hung,
        };
        self.streaming = Some(streaming);
        match (got, verdict) {
            (Ok(_), _) => Ok(CameraRead::Frame),
            (Err(_), Verdict::Wait) => Ok(CameraRead::Nothing),
            (Err(error), Verdict::Silent) => Ok(CameraRead::Silent(error.into())),
            (Err(error), Verdict::Hung) => {
                self.close();
                Err(error.into())
            }
        }
    }

    fn is_live(&self) -> bool {
        true
    }

    fn colors(&self) -> Option<&Colors> {
        self.streaming.as_ref()?.plane.colors()
    }

    fn close(&mut self) {
        if let Some(streaming) = self.streaming.take() {
            self.release(streaming.stream);
        }
    }
}

impl Drop for V4l2 {
    fn drop(&mut self) {
        self.close();
    }
}

impl Streaming {
    /// Writes the newest frame into `frame` and returns when it was captured.
    fn next(
        &mut self,
        camera: &V4l2,
        frame: &mut Luma,
        deadline: Instant,
    ) -> Result<Instant, V4l2Error> {
        let (mut damage, mut starved) = (None, false);
        loop {
            // Waiting before the crate's `next` and not within it: after a timeout of its own it would queue a buffer
            // that is queued already.
            let left = deadline.saturating_duration_since(Instant::now());
            match self.handle.poll(READABLE, left.as_millis() as i32 + 1) {
                Ok(0) => {
                    let name = camera.name.clone();
                    return Err(match damage {
                        Some(reason) => V4l2Error::Damaged { name, reason },
                        None => {
                            V4l2Error::Silent { name, waited: self.watch.waited(Instant::now()) }
                        }
                    });
                }
                Err(reason) if reason.kind() == io::ErrorKind::Interrupted => continue,
                waited => waited.map_err(|reason| camera.fail("poll", reason))?,
            };
            // Waiting frames are skipped for the newest; each costs two calls and no copy.
            let mut taken = 0;
            loop {
                let (buffer, meta) =
                    self.stream.next().map_err(|reason| camera.fail("VIDIOC_DQBUF", reason))?;
                taken += 1;
                if taken <= self.queued
                    && self.handle.poll(READABLE, 0).is_ok_and(|ready| ready > 0)
                {
                    continue;
                }
                // If every buffer was full, the driver had none to fill, so even the newest is old.
                if taken >= self.queued.max(2) && !starved {
                    starved = true;
                    break;
                }
                let used = (meta.bytesused as usize).min(buffer.len());
                // Some drivers do not report the length.
                let picture = if used > 0 { &buffer[..used] } else { buffer };
                let captured = captured(meta);
                // A buffer that the driver marks as damaged may look whole.
                damage = match self.plane.extract(picture, frame) {
                    Ok(()) if !meta.flags.contains(Flags::ERROR) => return Ok(captured),
                    Ok(()) => Some(BadBuffer::Flagged),
                    Err(reason) => Some(reason),
                };
                break;
            }
            if Instant::now() >= deadline
                && let Some(reason) = damage
            {
                return Err(V4l2Error::Damaged { name: camera.name.clone(), reason });
            }
        }
    }
}

/// When a buffer's frame was captured: its time stamp where that is the monotonic clock's, else now.
fn captured(meta: &Metadata) -> Instant {
    let now = Instant::now();
    if meta.flags & Flags::TIMESTAMP_MASK != Flags::TIMESTAMP_MONOTONIC {
        return now;
    }
    let clock = clock_gettime(ClockId::Monotonic);
    let age = micros(clock.tv_sec, clock.tv_nsec / 1000)
        .saturating_sub(micros(meta.timestamp.sec, meta.timestamp.usec));
    now.checked_sub(Duration::from_micros(age.max(0) as u64)).unwrap_or(now)
}

/// Both parts have 32 bits on 32-bit boards.
fn micros(seconds: impl Into<i64>, micros: impl Into<i64>) -> i64 {
    seconds.into().saturating_mul(1_000_000).saturating_add(micros.into())
}

#[cfg(test)]
mod tests {
    use v4l::timestamp::Timestamp;

    use super::*;

    fn refusal(node: &str) -> CameraError {
        let mut camera = V4l2::new(node.parse().unwrap());
        let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
        let error = camera.next(&mut frame, &mut info).unwrap_err();
        assert!(camera.next(&mut frame, &mut info).is_err(), "asking again is harmless");
        error
    }

    #[test]
    fn a_camera_that_is_not_there_may_come() {
        let error = refusal("/dev/no-such-video");
        assert!(error.may_heal());
        assert!(error.to_string().contains("no camera is connected"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_camera_never_becomes_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = refusal(file.path().to_str().unwrap());
        assert!(!error.may_heal());
        assert!(error.to_string().contains("gives no pictures"), "{error}");
    }

    #[test]
    fn a_frame_is_as_old_as_its_time_stamp_says() {
        let clock = clock_gettime(ClockId::Monotonic);
        let stamped = |seconds: i64, flags| Metadata {
            timestamp: Timestamp::new((clock.tv_sec - seconds) as _, (clock.tv_nsec / 1000) as _),
            flags,
            ..Metadata::default()
        };
        let old = captured(&stamped(2, Flags::TIMESTAMP_MONOTONIC)).elapsed();
        assert!((1.9..60.0).contains(&old.as_secs_f32()), "{old:?}");
        // Another clock's time is useless, and no frame is from the future.
        for meta in [stamped(2, Flags::TIMESTAMP_COPY), stamped(-2, Flags::TIMESTAMP_MONOTONIC)] {
            let before = Instant::now();
            assert!(captured(&meta) >= before);
        }
    }
}
