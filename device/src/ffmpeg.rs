//! The program ffmpeg, where it is installed: it reads and writes video files.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

/// How to get it, as a sentence.
pub const INSTALL: &str = "Install ffmpeg, e.g. with `sudo apt install ffmpeg`.";

/// How many bytes of the end of its standard error are kept.
const SAID: usize = 2000;

/// A child process; when dropped, it is killed and waited for.
pub struct Ffmpeg {
    child: Child,
    listener: Option<JoinHandle<String>>,
}

impl Ffmpeg {
    /// Decodes the first picture stream of the file `path` to a Y4M stream. Only local files are opened, whatever the
    /// file refers to.
    ///
    /// # Errors
    /// The system's error; [`io::ErrorKind::NotFound`] without ffmpeg.
    pub fn reader(path: &Path) -> io::Result<(Self, ChildStdout)> {
        let mut command = ffmpeg();
        command.args(["-protocol_whitelist", "file", "-i"]).arg(file(path));
        command.args(["-map", "0:v:0", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"]);
        let mut child = Self::start(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
        let stdout = child.child.stdout.take().ok_or_else(no_pipe)?;
        Ok((child, stdout))
    }

    /// Encodes a Y4M stream to the file `path`, whose extension selects the format. An existing file is replaced.
    ///
    /// # Errors
    /// As [`Ffmpeg::reader`].
    pub fn writer(path: &Path) -> io::Result<(Self, ChildStdin)> {
        let mut command = ffmpeg();
        command.args(["-y", "-f", "yuv4mpegpipe", "-i", "pipe:0", "-pix_fmt", "yuv420p"]);
        command.arg(file(path));
        let mut child = Self::start(command.stdin(Stdio::piped()).stdout(Stdio::null()))?;
        let stdin = child.child.stdin.take().ok_or_else(no_pipe)?;
        Ok((child, stdin))
    }

    fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        // It would block if standard error were not read.
        let listener = child.stderr.take().map(|stderr| std::thread::spawn(|| last_line(stderr)));
        Ok(Self { child, listener })
    }

    /// Waits for its end; returns its exit status, and if it failed the last line of standard error.
    ///
    /// # Errors
    /// The system's error.
    pub fn end(&mut self) -> io::Result<(ExitStatus, String)> {
        let status = self.child.wait()?;
        let said = self.listener.take().and_then(|listener| listener.join().ok());
        Ok((status, said.unwrap_or_default()))
    }
}

impl Drop for Ffmpeg {
    fn drop(&mut self) {
        // Fails only if it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-v", "error"]);
    // SIGINT from the terminal is only for this program, which ends ffmpeg cleanly.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// A path that cannot be mistaken for an option or a protocol.
fn file(path: &Path) -> OsString {
    let mut name = OsString::from("file:");
    name.push::<&OsStr>(path.as_ref());
    name
}

fn no_pipe() -> io::Error {
    io::Error::other("the system made no pipe")
}

fn last_line(mut stderr: ChildStderr) -> String {
    let (mut said, mut part) = (Vec::new(), [0; 512]);
    while let Ok(count @ 1..) = stderr.read(&mut part) {
        said.extend(&part[..count]);
        let surplus = said.len().saturating_sub(SAID);
        said.drain(..surplus);
    }
    let said = String::from_utf8_lossy(&said);
    said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}
