//! The host's side: sends requests and files to a badge.

mod error;
mod exchange;
mod journal;
mod transfer;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

pub use error::ClientError;
use exchange::{Pace, RequestOutcome};
use transfer::ChunkSize;

use crate::channel::Channel;
use crate::frame::{Body, Envelope};
use crate::message::{BadgeStatus, LogLine, Progress, Refusal, Reply, Request, VERSION, Version};
use crate::server::MAX_CONFIG;
use crate::transport::Transport;

/// Timeouts of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// How much longer than usual a reply may take before it is requested again; doubled each time.
    pub answer: Duration,
    /// A frame without a byte for this time has lost its end. Longer than the pauses of a USB adapter, which delivers
    /// bytes every 16 ms.
    pub quiet: Duration,
    /// A badge that is silent for this time is given up.
    pub silence: Duration,
    /// How long to wait for a badge's first answer.
    pub connect: Duration,
    /// How long to wait while another host holds the badge; zero fails at once.
    pub busy: Duration,
    /// Interval at which [`Client::wait_done`] asks for progress.
    pub poll: Duration,
}

impl Default for ClientSettings {
    /// For real cables: 10 s of silence, 5 s to connect, no waiting for another host.
    fn default() -> Self {
        Self {
            answer: Duration::from_millis(250),
            quiet: Duration::from_millis(40),
            silence: Duration::from_secs(10),
            connect: Duration::from_secs(5),
            busy: Duration::ZERO,
            poll: Duration::from_millis(250),
        }
    }
}

/// A session with a badge. If the badge ended it meanwhile, because the host was silent or the badge was restarted, a
/// new session begins where that is safe.
#[derive(Debug)]
pub struct Client<T: Transport> {
    channel: Channel<T>,
    settings: ClientSettings,
    session: u32,
    sequence: u32,
    pace: Pace,
    part: ChunkSize,
    version: Version,
    program: String,
    /// Whether a session is open.
    open: bool,
}

impl<T: Transport> Client<T> {
    /// Begins a session with the badge on the other side.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`], [`ClientError::Echo`], [`ClientError::Busy`], [`ClientError::Version`] or
    /// [`ClientError::Link`].
    pub fn connect(transport: T, settings: ClientSettings) -> Result<Self, ClientError> {
        let mut client = Self {
            channel: Channel::new(transport, settings.quiet),
            settings,
            session: 0,
            sequence: 0,
            pace: Pace::new(),
            part: ChunkSize::new(),
            version: VERSION,
            program: String::new(),
            open: false,
        };
        client.hello()?;
        Ok(client)
    }

