//! Byte transports: anything that carries bytes both ways, in order.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long the other side may accept no bytes before writing fails.
pub const WRITE_PATIENCE: Duration = Duration::from_secs(5);

/// Buffer of the in-memory pair for a slow reader, bytes, as of a Linux terminal.
const PIPE_BYTES: usize = 4096;

/// Why bytes cannot be sent or received.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The other side is gone.
    #[error("the other side closed the link: the cable was pulled, or its program ended")]
    Closed,
    /// The other side accepts no bytes.
    #[error("the other side accepts no data: no byte was sent for {} s", WRITE_PATIENCE.as_secs())]
    Stuck,
    /// The system's error.
    #[error("the link failed: {0}")]
    Io(#[source] io::Error),
}

impl LinkError {
    /// What to do about it, in whole sentences.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Closed => return None,
            Self::Stuck => "Check that the other side runs and reads this port.",
            Self::Io(_) => "Plug the cable in again, or restart the program.",
        };
        Some(help.to_owned())
    }

    /// Converts the system's error; one that means that the other side is gone becomes [`LinkError::Closed`].
    pub(crate) fn from_io(error: io::Error) -> Self {
        // A terminal's error once its other side is closed.
        #[cfg(unix)]
        if rustix::io::Errno::from_io_error(&error) == Some(rustix::io::Errno::IO) {
            return Self::Closed;
        }
        match error.kind() {
            ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset => {
                Self::Closed
            }
            ErrorKind::TimedOut => Self::Stuck,
            _ => Self::Io(error),
        }
    }
}

/// Carries bytes both ways, in order; some may be lost or damaged.
pub trait Transport {
    /// Waits for bytes for at most `timeout` and returns how many were written to `buffer`; 0 at the timeout.
    ///
    /// # Errors
    /// [`LinkError::Closed`] when the other side is gone and all that it sent was read.
    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, LinkError>;

    /// Writes all bytes; waits while the other side does not read.
    ///
    /// # Errors
    /// [`LinkError::Closed`], or [`LinkError::Stuck`] when nothing is read for [`WRITE_PATIENCE`].
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkError>;

    /// The clock of this transport: both sides use it, so that a simulated cable can have a clock of its own.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// A random number for a session, which differs from that of other hosts on this cable; a simulated cable repeats
    /// its numbers.
    fn new_session(&mut self) -> u32 {
        // The standard library seeds its hash keys from the system's random numbers.
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        (hasher.finish() >> 16) as u32
    }
}

impl<T: Transport + ?Sized> Transport for &mut T {
    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, LinkError> {
        (**self).read(buffer, timeout)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        (**self).write_all(bytes)
    }

    fn now(&self) -> Instant {
        (**self).now()
    }

    fn new_session(&mut self) -> u32 {
        (**self).new_session()
    }
}

impl<T: Transport + ?Sized> Transport for Box<T> {
    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, LinkError> {
        (**self).read(buffer, timeout)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        (**self).write_all(bytes)
    }

    fn now(&self) -> Instant {
        (**self).now()
    }

    fn new_session(&mut self) -> u32 {
        (**self).new_session()
    }
}

/// One direction of a [`pipe`].
#[derive(Debug, Default)]
struct Lane {
    state: Mutex<LaneState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct LaneState {
    bytes: VecDeque<u8>,
    closed: bool,
}

impl Lane {
    fn lock(&self) -> MutexGuard<'_, LaneState> {
        // Bytes and a flag are whole even if a holder panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Waits for a change until `until`; `None` at the timeout.
    fn wait<'a>(
        &'a self,
        state: MutexGuard<'a, LaneState>,
        until: Instant,
    ) -> Option<MutexGuard<'a, LaneState>> {
        let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
        let waited = self.changed.wait_timeout(state, left);
        Some(waited.unwrap_or_else(PoisonError::into_inner).0)
    }
}

/// One end of an in-memory link; dropping it closes the link.
#[derive(Debug)]
pub struct PipeEnd {
    incoming: Arc<Lane>,
    outgoing: Arc<Lane>,
}

/// An in-memory link. Each direction buffers 4096 bytes for a slow reader, then the writer waits.
pub fn pipe() -> (PipeEnd, PipeEnd) {
    let (there, back) = (Arc::new(Lane::default()), Arc::new(Lane::default()));
    let near = PipeEnd { incoming: Arc::clone(&back), outgoing: Arc::clone(&there) };
    (near, PipeEnd { incoming: there, outgoing: back })
}

impl PipeEnd {
    /// Bytes that arrived and were not read yet.
    pub fn waiting(&self) -> usize {
        self.incoming.lock().bytes.len()
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.incoming.close();
        self.outgoing.close();
    }
}

