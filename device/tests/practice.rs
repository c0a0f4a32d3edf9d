//! The games as a player runs them: the whole program, a scripted camera, and the Enter key.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use emocue_device::camera::decode_picture;
use emocue_journal::JournalSecretKey;
use emocue_models::luma::Luma;
use emocue_run::portraits::PORTRAITS;

/// Longer than any step takes on a busy machine; only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The portrait that looks happy, as a Y4M frame of one plane.
fn happy() -> (String, Vec<u8>) {
    let portrait =
        PORTRAITS.iter().find(|portrait| portrait.file.starts_with("astronaut")).unwrap();
    let frame: Luma = decode_picture(portrait.file, portrait.jpeg).unwrap();
    let header = format!("YUV4MPEG2 W{} H{} F10:1 Cmono\n", frame.width(), frame.height());
    (header, [b"FRAME\n".as_slice(), frame.pixels()].concat())
}

/// A camera's program: ten frames a second of a face that looks happy.
fn camera(folder: &Path) -> String {
    let (header, frame) = happy();
    std::fs::write(folder.join("header"), header).unwrap();
    std::fs::write(folder.join("frame"), frame).unwrap();
    "pipe:cat header; while cat frame; do sleep 0.1; done".to_owned()
}

struct Player {
    badge: Child,
    keys: ChildStdin,
    lines: Receiver<String>,
}

impl Player {
    fn new(folder: &Path, words: &[&str]) -> Self {
        Self::of("practice", folder, words)
    }

    /// A player of any subcommand.
    fn of(verb: &str, folder: &Path, words: &[&str]) -> Self {
        let mut badge = Command::new(env!("CARGO_BIN_EXE_emocue-badge"))
            .arg(verb)
            .args(words)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let keys = badge.stdin.take().unwrap();
        let (tells, lines) = channel();
        let out = BufReader::new(badge.stdout.take().unwrap());
        let notes = BufReader::new(badge.stderr.take().unwrap());
        let notes_tell = tells.clone();
        thread::spawn(move || out.lines().for_each(|line| drop(tells.send(line.unwrap()))));
        thread::spawn(move || notes.lines().for_each(|line| drop(notes_tell.send(line.unwrap()))));
        Self { badge, keys, lines }
    }

    fn press(&mut self, key: &str) {
        writeln!(self.keys, "{key}").unwrap();
    }

    /// Waits for a line that contains `part`.
    fn until(&self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            match line {
                Ok(line) if line.contains(part) => return,
                Ok(line) => assert!(!line.starts_with("error"), "{line}"),
                Err(_) => panic!("no line has {part:?}"),
            }
        }
    }

    /// Stops it with SIGTERM, as systemd does.
    fn stop(&self) {
        let kill = Command::new("kill").arg(self.badge.id().to_string()).status();
        assert!(kill.unwrap().success());
    }

    fn ends(mut self) {
        assert_eq!(self.badge.wait().unwrap().code(), Some(0));
    }
}

/// Rounds in the listed order, so that a test knows the next one.
fn configuration(folder: &Path, more: &str) -> &'static str {
    let text = format!(
        "{more}\n[panel]\nenabled = false\n[practice]\norder = \"listed\"\nexpressions = [\"happiness\", \"anger\"]\n\
         rounds = 2\n[update]\nstate = \"{}\"\n",
        folder.join("state").display()
    );
    std::fs::write(folder.join("badge.toml"), text).unwrap();
    "--config=badge.toml"
}

#[test]
fn show_me_is_won_by_the_face_and_skipped_by_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), "");
    let camera = camera(folder.path());
    let mut player = Player::new(folder.path(), &["show", "--camera", &camera, config]);
    player.until("show me happy");
    player.until("well done happy");
    player.until("show me angry");
    player.press("");
    player.until("skip");
    player.until(": end");
    player.ends();
}

#[test]
fn a_guess_is_uncovered_by_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), "use = \"school\"\nreason = \"medical\"");
    let camera = camera(folder.path());
    let mut player = Player::new(folder.path(), &["guess", "--camera", &camera, config]);
    player.until("for a therapy");
    // Not the note that a guess begins, which may come later than the first screen.
    player.until("badge: guess");
    player.press("");
    player.until("looks happy");
    player.press("l");
    player.ends();
}

#[test]
fn cards_need_no_camera() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), "use = \"school\"");
    let mut player = Player::new(folder.path(), &["cards", config, "--language", "de"]);
    for word in ["fr\u{f6}hlich", "fr\u{f6}hlich", "w\u{fc}tend", "w\u{fc}tend"] {
        player.until(word);
        player.press("");
    }
    player.until("Ende");
    player.ends();
}

#[test]
fn a_game_that_cannot_be_played_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), "use = \"workplace\"");
    let refused = |words: &[&str]| {
        let mut badge = Command::new(env!("CARGO_BIN_EXE_emocue-badge"));
        let out = badge.arg("practice").args(words).current_dir(folder.path()).output().unwrap();
        (out.status.code(), String::from_utf8(out.stderr).unwrap())
    };
    let (code, text) = refused(&["guess", config]);
    assert_eq!(code, Some(2), "{text}");
    for part in ["use = \"workplace\"", "reason = \"medical\"", "practice cards"] {
        assert!(text.contains(part), "{text}");
    }
    let (code, text) = refused(&["show", "--camera", "portraits"]);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("live camera") && text.contains("pipe:COMMAND"), "{text}");
}

#[test]
fn a_journal_is_begun_and_ended_with_one_button_and_opens_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let secret = JournalSecretKey::from_bytes(&[7; 32]);
    configuration(folder.path(), "");
    let file = folder.path().join("badge.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}[journal]\nkey = \"{}\"\n", secret.public())).unwrap();
    let camera = camera(folder.path());
    let words = ["--keyboard", "--camera", &camera, "--config=badge.toml"];
    let mut player = Player::of("run", folder.path(), &words);
    player.until("looks happy");
    player.press("l");
    player.until("paused");
    for entry in ["show me", "guess", "cards", "journal"] {
        player.press("");
        player.until(entry);
    }
    player.press("l");
    player.until("Keep a journal?");
    player.until("hold 3s yes, tap no");
    player.press("h");
    player.until("looks happy");
    player.stop();
    player.until("the journal has ended");
    player.ends();
    let journal = folder.path().join("state/journal/journal-0001.sealed");
    let opened = emocue_journal::read_file(&journal, &secret).unwrap();
    let total: u32 = opened.intervals.iter().map(|interval| interval.counts.total()).sum();
    assert!((1..=9).contains(&total) && opened.damaged.is_empty(), "{opened:?}");
    let others = JournalSecretKey::from_bytes(&[8; 32]);
    assert!(emocue_journal::read_file(&journal, &others).is_err());
}
