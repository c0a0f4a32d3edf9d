//! The program as a user runs it.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use emocue_train::checkpoint::FILE;

use crate::bench::{data, recipe};
use crate::interrupt::{assert_saved, interrupt};

/// A full disk, simulated by a limit on the size of files, does not destroy the last checkpoint.
#[test]
fn a_full_disk_leaves_the_last_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let files = data(folder.path());
    let recipe_path = folder.path().join("tiny.toml");
    let mut short = recipe();
    short.schedule.epochs = 1;
    std::fs::write(&recipe_path, toml::to_string(&short).unwrap()).unwrap();
    let run_dir = folder.path().join("run");
    let train = |limit: &str, extra: &[&str]| {
        // With the signal ignored, a write beyond the limit fails as on a full disk.
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_emocue"), "train", "--run"]).arg(&run_dir);
        command.arg("--fer2013").args(&files.fer2013).arg("--ferplus").args(&files.ferplus);
        command.args(extra).output().unwrap()
    };
    let recipe_arguments = ["--recipe", recipe_path.to_str().unwrap()];
    let output = train("unlimited", &recipe_arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let before = std::fs::read(run_dir.join(FILE)).unwrap();

    let output = train("8", &[&recipe_arguments[..], &["--overwrite"]].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(7), "{error}");
    assert!(error.contains(FILE) && error.contains("space"), "{error}");
    assert_eq!(std::fs::read(run_dir.join(FILE)).unwrap(), before);
}

/// Ctrl-C, `--resume` and `export` as a user runs them.
#[test]
fn ctrl_c_leaves_a_checkpoint_that_resumes_and_exports() {
    let folder = tempfile::tempdir().unwrap();
    let files = data(folder.path());
    let recipe_path = folder.path().join("tiny.toml");
    let mut endless = recipe();
    endless.schedule.epochs = 10_000;
    std::fs::write(&recipe_path, toml::to_string(&endless).unwrap()).unwrap();
    let run_dir = folder.path().join("run");
    let emocue = |verb: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
        command.arg(verb).arg("--run").arg(&run_dir).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let [fer2013, ferplus] = [&files.fer2013, &files.ferplus]
        .map(|path| path.as_ref().unwrap().to_str().unwrap().to_owned());
    let data = ["--fer2013", &fer2013, "--ferplus", &ferplus];
    let recipe_arguments = ["--recipe", recipe_path.to_str().unwrap()];
    let interrupted = |extra: &[&str]| {
        let mut child = emocue("train").args(extra).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // It has started when an epoch is reported.
        let begun = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("epoch"));
        interrupt(&child);
        lines.for_each(drop);
        assert_saved(child);
        begun.unwrap()
    };
    let first = interrupted(&[&data[..], &recipe_arguments].concat());
    assert!(first.starts_with("epoch 1:"), "{first}");
    let resumed = interrupted(&["--resume"]);
    assert!(!resumed.starts_with("epoch 1:"), "{resumed}");

    // A second start must not silently overwrite the first.
    let refused = |arguments: &[&str]| {
        let output = emocue("train").args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&data).contains("--resume"));
    // The run stores its arguments: the same ones are accepted, others are refused.
    let same = [&recipe_arguments[..], &["--resume", "--epochs", "10000", "--seed", "1"]].concat();
    assert!(!interrupted(&same).starts_with("epoch 1:"));
    for (arguments, reason) in [
        (["--resume", "--epochs", "7"], "checkpoint.bin was begun with 10000 epochs"),
        (["--resume", "--seed", "2"], "checkpoint.bin was begun with --seed 1"),
        (["--resume", "--recipe", "badge"], "checkpoint.bin was begun with --recipe /"),
        (["--resume", "--heads", "ck-7"], "checkpoint.bin was begun without --heads"),
    ] {
        let error = refused(&arguments);
        assert!(error.contains(reason), "{error}");
    }
    // An older run's folder has no arguments.
    std::fs::remove_file(run_dir.join("arguments.json")).unwrap();
    assert!(refused(&["--resume"]).contains("does not say which data it was begun with"));
    assert!(!interrupted(&[&data[..], &["--resume"]].concat()).starts_with("epoch 1:"));

    // Data that cannot be read leaves no folder.
    let other = folder.path().join("other");
    let mistyped = Command::new(env!("CARGO_BIN_EXE_emocue"))
        .args(["train", "--data", "nowhere", "--run"])
        .arg(&other)
        .output()
        .unwrap();
    assert_eq!(mistyped.status.code(), Some(3));
    assert!(!other.exists());

    let onnx = folder.path().join("net.onnx");
    let output = emocue("export").arg("-o").arg(&onnx).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::metadata(&onnx).unwrap().len() > 10_000);
}
