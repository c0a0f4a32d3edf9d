use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use emocue_models::label::Expression;
use tempfile::TempDir;

use super::*;
use emocue_config::Pin;
use emocue_run::SelfTestError;

mod devices;

const PI_4_CPU: &str = "processor\t: 0\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU part\t: 0xd08\n\n\
                        processor\t: 1\nFeatures\t: fp asimd evtstrm crc32 cpuid\nCPU part\t: 0xd08\n\n\
                        Model\t\t: Raspberry Pi 4 Model B Rev 1.4\n";

/// A machine made of files.
fn machine(files: &[(&str, &str)]) -> (TempDir, Host) {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let open = |path: &Path| fs::metadata(path).map(drop);
    let host = Host { root: root.path().to_owned(), variable: |_| None, open };
    (root, host)
}

fn config(text: &str) -> Config {
    Config::parse("test", text).unwrap_or_else(|error| panic!("{error}"))
}

/// Results that no other check gives.
fn probes() -> Probes<'static> {
    Probes {
        camera: &|_| CheckOutcome::ok("camera probed"),
        panel: &|_| CheckOutcome::ok("panel probed"),
        screen: &|_| CheckOutcome::ok("screen probed"),
        pins: &|_| CheckOutcome::ok("pins probed"),
    }
}

fn found(outcome: CheckOutcome) -> String {
    match outcome {
        CheckOutcome::Ok { found } => found,
        other => panic!("{other:?}"),
    }
}

fn wrong(outcome: CheckOutcome) -> (String, String) {
    match outcome {
        CheckOutcome::Problem { found, fix } => (found, fix),
        other => panic!("{other:?}"),
    }
}

fn is_skipped(outcome: &CheckOutcome) -> bool {
    matches!(outcome, CheckOutcome::Skip { .. })
}

#[test]
fn slots_and_the_link_tell_what_starts_and_who_may_speak() {
    let (_root, host) = machine(&[("/dev/ttyGS0", "")]);
    let text = found(slots::check(&host, &Config::default()));
    assert!(text.contains("the embedded bundle, starts next"), "{text}");
    assert!(is_skipped(&access::link(&host, &Config::default())));
    let linked = config("link.port = '/dev/ttyGS0'");
    assert!(found(access::link(&host, &linked)).contains("/dev/ttyGS0"));
    let (text, fix) = wrong(access::link(&host, &config("link.port = '/dev/ttyGS1'")));
    assert!(text.contains("/dev/ttyGS1 is not there") && fix.contains("g_serial"), "{text} {fix}");
    let silent = config("camera.source = 'portraits'\nlink.port = '/dev/ttyGS0'");
    let (text, fix) = wrong(access::link(&host, &silent));
    assert!(
        text.contains("no badge answers at /dev/ttyGS0") && fix.contains("v4l2:"),
        "{text} {fix}"
    );
    let (_root, host) = machine(&[("/var/lib/emocue/slots/state", "damaged")]);
    let (text, fix) = wrong(slots::check(&host, &Config::default()));
    assert!(text.contains("state is damaged") && fix.contains("emocue flash"), "{text} {fix}");
}

#[test]
fn an_empty_machine_skips_what_it_cannot_tell_and_misses_its_devices() {
    let (_root, host) = machine(&[]);
    let config = config("board = 'pi-4'");
    for outcome in [
        machine::board(&host, &config),
        machine::cpu(&host),
        machine::heat(&host, &config),
        machine::power(&host),
        machine::memory(&host),
        access::groups(&host, &config),
        service::check(&host),
    ] {
        assert!(is_skipped(&outcome), "{outcome:?}");
    }
    let (found, fix) = wrong(access::panel(&host, &config, &probes()));
    assert_eq!(found, "/dev/i2c-1 is not there");
    assert!(fix.contains("raspi-config"), "{fix}");
    let (found, _) = wrong(access::pins(&host, &config, &probes()));
    assert_eq!(found, "there is no /dev/gpiochip*");
}

