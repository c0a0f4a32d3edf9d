//! Why a pin cannot be used, and what to do about it.

#![allow(dead_code, reason = "which of these is needed depends on the drivers that are built in")]

use std::io;
use std::path::Path;

use super::CueError;

/// A driver that this program was built without.
pub(super) fn not_built(what: &str, feature: &str) -> CueError {
    CueError {
        what: format!("cannot open {what}"),
        reason: "this program was built without this driver".to_owned(),
        next: format!(
            "build it for Linux with --features {feature}, or set the driver to \"none\""
        ),
    }
}

/// A chip that does not open; `there` are those that exist.
pub(super) fn chip(chip: &Path, reason: &io::Error, there: &[String]) -> CueError {
    let next = match reason.kind() {
        io::ErrorKind::NotFound if there.is_empty() => {
            "there is no GPIO chip on this machine; set the driver to \"none\"".to_owned()
        }
        io::ErrorKind::NotFound => format!("there is {}", there.join(", ")),
        io::ErrorKind::PermissionDenied => GROUP.to_owned(),
        _ => "list the chips with gpiodetect".to_owned(),
    };
    CueError { what: format!("cannot open {}", chip.display()), reason: reason.to_string(), next }
}

/// What to do where pins may not be used.
pub(super) const GROUP: &str = "join the group gpio (sudo usermod -aG gpio $USER) and log in again";

/// A line, as messages name it.
pub(super) fn line(line: u32, chip: &str) -> String {
    format!("line {line} of {chip}")
}

/// A line beyond the last; the chip has `count`.
pub(super) fn no_line(what: String, count: u32) -> CueError {
    let reason = match count.checked_sub(1) {
        Some(last) => format!("there are only the lines 0 to {last}"),
        None => "there are no lines at all".to_owned(),
    };
    CueError { what, reason, next: "change the pin in the configuration".to_owned() }
}

/// A line that another program or a driver of the kernel's has; `holder` may be empty.
pub(super) fn busy(what: String, holder: &str) -> CueError {
    let holder = if holder.is_empty() { "an unnamed program" } else { holder };
    CueError {
        what,
        reason: format!("{holder} has it already"),
        next: "stop that program, remove its overlay from the boot configuration, or choose another pin"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::failure;

    use super::*;

    #[test]
    fn a_chip_that_is_not_there_names_those_that_are() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        let path = Path::new("/dev/gpiochip4");
        let text = failure::line(&chip(path, &missing, &["/dev/gpiochip0".to_owned()]));
        assert!(
            text.contains("/dev/gpiochip4") && text.contains("there is /dev/gpiochip0"),
            "{text}"
        );
        let text = failure::line(&chip(path, &missing, &[]));
        assert!(text.contains("no GPIO chip") && text.contains("\"none\""), "{text}");
    }

    #[test]
    fn a_chip_that_may_not_be_opened_names_the_group() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let text = failure::line(&chip(Path::new("/dev/gpiochip0"), &denied, &[]));
        assert!(text.contains("group gpio"), "{text}");
    }

    #[test]
    fn a_line_that_cannot_be_had_says_why() {
        let text = failure::line(&busy(line(17, "/dev/gpiochip0"), "led0"));
        assert!(text.contains("line 17 of /dev/gpiochip0: led0 has it"), "{text}");
        let text = failure::line(&no_line(line(99, "/dev/gpiochip0"), 54));
        assert!(text.contains("line 99") && text.contains("0 to 53"), "{text}");
    }
}
