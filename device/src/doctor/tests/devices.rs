//! What the badge's user may open: groups, devices, and commands of the configuration.

use super::*;

const GROUP_FILE: &str = "root:x:0:\nvideo:x:44:\ni2c:x:998:pi\ngpio:x:997:pi\n";

fn user(groups: &str, group_file: &str) -> (TempDir, Host) {
    let status = format!(
        "Name:\tx\nUid:\t1000\t1000\t1000\t1000\nGid:\t1000\t1000\t1000\t1000\nGroups:\t{groups}\n"
    );
    machine(&[
        ("/proc/self/status", &status),
        ("/etc/passwd", "root:x:0:0::/root:/bin/sh\npi:x:1000:1000::/home/pi:/bin/sh\n"),
        ("/etc/group", group_file),
    ])
}

#[test]
fn a_command_of_the_configuration_gets_no_more_rights_than_who_wrote_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("emocue.toml");
    fs::write(&file, "").unwrap();
    let owner = fs::metadata(&file).unwrap().uid();
    let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    let status =
        |uid: u32| format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t0\t0\t0\t0\nGroups:\t\n");
    let seen = |uid: u32, source: &str| {
        let (_root, host) = machine(&[("/proc/self/status", &status(uid))]);
        let config = config(&format!("camera.source = '{source}'"));
        access::camera(&host, Some(&file), &config, &probes())
    };
    let why = |outcome| match outcome {
        CheckOutcome::Skip { why } => why,
        other => panic!("{other:?}"),
    };
    let (command, caller) = ("pipe:touch owned", owner.max(1));
    mode(0o644);
    let root = why(seen(0, command));
    assert!(root.contains("setpriv --reuid=emocue") && root.contains("groups=video,"), "{root}");
    assert_eq!(found(seen(0, "pipe:rpicam?size=640x480")), "camera probed");
    assert_eq!(found(seen(caller, command)), "camera probed");
    mode(0o646);
    assert!(why(seen(caller, command)).contains("everybody may change it"));
    mode(0o644);
    if owner != 0 {
        assert!(why(seen(owner + 1, command)).contains(&format!("user {owner} may change it")));
    }
}

#[test]
fn missing_groups_are_named_with_the_command_that_adds_them() {
    let config = config("board = 'pi-4'");
    let (_root, host) = user("4 44 997 998", GROUP_FILE);
    assert_eq!(found(access::groups(&host, &config)), "pi is in video, i2c, gpio");
    let (_root, host) = user("998", GROUP_FILE);
    let (found, fix) = wrong(access::groups(&host, &config));
    assert_eq!(found, "pi is not in video, gpio");
    assert_eq!(fix, "sudo usermod -aG video,gpio pi, then log in again");
    let (_root, host) = user("44", "video:x:44:\n");
    let (found, fix) = wrong(access::groups(&host, &config));
    assert_eq!(found, "there is no group i2c, gpio");
    assert!(fix.contains("sysusers"), "{fix}");
}

#[test]
fn only_what_is_used_needs_a_group() {
    let (_root, host) = user("44", GROUP_FILE);
    let config = config("panel.enabled = false");
    assert_eq!(found(access::groups(&host, &config)), "pi is in video");
    let mut config = config;
    config.pins.led = Some(Pin { line: 4, active_low: false });
    assert_eq!(wrong(access::groups(&host, &config)).0, "pi is not in gpio");
    config.gpio.driver = emocue_config::Driver::None;
    assert_eq!(found(access::groups(&host, &config)), "pi is in video");
}

#[test]
fn root_is_told_who_the_service_is() {
    let (_root, host) =
        machine(&[("/proc/self/status", "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\n")]);
    assert!(found(access::groups(&host, &Config::default())).contains("emocue"));
}

#[test]
fn a_device_is_opened_before_its_driver_is_asked() {
    let (_root, mut host) = machine(&[
        ("/dev/video0", ""),
        ("/dev/i2c-1", ""),
        ("/dev/gpiochip0", ""),
        ("/dev/gpiochip11", ""),
    ]);
    let config = config("board = 'pi-5'\ncamera.source = 'v4l2:/dev/video0?size=640x480'");
    assert_eq!(found(access::camera(&host, None, &config, &probes())), "camera probed");
    assert_eq!(found(access::panel(&host, &config, &probes())), "panel probed");
    assert_eq!(found(access::pins(&host, &config, &probes())), "pins probed");

    host.open = |_| Err(io::ErrorKind::PermissionDenied.into());
    let (found, fix) = wrong(access::camera(&host, None, &config, &probes()));
    assert_eq!(found, "/dev/video0: permission denied");
    assert!(fix.contains("usermod -aG video"), "{fix}");
    assert!(wrong(access::panel(&host, &config, &probes())).1.contains("usermod -aG i2c"));
    assert!(wrong(access::pins(&host, &config, &probes())).1.contains("usermod -aG gpio"));

    host.open = |_| Err(io::ErrorKind::ResourceBusy.into());
    let (found, fix) = wrong(access::camera(&host, None, &config, &probes()));
    assert_eq!(found, "/dev/video0 is busy");
    assert!(fix.contains("fuser -v /dev/video0"), "{fix}");
}

#[test]
fn a_missing_camera_says_how_to_find_one_and_a_picture_is_none() {
    let (_root, host) = machine(&[]);
    let (found, fix) = wrong(access::camera(&host, None, &Config::default(), &probes()));
    assert_eq!(found, "/dev/video0 is not there");
    assert!(fix.contains("emocue-badge cameras") && fix.contains("pipe:rpicam"), "{fix}");
    let pipe = config("camera.source = 'pipe:rpicam'");
    assert_eq!(self::found(access::camera(&host, None, &pipe, &probes())), "camera probed");
    let picture = config("camera.source = 'portraits'\npanel.enabled = false");
    assert!(is_skipped(&access::camera(&host, None, &picture, &probes())));
    assert!(is_skipped(&access::panel(&host, &picture, &probes())));
    assert!(is_skipped(&access::pins(&host, &picture, &probes())));
}