#[test]
fn a_profile_of_another_board_is_noticed() {
    let (_root, host) = machine(&[("/proc/device-tree/model", "Raspberry Pi 5 Model B Rev 1.0\0")]);
    let (found, fix) = wrong(machine::board(&host, &config("board = 'pi-4'")));
    assert_eq!(found, "this is a Raspberry Pi 5 Model B Rev 1.0, configured as pi-4");
    assert_eq!(fix, "write board = \"pi-5\"");
    let (_, fix) = wrong(machine::board(&host, &Config::default()));
    assert!(fix.contains("board = \"pi-5\""), "{fix}");
    let outcome = machine::board(&host, &config("board = 'pi-5'"));
    assert_eq!(self::found(outcome), "Raspberry Pi 5 Model B Rev 1.0");
    for (model, name) in [
        ("Raspberry Pi Zero 2 W Rev 1.0", "pi-zero-2w"),
        ("Raspberry Pi 3 Model B Plus Rev 1.3", "pi-3"),
        ("NVIDIA Jetson Nano Developer Kit", "jetson-nano"),
        ("NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super", "jetson-orin"),
        ("NVIDIA Jetson Orin NX Engineering Reference Developer Kit", "jetson-orin"),
    ] {
        let (_root, host) = machine(&[("/proc/device-tree/model", model)]);
        let config = config(&format!("board = '{name}'"));
        assert_eq!(self::found(machine::board(&host, &config)), model);
    }
}

#[test]
fn a_classroom_s_screen_is_looked_at_on_any_board() {
    let model = "Raspberry Pi 5 Model B Rev 1.0";
    let (_root, host) = machine(&[("/proc/device-tree/model", model), ("/dev/fb0", "")]);
    let classroom = config("board = 'classroom'");
    assert_eq!(found(machine::board(&host, &classroom)), model);
    assert_eq!(found(access::screen(&host, &classroom, &probes())), "screen probed");
    assert!(is_skipped(&access::screen(&host, &Config::default(), &probes())));
    let other = config("screen = { enabled = true, framebuffer = '/dev/fb1' }");
    let (text, fix) = wrong(access::screen(&host, &other, &probes()));
    assert!(text == "/dev/fb1 is not there" && fix.contains("ls /dev/fb*"), "{text} {fix}");
}

#[test]
fn a_voice_needs_its_player_and_its_files() {
    let speaking = config("voice.enabled = true");
    let files: Vec<_> = Expression::ALL
        .iter()
        .map(|expression| format!("/etc/emocue/voice/{}.wav", expression.name()))
        .collect();
    let on = |files: &[&str]| {
        let files: Vec<_> = files.iter().map(|file| (*file, "")).collect();
        let (root, host) = machine(&files);
        (root, Host { variable: |_| Some("/sbin:/usr/bin".to_owned()), ..host })
    };
    assert!(is_skipped(&voice::check(&on(&[]).1, &Config::default())));
    let (text, fix) = wrong(voice::check(&on(&[]).1, &speaking));
    assert!(text.contains("aplay") && fix.contains("apt install alsa-utils"), "{text} {fix}");
    let mut all: Vec<_> = files.iter().map(String::as_str).collect();
    all.push("/usr/bin/aplay");
    let (_root, host) = on(&all);
    assert!(found(voice::check(&host, &speaking)).contains("/etc/emocue/voice"));
    all.retain(|file| !file.contains("fear"));
    let (_root, host) = on(&all);
    let (text, fix) = wrong(voice::check(&host, &speaking));
    assert!(text.ends_with("has no fear.wav"), "{text}");
    assert!(fix.contains("emocue voice --language en"), "{fix}");
}

#[test]
fn a_processor_is_named_with_what_suits_it() {
    let cpu = |text: &str| {
        let (_root, host) = machine(&[("/proc/cpuinfo", text)]);
        machine::cpu(&host)
    };
    let text = found(cpu(PI_4_CPU));
    assert!(text.starts_with("2 x Cortex-A72, NEON; networks in 8-bit integers"), "{text}");
    let a76 = "processor : 0\nFeatures : fp asimd asimdhp asimddp\nCPU part : 0xd0b\n";
    let text = found(cpu(a76));
    assert!(text.starts_with("1 x Cortex-A76, NEON with half floats and dot products"), "{text}");
    let server = "processor : 0\nmodel name : Some Server\nflags : fpu sse2 avx2 avx512_vnni\n";
    assert!(found(cpu(server)).starts_with("1 x Some Server, AVX-512 VNNI;"));
    let old =
        "processor : 0\nmodel name : ARMv6-compatible processor rev 7 (v6l)\nFeatures : half vfp\n";
    let (found, fix) = wrong(cpu(old));
    assert_eq!(found, "1 x ARMv6-compatible processor rev 7 (v6l), no NEON");
    assert!(fix.contains("Zero 2 W"), "{fix}");
}

