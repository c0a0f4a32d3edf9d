//! The wearer's journals on the host: finding, decrypting, summing by day and week, showing.

pub mod days;
pub mod files;
pub mod json;
pub mod pull;
#[cfg(test)]
mod tests;
pub mod text;

pub use days::{Day, Journals, Totals, Week};
pub use files::{JournalFile, Opening, journals_in, open};

/// The default path of the wearer's journal key: beside the key that signs bundles.
pub fn default_key() -> std::path::PathBuf {
    emocue_flash::bundle::default_key().with_file_name("journal.key")
}
