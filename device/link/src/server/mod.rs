//! The badge's side: answers a host's requests, one session at a time.

mod badge;
mod reply;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use badge::Badge;
use reply::{cut, journal, journals, log, part, progress};

use crate::channel::Channel;
use crate::frame::{Body, Envelope, Event};
use crate::message::{
    BadgeStatus, MAX_CHUNK, MAX_TRANSFER, Refusal, Reply, Request, VERSION, Version,
};
use crate::transport::{LinkError, Transport};

/// How often a server that receives nothing checks whether to stop.
const TICK: Duration = Duration::from_millis(100);

/// Longest configuration that is sent, bytes.
pub const MAX_CONFIG: usize = 1 << 16;

/// Settings of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// The version of the badge's program: `"0.1.0"`.
    pub program: String,
    /// A session that is silent for this time ends.
    pub silence: Duration,
    /// A frame without a byte for this time has lost its end. Longer than the pauses of a USB adapter, which delivers
    /// bytes every 16 ms.
    pub quiet: Duration,
}

impl ServerSettings {
    /// The settings for real cables: 10 s of silence end a session.
    pub fn new(program: impl Into<String>) -> Self {
        Self {
            program: program.into(),
            silence: Duration::from_secs(10),
            quiet: Duration::from_millis(40),
        }
    }
}

/// The session of a host.
#[derive(Debug)]
struct HostSession {
    id: u32,
    /// The lower minor version of the two sides.
    minor: u16,
    /// The last request that was answered, and its reply, for a host that did not receive it.
    sequence: u32,
    reply: Reply,
    heard: Instant,
    /// Length of the file that was begun, bytes.
    begun: Option<u32>,
    /// The configuration's text as it was at the request for its first part.
    config: Option<String>,
}

/// Serves hosts on one transport.
#[derive(Debug)]
pub struct Server<T, B: Badge> {
    channel: Channel<T>,
    badge: B,
    settings: ServerSettings,
    session: Option<HostSession>,
}

impl<T: Transport, B: Badge> Server<T, B> {
    /// A server without a session. Pass `&mut badge` to keep the badge when the transport closes.
    pub fn new(transport: T, badge: B, settings: ServerSettings) -> Self {
        let channel = Channel::new(transport, settings.quiet);
        Self { channel, badge, settings, session: None }
    }

    /// Serves until `stop` is true, which is checked ten times per second.
    ///
    /// # Errors
    /// [`LinkError`] when the transport is closed or fails; open it again, and create another server.
    pub fn serve(&mut self, stop: &AtomicBool) -> Result<(), LinkError> {
        let result = self.serve_until(stop);
        self.end();
        result
    }

    fn serve_until(&mut self, stop: &AtomicBool) -> Result<(), LinkError> {
        while !stop.load(Ordering::Relaxed) {
            self.step(TICK)?;
        }
        Ok(())
    }

    /// Waits for one message, at most `timeout`, and replies; for callers with a loop of their own.
    ///
    /// # Errors
    /// As for [`Server::serve`]; the session has ended then.
    pub fn step(&mut self, timeout: Duration) -> Result<(), LinkError> {
        let done = self.try_step(timeout);
        if done.is_err() {
            self.end();
        }
        done
    }

