//! A badge on a cable. It takes bundle and configuration, checks them itself, and puts them into place; its program it
//! does not take, as it may not write that.

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use emocue_link::client::{ClientError, ClientSettings};
use emocue_link::message::{BadgeStatus, FileKind, Progress};
use emocue_link::{Client, Transport};
use indicatif::DecimalBytes;

use super::plan::bundle_note;
use super::target::Port;
use super::{FlashError, Part, Parts, Watch};
use crate::monitor::history::{place, trial};

/// How often a badge that fell silent is called again: it starts anew with what it got.
const RECONNECTS: usize = 6;

/// How patient we are: a host that was killed a moment ago still holds the badge for ten seconds.
pub fn settings() -> ClientSettings {
    ClientSettings { busy: Duration::from_secs(12), ..ClientSettings::default() }
}

/// Opens a port.
///
/// # Errors
/// What is wrong and what to do, in words.
#[cfg(unix)]
pub fn open(port: &Port) -> Result<emocue_link::serial::Serial, String> {
    emocue_link::serial::open(&port.path, port.baud).map_err(|error| error.to_string())
}

/// A badge on a cable, which `open` opens.
pub struct Cable<T: Transport, F> {
    port: String,
    open: F,
    settings: ClientSettings,
    client: Client<T>,
}

/// What goes through the cable, and what the badge has now.
#[derive(Debug, PartialEq)]
pub struct CablePlan {
    title: String,
    /// The configuration's size, and whether the badge has the same or another one.
    config: Option<(usize, bool)>,
    /// The bundle's size, and what it is.
    bundle: Option<(usize, String)>,
}

impl<T: Transport, F: FnMut() -> Result<T, String>> Cable<T, F> {
    /// Begins a session with the badge on `port`.
    ///
    /// # Errors
    /// [`FlashError::Serial`] when none answers.
    pub fn connect(port: &str, mut open: F, settings: ClientSettings) -> Result<Self, FlashError> {
        let client = connect(port, &mut open, settings)?;
        Ok(Self { port: port.to_owned(), open, settings, client })
    }

    /// Asks the badge what it has.
    ///
    /// # Errors
    /// [`FlashError::AppByCable`] where a program shall be sent, [`FlashError::Serial`] when the badge does not answer.
    pub fn plan(&mut self, parts: &Parts) -> Result<CablePlan, FlashError> {
        if parts.app.is_some() {
            return Err(FlashError::AppByCable);
        }
        let status = self.ask(Client::status)?;
        let title = format!(
            "the badge on {} (program {}, running {})",
            self.port,
            self.client.program(),
            running(&status)
        );
        let config = match &parts.config {
            Some(config) => Some((config.text.len(), self.ask(Client::config)? == config.text)),
            None => None,
        };
        let bundle = parts.bundle.as_ref();
        let bundle = bundle.map(|bundle| (bundle.bytes.len(), bundle_note(bundle)));
        Ok(CablePlan { title, config, bundle })
    }

    /// Sends what `plan` says, the configuration first, which may name the button that a bundle asks for, and lets the
    /// badge test itself.
    ///
    /// # Errors
    /// [`FlashError::Serial`] with the badge's words, [`FlashError::Interrupted`], [`FlashError::SelfTest`].
    pub fn flash(
        &mut self,
        plan: &CablePlan,
        parts: &Parts,
        watch: &mut dyn Watch,
    ) -> Result<(), FlashError> {
        if let (Some(config), Some((_, false))) = (&parts.config, plan.config) {
            self.send(FileKind::Config, Part::Config, config.text.as_bytes(), watch)?;
        }
        if let Some(bundle) = &parts.bundle {
            self.send(FileKind::Bundle, Part::Bundle, &bundle.bytes, watch)?;
        }
        watch.say("the badge tests itself");
        let tested = self.again(|client| {
            client.self_test()?;
            client.wait_done(&mut |_| flow(watch))
        });
        match tested {
            Ok(words) => watch.say(&words),
            Err(ClientError::Failed(words) | ClientError::Refused(words)) => {
                return Err(FlashError::SelfTest(format!("    {words}")));
            }
            Err(error) => return Err(self.failed(error)),
        }
        watch.say(&format!("`emocue monitor --on serial:{}` shows how it goes on", self.port));
        Ok(())
    }

