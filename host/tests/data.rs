//! `emocue data` as a program, and other verbs on a dataset other than FER2013.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;
use std::process::{Command, Output};

use image::{GrayImage, Luma};
use serde_json::Value;

fn emocue(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    command.current_dir(folder).args(arguments.split_whitespace()).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The error message of a command that must fail.
fn refused(folder: &Path, arguments: &str) -> String {
    let output = emocue(folder, arguments);
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A folder for each class below train, valid and test: the position of a bright line gives the class.
fn classes(root: &Path, side: u32) {
    for (class, name) in ["angry", "happy", "sad"].iter().enumerate() {
        for (split, count) in [("train", 8), ("valid", 3), ("test", 3)] {
            let folder = root.join(split).join(name);
            std::fs::create_dir_all(&folder).unwrap();
            for i in 0..count {
                let line = side / 4 * (class as u32 + 1);
                let noise = |x: u32, y: u32| {
                    ((x * 31 + y * 17 + i * 53 + split.len() as u32 * 7) % 40) as u8
                };
                let pixel = |x, y: u32| if y.abs_diff(line) < 3 { 250 } else { noise(x, y) };
                let picture = GrayImage::from_fn(side, side, |x, y| Luma([pixel(x, y)]));
                picture.save(folder.join(format!("{i}.png"))).unwrap();
            }
        }
    }
}

#[test]
fn counts_and_shows_a_folder_per_class() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    classes(&folder.join("faces"), 48);
    let summary = json(&emocue(folder, "data summary --data faces --json"));
    assert_eq!((&summary["layout"], &summary["labels"]), (&"folder".into(), &"fer-7".into()));
    assert_eq!(summary["splits"][0]["classes"], serde_json::json!([8, 0, 0, 8, 8, 0, 0]));
    assert_eq!(summary["splits"][2]["rows"], 9);

    let output = emocue(folder, "data show --data faces -o sheet.png --class happy --per-class 3");
    assert!(output.status.success(), "{output:?}");
    let sheet = image::open(folder.join("sheet.png")).unwrap().into_luma8();
    assert!(sheet.height() < 200 && sheet.width() > 300, "{:?}", sheet.dimensions());

    let map = "labels = \"valence-3\"\n[classes]\nangry = \"negative\"\nsad = \"negative\"\nhappy = \"positive\"\n";
    std::fs::write(folder.join("map.toml"), map).unwrap();
    let summary = json(&emocue(folder, "data summary --data faces --map map.toml --json"));
    assert_eq!(summary["splits"][0]["classes"], serde_json::json!([8, 0, 16]));
}

#[test]
fn tells_what_it_refuses() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("basic.zip"), b"PK\x03\x04").unwrap();
    assert!(refused(folder, "data summary --data basic.zip").contains("unpack it"));
    let error = refused(folder, "data summary --data .");
    assert!(error.contains("--layout raf-db") && error.contains("KA.AN1.39.tiff"), "{error}");
    assert!(refused(folder, "data summary").contains("--fer2013"));
    classes(&folder.join("faces"), 20);
    std::fs::write(folder.join("faces/train/happy/0.png"), b"<html>").unwrap();
    let error = refused(folder, "data summary --data faces");
    assert!(error.contains("faces/train/happy/0.png: not a JPEG"), "{error}");
}

#[test]
fn trains_and_judges_what_is_not_fer2013() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    classes(&folder.join("faces"), 32);
    let train = "train --data faces --heads fer-7 --epochs 1 --run run --workers 1 --plain";
    let output = emocue(folder, train);
    assert!(output.status.success(), "{output:?}");
    let judged = json(&emocue(folder, "eval --data faces --split all --json"));
    let evaluation = &judged["evaluations"][0];
    assert_eq!(evaluation["splits"].as_array().unwrap().len(), 3, "{evaluation}");
}

#[test]
fn prepares_raw_pictures_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let raw = folder.join("raw/happy");
    std::fs::create_dir_all(&raw).unwrap();
    let portraits = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/run/pictures");
    std::fs::copy(portraits.join("astronaut.jpg"), raw.join("astronaut.jpg")).unwrap();
    std::fs::copy(portraits.join("grace_hopper.jpg"), raw.join("hopper.jpg")).unwrap();
    GrayImage::from_pixel(90, 60, Luma([80])).save(raw.join("nobody.png")).unwrap();
    std::fs::write(raw.join("broken.jpg"), b"no picture").unwrap();

    std::fs::write(raw.join("phone.HEIC"), b"not read").unwrap();

    // Both portraits show more than the face; faces are aligned by default.
    let output = emocue(folder, "data prepare --input raw --out out --side 96");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(output.status.success(), "{output:?}");
    for line in [
        "4 of 4 pictures, 2 results in out",
        "2 faces aligned by eyes",
        "1 without a face, skipped",
        "1 unreadable, skipped",
        "1 files skipped, not pictures by their names: .heic 1",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let log = std::fs::read_to_string(folder.join("out/prepared.csv")).unwrap();
    assert!(log.contains("happy/astronaut.jpg,happy/astronaut.png,aligned,0.2"), "{log}");
    let face = image::open(folder.join("out/happy/astronaut.png")).unwrap();
    assert_eq!((face.width(), face.color()), (96, image::ColorType::L8));
    // After alignment, the eyes are darker than the cheeks below them.
    let face = face.into_luma8();
    let mean = |x: u32, y: u32| {
        let part = image::imageops::crop_imm(&face, x - 3, y - 3, 6, 6).to_image();
        part.pixels().map(|pixel| u32::from(pixel.0[0])).sum::<u32>() / 36
    };
    assert!(mean(30, 37) + 20 < mean(30, 55) && mean(66, 37) + 20 < mean(66, 55));

    std::fs::remove_file(raw.join("broken.jpg")).unwrap();
    let again = emocue(folder, "data prepare --input raw --out out --side 96");
    assert!(String::from_utf8(again.stdout).unwrap().contains("3 of 3 pictures"));
    let whole = emocue(folder, "data prepare --input raw --out whole --fallback whole");
    let text = String::from_utf8(whole.stdout).unwrap();
    assert!(text.contains("3 results") && text.contains("1 without a face, fallback"), "{text}");
    assert!(refused(folder, "data prepare --input raw --out out").contains("other settings"));
    assert!(refused(folder, "data prepare --input raw --out raw/faces").contains("input folder"));
    let data = json(&emocue(folder, "data summary --data out --side 96 --json"));
    assert_eq!(data["rows"], 2);
}
