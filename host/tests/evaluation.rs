//! `emocue eval` and `emocue report` as programs: output, files and pages.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use emocue_data::model::metadata;
use emocue_quantize::onnx::{Array, Dim, GraphBuilder};
use serde_json::Value;

/// The arguments that name the data.
const DATA: &str = "--fer2013 fer2013.csv --ferplus fer2013new.csv";

/// Thirty rows in which the position of a bright line gives the class; the first PublicTest row also occurs in
/// Training.
fn data(folder: &Path) {
    let mut pixels = String::from("emotion,pixels,Usage\n");
    let mut votes = String::from(
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n",
    );
    let fer_of_ferplus = [6, 3, 5, 4, 0, 1, 2];
    for row in 0..30 {
        let usage = ["Training", "PublicTest", "PrivateTest"][row / 10];
        let (class, seed) = if row == 10 { (0, 0) } else { (row % 7, row) };
        let value = |i: usize| if i / 48 == class { 200 + seed } else { (i * 31 + seed) % 60 };
        let picture: Vec<String> = (0..48 * 48).map(|i| value(i).to_string()).collect();
        writeln!(pixels, "{},{},{usage}", fer_of_ferplus[class], picture.join(" ")).unwrap();
        // Rows of class 1 have no majority of ten, but one by the authors' rule.
        let counts: Vec<&str> = (0..10)
            .map(|i| match (class, i) {
                (1, 1) => "5",
                (1, 0) => "3",
                (1, 2 | 3) => "1",
                (class, i) if i == class => "10",
                _ => "0",
            })
            .collect();
        writeln!(votes, "{usage},,{}", counts.join(",")).unwrap();
    }
    std::fs::write(folder.join("fer2013.csv"), pixels).unwrap();
    std::fs::write(folder.join("fer2013new.csv"), votes).unwrap();
}

/// A graph whose logit `k` is the brightness of line `k`.
fn network(path: &Path, labels: Option<&str>) {
    let mut graph = GraphBuilder::new("lines");
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(48), Dim::Fixed(48)]);
    let flat = graph.flatten("flat", &x);
    let mut weight = vec![0.0; 8 * 2304];
    (0..8).for_each(|k| weight[k * 2304 + k * 48..][..48].fill(0.05));
    let logits = graph.dense("y", &flat, Array::new(&[8, 2304], &weight), &[0.0; 8]);
    graph.output(&logits, &[Dim::BATCH, Dim::Fixed(8)]);
    let entries: Vec<_> = labels.map(|id| (metadata::LABELS, id)).into_iter().collect();
    let model = graph.finish().unwrap().with_metadata(&entries);
    std::fs::write(path, model.to_bytes()).unwrap();
}

fn emocue(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    command.current_dir(folder).args(arguments.split_whitespace()).output().unwrap()
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn json_has_its_keys_and_becomes_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    data(folder);
    network(&folder.join("a.onnx"), Some("ferplus-8"));
    network(&folder.join("b.onnx"), None);

    let arguments = format!(
        "eval --model a.onnx --ensemble a.onnx b.onnx --labels ferplus-8 {DATA} --split public --json"
    );
    let output = emocue(folder, &arguments);
    let file = json(&output);
    assert_eq!(file["format"], "emocue-eval-1");
    assert_eq!(file["command"], format!("emocue {arguments}"));
    let [one, mean] = file["evaluations"].as_array().unwrap().as_slice() else { panic!("two") };
    assert_eq!((&one["name"], &mean["name"]), (&"a.onnx".into(), &"a.onnx + b.onnx".into()));
    assert_eq!(one["splits"], mean["splits"], "the mean of twice the same");
    let split = &one["splits"][0];
    assert_eq!((&split["rows"], &split["also_in_training"]), (&10.into(), &1.into()));
    let rows = |protocol: usize, part: &str| split["protocols"][protocol][part]["rows"].clone();
    let names: Vec<_> =
        (0..4).map(|i| split["protocols"][i]["protocol"].as_str().unwrap()).collect();
    assert_eq!(names, ["ferplus.plurality", "ferplus.authors", "ferplus.majority", "label"]);
    // Of rows 10..20 only row 15 is of class 1.
    assert_eq!([0, 1, 2, 3].map(|i| rows(i, "all")), [10, 10, 9, 10].map(Value::from));
    assert_eq!(rows(0, "not_in_training"), 9);
    assert_eq!(split["protocols"][0]["all"]["accuracy"], 1.0);

    std::fs::write(folder.join("eval.json"), &output.stdout).unwrap();
    std::fs::write(folder.join("metrics.jsonl"), "{\"epoch\":1,\"loss\":2.5}\n").unwrap();
    let made = emocue(folder, "report --run . --eval eval.json -o page.html");
    assert!(made.status.success(), "{made:?}");
    let page = std::fs::read_to_string(folder.join("page.html")).unwrap();
    assert!(page.contains("a.onnx + b.onnx") && page.contains("100.00 %") && page.contains("loss"));
    assert!(!page.contains("<img"));
}