impl Transport for PipeEnd {
    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, LinkError> {
        let until = Instant::now() + timeout;
        let mut state = self.incoming.lock();
        while state.bytes.is_empty() {
            if state.closed {
                return Err(LinkError::Closed);
            }
            let Some(later) = self.incoming.wait(state, until) else { return Ok(0) };
            state = later;
        }
        let length = state.bytes.read(buffer).map_err(LinkError::from_io)?;
        drop(state);
        self.incoming.changed.notify_all();
        Ok(length)
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), LinkError> {
        let mut state = self.outgoing.lock();
        let mut until = Instant::now() + WRITE_PATIENCE;
        while !bytes.is_empty() {
            if state.closed {
                return Err(LinkError::Closed);
            }
            let (now, later) = bytes.split_at(bytes.len().min(PIPE_BYTES - state.bytes.len()));
            if now.is_empty() {
                state = self.outgoing.wait(state, until).ok_or(LinkError::Stuck)?;
                continue;
            }
            state.bytes.extend(now);
            self.outgoing.changed.notify_all();
            until = Instant::now() + WRITE_PATIENCE;
            bytes = later;
        }
        Ok(())
    }
}

/// Any pair of streams: a child's standard input and output, or this program's own. A thread reads, and ends when its
/// stream does; it buffers at most a few kilobytes.
#[derive(Debug)]
pub struct Streams<W> {
    incoming: Receiver<io::Result<Vec<u8>>>,
    /// Bytes that did not fit in the reader's buffer, and how many of them were read.
    rest: Vec<u8>,
    taken: usize,
    writer: W,
}

impl<W: Write> Streams<W> {
    /// Reads `reader` and writes `writer`. Writing blocks while `writer` does.
    pub fn new(mut reader: impl Read + Send + 'static, writer: W) -> Self {
        let (sender, incoming) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            loop {
                let message = match reader.read(&mut buffer) {
                    Ok(0) => return,
                    Ok(length) => Ok(buffer[..length].to_vec()),
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let last = message.is_err();
                if sender.send(message).is_err() || last {
                    return;
                }
            }
        });
        Self { incoming, rest: Vec::new(), taken: 0, writer }
    }
}

impl<W: Write> Transport for Streams<W> {
    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, LinkError> {
        if self.taken == self.rest.len() {
            self.rest = match self.incoming.recv_timeout(timeout) {
                Ok(bytes) => bytes.map_err(LinkError::from_io)?,
                Err(RecvTimeoutError::Timeout) => return Ok(0),
                Err(RecvTimeoutError::Disconnected) => return Err(LinkError::Closed),
            };
            self.taken = 0;
        }
        let length = buffer.len().min(self.rest.len() - self.taken);
        buffer[..length].copy_from_slice(&self.rest[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.writer.write_all(bytes).and_then(|()| self.writer.flush()).map_err(LinkError::from_io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_secs(5);

    #[test]
    fn a_pipe_carries_both_ways_and_ends_after_its_last_byte() {
        let (mut near, mut far) = pipe();
        let mut buffer = [0; 8];
        assert_eq!(near.read(&mut buffer, SHORT).unwrap(), 0);
        far.write_all(b"there and back").unwrap();
        assert_eq!(near.waiting(), 14);
        assert_eq!(near.read(&mut buffer, SHORT).unwrap(), 8);
        near.write_all(b"x").unwrap();
        drop(far);
        assert_eq!(near.read(&mut buffer, SHORT).unwrap(), 6);
        assert_eq!(buffer[..6], *b"d back");
        assert!(matches!(near.read(&mut buffer, SHORT), Err(LinkError::Closed)));
        assert!(matches!(near.write_all(b"x"), Err(LinkError::Closed)));
    }

    #[test]
    fn a_pipe_holds_its_writer_back() {
        let (mut near, mut far) = pipe();
        let writer = std::thread::spawn(move || near.write_all(&[7; 3 * PIPE_BYTES]));
        let mut read = 0;
        while read < 3 * PIPE_BYTES {
            assert!(far.waiting() <= PIPE_BYTES);
            read += far.read(&mut [0; 1000], LONG).unwrap();
        }
        writer.join().unwrap().unwrap();
    }

    #[test]
    fn streams_carry_both_ways_and_close() {
        let ((from_far, to_near), (from_near, to_far)) = (io::pipe().unwrap(), io::pipe().unwrap());
        let mut near = Streams::new(from_far, to_far);
        let mut far = Streams::new(from_near, to_near);
        let mut buffer = [0; 4];
        assert_eq!(near.read(&mut buffer, SHORT).unwrap(), 0);
        far.write_all(b"hello").unwrap();
        let mut read: Vec<u8> = Vec::new();
        while read.len() < 5 {
            let length = near.read(&mut buffer, LONG).unwrap();
            read.extend(&buffer[..length]);
        }
        assert_eq!(read, b"hello");
        near.write_all(b"x").unwrap();
        assert_eq!(far.read(&mut buffer, LONG).unwrap(), 1);
        drop(far);
        assert!(matches!(near.read(&mut buffer, LONG), Err(LinkError::Closed)));
    }
}
