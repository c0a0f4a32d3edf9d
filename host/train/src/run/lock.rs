//! The lock of a run's folder: at most one training at a time.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::error::RunError;

/// Locks a run's folder until it is dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the open file is the lock")] File);

/// Locks the run's folder `dir`.
///
/// # Errors
/// [`RunError::Busy`] when another training runs there, [`RunError::Lock`] when the system refuses.
pub fn lock(dir: &Path) -> Result<Lock, RunError> {
    let path = dir.join("lock");
    let refused = |error| RunError::Lock(dir.to_owned(), error);
    let file = File::create(path).map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(RunError::Busy(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(refused(error)),
    }
}
