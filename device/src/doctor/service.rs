//! Whether systemd starts and supervises the badge.

use super::CheckOutcome;
use super::host::Host;

const UNIT: &str = "emocue-badge.service";

/// Folders of systemd's units.
const FOLDERS: [&str; 3] =
    ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"];

pub(super) fn check(host: &Host) -> CheckOutcome {
    if (host.variable)("NOTIFY_SOCKET").is_some() {
        let watchdog = (host.variable)("WATCHDOG_USEC").and_then(|text| text.parse::<u64>().ok());
        return match watchdog {
            Some(every) => CheckOutcome::ok(format!(
                "started by systemd, which restarts it after {} s of silence",
                every / 1_000_000
            )),
            None => CheckOutcome::problem(
                "started by systemd without a watchdog",
                format!("set WatchdogSec= in {UNIT}"),
            ),
        };
    }
    if !host.has("/run/systemd/system") {
        return CheckOutcome::skip("no systemd here");
    }
    if !FOLDERS.iter().any(|folder| host.has(format!("{folder}/{UNIT}"))) {
        return CheckOutcome::skip(format!("{UNIT} is not installed, so the badge starts by hand"));
    }
    // The link may be dangling inside an image that is examined from outside.
    let wanted = host.path(format!("/etc/systemd/system/multi-user.target.wants/{UNIT}"));
    match wanted.symlink_metadata() {
        Ok(_) => CheckOutcome::ok(format!("{UNIT} starts with the system")),
        Err(_) => CheckOutcome::problem(
            format!("{UNIT} is installed but does not start with the system"),
            format!("sudo systemctl enable --now {UNIT}"),
        ),
    }
}
