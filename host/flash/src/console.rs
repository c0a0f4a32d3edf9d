//! What a flash shows and asks, and how it is stopped.

use std::io;

/// Progress of a flash.
pub trait FlashProgress {
    /// `bytes` of `what` begin to move.
    fn begin(&mut self, _what: &str, _bytes: u64) {}

    /// So many more of them moved.
    fn advance(&mut self, _bytes: u64) {}

    /// All of them moved.
    fn end(&mut self) {}

    /// A line for people.
    fn say(&mut self, _line: &str) {}

    /// Whether to stop and leave everything as it was.
    fn stop(&self) -> bool {
        false
    }
}

/// The user of a flash. Each question has no answer (`None`) where there is nobody to ask.
pub trait FlashConsole: FlashProgress {
    /// What the bundle is meant for, one plain line.
    fn intended_use(&mut self, bundle: &str) -> Option<String>;

    /// Whether the answer to `question` is yes.
    fn agrees(&mut self, question: &str) -> Option<bool>;

    /// From now on Ctrl-C makes [`FlashProgress::stop`] true; until then it ends the program.
    ///
    /// # Errors
    /// The system's reason.
    fn catch_interrupts(&mut self) -> io::Result<()>;
}
