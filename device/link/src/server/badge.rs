//! What a badge does for a host.

use crate::message::{LogLine, Progress, Status, What};

/// What a server can do for a host. An error is a text for the host's user: why, and what to do.
///
/// Every method is called from [`super::Server::serve`] and shall return within a second or so; what takes longer
/// goes on elsewhere and is told by [`Badge::progress`].
pub trait Badge {
    /// How the badge is.
    fn status(&mut self) -> Status;

    /// Lines of its log from number `from` on, in order; no more than [`crate::message::MAX_LINES`] of them are sent.
    fn log(&mut self, from: u32) -> Vec<LogLine>;

    /// Its configuration's text, at most [`super::MAX_CONFIG`] bytes.
    fn config(&mut self) -> String;

    /// A file of `bytes` bytes comes; returns where to go on from, bytes.
    ///
    /// # Errors
    /// Why it is not taken.
    fn begin(&mut self, what: What, bytes: u32, sha256: [u8; 32]) -> Result<u32, String>;

    /// A part of that file; returns where to go on from, bytes, also when the part is there already or does not
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

    /// What came of what was asked for.
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

    /// The session is over: the host said so, is silent, or the cable was pulled.
    fn over(&mut self);
}

impl<B: Badge + ?Sized> Badge for &mut B {
    fn status(&mut self) -> Status {
        (**self).status()
    }

    fn log(&mut self, from: u32) -> Vec<LogLine> {
        (**self).log(from)
    }

    fn config(&mut self) -> String {
        (**self).config()
    }

    fn begin(&mut self, what: What, bytes: u32, sha256: [u8; 32]) -> Result<u32, String> {
        (**self).begin(what, bytes, sha256)
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

    fn over(&mut self) {
        (**self).over();
    }
}
