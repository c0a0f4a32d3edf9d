//! The process between the badge and a camera's program, which ends that program when the badge is killed.
//!
//! A badge that ends by itself closes its camera; one that is killed cannot. The guard leads the process group of the
//! program and of all that it starts, and holds the other end of a pipe from the badge. When the badge is gone, however
//! it ended, the pipe is at its end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use rustix::process::{Signal, getpid, kill_process_group};

/// The name of the verb that runs [`guard`].
pub const GUARD: &str = "camera-guard";

/// What a shell answers for a program that it cannot run.
const CANNOT_RUN: u8 = 126;

/// Runs `sh -c command` until it ends, and gives its exit code as a shell does; or kills it, and itself with it, at the
/// end of standard input.
///
/// It has to be the leader of its process group, as [`Pipe`](super::Pipe) starts it.
pub fn guard(command: &OsStr) -> u8 {
    match run(command) {
        Ok(status) => {
            let code = status.code().or(status.signal().map(|signal| 128 + signal));
            code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
        }
        Err(error) => {
            // Standard error is what the badge reads.
            let _ = writeln!(io::stderr(), "cannot start sh: {error}");
            CANNOT_RUN
        }
    }
}

fn run(command: &OsStr) -> io::Result<ExitStatus> {
    let mut program = Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).spawn()?;
    // The end of the frames is that of the program's own output.
    rustix::stdio::dup2_stdout(File::options().write(true).open("/dev/null")?)?;
    thread::spawn(|| {
        let mut rest = [0; 16];
        let mut stdin = io::stdin().lock();
        loop {
            match stdin.read(&mut rest) {
                Ok(0) => break,
                Err(error) if error.kind() != io::ErrorKind::Interrupted => break,
                _ => {}
            }
        }
        let _ = kill_process_group(getpid(), Signal::KILL);
    });
    program.wait()
}