#[test]
fn the_table_names_protocols_and_a_page_shows_faces_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    data(folder);
    network(&folder.join("a.onnx"), Some("ferplus-8"));
    let page = |more: &str| {
        let arguments =
            format!("eval --model a.onnx {DATA} --split all --report page.html --overwrite {more}");
        let output = emocue(folder, &arguments);
        assert!(output.status.success(), "{output:?}");
        (
            String::from_utf8(output.stdout).unwrap(),
            std::fs::read_to_string(folder.join("page.html")).unwrap(),
        )
    };
    let (text, plain) = page("--flip");
    for word in [
        "a.onnx (ferplus-8) on fer2013, in tract, mean with the mirror image",
        "PublicTest: 10 rows, 1 of them also in Training",
        "PrivateTest: 10 rows\n",
        "ferplus.plurality            10  100.00 %",
        "  not in Training             9  100.00 %",
        "answered as",
    ] {
        assert!(text.contains(word), "{word:?} in\n{text}");
    }
    assert!(!plain.contains("<img") && !plain.contains("people's faces"));
    let (_, faces) = page("--examples 2");
    assert!(faces.contains("<img") && faces.contains("people's faces"));
}

#[test]
fn folds_take_a_network_each_or_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    data(folder);
    network(&folder.join("a.onnx"), Some("ferplus-8"));
    let three = "--model a.onnx --model a.onnx --model a.onnx";
    let file = json(&emocue(folder, &format!("eval {three} --folds 3 {DATA} --json")));
    let folds = &file["evaluations"][0]["folds"];
    assert_eq!((&folds["count"], &folds["by_subject"]), (&3.into(), &false.into()));
    let label = &folds["protocols"][3];
    assert_eq!((&label["protocol"], &label["pooled"]["rows"]), (&"label".into(), &30.into()));
    assert_eq!(label["folds"].as_array().unwrap().len(), 3);
    assert_eq!(label["accuracy"]["mean"], 1.0);
    let one = emocue(folder, &format!("eval --model a.onnx --folds 3 --fold 2 {DATA}"));
    let text = String::from_utf8(one.stdout).unwrap();
    assert!(text.contains("label fold 2") && !text.contains("fold 1"), "{text}");
}

