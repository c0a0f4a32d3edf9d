//! Serial ports: a UART, a USB gadget's port, a USB adapter; raw bytes, 8 data bits, no parity, 1 stop bit, no flow
//! control. A node that is not a terminal, such as a virtual machine's port or a FIFO, is used without terminal
//! settings.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use rustix::termios::{self, ControlModes, InputModes, OptionalActions, QueueSelector};

pub use crate::BAUDS;
use crate::transport::{LinkError, Transport, WRITE_PATIENCE};

/// Why a port cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such node.
    #[error("{} does not exist", .path.display())]
    Missing {
        /// The port.
        path: PathBuf,
    },
    /// A device node without hardware.
    #[error("{} has no hardware behind it", .path.display())]
    NoHardware {
        /// The port.
        path: PathBuf,
    },
    /// A file or a disk, which writing would damage.
    #[error("{} is not a serial port", .path.display())]
    NotPort {
        /// The path.
        path: PathBuf,
    },
    /// The user may not open it.
    #[error("{}: permission denied", .path.display())]
    Permission {
        /// The port.
        path: PathBuf,
    },
    /// Another program has it.
    #[error("{} is in use by another program", .path.display())]
    InUse {
        /// The port.
        path: PathBuf,
    },
    /// Not one of [`BAUDS`].
    #[error("{baud} baud is not a standard rate; expected one of {BAUDS:?}")]
    Baud {
        /// The requested baud rate, bits per second.
        baud: u32,
    },
    /// The port's hardware does not support this baud rate.
    #[error("{} does not support {baud} baud", .path.display())]
    BaudRefused {
        /// The port.
        path: PathBuf,
        /// The requested baud rate, bits per second.
        baud: u32,
    },
    /// The system's own reason.
    #[error("failed to open {} as a serial port: {source}", .path.display())]
    Io {
        /// The port.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl OpenError {
    /// What to do about it, in whole sentences.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => {
                "Plug the cable in, or name another port: `ls /dev/tty*` lists them.".to_owned()
            }
            Self::NoHardware { .. } | Self::NotPort { .. } => {
                "Name a serial port: `ls /dev/tty*` lists them.".to_owned()
            }
            Self::Permission { .. } => {
                "Add yourself to the group that owns it, mostly with `sudo usermod -a -G dialout $USER`, and log in \
                 again."
                    .to_owned()
            }
            Self::InUse { path } => {
                format!("End that program first: `fuser -v {}` names it.", path.display())
            }
            Self::BaudRefused { .. } => {
                "Take another rate, such as 115200, on both sides.".to_owned()
            }
            Self::Baud { .. } | Self::Io { .. } => return None,
        })
    }

    /// Message and help in one line, for a log.
    pub fn to_line(&self) -> String {
        self.help().map_or_else(|| self.to_string(), |help| format!("{self}. {help}"))
    }
}

/// An open serial port, which no other Emocue program can open meanwhile.
#[derive(Debug)]
pub struct Serial {
    port: OwnedFd,
}

/// Opens a serial port. `baud` is one of [`BAUDS`], bits per second; it has no effect on ports without a UART.
///
/// # Errors
/// [`OpenError`], with its help.
pub fn open(path: impl AsRef<Path>, baud: u32) -> Result<Serial, OpenError> {
    let path = path.as_ref();
    if !BAUDS.contains(&baud) {
        return Err(OpenError::Baud { baud });
    }
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let failed = |errno: Errno| failure(path, errno);
    let port = rustix::fs::open(path, flags, Mode::empty()).map_err(failed)?;
    let kind = FileType::from_raw_mode(rustix::fs::fstat(&port).map_err(failed)?.st_mode);
    if !matches!(kind, FileType::CharacterDevice | FileType::Fifo) {
        return Err(OpenError::NotPort { path: path.to_owned() });
    }
    if kind == FileType::CharacterDevice {
        // Not TIOCEXCL: it stays set when a program is killed, and does not exclude root.
        rustix::fs::flock(&port, FlockOperation::NonBlockingLockExclusive).map_err(failed)?;
    }
    if termios::isatty(&port) {
        configure(&port, baud, has_rate(path)).map_err(|error| match error {
            Errno::INVAL => OpenError::BaudRefused { path: path.to_owned(), baud },
            errno => failed(errno),
        })?;
    }
    Ok(Serial { port })
}

