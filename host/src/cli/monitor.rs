//! `emocue monitor`

use crate::output::outln;
use std::io::{IsTerminal as _, Stdout, Write as _, stdout};
use std::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use clap::Args;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{
    self, Event as TerminalEvent, KeyCode, KeyEventKind, KeyModifiers,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use super::flash::SshArgs;
use super::interrupt::stop_on_ctrl_c;
use emocue_flash::FlashTarget;
use emocue_flash::monitor::history::History;
use emocue_flash::monitor::source::OverSsh;
use emocue_flash::monitor::view::draw;
use emocue_flash::monitor::{BadgeConnector, BadgeSession, MonitorEvent, record, watch};
use emocue_models::failure::{Failure, Problem};
use emocue_models::plain::PlainWriter;

/// Time between two checks of the keyboard.
const LOOK: Duration = Duration::from_millis(200);

/// Time to wait for the end of the session.
const FAREWELL: Duration = Duration::from_secs(1);

/// Watch a badge: frame rate, temperature, bundle, faults and log; never a picture.
#[derive(Args, Debug)]
#[command(after_help = "\
  emocue monitor --on serial:/dev/ttyACM0
  emocue monitor --on ssh://pi@badge.local --json

If the cable is unplugged, the badge is called again until it answers.")]
pub struct MonitorArgs {
    /// The badge: serial:DEVICE[@baud] or ssh://user@host[:port]
    #[arg(long, value_name = "TARGET")]
    on: FlashTarget,
    /// Print JSON lines: the status every second, and log lines
    #[arg(long)]
    json: bool,
    /// Print one status and end
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    ssh: SshArgs,
}

/// Monitors a badge.
///
/// # Errors
/// When the target cannot be monitored, or with `--once` when it does not answer.
pub fn run(args: &MonitorArgs) -> Result<(), Box<dyn Failure>> {
    let (place, source): (String, Box<dyn BadgeConnector + Send>) = match &args.on {
        FlashTarget::Serial(port) => (port.to_string(), Box::new(port.clone())),
        FlashTarget::Ssh(address) => {
            let over = OverSsh::new(address.clone(), args.ssh.settings()?);
            (address.to_string(), Box::new(over))
        }
        FlashTarget::Mount(_) | FlashTarget::Image(_) => {
            return Err(Problem::usage("a card cannot be watched")
                .help("Put it into the badge, and watch that: --on serial:/dev/ttyACM0 or ssh://user@host.")
                .into());
        }
    };
    if args.once {
        once(source, args.json)
    } else if args.json || !stdout().is_terminal() {
        lines(source, args.json)
    } else {
        view(&place, source)
    }
}

fn shown(event: &MonitorEvent, json: bool) -> Result<String, serde_json::Error> {
    if json { record::json(event) } else { Ok(record::text(event)) }
}

fn once(mut source: Box<dyn BadgeConnector + Send>, json: bool) -> Result<(), Box<dyn Failure>> {
    let status = source.connect().and_then(|mut session| session.status())?;
    outln!("{}", shown(&MonitorEvent::Status(status), json).map_err(|error| error.to_string())?);
    Ok(())
}

/// Prints events until Ctrl-C, or until the output is closed.
fn lines(mut source: Box<dyn BadgeConnector + Send>, json: bool) -> Result<(), Box<dyn Failure>> {
    let stop = stop_on_ctrl_c().map_err(|error| error.to_string())?;
    let stopped = || match stop.load(std::sync::atomic::Ordering::Relaxed) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    let mut report = |event: MonitorEvent| {
        let line = shown(&event, json).unwrap_or_else(|error| error.to_string());
        let mut out = PlainWriter(stdout().lock());
        match writeln!(out, "{line}").and_then(|()| out.flush()) {
            Ok(()) => stopped(),
            Err(_) => ControlFlow::Break(()),
        }
    };
    let mut pause = |time: Duration| {
        let until = std::time::Instant::now() + time;
        while std::time::Instant::now() < until {
            stopped()?;
            thread::sleep(LOOK.min(time));
        }
        stopped()
    };
    watch(source.as_mut(), &mut report, &mut pause);
    Ok(())
}

/// Shows the live view. A thread polls the badge, so that keys work while the badge is slow.
fn view(place: &str, mut source: Box<dyn BadgeConnector + Send>) -> Result<(), Box<dyn Failure>> {
    // ssh may ask for a password, so the first session starts before the view covers the terminal.
    let first = source.connect();
    let mut source = Primed { first: Some(first), source };
    let (events, heard) = mpsc::channel();
    let (stop, stopped) = mpsc::channel::<()>();
    let (done, ended) = mpsc::channel::<()>();
    thread::spawn(move || {
        let mut report = |event| match events.send(event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let mut pause = |time| match stopped.recv_timeout(time) {
            Err(RecvTimeoutError::Timeout) => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        };
        watch(&mut source, &mut report, &mut pause);
        let _ = done.send(());
    });
    let shown = Screen::open().and_then(|mut screen| screen.show(place, &heard));
    drop((stop, heard));
    // The badge keeps a session open for ten seconds unless it is ended.
    let _ = ended.recv_timeout(FAREWELL);
    shown.map_err(Into::into)
}

/// A connector whose first session has already started or failed.
struct Primed {
    first: Option<Result<Box<dyn BadgeSession + Send>, Problem>>,
    source: Box<dyn BadgeConnector + Send>,
}

impl BadgeConnector for Primed {
    fn connect(&mut self) -> Result<Box<dyn BadgeSession + Send>, Problem> {
        self.first.take().unwrap_or_else(|| self.source.connect())
    }
}

/// The terminal while a view covers it.
struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    fn open() -> std::io::Result<Self> {
        enable_raw_mode()?;
        let screen = execute!(stdout(), EnterAlternateScreen)
            .and_then(|()| Terminal::new(CrosstermBackend::new(stdout())));
        screen.map(Self).inspect_err(|_| restore())
    }

    /// Draws until a key ends the view.
    fn show(&mut self, place: &str, heard: &Receiver<MonitorEvent>) -> std::io::Result<()> {
        let mut history = History::new(place);
        loop {
            heard.try_iter().for_each(|event| history.hear(event));
            self.0.draw(|frame| draw(frame, &history))?;
            if event::poll(LOOK)? && is_end(&event::read()?) {
                return Ok(());
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

/// Restores the terminal, if possible.
fn restore() {
    let _ = execute!(stdout(), LeaveAlternateScreen);
    let _ = disable_raw_mode();
}

/// Whether a key ends the view.
fn is_end(input: &TerminalEvent) -> bool {
    let TerminalEvent::Key(key) = input else { return false };
    key.kind == KeyEventKind::Press
        && match key.code {
            KeyCode::Char('q') | KeyCode::Esc => true,
            KeyCode::Char('c') => key.modifiers.contains(KeyModifiers::CONTROL),
            _ => false,
        }
}