    /// The badge's version.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The badge's program: `"0.1.0"`.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// The badge's status.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn status(&mut self) -> Result<BadgeStatus, ClientError> {
        match self.ask(&Request::Status)? {
            Reply::Status(status) => Ok(status),
            other => Err(unexpected("a question for its status", other)),
        }
    }

    /// Lines of the badge's log from number `from` on, in order, at most [`crate::message::MAX_LINES`]; none when
    /// there are no newer ones.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn log(&mut self, from: u32) -> Result<Vec<LogLine>, ClientError> {
        match self.ask(&Request::Log { from })? {
            Reply::Log { lines } => Ok(lines),
            other => Err(unexpected("a question for its log", other)),
        }
    }

    /// The badge's configuration, TOML.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn config(&mut self) -> Result<String, ClientError> {
        let mut text = Vec::new();
        loop {
            let offset = text.len() as u32;
            let (total, data) = match self.ask(&Request::GetConfig { offset })? {
                Reply::Config { total, data } => (total, data),
                other => return Err(unexpected("a question for its configuration", other)),
            };
            if total as usize > MAX_CONFIG {
                return Err(ClientError::ConfigTooLong(total));
            }
            text.extend(&data);
            if text.len() == total as usize {
                return String::from_utf8(text).map_err(|_| ClientError::ConfigNotText);
            }
            if data.is_empty() || text.len() > total as usize {
                return Err(ClientError::Unexpected {
                    request: "a question for its configuration",
                });
            }
        }
    }

    /// The progress of the last request that takes time.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn progress(&mut self) -> Result<Progress, ClientError> {
        let reply = self.ask(&Request::Progress)?;
        progress("a question for its progress", reply)
    }

    /// Asks for progress until the last request is done, and returns the badge's message. `on_state` gets every answer
    /// and may stop the waiting.
    ///
    /// # Errors
    /// [`ClientError::Failed`] with the badge's message, [`ClientError::Forgotten`], [`ClientError::Stopped`], or
    /// another error.
    pub fn wait_done(
        &mut self,
        on_state: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
    ) -> Result<String, ClientError> {
        loop {
            let state = self.progress()?;
            if on_state(&state).is_break() {
                return Err(ClientError::Stopped);
            }
            match state {
                Progress::Done(text) => return Ok(text),
                Progress::Failed(text) => return Err(ClientError::Failed(text)),
                Progress::Idle => return Err(ClientError::Forgotten),
                Progress::Working | Progress::PressButton(_) | Progress::Asks(_) => {
                    self.pause(self.settings.poll)?;
                }
            }
        }
    }

    /// Asks the badge to roll back to the previous bundle; [`Client::wait_done`] waits for the result.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the badge's message, or another error.
    pub fn rollback(&mut self) -> Result<Progress, ClientError> {
        let reply = self.ask(&Request::Rollback)?;
        progress("a request to roll back", reply)
    }

    /// Asks the badge to run its self-test on the embedded portraits; [`Client::wait_done`] waits for the result.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the badge's message, or another error.
    pub fn self_test(&mut self) -> Result<Progress, ClientError> {
        let reply = self.ask(&Request::SelfTest)?;
        progress("a request for a self-test", reply)
    }

    /// Ends the session, so that another host may begin one at once. Dropping a client does the same, but does not
    /// wait for the badge.
    pub fn bye(mut self) {
        // A badge that does not answer ends the session by itself.
        self.settings.silence = self.settings.silence.min(4 * self.settings.answer);
        if self.exchange(Request::Bye).is_ok() {
            self.open = false;
        }
    }

    /// Begins a session with a new number.
    fn hello(&mut self) -> Result<(), ClientError> {
        let asked = self.channel.now();
        loop {
            self.session = self.channel.new_session();
            let reply = match self.exchange(Request::Hello { version: VERSION })? {
                RequestOutcome::Reply { reply, .. } => reply,
                RequestOutcome::Lost => return Err(ClientError::Noise),
            };
            match reply {
                Reply::Hello { version, .. } if version.major != VERSION.major => {
                    return Err(ClientError::Version { badge: version });
                }
                Reply::Hello { version, program } => {
                    (self.version, self.program, self.open) = (version, program, true);
                    return Ok(());
                }
                Reply::Refused(Refusal::Busy) if self.waited(asked) < self.settings.busy => {
                    let left = self.settings.busy.saturating_sub(self.waited(asked));
                    self.pause(left.min(self.settings.poll))?;
                }
                other => return Err(unexpected("the greeting", other)),
            }
        }
    }

    /// A reply to a request, in a new session if the badge ended the old one.
    fn ask(&mut self, request: &Request) -> Result<Reply, ClientError> {
        let twice = !matches!(request, Request::Finish | Request::Rollback | Request::SelfTest);
        let answer = match self.exchange(request.clone()) {
            Err(ClientError::Unsure) if twice => Err(ClientError::SessionEnded),
            result => result,
        };
        let answer = match answer {
            Err(ClientError::SessionEnded) => {
                self.open = false;
                self.hello()?;
                self.exchange(request.clone())?
            }
            result => result?,
        };
        match answer {
            RequestOutcome::Reply { reply, .. } => Ok(reply),
            RequestOutcome::Lost => Err(ClientError::Noise),
        }
    }

    fn waited(&self, since: Instant) -> Duration {
        self.channel.now().saturating_duration_since(since)
    }

    /// Waits; bytes that arrive meanwhile are discarded.
    fn pause(&mut self, time: Duration) -> Result<(), ClientError> {
        let until = self.channel.now() + time;
        loop {
            let left = until.saturating_duration_since(self.channel.now());
            if left.is_zero() {
                return Ok(());
            }
            self.channel.next(left)?;
        }
    }
}

impl<T: Transport> Drop for Client<T> {
    fn drop(&mut self) {
        if self.open {
            let body = Body::Request(Request::Bye);
            let sequence = self.sequence.wrapping_add(1);
            // Best effort: a badge that does not receive it ends the session after its timeout.
            let _ = self.channel.send(&Envelope { session: self.session, sequence, body });
        }
    }
}

fn progress(request: &'static str, reply: Reply) -> Result<Progress, ClientError> {
    match reply {
        Reply::Progress(progress) => Ok(progress),
        other => Err(unexpected(request, other)),
    }
}

/// The error for a reply other than the expected one.
fn unexpected(request: &'static str, reply: Reply) -> ClientError {
    match reply {
        Reply::Refused(Refusal::Busy) => ClientError::Busy,
        Reply::Refused(Refusal::Version(badge)) => ClientError::Version { badge },
        Reply::Refused(Refusal::NoSession) => ClientError::SessionEnded,
        Reply::Refused(Refusal::Cannot(why)) => ClientError::Refused(why),
        _ => ClientError::Unexpected { request },
    }
}
