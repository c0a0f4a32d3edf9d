use emocue_models::label::{FER_7, VALENCE_3};

use super::*;
use crate::eval::card::{
    Evaluation, FoldResult, FoldedProtocol, FoldsResult, ModelInfo, ProtocolResult, ScoreCard,
    SplitResult, Spread,
};
use crate::eval::metrics::Scores;
use crate::eval::protocol::AppliedProtocol;
use emocue_data::Split;
use emocue_data::dataset::{Dataset, Row};
use emocue_data::model::ClassifierModel;
use emocue_data::model::metadata;
use emocue_data::predict::{PredictSettings, predict};
use emocue_quantize::onnx::{Array, Dim, GraphBuilder};

fn card() -> ScoreCard {
    let mut scores = Scores::new(VALENCE_3, 0.6);
    for (truth, answer) in [(0, [0.7, 0.2, 0.1]), (0, [0.1, 0.8, 0.1]), (1, [0.1, 0.9, 0.0])] {
        scores.add(truth, &answer);
    }
    ScoreCard::of(&scores)
}

fn evaluation(name: &str) -> Evaluation {
    let result = |protocol: &str| ProtocolResult {
        protocol: protocol.into(),
        about: "what it means".into(),
        all: card(),
        not_in_training: Some(card()),
        conditions: None,
    };
    let split = SplitResult {
        split: "PublicTest".into(),
        rows: 3,
        also_in_training: 1,
        protocols: vec![result("ferplus.plurality"), result("ferplus.majority")],
    };
    let folded = FoldedProtocol {
        protocol: "label".into(),
        about: "the dataset's own label".into(),
        accuracy: Spread { mean: 0.4321, deviation: 0.0123 },
        macro_f1: Spread { mean: 0.5, deviation: 0.1 },
        folds: vec![FoldResult { fold: 1, card: card() }, FoldResult { fold: 2, card: card() }],
        pooled: card(),
    };
    let folds = FoldsResult { count: 2, seed: 7, by_subject: true, protocols: vec![folded] };
    Evaluation {
        name: name.into(),
        models: vec![ModelInfo {
            name: format!("{name}.onnx"),
            labels: "valence-3".into(),
            side: 48,
            temperature: 1.5,
            bytes: 1_234_567,
            sha256: "0123456789abcdef0123456789abcdef".into(),
        }],
        labels: "valence-3".into(),
        dataset: "test".into(),
        flip: false,
        jitter: 0.1,
        splits: vec![split],
        folds: Some(folds),
        groups: None,
    }
}

fn report(examples: Vec<ReportExamples>) -> ReportPage {
    let file = EvalFile {
        format: FORMAT.into(),
        environment: Environment::here(),
        command: "emocue eval --json".into(),
        evaluations: vec![evaluation("one <b>"), evaluation("two")],
    };
    let lines = r#"{"epoch":1,"loss":2.5,"validation":{"a":0.25,"b":0.5}}
        {"epoch":2,"loss":1.5,"validation":{"a":0.35,"b":0.6}}"#;
    let run =
        EvaluatedRun { recipe: Some("width = 24 # <wide>".into()), charts: charts(lines).unwrap() };
    ReportPage {
        title: "A & B".into(),
        run: Some(run),
        files: vec![file],
        examples,
        row: None,
        environment: Environment::here(),
        command: "emocue report".into(),
    }
}

