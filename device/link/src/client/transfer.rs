//! Sends a file to the badge, part by part; each part waits for the badge's answer to the previous one.

use std::ops::ControlFlow;

use sha2::{Digest, Sha256};

use super::{Client, ClientError, RequestOutcome, progress, unexpected};
use crate::message::{FileKind, MAX_CHUNK, MAX_TRANSFER, Progress, Reply, Request};
use crate::transport::Transport;

/// Smallest part of a file, bytes.
const MIN_CHUNK: usize = 32;

/// The first part of a file, bytes.
const FIRST_CHUNK: usize = 512;

/// After this number of parts in a row that arrived whole, parts get longer.
const STREAK: u32 = 4;

/// Most parts in a row that did not arrive whole, or replies that do not advance.
const MAX_STALLS: u32 = 200;

/// How often a transfer begins again in a new session.
const MAX_SESSIONS: u32 = 3;

/// How much of a file is sent at once: short parts on a bad line, so that most arrive whole.
#[derive(Debug)]
pub(super) struct ChunkSize {
    bytes: usize,
    streak: u32,
}

impl ChunkSize {
    pub(super) const fn new() -> Self {
        Self { bytes: FIRST_CHUNK, streak: 0 }
    }

    fn whole(&mut self) {
        self.streak += 1;
        if self.streak >= STREAK {
            *self = Self { bytes: (self.bytes * 2).min(MAX_CHUNK), streak: 0 };
        }
    }

    fn damaged(&mut self) {
        *self = Self { bytes: (self.bytes / 2).max(MIN_CHUNK), streak: 0 };
    }
}

impl<T: Transport> Client<T> {
    /// Sends a file and reports it as whole; [`Client::wait_done`] waits for the result. A file that was sent in part
    /// before continues from there. `on_progress` gets the number of bytes that the badge has, and may stop the
    /// transfer.
    ///
    /// # Errors
    /// [`ClientError::TooLarge`], [`ClientError::Refused`] with the badge's message, [`ClientError::Stopped`], or
    /// another error. The badge keeps what arrived: call this again with the same file, on a new client if the link is
    /// closed.
    pub fn send(
        &mut self,
        kind: FileKind,
        file: &[u8],
        on_progress: &mut dyn FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Progress, ClientError> {
        let bytes = u32::try_from(file.len()).ok().filter(|bytes| *bytes <= MAX_TRANSFER);
        let bytes = bytes.ok_or(ClientError::TooLarge(file.len() as u64))?;
        let begin = Request::Begin { kind, bytes, sha256: Sha256::digest(file).into() };
        for _ in 0..MAX_SESSIONS {
            match self.send_parts(&begin, file, on_progress) {
                // The next attempt begins a new session.
                Err(ClientError::SessionEnded) => {}
                result => return result,
            }
        }
        Err(ClientError::SessionEnded)
    }

    fn send_parts(
        &mut self,
        begin: &Request,
        file: &[u8],
        on_progress: &mut dyn FnMut(u32) -> ControlFlow<()>,
    ) -> Result<Progress, ClientError> {
        let bytes = file.len() as u32;
        let begun = self.ask(begin)?;
        let mut offset = resume_at("the beginning of a file", begun, bytes)?;
        let (mut furthest, mut stalls) = (offset, 0);
        loop {
            if on_progress(offset).is_break() {
                return Err(ClientError::Stopped);
            }
            if offset == bytes {
                break;
            }
            let rest = &file[offset as usize..];
            let data = rest[..rest.len().min(self.part.bytes)].to_vec();
            let reply = match self.exchange(Request::Chunk { offset, data }) {
                // A part may be sent twice.
                Err(ClientError::Unsure) => return Err(ClientError::SessionEnded),
                Err(error) => return Err(error),
                Ok(RequestOutcome::Lost) => {
                    self.part.damaged();
                    stalls += 1;
                    if stalls >= MAX_STALLS {
                        return Err(ClientError::Noise);
                    }
                    continue;
                }
                Ok(RequestOutcome::Reply { reply, once }) => {
                    if once {
                        self.part.whole();
                    }
                    reply
                }
            };
            offset = resume_at("a part of a file", reply, bytes)?;
            if offset > furthest {
                (furthest, stalls) = (offset, 0);
            } else {
                stalls += 1;
                if stalls >= MAX_STALLS {
                    return Err(ClientError::Stalled { offset });
                }
            }
        }
        // In another session the transfer would have to begin again.
        let reply = match self.exchange(Request::Finish)? {
            RequestOutcome::Reply { reply, .. } => reply,
            RequestOutcome::Lost => return Err(ClientError::Noise),
        };
        progress("the end of a file", reply)
    }
}

/// The offset from which the badge wants the file to continue, bytes.
fn resume_at(request: &'static str, reply: Reply, bytes: u32) -> Result<u32, ClientError> {
    match reply {
        Reply::Offset { offset } if offset <= bytes => Ok(offset),
        other => Err(unexpected(request, other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_shrink_with_damage_and_grow_with_success() {
        let mut part = ChunkSize::new();
        for _ in 0..20 {
            part.damaged();
        }
        assert_eq!(part.bytes, MIN_CHUNK);
        for _ in 0..3 {
            part.whole();
        }
        assert_eq!(part.bytes, MIN_CHUNK);
        part.whole();
        assert_eq!(part.bytes, 2 * MIN_CHUNK);
        for _ in 0..100 {
            part.whole();
        }
        assert_eq!(part.bytes, MAX_CHUNK);
    }
}
