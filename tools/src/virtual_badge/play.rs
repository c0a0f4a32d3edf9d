//! Runs a scenario: performs each step and waits for its result.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::control::wait;
use super::host::{Host, Release};
use super::log::PanelLog;
use super::machine::Machine;
use super::picture::{self, golden_answer, golden_state};
use super::scenario::{Do, Picture, SCENARIOS, Scenario};
use super::screen::Screen;
use crate::Result;

/// Time limit of every wait on a computer under load, including a bundle over the emulated cable.
pub(super) const PATIENCE: Duration = Duration::from_secs(180);

/// The button's and the LED's lines of the machine's PL061.
const BUTTON: u32 = 3;
const LED: u32 = 5;

/// Duration of a press: longer than contact bounce, shorter than a long press.
const FINGER: Duration = Duration::from_millis(200);

/// Physical address of the PL061's data register for all lines.
const LEVELS: u64 = 0x0903_03fc;

/// Number of lines of each log in a failure message.
const TAIL: usize = 15;

/// A running scenario.
pub(crate) struct Play {
    machine: Machine,
    /// QEMU's name of the PL061.
    pins: String,
    panel: PanelLog,
    /// Number of messages without acknowledgement that were already expected.
    unheard: usize,
    golden: Vec<(Picture, Vec<bool>)>,
    screen: Screen,
    /// The host at the other end of the cable.
    host: Option<Host>,
    /// Path of the cable's terminal on this computer.
    port: String,
    /// Length of the badge's log at its last start.
    log_start: usize,
    logs: PathBuf,
    start: Instant,
}

impl Play {
    /// Prepares the golden pictures with this computer's `badge`.
    pub(crate) fn new(
        mut machine: Machine,
        logs: &Path,
        badge: &Path,
        portrait: &str,
        host: Option<Host>,
        screen: Screen,
        start: Instant,
    ) -> Result<Self> {
        let mut golden: Vec<(Picture, Vec<bool>)> = Vec::new();
        for does in SCENARIOS.iter().flat_map(|s| s.steps).flat_map(|step| step.does) {
            if let Do::Shows(picture) = *does
                && !golden.iter().any(|(known, _)| *known == picture)
            {
                let pixels = match picture {
                    Picture::Answer(mode) => golden_answer(badge, portrait, mode)?,
                    Picture::State(state) => golden_state(state)?,
                };
                golden.push((picture, pixels));
            }
        }
        let pins = machine.monitor.find("pl061")?;
        let port = machine.monitor.pty("link")?;
        let panel = PanelLog::new(logs.join("panel.log"));
        machine.shell.check("config=/etc/emocue/emocue.toml", PATIENCE)?;
        Ok(Self {
            machine,
            pins,
            panel,
            unheard: 0,
            golden,
            screen,
            host,
            port,
            log_start: 0,
            logs: logs.to_owned(),
            start,
        })
    }

    /// Performs every step.
    ///
    /// # Errors
    /// At the first step that fails, with the last lines of the logs.
    pub(crate) fn scenario(&mut self, scenario: &Scenario) -> Result<()> {
        for (number, step) in (1..).zip(scenario.steps) {
            let done = step.does.iter().try_for_each(|does| self.act(*does, number));
            let seconds = self.start.elapsed().as_secs_f64();
            match done {
                Ok(()) => println!("step {number:2}  {seconds:5.1} s  {} ... ok", step.what),
                Err(error) => {
                    println!("step {number:2}  {seconds:5.1} s  {} ... FAILED", step.what);
                    let tails = ["console", "badge"].map(|name| self.tail(name)).concat();
                    let logs = self.logs.display();
                    return Err(format!("{}: {error}\n{tails}all logs: {logs}", step.what).into());
                }
            }
        }
        println!("virtual badge: {} steps, all passed", scenario.steps.len());
        Ok(())
    }

    /// See [`Machine::keep`].
    pub(crate) fn keep(self) -> Result<(u32, PathBuf)> {
        self.machine.keep()
    }