fn failure(path: &Path, errno: Errno) -> OpenError {
    let path = path.to_owned();
    match errno {
        Errno::NOENT | Errno::NODEV | Errno::NXIO => OpenError::Missing { path },
        Errno::ACCESS | Errno::PERM => OpenError::Permission { path },
        Errno::IO => OpenError::NoHardware { path },
        Errno::ISDIR => OpenError::NotPort { path },
        Errno::BUSY | Errno::WOULDBLOCK => OpenError::InUse { path },
        errno => OpenError::Io { path, source: errno.into() },
    }
}

/// Names of ports without a UART: they accept any rate, and report their own.
const WITHOUT_RATE: [&str; 3] = ["hvc", "ttyGS", "ttyACM"];

fn has_rate(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !WITHOUT_RATE.iter().any(|kind| name.starts_with(kind))
}

/// Sets a terminal to raw mode, and discards what was received before.
fn configure(port: &OwnedFd, baud: u32, has_rate: bool) -> Result<(), Errno> {
    let mut settings = termios::tcgetattr(port)?;
    settings.make_raw();
    settings.input_modes.remove(InputModes::IXOFF | InputModes::IXANY);
    settings.control_modes.remove(ControlModes::CSTOPB | ControlModes::CRTSCTS);
    settings.control_modes.insert(ControlModes::CLOCAL | ControlModes::CREAD);
    // Then a read without data fails with "would block", and 0 bytes are a hang-up.
    settings.special_codes[termios::SpecialCodeIndex::VMIN] = 1;
    settings.special_codes[termios::SpecialCodeIndex::VTIME] = 0;
    settings.set_speed(baud)?;
    termios::tcsetattr(port, OptionalActions::Now, &settings)?;
    // A driver that does not support the rate reports it only here. Clock dividers give approximate rates.
    let taken = termios::tcgetattr(port)?.output_speed();
    if has_rate && taken.abs_diff(baud) > baud / 50 {
        return Err(Errno::INVAL);
    }
    termios::tcflush(port, QueueSelector::IFlush)
}

impl Serial {
    /// Waits for an event on the port; false at the timeout.
    fn wait(&self, what: PollFlags, until: Instant) -> Result<bool, LinkError> {
        loop {
            let left = until.saturating_duration_since(Instant::now());
            // Cannot overflow: no caller waits for years.
            let timeout = Timespec::try_from(left)
                .map_err(|_| LinkError::Io(ErrorKind::InvalidInput.into()))?;
            match poll(&mut [PollFd::new(&self.port, what)], Some(&timeout)) {
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(failed(errno)),
            }
        }
    }
}

fn failed(errno: Errno) -> LinkError {
    match errno {
        // Errors of a terminal whose cable was pulled or whose other side was closed.
        Errno::IO | Errno::NXIO | Errno::NODEV | Errno::PIPE => LinkError::Closed,
        errno => LinkError::Io(errno.into()),
    }
}

impl Transport for Serial {
    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, LinkError> {
        let until = Instant::now() + timeout;
        loop {
            match rustix::io::read(&self.port, &mut *buffer) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(length) => return Ok(length),
                Err(Errno::AGAIN) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(failed(errno)),
            }
            if timeout.is_zero() || !self.wait(PollFlags::IN, until)? {
                return Ok(0);
            }
        }
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> Result<(), LinkError> {
        let mut until = Instant::now() + WRITE_PATIENCE;
        while !bytes.is_empty() {
            match rustix::io::write(&self.port, bytes) {
                Ok(length) if length > 0 => {
                    bytes = &bytes[length..];
                    until = Instant::now() + WRITE_PATIENCE;
                    continue;
                }
                Ok(_) | Err(Errno::AGAIN) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(failed(errno)),
            }
            if !self.wait(PollFlags::OUT, until)? {
                return Err(LinkError::Stuck);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wires_have_a_rate() {
        for (port, has) in [("/dev/ttyAMA0", true), ("/dev/ttyGS0", false), ("/dev/hvc0", false)] {
            assert_eq!(has_rate(Path::new(port)), has, "{port}");
        }
    }
}
