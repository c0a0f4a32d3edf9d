//! Handling of Ctrl-C in long jobs.

use std::io::{IsTerminal as _, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use emocue_models::failure::{Problem, exit};
use emocue_models::stop::StopRequests;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::LeaveAlternateScreen;

/// A flag that Ctrl-C sets, so that the job can save its state; a second Ctrl-C ends the program immediately with code
/// 130.
///
/// # Errors
/// When the handler cannot be installed, or this is called twice.
pub(super) fn stop_on_ctrl_c() -> Result<Arc<AtomicBool>, Problem> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = stop.clone();
    let mut requests = StopRequests::default();
    ctrlc::set_handler(move || {
        asked.store(true, Ordering::Relaxed);
        if requests.again(Instant::now()) {
            if stdout().is_terminal() {
                // Restores the terminal from a live view; without one it has no effect.
                let _ = execute!(stdout(), LeaveAlternateScreen, Show);
            }
            std::process::exit(exit::INTERRUPTED.into());
        }
    })
    .map_err(|error| Problem::new(format!("failed to handle Ctrl-C: {error}")))?;
    Ok(stop)
}

/// The end of a job that Ctrl-C stopped: it saved `what`, and `help` says how it continues.
pub(super) fn stopped(what: impl Into<String>, help: impl Into<String>) -> Problem {
    Problem::new(what).help(help).code(exit::INTERRUPTED)
}
