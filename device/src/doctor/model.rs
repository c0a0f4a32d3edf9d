//! The self-test of the networks on the embedded portraits.

use std::path::Path;

use emocue_models::failure::line;

use super::CheckOutcome;
use crate::bundle::LoadedBundle;

/// Runs the self-test of the bundle in `file`, or of the embedded one.
pub(super) fn check(file: Option<&Path>) -> CheckOutcome {
    let fix = match file {
        Some(_) => "leave bundle out of [look] to use the embedded one, or pack it again",
        None => "copy the program again; its file is damaged, or this processor computes wrongly",
    };
    let mut bundle = match LoadedBundle::load(file, None) {
        Ok(bundle) => bundle,
        Err(error) => return CheckOutcome::problem(line(&error), fix),
    };
    let text = bundle.describe();
    match bundle.self_test() {
        Ok(took) => {
            let milliseconds = took.as_secs_f64() * 1e3;
            CheckOutcome::ok(format!(
                "{text}; both portraits as expected, {milliseconds:.0} ms each"
            ))
        }
        Err(error) => CheckOutcome::problem(format!("{text}; {error}"), fix),
    }
}
