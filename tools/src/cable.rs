//! A cable between a badge and a host that run here: both open a terminal, and between the terminals bytes are carried,
//! lost and changed.

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

/// How often a direction of the cable looks whether it is needed any more.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Two terminals and what carries bytes between them.
/// Dropped, it is pulled out: its terminals are gone in a moment.
pub(crate) struct Cable {
    pub(crate) badge_port: String,
    pub(crate) host_port: String,
    to_badge: Arc<AtomicU64>,
    needed: Arc<AtomicBool>,
    /// While somebody holds them, a terminal outlives the programs that open it.
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

    /// Bytes that the badge was sent so far.
    pub(crate) fn to_badge(&self) -> u64 {
        self.to_badge.load(Ordering::Relaxed)
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.needed.store(false, Ordering::Relaxed);
    }
}

/// A terminal's inner end, its name, and a hold on it.
fn terminal() -> std::io::Result<(File, String, File)> {
    // A program that inherits it would keep the terminal alive after the cable is pulled out.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let inner: OwnedFd = openpt(flags)?;
    grantpt(&inner)?;
    unlockpt(&inner)?;
    let name = ptsname(&inner, Vec::new())?;
    let name = name.into_string().map_err(std::io::Error::other)?;
    let mut options = File::options();
    // It must not become this program's own terminal: a badge in the background would be stopped by it.
    options.read(true).write(true).custom_flags(OFlags::NOCTTY.bits().cast_signed());
    let held = options.open(&name)?;
    // Nobody wants an echo before the first program makes it raw.
    let mut settings = rustix::termios::tcgetattr(&held)?;
    settings.make_raw();
    rustix::termios::tcsetattr(&held, rustix::termios::OptionalActions::Now, &settings)?;
    Ok((inner.into(), name, held))
}

/// One direction, until it is not needed any more.
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
        // A reader that has gone reads nothing.
        let _ = to.write_all(&out);
    }
}
