//! `emocue baseline` as a program, on a FER2013 file of a few rows.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

/// `fer2013.csv` and `fer2013new.csv` in `folder`: anger is bright on the left, happiness on the right. The last
/// Training row has the wrong label and also occurs in PublicTest.
fn dataset(folder: &Path) {
    let mut fer = String::from("emotion,pixels,Usage\n");
    let mut plus = String::from(
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n",
    );
    let mut push = |label: usize, right: bool, shade: usize, split: &str| {
        let pixel = |at: usize| if (at % 48 >= 24) == right { 200 + shade + at % 3 } else { 40 };
        let pixels: Vec<String> = (0..2304).map(|at| pixel(at).to_string()).collect();
        writeln!(fer, "{label},{},{split}", pixels.join(" ")).unwrap();
        let votes = if right { "0,9,0,0,1" } else { "0,1,0,0,9" };
        writeln!(plus, "{split},{shade}.png,{votes},0,0,0,0,0").unwrap();
    };
    for shade in 0..10 {
        push(0, false, shade, "Training");
        push(3, true, shade, "Training");
    }
    push(3, false, 30, "Training");
    for split in ["PublicTest", "PrivateTest"] {
        push(0, false, 30, split);
        push(3, true, 31, split);
        push(3, true, 32, split);
    }
    std::fs::write(folder.join("fer2013.csv"), fer).unwrap();
    std::fs::write(folder.join("fer2013new.csv"), plus).unwrap();
}

fn baseline(folder: &Path, arguments: &str) -> Output {
    let files = ["--fer2013", "fer2013.csv", "--ferplus", "fer2013new.csv"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    command.current_dir(folder).arg("baseline").args(arguments.split_whitespace()).args(files);
    command.output().unwrap()
}

fn json(folder: &Path, arguments: &str) -> serde_json::Value {
    let output = baseline(folder, &format!("{arguments} --json"));
    assert!(output.status.success(), "{arguments}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn all_three_learn_left_from_right() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    dataset(folder);
    for learner in [
        "forest --trees 10 --max-depth 4",
        "forest --features pixels-24 --split private",
        "forest --features network --target ferplus",
        "mlp --hidden 8 --epochs 8 --batch 4",
        "mlp --features pixels-24 --hidden 8 --epochs 8 --batch 4 --target ferplus",
    ] {
        let report = json(folder, learner);
        assert_eq!((&report["training_rows"], &report["leaked_rows"]), (&20.into(), &1.into()));
        let expected = if learner.contains("private") { "PrivateTest" } else { "PublicTest" };
        assert_eq!(report["split"], expected);
        let labels = if learner.contains("ferplus") { "ferplus-8" } else { "fer-7" };
        assert_eq!(report["scores"]["labels"], labels);
        assert_eq!(report["scores"]["rows"], 3);
        assert_eq!(report["scores"]["accuracy"], 1.0, "{learner}: {report}");
    }

    let report = json(folder, "knn --k 5,1,3 --split private --plot k.svg --mean-free");
    assert_eq!(report["sweep"].as_array().unwrap().len(), 6);
    let ks: Vec<_> = (0..3).map(|at| report["sweep"][at]["k"].as_u64().unwrap()).collect();
    assert_eq!(ks, [1, 3, 5]);
    assert_eq!(report["searches"], 12);
    for chosen in report["chosen"].as_array().unwrap() {
        assert_eq!((&chosen["k"], &chosen["split"]), (&1.into(), &"PrivateTest".into()));
        assert_eq!(chosen["scores"]["accuracy"], 1.0, "the leaked row is left out");
    }
    assert!(std::fs::read_to_string(folder.join("k.svg")).unwrap().starts_with("<svg"));
}

#[test]
fn tables_say_what_was_left_out_and_how_long_it_took() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path());
    let output = baseline(folder.path(), "knn --k 1,3 --metric cosine");
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "20 Training rows of fer2013; left out 1 identical to a test row",
        "3 searches took",
        "PublicTest chooses k:\n      k      cosine\n      1    100.00 %\n      3    100.00 %\n",
        "cosine, k = 1                 3  100.00 %",
        "  happiness                100.0 % 100.0 %  1.000        2      0    0    0    2    0    0    0",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    let output = baseline(folder.path(), "mlp --hidden 4 --epochs 2");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\nepoch 2: loss ") && text.contains("\ntrained in "), "{text}");
}

#[test]
fn bad_arguments_are_named() {
    let folder = tempfile::tempdir().unwrap();
    dataset(folder.path());
    for (arguments, code, word) in [
        ("knn --k 0", 2, "0 is not in 1.."),
        ("knn --k 1,21", 2, "k is 21, but there are only 20 training rows"),
        ("mlp --epochs 0", 2, "--epochs is 0"),
        ("mlp --learning-rate 1e30", 1, "Lower --learning-rate"),
        ("forest --trees 0", 2, "expected 1 to 100000"),
        ("forest --trees 4000000000", 2, "expected 1 to 100000"),
        ("mlp --hidden 4000000000", 2, "expected 1 to 65536"),
        ("forest --max-depth 0", 2, "--max-depth is 0"),
        ("forest --features network --bundle missing.emocue", 3, "cannot read missing.emocue"),
        ("forest --features edges", 2, "pixels-24"),
    ] {
        let output = baseline(folder.path(), arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments}: {text}");
        assert!(text.contains(word), "{arguments}: {text}");
        assert!(!text.contains("panicked"), "{text}");
    }
}
