//! Whether this user may open the camera, the panel's bus and the pins' chip.

use std::io::ErrorKind;
use std::path::Path;

use super::host::Host;
use super::{CheckOutcome, Probes};
use emocue_config::source::is_command;
use emocue_config::{Config, Driver, GpioSettings, Pins, Player};

/// The groups that own a badge's devices, and what each is for. The udev rules and the systemd unit name the same.
pub const GROUPS: [(&str, &str); 4] =
    [("video", "camera, screen"), ("i2c", "panel"), ("gpio", "pins"), ("dialout", "link")];

/// Which of [`GROUPS`] this configuration needs, and the group of sound devices if it is needed.
fn needed(config: &Config) -> impl Iterator<Item = &'static str> {
    let linked = config.link.port().is_some();
    let video = uses_camera(config) || config.screen.enabled;
    let uses = [video, config.panel.enabled, uses_pins(config), linked];
    let groups =
        GROUPS.into_iter().zip(uses).filter(|(_, used)| *used).map(|((group, _), _)| group);
    // The service has no sound device unless it is given one.
    let speaks = config.voice.enabled && config.voice.player == Player::Aplay;
    groups.chain(speaks.then_some("audio"))
}

fn uses_camera(config: &Config) -> bool {
    ["v4l2:", "pipe:"].iter().any(|kind| config.camera.source.starts_with(kind))
}

fn uses_pins(config: &Config) -> bool {
    config.gpio.driver != Driver::None && config.pins != Pins::default()
}

/// Whether the user is in the groups that own the devices.
pub(super) fn groups(host: &Host, config: &Config) -> CheckOutcome {
    let Some(user) = host.user() else {
        return CheckOutcome::skip("this system does not tell who runs this program");
    };
    let needed: Vec<_> = needed(config).collect();
    if user.id == 0 {
        return CheckOutcome::ok(
            "root, who may open everything; the service runs as the user emocue",
        );
    }
    let unknown: Vec<_> =
        needed.iter().copied().filter(|name| host.group(name).is_none()).collect();
    if !unknown.is_empty() {
        let fix = "install the badge's sysusers and udev files, then restart";
        return CheckOutcome::problem(format!("there is no group {}", unknown.join(", ")), fix);
    }
    let is_member =
        |name: &&str| host.group(name).is_some_and(|group| user.groups.contains(&group));
    let missing: Vec<_> = needed.iter().copied().filter(|name| !is_member(name)).collect();
    if missing.is_empty() {
        return CheckOutcome::ok(format!("{} is in {}", user.name, needed.join(", ")));
    }
    CheckOutcome::problem(
        format!("{} is not in {}", user.name, missing.join(", ")),
        format!("sudo usermod -aG {} {}, then log in again", missing.join(","), user.name),
    )
}

/// Opens a device; what to do when it is not there depends on which it is.
fn open(host: &Host, path: &Path, group: &str, absent: &str) -> Result<(), CheckOutcome> {
    let shown = path.display();
    (host.open)(&host.path(path)).map_err(|error| match error.kind() {
        ErrorKind::NotFound => CheckOutcome::problem(format!("{shown} is not there"), absent),
        ErrorKind::PermissionDenied => {
            let user = host.user().map_or_else(|| "USER".to_owned(), |user| user.name);
            let fix = format!(
                "sudo usermod -aG {group} {user} and log in again; if it belongs to another group, \
                 install the badge's udev rules"
            );
            CheckOutcome::problem(format!("{shown}: permission denied"), fix)
        }
        ErrorKind::ResourceBusy => {
            let fix = format!("stop the program that holds it: sudo fuser -v {shown}");
            CheckOutcome::problem(format!("{shown} is busy"), fix)
        }
        _ => CheckOutcome::problem(format!("{shown}: {error}"), "check its wiring and restart"),
    })
}

/// The camera's node, then what the driver says about it.
pub(super) fn camera(
    host: &Host,
    file: Option<&Path>,
    config: &Config,
    probes: &Probes,
) -> CheckOutcome {
    let source = config.camera.source.as_str();
    let absent = "plug the camera in; `emocue-badge cameras` lists those that are there. A CSI camera is \
                  source = \"pipe:rpicam\" or \"pipe:gst-argus\"";
    if let Some(device) = source.strip_prefix("v4l2:") {
        let path = device.split('?').next().unwrap_or(device);
        if let Err(outcome) = open(host, Path::new(path), "video", absent) {
            return outcome;
        }
    } else if !uses_camera(config) {
        return CheckOutcome::skip(format!("{source} is not a camera"));
    }
    if is_command(source)
        && let Some(why) = distrust(host, file)
    {
        return CheckOutcome::skip(why);
    }
    (probes.camera)(config)
}

