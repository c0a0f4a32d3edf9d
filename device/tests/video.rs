//! Video files through ffmpeg, which a script replaces, and without it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use emocue_device::camera::decode_picture;
use emocue_run::portraits::PORTRAITS;

/// A folder with programs, a clip that begins like MP4, and a test's output.
struct Desk(tempfile::TempDir);

impl Desk {
    /// With `script` as ffmpeg, or without ffmpeg.
    fn new(script: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let programs = folder.path().join("bin");
        std::fs::create_dir(&programs).unwrap();
        std::fs::write(folder.path().join("clip.mp4"), b"\0\0\0\x20ftypisom\0\0\0\0").unwrap();
        if let Some(script) = script {
            let ffmpeg = programs.join("ffmpeg");
            std::fs::write(&ffmpeg, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&ffmpeg, PermissionsExt::from_mode(0o755)).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, camera: &str, display: &str) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_emocue-badge"));
        command.args(["run", "--camera", camera, "--display", display, "--display", "json"]);
        command.current_dir(self.0.path()).env("PATH", self.path("bin")).stdin(Stdio::null());
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().expect("it ends by itself"), text(stdout), text(stderr))
    }
}

/// A Y4M stream of the portrait, twice.
fn stream(path: &Path) {
    let picture = decode_picture(PORTRAITS[0].file, PORTRAITS[0].jpeg).unwrap();
    let (width, height) = (picture.width(), picture.height());
    let mut out =
        format!("YUV4MPEG2 W{width} H{height} F25:1 Cmono XCOLORRANGE=FULL\n").into_bytes();
    for _ in 0..2 {
        out.extend(b"FRAME\n");
        out.extend(picture.pixels());
    }
    std::fs::write(path, out).unwrap();
}

#[test]
fn a_video_is_decoded_by_ffmpeg() {
    // The arguments are stored, and the clip is the only file that it may open.
    let desk = Desk::new(Some("echo \"$@\" > asked; exec /bin/cat stream.y4m"));
    stream(&desk.path("stream.y4m"));
    let (code, stdout, stderr) = desk.run("clip.mp4", "csv:a.csv");
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(stdout.lines().count(), 2);
    assert!(stdout.contains("\"source\":\"clip.mp4\"") && stdout.contains("\"time_ms\":40"));
    assert!(stdout.contains("\"shown\":\"happiness\""), "{stdout}");
    let asked = std::fs::read_to_string(desk.path("asked")).unwrap();
    assert!(asked.contains("-protocol_whitelist file -i file:clip.mp4"), "{asked}");
    let table = std::fs::read_to_string(desk.path("a.csv")).unwrap();
    assert_eq!(table.lines().count(), 3);
    assert!(stderr.contains("a.csv: 2 rows written"), "{stderr}");
}

#[test]
fn a_video_without_ffmpeg_says_how_to_get_it() {
    let (code, stdout, stderr) = Desk::new(None).run("clip.mp4", "json:out");
    assert_eq!((code, stdout.as_str()), (3, ""));
    assert!(stderr.contains("clip.mp4 is a video, and ffmpeg"), "{stderr}");
    assert!(stderr.contains("apt install ffmpeg") && stderr.contains("FILE.y4m"), "{stderr}");
}

#[test]
fn an_ffmpeg_that_dies_is_told_with_its_words_and_the_frames_before_count() {
    let dies = "/bin/cat stream.y4m; echo moov atom not found >&2; exit 1";
    let desk = Desk::new(Some(dies));
    stream(&desk.path("stream.y4m"));
    let (code, stdout, stderr) = desk.run("clip.mp4", "csv:a.csv");
    assert_eq!((code, stdout.lines().count()), (1, 2), "{stderr}");
    assert!(stderr.contains("clip.mp4: ffmpeg ended") && stderr.contains("moov atom"), "{stderr}");
    let at_once = Desk::new(Some("echo no video stream >&2; exit 1"));
    let (code, _, stderr) = at_once.run("clip.mp4", "csv:a.csv");
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("no video stream"), "{stderr}");
}

#[test]
fn a_video_is_written_by_ffmpeg_or_as_y4m_without_it() {
    let encoder = "for last; do :; done; exec /bin/cat > \"${last#file:}\"";
    for (script, written) in [(Some(encoder), "a.mp4"), (None, "a.y4m")] {
        let desk = Desk::new(script);
        let (code, _, stderr) = desk.run("portraits", "video:a.mp4");
        assert_eq!(code, 0, "{stderr}");
        assert!(stderr.contains(&format!("{written}: 2 frames written")), "{stderr}");
        let video = std::fs::read(desk.path(written)).unwrap();
        assert!(video.starts_with(b"YUV4MPEG2 W"), "{written}");
        assert!(desk.path("a.mp4").exists() == script.is_some());
        let (code, _, stderr) = desk.run("portraits", "video:a.mp4");
        assert_eq!(code, 4, "{stderr}");
        assert!(stderr.contains("exists") && stderr.contains("--overwrite"), "{stderr}");
        assert_eq!(std::fs::read(desk.path(written)).unwrap(), video);
    }
}

#[test]
fn the_file_that_the_camera_reads_is_never_replaced() {
    let desk = Desk::new(None);
    std::fs::write(desk.path("face.jpg"), PORTRAITS[0].jpeg).unwrap();
    std::fs::create_dir(desk.path("folder")).unwrap();
    for sink in ["csv:face.jpg", "json:./face.jpg", "video:folder/../face.jpg"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_emocue-badge"));
        command.args(["run", "--camera", "face.jpg", "--display", sink, "--overwrite"]);
        let output = command.current_dir(desk.0.path()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{sink}: {stderr}");
        assert!(stderr.contains("face.jpg is the input"), "{stderr}");
        assert_eq!(std::fs::read(desk.path("face.jpg")).unwrap(), PORTRAITS[0].jpeg);
    }
}

#[test]
fn without_ffmpeg_the_video_that_is_there_stays() {
    let desk = Desk::new(None);
    std::fs::write(desk.path("a.mp4"), "kept").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue-badge"));
    command.args(["run", "--camera", "portraits", "--display", "video:a.mp4", "--overwrite"]);
    command.current_dir(desk.0.path()).env("PATH", desk.path("bin"));
    assert!(command.output().unwrap().status.success());
    assert_eq!(std::fs::read(desk.path("a.mp4")).unwrap(), b"kept");
    assert!(desk.path("a.y4m").exists());
}

#[test]
fn an_encoder_that_dies_is_told_with_its_words() {
    let desk = Desk::new(Some("echo no such encoder >&2; exit 1"));
    let (code, _, stderr) = desk.run("portraits", "video:a.mp4");
    assert_eq!(code, 4, "{stderr}");
    assert!(stderr.contains("a.mp4: ffmpeg: no such encoder"), "{stderr}");
}