    fn act(&mut self, does: Do, step: u32) -> Result<()> {
        match does {
            Do::Shell(command) => self.shell(command),
            Do::Start => {
                self.log_start = self.log().len();
                self.shell(
                    "emocue-badge run --config $config </dev/null >/run/ports/badge 2>&1 & badge=$!",
                )
            }
            Do::Signal(signal) => self.shell(&format!("kill -{signal} $badge")),
            Do::Ends(code) => match self.machine.shell.run("wait $badge", PATIENCE)?.1 {
                ended if ended == code => Ok(()),
                ended => Err(format!("the badge ended with {ended} instead of {code}").into()),
            },
            Do::Button(down) => {
                self.machine.wires.set(&self.pins, BUTTON, down)?;
                std::thread::sleep(FINGER);
                Ok(())
            }
            Do::Shows(picture) => self.shows(picture, step),
            Do::PanelOff => wait(PATIENCE, "the panel is off", || {
                Ok((!self.panel.panel()?.is_on()).then_some(()))
            }),
            Do::ScreenShows(picture) => self.screen.shows(&mut self.machine.monitor, picture, step),
            Do::ScreenDark => self.screen.is_dark(&mut self.machine.monitor),
            Do::Led(on) => wait(PATIENCE, &format!("the LED is {}", on_or_off(on)), || {
                let lit = self.machine.wires.read(LEVELS)? >> LED & 1 == 1;
                Ok((lit == on).then_some(()))
            }),
            Do::HoldsCamera(holds) => {
                let what =
                    if holds { "the badge holds the camera" } else { "the camera is closed" };
                let command = "ls -l /proc/$badge/fd | grep -q ' /dev/video0$'";
                wait(PATIENCE, what, || {
                    let found = self.machine.shell.run(command, PATIENCE)?.1 == 0;
                    Ok((found == holds).then_some(()))
                })
            }
            Do::Flash(release) => {
                let log = self.logs.join("flash.log");
                let port = self.port.clone();
                self.host()?.flash(&port, release, &log)
            }
            Do::RollBack => {
                let log = self.logs.join("flash.log");
                let port = self.port.clone();
                self.host()?.roll_back(&port, &log)
            }
            Do::Done => {
                let log = self.logs.join("flash.log");
                self.host()?.done(PATIENCE, &log)
            }
            Do::Refused(why) => {
                let log = self.logs.join("flash.log");
                self.host()?.refused(PATIENCE, &log, why)
            }
            Do::Asks(question) => self.asks(question, step),
            Do::Keeps(slot, release) => self.keeps(slot, release),
            Do::RunsOwn => self.runs_own(),
            Do::Told(text) => wait(PATIENCE, &format!("the badge says {text:?}"), || {
                let log = self.log();
                Ok(log.get(self.log_start..).is_some_and(|log| log.contains(text)).then_some(()))
            }),
            Do::Unheard => {
                self.unheard = wait(PATIENCE, "a message to the panel that fails", || {
                    let unheard = self.panel.unheard()?;
                    Ok((unheard > self.unheard).then_some(unheard))
                })?;
                Ok(())
            }
        }
    }

    fn host(&mut self) -> Result<&mut Host> {
        Ok(self.host.as_mut().ok_or("this scenario has no host")?)
    }

    /// The badge's log so far.
    fn log(&self) -> String {
        let log = fs::read(self.logs.join("badge.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    fn keeps(&mut self, slot: &str, release: Release) -> Result<()> {
        let port = self.port.clone();
        let host = self.host()?;
        wait(PATIENCE, &format!("slot {slot} keeps release {}", release.number()), || {
            let status = host.status(&port)?;
            let runs = status["content_version"] == release.number() && runs_from(&status, slot);
            Ok((runs && status["trial"].is_null()).then_some(()))
        })
    }

    fn runs_own(&mut self) -> Result<()> {
        let port = self.port.clone();
        let host = self.host()?;
        wait(PATIENCE, "the bundle inside its program runs", || {
            Ok(runs_from(&host.status(&port)?, "embedded").then_some(()))
        })
    }

    fn shell(&mut self, command: &str) -> Result<()> {
        self.machine.shell.check(command, PATIENCE).map(drop)
    }

    /// Waits until the panel shows the question, and compares its code with the host's.
    fn asks(&mut self, question: &str, step: u32) -> Result<()> {
        let name = format!("question-{question}-counts");
        let (golden, digits) = (golden_state(&name)?, golden_state("press-button")?);
        let panel = &mut self.panel;
        let code = wait(PATIENCE, &format!("the panel shows {name}"), || {
            Ok(picture::code(&panel.panel()?.pixels(), &golden, &digits))
        });
        let file = self.logs.join(format!("step-{step:02}-{name}.png"));
        picture::write(&file, &self.panel.panel()?.pixels())?;
        let code = code?;
        let log = self.logs.join("flash.log");
        wait(PATIENCE, &format!("the host shows the panel's code {code}"), || {
            Ok(fs::read_to_string(&log)?.contains(&format!("code  {code}")).then_some(()))
        })
    }

    fn shows(&mut self, picture: Picture, step: u32) -> Result<()> {
        let known = self.golden.iter().find(|(known, _)| *known == picture);
        let golden = &known.ok_or("no such golden picture")?.1;
        let name = picture.name();
        let panel = &mut self.panel;
        let seen = wait(PATIENCE, &format!("the panel shows {name}"), || {
            Ok((panel.panel()?.pixels() == *golden).then_some(()))
        });
        let file = |suffix: &str| self.logs.join(format!("step-{step:02}-{name}{suffix}.png"));
        picture::write(&file(""), &self.panel.panel()?.pixels())?;
        if seen.is_err() {
            picture::write(&file("-golden"), golden)?;
        }
        seen
    }

    /// The last lines of a log.
    fn tail(&self, name: &str) -> String {
        let log = fs::read(self.logs.join(format!("{name}.log"))).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(TAIL)..];
        format!("-- {name}, the last lines:\n{}\n", last.join("\n"))
    }
}

fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// Whether the badge reports that its bundle comes from `place`: a slot, or its program.
fn runs_from(status: &serde_json::Value, place: &str) -> bool {
    status["running"].as_str().is_some_and(|it| it.eq_ignore_ascii_case(place))
}
