//! Quantizes a detector and compares it with its float version, by running the program.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;
use std::process::{Command, Output};

/// Two portraits in the public domain.
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/run/pictures");

/// A bundle whose detector is MTCNN.
const MTCNN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/mtcnn.emocue");

fn emocue(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

/// The output of `emocue boxes` for `first` and `second`.
fn compared(folder: &Path, [first, second]: [&str; 2]) -> serde_json::Value {
    let said = emocue(folder, &["boxes", first, second, "--pictures", PICTURES, "--json"]);
    assert!(said.status.success(), "{said:?}");
    serde_json::from_slice(&said.stdout).unwrap()
}

#[test]
fn a_detector_in_integers_finds_the_same_faces() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let unpacked = emocue(folder, &["bundle", "unpack", MTCNN, "-o", "nets"]);
    assert!(unpacked.status.success(), "{unpacked:?}");
    let arguments = ["quantize", "nets", "--form", "int8", "--data", PICTURES, "-o", "int8"];
    let quantized = emocue(folder, &arguments);
    assert!(quantized.status.success(), "{quantized:?}");

    let same = compared(folder, [MTCNN, "nets"]);
    assert_eq!((&same["both"], &same["mean_iou"]), (&2.into(), &1.0.into()), "{same}");
    let other = compared(folder, ["int8", "nets"]);
    let [iou, landmarks] = ["mean_iou", "landmark_error"].map(|key| other[key].as_f64().unwrap());
    assert_eq!([&other["both"], &other["first_only"], &other["second_only"]], [2, 0, 0]);
    assert!((0.85..1.0).contains(&iou) && (0.0..0.05).contains(&landmarks), "{other}");
}

#[test]
fn another_thing_than_a_detector_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let refused = |arguments: &[&str], code: i32, named: &str| {
        let said = emocue(folder, arguments);
        let message = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(code), "{message}");
        assert!(message.contains(named), "{message}");
    };
    refused(&["boxes", "default", "none", "--pictures", PICTURES], 3, "none");
    refused(&["boxes", "default", "default", "--pictures", "nowhere"], 3, "nowhere");

    std::fs::create_dir(folder.join("half")).unwrap();
    std::fs::write(folder.join("half/pnet.onnx"), b"no graph").unwrap();
    refused(&["boxes", "half", "default", "--pictures", PICTURES], 3, "half");
    let arguments = ["quantize", "half", "--form", "w8", "--data", PICTURES, "-o", "out"];
    refused(&arguments, 3, "half");
    assert!(!folder.join("out").exists());
}

#[test]
fn detectors_are_judged_by_one_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::copy(Path::new(PICTURES).join("astronaut.jpg"), folder.join("a.jpg")).unwrap();
    let marks = "image,x,y,width,height,label\na.jpg,176,60,91,114,face\na.jpg,600,9,9,9,face\n";
    std::fs::write(folder.join("marks.csv"), marks).unwrap();
    std::fs::create_dir(folder.join("nobody")).unwrap();
    let drawn = image::GrayImage::from_fn(64, 48, |x, y| image::Luma([(x * 3 + y) as u8]));
    drawn.save(folder.join("nobody/b.png")).unwrap();
    let task = ["eval", "--detector", "default", "--detector", "default", "--half", "all"];
    let task = [&task[..], &["--faces", "marks.csv", "--empty", "nobody"]].concat();

    let protocol = ["--protocol", "--reference", "default", "--json", "--report", "page.html"];
    let said = emocue(folder, &[&task[..], &protocol].concat());
    assert!(said.status.success(), "{said:?}");
    let json: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(json["sets"][0]["skipped"]["boxes outside the picture"], 1, "{json}");
    assert_eq!(json["detectors"][0], json["detectors"][1]);
    let first = &json["detectors"][0];
    assert_eq!(first["average_precision"]["value"], 1.0);
    assert_eq!(first["landmark_error"]["value"], 0.0);
    assert_eq!(first["people"]["confusion"], serde_json::json!([[1, 0, 0], [0, 1, 0], [0, 0, 0]]));
    let rows = first["conditions"].as_array().unwrap();
    let recall = |name: &str| {
        rows.iter().find(|row| row["name"] == name).unwrap()["at_own"]["value"].as_f64().unwrap()
    };
    assert_eq!([recall("as it is"), recall("contrast 0.08"), recall("roll 15")], [1.0; 3]);
    let page = std::fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("roll 60 (1)"));

    let refused = emocue(folder, &[&task[..], &["--report", "page.html"]].concat());
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{refused:?}");
    let nothing = emocue(folder, &["eval", "--detector", "default"]);
    assert_eq!(nothing.status.code(), Some(2), "{nothing:?}");
}
