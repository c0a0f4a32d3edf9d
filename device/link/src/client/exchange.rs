//! One request and its one reply, over a line that loses and damages bytes.

use std::time::Duration;

use super::{Client, ClientError};
use crate::frame::{Body, Envelope, Event};
use crate::message::{Refusal, Reply, Request};
use crate::transport::Transport;

/// A frame of at most this length, bytes, is simply sent again. For a longer one the badge is first asked whether it
/// arrived, so that a slow badge never has two of them waiting.
const SMALL: usize = 96;

/// Most tries of one request.
const MAX_TRIES: u32 = 200;

/// The result of a request.
#[derive(Debug)]
pub(super) enum RequestOutcome {
    Reply {
        reply: Reply,
        /// The request was sent only once.
        once: bool,
    },
    /// It did not reach the badge whole. Only a part of a file has this result, since the caller may continue with a
    /// smaller part; other requests are sent again.
    Lost,
}

/// The time that replies take.
#[derive(Debug)]
pub(super) struct Pace {
    /// The average, which a longer time replaces at once.
    usual: Duration,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { usual: Duration::ZERO }
    }

    fn measure(&mut self, took: Duration) {
        self.usual = took.max((self.usual * 7 + took) / 8);
    }
}

impl<T: Transport> Client<T> {
    /// Sends a request, repeatedly if needed, until its reply arrives.
    pub(super) fn exchange(&mut self, request: Request) -> Result<RequestOutcome, ClientError> {
        let silence = match request {
            Request::Hello { .. } => self.settings.connect,
            _ => self.settings.silence,
        };
        let result = self.try_exchange(request, silence);
        if let Err(ClientError::Link(_)) = &result {
            // No session is left to end.
            self.open = false;
        }
        result
    }

    fn try_exchange(
        &mut self,
        request: Request,
        silence: Duration,
    ) -> Result<RequestOutcome, ClientError> {
        let hello = matches!(request, Request::Hello { .. });
        let part = matches!(request, Request::Chunk { .. });
        self.sequence = self.sequence.wrapping_add(1);
        let (session, sequence) = (self.session, self.sequence);
        let whole = Envelope { session, sequence, body: Body::Request(request) };
        let probe = Envelope { session, sequence, body: Body::Again };
        self.channel.drain()?;
        let started = self.channel.now();
        let small = self.channel.send(&whole)? <= SMALL;
        let (mut tries, mut once) = (1, true);
        let mut heard = self.channel.now();
        let mut patience = (self.settings.answer + 2 * self.pace.usual).min(silence);
        let mut until = heard + patience;
        let mut echo = false;
        let silent = |echo| match (hello, echo) {
            (true, true) => ClientError::Echo,
            (true, false) => ClientError::NoAnswer(silence),
            (false, _) => ClientError::Silent(silence),
        };
        loop {
            // Frames of other sessions may keep arriving.
            if self.channel.now().saturating_duration_since(heard) >= 2 * silence {
                return Err(silent(echo));
            }
            let left = until.min(heard + silence).saturating_duration_since(self.channel.now());
            let again = match self.channel.next(left)? {
                Some(Event::Frame(envelope)) if envelope.session == session => {
                    match envelope.body {
                        Body::Reply(reply) if envelope.sequence == sequence => {
                            // After several tries it is not known which of them was answered.
                            if once {
                                let took = self.channel.now().saturating_duration_since(started);
                                self.pace.measure(took);
                            }
                            if reply == Reply::Refused(Refusal::NoSession) {
                                return Err(session_ended(tries));
                            }
                            return Ok(RequestOutcome::Reply { reply, once });
                        }
                        // The reply was sent and lost.
                        Body::Again if envelope.sequence == sequence => {
                            heard = self.channel.now();
                            &probe
                        }
                        // The request was lost.
                        Body::Again if part => return Ok(RequestOutcome::Lost),
                        Body::Again => {
                            heard = self.channel.now();
                            &whole
                        }
                        Body::Request(_) => {
                            echo = true;
                            continue;
                        }
                        // A reply to a repeated request.
                        Body::Reply(_) => continue,
                    }
                }
                // Another host's, or one of an earlier session.
                Some(Event::Frame(_)) => continue,
                Some(Event::Unknown { session: id, sequence: number }) => {
                    if (id, number) == (session, sequence) {
                        return Err(ClientError::Unexpected { request: "a request" });
                    }
                    continue;
                }
                Some(Event::Damaged) => &probe,
                None if self.channel.now().saturating_duration_since(heard) >= silence => {
                    return Err(silent(echo));
                }
                None => {
                    patience = (patience * 2).min(silence / 4);
                    &probe
                }
            };
            if tries >= MAX_TRIES {
                return Err(ClientError::Noise);
            }
            tries += 1;
            let again = if small { &whole } else { again };
            once &= std::ptr::eq(again, &probe);
            self.channel.send(again)?;
            until = self.channel.now() + patience;
        }
    }
}

/// The session has ended; after a single try the request was certainly not executed.
fn session_ended(tries: u32) -> ClientError {
    if tries == 1 { ClientError::SessionEnded } else { ClientError::Unsure }
}
