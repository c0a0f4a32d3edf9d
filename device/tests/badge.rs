//! `emocue-badge` as users run it: sources, displays, exit codes, messages.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use emocue_config::Source;
use emocue_device::camera::{self, FrameInfo, decode_picture};
use emocue_models::luma::{Luma, Orientation, Rotation};
use emocue_run::portraits::PORTRAITS;
use serde_json::Value;

fn badge(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue-badge"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// `emocue-badge run --camera CAMERA --display json` with more arguments.
fn run(camera: &str, more: &[&str]) -> Command {
    let mut command = badge(&["run", "--camera", camera, "--display", "json"]);
    command.args(more);
    command
}

const PORTRAIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/run/pictures/astronaut.jpg");

struct Outcome {
    code: i32,
    lines: Vec<Value>,
    stderr: String,
}

fn outcome(mut command: Command) -> Outcome {
    let output = command.output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    Outcome {
        code: output.status.code().expect("it ends by itself"),
        lines: stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Asserts that it ends with `code`, shows nothing, and that its message contains all of `parts`.
fn assert_refuses(command: Command, code: i32, parts: &[&str]) {
    let Outcome { code: actual, lines, stderr } = outcome(command);
    assert_eq!(actual, code, "{stderr}");
    assert!(lines.is_empty(), "{lines:?}");
    for part in parts {
        assert!(stderr.contains(part), "{part} is not in: {stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

fn portrait() -> Luma {
    decode_picture(PORTRAITS[0].file, PORTRAITS[0].jpeg).unwrap()
}

fn save(picture: &Luma, path: &Path) {
    let (width, height) = (picture.width() as u32, picture.height() as u32);
    image::save_buffer(path, picture.pixels(), width, height, image::ColorType::L8).unwrap();
}

/// A Y4M stream of the portrait, `frames` times.
fn stream(frames: usize) -> Vec<u8> {
    let picture = portrait();
    let header = format!(
        "YUV4MPEG2 W{} H{} F25:1 Cmono XCOLORRANGE=FULL\n",
        picture.width(),
        picture.height()
    );
    let mut out = header.into_bytes();
    for _ in 0..frames {
        out.extend(b"FRAME\n");
        out.extend(picture.pixels());
    }
    out
}

fn center(face: &Value) -> (f64, f64) {
    let side = |name| face["box"][name].as_f64().unwrap();
    (side("x") + side("width") / 2.0, side("y") + side("height") / 2.0)
}

#[test]
fn the_demo_shows_who_is_seen_and_that_the_astronaut_looks_happy() {
    let output = badge(&["demo"]).output().unwrap();
    assert!(output.status.success());
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("astronaut.jpg: looks happy"), "{stdout}");
    assert!(stdout.contains("grace_hopper.jpg: looks "), "{stdout}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    for part in ["Eileen Collins", "Grace Hopper", "NASA", "run --camera"] {
        assert!(stderr.contains(part), "{part} is not in: {stderr}");
    }
}

#[test]
fn every_portrait_has_one_face_and_probabilities_that_sum_to_one() {
    let Outcome { code, lines, stderr } = outcome(run("portraits", &[]));
    assert_eq!((code, stderr.as_str()), (0, ""));
    let sources: Vec<_> = lines.iter().map(|line| line["source"].as_str().unwrap()).collect();
    assert_eq!(sources, PORTRAITS.map(|portrait| portrait.file));
    for line in &lines {
        assert_eq!(line["faces"].as_array().unwrap().len(), 1, "{line}");
        let probabilities = line["faces"][0]["probabilities"].as_object().unwrap();
        let sum: f64 = probabilities.values().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-3, "{line}");
    }
}

#[test]
fn a_bad_picture_in_a_folder_is_told_and_the_rest_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let jpeg = PORTRAITS[0].jpeg;
    std::fs::write(folder.path().join("a.jpg"), jpeg).unwrap();
    std::fs::write(folder.path().join("b.jpg"), &jpeg[..9000]).unwrap();
    std::fs::write(folder.path().join("c.png"), b"not a picture at all").unwrap();
    save(&portrait(), &folder.path().join("d.png"));
    std::fs::write(folder.path().join("notes.txt"), b"not looked at").unwrap();

    let Outcome { code, lines, stderr } = outcome(run(folder.path().to_str().unwrap(), &[]));
    let sources: Vec<_> = lines.iter().map(|line| line["source"].as_str().unwrap()).collect();
    assert_eq!(sources, ["a.jpg", "d.png"]);
    assert_eq!(lines[0]["shown"], lines[1]["shown"]);
    assert!(stderr.contains("b.jpg: cut off at byte 9000"), "{stderr}");
    assert!(stderr.contains("c.png: not a picture"), "{stderr}");
    assert_eq!(code, 1);
}

#[test]
fn inputs_that_give_nothing_end_with_3_and_a_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let inside = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    assert_refuses(
        run(folder.path().to_str().unwrap(), &[]),
        3,
        &["no pictures", "\nhelp: Put .jpg"],
    );
    assert_refuses(run(&inside("webcam"), &[]), 3, &["webcam", "\nhelp: --camera takes"]);
    std::fs::write(inside("clip.mp4"), b"\0\0\0\x20ftypisom").unwrap();
    assert_refuses(run(&inside("clip.mp4"), &[]), 3, &["clip.mp4", "ffmpeg"]);
    std::fs::write(inside("empty.jpg"), b"").unwrap();
    assert_refuses(run(&inside("empty.jpg"), &[]), 3, &["empty.jpg", "empty"]);
    assert_refuses(run("-", &[]), 3, &["stdin: cut off at byte 0"]);
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_is_possible() {
    assert_refuses(badge(&[]), 2, &["demo", "run", "bench"]);
    assert_refuses(run("synthetic:frames=many", &[]), 2, &["frames=many", "synthetic[:frames=N"]);
    assert_refuses(run("portraits", &["--display", "oled9000"]), 2, &["oled9000", "terminal"]);
    assert_refuses(run("portraits", &["--rotate", "45"]), 2, &["45", "270"]);
    assert_refuses(run("portraits", &["--min-face", "3"]), 2, &["12..=4096"]);
}

#[test]
fn a_display_that_cannot_be_written_ends_with_4() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let sink = format!("png:{}", file.path().join("below-a-file").display());
    let name = file.path().display().to_string();
    assert_refuses(run("portraits", &["--display", &sink]), 4, &["cannot write", &name]);
}

#[test]
fn a_bundle_that_cannot_be_used_ends_with_5() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.emocue");
    let with = || run("portraits", &["--bundle", path.to_str().unwrap()]);
    assert_refuses(with(), 5, &["x.emocue", "cannot"]);
    std::fs::write(&path, b"PK\x03\x04 not a bundle").unwrap();
    assert_refuses(with(), 5, &["x.emocue", "byte 0"]);
    let mut bundle = std::fs::read("../models/bundles/default.emocue").unwrap();
    let middle = bundle.len() / 2;
    bundle[middle] ^= 1;
    std::fs::write(&path, &bundle).unwrap();
    assert_refuses(with(), 5, &["x.emocue", "byte ", "damaged"]);
    bundle.truncate(middle);
    std::fs::write(&path, &bundle).unwrap();
    assert_refuses(with(), 5, &["x.emocue", "byte ", "the file ends"]);
}

/// Every instruction set gives the same faces and expressions: the portable one is selected by name.
#[test]
fn instructions_are_named_for_tests_and_must_be_there() {
    let shown = |isa: Option<&str>| {
        let mut command = run(PORTRAIT, &[]);
        command.envs(isa.map(|isa| ("EMOCUE_ISA", isa)));
        outcome(command).lines
    };
    assert_eq!(shown(Some("portable")), shown(None));
    let mut command = run(PORTRAIT, &[]);
    command.env("EMOCUE_ISA", "sse9");
    assert_refuses(
        command,
        5,
        &["EMOCUE_ISA: \"sse9\" is not an instruction set", "help: Leave EMOCUE_ISA out"],
    );
}

#[test]
fn a_stream_on_standard_input_is_looked_at_frame_by_frame() {
    let piped = |bytes: &[u8], more: &[&str]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut command = run("-", more);
        command.stdin(file.reopen().unwrap());
        outcome(command)
    };
    let whole = piped(&stream(3), &[]);
    let times: Vec<_> = whole.lines.iter().map(|line| line["time_ms"].as_u64().unwrap()).collect();
    assert_eq!((whole.code, times.as_slice()), (0, [0, 40, 80].as_slice()), "{}", whole.stderr);
    assert!(whole.lines.iter().all(|line| line["shown"] == "happiness"), "{:?}", whole.lines);

    assert_eq!(piped(&stream(3), &["--limit", "2"]).lines.len(), 2);

    let cut = piped(&stream(2)[..300_000], &[]);
    assert_eq!((cut.code, cut.lines.len()), (1, 1));
    assert!(cut.stderr.contains("stdin: cut off at byte 300000"), "{}", cut.stderr);
}