/// Why the doctor does not run a command of the configuration in `file`: the command would run with the rights of this
/// user, and may have been written by another user with fewer rights.
fn distrust(host: &Host, file: Option<&Path>) -> Option<String> {
    let (file, user) = (file?, host.user()?);
    let file = std::path::absolute(file).ok()?;
    let shown = file.display();
    if user.id == 0 {
        let groups = GROUPS.map(|(group, _)| group).join(",");
        return Some(format!(
            "a command of the configuration is not run as root; as the service's user: sudo setpriv --reuid=emocue \
             --regid=emocue --groups={groups} emocue-badge doctor --config {shown}"
        ));
    }
    let mut parts = [Some(file.as_path()), file.parent()].into_iter().flatten();
    let owner = parts.find_map(|path| other_writer(path, user.id))?;
    Some(format!(
        "the command in {shown} is not run, since {owner} may change it; run this as the user who owns it"
    ))
}

/// Who can change a file or folder besides root and this user.
#[cfg(unix)]
fn other_writer(path: &Path, user: u32) -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    const STICKY: u32 = 0o1000;
    let found = path.metadata().ok()?;
    match found.mode() & (0o002 | STICKY) {
        0o002 => Some("everybody".to_owned()),
        _ if ![0, user].contains(&found.uid()) => Some(format!("user {}", found.uid())),
        _ => None,
    }
}

#[cfg(not(unix))]
fn other_writer(_: &Path, _: u32) -> Option<String> {
    None
}

/// The panel's bus, then whether the panel answers.
pub(super) fn panel(host: &Host, config: &Config, probes: &Probes) -> CheckOutcome {
    if !config.panel.enabled {
        return CheckOutcome::skip("switched off by the configuration");
    }
    let on_a_pi = config.board.as_deref().is_some_and(|board| board.starts_with("pi-"));
    let absent = match on_a_pi {
        true => "sudo raspi-config nonint do_i2c 0, then restart",
        false => "sudo modprobe i2c-dev; `i2cdetect -l` lists the buses that are there",
    };
    match open(host, &config.panel.bus, "i2c", absent) {
        Ok(()) => (probes.panel)(config),
        Err(outcome) => outcome,
    }
}

/// The screen's node, then its size and format.
pub(super) fn screen(host: &Host, config: &Config, probes: &Probes) -> CheckOutcome {
    if !config.screen.enabled {
        return CheckOutcome::skip("switched off by the configuration");
    }
    let absent =
        "connect the screen and restart; `ls /dev/fb*` lists the framebuffers that are there";
    match open(host, &config.screen.framebuffer, "video", absent) {
        Ok(()) => (probes.screen)(config),
        Err(outcome) => outcome,
    }
}

/// The chip's node, or any chip where a label names it, then whether its lines are free.
pub(super) fn pins(host: &Host, config: &Config, probes: &Probes) -> CheckOutcome {
    if !uses_pins(config) {
        return CheckOutcome::skip("the configuration uses none");
    }
    let GpioSettings { chip, .. } = &config.gpio;
    let absent = "`gpiodetect` lists the chips that are there";
    let chips = match chip.starts_with('/') {
        true => vec![chip.clone()],
        false => {
            let names = host.names("/dev", "gpiochip", "");
            names.iter().map(|name| format!("/dev/{name}")).collect()
        }
    };
    if chips.is_empty() {
        let fix = "use a kernel with GPIO character devices (Linux 4.8 and later)";
        return CheckOutcome::problem("there is no /dev/gpiochip*", fix);
    }
    let opened = chips.iter().try_for_each(|chip| open(host, Path::new(chip), "gpio", absent));
    match opened {
        Ok(()) => (probes.pins)(config),
        Err(outcome) => outcome,
    }
}

/// The port at which a host can connect.
pub(super) fn link(host: &Host, config: &Config) -> CheckOutcome {
    let Some(port) = config.link.port() else {
        return CheckOutcome::skip("no port; a host reaches this badge over SSH alone");
    };
    if let Some(unserved) = config.unserved() {
        return CheckOutcome::problem(unserved.what, unserved.next);
    }
    let absent = "a USB gadget needs dtoverlay=dwc2 and modules-load=dwc2,g_serial; docs/first-flash.md has the lines";
    match open(host, Path::new(port), "dialout", absent) {
        Ok(()) => CheckOutcome::ok(format!("a host can connect at {port}")),
        Err(outcome) => outcome,
    }
}
