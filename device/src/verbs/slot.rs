//! `emocue-badge slot`: installed bundles.

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use emocue_config::Config;
use emocue_device::bundle::LoadedBundle;
use emocue_device::cli::{SlotAction, SlotVerb};
use emocue_device::sandbox;
use emocue_device::slots::consent::{ConsentChannel, ConsentError};
use emocue_device::slots::{Install, Installed, Refusal, SlotError, SlotsStatus, Store, Trust};
use emocue_link::consent::{Ask, HOW_TO_ANSWER};
use emocue_models::bundle::PublicKey;
use emocue_models::bundle::manifest::Sha256;
use emocue_models::plain::PlainWriter;

use super::Failure;
use crate::tell;

/// Executes the action and prints the result.
pub(crate) fn slot(verb: &SlotVerb) -> Result<ExitCode, Failure> {
    let update = match &verb.place.config {
        Some(file) => Config::read(file)?.update,
        None => Config::default().update,
    };
    let state = verb.place.state.as_deref().unwrap_or(&update.state);
    let store = Store::new(state);
    let mut out = PlainWriter(io::stdout().lock());
    let written = match &verb.action {
        SlotAction::Install { file, force, remove } => {
            let trust = Trust::new(&update.keys, state);
            let channel = ConsentChannel::new(state);
            let install = Install {
                store: &store,
                trust: &trust,
                test: &sandbox::self_test,
                ask: &|key, bytes| accept(&channel, key, bytes),
                force: *force,
            };
            let done = install.take(file);
            if *remove && is_settled(&done) {
                let _ = fs::remove_file(file);
            }
            match done? {
                Installed::OnTrial { slot, release } => {
                    writeln!(out, "{release} is in slot {slot}, on trial from the next start on")
                }
                Installed::Already { slot } => {
                    writeln!(out, "slot {slot} holds this very bundle already")
                }
            }
        }
        SlotAction::Check { file } => {
            sandbox::limit();
            let took = LoadedBundle::load(file.as_deref(), None)?.self_test()?;
            writeln!(out, "both portraits as expected, {:.0} ms each", took.as_secs_f64() * 1e3)
        }
        SlotAction::Confirm => writeln!(out, "slot {} is confirmed", store.confirm(None)?),
        SlotAction::Status { json } => {
            let status = SlotsStatus::of(&store)?;
            match json {
                true => serde_json::to_writer(&mut out, &status)
                    .map_err(io::Error::from)
                    .and_then(|()| writeln!(out)),
                false => write!(out, "{status}"),
            }
        }
        SlotAction::Rollback => match store.rollback()? {
            Some(slot) => writeln!(out, "slot {slot} starts next"),
            None => writeln!(out, "the embedded bundle starts next"),
        },
    };
    written.map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Whether another try with the same file would have the same result.
fn is_settled(done: &Result<Installed, SlotError>) -> bool {
    match done {
        Ok(_) => true,
        Err(SlotError::Refused { reason, .. }) => !matches!(reason, Refusal::NotAccepted { .. }),
        Err(_) => false,
    }
}

/// Asks the wearer whether to trust the key that signed the bundle of these `bytes`.
fn accept(channel: &ConsentChannel, key: PublicKey, bytes: &[u8]) -> Result<(), ConsentError> {
    channel.ask(Ask::NewMaker, key.to_bytes(), Sha256::of(bytes).0, |question| {
        let (words, code) = (question.ask.words(), question.code());
        tell(format_args!(
            "emocue-badge: key {key} is new here, so the wearer is asked: {words} The code is {code}. {HOW_TO_ANSWER}"
        ));
    })
}
