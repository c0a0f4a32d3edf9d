//! New bundles with the real program: over the link, from a card, by hand; refusals, and recovery after a crash.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod lab;

use std::fs::{self, File};
use std::io::Write as _;
use std::ops::ControlFlow;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use emocue_link::Client;
use emocue_link::client::{ClientError, ClientSettings};
use emocue_link::message::{BadgeStatus, BundleSource, CameraState, FileKind, Progress};
use emocue_link::transport::Streams;
use emocue_models::bundle::{SecretKey, Sha256};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use self::lab::{Lab, PATIENCE, done, send, text, until, wait};

#[test]
fn a_bundle_comes_over_the_link_runs_on_trial_is_kept_and_after_damage_the_program_s_own_returns() {
    let lab = Lab::new();
    let badge = lab.start();
    let mut host = lab.host();
    let first = host.client.status().unwrap();
    assert_eq!((first.running, first.bundle.as_str()), (BundleSource::Embedded, "default"));
    let done = send(&mut host.client, FileKind::Bundle, &lab.release(900));
    assert!(done.as_ref().unwrap().contains("slot a"), "{done:?}");
    let runs =
        |status: &BadgeStatus| (status.running, status.content_version) == (BundleSource::A, 900);
    until(&mut host.client, "the new bundle runs", runs);
    until(&mut host.client, "it is kept", |status| runs(status) && status.trial.is_none());
    let log: String = host.client.log(0).unwrap().iter().map(|l| l.text.clone() + "\n").collect();
    assert!(log.contains("runs slot a: default 900, on trial, 2 starts left"), "{log}");
    assert!(log.contains("slot a ran well and is confirmed"), "{log}");
    drop(host);
    badge.kill();

    let file = lab.at("state/slots/a.emocue");
    let mut bytes = fs::read(&file).unwrap();
    bytes[700_000] ^= 4;
    fs::write(&file, bytes).unwrap();
    let badge = lab.start();
    let mut host = lab.host();
    let status = until(&mut host.client, "it runs", |status| !status.bundle.is_empty());
    assert_eq!(status.running, BundleSource::Embedded);
    assert_eq!(status.faults, 1);
    let told = badge.kill();
    assert!(told.contains("slot a cannot be used") && told.contains("is damaged"), "{told}");
    assert!(told.contains("runs the embedded bundle"), "{told}");
}

