//! A simulated cable between a badge and a host on this computer: each opens a pseudoterminal, and bytes between the
//! two are forwarded, lost or changed.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use emocue_link::faulty::{Faults, FaultyLine};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Polling interval at which each direction checks whether the cable was dropped.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Two pseudoterminals and the threads that forward bytes between them. Dropping it unplugs the cable: its terminals
/// disappear shortly after.
pub(crate) struct Cable {
    pub(crate) badge_port: String,
    pub(crate) host_port: String,
    to_badge: Arc<AtomicU64>,
    needed: Arc<AtomicBool>,
    /// Open descriptors that keep the terminals alive after the programs that use them have ended.
    _held: [File; 2],
}

impl Cable {
    pub(crate) fn new(faults: Faults, seed: u64) -> std::io::Result<Self> {
        let (badge, badge_port, held_badge) = terminal()?;
        let (host, host_port, held_host) = terminal()?;
        let to_badge = Arc::new(AtomicU64::new(0));
        let needed = Arc::new(AtomicBool::new(true));
        let ends = [(host.try_clone()?, badge.try_clone()?), (badge, host)];
        for (at, (from, to)) in (0_u64..).zip(ends) {
            let (needed, count) = (Arc::clone(&needed), Arc::clone(&to_badge));
            let line = FaultyLine::new(faults, seed * 2 + at);
            thread::spawn(move || {
                let counted = (at == 0).then_some(&*count);
                carry(from, to, line, counted, &needed);
            });
        }
        let _held = [held_badge, held_host];
        Ok(Self { badge_port, host_port, to_badge, needed, _held })
    }

    /// Number of bytes sent to the badge so far.
    pub(crate) fn to_badge(&self) -> u64 {
        self.to_badge.load(Ordering::Relaxed)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.needed.store(false, Ordering::Relaxed);
    }
}

/// The controlling end of a pseudoterminal, the name of the other end, and an open descriptor of that.
fn terminal() -> std::io::Result<(File, String, File)> {
    // A child process that inherits it would keep the terminal alive after the cable is unplugged.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let inner: OwnedFd = openpt(flags)?;
    grantpt(&inner)?;
    unlockpt(&inner)?;
    let name = ptsname(&inner, Vec::new())?;
    let name = name.into_string().map_err(std::io::Error::other)?;
    let mut options = File::options();
    // It must not become this program's controlling terminal: that would stop a badge in the background.
    options.read(true).write(true).custom_flags(OFlags::NOCTTY.bits().cast_signed());
    let held = options.open(&name)?;
    // No echo before the first program sets raw mode.
    let mut settings = rustix::termios::tcgetattr(&held)?;
    settings.make_raw();
    rustix::termios::tcsetattr(&held, rustix::termios::OptionalActions::Now, &settings)?;
    Ok((inner.into(), name, held))
}

/// Forwards one direction until the cable is dropped.
fn carry(
    mut from: File,
    mut to: File,
    mut line: FaultyLine,
    count: Option<&AtomicU64>,
    needed: &AtomicBool,
) {
    let (mut buffer, mut out) = ([0; 4096], Vec::new());
    while needed.load(Ordering::Relaxed) {
        let ready = poll(&mut [PollFd::new(&from, PollFlags::IN)], Some(&LOOK));
        if !matches!(ready, Ok(1..)) {
            continue;
        }
        let Ok(length @ 1..) = from.read(&mut buffer) else { continue };
        if let Some(count) = count {
            count.fetch_add(length as u64, Ordering::Relaxed);
        }
        out.clear();
        line.pass(&buffer[..length], &mut out);
        // The reader may have closed its end.
        let _ = to.write_all(&out);
    }
}
