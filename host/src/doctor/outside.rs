//! Finding and asking other programs.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Most of a program's output that is read, bytes.
const MOST: u64 = 64 << 10;

/// The program of this name on the `PATH`.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(&file)).find(|it| it.is_file())
}

/// The standard output of `command`, if it succeeds within `patience`; else the reason. On a timeout it is killed.
pub(super) fn ask(mut command: Command, patience: Duration) -> Result<String, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("cannot be started: {error}"))?;
    let (sender, receiver) = mpsc::channel();
    let out = child.stdout.take();
    // The output is read in another thread, so that a driver that hangs does not block this program.
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = out.map(|out| out.take(MOST).read_to_end(&mut bytes));
        // The receiver is gone after the timeout.
        let _ = sender.send(read.map(|_| bytes));
    });
    let Ok(bytes) = receiver.recv_timeout(patience) else {
        let _ = child.kill();
        return Err(format!("gives no answer for {} s", patience.as_secs()));
    };
    let status = child.wait().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).trim().to_owned();
    match (status.success(), text.lines().next()) {
        (true, _) => Ok(text),
        (false, Some(first)) => Err(format!("says: {first}")),
        (false, None) => Err(format!("fails ({status})")),
    }
}
