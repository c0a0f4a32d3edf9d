//! A bad cable, for tests: loses, flips, inserts and repeats at random, the same way for the same seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::random::Random;
use crate::transport::{LinkError, Transport};

/// Fault rates of one direction. [`Faults::default`] has no faults.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Faults {
    /// Probability that a byte is lost, `0..=1`.
    pub lose: f64,
    /// Probability that a bit of a byte is flipped, `0..=1`.
    pub flip: f64,
    /// Probability that a byte of noise is inserted before a byte, `0..=1`.
    pub insert: f64,
    /// Probability that one write, such as a frame, arrives twice, `0..=1`.
    pub repeat: f64,
}

/// One direction of a bad cable.
#[derive(Clone, Debug)]
pub struct FaultyLine {
    faults: Faults,
    random: Random,
}

impl FaultyLine {
    /// The same bytes with the same seed have the same faults.
    pub const fn new(faults: Faults, seed: u64) -> Self {
        Self { faults, random: Random::new(seed) }
    }

    /// Appends to `out` what arrives when `bytes` are sent.
    pub fn pass(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let times = if self.chance(self.faults.repeat) { 2 } else { 1 };
        for _ in 0..times {
            for byte in bytes {
                if self.chance(self.faults.insert) {
                    out.push(self.random.number() as u8);
                }
                if self.chance(self.faults.lose) {
                    continue;
                }
                let flip = if self.chance(self.faults.flip) {
                    1 << (self.random.number() >> 61)
                } else {
                    0
                };
                out.push(byte ^ flip);
            }
        }
    }

    fn chance(&mut self, chance: f64) -> bool {
        chance > 0.0 && self.random.part() < chance
    }
}

/// Counters of a [`Faulty`] transport; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    written: Arc<AtomicU64>,
    writes: Arc<AtomicU64>,
    read: Arc<AtomicU64>,
}

impl Traffic {
    /// Bytes that were written, before faults.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Number of writes, one per frame.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// Bytes that were read, before faults.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }
}

/// A transport with faults in both directions, which may be cut.
#[derive(Debug)]
pub struct Faulty<T> {
    inner: T,
    out: FaultyLine,
    back: FaultyLine,
    passed: Vec<u8>,
    /// Bytes that arrived and were not read yet.
    came: Vec<u8>,
    traffic: Traffic,
    cut_after: Option<u64>,
}

impl<T: Transport> Faulty<T> {
    /// Puts the same faults into both directions of `inner`.
    pub fn new(inner: T, faults: Faults, seed: u64) -> Self {
        // Reads return pieces that depend on timing, so nothing is repeated there.
        let back = FaultyLine::new(Faults { repeat: 0.0, ..faults }, !seed);
        Self {
            inner,
            out: FaultyLine::new(faults, seed),
            back,
            passed: Vec::new(),
            came: Vec::new(),
            traffic: Traffic::default(),
            cut_after: None,
        }
    }

    /// Cuts the cable after `bytes` bytes were written: from then on the other side seems gone.
    #[must_use]
    pub const fn cut_after(mut self, bytes: u64) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// The counters, which stay readable after this transport was moved.
    pub fn traffic(&self) -> Traffic {
        self.traffic.clone()
    }

    fn cut(&self) -> bool {
        self.cut_after.is_some_and(|bytes| self.traffic.written() >= bytes)
    }
}

impl<T: Transport> Transport for Faulty<T> {
    fn read(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<usize, LinkError> {
        if self.cut() {
            return Err(LinkError::Closed);
        }
        if self.came.is_empty() {
            let length = self.inner.read(buffer, timeout)?;
            self.traffic.read.fetch_add(length as u64, Ordering::Relaxed);
            self.back.pass(&buffer[..length], &mut self.came);
        }
        let length = self.came.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.came[..length]);
        self.came.drain(..length);
        Ok(length)
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        if self.cut() {
            return Err(LinkError::Closed);
        }
        self.traffic.written.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.traffic.writes.fetch_add(1, Ordering::Relaxed);
        self.passed.clear();
        self.out.pass(bytes, &mut self.passed);
        self.inner.write_all(&self.passed)
    }

    fn now(&self) -> Instant {
        self.inner.now()
    }

    fn new_session(&mut self) -> u32 {
        self.inner.new_session()
    }
}
