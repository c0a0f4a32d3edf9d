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

/// Where the wearer's own key lies: beside the one that signs bundles.
pub fn default_key() -> std::path::PathBuf {
    emocue_flash::bundle::default_key().with_file_name("journal.key")
}
