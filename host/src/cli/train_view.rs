//! The progress of `emocue train`: a live view on a terminal, else plain lines.

use crate::output::outln;
use std::collections::VecDeque;
use std::io::{IsTerminal, Stdout, stderr, stdout};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressFinish};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, LegendPosition, Paragraph};
use ratatui::{Frame, layout::Rect};

use emocue_train::checkpoint::{EpochMetrics, TrainingState};
use emocue_train::watcher::{Note, TrainingProgress, TrainingWatcher};

/// Time between two redraws of the live view.
const REDRAW: Duration = Duration::from_millis(500);
/// Time between two plain lines.
const LINE: Duration = Duration::from_secs(30);
/// Steps over which the speed is measured.
const WINDOW: usize = 50;

/// Shows a training.
pub(super) struct View {
    plain: bool,
    screen: Option<Terminal<CrosstermBackend<Stdout>>>,
    history: History,
    last: Instant,
}

/// The data that is drawn.
#[derive(Default)]
struct History {
    title: String,
    /// Loss by step, subsampled.
    losses: Vec<(f64, f64)>,
    epochs: Vec<EpochMetrics>,
    progress: Option<TrainingProgress>,
    times: VecDeque<Instant>,
}

impl View {
    /// A view without data; with `plain`, it prints lines.
    pub(super) fn new(plain: bool) -> Self {
        Self { plain, screen: None, history: History::default(), last: Instant::now() }
    }

    /// Restores the terminal and prints the epochs that the live view showed.
    pub(super) fn close(&mut self) {
        if self.screen.take().is_some() {
            let _ = execute!(stdout(), LeaveAlternateScreen);
            self.history.epochs.iter().for_each(|metrics| outln!("{}", line(metrics)));
        }
    }

    fn draw(&mut self) {
        if let Some(screen) = &mut self.screen {
            // An error of the terminal must not stop a training.
            let _ = screen.draw(|frame| self.history.draw(frame));
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.close();
    }
}

fn open() -> Option<Terminal<CrosstermBackend<Stdout>>> {
    execute!(stdout(), EnterAlternateScreen).ok()?;
    Terminal::new(CrosstermBackend::new(stdout())).ok()
}

impl TrainingWatcher for View {
    fn note(&mut self, note: &Note<'_>) {
        outln!("{note}");
    }

    fn asking(&mut self, teacher: &str, rows: usize) -> Box<dyn Fn(usize) + Sync> {
        let bar = if stderr().is_terminal() {
            ProgressBar::new(rows as u64).with_finish(ProgressFinish::AndClear)
        } else {
            ProgressBar::hidden()
        };
        let bar = bar.with_message(format!("asking {teacher}"));
        Box::new(move |more| bar.inc(more as u64))
    }

    fn begin(&mut self, state: &TrainingState) {
        self.screen = (!self.plain && stdout().is_terminal()).then(open).flatten();
        self.history.title = format!(" {}, seed {} ", state.recipe.net.kind(), state.seed);
        self.history.epochs.clone_from(&state.metrics);
        self.last = Instant::now();
        self.draw();
    }

    fn step(&mut self, progress: &TrainingProgress) {
        self.history.push(progress);
        let due = if self.screen.is_some() { REDRAW } else { LINE };
        if self.last.elapsed() < due {
            return;
        }
        self.last = Instant::now();
        if self.screen.is_some() {
            self.draw();
        } else {
            outln!("{}", self.history.status(progress));
        }
    }

    fn epoch(&mut self, metrics: &EpochMetrics) {
        if self.screen.is_none() {
            outln!("{}", line(metrics));
        }
        self.history.epochs.push(metrics.clone());
        self.draw();
    }
}

/// An epoch's metrics as a line.
fn line(metrics: &EpochMetrics) -> String {
    let EpochMetrics { epoch, loss, accuracy, validation, seconds, .. } = metrics;
    let mut text =
        format!("epoch {epoch}: loss {loss:.4}, training accuracy {:.1} %", 100.0 * accuracy);
    for (head, accuracy) in validation {
        text += &format!(", PublicTest accuracy {head} {:.1} %", 100.0 * accuracy);
    }
    text + &format!(", {seconds:.0} s")
}

impl History {
    fn push(&mut self, progress: &TrainingProgress) {
        self.progress = Some(*progress);
        self.times.push_back(Instant::now());
        if self.times.len() > WINDOW {
            self.times.pop_front();
        }
        self.losses.push((progress.step as f64, f64::from(progress.epoch_loss)));
        if self.losses.len() > 4000 {
            let mut keep = false;
            self.losses.retain(|_| {
                keep = !keep;
                keep
            });
        }
    }

    /// Mean time of the last steps, s.
    fn step_seconds(&self) -> Option<f64> {
        let span = self.times.back()?.duration_since(*self.times.front()?).as_secs_f64();
        (self.times.len() > 1).then(|| span / (self.times.len() - 1) as f64)
    }

    fn status(&self, progress: &TrainingProgress) -> String {
        let TrainingProgress { step, steps, epoch, epochs, epoch_loss, examples, .. } = progress;
        let mut text = format!("epoch {epoch}/{epochs}, step {step}/{steps}, loss {epoch_loss:.4}");
        if let Some(seconds) = self.step_seconds() {
            let left = (seconds * (steps - step) as f64) as u64;
            let speed = *examples as f64 / seconds;
            text += &format!(
                ", {speed:.0} pictures/s, {}:{:02}:{:02} left",
                left / 3600,
                left / 60 % 60,
                left % 60
            );
        }
        text
    }

