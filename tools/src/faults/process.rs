//! Runs a program with a time limit.

use std::io::{self, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Time limit, longer than any of these commands takes even under load; a program that takes longer counts as hung.
const LONGEST: Duration = Duration::from_secs(30);

/// Polling interval for a program's end.
const PAUSE: Duration = Duration::from_millis(2);

/// Result of a program.
#[derive(Debug)]
pub(super) struct Done {
    /// Exit code; `None` when the program was killed.
    pub(super) code: Option<i32>,
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// Whether it was killed at the time limit.
    pub(super) hung: bool,
}

impl Done {
    /// Its exit code and standard error, for a message.
    pub(super) fn told(&self) -> String {
        let end = match self.code {
            _ if self.hung => format!("did not end within {} s", LONGEST.as_secs()),
            Some(code) => format!("exit {code}"),
            None => "killed by a signal".to_owned(),
        };
        format!("{end}, \"{}\"", self.stderr.trim())
    }
}

/// Runs `command` to its end, or kills it after [`LONGEST`].
pub(super) fn finish(command: &mut Command) -> io::Result<Done> {
    finish_within(command, LONGEST)
}

/// Runs `command` to its end, or kills it after `limit`.
pub(super) fn finish_within(command: &mut Command, limit: Duration) -> io::Result<Done> {
    let begun = Instant::now();
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let (code, hung) = wait(&mut child, begun, limit)?;
    let text = |thread: JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&thread.join().unwrap_or_default()).into_owned()
    };
    Ok(Done { code, hung, stdout: text(stdout), stderr: text(stderr) })
}

fn wait(child: &mut Child, begun: Instant, limit: Duration) -> io::Result<(Option<i32>, bool)> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((status.code(), false));
        }
        let left = limit.saturating_sub(begun.elapsed());
        if left.is_zero() {
            kill_group(child)?;
            // It may have ended by itself in the meantime.
            let code = child.wait()?.code();
            return Ok((code, code.is_none()));
        }
        thread::sleep(left.min(PAUSE));
    }
}

/// Kills a program and its children, which would keep its output open.
fn kill_group(child: &mut Child) -> io::Result<()> {
    let group = format!("-{}", child.id());
    Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status()?;
    child.kill()
}

fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // After a read error the output so far is used.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Done {
        finish_within(Command::new("sh").args(["-c", script]), limit).unwrap()
    }

    #[test]
    fn exit_output_and_hanging_are_told_apart() {
        let done = shell("echo out; echo err >&2; exit 5", LONGEST);
        assert_eq!((done.code, done.hung), (Some(5), false));
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("out\n", "err\n"));
        let done = shell("exec sleep 60", Duration::from_millis(50));
        assert_eq!((done.code, done.hung), (None, true));
        // Children that hold the output open are killed too.
        let done = shell("sleep 60; echo never", Duration::from_millis(50));
        assert_eq!((done.code, done.hung), (None, true));
    }
}
