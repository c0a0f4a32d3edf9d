//! The interface through which a flash reports, asks and is stopped.

use std::io;

/// Progress of a flash.
pub trait FlashProgress {
    /// The transfer of `bytes` bytes of `what` begins.
    fn begin(&mut self, _what: &str, _bytes: u64) {}

    /// So many more bytes were transferred.
    fn advance(&mut self, _bytes: u64) {}

    /// The transfer is complete.
    fn end(&mut self) {}

    /// Shows a line to the user.
    fn say(&mut self, _line: &str) {}

    /// Whether to stop and leave everything unchanged.
    fn stop(&self) -> bool {
        false
    }
}

/// The user of a flash. Each question returns `None` if there is no terminal to ask on.
pub trait FlashConsole: FlashProgress {
    /// Asks for the intended use of `bundle`, one plain line.
    fn intended_use(&mut self, bundle: &str) -> Option<String>;

    /// Asks a yes-or-no question.
    fn agrees(&mut self, question: &str) -> Option<bool>;

    /// From this call on, Ctrl-C makes [`FlashProgress::stop`] return true; before, it ends the program.
    ///
    /// # Errors
    /// The operating system's error.
    fn catch_interrupts(&mut self) -> io::Result<()>;
}
