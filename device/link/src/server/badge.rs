//! The badge's functions for a host.

use crate::message::{BadgeStatus, FileKind, JournalEntry, LogLine, Progress};

/// The functions of a badge that a server calls for a host. An error is a text for the host's user: why, and what to
/// do.
///
/// Every method is called from [`super::Server::serve`] and should return within about a second; longer work runs
/// elsewhere and is reported by [`Badge::progress`].
pub trait Badge {
    /// The badge's status.
    fn status(&mut self) -> BadgeStatus;

    /// Lines of its log from number `from` on, in order; no more than [`crate::message::MAX_LINES`] of them are sent.
    fn log(&mut self, from: u32) -> Vec<LogLine>;

    /// Its configuration's text, at most [`super::MAX_CONFIG`] bytes.
    fn config(&mut self) -> String;

    /// Begins a file of `bytes` bytes; returns the offset to continue from, bytes.
    ///
    /// # Errors
    /// Why it is refused.
    fn begin(&mut self, kind: FileKind, bytes: u32, sha256: [u8; 32]) -> Result<u32, String>;

    /// Stores a part of that file; returns the offset to continue from, bytes, also if the part was received before or
    /// does not follow.
    ///
    /// # Errors
    /// Why it is refused.
    fn chunk(&mut self, offset: u32, data: &[u8]) -> Result<u32, String>;

    /// Ends the file.
    ///
    /// # Errors
    /// Why the file is refused.
    fn finish(&mut self) -> Result<Progress, String>;

    /// The progress of the last request that takes time.
    fn progress(&mut self) -> Progress;

    /// Rolls back to the previous bundle.
    ///
    /// # Errors
    /// Why it is refused.
    fn rollback(&mut self) -> Result<Progress, String>;

    /// Runs the self-test on the embedded portraits with the running bundle.
    ///
    /// # Errors
    /// Why it is refused.
    fn self_test(&mut self) -> Result<Progress, String>;

    /// The wearer's journals with number `from` or a higher one, by their numbers; no more than
    /// [`crate::message::MAX_LISTED`] of them are sent.
    ///
    /// # Errors
    /// Why they cannot be listed.
    fn journals(&mut self, from: u32) -> Result<Vec<JournalEntry>, String>;

    /// The length of journal `number`, bytes, and at most [`crate::message::MAX_CHUNK`] bytes of it from `offset` on.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn journal(&mut self, number: u32, offset: u32) -> Result<(u32, Vec<u8>), String>;

    /// Called when the session has ended: the host ended it or is silent, or the cable was pulled.
    fn session_ended(&mut self);
}

impl<B: Badge + ?Sized> Badge for &mut B {
    fn status(&mut self) -> BadgeStatus {
        (**self).status()
    }

    fn log(&mut self, from: u32) -> Vec<LogLine> {
        (**self).log(from)
    }

    fn config(&mut self) -> String {
        (**self).config()
    }

    fn begin(&mut self, kind: FileKind, bytes: u32, sha256: [u8; 32]) -> Result<u32, String> {
        (**self).begin(kind, bytes, sha256)
    }

    fn chunk(&mut self, offset: u32, data: &[u8]) -> Result<u32, String> {
        (**self).chunk(offset, data)
    }

    fn finish(&mut self) -> Result<Progress, String> {
        (**self).finish()
    }

    fn progress(&mut self) -> Progress {
        (**self).progress()
    }

    fn rollback(&mut self) -> Result<Progress, String> {
        (**self).rollback()
    }

    fn self_test(&mut self) -> Result<Progress, String> {
        (**self).self_test()
    }

    fn journals(&mut self, from: u32) -> Result<Vec<JournalEntry>, String> {
        (**self).journals(from)
    }

    fn journal(&mut self, number: u32, offset: u32) -> Result<(u32, Vec<u8>), String> {
        (**self).journal(number, offset)
    }

    fn session_ended(&mut self) {
        (**self).session_ended();
    }
}
