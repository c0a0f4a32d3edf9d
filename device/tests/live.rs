//! The whole program on a live camera, as a service runs it.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use emocue_device::camera::decode_picture;
use emocue_run::portraits::PORTRAITS;
use serde_json::Value;

/// Longer than anything takes on a busy machine; only a failing test waits this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Writes the beginning of a Y4M stream and one frame of it into `folder`.
fn clip(folder: &Path) {
    let picture = decode_picture(PORTRAITS[0].file, PORTRAITS[0].jpeg).unwrap();
    let (width, height) = (picture.width(), picture.height());
    let header = format!("YUV4MPEG2 W{width} H{height} F25:1 Cmono XCOLORRANGE=FULL\n");
    std::fs::write(folder.join("header"), header).unwrap();
    std::fs::write(folder.join("frame"), [b"FRAME\n", picture.pixels()].concat()).unwrap();
}

/// `emocue-badge run` in `folder` on what `script` writes.
fn run(folder: &Path, script: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue-badge"));
    command.args(["run", "--camera", &format!("pipe:{script}"), "--display", "json"]).args(more);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

const ENDLESS: &str = "cat header; while cat frame; do :; done";

struct Badge {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Badge {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Reads until `shown` is shown.
    fn until(&mut self, shown: &str) -> Value {
        for line in self.lines.by_ref() {
            let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if line["shown"] == shown {
                return line;
            }
        }
        let mut told = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        panic!("{shown} is never shown: {told}");
    }

    /// Stops it as `timeout` does, with a signal that comes twice; returns its exit code and messages.
    fn stop(mut self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        for _ in 0..2 {
            assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        }
        // Its lines must be read, or it would block on the pipe.
        self.lines.by_ref().for_each(drop);
        let output = self.child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn a_face_before_the_camera_is_answered_until_the_service_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    clip(folder.path());
    let mut badge = Badge::start(run(folder.path(), ENDLESS, &[]));
    badge.until("starting");
    let seen = badge.until("happiness");
    assert_eq!(seen["faces"].as_array().unwrap().len(), 1);
    assert!(seen["age_ms"].is_u64(), "{seen}");
    let (code, told) = badge.stop();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("emocue-badge: camera streams"), "{told}");
    assert!(told.contains("emocue-badge: stopped after "), "{told}");
}

#[test]
fn a_camera_program_that_dies_is_missing_until_it_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    clip(folder.path());
    let script = "cat header; while cat frame; do ! rm die 2>/dev/null || exit 1; done";
    let mut badge = Badge::start(run(folder.path(), script, &[]));
    badge.until("happiness");
    std::fs::write(folder.path().join("die"), "").unwrap();
    badge.until("camera-missing");
    badge.until("happiness");
    let (code, told) = badge.stop();
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(told.matches("camera missing: ").count(), 1, "{told}");
    assert!(told.contains("the program ended (exit status: 1)"), "{told}");
}

#[test]
fn a_camera_that_was_never_there_ends_with_3_unless_it_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), "exit 7", &[]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    let mut badge = Badge::start(run(folder.path(), "exit 7", &["--wait"]));
    badge.until("camera-missing");
    assert_eq!(badge.stop().0, Some(0));
}

/// Invalid output of a camera program: noise, a line without an end, invalid sizes, a stream that loses
/// synchronisation.
const GARBAGE: [&str; 6] = [
    "head -c 100000 /dev/urandom",
    "echo not a stream",
    "printf 'YUV4MPEG2 '; head -c 5000 /dev/zero",
    "echo YUV4MPEG2 W99999 H99999",
    "echo YUV4MPEG2 W0 Hx Cunknown",
    "cat header frame; echo lost; sleep 60",
];

#[test]
fn garbage_from_a_camera_is_a_missing_camera_for_a_badge_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    clip(folder.path());
    for garbage in GARBAGE {
        // The second start gives frames.
        let script = format!("if rm garbage 2>/dev/null; then {garbage}; else {ENDLESS}; fi");
        std::fs::write(folder.path().join("garbage"), "").unwrap();
        let mut badge = Badge::start(run(folder.path(), &script, &["--wait"]));
        badge.until("camera-missing");
        badge.until("happiness");
        assert_eq!(badge.stop().0, Some(0), "{garbage}");
    }
    for garbage in &GARBAGE[..5] {
        let output = run(folder.path(), garbage, &[]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{garbage}: {told}");
    }
}

