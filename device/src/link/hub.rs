//! What is reported to a host: the badge's status and its log.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use emocue_link::message::{BadgeStatus, BundleSource, CameraState, LogLine, MAX_TEXT};

use crate::bundle::{LoadedBundle, Origin, Slot};

/// Lines that are kept.
const KEPT: usize = 256;

/// Updated by the badge about once a second, read by the link's server. It has no data about what the camera shows.
#[derive(Debug)]
pub struct Hub {
    start: Instant,
    inner: Mutex<Inner>,
    again: AtomicBool,
}

#[derive(Debug)]
struct Inner {
    status: BadgeStatus,
    log: VecDeque<LogLine>,
}

impl Default for Hub {
    fn default() -> Self {
        let status = BadgeStatus {
            state: CameraState::Starting,
            uptime_ms: 0,
            fps_milli: 0,
            latency_ms: None,
            temperature_milli: None,
            slowdown: 1,
            battery_low: None,
            running: BundleSource::Embedded,
            bundle: String::new(),
            content_version: 0,
            trial: None,
            faults: 0,
            log_next: 0,
        };
        let inner = Inner { status, log: VecDeque::with_capacity(KEPT) };
        Self { start: Instant::now(), inner: Mutex::new(inner), again: AtomicBool::new(false) }
    }
}

impl Hub {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Adds a line to the log; the oldest is removed when there are too many.
    pub fn note(&self, text: &str) {
        let end = text.floor_char_boundary(MAX_TEXT);
        let time_ms = self.elapsed_ms();
        let mut inner = self.inner();
        let number = inner.status.log_next;
        inner.status.log_next += 1;
        if inner.log.len() == KEPT {
            inner.log.pop_front();
        }
        inner.log.push_back(LogLine { number, time_ms, text: text[..end].to_owned() });
    }

    /// Counts a fault.
    pub fn fault(&self) {
        self.inner().status.faults += 1;
    }

    /// Changes the badge's status.
    pub fn update(&self, change: impl FnOnce(&mut BadgeStatus)) {
        change(&mut self.inner().status);
    }

    /// Sets the running bundle.
    pub fn runs(&self, bundle: &LoadedBundle) {
        let release = (bundle.name.clone(), bundle.content_version);
        let (running, release, trial) = match &bundle.origin {
            Origin::BuiltIn => (BundleSource::Embedded, release, None),
            Origin::File(file) => (BundleSource::File, (file.display().to_string(), 0), None),
            Origin::Slot { slot: Slot::A, trial } => (BundleSource::A, release, *trial),
            Origin::Slot { slot: Slot::B, trial } => (BundleSource::B, release, *trial),
        };
        self.update(|status| {
            status.running = running;
            (status.bundle, status.content_version) = release;
            status.trial = trial;
            // Of the run before.
            status.state = CameraState::Starting;
            (status.fps_milli, status.latency_ms) = (0, None);
        });
    }

    /// The badge's status.
    pub fn status(&self) -> BadgeStatus {
        BadgeStatus { uptime_ms: self.elapsed_ms(), ..self.inner().status.clone() }
    }

    /// Lines from number `from` on, at most `most` of them.
    pub fn log(&self, from: u32, most: usize) -> Vec<LogLine> {
        let inner = self.inner();
        inner.log.iter().filter(|line| line.number >= from).take(most).cloned().collect()
    }

    /// Requests a restart of the loop with the files on the disk.
    pub fn start_anew(&self) {
        self.again.store(true, Ordering::Relaxed);
    }

    /// Whether a restart was requested since the last call.
    pub fn takes_start(&self) -> bool {
        self.again.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_keeps_its_last_lines_and_their_numbers() {
        let hub = Hub::default();
        for number in 0..KEPT + 3 {
            hub.note(&format!("line {number}"));
        }
        assert_eq!(hub.status().log_next, KEPT as u32 + 3);
        let first = hub.log(0, 2);
        assert_eq!((first[0].number, first[0].text.as_str()), (3, "line 3"));
        assert_eq!(hub.log(KEPT as u32 + 2, 8).len(), 1);
        hub.note(&"ä".repeat(MAX_TEXT));
        assert_eq!(hub.log(KEPT as u32 + 3, 8)[0].text.len(), MAX_TEXT);
    }

    #[test]
    fn a_new_start_is_taken_once() {
        let hub = Hub::default();
        hub.start_anew();
        assert!(hub.takes_start());
        assert!(!hub.takes_start());
    }
}