#[test]
fn a_camera_that_hangs_on_its_side_is_set_upright() {
    let folder = tempfile::tempdir().unwrap();
    let (upright, mut sideways) = (portrait(), Luma::default());
    Orientation { rotation: Rotation::Cw270, mirror: false }.apply(&upright, &mut sideways);
    let paths = ["upright.png", "sideways.png"].map(|name| folder.path().join(name));
    save(&upright, &paths[0]);
    save(&sideways, &paths[1]);
    let [upright_path, sideways_path] = paths.each_ref().map(|path| path.to_str().unwrap());
    let expected = outcome(run(upright_path, &[])).lines;
    let turned = outcome(run(sideways_path, &["--rotate", "90"])).lines;
    assert_eq!(turned[0]["faces"], expected[0]["faces"]);

    let mirrored = outcome(run(upright_path, &["--mirror"])).lines;
    let ((x, y), (mx, my)) = (center(&expected[0]["faces"][0]), center(&mirrored[0]["faces"][0]));
    let width = upright.width() as f64;
    assert!((width - mx - x).abs() < 8.0 && (my - y).abs() < 8.0, "{x} {y} became {mx} {my}");
}

#[test]
fn the_drawn_clip_has_its_face_in_every_frame_and_is_the_same_every_time() {
    let clip = || outcome(run("synthetic:frames=3,seed=1", &[]));
    let first = clip();
    assert_eq!((first.code, first.lines.len()), (0, 3), "{}", first.stderr);
    for line in &first.lines {
        assert_eq!(line["faces"].as_array().unwrap().len(), 1, "{line}");
    }
    assert_eq!(first.lines, clip().lines);
}

