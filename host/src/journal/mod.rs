//! The wearer's journals on the host: found, opened, counted by day and week, and shown.

pub mod days;
pub mod files;
pub mod json;
pub mod pull;
#[cfg(test)]
mod tests;
pub mod text;

pub use days::{Day, Journals, Totals, Week};
pub use files::{JournalFile, Opening, journals_in, open};
