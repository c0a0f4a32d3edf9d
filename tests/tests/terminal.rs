//! Control characters in text from a bundle, a card, a dataset, a file name, a badge or another program never reach the
//! terminal.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // helpers of tests

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use emocue_models::bundle::{Bundle, DEFAULT, SecretKey};

/// Sets the title and the clipboard (OSC), clears the screen (CSI, with one and with two bytes), rings the bell,
/// returns the carriage, and changes the text direction.
const EVIL: &str =
    "x\u{1b}]0;t\u{7}\u{1b}]52;c;AA==\u{1b}\\\u{1b}[2J\u{9b}31m\r\u{8}\u{202e}\u{2066}y";

/// The same text, escaped.
const ESCAPED: &str = "x\\u001b]0;t\\u0007\\u001b]52;c;AA==\\u001b\\\\u001b[2J\\u009b31m\\u000d\\u0008\\u202e\\u2066y";

/// A folder with malicious files.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let bundle = Bundle::read(DEFAULT).unwrap();
        let mut manifest = bundle.manifest().clone();
        manifest.name = format!("n{}", &EVIL[..20]);
        manifest.card = format!("# Card {EVIL}\n");
        manifest.provenance.insert("intended-use".to_owned(), EVIL.to_owned());
        manifest.metrics.insert(EVIL.to_owned(), 1.0);
        let payloads: Vec<_> = bundle.payloads().collect();
        let packed = Bundle::pack(manifest.clone(), &payloads).unwrap();
        let signed = Bundle::sign(&packed, &SecretKey::from_seed(&[7; 32])).unwrap();
        fs::write(at("evil.emocue"), signed).unwrap();
        // Badge and host refuse it with a message that has its name.
        manifest.classifier.threshold = 1.0;
        fs::write(at("unsure.emocue"), Bundle::pack(manifest, &payloads).unwrap()).unwrap();
        fs::write(at("cells.csv"), format!("emotion,pixels,Usage\n\"{EVIL}\",1 2,Training\n"))
            .unwrap();
        fs::create_dir_all(at("classes").join(EVIL)).unwrap();
        fs::write(at("classes").join(EVIL).join("a.png"), b"no picture").unwrap();
        fs::write(at(&format!("{EVIL}.jpg")), b"no picture").unwrap();
        fs::write(at("emocue.toml"), format!("[camera]\nsource = \"{}\"\n", "portraits")).unwrap();
        let ssh = at("ssh");
        fs::write(&ssh, format!("#!/bin/sh\nprintf '%s\\n' '{EVIL}' >&2\nexit 255\n")).unwrap();
        fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn run(&self, program: &str, words: &[&str]) -> Output {
        let mut command = Command::new(beside(program));
        command.current_dir(self.0.path()).env("EMOCUE_SSH", self.0.path().join("ssh"));
        command.args(words).output().unwrap()
    }
}

/// The path of a program of this build.
fn beside(name: &str) -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    deps.ancestors().nth(2).map(|folder: &Path| folder.join(name)).unwrap()
}

#[test]
fn nothing_from_elsewhere_steers_the_terminal() {
    let place = Place::new();
    let picture = format!("{EVIL}.jpg");
    let missing = format!("{EVIL}.onnx");
    let ssh = "ssh://pi@badge";
    let state = ["--state", "state"];
    let paths: &[(&str, &[&str], bool)] = &[
        ("emocue", &["bundle", "show", "evil.emocue"], true),
        ("emocue", &["bundle", "show", "evil.emocue", "--card"], true),
        ("emocue", &["bundle", "show", "evil.emocue", "--json"], true),
        ("emocue", &["bundle", "card", "evil.emocue"], true),
        ("emocue", &["bundle", "verify", "evil.emocue"], true),
        ("emocue", &["bundle", "sign", "unsure.emocue", "--key", &missing, "-o", "s.emocue"], true),
        ("emocue", &["data", "summary", "--data", "cells.csv"], false),
        ("emocue", &["data", "summary", "--data", "classes"], true),
        ("emocue", &["data", "prepare", "--input", "classes", "--out", "faces"], false),
        ("emocue", &["eval", "--model", &missing, "--data", "classes"], true),
        ("emocue", &["flash", "--to", ssh, "--config", "emocue.toml", "--yes"], true),
        ("emocue", &["monitor", "--on", ssh, "--once"], true),
        ("emocue", &[EVIL], false),
        ("emocue-badge", &["run", "--camera", &picture, "--display", "json"], true),
        ("emocue-badge", &["run", "--bundle", "evil.emocue", "--camera", "portraits"], false),
        (
            "emocue-badge",
            &["run", "--camera", "pipe:printf '\\033]0;t\\007\\033[2J' >&2; exit 3"],
            false,
        ),
        ("emocue-badge", &["slot", "install", "evil.emocue", state[0], state[1]], false),
        ("emocue-badge", &["slot", "install", "unsure.emocue", state[0], state[1]], false),
        ("emocue-badge", &["slot", "status", state[0], state[1]], false),
        ("emocue-badge", &["config", "check", &missing], true),
        ("emocue-badge", &["doctor", "--config", &missing], true),
    ];
    for (program, words, quotes) in paths {
        let output = place.run(program, words);
        let printed = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&printed).into_owned();
        let steers = text.chars().find(|c| {
            c.is_control() && !matches!(c, '\n' | '\t') || matches!(c, '\u{202e}' | '\u{2066}')
        });
        assert_eq!(steers, None, "{words:?}: {text:?}");
        assert!(!text.is_empty() || output.status.success(), "{words:?} says nothing");
        let part = &ESCAPED[..ESCAPED.len().min(20)];
        assert!(!quotes || text.contains(part) || text.contains("\\u{1b}"), "{words:?}: {text}");
    }
}

/// What a stranger's bundle is meant for stays on its line, so that it cannot claim another signer.
#[test]
fn a_bundle_cannot_print_a_line_of_its_own() {
    let evil = Place::new();
    let trusted = SecretKey::from_seed(&[9; 32]).public();
    let claim = format!("practice\nsigned by {trusted}");
    let bundle = Bundle::read(DEFAULT).unwrap();
    let payloads: Vec<_> = bundle.payloads().collect();
    let mut manifest = bundle.manifest().clone();
    manifest.provenance.insert("intended-use".to_owned(), claim.clone());
    let packed = Bundle::pack(manifest, &payloads).unwrap();
    let signed = Bundle::sign(&packed, &SecretKey::from_seed(&[7; 32])).unwrap();
    fs::write(evil.0.path().join("claim.emocue"), signed).unwrap();
    fs::create_dir_all(evil.0.path().join("root/etc")).unwrap();
    for words in [
        &["bundle", "verify", "claim.emocue"][..],
        &["bundle", "show", "claim.emocue"],
        &["flash", "--to", "root", "--bundle", "claim.emocue", "--dry-run"],
    ] {
        let output = evil.run("emocue", words);
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        let forged = format!("signed by {trusted}");
        assert!(printed.lines().all(|line| !line.trim().starts_with(&forged)), "{printed}");
    }
    let verified = evil.run("emocue", &["bundle", "verify", "claim.emocue"]);
    let printed = String::from_utf8(verified.stdout).unwrap();
    assert!(
        printed.contains(&format!("meant for: practice\\u000asigned by {trusted}")),
        "{printed}"
    );
}
