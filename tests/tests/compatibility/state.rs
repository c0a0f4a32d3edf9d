//! A badge's state folder: slots, keys, questions, what comes over the cable.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use emocue_link::inbox::Inbox;
use emocue_link::message::FileKind;
use serde_json::Value;

use crate::place::{Place, bytes, json, kept, says, secret, text};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A badge's state folder as it was after one of the steps that `make.py` took.
fn state(step: &str) -> Place {
    let place = Place::with(&[]);
    fs::create_dir_all(place.at("state/slots")).unwrap();
    let key = secret().public();
    let state = place.at("state");
    let config =
        format!("panel.enabled = false\n[update]\nkeys = [\"{key}\"]\nstate = {state:?}\n");
    fs::write(place.at("emocue.toml"), config).unwrap();
    for version in [900, 901] {
        fs::write(place.at(&format!("{version}.emocue")), place.release(version)).unwrap();
    }
    if !step.is_empty() {
        fs::copy(kept(&format!("state/{step}/pointer")), place.at("state/slots/state")).unwrap();
        let both = !matches!(step, "1-trial" | "2-kept");
        fs::copy(place.at("900.emocue"), place.at("state/slots/a.emocue")).unwrap();
        if both {
            fs::copy(place.at("901.emocue"), place.at("state/slots/b.emocue")).unwrap();
        }
    }
    place
}

/// What the pointer's file says, below its check sum.
fn pointer(text: &str) -> Value {
    serde_json::from_str(text.split_once('\n').unwrap().1).unwrap()
}

const AT: [&str; 2] = ["--config", "emocue.toml"];

#[test]
fn state_folders_say_the_same() {
    let mut count = 0;
    for entry in fs::read_dir(kept("state")).unwrap().map(|entry| entry.unwrap()) {
        if !entry.path().is_dir() {
            continue;
        }
        let step = entry.file_name().into_string().unwrap();
        let status = state(&step).badge(&[["slot", "status", "--json"].as_slice(), &AT].concat());
        let mut old = json(&format!("state/{step}/status.json"));
        let notes = old["notes"].as_array().unwrap().len();
        let now: Value = serde_json::from_str(&status).unwrap();
        assert_eq!(now["notes"].as_array().unwrap().len(), notes, "{step}: {status}");
        // Texts for people, and the release that is embedded in this program.
        old["notes"] = now["notes"].clone();
        if old["next"]["slot"] == "embedded" {
            old["next"]["content_version"] = now["next"]["content_version"].clone();
        }
        says(&now, &old, 0.0, &step).unwrap();
        count += 1;
    }
    assert_eq!(count, 9);
}

#[test]
fn every_step_of_an_update_leads_to_the_same_state() {
    let start = ["run", "--display", "json", "--camera", "portraits"].as_slice();
    for (from, verb, to) in [
        ("", ["slot", "install", "900.emocue"].as_slice(), "1-trial"),
        ("1-trial", &["slot", "confirm"], "2-kept"),
        ("2-kept", &["slot", "install", "901.emocue"], "3-second-on-trial"),
        ("3-second-on-trial", start, "4-started-once"),
        ("4-started-once", &["slot", "confirm"], "5-second-kept"),
        ("5-second-kept", &["slot", "rollback"], "6-back"),
        ("6-back", &["slot", "rollback"], "7-back-again"),
        ("8-damaged", start, "9-recovered"),
    ] {
        let place = state(from);
        place.badge(&[verb, &AT].concat());
        let old = text(&format!("state/{to}/pointer"));
        says(&pointer(&place.read("state/slots/state")), &pointer(&old), 0.0, to).unwrap();
    }
    let refused = state("7-back-again")
        .run("emocue-badge", &[["slot", "install", "900.emocue"].as_slice(), &AT].concat());
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
}

#[test]
fn a_key_that_the_wearer_accepted_is_trusted() {
    let place = state("");
    let install = ["slot", "install", "900.emocue", "--state", "state"];
    let refused = place.run("emocue-badge", &install);
    assert_eq!(refused.status.code(), Some(8), "{refused:?}");
    fs::copy(kept("state/keys"), place.at("state/keys")).unwrap();
    place.badge(&install);
}

/// Killed when a test ends, however it does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_question_is_answered_as_before() {
    let place = state("");
    fs::write(place.at("header"), "YUV4MPEG2 W64 H64 F25:1 Cmono XCOLORRANGE=FULL\n").unwrap();
    fs::write(place.at("frame"), [b"FRAME\n".as_slice(), &[0; 64 * 64]].concat()).unwrap();
    let camera = "pipe:cat header; while cat frame; do :; done";
    let mut command =
        place.command("emocue-badge", &["run", "--camera", camera, "--display", "json"]);
    let badge = command.args(AT).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let _badge = Running(badge);
    let start = Instant::now();
    let wait = |what: &str, there: &dyn Fn() -> bool| {
        while !there() {
            assert!(start.elapsed() < PATIENCE, "{what}: never");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let locked =
        || File::open(place.at("state/run.lock")).is_ok_and(|file| file.try_lock().is_err());
    wait("the badge runs", &locked);
    fs::write(place.at("state/ask.new"), bytes("state/ask")).unwrap();
    // A badge that starts removes what was asked before, so it may have to be asked again.
    wait("it answers", &|| {
        let answered = place.at("state/answer").exists();
        if !answered && !place.at("state/ask").exists() {
            let _ = fs::copy(place.at("state/ask.new"), place.at("state/ask"));
        }
        answered
    });
    assert_eq!(place.json("state/answer"), json("state/answer"));
}

#[test]
fn a_transfer_that_broke_off_goes_on() {
    let place = Place::with(&[]);
    let told = json("state/incoming.json");
    let number = |key: &str| u32::try_from(told[key].as_u64().unwrap()).unwrap();
    let digits = told["sha256"].as_str().unwrap();
    let sha256 =
        std::array::from_fn(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap());
    let begin = |sha256| {
        fs::copy(kept("state/incoming.info"), place.at("incoming.info")).unwrap();
        fs::write(place.at("incoming.part"), vec![0; number("offset") as usize + 1000]).unwrap();
        Inbox::new(place.0.path()).begin(FileKind::Bundle, number("bytes"), sha256).unwrap()
    };
    assert_eq!(begin(sha256), number("offset"));
    assert_eq!(begin([0; 32]), 0, "another file begins anew");
}
