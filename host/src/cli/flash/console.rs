//! Questions and progress of `emocue flash`.

use crate::output::{out, outln};
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use emocue_flash::bundle::{PrepareError, USES, use_from_answer};
use emocue_flash::table::name;
use emocue_flash::{FlashConsole, FlashProgress};
use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};

use crate::cli::interrupt::stop_on_ctrl_c;

/// A progress bar on a terminal, else lines.
#[derive(Default)]
pub(super) struct Console {
    /// Set by Ctrl-C, once it is handled.
    stop: Arc<AtomicBool>,
    bar: Option<ProgressBar>,
    begun: Option<(String, u64)>,
}

impl FlashProgress for Console {
    fn begin(&mut self, what: &str, bytes: u64) {
        self.begun = Some((what.to_owned(), bytes));
        if !io::stderr().is_terminal() {
            return;
        }
        let bar = ProgressBar::new(bytes);
        let template = "{msg} [{wide_bar}] {decimal_bytes}/{decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(name(what).to_owned());
        self.bar = Some(bar);
    }

    fn advance(&mut self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    fn end(&mut self) {
        let bar = self.bar.take();
        if let Some(bar) = &bar {
            bar.finish_and_clear();
        }
        if let Some((what, bytes)) = self.begun.take() {
            // The speed of a small file cannot be measured.
            let bar = bar.filter(|_| bytes >= 1_000_000);
            let speed = bar.map(|bar| format!(", {}/s", DecimalBytes(bar.per_sec() as u64)));
            outln!("{what}: {}{}", DecimalBytes(bytes), speed.unwrap_or_default());
        }
    }

    fn say(&mut self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| outln!("{line}")),
            None => outln!("{line}"),
        }
    }

    fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl FlashConsole for Console {
    fn intended_use(&mut self, bundle: &str) -> Option<String> {
        if !io::stdin().is_terminal() {
            return None;
        }
        outln!("What is {bundle} meant for? It is recorded in the bundle, with your signature.");
        for (number, text) in USES.iter().enumerate() {
            outln!("  {}  {text}", number + 1);
        }
        loop {
            match use_from_answer(&answer("A number, or your own words: ")?) {
                Some(text) => return Some(text),
                None => outln!("{}", PrepareError::IntendedUse),
            }
        }
    }

    fn agrees(&mut self, question: &str) -> Option<bool> {
        if !io::stdin().is_terminal() {
            return None;
        }
        let answer = answer(&format!("{question} [y/N] "))?;
        Some(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
    }

    fn catch_interrupts(&mut self) -> io::Result<()> {
        self.stop = stop_on_ctrl_c().map_err(io::Error::other)?;
        Ok(())
    }
}

/// Reads a line from the terminal; `None` at its end.
fn answer(question: &str) -> Option<String> {
    out!("{question}");
    io::stdout().flush().ok()?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).ok()?;
    (read > 0).then_some(line)
}
