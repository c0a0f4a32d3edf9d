//! `emocue compare` as a program: its figures equal those of the verbs that it combines.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;
use std::process::{Command, Output};

use emocue_data::fixture::{ROWS, fer2013_with_votes, save};
use emocue_data::model::metadata;
use emocue_quantize::onnx::{Array, Dim, GraphBuilder};
use emocue_train::net::NetSpec;
use emocue_train::recipe::Recipe;
use serde_json::Value;

const DATA: &str = "--fer2013 fer2013.csv";
const VOTES: &str = "--fer2013 fer2013.csv --ferplus fer2013new.csv";

/// A graph whose logit `k` is the brightness of the `k`-th bar, with `channels` channels and `classes` classes.
fn network(path: &Path, labels: &str, channels: usize, classes: usize) {
    let mut graph = GraphBuilder::new("bars");
    let side = Dim::Fixed(48);
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(channels), side, side]);
    let flat = graph.flatten("flat", &x);
    let inputs = channels * 2304;
    let mut weight = vec![0.0; classes * inputs];
    (0..classes).for_each(|k| weight[k * inputs + k * 288..][..288].fill(0.01));
    let shape = [classes, inputs];
    let logits = graph.dense("y", &flat, Array::new(&shape, &weight), &vec![0.0; classes]);
    graph.output(&logits, &[Dim::BATCH, Dim::Fixed(classes)]);
    let model = graph.finish().unwrap().with_metadata(&[(metadata::LABELS, labels)]);
    std::fs::write(path, model.to_bytes()).unwrap();
}

fn emocue(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    command.current_dir(folder).args(arguments.split_whitespace()).output().unwrap()
}

fn json(folder: &Path, arguments: &str) -> Value {
    let output = emocue(folder, &format!("{arguments} --json"));
    assert!(output.status.success(), "{arguments}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The score card of `emocue eval` by a protocol.
fn judged(folder: &Path, arguments: &str, protocol: &str) -> Value {
    let file = json(folder, &format!("eval {arguments} --split public"));
    let protocols = file["evaluations"][0]["splits"][0]["protocols"].as_array().unwrap();
    protocols.iter().find(|result| result["protocol"] == protocol).unwrap()["all"].clone()
}

fn names(file: &Value) -> Vec<&str> {
    let recognizers = file["recognizers"].as_array().unwrap();
    recognizers.iter().map(|recognizer| recognizer["name"].as_str().unwrap()).collect()
}

#[test]
fn every_figure_is_that_of_eval_and_baseline() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fer2013_with_votes(folder);
    network(&folder.join("a.onnx"), "ferplus-8", 1, 8);
    let task = format!("compare {VOTES} --model a.onnx");
    let file = json(folder, &task);
    assert_eq!(
        (&file["format"], &file["split"]),
        (&"emocue-compare-1".into(), &"PublicTest".into())
    );
    assert_eq!((&file["rows"], &file["training_rows"]), (&8.into(), &(ROWS - 8).into()));
    assert_eq!(file["protocol"], "ferplus.plurality");
    assert!(file.get("detectors").is_none());
    let of = |name: &str| {
        let at = names(&file).iter().position(|known| known.starts_with(name)).unwrap();
        &file["recognizers"][at]
    };
    assert_eq!(names(&file)[..2], ["default", "a.onnx"]);
    assert_eq!(of("default")["scores"], judged(folder, VOTES, "ferplus.plurality"));
    let graph = of("a.onnx");
    let protocol = "ferplus.plurality";
    assert_eq!(graph["scores"], judged(folder, &format!("{VOTES} --model a.onnx"), protocol));
    assert_eq!(
        (&graph["kind"], &graph["parameters"], &graph["macs"]),
        (&"model".into(), &(8 * 2304 + 8).into(), &(8 * 2304).into())
    );
    assert_eq!(graph["bytes"], std::fs::metadata(folder.join("a.onnx")).unwrap().len());
    assert_eq!(
        (&of("default")["cpu_ratio"], &of("default")["kind"]),
        (&1.0.into(), &"bundle".into())
    );
    assert!(of("default")["macs"].as_u64() > of("default")["parameters"].as_u64());
    let all = file["recognizers"].as_array().unwrap();
    assert!(all.iter().all(|one| one["cpu_ratio"].as_f64().unwrap() > 0.0), "{file}");

    for (learner, name) in [("mlp", "MLP"), ("forest", "random forest")] {
        let alone = json(folder, &format!("baseline {learner} {VOTES} --target ferplus"));
        assert_eq!(of(name)["scores"], alone["scores"], "{learner}");
    }
    // There are 32 training rows.
    let ks = "--k 1,3,5,7,9,11,15,21,31";
    let alone = json(folder, &format!("baseline knn {VOTES} --target ferplus {ks}"));
    for chosen in alone["chosen"].as_array().unwrap() {
        let (metric, k) = (chosen["metric"].as_str().unwrap(), &chosen["k"]);
        let line = of(&format!("kNN ({metric}, k = {k})"));
        assert_eq!(line["scores"], chosen["scores"]);
        assert_eq!(line["stores"], "32 rows of 2304 pixels");
        assert!(line["parameters"].is_null() && line["macs"].is_null(), "{line}");
    }
    let perceptron = of("MLP");
    let macs = 2304 * 256 + 256 * 128 + 128 * 8;
    assert_eq!(perceptron["macs"], macs);
    assert_eq!(perceptron["parameters"], macs + 256 + 128 + 8);

    // A second run gives the same results, except for the CPU time.
    let mut again = json(folder, &task);
    for recognizer in again["recognizers"].as_array_mut().unwrap() {
        let name = recognizer["name"].as_str().unwrap().to_owned();
        recognizer["cpu_ratio"] = of(&name)["cpu_ratio"].clone();
    }
    assert_eq!(again, file);
}

#[test]
fn networks_of_seven_classes_are_compared_by_the_datasets_labels() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fer2013_with_votes(folder);
    network(&folder.join("seven.onnx"), "fer-7", 1, 7);
    let task = format!("compare {VOTES} --model seven.onnx --baseline none");
    let file = json(folder, &task);
    assert_eq!((&file["protocol"], &file["training_rows"]), (&"label".into(), &Value::Null));
    assert_eq!(names(&file), ["default", "seven.onnx"]);
    assert_eq!(file["recognizers"][0]["scores"], judged(folder, VOTES, "label"));
    let seven = &file["recognizers"][1];
    assert_eq!(seven["scores"], judged(folder, &format!("{DATA} --model seven.onnx"), "label"));
    assert_eq!(seven["scores"]["accuracy"], 1.0);

    let refused = emocue(folder, &format!("{task} --target ferplus"));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("seven.onnx cannot be compared by FER+ votes"), "{said}");
    assert!(said.contains("help: ") && said.contains("--target label"), "{said}");
}

