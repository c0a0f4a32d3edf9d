//! Evaluates classifiers under conditions and by group, and packs the figures into a bundle, by running the program.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;
use std::process::{Command, Output};

use emocue_data::fixture;

/// Two portraits in the public domain.
const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/run/pictures");

fn emocue(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let said = emocue(folder, arguments);
    assert!(said.status.success(), "{said:?}");
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn figures_under_conditions_and_by_group_go_into_a_report_and_a_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fixture::fer2013_with_votes(folder);
    for picture in std::fs::read_dir(PICTURES).unwrap() {
        let picture = picture.unwrap();
        std::fs::copy(picture.path(), folder.join(picture.file_name())).unwrap();
    }
    let labels = "image,age,gender,expression\nastronaut.jpg,39,1,happy\n";
    std::fs::write(folder.join("labels.csv"), labels).unwrap();
    succeeds(folder, &["bundle", "unpack", "default", "-o", "parts"]);

    let data = ["--fer2013", "fer2013.csv", "--ferplus", "fer2013new.csv", "--split", "public"];
    let task =
        ["eval", "--model", "parts/classifier.onnx", "--conditions", "--groups", "labels.csv"];
    let task = [&task[..], &data, &["--json", "--report", "page.html"]].concat();
    let json = succeeds(folder, &task);
    std::fs::write(folder.join("eval.json"), &json).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let evaluation = &json["evaluations"][0];
    let result = &evaluation["splits"][0]["protocols"][0]["conditions"];
    assert_eq!(result["conditions"].as_array().unwrap().len(), 16, "{result}");
    assert_eq!(result["clean"]["name"], "clean");
    assert!(result["mean"]["sure_coverage"].is_number() && result["worst"].is_string());
    let groups = &evaluation["groups"];
    assert_eq!((&groups["pictures"], &groups["faces"]), (&1.into(), &1.into()), "{groups}");
    assert_eq!(groups["conditions"][0]["groups"][0]["accuracy"]["value"], 1.0, "she smiles");

    // The page of `eval`, and that of its file, show a drawn face under each condition.
    succeeds(folder, &["report", "--eval", "eval.json", "-o", "again.html"]);
    for page in ["page.html", "again.html"] {
        let page = std::fs::read_to_string(folder.join(page)).unwrap();
        assert_eq!(page.matches("alt=\"a drawn face, ").count(), 2 * 17, "by votes and by label");
        assert!(page.contains("Apparent groups in") && page.contains("light x0.1"));
    }

    std::fs::write(folder.join("card.md"), "# Model card\n").unwrap();
    let pack =
        ["bundle", "pack", "--detector", "default", "--card", "card.md", "--name", "measured"];
    let pack = [&pack[..], &["--content-version", "1", "--classifier", "parts/classifier.onnx"]];
    let pack = [&pack.concat()[..], &["--eval", "eval.json", "-o", "measured.emocue"]].concat();
    succeeds(folder, &pack);
    let shown = succeeds(folder, &["bundle", "show", "measured.emocue"]);
    assert!(
        shown.contains("conditions.mean 0.") && shown.contains("conditions.worst 0."),
        "{shown}"
    );
    let card = succeeds(folder, &["bundle", "card", "measured.emocue"]);
    assert!(
        card.contains("## Under conditions") && card.contains("## By apparent group"),
        "{card}"
    );
}

#[test]
fn what_cannot_be_measured_together_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fixture::fer2013_with_votes(folder);
    let refused = |arguments: &[&str], named: &str| {
        let said = emocue(folder, &[&["eval", "--fer2013", "fer2013.csv"], arguments].concat());
        let message = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(2), "{message}");
        assert!(message.contains(named), "{message}");
    };
    refused(&["--conditions", "--folds", "3"], "--conditions");
    refused(&["--groups", "labels.csv", "--folds", "3"], "--groups");
    refused(&["--limit", "3"], "--limit has no set of faces to limit");
}
