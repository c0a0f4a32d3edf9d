//! A badge on a cable. It receives bundle and configuration, checks them itself, and installs them. It refuses a
//! program, since it has no permission to write its own.

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use emocue_link::client::{ClientError, ClientSettings};
use emocue_link::message::FileKind;
use emocue_link::{Client, Transport};
use emocue_models::failure::{Failure, Problem, exit};
use indicatif::DecimalBytes;

use crate::component::{Component, Components};
use crate::console::FlashProgress;
use crate::target::Port;
use crate::wearer::{Questions, Sent};
use crate::words::running;

/// How often to connect again to a badge that stopped answering, as when it restarts with a new configuration or
/// bundle.
const RECONNECTS: usize = 6;

/// Timeouts: the session of a host that was killed remains open for ten seconds.
pub fn settings() -> ClientSettings {
    ClientSettings { busy: Duration::from_secs(12), ..ClientSettings::default() }
}

/// Opens a port.
///
/// # Errors
/// The reason why it cannot be opened, with help.
#[cfg(unix)]
pub fn open(port: &Port) -> Result<emocue_link::serial::Serial, Problem> {
    emocue_link::serial::open(&port.path, port.baud).map_err(|error| {
        let problem = Problem::new(error.to_string()).code(exit::BADGE);
        error.help().map_or(problem.clone(), |help| problem.help(help))
    })
}

/// Opens a port.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn open(_port: &Port) -> Result<emocue_link::transport::PipeEnd, Problem> {
    Err(Problem::new("serial ports are unsupported on this system").code(exit::BADGE))
}

/// Flashing over a cable failed.
#[derive(Debug, thiserror::Error)]
pub enum SerialError {
    /// A program cannot be sent over the cable.
    #[error(
        "a program cannot be flashed through the cable: a badge may not write its own program, so that nobody can change it with a cable"
    )]
    App,
    /// The port cannot be opened.
    #[error(transparent)]
    Open(Problem),
    /// The badge does not answer, or refuses.
    #[error("{port}: {source}")]
    Badge {
        /// The port.
        port: String,
        /// The error, or the badge's message.
        source: ClientError,
    },
    /// Everything is installed, but the badge reports a problem.
    #[error("everything is in place, but the badge reports a problem:\n    {0}")]
    SelfTest(String),
    /// The badge received other bytes than were sent, or the connection was tampered with.
    #[error("{port}: the badge asks its wearer for something that this program did not send")]
    AsksOther {
        /// The port.
        port: String,
    },
    /// Ctrl-C.
    #[error("stopped; what was on the badge is still there")]
    Interrupted,
}

impl Failure for SerialError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::App => {
                "Flash it with --to ssh://user@host, the card's mount point, or a card's image."
            }
            Self::Open(problem) => return problem.help(),
            Self::Badge { source, .. } => {
                let next = match source {
                    ClientError::Silent(_) | ClientError::Link(_) => {
                        "Run the same command again: what arrived is kept, and it continues from there."
                    }
                    ClientError::Refused(_) | ClientError::Failed(_) => {
                        "What the badge had is still in place; docs/recovery.md says what to do."
                    }
                    _ => return source.help(),
                };
                return Some(match source.help() {
                    Some(help) => format!("{help}\n{next}"),
                    None => next.to_owned(),
                });
            }
            Self::SelfTest(_) => "docs/recovery.md says what to do.",
            Self::AsksOther { .. } => {
                "Refuse it: press the badge's button briefly. Use another cable, and look what it is plugged into."
            }
            Self::Interrupted => return None,
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::App => exit::USAGE,
            Self::Open(problem) => problem.exit_code(),
            Self::Badge { .. } | Self::SelfTest(_) | Self::AsksOther { .. } => exit::BADGE,
            Self::Interrupted => exit::INTERRUPTED,
        }
    }
}

/// A session with a badge on a cable; `open` opens the port.
pub struct Cable<T: Transport, F> {
    port: String,
    open: F,
    settings: ClientSettings,
    client: Client<T>,
}

