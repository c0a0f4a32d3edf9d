//! The panel's I2C messages from a log of the machine.

use std::fs;
use std::path::PathBuf;

use super::panel::{Panel, message};
use crate::Result;

/// A simulated panel that is updated from the log.
pub(crate) struct PanelLog {
    path: PathBuf,
    /// Number of bytes of complete lines read so far.
    read: usize,
    panel: Panel,
    unheard: usize,
}

impl PanelLog {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, read: 0, panel: Panel::default(), unheard: 0 }
    }

    /// The current state of the panel.
    pub(crate) fn panel(&mut self) -> Result<&Panel> {
        let log = fs::read(&self.path).map_err(|e| format!("{}: {e}", self.path.display()))?;
        let new = String::from_utf8_lossy(log.get(self.read..).unwrap_or_default()).into_owned();
        for line in new.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            self.read += line.len();
            self.take(line.trim_end())?;
        }
        Ok(&self.panel)
    }

    /// Number of messages without acknowledgement so far.
    pub(crate) fn unheard(&mut self) -> Result<usize> {
        self.panel()?;
        Ok(self.unheard)
    }

    /// `P`: power-on of the panel; `W ADDRESS BYTES`: a message; `N ADDRESS`: a message without acknowledgement.
    fn take(&mut self, line: &str) -> Result<()> {
        match line.split(' ').next() {
            Some("P") => self.panel = Panel::default(),
            Some("N") => self.unheard += 1,
            _ => {
                let bytes =
                    message(line).ok_or_else(|| format!("the panel's log says {line:?}"))?;
                self.panel.receive(&bytes);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_as_it_grows_and_power_clears_the_panel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("panel.log");
        let mut log = PanelLog::new(path.clone());
        assert!(log.panel().is_err());
        fs::write(&path, "P\nW 3c 008d14af\nN 3c\nW 3c 40").unwrap();
        assert!(log.panel().unwrap().is_on());
        fs::write(&path, "P\nW 3c 008d14af\nN 3c\nW 3c 40ff\nP\n").unwrap();
        assert!(!log.panel().unwrap().is_on());
        assert_eq!(log.unheard().unwrap(), 1);
        fs::write(&path, "P\nW 3c 008d14af\nN 3c\nW 3c 40ff\nP\nnonsense\n").unwrap();
        assert!(log.panel().is_err());
    }
}
