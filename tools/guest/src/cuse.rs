//! An I2C bus in user space: CUSE forwards every system call on the device node to this process.
//!
//! Messages have the FUSE format (`linux/fuse.h`), little-endian as on every board.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

use crate::Result;
use crate::i2c::{Bus, Ioctl, NO_SUCH_CALL};

/// Length of a request's header, bytes.
const REQUEST_HEADER: usize = 40;

/// Longest read or write that the kernel forwards, bytes.
const MAX_TRANSFER: u32 = 65536;

/// Operation codes (`enum fuse_opcode`).
mod operation {
    pub(super) const FORGET: u32 = 2;
    pub(super) const OPEN: u32 = 14;
    pub(super) const READ: u32 = 15;
    pub(super) const WRITE: u32 = 16;
    pub(super) const RELEASE: u32 = 18;
    pub(super) const FLUSH: u32 = 25;
    pub(super) const INTERRUPT: u32 = 36;
    pub(super) const IOCTL: u32 = 39;
    pub(super) const CUSE_INIT: u32 = 4096;
}

/// An ioctl reply may ask for memory of the caller (`CUSE_UNRESTRICTED_IOCTL`, `FUSE_IOCTL_RETRY`).
const UNRESTRICTED_IOCTL: u32 = 1;
const IOCTL_RETRY: u32 = 4;

/// Serves `/dev/BUS` with one device at `address` until the process is killed. Every write adds a line to `log`; while
/// the file `silent` exists, the device does not acknowledge.
pub(crate) fn serve(bus: &str, address: u16, log: &Path, silent: &Path) -> Result<()> {
    let open = |path: &Path, read| {
        let file = OpenOptions::new().read(read).write(true).open(path);
        file.map_err(|e| format!("{}: {e}", path.display()))
    };
    let mut kernel = open(Path::new("/dev/cuse"), true)?;
    let mut state = Bus::new(address, Box::new(open(log, false)?), silent);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let length = match kernel.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            length => length?,
        };
        let request = Request(&buffer[..length]);
        if let Some(answer) = answer(bus, &mut state, &request).ok_or("a request is cut off")? {
            reply(&mut kernel, request.unique().ok_or("a request is cut off")?, &answer)?;
        }
    }
}

/// One request from the kernel.
struct Request<'a>(&'a [u8]);

impl<'a> Request<'a> {
    fn operation(&self) -> Option<u32> {
        Some(u32::from_le_bytes(*self.0.get(4..)?.first_chunk()?))
    }

    /// The request's identifier, which the reply repeats.
    fn unique(&self) -> Option<u64> {
        Some(u64::from_le_bytes(*self.0.get(8..)?.first_chunk()?))
    }

    /// The request's body from offset `at`.
    fn body(&self, at: usize) -> Option<&'a [u8]> {
        self.0.get(REQUEST_HEADER + at..)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        Some(u32::from_le_bytes(*self.body(at)?.first_chunk()?))
    }

    fn u64(&self, at: usize) -> Option<u64> {
        Some(u64::from_le_bytes(*self.body(at)?.first_chunk()?))
    }
}

/// The reply's body, or a negative error number.
type Answer = std::result::Result<Vec<u8>, i32>;

/// The reply to `request`: `Some(None)` when none is sent, `None` when the request is too short for its operation.
fn answer(name: &str, bus: &mut Bus, request: &Request) -> Option<Option<Answer>> {
    let answer = match request.operation()? {
        operation::FORGET | operation::INTERRUPT => return Some(None),
        operation::CUSE_INIT => Ok(init(name, request.u32(4)?)),
        operation::OPEN => Ok(vec![0; 16]),
        operation::RELEASE | operation::FLUSH => Ok(Vec::new()),
        operation::READ => {
            let mut bytes = vec![0; request.u32(16)?.min(MAX_TRANSFER) as usize];
            bus.read(None, &mut bytes).map(|()| bytes)
        }
        operation::WRITE => {
            let length = request.u32(16)?;
            let bytes = request.body(40)?.get(..length as usize)?;
            bus.write(None, bytes).map(|()| words(&[length, 0]))
        }
        operation::IOCTL => {
            let (command, argument) = (request.u32(12)?, request.u64(16)?);
            let (given, wanted) = (request.u32(24)? as usize, request.u32(28)? as usize);
            ioctl(bus.ioctl(command, argument, request.body(32)?.get(..given)?, wanted))
        }
        _ => Err(-NO_SUCH_CALL),
    };
    Some(Some(answer))
}

/// The reply to `CUSE_INIT`, with the kernel's minor version. The kernel chooses the major device number, since the
/// real I2C driver may own the usual one.
fn init(name: &str, minor_version: u32) -> Vec<u8> {
    let mut answer =
        words(&[7, minor_version, 0, UNRESTRICTED_IOCTL, MAX_TRANSFER, MAX_TRANSFER, 0, 0]);
    answer.resize(answer.len() + 40, 0);
    answer.extend_from_slice(format!("DEVNAME={name}\0").as_bytes());
    answer
}

fn ioctl(outcome: std::result::Result<Ioctl, i32>) -> Answer {
    match outcome? {
        Ioctl::Done { result, bytes } => {
            let mut answer = words(&[result, 0, 0, 0]);
            answer.extend_from_slice(&bytes);
            Ok(answer)
        }
        Ioctl::Needs { input, output } => {
            let mut answer = words(&[0, IOCTL_RETRY, input.len() as u32, output.len() as u32]);
            for (address, length) in input.iter().chain(&output) {
                answer.extend_from_slice(&address.to_le_bytes());
                answer.extend_from_slice(&length.to_le_bytes());
            }
            Ok(answer)
        }
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Sends the reply in one write, as CUSE requires.
fn reply(kernel: &mut File, unique: u64, answer: &Answer) -> Result<()> {
    let (error, body) = match answer {
        Ok(body) => (0, body.as_slice()),
        Err(error) => (*error, [].as_slice()),
    };
    let mut reply = words(&[16 + body.len() as u32]);
    reply.extend_from_slice(&error.to_le_bytes());
    reply.extend_from_slice(&unique.to_le_bytes());
    reply.extend_from_slice(body);
    match kernel.write_all(&reply) {
        // The caller was killed while it waited.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        written => Ok(written?),
    }
}
