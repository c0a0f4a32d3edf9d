//! How a flash tells what it does, and is told to stop.

/// Watches a flash.
pub trait Watch {
    /// `bytes` of `what` begin to move.
    fn begin(&mut self, what: &str, bytes: u64);

    /// So many more of them moved.
    fn advance(&mut self, bytes: u64);

    /// All of them moved.
    fn end(&mut self);

    /// A line for people.
    fn say(&mut self, line: &str);

    /// Whether to stop and leave everything as it was.
    fn stop(&self) -> bool;
}

/// Says nothing, and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Watch for Quiet {
    fn begin(&mut self, _what: &str, _bytes: u64) {}

    fn advance(&mut self, _bytes: u64) {}

    fn end(&mut self) {}

    fn say(&mut self, _line: &str) {}

    fn stop(&self) -> bool {
        false
    }
}