/// Checks that every element is closed, in order.
fn check_balanced(html: &str) {
    const VOID: [&str; 4] = ["meta", "br", "img", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some((_, tail)) = rest.split_once('<') {
        let (tag, tail) = tail.split_once('>').expect("a tag ends");
        rest = tail;
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "before {:.80}", tail);
        } else if name == "style" {
            rest = tail.split_once("</style>").expect("style ends").1;
        } else if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn the_page_is_well_formed_and_loads_nothing() {
    let html = report(Vec::new()).html().unwrap();
    check_balanced(&html);
    for word in ["http:", "https:", "//", "url(", "@import", "<script", "<link", "<img", "src="] {
        assert!(!html.contains(word), "{word}");
    }
    assert!(!html.contains("people's faces"));
}

#[test]
fn the_page_has_the_figures_it_was_given() {
    let html = report(Vec::new()).html().unwrap();
    for word in [
        "<title>A &amp; B</title>",
        "<h2>one &lt;b&gt;</h2>",
        "66.67 %", // accuracy, two of three
        "43.21 % ± 1.23 %",
        "0.500 ± 0.100",
        "faces up to 10 % off",
        "1 of them also stand in Training",
        "50.0<small>1</small>", // half of the positive rows, one
        "1.23 MB",
        "0123456789abcdef…",
        "width = 24 # &lt;wide&gt;",
        "emocue eval --json\nemocue report\n",
        "last 1.5<",
        "Overview",
    ] {
        assert!(html.contains(word), "{word}");
    }
    // For each of 2 evaluations 2 protocols and 1 cross-validation, two plots each; and two curves.
    assert_eq!(html.matches("<svg ").count(), 2 * 3 * 2 + 2);
    // Protocols that differ only in the rows that count are collapsed.
    assert_eq!(html.matches("<details open>").count(), 2 * 2);
}

#[test]
fn dark_screens_know_every_colour() {
    let style = include_str!("style.css");
    let html = report(Vec::new()).html().unwrap();
    for part in html.split("=\"#").skip(1) {
        let color = &part[..6];
        assert!(style.contains(&format!("\"#{color}\"")), "{color}");
    }
}

#[test]
fn faces_are_shown_only_when_asked_and_with_a_warning() {
    let mut data = Dataset::new("test", FER_7, 8);
    for index in 0..6u8 {
        let label = usize::from(index % 2);
        let origin = "somebody.png".into();
        let row = Row { split: Split::PublicTest, label, subject: None, origin };
        data.push(row, &[index * 40; 64]);
    }
    // Bright is disgust, dark is anger; the sixth picture has the highest probability.
    let mut graph = GraphBuilder::new("bright");
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(8), Dim::Fixed(8)]);
    let mean = graph.global_average_pool("mean", &x);
    let flat = graph.flatten("flat", &mean);
    let weight = [-1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let bias = [0.0, 0.0, -9.0, -9.0, -9.0, -9.0, -9.0];
    let y = graph.dense("y", &flat, Array::new(&[7, 1], &weight), &bias);
    graph.output(&y, &[Dim::BATCH, Dim::Fixed(7)]);
    let onnx = graph.finish().unwrap().with_metadata(&[(metadata::LABELS, "fer-7")]).to_bytes();
    let net = [ClassifierModel::from_onnx("bright.onnx", onnx, None).unwrap()];
    let rows: Vec<usize> = (0..6).collect();
    let answers = predict(&net, &data, &rows, PredictSettings::default(), &|_| {}).unwrap();
    let applied = &AppliedProtocol::all(&data, FER_7)[0];
    let examples = choose("bright".into(), &data, applied, &answers, 2).unwrap();
    // Rows 1 and 4 are wrong, and 1 is farther from grey; 3 is nearest to grey.
    let words = |examples: &[Example]| {
        examples.iter().map(|e| format!("{}/{}", e.truth, e.answer)).collect::<Vec<_>>()
    };
    assert_eq!(words(&examples.worst), ["disgust/anger", "anger/disgust"]);
    assert_eq!(words(&examples.uncertain)[0], "disgust/anger");
    let html = report(vec![examples]).html().unwrap();
    check_balanced(&html);
    assert_eq!(html.matches("<img src=\"data:image/png;base64,").count(), 4);
    assert!(html.contains("This page shows people's faces.") && html.contains("noindex"));
    assert!(!html.contains("somebody"));
}

#[test]
fn a_run_is_read_and_what_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = EvaluatedRun::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("no metrics.jsonl and no recipe"), "{error}");
    std::fs::write(folder.path().join("metrics.jsonl"), "{\"epoch\":1,\"loss\":2}\n").unwrap();
    std::fs::write(folder.path().join("recipe.toml"), "[net]\n").unwrap();
    let run = EvaluatedRun::read(folder.path()).unwrap();
    assert_eq!((run.charts.len(), run.recipe.as_deref()), (1, Some("[net]\n")));
    std::fs::write(folder.path().join("metrics.jsonl"), "loss").unwrap();
    let error = EvaluatedRun::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("metrics.jsonl: line 1: "), "{error}");
    let path = folder.path().join("eval.json");
    std::fs::write(&path, "{}").unwrap();
    let error = read_eval(&path).unwrap_err().to_string();
    assert!(error.contains("eval.json: missing field"), "{error}");
}