    fn draw(&self, frame: &mut Frame<'_>) {
        let rows = Layout::vertical([
            Constraint::Length(3),
            Constraint::Min(6),
            Constraint::Min(6),
            Constraint::Length(1),
        ]);
        let [top, loss, accuracy, bottom] = rows.areas(frame.area());
        let share = self.progress.map_or(0.0, |p| p.step as f64 / p.steps.max(1) as f64);
        let text = self.progress.map_or("reading".into(), |p| self.status(&p));
        let gauge = Gauge::default()
            .block(Block::bordered().title(self.title.as_str()))
            .gauge_style(Style::new().fg(Color::Blue))
            .ratio(share.clamp(0.0, 1.0))
            .label(text);
        frame.render_widget(gauge, top);
        self.draw_losses(frame, loss);
        self.draw_accuracies(frame, accuracy);
        frame.render_widget(Paragraph::new("Ctrl-C saves and stops; --resume continues"), bottom);
    }

    fn draw_losses(&self, frame: &mut Frame<'_>, area: Rect) {
        let highest = self.losses.iter().map(|(_, loss)| *loss).fold(0.0, f64::max).max(0.1);
        let lowest = self.losses.iter().map(|(_, loss)| *loss).fold(highest, f64::min);
        let (first, last) = match (self.losses.first(), self.losses.last()) {
            (Some((first, _)), Some((last, _))) => (*first, last.max(first + 1.0)),
            _ => (0.0, 1.0),
        };
        let data = Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(Style::new().fg(Color::Yellow))
            .data(&self.losses);
        let chart = Chart::new(vec![data])
            .block(Block::bordered().title(" mean loss of the epoch so far, by step "))
            .x_axis(axis([first, last], 0))
            .y_axis(axis([lowest, highest], 3));
        frame.render_widget(chart, area);
    }

    fn draw_accuracies(&self, frame: &mut Frame<'_>, area: Rect) {
        const COLORS: [Color; 4] = [Color::Green, Color::Cyan, Color::Magenta, Color::Blue];
        let heads: Vec<&String> =
            self.epochs.first().map_or(Vec::new(), |first| first.validation.keys().collect());
        let point = |head: &str, metrics: &EpochMetrics| {
            let accuracy = metrics.validation.get(head).copied().unwrap_or_default();
            (metrics.epoch as f64, 100.0 * f64::from(accuracy))
        };
        let curves: Vec<Vec<(f64, f64)>> = heads
            .iter()
            .map(|head| self.epochs.iter().map(|metrics| point(head, metrics)).collect())
            .collect();
        let data = curves.iter().zip(&heads).zip(COLORS.iter().cycle());
        let data = data.map(|((curve, head), color)| {
            Dataset::default()
                .name(Line::from(head.as_str()))
                .marker(Marker::Braille)
                .graph_type(GraphType::Line)
                .style(Style::new().fg(*color))
                .data(curve)
        });
        let values = || curves.iter().flatten().map(|(_, accuracy)| *accuracy);
        let (low, high) = (values().fold(100.0, f64::min), values().fold(0.0, f64::max));
        let bounds = if low < high { [low, high] } else { [0.0, 100.0] };
        let epochs = self.epochs.len().max(2) as f64;
        let chart = Chart::new(data.collect())
            .block(Block::bordered().title(" PublicTest accuracy, %, by epoch "))
            .legend_position(Some(LegendPosition::BottomRight))
            .hidden_legend_constraints((Constraint::Min(0), Constraint::Min(0)))
            .x_axis(axis([1.0, epochs], 0))
            .y_axis(axis(bounds, 1));
        frame.render_widget(chart, area);
    }
}

/// An axis with labels at its ends.
fn axis(bounds: [f64; 2], digits: usize) -> Axis<'static> {
    Axis::default().bounds(bounds).labels(bounds.map(|bound| format!("{bound:.digits$}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ratatui::backend::TestBackend;

    use super::*;

    fn history() -> History {
        let metrics = |epoch: usize| EpochMetrics {
            epoch,
            loss: 2.0 / epoch as f32,
            accuracy: 0.5,
            learning_rate: 0.1,
            validation: BTreeMap::from([("fer-7".to_owned(), 0.1 * epoch as f32)]),
            seconds: 60.0,
        };
        History {
            title: " badge, seed 1 ".into(),
            losses: (0..50).map(|step| (f64::from(step), 2.0 - f64::from(step) / 50.0)).collect(),
            epochs: (1..5).map(metrics).collect(),
            progress: Some(TrainingProgress {
                step: 50,
                steps: 100,
                epoch: 5,
                epochs: 10,
                loss: 1.0,
                epoch_loss: 1.02,
                examples: 128,
            }),
            times: VecDeque::new(),
        }
    }

    #[test]
    fn the_live_view_says_where_the_training_stands() {
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| history().draw(frame)).unwrap();
        let text = terminal.backend().to_string();
        for expected in ["badge, seed 1", "epoch 5/10, step 50/100, loss 1.0200", "40.0", "fer-7"] {
            assert!(text.contains(expected), "{expected} is missing in\n{text}");
        }
    }

    #[test]
    fn a_tiny_terminal_and_an_empty_history_do_not_matter() {
        let empty = History::default();
        for (width, height) in [(1, 1), (10, 3), (200, 5)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| empty.draw(frame)).unwrap();
            terminal.draw(|frame| history().draw(frame)).unwrap();
        }
    }

    #[test]
    fn long_trainings_are_thinned_out() {
        let mut history = history();
        let progress = history.progress.unwrap();
        (0..20_000).for_each(|step| history.push(&TrainingProgress { step, ..progress }));
        assert!(history.losses.len() <= 4001 && history.losses.len() > 1000);
        assert!(history.losses.is_sorted_by_key(|(step, _)| *step as usize));
    }
}