#[test]
fn a_graph_becomes_small_and_calibrated_and_stays_judged() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    data(folder);
    network(&folder.join("a.onnx"), Some("ferplus-8"));
    let said = |arguments: &str| {
        let output = emocue(folder, arguments);
        assert!(output.status.success(), "{arguments}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let size = |name: &str| std::fs::metadata(folder.join(name)).unwrap().len();
    let judged = |name: &str| {
        let file =
            json(&emocue(folder, &format!("eval --model {name} {DATA} --split public --json")));
        let all = &file["evaluations"][0]["splits"][0]["protocols"][0]["all"];
        (all["accuracy"].as_f64().unwrap(), all["threshold"].as_f64().unwrap())
    };
    for form in ["w8", "int8"] {
        let text =
            said(&format!("quantize a.onnx --form {form} --fer2013 fer2013.csv -o {form}.onnx"));
        assert!(text.contains("10 rows calibrated it") && text.contains("y (Gemm)"), "{text}");
        assert!(size(&format!("{form}.onnx")) * 3 < size("a.onnx"));
        assert_eq!(judged(&format!("{form}.onnx")), (1.0, 0.5));
        // In place.
        let text = said(&format!("calibrate {form}.onnx {DATA} -o {form}.onnx"));
        assert!(text.contains("fitted to 10 rows of PublicTest, ferplus.plurality"), "{text}");
        let (accuracy, threshold) = judged(&format!("{form}.onnx"));
        assert_eq!(accuracy, 1.0);
        assert!(text.contains(&format!("threshold {threshold:.3}")), "{text}");
    }
    let told = metadata::read(&std::fs::read(folder.join("w8.onnx")).unwrap()).unwrap();
    let calibration = told.calibration.unwrap();
    assert!(calibration.temperature < 1.0, "all answers are right: {}", calibration.temperature);
    assert!(calibration.error[1] <= calibration.error[0]);
}

#[test]
fn a_threshold_that_leaves_nearly_nothing_answered_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    data(folder);
    network(&folder.join("a.onnx"), Some("ferplus-8"));
    // One row in ten has the right label: the classes of the data are shifted against the network's.
    let csv = std::fs::read_to_string(folder.join("fer2013.csv")).unwrap();
    let shifted: Vec<String> = csv
        .lines()
        .enumerate()
        .map(|(row, line)| match line.split_once(',') {
            Some((label, rest)) if (12..22).contains(&row) => {
                format!("{},{rest}", (label.parse::<u8>().unwrap() + 1) % 7)
            }
            _ => line.to_owned(),
        })
        .collect();
    std::fs::write(folder.join("wrong.csv"), shifted.join("\n")).unwrap();
    let calibrate = "calibrate a.onnx --fer2013 wrong.csv -o c.onnx";
    let failed = emocue(folder, &format!("{calibrate} --right 0.95 --min-answered 0.5"));
    let said = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(failed.status.code(), Some(5), "{said}");
    assert!(said.contains("% of the answers reach the threshold"), "{said}");
    assert!(said.contains("help: ") && said.contains("with --right 0."), "{said}");
    assert!(!folder.join("c.onnx").exists());
    let accepted = emocue(folder, &format!("{calibrate} --right 0.95 --min-answered 0"));
    assert!(accepted.status.success(), "{accepted:?}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    data(folder);
    network(&folder.join("a.onnx"), None);
    for (arguments, code, expected) in [
        (format!("eval --model a.onnx {DATA}"), 3, "a.onnx does not name its classes"),
        (
            format!("eval --model a.onnx --labels fer-7 {DATA}"),
            5,
            "8 logits for the classes of fer-7",
        ),
        (format!("eval --labels fer-9 {DATA}"), 2, "expected one of fer-7"),
        (format!("eval --folds 3 {DATA}"), 2, "1 networks for 3 folds"),
        (format!("eval --folds 2 {DATA}"), 2, "2 folds, expected 3 to 100"),
        (format!("eval --examples 3 {DATA}"), 2, "--report"),
        (format!("calibrate default {DATA} -o c.onnx"), 2, "default is not an .onnx file"),
        (format!("calibrate a.onnx {DATA} -o c.onnx"), 3, "does not name its classes"),
        (format!("quantize b.onnx --form w8 {DATA} -o q.onnx"), 3, "cannot read b.onnx"),
        (format!("quantize a.onnx --form w8 {DATA} --rows 3 -o q.onnx"), 3, "3 calibration rows"),
        (format!("quantize a.onnx --form w4 {DATA} -o q.onnx"), 2, "int8"),
        ("report".to_owned(), 2, "--run"),
        ("report --run missing".to_owned(), 3, "no metrics.jsonl and no recipe"),
    ] {
        let failed = emocue(folder, &arguments);
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(code), "{arguments}: {said}");
        assert!(said.contains(expected), "{arguments}: {said}");
    }
}
