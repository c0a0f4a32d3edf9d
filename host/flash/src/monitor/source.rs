//! Connections to a badge for monitoring.

use std::io::Read;
use std::ops::ControlFlow;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use emocue_link::message::{BadgeStatus, JournalEntry, LogLine};
use emocue_link::transport::Streams;
use emocue_link::{Client, ClientError, LinkError, Transport};
use emocue_models::failure::{Failure, Problem, exit};

use crate::serial;
use crate::shell::quote;
use crate::ssh::{Address, SshError, SshSettings, call, no_program};
use crate::table::{APPS, STATE};
use crate::target::Port;

/// Time to wait for the error message of an `ssh` that failed.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Starts sessions with a badge, repeatedly.
pub trait BadgeConnector {
    /// Starts a session.
    ///
    /// # Errors
    /// The reason, with help.
    fn connect(&mut self) -> Result<Box<dyn BadgeSession + Send>, Problem>;
}

/// A session with a badge.
pub trait BadgeSession {
    /// The badge's program.
    fn program(&self) -> String;

    /// The badge's status.
    ///
    /// # Errors
    /// The reason why it does not answer.
    fn status(&mut self) -> Result<BadgeStatus, Problem>;

    /// Lines of its log from number `from`; empty when there are no more.
    ///
    /// # Errors
    /// The reason why it does not answer.
    fn log(&mut self, from: u32) -> Result<Vec<LogLine>, Problem>;

    /// The wearer's journals on the badge.
    ///
    /// # Errors
    /// The reason why it does not answer; for example, its program is too old to have journals.
    fn journals(&mut self) -> Result<Vec<JournalEntry>, Problem>;

    /// The encrypted bytes of journal `number`. `on_part` receives its length and the bytes so far, and may stop the
    /// transfer.
    ///
    /// # Errors
    /// The reason why it does not answer, or the badge's message.
    fn journal(
        &mut self,
        number: u32,
        on_part: &mut dyn FnMut(u32, &[u8]) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, Problem>;
}

impl<T: Transport> BadgeSession for Client<T> {
    fn program(&self) -> String {
        Client::program(self).to_owned()
    }

    fn status(&mut self) -> Result<BadgeStatus, Problem> {
        Client::status(self).map_err(|error| problem(&error))
    }

    fn log(&mut self, from: u32) -> Result<Vec<LogLine>, Problem> {
        Client::log(self, from).map_err(|error| problem(&error))
    }

    fn journals(&mut self) -> Result<Vec<JournalEntry>, Problem> {
        Client::journals(self).map_err(|error| problem(&error))
    }

    fn journal(
        &mut self,
        number: u32,
        on_part: &mut dyn FnMut(u32, &[u8]) -> ControlFlow<()>,
    ) -> Result<Vec<u8>, Problem> {
        Client::journal(self, number, on_part).map_err(|error| problem(&error))
    }
}

impl BadgeConnector for Port {
    fn connect(&mut self) -> Result<Box<dyn BadgeSession + Send>, Problem> {
        let client = Client::connect(serial::open(self)?, serial::settings());
        Ok(Box::new(client.map_err(|error| Problem::at(&*self, &problem(&error)))?))
    }
}

/// A badge that is monitored over SSH, through its `emocue-badge link`.
#[derive(Debug)]
pub struct OverSsh {
    address: Address,
    settings: SshSettings,
    /// Whether ssh may ask for a password, which is only possible before a view covers the terminal.
    asks: bool,
}

impl OverSsh {
    /// The badge at `address`.
    pub fn new(address: Address, settings: SshSettings) -> Self {
        Self { address, settings, asks: std::io::IsTerminal::is_terminal(&std::io::stdin()) }
    }

    /// The script that runs on the badge. The badge's socket belongs to its own user, so that another user needs root.
    fn script(&self) -> String {
        let root = &self.address.root;
        let [flashed, package] = APPS.map(|app| quote(&format!("{root}{app}")));
        let state = match root.is_empty() {
            true => String::new(),
            false => format!(" --state {}", quote(&format!("{root}{STATE}"))),
        };
        let own = quote(&format!("{root}{STATE}"));
        // A separator after anything a login shell may have printed, which would otherwise be read as the beginning of
        // the first frame.
        let script = format!(
            "printf '\\000'; app={flashed}; [ -x $app ] || [ ! -x {package} ] || app={package}; \
             if [ ! -w {own} ] && sudo -n true 2>/dev/null; then exec sudo -n $app link{state}; \
             else exec $app link{state}; fi"
        );
        format!("exec sh -c {}", quote(&script))
    }
}

impl BadgeConnector for OverSsh {
    fn connect(&mut self) -> Result<Box<dyn BadgeSession + Send>, Problem> {
        let mut ssh = call(&self.address, &self.settings, !self.asks);
        ssh.args(["-T", "--"]).arg(self.address.destination()).arg(self.script());
        ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = ssh.spawn().map_err(|error| as_problem(&no_program(error)))?;
        let stderr = child.stderr.take().map(collect);
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Problem::new("ssh has no standard input and output"));
        };
        let piped = Piped { streams: Some(Streams::new(stdout, stdin)), child: Some(child) };
        // The user may have to enter a password first.
        let patience = Duration::from_secs(if self.asks { 120 } else { 20 });
        self.asks = false;
        let patient =
            emocue_link::client::ClientSettings { connect: patience, ..serial::settings() };
        match Client::connect(piped, patient) {
            Ok(client) => Ok(Box::new(client)),
            Err(error) => {
                // Its input is closed now, so it ends, and its output is complete.
                let printed =
                    stderr.map(|stderr| stderr.recv_timeout(LAST_WORDS).unwrap_or_default());
                let printed = printed.unwrap_or_default();
                Err(match printed.trim() {
                    "" => Problem::at(&self.address, &problem(&error)),
                    // A message of the badge's program.
                    words if words.contains("emocue-badge") => {
                        Problem::new(words).code(exit::BADGE)
                    }
                    words => as_problem(&SshError::of(&self.address, words)),
                })
            }
        }
    }
}

/// A client's error with its help and exit code.
fn problem(error: &ClientError) -> Problem {
    let problem = Problem::new(error.to_string()).code(exit::BADGE);
    match error.help() {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// The same message, help and exit code.
fn as_problem(failure: &dyn Failure) -> Problem {
    let problem = Problem::new(failure.to_string()).code(failure.exit_code());
    match failure.help() {
        Some(help) => problem.help(help),
        None => problem,
    }
}

/// Reads a child's standard error to its end, and keeps the beginning, which names the cause.
fn collect(mut stderr: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut kept, mut bytes) = (Vec::new(), [0; 512]);
        while let Ok(read @ 1..) = stderr.read(&mut bytes) {
            if kept.len() < 4096 {
                kept.extend_from_slice(&bytes[..read]);
            }
        }
        // The receiver is gone if there was no error.
        let _ = sender.send(String::from_utf8_lossy(&kept).into_owned());
    });
    receiver
}

/// A child's standard input and output.
struct Piped {
    streams: Option<Streams<ChildStdin>>,
    child: Option<Child>,
}

impl Transport for Piped {
    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, LinkError> {
        self.streams.as_mut().ok_or(LinkError::Closed)?.read(buffer, timeout)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.streams.as_mut().ok_or(LinkError::Closed)?.write_all(bytes)
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        // When its input is closed, the child ends the session and exits; this may take a network round trip.
        self.streams = None;
        if let Some(mut child) = self.child.take() {
            std::thread::spawn(move || child.wait());
        }
    }
}
