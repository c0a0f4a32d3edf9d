//! `emocue voice`, with a script in espeak-ng's place.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a panic fails its test")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// A fake espeak-ng that writes its arguments into a file with a WAV header.
const SPEAKER: &str = "#!/bin/sh
[ \"$2\" = xx ] && { echo 'Error: The specified espeak-ng voice does not exist.' >&2; exit 1; }
printf 'RIFF....WAVEfmt 12345678901234567890123456789012 %s %s' \"$2\" \"$6\" >\"$4\"
";

/// Runs the program with `folder` as its only PATH.
fn emocue(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    command.current_dir(folder).env("PATH", folder.join("bin"));
    command.args(line.split_whitespace()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn with_speaker() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    let program = folder.path().join("bin/espeak-ng");
    let file = fs::File::options().write(true).create_new(true).mode(0o755).open(program);
    file.unwrap().write_all(SPEAKER.as_bytes()).unwrap();
    folder
}

#[test]
fn a_language_becomes_a_file_for_every_answer() {
    let folder = with_speaker();
    let done = emocue(folder.path(), "voice --language de --to made/voice");
    let told = text(&done.stdout);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(told.matches(".wav").count(), 9, "{told}");
    assert!(told.contains("made/voice/happiness.wav  \"wirkt fröhlich\""), "{told}");
    let sound = text(&fs::read(folder.path().join("made/voice/happiness.wav")).unwrap());
    assert!(sound.ends_with(" de wirkt fröhlich"), "{sound}");
    let sound = text(&fs::read(folder.path().join("made/voice/unsure.wav")).unwrap());
    assert!(sound.ends_with(" de unsicher"), "{sound}");
}

#[test]
fn files_that_are_there_are_replaced_only_when_asked_for() {
    let folder = with_speaker();
    fs::write(folder.path().join("fear.wav"), "kept").unwrap();
    let refused = emocue(folder.path(), "voice --to .");
    let told = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(4), "{told}");
    assert!(told.contains("fear.wav exists\nhelp: Replace it with --overwrite"), "{told}");
    assert!(!folder.path().join("happiness.wav").exists(), "half of them were written");
    assert!(emocue(folder.path(), "voice --to . --overwrite").status.success());
    let sound = text(&fs::read(folder.path().join("fear.wav")).unwrap());
    assert!(sound.ends_with(" en looks afraid"), "{sound}");
}

#[test]
fn what_is_missing_or_unknown_says_what_to_do() {
    let folder = with_speaker();
    let refused = |line: &str| {
        let done = emocue(folder.path(), line);
        assert!(!done.status.success(), "{line}");
        text(&done.stderr)
    };
    let told = refused("voice --to out --voice xx");
    assert!(told.contains("voice does not exist") && told.contains("--voices"), "{told}");
    let told = refused("voice --to out --language xx");
    assert!(told.contains("unknown language") && told.contains("uk, el, ja"), "{told}");
    fs::remove_file(folder.path().join("bin/espeak-ng")).unwrap();
    let told = refused("voice --to out");
    assert!(told.contains("cannot start espeak-ng"), "{told}");
    assert!(told.contains("help: Install it, e.g. with `sudo apt install espeak-ng`."), "{told}");
}
