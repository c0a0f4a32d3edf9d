//! The effective configuration of a badge: its file, and the settings received over the link that override it.

use std::path::Path;

use emocue_config::{Config, ConfigError};

use super::CheckOutcome;
use super::host::Host;
use crate::link::settings;

/// The effective configuration of a badge with the configuration in `file`, and the check of its settings received over
/// the link.
///
/// # Errors
/// [`ConfigError`] for the file.
pub(super) fn effective(
    host: &Host,
    file: Option<&Path>,
) -> Result<(Config, CheckOutcome), ConfigError> {
    let Some(file) = file else {
        let why = "they lie over a configuration, and none is given";
        return Ok((Config::default(), CheckOutcome::skip(why)));
    };
    let state = host.path(&Config::read(file)?.update.state);
    let found = settings::read(file, Some(&state))?;
    let place = settings::taken(&state);
    let outcome = match (found.note, found.by_cable.as_slice()) {
        (Some(note), _) => CheckOutcome::problem(
            note,
            format!("send them again with `emocue flash`, or remove {}", place.display()),
        ),
        (None, []) => CheckOutcome::skip("none came over the link"),
        (None, keys) => {
            let trial = match settings::is_waiting(&state) {
                true => {
                    "; they are on trial, and those before are used where the badge does not start with them"
                }
                false => "",
            };
            let (place, file, keys) = (place.display(), file.display(), keys.join(", "));
            CheckOutcome::ok(format!("{keys}: from {place}, over {file}{trial}"))
        }
    };
    Ok((found.config, outcome))
}
