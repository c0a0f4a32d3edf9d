//! Whether the bundles that came after the program can be used.

use super::Outcome;
use super::host::Host;
use crate::slots::{Next, Status, Store};
use emocue_config::Config;
use emocue_models::failure::line;

pub(super) fn check(host: &Host, config: &Config) -> Outcome {
    if config.look.bundle.is_some() {
        return Outcome::skip("the configuration names a bundle's file, so the slots rest");
    }
    let store = Store::new(&host.path(&config.update.state));
    match Status::of(&store) {
        Ok(Status { notes, .. }) if !notes.is_empty() => Outcome::problem(
            notes.join("; "),
            "the badge passes it by; `emocue flash` puts a bundle there again",
        ),
        Ok(Status { next: Next { slot, name, content_version }, .. }) if slot == "embedded" => {
            Outcome::ok(format!("{name} {content_version} inside this program starts next"))
        }
        Ok(Status { next: Next { slot, name, content_version }, .. }) => {
            Outcome::ok(format!("{name} {content_version} in slot {slot} starts next"))
        }
        Err(error) => Outcome::problem(line(&error), "run this as root, or as the user emocue"),
    }
}