#[test]
fn heat_is_that_of_the_hottest_sensor_that_can_be_believed() {
    let zones = |cpu: &str| {
        machine(&[
            ("/sys/class/thermal/thermal_zone0/type", "CPU-therm\n"),
            ("/sys/class/thermal/thermal_zone0/temp", cpu),
            ("/sys/class/thermal/thermal_zone1/type", "PMIC-Die\n"),
            ("/sys/class/thermal/thermal_zone1/temp", "100000\n"),
            ("/sys/class/thermal/thermal_zone2/type", "odd\n"),
            ("/sys/class/thermal/thermal_zone2/temp", "-256000\n"),
            ("/sys/class/thermal/thermal_zone3/type", "silent\n"),
        ])
    };
    let config = Config::default();
    let (_root, host) = zones("48312\n");
    assert_eq!(found(machine::heat(&host, &config)), "48 degrees Celsius");
    let (_root, host) = zones("72000\n");
    assert!(wrong(machine::heat(&host, &config)).0.ends_with("half of all frames is looked at"));
    let (_root, host) = zones("79000\n");
    assert!(
        wrong(machine::heat(&host, &config)).0.ends_with("a quarter of all frames is looked at")
    );
}

#[test]
fn under_voltage_is_told_from_any_soc_s_firmware() {
    let power = |soc: &str, bits: &str| {
        let path = format!("/sys/devices/platform/{soc}/{soc}:firmware/get_throttled");
        let (_root, host) = machine(&[(&path, bits)]);
        machine::power(&host)
    };
    assert_eq!(found(power("soc", "0\n")), "enough since it started");
    assert_eq!(wrong(power("soc", "50005\n")).0, "under-voltage, throttling, now");
    let before = wrong(power("soc@107c000000", "50000\n")).0;
    assert_eq!(before, "under-voltage, throttling, since it started");
    assert!(is_skipped(&power("soc", "none\n")));
}

#[test]
fn little_memory_and_a_full_card_are_problems() {
    let (_root, host) = machine(&[("/proc/meminfo", "MemTotal: 1 kB\nMemAvailable:  102400 kB\n")]);
    assert_eq!(found(machine::memory(&host)), "100 MB available");
    let (_root, host) = machine(&[("/proc/meminfo", "MemAvailable: 20480 kB\n")]);
    assert!(wrong(machine::memory(&host)).0.starts_with("20 MB available"));
    assert!(found(machine::room(64 << 20)).starts_with("64 MB free"));
    assert!(wrong(machine::room(3 << 20)).0.starts_with("3 MB free"));
    assert!(!is_skipped(&machine::space(&host)) || cfg!(not(unix)));
}

#[test]
fn the_service_is_found_installed_enabled_or_running() {
    let unit = ("/etc/systemd/system/emocue-badge.service", "");
    let systemd = ("/run/systemd/system/x", "");
    let (_root, host) = machine(&[systemd]);
    assert!(is_skipped(&service::check(&host)));
    let (_root, host) = machine(&[systemd, unit]);
    assert!(wrong(service::check(&host)).1.contains("systemctl enable --now"));
    let wants = ("/etc/systemd/system/multi-user.target.wants/emocue-badge.service", "");
    let (_root, mut host) = machine(&[systemd, unit, wants]);
    assert!(found(service::check(&host)).contains("starts with the system"));
    host.variable = |name| match name {
        "WATCHDOG_USEC" => Some("15000000".to_owned()),
        _ => Some("/run/systemd/notify".to_owned()),
    };
    assert!(found(service::check(&host)).contains("after 15 s of silence"));
    host.variable = |name| (name == "NOTIFY_SOCKET").then(String::new);
    assert!(wrong(service::check(&host)).1.contains("WatchdogSec="));
}

