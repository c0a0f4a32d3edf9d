//! `emocue-badge link`: connects a host that is logged in here to the running badge.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::thread;

use emocue_config::Config;
use emocue_device::cli::Link;
use emocue_device::link::socket;

use super::Failure;

/// Carries bytes both ways until either side ends.
pub(crate) fn link(link: &Link) -> Result<ExitCode, Failure> {
    let state = match &link.state {
        Some(state) => state.clone(),
        None => Config::read(&link.config)?.update.state,
    };
    let path = socket(&state);
    let nobody = |source| Failure::NobodyServes { path: path.clone(), source };
    let badge = UnixStream::connect(&path).map_err(nobody)?;
    let there = badge.try_clone().map_err(nobody)?;
    thread::spawn(move || {
        let _ = carry(&mut io::stdin().lock(), &mut &there);
        // The badge detects that the host has disconnected, and the loop below ends.
        let _ = there.shutdown(Shutdown::Write);
    });
    carry(&mut &badge, &mut io::stdout().lock()).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Like [`io::copy`], but every byte is passed on immediately.
fn carry(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                to.write_all(&buffer[..length])?;
                to.flush()?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
