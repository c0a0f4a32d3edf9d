//! Power that fails before any operation on the disk, for simulations and tests (feature `test-util`).
//!
//! Every operation of the slots that changes the disk asks here first. Without the feature the answer is always yes.

use std::fs::File;
use std::io::{self, Write as _};

/// When power fails.
#[cfg(feature = "test-util")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PowerCut {
    /// Operations that are still done.
    pub after: u32,
    /// Of a write that is under way then: how much of it is done, 0 to 255 of 255.
    pub torn: u8,
}

#[cfg(feature = "test-util")]
thread_local! {
    /// Operations that were asked for, and when power fails.
    static POWER: std::cell::Cell<(u32, Option<PowerCut>)> = const { std::cell::Cell::new((0, None)) };
}

/// Does `work` on this thread while power fails at `cut`: from then on nothing on the disk changes. What `work` says
/// about it is meaningless, as the program would not exist any more. Also says how many operations were asked for.
#[cfg(feature = "test-util")]
pub fn with_power_cut<T>(cut: Option<PowerCut>, work: impl FnOnce() -> T) -> (T, u32) {
    POWER.set((0, cut));
    let done = work();
    let (asked, _) = POWER.replace((0, None));
    (done, asked)
}

/// Whether the next operation on the disk may be done; how much of a write is done where it may not.
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

/// Asks before one operation.
pub(super) fn on() -> io::Result<()> {
    next().map_err(gone)
}

/// Writes all of `bytes`, or what is written until power fails.
pub(super) fn write_all(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    if let Err(torn) = next() {
        let part = bytes.len() * usize::from(torn.unwrap_or_default()) / 255;
        file.write_all(&bytes[..part])?;
        return Err(gone(torn));
    }
    file.write_all(bytes)
}