#[test]
fn several_displays_show_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let sink = |kind: &str| format!("{kind}:{}", folder.path().join(kind).display());
    let (panel, overlay) = (sink("png"), sink("overlay"));
    let more = ["--display", &panel, "--display", &overlay, "--panel", "128x32", "--limit", "1"];
    assert_eq!(outcome(run("portraits", &more)).lines.len(), 1);
    for kind in ["png", "overlay"] {
        let files: Vec<_> = std::fs::read_dir(folder.path().join(kind)).unwrap().collect();
        assert_eq!(files.len(), 1, "{kind}");
        let picture = image::open(files[0].as_ref().unwrap().path()).unwrap();
        assert!(picture.width() >= 128, "{kind}");
    }
}

/// Frames continue to arrive, so only the signal can end the run.
#[cfg(unix)]
#[test]
fn a_signal_ends_the_run_after_the_frame_in_work() {
    let mut command = run("-", &[]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let stream = stream(1);
    let frame = stream.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    stdin.write_all(&stream).unwrap();
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let reader = std::thread::spawn(move || {
        for line in stdout.lines() {
            serde_json::from_str::<Value>(&line.unwrap()).unwrap();
        }
    });
    while stdin.write_all(&stream[frame..]).is_ok() {}
    assert_eq!(child.wait().unwrap().code(), Some(0));
    reader.join().expect("every line is whole");
}

#[test]
fn the_bench_measures_every_stage_with_a_face() {
    let output = badge(&["bench", "--json", "--frames", "2"]).output().unwrap();
    let measured: Value = serde_json::from_slice(&output.stdout).unwrap();
    for stage in ["decode", "detect", "classify", "draw"] {
        assert!(measured["stages"][stage]["min_ms"].as_f64().unwrap() > 0.0, "{measured}");
    }
    assert!(measured["total"]["median_ms"].as_f64().unwrap() > 0.0);
    assert!(measured["start_to_first_answer_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(measured["fewest_faces"], 1);
}

/// The group picture of 29 faces; the reference MTCNN finds 28 of them on luma.
#[test]
fn a_group_picture_gives_nearly_all_of_its_faces() {
    let Some(data) = std::env::var_os("EMOCUE_DATA") else {
        eprintln!("skipped: EMOCUE_DATA does not name the data's folder");
        return;
    };
    let picture = Path::new(&data).join("pictures/solvay_conference_1927.jpg");
    let mut camera = camera::open(&Source::Path(picture.clone())).unwrap();
    let read = camera.next(&mut Luma::default(), &mut FrameInfo::default()).unwrap();
    assert!(read.is_frame());
    let lines = outcome(run(picture.to_str().unwrap(), &[])).lines;
    let faces = lines[0]["faces"].as_array().unwrap().len();
    assert!((27..=29).contains(&faces), "{faces} faces");
}

/// File systems allow names that are not UTF-8.
#[test]
fn pictures_and_folders_may_have_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join(OsStr::from_bytes(b"portrait-\xe9.jpg"));
    std::fs::write(&picture, PORTRAITS[0].jpeg).unwrap();
    let looks = folder.path().join(OsStr::from_bytes(b"looks-\xe9"));
    let mut display = OsString::from("overlay:");
    display.push(&looks);
    let mut command = badge(&["run", "--display", "json", "--camera"]);
    command.arg(&picture).arg("--display").arg(display);
    let Outcome { code, lines, stderr } = outcome(command);
    assert_eq!((code, lines.len()), (0, 1), "{stderr}");
    assert_eq!(lines[0]["shown"], "happiness");
    assert!(stderr.contains(": 1 picture written"), "{stderr}");
    assert_eq!(std::fs::read_dir(&looks).unwrap().count(), 1);
}
