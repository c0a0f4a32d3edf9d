//! The voice in the event loop, with a script as the player.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::RecvTimeoutError;

use emocue_config::VoiceSettings;

use super::*;

/// How long to wait for the pipe before the face is shown again.
const MOMENT: Duration = Duration::from_millis(200);

/// A folder with placeholder sound files, a player, and the files that it was told to play.
struct Stage {
    folder: tempfile::TempDir,
    heard: Receiver<String>,
}

impl Stage {
    /// The player prints its process and the file that it plays, and then runs `script`.
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["happiness.wav", "sadness.wav"] {
            std::fs::write(at(name), "").unwrap();
        }
        assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
        let player = format!("#!/bin/sh\necho $$ $* >{}\n{script}\n", at("pipe").display());
        let mut file = std::fs::File::options();
        let mut file = file.write(true).create_new(true).mode(0o755).open(at("player")).unwrap();
        file.write_all(player.as_bytes()).unwrap();
        // Open for writing, too: it never ends.
        let pipe = std::fs::File::options().read(true).write(true).open(at("pipe")).unwrap();
        let (says, heard) = channel();
        thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                if says.send(line).is_err() {
                    break;
                }
            }
        });
        Self { folder, heard }
    }

    fn badge(&self) -> Bench {
        self.badge_with(&self.folder.path().join("player"))
    }

    fn badge_with(&self, player: &Path) -> Bench {
        let folder = self.folder.path().to_owned();
        let settings =
            VoiceSettings { enabled: true, folder, every_s: 0, ..VoiceSettings::default() };
        let voice = Some(Voice::with_program(&settings, player));
        bench_with(Cue::Frame(0), BenchSetup { voice, ..BenchSetup::default() })
    }

    /// Shows the face until something is spoken; returns the player's process and file.
    fn hears(&self, badge: &Bench, class: u8) -> (String, String) {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            badge.looks(class);
            match self.heard.recv_timeout(MOMENT) {
                Ok(line) => {
                    let (process, words) = line.split_once(' ').unwrap();
                    return (process.to_owned(), words.to_owned());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        panic!("class {class} is never heard");
    }

    fn says(&self, file: &str) -> String {
        format!("-q {}", self.folder.path().join(file).display())
    }
}

fn lives(process: &str) -> bool {
    Path::new("/proc").join(process).exists()
}

/// Shows the faces until the badge has logged a line with `text`.
fn until_told(badge: &Bench, text: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !badge.notices.lock().unwrap().iter().any(|line| line.contains(text)) {
        assert!(Instant::now() < deadline, "{text:?} is never told");
        badge.looks(1);
        badge.looks(3);
    }
}

#[test]
fn every_change_is_said_once_however_often_it_is_shown() {
    let stage = Stage::new("");
    let badge = stage.badge();
    assert_eq!(stage.hears(&badge, 1).1, stage.says("happiness.wav"));
    for _ in 0..3 {
        badge.looks(1);
        // The frames between are black.
        badge.shows(Answer::TooDark);
    }
    assert_eq!(stage.hears(&badge, 3).1, stage.says("sadness.wav"));
    badge.stop().0.unwrap();
    assert!(stage.heard.try_recv().is_err());
}

#[test]
fn a_pause_ends_the_word_and_says_none() {
    let stage = Stage::new("exec sleep 600");
    let badge = stage.badge();
    let (process, _) = stage.hears(&badge, 1);
    assert!(lives(&process));
    badge.button.send(Press::Long).unwrap();
    badge.shows(Screen::Paused);
    let deadline = Instant::now() + PATIENCE;
    while lives(&process) {
        assert!(Instant::now() < deadline, "the word is said to its end");
        thread::yield_now();
    }
    let (done, notices) = badge.stop();
    done.unwrap();
    assert!(stage.heard.try_recv().is_err());
    assert!(!notices.iter().any(|line| line.contains("voice")), "{notices:?}");
}

#[test]
fn no_word_begins_before_the_one_before_has_ended_and_the_end_ends_it() {
    let stage = Stage::new("exec sleep 600");
    let badge = stage.badge();
    let (process, _) = stage.hears(&badge, 1);
    for _ in 0..3 {
        badge.looks(3);
    }
    assert!(lives(&process));
    badge.stop().0.unwrap();
    assert!(!lives(&process), "a word outlives the badge");
    assert!(stage.heard.try_recv().is_err(), "two words at once");
}

#[test]
fn a_player_that_is_missing_or_fails_is_told_once_and_the_badge_runs_on() {
    let stage = Stage::new("exit 3");
    for (player, text) in [("none", "apt install alsa-utils"), ("player", "exit status: 3")] {
        let badge = stage.badge_with(&stage.folder.path().join(player));
        until_told(&badge, text);
        for _ in 0..3 {
            badge.looks(1);
            badge.looks(3);
        }
        let (done, notices) = badge.stop();
        done.unwrap();
        let told = notices.iter().filter(|line| line.contains("no voice")).count();
        assert_eq!(told, 1, "{notices:?}");
    }
}

#[test]
fn a_missing_file_is_told_once_with_the_command_that_makes_it() {
    let stage = Stage::new("");
    std::fs::remove_file(stage.folder.path().join("sadness.wav")).unwrap();
    let badge = stage.badge();
    until_told(&badge, "emocue voice");
    let (done, notices) = badge.stop();
    done.unwrap();
    let told: Vec<_> = notices.iter().filter(|line| line.contains("no voice")).collect();
    assert!(told.len() == 1 && told[0].contains("sadness.wav"), "{notices:?}");
    let heard: Vec<_> = stage.heard.try_iter().collect();
    assert!(heard.iter().all(|line| line.contains("happiness.wav")), "{heard:?}");
}
