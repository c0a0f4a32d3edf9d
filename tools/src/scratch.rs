//! A temporary folder that is removed in every case when this process ends: destructors do not run after Ctrl-C or
//! `kill`.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Result;

/// Waits for a line or the end of its input, which comes when this process ends.
const KEEPER: &str = "read -r line || rm -rf -- \"$1\"";

/// A temporary folder, removed when this value is dropped or this process ends.
pub(crate) struct Scratch {
    path: PathBuf,
    /// The shell process that removes it.
    keeper: Child,
}

impl Scratch {
    /// An empty folder in `parent` whose name begins with `prefix`.
    pub(crate) fn new(prefix: &str, parent: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
        let mut keeper = Command::new("sh");
        keeper.args(["-c", KEEPER, "sh"]).arg(folder.path());
        // In its own process group, so that the terminal's Ctrl-C does not reach it.
        keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let keeper = keeper.spawn().map_err(|e| format!("cannot start sh: {e}"))?;
        Ok(Self { path: folder.keep(), keeper })
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Keeps the folder.
    pub(crate) fn keep(&mut self) -> Result<()> {
        if let Some(mut input) = self.keeper.stdin.take() {
            input.write_all(b"keep\n")?;
        }
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // A folder that cannot be removed is no error.
        let _ = self.keeper.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_goes_with_its_value_unless_it_is_kept() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = Scratch::new(".a-", parent.path()).unwrap();
        std::fs::write(scratch.path().join("file"), "x").unwrap();
        let path = scratch.path().to_owned();
        drop(scratch);
        assert!(!path.exists());
        let mut scratch = Scratch::new(".b-", parent.path()).unwrap();
        scratch.keep().unwrap();
        let path = scratch.path().to_owned();
        drop(scratch);
        assert!(path.is_dir());
    }
}