#[test]
fn a_limit_makes_a_quick_comparison_and_a_page_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fer2013_with_votes(folder);
    for number in 0..6 {
        save(&folder.join(format!("nobody/{number}.png")), 64, number);
    }
    let task = format!(
        "compare {DATA} --limit 20 --baseline forest --detector default --empty nobody --report page.html"
    );
    let file = json(folder, &task);
    let alone = json(folder, &format!("baseline forest {DATA} --limit 20"));
    assert_eq!((&file["training_rows"], &alone["training_rows"]), (&20.into(), &20.into()));
    assert_eq!(file["recognizers"][1]["scores"], alone["scores"]);
    let people = &file["detectors"]["detectors"][0]["people"];
    assert_eq!(people["classes"][0]["name"], "none");
    let page = std::fs::read_to_string(folder.join("page.html")).unwrap();
    for word in ["random forest (100 trees)", "several people in a picture", "MMAC"] {
        assert!(page.contains(word), "{word}");
    }
    assert_eq!(page.matches("<svg").count(), 2);
    assert!(!page.contains("<script") && !page.contains("<img"));

    let refused = emocue(folder, &task);
    assert_eq!(refused.status.code(), Some(4), "the page exists: {refused:?}");
    let replaced = emocue(folder, &format!("{task} --overwrite"));
    let text = String::from_utf8(replaced.stdout).unwrap();
    assert!(text.starts_with("8 rows of fer2013's PublicTest by label"), "{text}");
    assert!(text.contains("Baselines learned from 20 Training rows"), "{text}");
}

#[test]
fn a_training_is_compared_under_its_recipes_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fer2013_with_votes(folder);
    let mut recipe = Recipe::load("badge").unwrap();
    recipe.net = NetSpec::Badge { width: 4, dropout: 0.1 };
    (recipe.optimizer.batch, recipe.schedule.epochs) = (8, 1);
    std::fs::write(folder.join("tiny.toml"), toml::to_string(&recipe).unwrap()).unwrap();
    let trained =
        emocue(folder, &format!("train {VOTES} --recipe tiny.toml --run runs/one --plain"));
    assert!(trained.status.success(), "{trained:?}");
    for (target, head) in [("ferplus", "ferplus-8"), ("label", "fer-7")] {
        let task = format!("compare {VOTES} --run runs/one --baseline none --target {target}");
        let file = json(folder, &task);
        assert_eq!(names(&file), ["default", "tiny"]);
        let line = &file["recognizers"][1];
        assert_eq!((&line["kind"], &line["labels"]), (&"run".into(), &head.into()));
        let graph = format!("{VOTES} --model runs/one/{head}.onnx");
        assert_eq!(line["scores"], judged(folder, &graph, file["protocol"].as_str().unwrap()));
    }
    std::fs::remove_file(folder.join("runs/one/ferplus-8.onnx")).unwrap();
    let refused = emocue(folder, &format!("compare {VOTES} --run runs/one --target ferplus"));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("has no exported graph") && said.contains("emocue export"), "{said}");
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fer2013_with_votes(folder);
    network(&folder.join("colour.onnx"), "fer-7", 3, 7);
    network(&folder.join("eight.onnx"), "fer-7", 1, 8);
    std::fs::write(folder.join("text.onnx"), "not a graph").unwrap();
    std::fs::create_dir(folder.join("nothing")).unwrap();
    for (arguments, code, expected) in [
        ("--model missing.onnx", 3, "cannot read missing.onnx"),
        ("--model text.onnx", 3, "Give a file as `emocue export`"),
        ("--model colour.onnx", 5, "with one input [1,1,side,side]"),
        ("--model eight.onnx", 5, "or leave it out"),
        ("--bundle fer2013.csv", 5, "fer2013.csv"),
        ("--run nothing", 3, "no checkpoint is there"),
        ("--run nothing", 3, "Name the --run folder of a classifier's training"),
        ("--split private", 3, "fer2013 has no PrivateTest rows"),
        ("--split private", 3, "help: Choose the other --split"),
        ("--target ferplus", 2, "--ferplus"),
        ("--baseline none,knn", 2, "none alone"),
        ("--baseline svm", 2, "knn"),
        ("--limit 0", 2, "at least 1"),
        ("--faces marks.csv", 2, "--detector"),
        ("--detector default --baseline none", 2, "--faces SET"),
        ("--report page.txt", 2, ".html"),
    ] {
        let failed = emocue(folder, &format!("compare {DATA} {arguments}"));
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(code), "{arguments}: {said}");
        assert!(said.contains(expected) && !said.contains("panicked"), "{arguments}: {said}");
        assert!(failed.stdout.is_empty(), "{arguments}");
    }
}
