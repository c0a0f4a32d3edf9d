//! The badge under load: the real program, its output for each frame, and its log.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::process::Taken;
use super::{camera, host};
use crate::Result;
use crate::cargo::{Profile, badge};

/// Time limit of every wait, also on a machine under load.
const PATIENCE: Duration = Duration::from_secs(180);

/// Polling interval.
const AGAIN: Duration = Duration::from_millis(20);

/// Time limit for the end of threads and descriptors that are no longer needed.
const CALM: Duration = Duration::from_secs(10);

/// A badge counts as idle when its thread and descriptor counts stay unchanged for this time.
const STEADY: Duration = Duration::from_secs(1);

/// Number of stored log lines.
const KEPT: usize = 400;

/// The badge's service, whose environment the badge under load gets.
const SERVICE: &str = include_str!("../../../device/systemd/emocue-badge.service");

/// The badge's output and log so far.
#[derive(Debug, Default)]
struct Told {
    /// Number of frames processed and shown.
    looks: AtomicU64,
    /// Number of those with a face.
    faces: AtomicU64,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    lines: VecDeque<String>,
    /// Total number of lines.
    count: usize,
    /// Number of frames of the starts that have ended, as the badge reports it.
    looks: u64,
}

/// A running badge.
pub(super) struct Badge {
    child: Child,
    keys: ChildStdin,
    told: Arc<Told>,
    readers: [JoinHandle<()>; 2],
}

impl Badge {
    /// Starts a badge in `folder`, which contains its camera's pipe and the link to its cable.
    pub(super) fn start(folder: &Path, key: &str) -> Result<Self> {
        let (state, port) = (folder.join("state"), folder.join(host::PORT));
        let text = format!(
            "[panel]\nenabled = false\n[camera]\nsource = \"pipe:{}\"\n\
             [pace]\nfps = 240.0\nwarm_c = 109.0\nhot_c = 110.0\n\
             [update]\nkeys = [{key:?}]\nstate = {state:?}\nhealthy_s = 1\n[link]\nport = {port:?}\n",
            camera::COMMAND,
        );
        fs::write(folder.join("emocue.toml"), text)?;
        let mut command = Command::new(badge(Profile::Release));
        command.args(["run", "--config", "emocue.toml", "--keyboard"]);
        for display in ["json", "terminal", "png:panel"] {
            command.args(["--display", display]);
        }
        // In its own process group, so that this program ends it after Ctrl-C.
        command.envs(environment());
        command.args(["--keep", "8"]).current_dir(folder).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let told = Arc::<Told>::default();
        let (out, err) = (Arc::clone(&told), Arc::clone(&told));
        let no_pipe = "the badge has no output";
        let stdout = child.stdout.take().ok_or(no_pipe)?;
        let stderr = child.stderr.take().ok_or(no_pipe)?;
        let readers = [
            thread::spawn(move || lines(stdout, |line| out.shown(line))),
            thread::spawn(move || lines(stderr, |line| err.said(line))),
        ];
        let keys = child.stdin.take().ok_or("the badge has no keys")?;
        Ok(Self { child, keys, told, readers })
    }

    /// Its process id.
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Number of frames processed and shown so far.
    pub(super) fn looks(&self) -> u64 {
        self.told.looks.load(Ordering::Relaxed)
    }

    /// Number of those with a face.
    pub(super) fn faces(&self) -> u64 {
        self.told.faces.load(Ordering::Relaxed)
    }

    /// Presses its button by a line on standard input.
    pub(super) fn press(&mut self, key: &str) -> Result<()> {
        writeln!(self.keys, "{key}")?;
        Ok(self.keys.flush()?)
    }

    /// Current position in its log, for [`Badge::says`].
    pub(super) fn now(&self) -> usize {
        self.told.log().count
    }

    /// Waits for a log line after the position `since` that contains `text`.
    pub(super) fn says(&mut self, text: &str, since: usize) -> Result<()> {
        let told = Arc::clone(&self.told);
        self.until(&format!("it says {text:?}"), |_| told.log().has(text, since))
    }

    /// Waits until its camera is missing. It reports that once, so not again for a camera that is unplugged while it is
    /// missing for another reason.
    pub(super) fn misses_its_camera(&mut self) -> Result<()> {
        let told = Arc::clone(&self.told);
        self.until("its camera is missing", |_| told.log().is_camera_missing())
    }

    /// Waits until it has processed `more` frames.
    pub(super) fn looks_on(&mut self, more: u64) -> Result<()> {
        let wanted = self.looks() + more;
        self.until(&format!("it looks at {more} more frames"), |badge| badge.looks() >= wanted)
    }

