//! Runs the system's `ssh`: one connection, which asks for a password at most once, for many commands.

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, IsTerminal as _, Read, Write as _};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::JoinHandle;

use tempfile::TempDir;

use super::address::Address;
use super::answer::{BEGIN, END, answer, framed};
use super::error::SshError;
use super::options::SshSettings;
use crate::console::FlashProgress;
use crate::root::RootError;
use crate::shell::quote;
use crate::text::indented;

/// Environment variable that names another `ssh`.
const PROGRAM: &str = "EMOCUE_SSH";

/// Bytes that are sent at a time; a flash may stop after each.
const CHUNK: usize = 32 << 10;

/// Exit code of `ssh` for its own errors.
const SSH_FAILED: i32 = 255;

/// Options of every call. A badge that is switched off is detected after 15 s.
const ALWAYS: [&str; 3] = ["ConnectTimeout=15", "ServerAliveInterval=5", "ServerAliveCountMax=3"];

/// A connection that stays open.
#[derive(Debug)]
pub struct SshSession {
    address: Address,
    settings: SshSettings,
    /// Folder of the control socket; without it, every command connects anew.
    control: Option<TempDir>,
}

/// The output of a command on the badge.
#[derive(Clone, Debug, Default)]
pub struct RemoteOutput {
    /// Its exit status; `None` when it was killed.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl RemoteOutput {
    /// Its standard output, if it succeeded.
    ///
    /// # Errors
    /// [`SshError::Command`] with its output.
    pub fn good(&self, what: &str) -> Result<String, SshError> {
        match self.code {
            Some(0) => Ok(self.out.clone()),
            _ => Err(SshError::Command { what: what.to_owned(), output: indented(&self.all()) }),
        }
    }

