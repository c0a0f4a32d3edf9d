//! Trainings: checkpoints, graphs, figures, plans.

use std::fs;

use serde_json::Value;

use crate::place::{
    DATA, Place, SAME_NETWORK, SAME_TRAINING, assert_says, bytes, json, kept, lines, text,
};

#[test]
fn a_finished_training_is_finished_exported_and_reported() {
    let place = Place::with(&["rows", "plan"]);
    let run = "plan/jobs/plain-seed1";
    let files =
        ["checkpoint.bin", "metrics.jsonl", "eval.json"].map(|name| format!("{run}/{name}"));
    let before = files.each_ref().map(|file| fs::read(place.at(file)).unwrap());
    let train =
        ["train", "--continue", "--recipe", "plan/plain.toml", "--judge", "private", "--run", run];
    assert!(place.emocue(&[train.as_slice(), &DATA].concat()).contains("finished"));
    assert!(files.each_ref().map(|file| fs::read(place.at(file)).unwrap()) == before);
    // The recipe is the same, but with another seed it is another training.
    let other = place.run("emocue", &[train.as_slice(), &["--seed", "5"], &DATA].concat());
    assert_eq!(other.status.code(), Some(2), "{other:?}");
    assert!(String::from_utf8_lossy(&other.stderr).contains("seed"), "{other:?}");

    place.emocue(&["export", "--run", run, "--head", "ferplus-8", "--out", "again.onnx"]);
    let eval = |model| [["eval", "--json", "--model", model].as_slice(), &DATA].concat();
    let now: Value = serde_json::from_str(&place.emocue(&eval("again.onnx"))).unwrap();
    let graph = format!("{run}/ferplus-8.onnx");
    let old = json("graphs/eval.json.gz")["evaluations"].as_array().unwrap().clone();
    let old = old.iter().find(|one| one["name"] == graph.as_str()).unwrap();
    assert_says(&now["evaluations"][0]["splits"], &old["splits"], SAME_NETWORK);

    place.emocue(&["report", "--run", run, "--eval", &files[2], "--out", "page.html"]);
    let page = place.read("page.html");
    assert!(page.contains("plain-seed1") && page.contains("ferplus.plurality"), "{page}");
}

#[test]
fn an_interrupted_training_goes_to_the_same_end() {
    let place = Place::with(&["rows", "plan"]);
    place.copy("runs/interrupted", "runs/badge");
    let begun = text("runs/interrupted/metrics.jsonl");
    let answers =
        fs::read_dir(kept("runs/interrupted")).unwrap().map(|file| file.unwrap().file_name());
    let answers =
        answers.map(|name| name.into_string().unwrap()).find(|name| name.starts_with("teacher-"));
    let answers = answers.unwrap();
    // The recipe is the same; only the seed differs.
    fs::copy(kept("runs/badge.toml"), place.at("badge.toml")).unwrap();
    let train = ["train", "--continue", "--run", "runs/badge", "--recipe", "badge.toml"];
    let other = place.run("emocue", &[train.as_slice(), &["--seed", "5"], &DATA].concat());
    assert_eq!(other.status.code(), Some(2), "{other:?}");
    assert!(String::from_utf8_lossy(&other.stderr).contains("seed"), "{other:?}");

    let resume = [
        ["train", "--resume", "--run", "runs/badge", "--judge", "private", "--workers", "1"]
            .as_slice(),
        &["--teacher", "plan/jobs/plain-seed1/ferplus-8.onnx"],
        &DATA,
    ];
    place.emocue(&resume.concat());
    let metrics = place.read("runs/badge/metrics.jsonl");
    assert!(metrics.starts_with(&begun), "finished epochs changed");
    assert_says(&lines(&metrics), &lines(&text("runs/finished/metrics.jsonl")), SAME_TRAINING);
    let judged = place.json("runs/badge/eval.json");
    assert_says(&judged, &json("runs/finished/eval.json.gz"), SAME_TRAINING);
    // The teacher was not run again.
    let kept = fs::read(place.at(&format!("runs/badge/{answers}"))).unwrap();
    assert!(kept == bytes(&format!("runs/interrupted/{answers}")));
    let others = fs::read_dir(place.at("runs/badge")).unwrap();
    let asked = others
        .filter(|f| f.as_ref().unwrap().file_name().to_string_lossy().starts_with("teacher-"));
    assert_eq!(asked.count(), 1);
}

#[test]
fn a_plan_is_gathered_and_goes_on() {
    let place = Place::with(&["rows", "plan"]);
    let gather = ["gather", "plan/plan.toml", "--json"];
    let gathered = || serde_json::from_str::<Value>(&place.emocue(&gather)).unwrap();
    assert_says(&gathered(), &json("plan/gather.json"), SAME_NETWORK);
    place.emocue(&["train", "--plan", "plan/plan.toml"]);
    assert_says(&gathered(), &json("plan/finished/gather.json"), SAME_TRAINING);
    let metrics = lines(&place.read("plan/jobs/plain-seed2/metrics.jsonl"));
    assert_says(&metrics, &lines(&text("plan/finished/metrics.jsonl")), SAME_TRAINING);
    let judged = place.json("plan/jobs/plain-seed2/eval.json");
    assert_says(&judged, &json("plan/finished/eval.json.gz"), SAME_TRAINING);
}
