//! Frames over a transport, for both sides.

use std::time::{Duration, Instant};

use crate::frame::{Decoder, Encoder, Envelope, Event};
use crate::transport::{LinkError, Transport};

/// Most bytes that are discarded before a request; only something that is not a badge sends more.
const MAX_STALE: usize = 1 << 16;

#[derive(Debug)]
pub(crate) struct Channel<T> {
    transport: T,
    encoder: Encoder,
    decoder: Decoder,
    input: Box<[u8]>,
    /// What was read and not decoded yet: `input[at..end]`.
    at: usize,
    end: usize,
    /// A frame without a byte for this time has lost its end.
    quiet: Duration,
    last_byte: Instant,
}

impl<T: Transport> Channel<T> {
    pub(crate) fn new(transport: T, quiet: Duration) -> Self {
        let last_byte = transport.now();
        Self {
            transport,
            encoder: Encoder::default(),
            decoder: Decoder::default(),
            input: vec![0; 2048].into(),
            at: 0,
            end: 0,
            quiet,
            last_byte,
        }
    }

    /// The transport's time.
    pub(crate) fn now(&self) -> Instant {
        self.transport.now()
    }

    /// The transport's number for a session.
    pub(crate) fn new_session(&mut self) -> u32 {
        self.transport.new_session()
    }

    /// Sends a frame and returns its length, bytes. A message that does not fit is a bug of the caller and is reported
    /// as an I/O error.
    pub(crate) fn send(&mut self, envelope: &Envelope) -> Result<usize, LinkError> {
        let frame = self.encoder.encode(envelope);
        let frame = frame.map_err(|error| LinkError::Io(std::io::Error::other(error)))?;
        self.transport.write_all(frame)?;
        Ok(frame.len())
    }

    /// The next event; `None` when there is none within `timeout`.
    pub(crate) fn next(&mut self, timeout: Duration) -> Result<Option<Event>, LinkError> {
        let until = self.now() + timeout;
        let mut over = false;
        loop {
            while self.at < self.end {
                self.at += 1;
                if let Some(event) = self.decoder.push(self.input[self.at - 1]) {
                    return Ok(Some(event));
                }
            }
            // Noise may never end, so this must not wait for its end.
            if over {
                return Ok(None);
            }
            let now = self.now();
            let mut wait = until.saturating_duration_since(now);
            if self.decoder.unfinished() {
                let quiet = (self.last_byte + self.quiet).saturating_duration_since(now);
                wait = wait.min(quiet);
            }
            (self.at, self.end) = (0, self.transport.read(&mut self.input, wait)?);
            let now = self.now();
            over = now >= until;
            if self.end > 0 {
                self.last_byte = now;
            } else if self.decoder.unfinished() && now >= self.last_byte + self.quiet {
                return Ok(self.decoder.quiet());
            }
        }
    }

    /// Discards bytes that were not expected: replies to repeated requests, noise.
    pub(crate) fn drain(&mut self) -> Result<(), LinkError> {
        let mut stale = 0;
        (self.at, self.end) = (0, 0);
        self.decoder.quiet();
        while stale < MAX_STALE {
            match self.transport.read(&mut self.input, Duration::ZERO)? {
                0 => break,
                length => stale += length,
            }
        }
        Ok(())
    }
}
