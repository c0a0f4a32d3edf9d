//! Whether the installed bundles can be used.

use super::CheckOutcome;
use super::host::Host;
use crate::slots::{Next, SlotsStatus, Store};
use emocue_config::Config;
use emocue_models::failure::line;

pub(super) fn check(host: &Host, config: &Config) -> CheckOutcome {
    if config.look.bundle.is_some() {
        return CheckOutcome::skip("the configuration names a bundle's file, so the slots rest");
    }
    let store = Store::new(&host.path(&config.update.state));
    match SlotsStatus::of(&store) {
        Ok(SlotsStatus { notes, .. }) if !notes.is_empty() => CheckOutcome::problem(
            notes.join("; "),
            "the badge passes it by; `emocue flash` puts a bundle there again",
        ),
        Ok(SlotsStatus { next: Next { slot, name, content_version }, .. })
            if slot == "embedded" =>
        {
            CheckOutcome::ok(format!("{name} {content_version}, the embedded bundle, starts next"))
        }
        Ok(SlotsStatus { next: Next { slot, name, content_version }, .. }) => {
            CheckOutcome::ok(format!("{name} {content_version} in slot {slot} starts next"))
        }
        Err(error) => {
            CheckOutcome::problem(line(&error), "run this as root, or as the user emocue")
        }
    }
}
