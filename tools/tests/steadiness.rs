//! `cargo xtask steadiness` runs the real badge on a drawn scene and on a clip.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const TOOLS: &str = env!("CARGO_BIN_EXE_emocue-tools");

/// The badge of this build.
fn badge() -> PathBuf {
    let badge = Path::new(TOOLS).with_file_name("emocue-badge");
    assert!(badge.exists(), "build the whole workspace first: {} is missing", badge.display());
    badge
}

fn steadiness(words: &[&str], json: &Path) -> (Output, String) {
    let output = Command::new(TOOLS)
        .arg("steadiness")
        .args(words)
        .arg("--badge")
        .arg(badge())
        .arg("--json")
        .arg(json)
        .env_remove("EMOCUE_DATA")
        .output()
        .expect("the tools start");
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, complaint)
}

fn read(json: &Path) -> Value {
    let figures = std::fs::read(json).expect("the figures are written");
    serde_json::from_slice(&figures).expect("they are JSON")
}

#[test]
fn a_drawn_scene_is_seen_as_it_was_drawn() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("figures.json");
    let words = ["--generated", "--scenes=changes, clean", "--seconds=6", "--fps=own,8"];
    let (output, complaint) = steadiness(&words, &json);
    assert!(output.status.success(), "{complaint}");
    let figures = read(&json);
    for (scene, (fps, frames)) in [(30.0, 180), (8.0, 48)].into_iter().enumerate() {
        let scene = &figures["scenes"][scene];
        assert_eq!((&scene["fps"], &scene["frames"]), (&fps.into(), &frames.into()), "{scene}");
        // Single-frame answers are always correct without delay, so the drawn scene matches its ground truth.
        let truth = &scene["raw_truth"];
        let changes = truth["true_changes"].as_u64().unwrap();
        assert!(changes >= 1, "{scene}");
        assert_eq!((&truth["missed"], &truth["needless"]), (&0.into(), &0.into()), "{scene}");
        assert_eq!(truth["delays_ms"], Value::from(vec![0; changes as usize]), "{scene}");
        assert_eq!(scene["raw"]["searches"], frames, "{scene}");
        // The badge shows the same with a delay and fewer searches.
        let truth = &scene["steady_truth"];
        assert_eq!((&truth["missed"], &truth["needless"]), (&0.into(), &0.into()), "{scene}");
        assert!(scene["steady"]["searches"].as_u64().unwrap() < frames / 2, "{scene}");
    }
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("| changes, clean | 30 | 6 |"), "{table}");
}

#[test]
fn a_clip_without_anybody_never_changes() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, json) = (folder.path().join("empty-room.y4m"), folder.path().join("figures.json"));
    let mut y4m = b"YUV4MPEG2 W320 H240 F10:1 Cmono\n".to_vec();
    for _ in 0..10 {
        y4m.extend(b"FRAME\n");
        y4m.extend([90; 320 * 240]);
    }
    std::fs::write(&clip, y4m).unwrap();
    let path = clip.display().to_string();
    let (output, complaint) = steadiness(&[&path, "--fps=own", "--check"], &json);
    assert!(output.status.success(), "{complaint}");
    let clip = &read(&json)["clips"][0];
    assert_eq!((&clip["clip"], &clip["group"]), (&"empty-room".into(), &"empty".into()));
    assert_eq!((&clip["frames"], &clip["seconds"]), (&10.into(), &1.0.into()));
    assert_eq!(clip["raw"]["changes"]["all"], 0);
    assert!(clip["raw"]["cpu_s"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_clip_that_is_missing_or_is_not_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (clip, json) = (folder.path().join("clip.y4m"), folder.path().join("figures.json"));
    let path = clip.display().to_string();
    let (output, complaint) = steadiness(&[&path], &json);
    assert!(!output.status.success() && complaint.contains("clip.y4m"), "{complaint}");
    std::fs::write(&clip, "YUV4MPEG2 W0 H0 F10:1\n").unwrap();
    let (output, complaint) = steadiness(&[&path, "--fps=own"], &json);
    assert!(!output.status.success() && complaint.contains("error: clip: "), "{complaint}");
    assert!(!json.exists());
}
