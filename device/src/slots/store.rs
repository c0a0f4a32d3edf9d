//! The slots on the disk.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use emocue_models::bundle::Bundle;
use emocue_models::bundle::container::MAX_BYTES;

use super::error::{Refusal, SlotError};
use super::files;
use super::pointer::{Held, Pointer};
use crate::bundle::Slot;

/// Longest pointer that is read, bytes.
const LONGEST: u64 = 64 << 10;

/// Interval at which a lock is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// A released lock is free after this time at the latest: a process that was just forked has a copy of it until it
/// executes another program.
pub(super) const FORKED: Duration = Duration::from_millis(200);

/// Both slots and the pointer, in a folder that need not exist yet.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// Held while the slots are changed; excludes other programs.
pub(super) struct Lock(#[expect(dead_code, reason = "unlocked when it is closed")] File);

/// The content of the pointer's file.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing was ever installed.
    Nothing,
    Pointer(Pointer),
    Damaged,
}

impl Store {
    /// The slots in the state folder `state`.
    pub fn new(state: &Path) -> Self {
        Self { folder: state.join("slots") }
    }

    /// The path of the bundle of `slot`.
    pub fn file(&self, slot: Slot) -> PathBuf {
        self.folder.join(format!("{slot}.emocue"))
    }

    fn pointer_file(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// The pointer's bytes, by which a change is detected.
    pub fn mark(&self) -> Vec<u8> {
        files::read(&self.pointer_file(), LONGEST).unwrap_or_default()
    }

    pub(super) fn found(&self) -> Result<Found, SlotError> {
        match files::read(&self.pointer_file(), LONGEST) {
            Ok(bytes) => Ok(Pointer::decode(&bytes).map_or(Found::Damaged, Found::Pointer)),
            Err(e)
                if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
            {
                Ok(Found::Nothing)
            }
            // A folder in its place, or a file that is too long.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::FileTooLarge
                ) =>
            {
                Ok(Found::Damaged)
            }
            Err(error) => Err(SlotError::folder("read", &self.pointer_file())(error)),
        }
    }

    /// The state of the slots; the default if nothing was installed, or the pointer is damaged: the next start rebuilds
    /// it.
    ///
    /// # Errors
    /// [`SlotError::Folder`] when it cannot be read.
    pub fn pointer(&self) -> Result<Pointer, SlotError> {
        Ok(match self.found()? {
            Found::Pointer(pointer) => pointer,
            Found::Nothing | Found::Damaged => Pointer::default(),
        })
    }

    pub(super) fn write(&self, pointer: &mut Pointer) -> Result<(), SlotError> {
        let path = self.pointer_file();
        pointer.changes += 1;
        files::replace(&path, &pointer.encode()).map_err(SlotError::folder("write", &path))
    }

    /// Whether anything was ever installed here.
    pub(super) fn exists(&self) -> bool {
        self.folder.is_dir()
    }

    pub(super) fn make(&self) -> Result<(), SlotError> {
        files::make_folder(&self.folder).map_err(SlotError::folder("make", &self.folder))
    }

    /// Locks the slots, after waiting for other programs for at most `patience`.
    pub(super) fn lock(&self, patience: Duration) -> Result<Lock, SlotError> {
        let path = self.folder.join("lock");
        let file = files::open_lock(&path).map_err(SlotError::folder("open", &path))?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) if start.elapsed() < patience => {
                    std::thread::sleep(AGAIN);
                }
                Err(TryLockError::WouldBlock) => return Err(SlotError::Busy(path)),
                Err(TryLockError::Error(error)) => {
                    return Err(SlotError::folder("lock", &path)(error));
                }
            }
        }
    }

    /// Reads a bundle's file, and only checks that it is a regular file of a valid size.
    pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
        files::read(path, MAX_BYTES as u64)
    }

    /// Name and release number of the undamaged bundle in `slot`.
    pub(super) fn release(&self, slot: Slot) -> Result<(String, u32), Refusal> {
        let bytes = Self::read(&self.file(slot)).map_err(Refusal::Unreadable)?;
        let bundle = Bundle::read(&bytes)?;
        Ok((bundle.manifest().name.clone(), bundle.manifest().content_version))
    }

    /// Confirms the bundle on trial, if the pointer is still the one of `mark` or no mark is given.
    ///
    /// # Errors
    /// [`SlotError::NoTrial`], or when the folder cannot be used.
    pub fn confirm(&self, mark: Option<&[u8]>) -> Result<Slot, SlotError> {
        if !self.exists() {
            return Err(SlotError::NoTrial);
        }
        let _lock = self.lock(FORKED)?;
        let mut pointer = self.pointer()?;
        let slot = pointer.trial().ok_or(SlotError::NoTrial)?;
        if mark.is_some_and(|mark| mark != self.mark()) {
            return Err(SlotError::NoTrial);
        }
        let (name, version) =
            self.release(slot).map_err(|reason| SlotError::refused(&self.file(slot), reason))?;
        pointer.set(slot, Held::Good);
        pointer.active = Some(slot);
        pointer.confirmed(&name, version);
        self.write(&mut pointer)?;
        Ok(slot)
    }

    /// Checks whether [`Store::rollback`] is possible.
    ///
    /// # Errors
    /// [`SlotError::NothingBefore`], or when the folder cannot be read.
    pub fn can_roll_back(&self) -> Result<(), SlotError> {
        let pointer = self.pointer()?;
        pointer.trial().or(pointer.active).map(drop).ok_or(SlotError::NothingBefore)
    }

    /// Rolls back: ends a trial, or replaces the active bundle by that of the other slot, or by the embedded one.
    /// Returns the slot that starts next; `None` for the embedded bundle.
    ///
    /// # Errors
    /// [`SlotError::NothingBefore`], or when the folder cannot be used.
    pub fn rollback(&self) -> Result<Option<Slot>, SlotError> {
        if !self.exists() {
            return Err(SlotError::NothingBefore);
        }
        let _lock = self.lock(Duration::from_secs(1))?;
        let mut pointer = self.pointer()?;
        match (pointer.trial(), pointer.active) {
            (Some(slot), _) => pointer.set(slot, Held::Failed),
            (None, Some(slot)) => {
                let other = slot.other();
                pointer.active = (pointer.held(other) == Held::Good).then_some(other);
                // So that a second rollback does not bring it back.
                pointer.set(slot, Held::Failed);
            }
            (None, None) => return Err(SlotError::NothingBefore),
        }
        self.write(&mut pointer)?;
        Ok(pointer.next())
    }
}