    /// Standard output and standard error.
    pub fn all(&self) -> String {
        let parts = [self.out.trim(), self.err.trim()];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

impl SshSession {
    /// Logs in.
    ///
    /// # Errors
    /// [`SshError`] with the output of `ssh` and help.
    pub fn open(address: Address, settings: SshSettings) -> Result<Self, SshError> {
        let control = match cfg!(unix) {
            true => Some(tempfile::tempdir().map_err(SshError::Scratch)?),
            false => None,
        };
        let session = Self { address, settings, control };
        let Some(socket) = session.socket() else {
            session.run("true")?;
            return Ok(session);
        };
        // After logging in, it goes into the background and waits for commands; it ends after ten idle minutes at the
        // latest. Its messages go to a file, since it would keep a pipe open.
        let mut messages = tempfile::tempfile().map_err(SshError::Scratch)?;
        let background = ["-M", "-N", "-f", "-o", "ControlPersist=600"];
        let status = session
            .ssh(!io::stdin().is_terminal())
            .args(background)
            .arg("-S")
            .arg(socket)
            .arg("--")
            .arg(session.address.destination())
            .stdout(Stdio::null())
            .stderr(messages.try_clone().map_err(SshError::Scratch)?)
            .status()
            .map_err(no_program)?;
        if status.success() {
            return Ok(session);
        }
        let mut printed = Vec::new();
        io::Seek::rewind(&mut messages).map_err(SshError::Scratch)?;
        messages.read_to_end(&mut printed).map_err(SshError::Scratch)?;
        Err(SshError::of(&session.address, &String::from_utf8_lossy(&printed)))
    }

    /// The badge's address.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// `ssh` with the options of every call.
    fn ssh(&self, batch: bool) -> Command {
        call(&self.address, &self.settings, batch)
    }

    fn socket(&self) -> Option<OsString> {
        self.control.as_ref().map(|folder| folder.path().join("s").into())
    }

    /// A call that runs `script` on the badge in a POSIX shell, which need not be the login shell.
    fn command(&self, script: &str) -> Command {
        let mut ssh = match self.socket() {
            Some(socket) => {
                let mut ssh = self.ssh(true);
                ssh.args(["-o", "ControlMaster=no", "-S"]).arg(socket);
                ssh
            }
            None => self.ssh(!io::stdin().is_terminal()),
        };
        ssh.args(["-T", "--"]).arg(self.address.destination());
        ssh.arg(format!("exec sh -c {}", quote(&framed(script))));
        ssh
    }

    /// Runs a script.
    ///
    /// # Errors
    /// [`SshError`] when `ssh` fails; a script that fails has its exit status in the output.
    pub fn run(&self, script: &str) -> Result<RemoteOutput, SshError> {
        let output = self.command(script).stdin(Stdio::null()).output().map_err(no_program)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.ended(output.status, text(&output.stdout), text(&output.stderr))
    }

    /// Runs a script with `bytes` on its standard input.
    ///
    /// # Errors
    /// [`SshError`] when `ssh` fails, [`RootError::Interrupted`] when `progress` requests a stop.
    pub fn send(
        &self,
        script: &str,
        what: &str,
        bytes: &[u8],
        progress: &mut dyn FlashProgress,
    ) -> Result<RemoteOutput, SshError> {
        let mut command = self.command(script);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(no_program)?;
        let (out, err) = (drain(child.stdout.take()), drain(child.stderr.take()));
        progress.begin(what, bytes.len() as u64);
        let mut stopped = false;
        if let Some(mut stdin) = child.stdin.take() {
            for chunk in bytes.chunks(CHUNK) {
                stopped = progress.stop();
                // A script that ended early prints the reason on its standard error.
                if stopped || stdin.write_all(chunk).is_err() {
                    break;
                }
                progress.advance(chunk.len() as u64);
            }
        }
        if stopped {
            let _ = child.kill();
        }
        progress.end();
        let status = child.wait().map_err(no_program)?;
        let (out, err) = (joined(out), joined(err));
        match stopped || progress.stop() {
            true => Err(RootError::Interrupted.into()),
            false => self.ended(status, out, err),
        }
    }

    /// Runs a script and shows each line as it arrives.
    ///
    /// # Errors
    /// [`SshError`] when `ssh` fails.
    pub fn follow(
        &self,
        script: &str,
        progress: &mut dyn FlashProgress,
    ) -> Result<RemoteOutput, SshError> {
        let mut command = self.command(&format!("{{ {script}\n}} 2>&1"));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(no_program)?;
        let err = drain(child.stderr.take());
        let mut out = String::new();
        if let Some(stdout) = child.stdout.take() {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let mut inside = false;
            for line in lines.by_ref() {
                out += &line;
                out += "\n";
                let (shown, is_last) = match line.strip_suffix(END) {
                    Some(rest) => (rest, true),
                    None => (line.as_str(), false),
                };
                if inside && !(is_last && shown.is_empty()) {
                    progress.say(shown);
                }
                inside = (inside || line == BEGIN) && !is_last;
            }
        }
        let status = child.wait().map_err(no_program)?;
        self.ended(status, out, joined(err))
    }

    fn ended(
        &self,
        status: ExitStatus,
        out: String,
        err: String,
    ) -> Result<RemoteOutput, SshError> {
        match status.code() {
            Some(SSH_FAILED) => Err(SshError::of(&self.address, &err)),
            code => match answer(&out) {
                Some(out) => Ok(RemoteOutput { code, out: out.to_owned(), err }),
                None => Err(SshError::LoginShell {
                    address: self.address.to_string(),
                    output: indented(&RemoteOutput { code, out, err }.all()),
                }),
            },
        }
    }
}

impl Drop for SshSession {
    fn drop(&mut self) {
        if let Some(socket) = self.socket() {
            let mut exit = self.ssh(true);
            exit.arg("-S").arg(socket).args(["-O", "exit", "--"]).arg(self.address.destination());
            // It fails if the connection is closed already.
            let _ = exit.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
    }
}

/// `ssh` with the options of every call; with `batch` it asks nothing.
pub(crate) fn call(address: &Address, settings: &SshSettings, batch: bool) -> Command {
    let mut ssh = Command::new(program());
    // The first value of an option applies, so the user's options are first.
    ssh.args(settings.arguments());
    ssh.args(ALWAYS.iter().flat_map(|option| ["-o", option]));
    if batch {
        ssh.args(["-o", "BatchMode=yes"]).stdin(Stdio::null());
    }
    if let Some(port) = address.port {
        ssh.arg("-p").arg(port.to_string());
    }
    ssh
}

fn program() -> OsString {
    std::env::var_os(PROGRAM).filter(|name| !name.is_empty()).unwrap_or_else(|| "ssh".into())
}

pub(crate) fn no_program(source: io::Error) -> SshError {
    SshError::Program { program: program().to_string_lossy().into_owned(), source }
}

/// Reads a stream to its end in another thread.
fn drain(stream: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut stream) = stream {
            // Output before an error is kept.
            let _ = stream.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn joined(thread: JoinHandle<String>) -> String {
    thread.join().unwrap_or_default()
}