    /// Lets the badge return to the bundle before the one that it runs.
    ///
    /// # Errors
    /// [`FlashError::Serial`] with the badge's words, [`FlashError::Interrupted`].
    pub fn roll_back(&mut self, watch: &mut dyn Watch) -> Result<(), FlashError> {
        let status = self.ask(Client::status)?;
        watch.say(&format!("the badge on {} runs {}", self.port, running(&status)));
        // Not asked again where the answer is lost: a second time would go back one bundle further.
        self.client.rollback().map_err(|error| self.failed(error))?;
        let words = self.ask(|client| client.wait_done(&mut |_| flow(watch)))?;
        watch.say(&words);
        Ok(())
    }

    /// Ends the session, so that another program may begin one at once.
    pub fn close(self) {
        self.client.bye();
    }

    fn send(
        &mut self,
        kind: FileKind,
        part: Part,
        bytes: &[u8],
        watch: &mut dyn Watch,
    ) -> Result<(), FlashError> {
        watch.begin(part.name(), bytes.len() as u64);
        let mut arrived = 0;
        let mut said = String::new();
        let done = self.again(|client| {
            client.send(kind, bytes, &mut |offset| {
                watch.advance(u64::from(offset.saturating_sub(arrived)));
                arrived = arrived.max(offset);
                flow(watch)
            })?;
            client.wait_done(&mut |progress| {
                if let Progress::PressButton(words) = progress
                    && said != *words
                {
                    said.clone_from(words);
                    watch.say(words);
                }
                flow(watch)
            })
        });
        watch.end();
        watch.say(&done.map_err(|error| self.failed(error))?);
        Ok(())
    }

    /// Asks, and asks again on a new session where the badge fell silent.
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
    ) -> Result<R, FlashError> {
        self.again(ask).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: ClientError) -> FlashError {
        failed(&self.port, &error)
    }
}

fn connect<T: Transport>(
    port: &str,
    open: &mut impl FnMut() -> Result<T, String>,
    settings: ClientSettings,
) -> Result<Client<T>, FlashError> {
    let transport = open();
    let transport = transport.map_err(|reason| FlashError::Serial { reason, next: "" })?;
    Client::connect(transport, settings).map_err(|error| failed(port, &error))
}

fn failed(port: &str, error: &ClientError) -> FlashError {
    let next = match error {
        ClientError::Stopped => return FlashError::Interrupted,
        ClientError::Silent(_) | ClientError::Link(_) => {
            "\n  Run the same command again: what arrived is kept, and it goes on from there."
        }
        ClientError::Refused(_) | ClientError::Failed(_) => {
            "\n  What the badge had is still in place; docs/recovery.md tells what to do."
        }
        _ => "",
    };
    FlashError::Serial { reason: format!("{port}: {error}"), next }
}

fn flow(watch: &dyn Watch) -> ControlFlow<()> {
    if watch.stop() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// What a badge runs, in words.
pub fn running(status: &BadgeStatus) -> String {
    format!(
        "{} {} from {}, {}",
        status.bundle,
        status.content_version,
        place(status.running),
        trial(status.trial)
    )
}

impl CablePlan {
    /// Whether something is overwritten that does not stay anywhere.
    pub fn overwrites(&self) -> bool {
        matches!(self.config, Some((_, false)))
    }

    /// Whether anything is sent.
    pub fn changes(&self) -> bool {
        self.overwrites() || self.bundle.is_some()
    }
}

impl fmt::Display for CablePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "To {}:", self.title)?;
        let mut row = |part: Part, bytes: usize, now: &str| {
            writeln!(f, "  {part:<6}  {:>9}  {now}", DecimalBytes(bytes as u64).to_string())
        };
        if let Some((bytes, same)) = self.config {
            row(
                Part::Config,
                bytes,
                if same { "is there" } else { "differs, and is overwritten" },
            )?;
        }
        if let Some((bytes, note)) = &self.bundle {
            row(Part::Bundle, *bytes, "into the slot that does not run")?;
            writeln!(f, "  {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
