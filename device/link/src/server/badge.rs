//! What a badge does for a host.

use crate::message::{BadgeStatus, FileKind, JournalEntry, LogLine, Progress};

/// What a server can do for a host. An error is a text for the host's user: why, and what to do.
///
/// Every method is called from [`super::Server::serve`] and shall return within a second or so; what takes longer
/// runs elsewhere and is reported by [`Badge::progress`].
pub trait Badge {
    /// How the badge is.
    fn status(&mut self) -> BadgeStatus;

    /// Lines of its log from number `from` on, in order; no more than [`crate::message::MAX_LINES`] of them are sent.
    fn log(&mut self, from: u32) -> Vec<LogLine>;

    /// Its configuration's text, at most [`super::MAX_CONFIG`] bytes.
    fn config(&mut self) -> String;

    /// A file of `bytes` bytes follows; returns the offset to continue from, bytes.
    ///
    /// # Errors
    /// Why it is not taken.
    fn begin(&mut self, kind: FileKind, bytes: u32, sha256: [u8; 32]) -> Result<u32, String>;

    /// A part of that file; returns the offset to continue from, bytes, also when the part is there already or does not
    /// follow.
    ///
    /// # Errors
    /// Why it is not taken.
    fn chunk(&mut self, offset: u32, data: &[u8]) -> Result<u32, String>;

    /// The file is whole.
    ///
    /// # Errors
    /// Why nothing comes of it.
    fn finish(&mut self) -> Result<Progress, String>;

    /// The progress of what was asked for last.
    fn progress(&mut self) -> Progress;

    /// Return to the bundle before.
    ///
    /// # Errors
    /// Why not.
    fn rollback(&mut self) -> Result<Progress, String>;

    /// Look at the embedded portraits with the bundle that runs.
    ///
    /// # Errors
    /// Why not.
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

    /// The session has ended: the host ended it, is silent, or the cable was pulled.
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