/// What is sent over the cable, and what the badge has at present.
#[derive(Debug, PartialEq)]
pub struct CablePlan {
    title: String,
    /// The configuration's size, bytes, and whether the badge has the same one.
    config: Option<(usize, bool)>,
    /// The bundle's size, bytes, and its description.
    bundle: Option<(usize, String)>,
}

impl<T: Transport, F: FnMut() -> Result<T, Problem>> Cable<T, F> {
    /// Starts a session with the badge on `port`.
    ///
    /// # Errors
    /// [`SerialError`] when no badge answers.
    pub fn connect(port: &str, mut open: F, settings: ClientSettings) -> Result<Self, SerialError> {
        let client = connect(port, &mut open, settings)?;
        Ok(Self { port: port.to_owned(), open, settings, client })
    }

    /// Asks the badge what it has at present.
    ///
    /// # Errors
    /// [`SerialError::App`] when a program is to be sent, [`SerialError::Badge`] when the badge does not answer.
    pub fn plan(&mut self, components: &Components) -> Result<CablePlan, SerialError> {
        if components.app.is_some() {
            return Err(SerialError::App);
        }
        let status = self.ask(Client::status)?;
        let title = format!(
            "the badge on {} (program {}, running {})",
            self.port,
            self.client.program(),
            running(&status)
        );
        let config = match &components.config {
            Some(config) => Some((config.text.len(), self.ask(Client::config)? == config.text)),
            None => None,
        };
        let bundle = components.bundle.as_ref();
        let bundle = bundle.map(|bundle| (bundle.bytes.len(), bundle.note()));
        Ok(CablePlan { title, config, bundle })
    }

    /// Sends the components of `plan`, then runs the badge's self-test. The configuration is first, since it may define
    /// the button that must be pressed for a bundle.
    ///
    /// # Errors
    /// [`SerialError::Badge`] with the badge's message, [`SerialError::Interrupted`], [`SerialError::SelfTest`].
    pub fn flash(
        &mut self,
        plan: &CablePlan,
        components: &Components,
        progress: &mut dyn FlashProgress,
    ) -> Result<(), SerialError> {
        if let (Some(config), Some((_, false))) = (&components.config, plan.config) {
            let sent = Sent::settings(&config.text);
            self.send(FileKind::Config, config.text.as_bytes(), sent, progress)?;
        }
        if let Some(bundle) = &components.bundle {
            self.send(FileKind::Bundle, &bundle.bytes, Sent::bundle(bundle), progress)?;
        }
        progress.say("the badge tests itself");
        let tested = self.again(|client| {
            client.self_test()?;
            client.wait_done(&mut |_| flow(progress))
        });
        match tested {
            Ok(words) => progress.say(&words),
            Err(ClientError::Failed(words) | ClientError::Refused(words)) => {
                return Err(SerialError::SelfTest(words));
            }
            Err(error) => return Err(self.failed(error)),
        }
        progress.say(&format!("`emocue monitor --on serial:{}` shows how it continues", self.port));
        Ok(())
    }

    /// Rolls the badge back to the bundle before the current one.
    ///
    /// # Errors
    /// [`SerialError::Badge`] with the badge's message, [`SerialError::Interrupted`].
    pub fn roll_back(&mut self, progress: &mut dyn FlashProgress) -> Result<(), SerialError> {
        let status = self.ask(Client::status)?;
        progress.say(&format!("the badge on {} runs {}", self.port, running(&status)));
        // Not repeated if the answer is lost: a second request would roll back one bundle further.
        self.client.rollback().map_err(|error| self.failed(error))?;
        let words = self.wait_done(Sent::ROLLBACK, progress)?;
        progress.say(&words);
        Ok(())
    }

    /// Waits until the badge has finished, and shows its questions to the wearer meanwhile.
    fn wait_done(
        &mut self,
        sent: Sent,
        progress: &mut dyn FlashProgress,
    ) -> Result<String, SerialError> {
        let mut questions = Questions::new(sent, self.client.version().minor);
        let done =
            self.again(|client| client.wait_done(&mut |state| questions.see(state, progress)));
        self.outcome(&questions, done)
    }