    /// Checks that it still runs.
    pub(super) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => Err(format!("the badge has ended ({status}): {}", self.last()).into()),
            None => Ok(()),
        }
    }

    /// Waits until a condition holds.
    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) -> Result<()> {
        let begun = Instant::now();
        while !is_so(self) {
            self.check()?;
            if begun.elapsed() > PATIENCE {
                let seconds = PATIENCE.as_secs();
                return Err(format!("not within {seconds} s: {what}: {}", self.last()).into());
            }
            thread::sleep(AGAIN);
        }
        Ok(())
    }

    /// Its last log lines.
    fn last(&self) -> String {
        let log = self.told.log();
        log.lines.iter().rev().take(12).rev().cloned().collect::<Vec<_>>().join(" | ")
    }

    /// Its current resource usage.
    pub(super) fn takes(&self) -> Result<Taken> {
        Taken::by(self.process())
    }

    /// Its resource usage when idle: when the number of threads and descriptors equals that of `usual`, or without
    /// `usual` is unchanged for [`STEADY`]; after [`CALM`] in any case.
    pub(super) fn takes_calmly(&self, usual: Option<Taken>) -> Result<Taken> {
        let begun = Instant::now();
        let (mut last, mut since) = (self.takes()?, begun);
        loop {
            let taken = self.takes()?;
            let counts = |taken: Taken| (taken.threads, taken.descriptors);
            if counts(taken) != counts(last) {
                (last, since) = (taken, Instant::now());
            }
            let is_calm = match usual {
                Some(usual) => counts(taken) == counts(usual),
                None => since.elapsed() >= STEADY,
            };
            if is_calm || begun.elapsed() >= CALM {
                return Ok(taken);
            }
            thread::sleep(AGAIN);
        }
    }

    /// Stops it as its service would, and returns how many looks it counted itself.
    pub(super) fn stop(mut self) -> Result<u64> {
        let process = self.child.id().to_string();
        Command::new("kill").args(["-s", "TERM", &process]).status()?;
        let begun = Instant::now();
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break status,
                None if begun.elapsed() > PATIENCE => return Err("the badge does not stop".into()),
                None => thread::sleep(AGAIN),
            }
        };
        let Self { told, readers, .. } = &mut self;
        for reader in readers {
            while !reader.is_finished() {
                thread::sleep(AGAIN);
            }
        }
        let looks = told.log().looks;
        match status.success() {
            true => Ok(looks),
            false => Err(format!("the badge ended with {status}: {}", self.last()).into()),
        }
    }
}

impl Drop for Badge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Told {
    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one line of output; states of the badge itself have no frame.
    fn shown(&self, line: &str) {
        if line.starts_with('{') && !line.contains("\"width\":0,") {
            self.looks.fetch_add(1, Ordering::Relaxed);
            if line.contains("\"faces\":[{") {
                self.faces.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn said(&self, line: &str) {
        let mut log = self.log();
        log.count += 1;
        log.looks += looks(line).unwrap_or(0);
        if log.lines.len() == KEPT {
            log.lines.pop_front();
        }
        log.lines.push_back(line.to_owned());
    }
}

impl Log {
    fn has(&self, text: &str, since: usize) -> bool {
        let behind = self.count.saturating_sub(since).min(self.lines.len());
        self.lines.iter().rev().take(behind).any(|line| line.contains(text))
    }

    fn is_camera_missing(&self) -> bool {
        let states = ["camera missing", "camera streams"];
        let state = |line: &String| states.into_iter().find(|state| line.contains(state));
        self.lines.iter().rev().find_map(state) == Some(states[0])
    }
}

/// The variables that the service sets.
fn environment() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = SERVICE.lines().filter_map(|line| line.strip_prefix("Environment="));
    lines.flat_map(str::split_whitespace).filter_map(|variable| variable.split_once('='))
}

/// How many looks a badge counted that stops.
fn looks(line: &str) -> Option<u64> {
    line.split_once("stopped after ")?.1.split_once(" frames")?.0.parse().ok()
}

/// Calls `take` for each line of `from` until its end.
fn lines(from: impl Read, mut take: impl FnMut(&str)) {
    let (mut from, mut line) = (BufReader::new(from), Vec::new());
    // A read error counts as the end.
    while from.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        take(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_with_a_frame_are_looks() {
        let told = Told::default();
        told.shown(r#"{"source":"badge","index":1,"width":0,"height":0,"faces":[]}"#);
        told.shown(r#"{"source":"pipe:exec","index":0,"width":128,"height":96,"faces":[]}"#);
        told.shown(
            r#"{"source":"pipe:exec","index":1,"width":128,"height":96,"faces":[{"box":1}]}"#,
        );
        told.shown("looks happy");
        let counts = [&told.looks, &told.faces].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counts, [2, 1]);
    }

    #[test]
    fn it_gets_the_environment_of_its_service() {
        assert!(environment().any(|variable| variable == ("MALLOC_ARENA_MAX", "1")));
    }

    #[test]
    fn a_camera_is_missing_until_it_streams() {
        let told = Told::default();
        assert!(!told.log().is_camera_missing());
        for (line, is_missing) in [
            ("emocue-badge: camera streams", false),
            ("emocue-badge: camera missing: pipe:exec: the program ended", true),
            ("emocue-badge: resumes", true),
            ("emocue-badge: camera streams", false),
        ] {
            told.said(line);
            assert_eq!(told.log().is_camera_missing(), is_missing, "{line}");
        }
    }

    #[test]
    fn what_it_says_is_found_behind_a_place_and_its_looks_are_added() {
        let told = Told::default();
        told.said("emocue-badge: paused");
        let since = told.log().count;
        assert!(!told.log().has("paused", since) && told.log().has("paused", 0));
        told.said("emocue-badge: stopped after 120 frames, 3 ms old on average");
        told.said("emocue-badge: stopped after 3 frames");
        assert!(told.log().has("stopped", since));
        assert_eq!(told.log().looks, 123);
    }
}
