//! Progress of work on many pictures: a bar on a terminal, else a line every few seconds.

use crate::output::errln;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// Time between two lines if standard error is not a terminal.
const EVERY: Duration = Duration::from_secs(10);

/// The progress of work on pictures, shown on standard error.
pub(super) struct Progress {
    bar: ProgressBar,
    is_terminal: bool,
    done: usize,
    all: usize,
    shown: Instant,
}

impl Progress {
    pub(super) fn new(all: usize) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = if is_terminal { ProgressBar::new(all as u64) } else { ProgressBar::hidden() };
        let style =
            ProgressStyle::with_template("{elapsed_precise} [{wide_bar}] {pos}/{len}, {eta} left");
        let bar = match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        };
        // The bar ticks, since the first picture may take long.
        if is_terminal {
            bar.enable_steady_tick(Duration::from_millis(500));
        } else {
            errln!("0 of {all} pictures");
        }
        Self { bar, is_terminal, done: 0, all, shown: Instant::now() }
    }

    /// One more picture is done.
    pub(super) fn step(&mut self) {
        self.done += 1;
        self.bar.inc(1);
        if !self.is_terminal && self.shown.elapsed() >= EVERY {
            self.shown = Instant::now();
            errln!("{} of {} pictures", self.done, self.all);
        }
    }

    pub(super) fn finish(self) {
        self.bar.finish_and_clear();
    }
}