#[test]
fn the_networks_inside_this_program_pass_and_a_missing_bundle_does_not() {
    let text = found(model::check(None));
    assert!(text.contains("both portraits as expected"), "{text}");
    let (text, fix) = wrong(model::check(Some(Path::new("no/such.emocue"))));
    assert!(text.contains("no/such.emocue") && fix.contains("[look]"), "{text}; {fix}");
    let expected = Expression::Happiness;
    let error = SelfTestError::Answer { portrait: "a.jpg", answer: None, expected };
    assert_eq!(error.to_string(), "a.jpg: unsure instead of happiness");
}

#[test]
fn findings_are_lines_or_json_and_a_wrong_file_is_one_of_them() {
    let (root, host) = machine(&[("/etc/emocue.toml", "[camera]\nsorce = 1\n")]);
    let file = root.path().join("etc/emocue.toml");
    let findings = examine(Some(&file), &host, &probes());
    let mut out = Vec::new();
    findings.write_lines(&mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let place = format!("problem  config   {}:2:1: unknown key \"sorce\"", file.display());
    assert!(text.starts_with(&place), "{text}");
    assert!(text.contains("\n                  fix: correct it"), "{text}");
    assert!(text.contains("\nok       model    bundle "), "{text}");
    assert!(text.contains("\nskip     pins     "), "{text}");
    assert!(text.ends_with(&format!("{} problems\n", findings.problems())), "{text}");
    assert!(findings.problems() >= 2);

    let mut out = Vec::new();
    findings.write_json(&mut out).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(json["checks"][0]["name"], "config");
    assert_eq!(json["checks"][0]["outcome"], "problem");
    assert!(json["checks"][0]["mend"].is_string());
    assert_eq!(json["checks"].as_array().unwrap().len(), findings.checks.len());
}

#[test]
fn the_doctor_checks_what_the_badge_runs_with_and_says_what_came_by_cable() {
    let text = "[camera]\nsource = 'v4l2:/dev/video0'\n[link]\nport = '/dev/ttyGS0'\n";
    let (root, host) = machine(&[("/etc/emocue.toml", text), ("/dev/video1", "")]);
    let file = root.path().join("etc/emocue.toml");
    let check = |name: &str| {
        let checks = examine(Some(&file), &host, &probes()).checks;
        checks.into_iter().find(|check| check.name == name).unwrap().outcome
    };
    assert!(is_skipped(&check("settings")));
    assert_eq!(wrong(check("camera")).0, "/dev/video0 is not there");

    let state = root.path().join("var/lib/emocue");
    let put = |head: &str, text: &str| {
        fs::create_dir_all(&state).unwrap();
        fs::write(state.join("settings.toml"), format!("{head}\n{text}")).unwrap();
    };
    let head = format!(
        "# came through the link, over the configuration with SHA-256 {}",
        emocue_models::bundle::Sha256::of(text.as_bytes())
    );
    put(&head, "[camera]\nsource = 'v4l2:/dev/video1'\n[pace]\nfps = 5.0\n");
    assert_eq!(found(check("camera")), "camera probed");
    let place = state.join("settings.toml");
    let by_cable =
        format!("camera.source, pace.fps: from {}, over {}", place.display(), file.display());
    assert_eq!(found(check("settings")), by_cable);
    fs::write(state.join("settings.before"), "").unwrap();
    assert!(found(check("settings")).contains("on trial"));

    // The doctor ignores what the badge ignores.
    for (head, text, why) in [
        (head.as_str(), "[pace]\nfps = 500.0\n", "settings.toml:2"),
        (head.as_str(), "[camera]\nsource = 'pipe:touch planted'\n", "through a cable"),
        ("# another configuration", "[pace]\nfps = 5.0\n", "was changed after them"),
    ] {
        put(head, text);
        let (found, fix) = wrong(check("settings"));
        assert!(found.contains(why) && fix.contains("emocue flash"), "{found}; {fix}");
        assert_eq!(wrong(check("camera")).0, "/dev/video0 is not there");
    }
}

#[test]
fn a_badge_without_fault_has_no_problem() {
    let checks = vec![Check { name: "cpu", outcome: CheckOutcome::ok("fine") }];
    let findings = Findings { checks };
    assert_eq!(findings.problems(), 0);
    let mut out = Vec::new();
    findings.write_lines(&mut out).unwrap();
    assert_eq!(String::from_utf8(out).unwrap(), "ok       cpu      fine\nno problem found\n");
}
