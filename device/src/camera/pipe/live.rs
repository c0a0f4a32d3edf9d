//! The camera behind a child process.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use emocue_models::colors::Colors;
use emocue_models::luma::Luma;

use emocue_config::source::PipeSettings;

use super::super::patience::{Verdict, WAIT, Watch};
use super::super::stamps::Stamps;
use super::super::{Camera, CameraError, CameraRead, FrameInfo};
use super::child::{Child, Found};
use super::{Frames, PipeError};

/// How long a program that has streamed may write nothing before it is restarted.
const HUNG: Duration = Duration::from_secs(10);

/// A program that writes frames, and its clock.
pub(crate) trait Program: Send {
    /// Reads the next bytes into `space`, until `deadline`. Standard error is read meanwhile, so that the program never
    /// blocks there.
    fn read(&mut self, space: &mut [u8], deadline: Instant) -> io::Result<Found>;

    /// The last line on standard error, or a text for none.
    fn said(&self) -> String;

    /// Ends the program if it has not ended by itself, and returns its exit status.
    fn stop(&mut self) -> io::Result<ExitStatus>;

    /// The time.
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// Starts a command.
type Start = Box<dyn FnMut(&str) -> io::Result<Box<dyn Program>> + Send>;

/// Frames that a child process writes to its standard output.
///
/// A pipe holds 64 KiB, less than a frame of 320x240, and its writer waits when it is full: a reader that keeps up, as
/// the badge's capture thread does, has the newest frame. The program is started by the first [`Camera::next`] and
/// restarted after it ended.
pub struct Pipe {
    settings: PipeSettings,
    start: Start,
    running: Option<Running>,
    stamps: Stamps,
    keeps_colors: bool,
}

struct Running {
    program: Box<dyn Program>,
    frames: Frames,
    watch: Watch,
    /// When the first bytes of the current frame arrived.
    captured: Option<Instant>,
}

impl Pipe {
    /// A camera with these settings; nothing is started yet. If a program `guard` is given, its subcommand
    /// [`GUARD`](super::GUARD) ends the camera's program when this process is killed.
    pub fn new(settings: PipeSettings, guard: Option<PathBuf>) -> Self {
        Self::with(settings, move |command| Ok(Box::new(Child::start(command, guard.as_deref())?)))
    }

    /// A camera whose program `start` starts.
    pub(crate) fn with(
        settings: PipeSettings,
        start: impl FnMut(&str) -> io::Result<Box<dyn Program>> + Send + 'static,
    ) -> Self {
        let (start, stamps) = (Box::new(start), Stamps::default());
        Self { settings, start, running: None, stamps, keeps_colors: false }
    }

    /// Keeps every frame's colours, for displays.
    #[must_use]
    pub fn with_colors(self, keeps_colors: bool) -> Self {
        Self { keeps_colors, ..self }
    }

    fn start(&mut self) -> Result<Running, PipeError> {
        let name = &self.settings.name;
        let program = (self.start)(&self.settings.command)
            .map_err(|reason| PipeError::NoShell { name: name.clone(), reason })?;
        let watch = Watch::start(program.now(), HUNG);
        let frames = Frames::new(name, &self.settings.coding).with_colors(self.keeps_colors);
        Ok(Running { program, frames, watch, captured: None })
    }
}

impl Camera for Pipe {
    fn next(&mut self, frame: &mut Luma, info: &mut FrameInfo) -> Result<CameraRead, CameraError> {
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.start()?,
        };
        // On an error `running` is dropped, which ends the program.
        if let Some(captured) = running.next(&self.settings, frame)? {
            self.stamps.next(&self.settings.name, captured, info);
            self.running = Some(running);
            return Ok(CameraRead::Frame);
        }
        let now = running.program.now();
        let silent = || PipeError::Silent {
            name: self.settings.name.clone(),
            waited: running.watch.waited(now),
            said: running.program.said(),
        };
        let read = match running.watch.verdict(now) {
            Verdict::Wait => CameraRead::Nothing,
            Verdict::Silent => CameraRead::Silent(silent().into()),
            Verdict::Hung => return Err(silent().into()),
        };
        self.running = Some(running);
        Ok(read)
    }

    fn is_live(&self) -> bool {
        true
    }

    fn colors(&self) -> Option<&Colors> {
        self.running.as_ref()?.frames.colors()
    }

    fn close(&mut self) {
        self.running = None;
    }
}

impl Running {
    /// Reads until a frame is whole, and returns when its first bytes arrived; `None` at the deadline.
    fn next(
        &mut self,
        settings: &PipeSettings,
        frame: &mut Luma,
    ) -> Result<Option<Instant>, CameraError> {
        let deadline = self.program.now() + WAIT;
        loop {
            let found = self.program.read(self.frames.space(), deadline);
            let fail = |reason| PipeError::Io { name: settings.name.clone(), reason };
            let found = found.map_err(fail)?;
            let now = self.program.now();
            match found {
                Found::Bytes(count) => {
                    self.watch.hear(now);
                    let captured = *self.captured.get_or_insert(now);
                    if self.frames.take(count, frame)? {
                        self.watch.see(now);
                        self.captured = None;
                        return Ok(Some(captured));
                    }
                    // A slow trickle of bytes must not delay a pause.
                    if now >= deadline {
                        return Ok(None);
                    }
                }
                Found::Nothing => return Ok(None),
                Found::End => return Err(self.ended(settings).into()),
            }
        }
    }

