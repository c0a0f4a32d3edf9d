//! What `emocue flash` asks and shows.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};

use emocue_flash::bundle::{Owner, USES, chosen};
use emocue_flash::table::name;
use emocue_flash::{FlashError, Watch};

/// Progress on a terminal, lines elsewhere.
pub(super) struct Console {
    stop: Arc<AtomicBool>,
    bar: Option<ProgressBar>,
    begun: Option<(String, u64)>,
}

impl Console {
    /// Stops when `stop` says so.
    pub(super) fn new(stop: Arc<AtomicBool>) -> Self {
        Self { stop, bar: None, begun: None }
    }
}

impl Watch for Console {
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
            // What is small is gone before it can be measured.
            let bar = bar.filter(|_| bytes >= 1_000_000);
            let speed = bar.map(|bar| format!(", {}/s", DecimalBytes(bar.per_sec() as u64)));
            println!("{what}: {}{}", DecimalBytes(bytes), speed.unwrap_or_default());
        }
    }

    fn say(&mut self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| println!("{line}")),
            None => println!("{line}"),
        }
    }

    fn stop(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Whoever sits at the terminal.
pub(super) struct Person;

impl Owner for Person {
    fn intended_use(&mut self, bundle: &str) -> Result<String, FlashError> {
        if !io::stdin().is_terminal() {
            return Err(FlashError::NoIntendedUse);
        }
        println!("What is {bundle} meant for? It is recorded in the bundle, with your signature.");
        for (number, text) in USES.iter().enumerate() {
            println!("  {}  {text}", number + 1);
        }
        loop {
            match answer("A number, or your own words: ") {
                None => return Err(FlashError::NoIntendedUse),
                Some(text) => match chosen(&text) {
                    Some(chosen) => return Ok(chosen),
                    None => println!("{}", FlashError::IntendedUse),
                },
            }
        }
    }

    fn say(&mut self, line: &str) {
        println!("{line}");
    }
}

/// Whether the answer to a question is yes; `None` when nobody is there.
pub(super) fn agrees(question: &str) -> Option<bool> {
    if !io::stdin().is_terminal() {
        return None;
    }
    let answer = answer(&format!("{question} [y/N] "))?;
    Some(["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}

/// A line from the terminal; `None` at its end.
fn answer(question: &str) -> Option<String> {
    print!("{question}");
    io::stdout().flush().ok()?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line).ok()?;
    (read > 0).then_some(line)
}