    fn try_step(&mut self, timeout: Duration) -> Result<(), LinkError> {
        let event = self.channel.next(timeout)?;
        let (now, silence) = (self.channel.now(), self.settings.silence);
        let is_silent =
            |session: &HostSession| now.saturating_duration_since(session.heard) >= silence;
        if self.session.as_ref().is_some_and(is_silent) {
            self.end();
        }
        let Some(reply) = event.and_then(|event| self.hear(event)) else { return Ok(()) };
        match self.channel.send(&reply) {
            // The host does not read. It repeats its request when it does.
            Ok(_) | Err(LinkError::Stuck) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends the session, if there is one.
    fn end(&mut self) {
        if self.session.take().is_some() {
            self.badge.session_ended();
        }
    }

    /// The reply to an event; `None` for no reply.
    fn hear(&mut self, event: Event) -> Option<Envelope> {
        let envelope = match event {
            Event::Frame(envelope) => envelope,
            Event::Unknown { session, sequence } => {
                let why = "this badge's program does not know that request; update the badge";
                let refused = Reply::Refused(Refusal::Cannot(why.into()));
                let known = self.session.as_ref().is_some_and(|s| s.id == session);
                return known.then(|| self.remember(session, sequence, refused));
            }
            // Without a session the other side may be anything, even a login console: no reply.
            Event::Damaged => {
                let session = self.session.as_ref()?;
                return Some(again(session));
            }
        };
        let Envelope { session: id, sequence, body } = envelope;
        let request = match body {
            Body::Request(Request::Hello { version }) => return self.hello(id, sequence, version),
            Body::Request(request) => Some(request),
            Body::Again => None,
            // An echo of what was sent here.
            Body::Reply(_) => return None,
        };
        let Some(session) = self.session.as_mut().filter(|session| session.id == id) else {
            return Some(reply(id, sequence, Reply::Refused(Refusal::NoSession)));
        };
        session.heard = self.channel.now();
        let ahead = sequence.wrapping_sub(session.sequence).cast_signed();
        match request {
            // The request was executed: only the reply was lost.
            _ if ahead == 0 => Some(reply(id, sequence, session.reply.clone())),
            // An old copy; the host has continued.
            _ if ahead < 0 => None,
            None => Some(again(session)),
            Some(request) => {
                let done = self.answer(request);
                Some(self.remember(id, sequence, done))
            }
        }
    }

    /// Stores a reply, in case the host does not receive it.
    fn remember(&mut self, id: u32, sequence: u32, done: Reply) -> Envelope {
        if done == Reply::Bye {
            self.end();
        }
        if let Some(session) = &mut self.session {
            session.sequence = sequence;
            session.reply = done.clone();
            // The badge may have taken a while.
            session.heard = self.channel.now();
        }
        reply(id, sequence, done)
    }

    fn hello(&mut self, id: u32, sequence: u32, version: Version) -> Option<Envelope> {
        let refused = |refusal| Some(reply(id, sequence, Reply::Refused(refusal)));
        if version.major != VERSION.major {
            return refused(Refusal::Version(VERSION));
        }
        let hello = Reply::Hello { version: VERSION, program: cut(&self.settings.program) };
        match &self.session {
            Some(session) if session.id != id => return refused(Refusal::Busy),
            Some(_) => {}
            None => {
                self.session = Some(HostSession {
                    id,
                    minor: version.minor.min(VERSION.minor),
                    sequence,
                    reply: hello.clone(),
                    heard: self.channel.now(),
                    begun: None,
                    config: None,
                });
            }
        }
        Some(reply(id, sequence, hello))
    }

    /// Executes a request.
    fn answer(&mut self, request: Request) -> Reply {
        // Only called within a session.
        let Some(session) = &mut self.session else { return Reply::Refused(Refusal::NoSession) };
        let badge = &mut self.badge;
        let minor = session.minor;
        let progress = |state| progress(state, minor);
        let done = match request {
            // Handled before.
            Request::Hello { .. } => Err("a session begins only once".to_owned()),
            Request::Status => {
                let status = badge.status();
                Ok(Reply::Status(BadgeStatus { bundle: cut(&status.bundle), ..status }))
            }
            Request::Log { from } => Ok(log(badge.log(from), from)),
            Request::GetConfig { offset } => {
                if offset == 0 || session.config.is_none() {
                    session.config = Some(badge.config());
                }
                part(session.config.as_deref().unwrap_or_default(), offset)
            }
            Request::Begin { bytes, .. } if bytes > MAX_TRANSFER => {
                Err(format!("{bytes} bytes are too many; a file has at most {MAX_TRANSFER}"))
            }
            Request::Begin { kind, bytes, sha256 } => {
                session.begun = None;
                badge.begin(kind, bytes, sha256).map(|offset| {
                    session.begun = Some(bytes);
                    Reply::Offset { offset }
                })
            }
            Request::Chunk { offset, data } => match session.begun {
                None => Err("no file was begun in this session; begin it first".to_owned()),
                Some(_) if data.len() > MAX_CHUNK => {
                    Err(format!("a part has at most {MAX_CHUNK} bytes, not {}", data.len()))
                }
                Some(bytes) if u64::from(offset) + data.len() as u64 > u64::from(bytes) => {
                    Err(format!("more comes than the {bytes} bytes that were announced"))
                }
                Some(_) => badge.chunk(offset, &data).map(|offset| Reply::Offset { offset }),
            },
            Request::Finish if session.begun.is_none() => {
                Err("no file was begun in this session; begin it first".to_owned())
            }
            Request::Finish => {
                session.begun = None;
                badge.finish().map(progress)
            }
            Request::Progress => Ok(progress(badge.progress())),
            Request::Rollback => badge.rollback().map(progress),
            Request::SelfTest => badge.self_test().map(progress),
            Request::Bye => Ok(Reply::Bye),
            Request::Journals { from } => badge.journals(from).map(|found| journals(found, from)),
            Request::GetJournal { number, offset } => {
                badge.journal(number, offset).map(|(total, data)| journal(total, data))
            }
        };
        done.unwrap_or_else(|why| Reply::Refused(Refusal::Cannot(cut(&why))))
    }
}

fn reply(session: u32, sequence: u32, reply: Reply) -> Envelope {
    Envelope { session, sequence, body: Body::Reply(reply) }
}

fn again(session: &HostSession) -> Envelope {
    Envelope { session: session.id, sequence: session.sequence, body: Body::Again }
}