#[test]
fn a_serial_transfer_that_breaks_off_goes_on_after_a_crash() {
    let lab = Lab::new();
    // The port exists before the badge starts, as that of a USB gadget.
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let port = ptsname(&controller, Vec::new()).unwrap().into_string().unwrap();
    lab.configure(&[lab.key.public().to_string()], &port, 1);
    // While it is held open, the pair outlives a badge that is killed.
    let held = File::options().read(true).write(true).open(&port).unwrap();
    let controller = File::from(controller);
    let connect = || {
        let streams =
            Streams::new(controller.try_clone().unwrap(), controller.try_clone().unwrap());
        Client::connect(streams, ClientSettings { connect: PATIENCE, ..ClientSettings::default() })
            .unwrap()
    };
    let badge = lab.start();
    let mut client = connect();
    let bytes = fs::read(lab.release(900)).unwrap();
    let broken = client.send(FileKind::Bundle, &bytes, &mut |offset| match offset {
        0..600_000 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    });
    assert!(matches!(broken, Err(ClientError::Stopped)), "{broken:?}");
    badge.kill();
    let badge = lab.start();
    // A reader thread of the first client still waits for bytes, and would read some of the second's.
    client.status().unwrap_or_else(|error| panic!("{error}"));
    let mut first = None;
    client
        .send(FileKind::Bundle, &bytes, &mut |offset| {
            first.get_or_insert(offset);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(first.unwrap() > 500_000, "it went on from {first:?}");
    done(&mut client).unwrap();
    until(&mut client, "the new bundle runs", |status| status.content_version == 900);
    client.self_test().unwrap();
    assert!(done(&mut client).unwrap().contains("as expected"));
    // The wearer has to agree, and this badge has no button.
    client.rollback().unwrap();
    let refused = done(&mut client).unwrap_err();
    assert!(refused.contains("keeps its bundle") && refused.contains("no button"), "{refused}");
    assert_eq!(client.status().unwrap().content_version, 900);
    assert!(lab.slot(&["rollback"], None).status.success());
    until(&mut client, "the one before runs", |status| status.running == BundleSource::Embedded);
    drop((badge, held));
}

#[test]
fn the_service_manager_hears_of_an_end_only_at_the_end() {
    let lab = Lab::new();
    let address = lab.at("notify");
    let manager = UnixDatagram::bind(&address).unwrap();
    let badge = lab.start_for(Some(&address));
    let mut host = lab.host();
    send(&mut host.client, FileKind::Bundle, &lab.release(900)).unwrap();
    let runs = |status: &BadgeStatus| status.content_version == 900 && status.fps_milli > 0;
    until(&mut host.client, "the new bundle runs", runs);
    manager.set_nonblocking(true).unwrap();
    let mut message = [0; 256];
    let mut heard = String::new();
    while let Ok(length) = manager.recv(&mut message) {
        heard += &String::from_utf8_lossy(&message[..length]);
    }
    assert!(heard.contains("READY=1") && !heard.contains("STOPPING=1"), "{heard}");
    drop(host);
    badge.terminate();
    let length = manager.recv(&mut message).unwrap();
    assert!(message[..length].starts_with(b"STOPPING=1"));
}

#[test]
fn a_second_program_leaves_the_folder_of_a_badge_alone() {
    let lab = Lab::new();
    let _badge = lab.start();
    let mut host = lab.host();
    send(&mut host.client, FileKind::Bundle, &lab.release(900)).unwrap();
    until(&mut host.client, "the new bundle runs", |status| status.content_version == 900);
    let paths = ["state/slots/state", "state/settings.before"].map(|file| lab.at(file));
    fs::write(&paths[1], "").unwrap();
    let before = paths.each_ref().map(|path| fs::read(path).unwrap());
    let output = lab.command(&["run", "--limit", "1", "--display", "json"]).output().unwrap();
    let told = text(&output.stderr);
    assert!(output.status.success() && told.contains("the embedded bundle runs"), "{told}");
    // Nor does one give up settings of the badge that runs when it cannot run itself.
    let settings = fs::read_to_string(lab.at("emocue.toml")).unwrap();
    let pins = "\n[gpio]\nchip = \"/dev/none\"\n[pins]\nbutton = 3\n";
    fs::write(lab.at("other.toml"), settings + pins).unwrap();
    assert!(!lab.command_with("other.toml", &["run"]).output().unwrap().status.success());
    assert_eq!(paths.each_ref().map(|path| fs::read(path).unwrap()), before);
}

#[test]
fn keys_press_the_button_also_after_a_new_start_and_answer_questions() {
    let lab = Lab::new();
    let (badge, mut keys) = lab.start_with_keys();
    let mut host = lab.host();
    until(&mut host.client, "it streams", |status| status.fps_milli > 0);
    let threads = badge.threads();
    for release in [900, 901] {
        send(&mut host.client, FileKind::Bundle, &lab.release(release)).unwrap();
        let runs = |status: &BadgeStatus| status.content_version == release && status.fps_milli > 0;
        until(&mut host.client, "the new bundle runs", runs);
    }
    // Fewer than before if another visitor was still connected then.
    wait("no thread is left over", || (badge.threads() <= threads).then_some(()));
    for state in [CameraState::Paused, CameraState::Streaming] {
        keys.write_all(b"l\n").unwrap();
        let what = format!("one press is enough for {state:?}");
        until(&mut host.client, &what, |status| status.state == state);
    }
    let settings = b"[led]\nbrightness = 50\n";
    host.client.send(FileKind::Config, settings, &mut |_| ControlFlow::Continue(())).unwrap();
    wait("the wearer is asked", || match host.client.progress().unwrap() {
        Progress::Asks(question) => Some(question),
        other => {
            assert_eq!(other, Progress::Working);
            None
        }
    });
}

#[test]
fn a_badge_without_a_button_takes_neither_a_first_key_nor_settings_over_the_link() {
    let lab = Lab::new();
    lab.configure(&[], "none", 1);
    let _badge = lab.start();
    let mut host = lab.host();
    let refused = send(&mut host.client, FileKind::Bundle, &lab.release(900));
    assert!(refused.as_ref().unwrap_err().contains("no button"), "{refused:?}");
    let before = fs::read(lab.at("emocue.toml")).unwrap();
    let mut settings = before.clone();
    settings.extend(b"[led]\nbrightness = 50\n");
    fs::write(lab.at("new.toml"), &settings).unwrap();
    let refused = send(&mut host.client, FileKind::Config, &lab.at("new.toml"));
    assert!(refused.as_ref().unwrap_err().contains("no button"), "{refused:?}");
    for (text, key) in [
        (format!("[update]\nkeys = [{:?}]\n", lab.key.public().to_string()), "update.keys"),
        ("[camera]\nsource = \"pipe:touch planted\"\n".to_owned(), "camera.source"),
    ] {
        fs::write(lab.at("new.toml"), text).unwrap();
        let refused = send(&mut host.client, FileKind::Config, &lab.at("new.toml")).unwrap_err();
        assert!(refused.contains(&format!("{key} cannot be changed through a cable")), "{refused}");
    }
    assert!(!lab.at("planted").exists());
    fs::write(lab.at("new.toml"), "[led]\nbrightness = 500\n").unwrap();
    let refused = send(&mut host.client, FileKind::Config, &lab.at("new.toml"));
    assert!(refused.as_ref().unwrap_err().contains("new configuration:2:14"), "{refused:?}");
    assert_eq!(fs::read(lab.at("emocue.toml")).unwrap(), before);
    assert_eq!(host.client.config().unwrap().into_bytes(), before);
    assert_eq!(host.client.status().unwrap().running, BundleSource::Embedded);
}

#[test]
fn settings_that_the_badge_cannot_run_with_make_way_for_those_before() {
    let lab = Lab::new();
    let (settings, before) = (lab.at("state/settings.toml"), lab.at("state/settings.before"));
    let text = fs::read_to_string(lab.at("emocue.toml")).unwrap();
    // As if a host had sent them and the wearer had agreed.
    let put = |settings_text: &str| {
        let hash = Sha256::of(text.as_bytes());
        let head = format!("# came through the link, over the configuration with SHA-256 {hash}\n");
        fs::create_dir_all(lab.at("state")).unwrap();
        fs::write(&settings, head + settings_text).unwrap();
        fs::write(&before, "").unwrap();
    };
    put("[gpio]\nchip = \"/dev/none\"\n[pins]\nbutton = 3\n");
    let badge = lab.start();
    let mut host = lab.host();
    assert_eq!(host.client.config().unwrap(), text);
    until(&mut host.client, "it streams", |status| status.fps_milli > 0);
    assert!(!before.exists());
    let log = host.client.log(0).unwrap();
    assert!(log.iter().any(|line| line.text.contains("returns to the settings before")), "{log:?}");
    drop((host, badge));
    // Working settings are confirmed after some time, and override the file, which is not changed.
    let works = "[pace]\nfps = 7.0\n";
    put(works);
    let badge = lab.start();
    let mut host = lab.host();
    wait("they are kept", || (!before.exists()).then_some(()));
    assert_eq!(host.client.config().unwrap(), works);
    assert_eq!(fs::read_to_string(lab.at("emocue.toml")).unwrap(), text);
    drop((host, badge));
    // A file that was changed since replaces them.
    fs::write(lab.at("emocue.toml"), format!("{text}# changed\n")).unwrap();
    let _badge = lab.start();
    let mut host = lab.host();
    assert!(host.client.config().unwrap().ends_with("# changed\n"));
    let log = host.client.log(0).unwrap();
    assert!(log.iter().any(|line| line.text.contains("was changed after them")), "{log:?}");
}

#[test]
fn while_one_host_sends_another_is_told_to_wait() {
    let lab = Lab::new();
    let _badge = lab.start();
    let (mut one, mut two) = (lab.host(), lab.host());
    let [first, second] = [900, 901].map(|version| fs::read(lab.release(version)).unwrap());
    let mut refused = None;
    one.client
        .send(FileKind::Bundle, &first, &mut |offset| {
            if offset > 100_000 && refused.is_none() {
                let sent =
                    two.client.send(FileKind::Bundle, &second, &mut |_| ControlFlow::Continue(()));
                refused = Some(sent.unwrap_err().to_string());
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(refused.as_ref().unwrap().contains("another host sends a file"), "{refused:?}");
    done(&mut one.client).unwrap();
    until(&mut two.client, "the first one's runs", |status| status.content_version == 900);
}

#[test]
fn a_bundle_that_lies_on_the_card_is_installed_at_the_start() {
    let lab = Lab::new();
    let incoming = lab.at("state/incoming");
    fs::create_dir_all(&incoming).unwrap();
    let stranger = SecretKey::from_seed(&[2; 32]);
    let file = incoming.join("bundle.emocue");
    fs::rename(lab.bundle(899, &stranger, |_| {}), &file).unwrap();
    let badge = lab.start();
    wait("it is refused and removed", || (!file.exists()).then_some(()));
    assert!(badge.kill().contains("runs the embedded bundle"));
    // A bundle that only lacks a press of the button, which this badge does not have, waits for the next start.
    lab.configure(&[], "none", 1);
    fs::rename(lab.release(900), &file).unwrap();
    let badge = lab.start();
    let mut host = lab.host();
    wait("it says why", || {
        let log = host.client.log(0).unwrap();
        log.iter().any(|line| line.text.contains("no button")).then_some(())
    });
    assert!(file.exists());
    drop((host, badge));
    lab.configure(&[lab.key.public().to_string()], "none", 1);
    let _badge = lab.start();
    let mut host = lab.host();
    until(&mut host.client, "it runs", |status| status.content_version == 900);
    wait("it is removed", || (!file.exists()).then_some(()));
}

#[test]
fn a_bundle_that_fails_every_start_makes_way_after_three() {
    let lab = Lab::new();
    assert!(lab.slot(&["install"], Some(&lab.release(900))).status.success());
    assert!(lab.slot(&["confirm"], None).status.success());
    assert!(lab.slot(&["install"], Some(&lab.release(901))).status.success());
    for runs in [
        "slot b: default 901, on trial, 2 ",
        "slot b: default 901, on trial, 1 ",
        "slot b: default 901, on trial, 0 ",
        "slot a: default 900",
    ] {
        let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/run/pictures");
        let output = lab
            .command(&["run", "--display", "json"])
            .args([Path::new("--camera"), &pictures])
            .output()
            .unwrap();
        let (told, lines) = (text(&output.stderr), text(&output.stdout));
        assert!(output.status.success(), "{told}");
        assert!(told.contains(&format!("runs {runs}")), "{told}");
        assert!(lines.contains("\"happiness\""), "{lines}");
    }
}

#[test]
fn the_command_line_tells_refusals_from_trouble_with_the_folder() {
    let lab = Lab::new();
    let stranger = lab.bundle(901, &SecretKey::from_seed(&[2; 32]), |_| {});
    let refused = lab.slot(&["install"], Some(&stranger));
    assert_eq!(refused.status.code(), Some(5), "{}", text(&refused.stderr));
    let unsure = lab.bundle(902, &lab.key, |manifest| manifest.classifier.threshold = 1.0);
    let refused = lab.slot(&["install"], Some(&unsure));
    assert_eq!(refused.status.code(), Some(5));
    assert!(
        text(&refused.stderr).contains("fails the self-test: astronaut.jpg: unsure"),
        "{}",
        text(&refused.stderr)
    );
    assert_eq!(lab.slot(&["rollback"], None).status.code(), Some(1));
    assert_eq!(lab.slot(&["confirm"], None).status.code(), Some(1));
    fs::write(lab.at("state"), "a file in its place").unwrap();
    let trouble = lab.slot(&["install"], Some(&lab.release(900)));
    assert_eq!(trouble.status.code(), Some(7), "{}", text(&trouble.stderr));
    let status = lab.slot(&["status", "--json"], None);
    assert!(text(&status.stdout).contains("\"slot\":\"embedded\""), "{}", text(&status.stdout));
    let link = lab.command(&["link"]).output().unwrap();
    assert_eq!(link.status.code(), Some(7), "{}", text(&link.stderr));
}