/// Whether a process runs, by its process ID.
#[cfg(target_os = "linux")]
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
#[cfg(target_os = "linux")]
fn a_badge_that_is_killed_leaves_nothing_of_its_camera_program() {
    let folder = tempfile::tempdir().unwrap();
    clip(folder.path());
    // A process that does not end with its parent, with a signal or with a closed pipe.
    let stubborn =
        "sh -c 'trap \"\" INT TERM HUP PIPE; echo $$ >>pids; while :; do sleep 60; done' &";
    let script = format!("echo $$ >>pids; {stubborn} {ENDLESS}");
    let mut badge = Badge::start(run(folder.path(), &script, &[]));
    badge.until("happiness");
    badge.child.kill().unwrap();
    badge.child.wait().unwrap();
    let pids = std::fs::read_to_string(folder.path().join("pids")).unwrap();
    assert_eq!(pids.lines().count(), 2, "{pids}");
    let deadline = Instant::now() + PATIENCE;
    while pids.lines().any(runs) && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert!(!pids.lines().any(runs), "still running: {pids}");
}

#[test]
fn a_limit_ends_a_live_run() {
    let folder = tempfile::tempdir().unwrap();
    clip(folder.path());
    let output = run(folder.path(), ENDLESS, &["--limit", "3"]).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(lines.matches("\"shown\":\"happiness\"").count(), 3, "{lines}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn the_service_manager_hears_that_it_is_ready_well_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    clip(folder.path());
    let address = folder.path().join("notify");
    let manager = UnixDatagram::bind(&address).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = run(folder.path(), ENDLESS, &[]);
    command.env("NOTIFY_SOCKET", &address).env("WATCHDOG_USEC", "200000");
    let badge = Badge::start(command);
    let hear = |wanted: &str| {
        let mut message = [0; 256];
        loop {
            let length = manager.recv(&mut message).expect(wanted);
            if String::from_utf8_lossy(&message[..length]).contains(wanted) {
                return;
            }
        }
    };
    // Its output is not read meanwhile; a pipe buffers enough.
    hear("READY=1");
    hear("WATCHDOG=1");
    hear("WATCHDOG=1");
    assert_eq!(badge.stop().0, Some(0));
    hear("STOPPING=1");
}

#[test]
fn a_wrong_configuration_is_shown_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("emocue.toml");
    std::fs::write(&file, "board = \"pi-4\"\n\n[pins]\nbutton = 17\nled = 17\n").unwrap();
    let badge = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_emocue-badge"));
        command.args(arguments).arg(&file).stdin(Stdio::null()).output().unwrap()
    };
    for arguments in [&["run", "--config"][..], &["config", "check"], &["off", "--config"]] {
        let output = badge(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{told}");
        for part in ["emocue.toml", "5", "led = 17", "button"] {
            assert!(told.contains(part), "{part} is not in: {told}");
        }
    }
    std::fs::write(&file, "board = \"pi-4\"\n").unwrap();
    let shown = badge(&["config", "show"]);
    assert!(shown.status.success());
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("pipe:rpicam") && text.contains("[panel]"), "{text}");
    std::fs::write(&file, text).unwrap();
    assert!(badge(&["config", "check"]).status.success());
}

#[test]
fn hardware_that_is_absent_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("emocue.toml");
    let run = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_emocue-badge"));
        command.args(["run", "--config"]).arg(&file).stdin(Stdio::null()).output().unwrap()
    };
    for (text, code, part) in [
        ("[camera]\nsource = \"portraits\"\n[panel]\nbus = \"/dev/i2c-250\"\n", 4, "/dev/i2c-250"),
        (
            "[camera]\nsource = \"pipe:exit 1\"\n[panel]\nenabled = false\n[gpio]\nchip = \"/dev/gpiochip250\"\n\
             [pins]\nled = 1\n",
            6,
            "/dev/gpiochip250",
        ),
        (
            "[camera]\nsource = \"v4l2:/dev/video250\"\nwait = false\n[panel]\nenabled = false\n",
            3,
            "/dev/video250",
        ),
    ] {
        let output = run(text);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{told}");
        // A program without the driver says how to build one that has it.
        assert!(told.contains(part) || told.contains("--features "), "{told}");
        assert!(!told.contains("panicked"), "{told}");
    }
}
