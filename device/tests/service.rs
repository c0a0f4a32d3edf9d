//! The files of the systemd service agree with each other and with the program.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::collections::BTreeSet;

use emocue_device::doctor::GROUPS;

const UNIT: &str = include_str!("../systemd/emocue-badge.service");
const USERS: &str = include_str!("../systemd/emocue.conf");
const RULES: &str = include_str!("../udev/99-emocue.rules");

/// Every value of a unit's key.
fn values(key: &str) -> Vec<&'static str> {
    let assignments = UNIT.lines().filter_map(|line| line.split_once('='));
    assignments.filter(|(name, _)| *name == key).map(|(_, value)| value).collect()
}

fn groups() -> BTreeSet<&'static str> {
    GROUPS.iter().map(|(group, _)| *group).collect()
}

#[test]
fn the_doctor_the_unit_the_rules_and_the_users_name_the_same_groups() {
    let unit = values("SupplementaryGroups").iter().flat_map(|it| it.split(' ')).collect();
    let rules = RULES.lines().filter(|line| !line.starts_with('#'));
    let rules = rules.map(|line| line.split_once("GROUP=\"").unwrap().1.split('"').next().unwrap());
    let users = USERS.lines().filter_map(|line| line.strip_prefix("g "));
    let users = users.map(|line| line.split_whitespace().next().unwrap());
    assert_eq!(groups(), unit);
    assert_eq!(groups(), rules.collect());
    assert_eq!(groups(), users.collect());
}

#[test]
fn every_device_that_the_unit_allows_has_a_rule() {
    let rules: Vec<&str> = RULES.lines().filter(|line| !line.starts_with('#')).collect();
    let device = |allowed: &'static str| match allowed.split(' ').next().unwrap() {
        "char-i2c" => "SUBSYSTEM==\"i2c-dev\"".to_owned(),
        "char-fb" => "SUBSYSTEM==\"graphics\"".to_owned(),
        "char-gpiochip" => "KERNEL==\"gpiochip*\"".to_owned(),
        "/dev/gpiomem" | "/dev/gpiomem0" => "KERNEL==\"gpiomem*\"".to_owned(),
        class if class.starts_with("char-tty") => "KERNEL==\"tty[A-Z]*[0-9]\"".to_owned(),
        class => format!("SUBSYSTEM==\"{}\"", class.strip_prefix("char-").unwrap()),
    };
    let allowed: BTreeSet<String> = values("DeviceAllow").into_iter().map(device).collect();
    assert_eq!(allowed.len(), rules.len());
    for device in allowed {
        assert!(rules.iter().any(|rule| rule.contains(&device)), "{device}");
    }
}

#[test]
fn the_unit_gives_no_network_no_capability_and_no_place_for_a_frame() {
    for (key, value) in [
        ("User", "emocue"),
        ("PrivateNetwork", "yes"),
        ("IPAddressDeny", "any"),
        ("RestrictAddressFamilies", "AF_UNIX"),
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("DevicePolicy", "closed"),
        ("LimitCORE", "0"),
        ("MemorySwapMax", "0"),
        // It starts again whatever happens, but not with a configuration that stays wrong.
        ("Restart", "always"),
        ("RestartPreventExitStatus", "2"),
        ("WatchdogSec", "15"),
        ("TimeoutStopSec", "5"),
        ("MemoryMax", "256M"),
    ] {
        assert_eq!(values(key), [value], "{key}");
    }
}

#[test]
fn no_part_that_is_added_opens_a_network() {
    for part in [
        include_str!("../systemd/jetson-csi.conf"),
        include_str!("../systemd/screen.conf"),
        include_str!("../systemd/voice.conf"),
    ] {
        let lines = part.lines().filter(|line| !line.starts_with('#'));
        let keys: Vec<_> = lines.filter_map(|line| line.split_once('=')).collect();
        let network = ["PrivateNetwork", "IPAddress", "RestrictAddressFamilies", "JoinsNamespace"];
        let opens = |(key, _): &(&str, &str)| network.iter().any(|name| key.starts_with(name));
        assert!(!keys.iter().any(opens), "{keys:?}");
        // Before systemd 252, `auto` beside an allowed clock device allows that device alone.
        let is_open = keys.contains(&("DevicePolicy", "auto"));
        assert_eq!(keys.contains(&("ProtectClock", "no")), is_open, "{keys:?}");
    }
}

#[test]
fn system_calls_are_denied_by_name_so_that_old_systemd_starts_it() {
    let filters = values("SystemCallFilter");
    assert!(!filters.is_empty() && filters.iter().all(|filter| filter.starts_with('~')));
    let denied: BTreeSet<_> = filters.iter().flat_map(|filter| filter[1..].split(' ')).collect();
    for group in ["@privileged", "@mount", "@module", "@raw-io", "@debug", "@keyring", "@reboot"] {
        assert!(denied.contains(group), "{group}");
    }
}

#[test]
fn the_service_writes_nothing_but_its_own_folder() {
    assert!(values("ReadWritePaths").is_empty());
    assert_eq!(values("StateDirectory"), ["emocue"]);
    let before = values("ExecStartPre");
    assert!(before[0].ends_with("chown -R root:emocue /etc/emocue"), "{before:?}");
    assert!(before[1].contains("g-w,o-w /etc/emocue"), "{before:?}");
}

#[test]
fn the_program_knows_what_the_unit_starts() {
    for command in [values("ExecStart"), values("ExecStopPost")].concat() {
        let mut words = command.split(' ');
        assert!(words.next().unwrap().ends_with("/emocue-badge"));
        let verb = words.next().unwrap();
        let badge = env!("CARGO_BIN_EXE_emocue-badge");
        let help = std::process::Command::new(badge).args([verb, "--help"]).output().unwrap();
        assert!(help.status.success(), "{help:?}");
        let help = String::from_utf8(help.stdout).unwrap();
        let mut flags = words.filter(|word| word.starts_with("--")).peekable();
        assert!(flags.peek().is_some());
        for flag in flags {
            assert!(help.contains(&format!("{flag} ")), "{flag} is not in: {help}");
        }
    }
}
