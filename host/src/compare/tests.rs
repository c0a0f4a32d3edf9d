use emocue_data::dataset::Row;
use emocue_data::votes::Votes;
use emocue_models::bundle::{Bundle, DEFAULT};
use emocue_models::label::{FER_7, LabelSet};
use emocue_quantize::onnx::decode;
use prost::Message as _;

use super::card::{CompareFile, Cost, FORMAT, Kind, Recognizer, distinct};
use super::text::{cells, notes, text};
use super::*;
use crate::eval::card::ScoreCard;
use crate::eval::context::Environment;
use crate::eval::metrics::Scores;

/// Two Training rows and one of PublicTest, with or without votes.
fn data(votes: bool) -> Dataset {
    let mut data = Dataset::new("test", FER_7, 1);
    for split in [Split::Training, Split::Training, Split::PublicTest] {
        data.push(Row { split, label: 3, subject: None, origin: String::new() }, &[7]);
    }
    let happy = Votes([1, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
    if votes { data.with_votes(vec![happy; 3]) } else { data }
}

/// The default bundle's classifier, as if it answered in seven or in eight classes.
fn model(labels: &str) -> ClassifierModel {
    let bundle = Bundle::read(DEFAULT).unwrap();
    if labels == "ferplus-8" {
        return ClassifierModel::from_bundle("default", &bundle).unwrap();
    }
    let onnx = bundle.payload(&bundle.manifest().classifier.network).unwrap();
    let mut graph = decode(onnx).unwrap();
    graph.metadata_props.clear();
    ClassifierModel::from_onnx("seven", graph.encode_to_vec(), LabelSet::by_id(labels)).unwrap()
}

fn recognizer(name: &str, cost: Cost, cpu_ratio: f64) -> Recognizer {
    let mut scores = Scores::new(FER_7, 0.0);
    scores.add(3, &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    scores.add(4, &[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
    let labels = FER_7.id.to_owned();
    let (name, kind) = (name.to_owned(), Kind::Model);
    Recognizer { name, kind, labels, cost, cpu_ratio, scores: ScoreCard::of(&scores) }
}

#[test]
fn votes_count_where_everybody_knows_their_classes() {
    let (eight, seven) = (model("ferplus-8"), model("fer-7"));
    let both = || [("eight", &eight), ("seven", &seven)].into_iter();
    let one = || both().take(1);
    let (label, ferplus) = (Some(BaselineTarget::Label), Some(BaselineTarget::Ferplus));
    let chosen = |data: &Dataset, two: bool, asked| match two {
        true => target(data, both(), asked),
        false => target(data, one(), asked),
    };
    assert_eq!(chosen(&data(true), false, None).unwrap(), BaselineTarget::Ferplus);
    assert_eq!(chosen(&data(true), true, None).unwrap(), BaselineTarget::Label);
    assert_eq!(chosen(&data(true), false, label).unwrap(), BaselineTarget::Label);
    assert_eq!(chosen(&data(false), false, None).unwrap(), BaselineTarget::Label);
    let error = chosen(&data(true), true, ferplus).unwrap_err();
    assert_eq!(
        error.to_string(),
        "seven cannot be compared by FER+ votes: it does not know contempt"
    );
    assert!(error.help().unwrap().contains("--target label"));
    let error = chosen(&data(false), false, ferplus).unwrap_err();
    assert!(error.help().unwrap().contains("--ferplus"), "{error}");
}

#[test]
fn a_split_without_rows_is_refused() {
    assert_eq!(rows(&data(false), Split::PublicTest).unwrap(), [2]);
    let error = rows(&data(false), Split::PrivateTest).unwrap_err();
    assert_eq!(error.to_string(), "test has no PrivateTest rows");
    assert_eq!((error.exit_code(), error.help().is_some()), (exit::INPUT, true));
}

#[test]
fn cells_are_short_and_what_is_missing_is_a_dash() {
    let cost = Cost {
        parameters: Some(1_234_567),
        macs: Some(46_800_000),
        bytes: Some(314_001),
        stores: None,
    };
    let full = cells(&recognizer("a", cost, 0.04567));
    let expected = ["2", "50.00 %", "50.00 %", "0.333", "1,234,567", "46.8", "315", "0.046"];
    assert_eq!(full, expected);
    let stored = Cost { stores: Some("9 rows".to_owned()), ..Cost::default() };
    let empty = cells(&recognizer("b", stored, 1234.4));
    assert_eq!(empty[4..], ["–", "–", "–", "1,234"]);
}

#[test]
fn the_text_has_a_line_for_each_and_what_they_learned_from() {
    let stored = Cost { stores: Some("9 rows".to_owned()), ..Cost::default() };
    let eight = Recognizer {
        labels: "ferplus-8".to_owned(),
        ..recognizer("default", Cost::default(), 1.0)
    };
    let file = CompareFile {
        format: FORMAT.to_owned(),
        environment: Environment::here(),
        command: "emocue compare".to_owned(),
        dataset: "fer2013".to_owned(),
        split: "PublicTest".to_owned(),
        rows: 3589,
        also_in_training: 0,
        protocol: "label".to_owned(),
        training_rows: Some(28_698),
        recognizers: vec![eight, recognizer("kNN", stored, 2.0)],
        detectors: None,
    };
    let text = text(&file);
    let expected = "3,589 rows of fer2013's PublicTest by label (the dataset's own label)\n";
    assert!(text.starts_with(expected), "{text}");
    let line = text.lines().find(|line| line.starts_with("kNN  ")).unwrap();
    assert!(line.ends_with("  2.00"), "{text}");
    let heads = text.lines().find(|line| line.starts_with("recognizer")).unwrap();
    assert_eq!(heads.chars().count(), line.chars().count(), "{text}");
    assert_eq!(
        notes(&file),
        [
            "Baselines learned from 28,698 Training rows, none of them identical to a test row.",
            "default answers in ferplus-8; its classes are matched by name.",
            "kNN stores 9 rows instead of weights.",
        ]
    );
}

#[test]
fn names_that_occur_twice_get_their_file() {
    let named = |name: &str, file: &str| (name.to_owned(), file.to_owned());
    let mut names = [named("badge", "runs/a"), named("badge", "runs/b"), named("vgg16", "runs/c")];
    distinct(&mut names);
    assert_eq!(names.map(|(name, _)| name), ["badge (runs/a)", "badge (runs/b)", "vgg16"]);
}