    /// The outcome, or an error if the badge asked its wearer about something other than what was sent.
    fn outcome(
        &self,
        questions: &Questions,
        done: Result<String, ClientError>,
    ) -> Result<String, SerialError> {
        match questions.is_deceived() {
            true => Err(SerialError::AsksOther { port: self.port.clone() }),
            false => done.map_err(|error| self.failed(error)),
        }
    }

    /// Ends the session, so that another program can start one immediately.
    pub fn close(self) {
        self.client.bye();
    }

    fn send(
        &mut self,
        kind: FileKind,
        bytes: &[u8],
        sent: Sent,
        progress: &mut dyn FlashProgress,
    ) -> Result<(), SerialError> {
        let component = match kind {
            FileKind::Bundle => Component::Bundle,
            FileKind::Config => Component::Config,
        };
        progress.begin(component.name(), bytes.len() as u64);
        let mut arrived = 0;
        let mut questions = Questions::new(sent, self.client.version().minor);
        // Once the badge has the whole file it works on it, and may ask its wearer, whatever happens to the link.
        let mut has_it = false;
        let done = self.again(|client| {
            if !has_it {
                client.send(kind, bytes, &mut |offset| {
                    progress.advance(u64::from(offset.saturating_sub(arrived)));
                    arrived = arrived.max(offset);
                    flow(progress)
                })?;
                has_it = true;
            }
            let done = client.wait_done(&mut |state| questions.see(state, progress));
            has_it = !matches!(done, Err(ClientError::Forgotten));
            done
        });
        progress.end();
        progress.say(&self.outcome(&questions, done)?);
        Ok(())
    }

    /// Sends a request, and repeats it in a new session if the badge stops answering.
    fn again<R>(
        &mut self,
        mut ask: impl FnMut(&mut Client<T>) -> Result<R, ClientError>,
    ) -> Result<R, ClientError> {
        let mut result = ask(&mut self.client);
        for _ in 0..RECONNECTS {
            match result {
                Err(
                    ClientError::Silent(_)
                    | ClientError::NoAnswer(_)
                    | ClientError::Link(_)
                    | ClientError::SessionEnded
                    | ClientError::Unsure
                    | ClientError::Forgotten,
                ) => {}
                other => return other,
            }
            let Ok(transport) = (self.open)() else { return result };
            result = match Client::connect(transport, self.settings) {
                Ok(client) => {
                    self.client = client;
                    ask(&mut self.client)
                }
                Err(error) => Err(error),
            };
        }
        result
    }

    fn ask<R>(
        &mut self,
        ask: impl FnMut(&mut Client<T>) -> Result<R, ClientError>,
    ) -> Result<R, SerialError> {
        self.again(ask).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: ClientError) -> SerialError {
        failed(&self.port, error)
    }
}

fn connect<T: Transport>(
    port: &str,
    open: &mut impl FnMut() -> Result<T, Problem>,
    settings: ClientSettings,
) -> Result<Client<T>, SerialError> {
    let transport = open();
    let transport = transport.map_err(SerialError::Open)?;
    Client::connect(transport, settings).map_err(|error| failed(port, error))
}

fn failed(port: &str, error: ClientError) -> SerialError {
    match error {
        ClientError::Stopped => SerialError::Interrupted,
        source => SerialError::Badge { port: port.to_owned(), source },
    }
}

fn flow(progress: &dyn FlashProgress) -> ControlFlow<()> {
    if progress.stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

impl CablePlan {
    /// Whether something is overwritten that is not kept elsewhere.
    pub fn overwrites(&self) -> bool {
        matches!(self.config, Some((_, false)))
    }
}

impl fmt::Display for CablePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "To {}:", self.title)?;
        let mut row = |component: Component, bytes: usize, now: &str| {
            writeln!(f, "  {component:<6}  {:>9}  {now}", DecimalBytes(bytes as u64).to_string())
        };
        if let Some((bytes, same)) = self.config {
            row(
                Component::Config,
                bytes,
                if same {
                    "is there"
                } else {
                    "differs, and is laid over the badge's own if the wearer agrees"
                },
            )?;
        }
        if let Some((bytes, note)) = &self.bundle {
            row(Component::Bundle, *bytes, "into the slot that does not run")?;
            writeln!(f, "  {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