    fn ended(&mut self, settings: &PipeSettings) -> PipeError {
        let name = settings.name.clone();
        let status = self.program.stop();
        let said = self.program.said();
        match status {
            // The shell's exit codes for a program that is missing or not executable.
            Ok(status) if matches!(status.code(), Some(126 | 127)) => {
                PipeError::NoProgram { name, said, remedy: settings.remedy }
            }
            Ok(status) => PipeError::Ended { name, status: status.to_string(), said },
            Err(reason) => PipeError::Io { name, reason },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn pipe(text: &str) -> Pipe {
        Pipe::new(text.parse().unwrap(), None)
    }

    /// A frame's first pixel and its index, or what went wrong.
    fn next(camera: &mut Pipe) -> Result<(u8, u64), CameraError> {
        let (mut frame, mut info) = (Luma::default(), FrameInfo::default());
        loop {
            match camera.next(&mut frame, &mut info)? {
                CameraRead::Frame => break,
                CameraRead::Nothing => {}
                CameraRead::Silent(error) => return Err(error),
                CameraRead::End => panic!("a live camera has no end"),
            }
        }
        assert!(info.captured.is_some_and(|captured| captured <= Instant::now()));
        Ok((frame.pixels()[0], info.index))
    }

    /// Whether a process runs, by the process ID that a child wrote.
    fn runs(number: &str) -> bool {
        let Ok(stat) = fs::read_to_string(Path::new("/proc").join(number).join("stat")) else {
            return false;
        };
        !stat.contains(") Z ")
    }

    const Y4M: &str =
        "printf 'YUV4MPEG2 W4 H2 Cmono XCOLORRANGE=FULL\\nFRAME\\nabcdefghFRAME\\nABCDEFGH'";

    #[test]
    fn frames_come_until_the_program_ends_and_again_after_it_is_started_anew() {
        let mut camera = pipe(&format!("{Y4M}; echo 'the lens cap is on' >&2; exit 3"));
        assert!(camera.is_live());
        for round in 0..2 {
            assert_eq!(next(&mut camera).unwrap(), (b'a', 2 * round));
            assert_eq!(next(&mut camera).unwrap(), (b'A', 2 * round + 1));
            let error = next(&mut camera).unwrap_err();
            assert!(error.may_heal());
            let error = error.to_string();
            assert!(error.contains("exit status: 3): the lens cap is on"), "{error}");
        }
    }

    #[test]
    fn presets_give_the_frames_of_their_programs_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let noise = "echo GST_ARGUS: talks on standard output";
        let programs = [
            ("rpicam-vid", "head -c 6144 /dev/zero | tr '\\0' a".to_owned()),
            ("gst-launch-1.0", format!("{noise}; head -c 4096 /dev/zero | tr '\\0' a >&3")),
        ];
        for (program, script) in programs {
            let file = folder.path().join(program);
            fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        for preset in ["rpicam", "gst-argus"] {
            let mut settings: PipeSettings = format!("{preset}?size=64x64").parse().unwrap();
            settings.command =
                format!("PATH={}:$PATH; {}", folder.path().display(), settings.command);
            let mut camera = Pipe::new(settings, None);
            assert_eq!(next(&mut camera).unwrap(), (b'a', 0), "{preset}");
            let error = next(&mut camera).unwrap_err().to_string();
            assert!(error.contains("ended (exit status: 0)"), "{error}");
        }
    }

    #[test]
    fn a_program_that_is_not_there_is_not_waited_for() {
        let error = next(&mut pipe("no-such-camera-program --fast")).unwrap_err();
        assert!(!error.may_heal());
        let error = error.to_string();
        assert!(
            error.contains("pipe:no-such-camera-program: the program cannot be run"),
            "{error}"
        );
        assert!(error.contains("not found"), "{error}");
    }

    #[test]
    fn a_program_that_writes_nothing_is_waited_for_a_second_and_keeps_running() {
        let mut camera = pipe("echo warming up >&2; exec sleep 60");
        let start = Instant::now();
        let read = camera.next(&mut Luma::default(), &mut FrameInfo::default()).unwrap();
        assert!(matches!(read, CameraRead::Nothing), "{read:?}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        assert!(camera.running.is_some());
    }

    #[test]
    fn what_a_program_says_never_blocks_it() {
        let chatter = "i=0; while [ $i -lt 3000 ]; do echo 'a line of fifty characters or so, on standard error' >&2; \
                       i=$((i+1)); done";
        let mut camera = pipe(&format!("{chatter}; {Y4M}"));
        assert_eq!(next(&mut camera).unwrap(), (b'a', 0));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn closing_ends_every_process_of_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let numbers = folder.path().join("pids");
        // The inner shell would survive its parent, and ignores SIGINT and a closed pipe.
        let inner = Y4M.replace('\'', "\"");
        let command = format!(
            "echo $$ >>{0}; sh -c 'trap \"\" INT PIPE; echo $$ >>{0}; {inner}; while :; do sleep 60; done' & wait",
            numbers.display(),
        );
        let mut camera = pipe(&command);
        assert_eq!(next(&mut camera).unwrap(), (b'a', 0));
        camera.close();
        let numbers = fs::read_to_string(numbers).unwrap();
        assert_eq!(numbers.lines().count(), 2);
        // A killed orphan ends when it is scheduled.
        let patience = Instant::now() + Duration::from_secs(10);
        while numbers.lines().any(runs) && Instant::now() < patience {
            std::thread::yield_now();
        }
        assert!(!numbers.lines().any(runs), "still running: {numbers}");
    }
}
