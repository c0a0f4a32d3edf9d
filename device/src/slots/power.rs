//! Simulated power failures before any disk operation, for simulations and tests (feature `test-util`).
//!
//! Every disk operation of the slots is checked here first. Without the feature, none fails.

use std::fs::File;
use std::io::{self, Write as _};

/// When power fails.
#[cfg(feature = "test-util")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerCut {
    /// Number of operations that still succeed.
    pub after: u32,
    /// How much of an interrupted write is done, `0..=255` of 255.
    pub torn: u8,
}

#[cfg(feature = "test-util")]
thread_local! {
    /// Number of operations so far, and when power fails.
    static POWER: std::cell::Cell<(u32, Option<PowerCut>)> = const { std::cell::Cell::new((0, None)) };
}

/// Runs `work` on this thread, with a power failure at `cut`: from then on nothing on the disk changes. The result of
/// `work` is then meaningless, since the program would no longer exist. Also returns the number of operations.
#[cfg(feature = "test-util")]
pub fn with_power_cut<T>(cut: Option<PowerCut>, work: impl FnOnce() -> T) -> (T, u32) {
    POWER.set((0, cut));
    let done = work();
    let (asked, _) = POWER.replace((0, None));
    (done, asked)
}

/// Whether the next disk operation succeeds; otherwise how much of a write is done.
#[cfg(feature = "test-util")]
fn next() -> Result<(), Option<u8>> {
    let (asked, cut) = POWER.get();
    POWER.set((asked + 1, cut));
    match cut {
        Some(PowerCut { after, torn }) if asked == after => Err(Some(torn)),
        Some(PowerCut { after, .. }) if asked > after => Err(None),
        _ => Ok(()),
    }
}

#[cfg(not(feature = "test-util"))]
fn next() -> Result<(), Option<u8>> {
    Ok(())
}

fn gone<T>(_: T) -> io::Error {
    io::Error::other("power has failed")
}

/// Checks one operation.
pub(super) fn on() -> io::Result<()> {
    next().map_err(gone)
}

/// Writes all of `bytes`, or the part that is written until power fails.
pub(super) fn write_all(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    if let Err(torn) = next() {
        let part = bytes.len() * usize::from(torn.unwrap_or_default()) / 255;
        file.write_all(&bytes[..part])?;
        return Err(gone(torn));
    }
    file.write_all(bytes)
}
