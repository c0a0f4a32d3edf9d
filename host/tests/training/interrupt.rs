//! Ctrl-C in a training.

#![cfg(unix)]

use std::process::{Child, Command};

/// Sends Ctrl-C's signal twice, as `timeout` does: it is one request.
pub(crate) fn interrupt(child: &Child) {
    let pid = child.id().to_string();
    for _ in 0..2 {
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }
}

/// The training ends with the code for Ctrl-C, and says that its checkpoint is saved and how it continues.
pub(crate) fn assert_saved(child: Child) {
    let output = child.wait_with_output().unwrap();
    let last = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{last}");
    assert!(last.contains("checkpoint.bin is saved") && last.contains("--resume"), "{last}");
}
