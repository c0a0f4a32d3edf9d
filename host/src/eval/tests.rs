use emocue_models::label::{CK_7, FER_7, FERPLUS_8, LabelSet};

use super::*;
use crate::eval::folds::evaluate_folds;
use emocue_data::dataset::Row;
use emocue_data::folds::Folds;
use emocue_data::model::metadata;
use emocue_data::votes::Votes;
use emocue_quantize::onnx::{Array, Dim, GraphBuilder};

const QUIET: &(dyn Fn(usize) + Sync) = &|_| {};

/// A graph whose logit `k` is `gain` times the sum of the first `width` pixels of line `first + k`.
fn lines(labels: LabelSet, first: usize, width: usize, gain: f32) -> Vec<u8> {
    let mut graph = GraphBuilder::new("lines");
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(48), Dim::Fixed(48)]);
    let flat = graph.flatten("flat", &x);
    let shape = [labels.len(), 2304];
    let mut weight = vec![0.0; shape.iter().product()];
    for k in 0..labels.len() {
        weight[k * 2304 + (first + k) * 48..][..width].fill(gain);
    }
    let bias = vec![0.0; labels.len()];
    let logits = graph.dense("y", &flat, Array::new(&shape, &weight), &bias);
    graph.output(&logits, &[Dim::BATCH, Dim::Fixed(labels.len())]);
    graph.finish().unwrap().with_metadata(&[(metadata::LABELS, labels.id)]).to_bytes()
}

fn model(labels: LabelSet, gain: f32) -> ClassifierModel {
    ClassifierModel::from_onnx("lines.onnx", lines(labels, 0, 48, gain), None).unwrap()
}

/// A picture of `side` px whose line `class` is bright, not quite evenly.
fn picture(side: usize, class: usize, seed: usize) -> Vec<u8> {
    let value = |i: usize| {
        let noise = (i * 37 + seed * 11) % 64;
        if i / side == class { 190 + noise } else { 64 + noise }
    };
    (0..side * side).map(|i| value(i) as u8).collect()
}

fn row(split: Split, label: usize, subject: Option<usize>) -> Row {
    Row { split, label, subject: subject.map(|s| s.to_string()), origin: String::new() }
}

/// Sixty rows of FER2013's classes; every tenth has a wrong label, and the first test row also occurs in Training.
fn dataset(side: usize) -> Dataset {
    let mut data = Dataset::new("test", FER_7, side);
    for index in 0..60 {
        let split = [Split::Training, Split::PublicTest, Split::PrivateTest][index % 3];
        let label = if index % 10 == 9 { (index + 1) % 7 } else { index % 7 };
        data.push(row(split, label, None), &picture(side, index % 7, index));
    }
    let leak = picture(side, 2, 2);
    data.push(row(Split::Training, 2, None), &leak);
    data
}

fn settings(threads: usize) -> PredictSettings {
    PredictSettings { threads, ..PredictSettings::default() }
}

#[test]
fn figures_stand_for_the_rows_and_leaks_are_told_apart() {
    let data = dataset(48);
    let net = [model(FER_7, 0.05)];
    let splits = [Split::PrivateTest, Split::Training];
    let judged = evaluate(&net, &data, &splits, settings(2), QUIET).unwrap();
    let [private, training] = judged.evaluation.splits.as_slice() else { panic!("two splits") };
    assert_eq!((private.rows, private.also_in_training), (20, 1));
    assert_eq!((training.rows, training.also_in_training), (21, 0));
    let [by_label] = private.protocols.as_slice() else { panic!("one protocol") };
    // Rows 29 and 59 of the twenty are labelled wrongly.
    assert_eq!((by_label.protocol.as_str(), by_label.all.rows), ("label", 20));
    assert!((by_label.all.accuracy - 0.9).abs() < 1e-12);
    let clean = by_label.not_in_training.as_ref().unwrap();
    assert_eq!(clean.rows, 19);
    assert!((clean.accuracy - 17.0 / 19.0).abs() < 1e-12);
    assert!(training.protocols[0].not_in_training.is_none());
    assert_eq!(judged.evaluation.models[0].labels, "fer-7");

    let file = card::EvalFile {
        format: card::FORMAT.into(),
        environment: context::Environment::here(),
        command: "emocue eval".into(),
        evaluations: vec![judged.evaluation],
    };
    let json = serde_json::to_string(&file).unwrap();
    let read: card::EvalFile = serde_json::from_str(&json).unwrap();
    // After JSON, shares may differ by one unit in the last place; counts may not.
    let (read, wrote) = (&read.evaluations[0], &file.evaluations[0]);
    assert_eq!(read.models, wrote.models);
    for (read, wrote) in read.splits.iter().zip(&wrote.splits) {
        let (read, wrote) = (&read.protocols[0].all, &wrote.protocols[0].all);
        assert_eq!(read.confusion, wrote.confusion);
        assert!((read.accuracy - wrote.accuracy).abs() < 1e-12);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let data = dataset(48);
    let rows: Vec<usize> = (0..data.len()).rev().collect();
    let net = [model(FERPLUS_8, 0.01)];
    let on = |threads| predict(&net, &data, &rows, settings(threads), QUIET).unwrap();
    assert_eq!(on(1), on(4));
    let sums = on(1).iter().map(|(_, p)| p.iter().sum::<f32>()).collect::<Vec<_>>();
    assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{sums:?}");
}

#[test]
fn twice_the_same_network_is_the_network_and_others_meet_in_common_classes() {
    let data = dataset(48);
    let rows = data.rows(Split::PublicTest);
    let ask = |nets: &[ClassifierModel]| predict(nets, &data, &rows, settings(2), QUIET).unwrap();
    let (eight, seven) = (model(FERPLUS_8, 0.02), model(FER_7, 0.02));
    assert_eq!(ask(&[eight.clone(), eight.clone()]), ask(std::slice::from_ref(&eight)));
    let both = ask(&[eight.clone(), seven.clone()]);
    assert_eq!(both.labels(), FER_7);
    let (a, b) = (ask(&[eight]), ask(std::slice::from_ref(&seven)));
    let applied = &AppliedProtocol::all(&data, FERPLUS_8)[0];
    for (((_, mean), (_, a)), (_, b)) in both.iter().zip(a.iter()).zip(b.iter()) {
        for ((mean, a), b) in mean.iter().zip(applied.answer(a)).zip(b) {
            assert!((mean - (a + b) / 2.0).abs() < 1e-6);
        }
    }
    let error = ask_error(&[seven, model(CK_7, 0.02)], &data);
    assert!(error.contains("no average over fer-7, ck-7"), "{error}");
}

fn ask_error(nets: &[ClassifierModel], data: &Dataset) -> String {
    predict(nets, data, &[0], settings(1), QUIET).unwrap_err().to_string()
}

#[test]
fn rows_are_judged_again_under_every_condition() {
    let data = dataset(48);
    let net = [model(FER_7, 0.05)];
    let on = |threads| {
        let settings = settings(threads);
        let mut judged = evaluate(&net, &data, &[Split::PrivateTest], settings, QUIET).unwrap();
        conditions::under_conditions(&mut judged, &net, &data, settings, QUIET).unwrap();
        judged.evaluation
    };
    let evaluation = on(1);
    assert_eq!(on(3), evaluation);
    let by_label = &evaluation.splits[0].protocols[0];
    let result = by_label.conditions.as_ref().unwrap();
    assert_eq!(result.conditions.len(), emocue_data::degrade::ROW_CONDITIONS.len());
    assert_eq!(result.clean.accuracy, by_label.all.accuracy);
    let of = |name: &str| result.conditions.iter().find(|figures| figures.name == name).unwrap();
    // A bright line is visible after compression, and not under a mask.
    assert!(of("jpeg").accuracy > 0.8 && of("roll 45").accuracy < 0.5, "{result:?}");
    assert!(result.mean.accuracy < result.clean.accuracy);
    let json = serde_json::to_string(&evaluation).unwrap();
    let read: card::Evaluation = serde_json::from_str(&json).unwrap();
    assert_eq!(read.splits[0].protocols[0].conditions.as_ref().unwrap().worst, result.worst);
    let text = table::text(&evaluation);
    assert!(text.contains("label, harder") && text.contains("mean of 16 conditions"), "{text}");
    let other = card::Evaluation { name: "other".into(), ..evaluation.clone() };
    let table = conditions::text::side_by_side([&evaluation, &other]).unwrap();
    assert_eq!((table.names.len(), table.rows.len(), table.rows[0].1.len()), (2, 18, 2));
    assert!(conditions::text::side_by_side([&evaluation]).is_none(), "a comparison needs two");
}

#[test]
fn a_mirror_changes_only_what_is_not_symmetric() {
    let mut data = Dataset::new("test", FER_7, 48);
    let mut symmetric = picture(48, 3, 0);
    for line in symmetric.chunks_mut(48) {
        for x in 24..48 {
            line[x] = line[47 - x];
        }
    }
    data.push(row(Split::PublicTest, 3, None), &symmetric);
    data.push(row(Split::PublicTest, 3, None), &picture(48, 3, 0));
    let net = [ClassifierModel::from_onnx("left.onnx", lines(FER_7, 0, 20, 0.02), None).unwrap()];
    for jitter in [0.0, 0.1] {
        let ask = |flip| {
            let settings = PredictSettings { flip, jitter, ..settings(1) };
            predict(&net, &data, &[0, 1], settings, QUIET).unwrap()
        };
        let (plain, flipped) = (ask(false), ask(true));
        let pairs: Vec<_> = plain.iter().zip(flipped.iter()).collect();
        if jitter == 0.0 {
            assert_eq!(pairs[0].0, pairs[0].1, "a symmetric picture");
        }
        assert_ne!(pairs[1].0, pairs[1].1, "a picture with two different sides");
    }
}

#[test]
fn a_row_of_another_side_is_scored_and_jitter_moves_it() {
    let net = [model(FER_7, 0.05)];
    for side in [48, 96] {
        // The bright line is one of `side`, so that of 96 px is half as high.
        let mut data = Dataset::new("test", FER_7, side);
        for index in 0..14 {
            let scale = side / 48;
            let small = picture(48, index % 7, index);
            let large: Vec<u8> =
                (0..side * side).map(|i| small[i / side / scale * 48 + i % side / scale]).collect();
            data.push(row(Split::PublicTest, index % 7, None), &large);
        }
        let accuracy = |jitter| {
            let settings = PredictSettings { jitter, flip: true, ..settings(2) };
            let judged = evaluate(&net, &data, &[Split::PublicTest], settings, QUIET).unwrap();
            judged.evaluation.splits[0].protocols[0].all.accuracy
        };
        assert_eq!(accuracy(0.0), 1.0, "{side} px");
        assert!(accuracy(0.2) < 1.0, "{side} px");
    }
}

#[test]
fn folds_are_judged_one_by_one_and_together() {
    let mut data = Dataset::new("test", FER_7, 48);
    for index in 0..42 {
        data.push(row(Split::Training, index % 7, Some(index / 6)), &picture(48, index % 7, index));
    }
    let folds = Folds::new(&data, 3, 5).unwrap();
    // The last network's answers are shifted by one class.
    let shifted =
        ClassifierModel::from_onnx("shifted.onnx", lines(FER_7, 1, 48, 0.05), None).unwrap();
    let nets = [model(FER_7, 0.05), model(FER_7, 0.05), shifted];
    let judged = evaluate_folds(&nets, &data, &folds, None, settings(2), QUIET).unwrap();
    let result = judged.folds.unwrap();
    assert_eq!((result.count, result.seed, result.by_subject), (3, 5, true));
    let [by_label] = result.protocols.as_slice() else { panic!("one protocol") };
    let accuracies: Vec<f64> = by_label.folds.iter().map(|fold| fold.card.accuracy).collect();
    assert_eq!((accuracies[0], accuracies[1], by_label.folds[2].fold), (1.0, 1.0, 3));
    assert!(accuracies[2] < 0.2, "{accuracies:?}");
    assert_eq!(by_label.accuracy, card::Spread::of(&accuracies));
    assert_eq!(by_label.pooled.rows, 42);
    let right: f64 = by_label.folds.iter().map(|f| f.card.accuracy * f.card.rows as f64).sum();
    assert!((by_label.pooled.accuracy - right / 42.0).abs() < 1e-12);

    let one = evaluate_folds(&nets[..1], &data, &folds, Some(2), settings(1), QUIET).unwrap();
    assert_eq!(one.folds.unwrap().protocols[0].folds[0].fold, 3);
    let error = evaluate_folds(&nets[..2], &data, &folds, None, settings(1), QUIET).unwrap_err();
    assert!(error.to_string().contains("2 networks for 3 folds"), "{error}");
}

#[test]
fn what_cannot_be_judged_is_named() {
    let data = dataset(48);
    let silent = {
        let mut graph = GraphBuilder::new("silent");
        let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(64), Dim::Fixed(64)]);
        graph.output(&x, &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(64), Dim::Fixed(64)]);
        graph.finish().unwrap().to_bytes()
    };
    let error = ClassifierModel::from_onnx("a.onnx", silent.clone(), None).unwrap_err();
    assert_eq!(error.to_string(), "a.onnx does not name its classes");
    assert!(error.help().unwrap().starts_with("Name them with --labels: one of fer-7"));
    let described = ClassifierModel::from_onnx("a.onnx", silent, Some(FER_7)).unwrap();
    assert_eq!((described.spec().preprocess.size, described.labels()), (64, FER_7));
    let error = ClassifierModel::from_onnx("a.onnx", b"not a graph".to_vec(), None).unwrap_err();
    assert!(error.to_string().starts_with("a.onnx: it is not an ONNX graph"), "{error}");
    let error = crate::cli::open::open_model("missing.onnx", None).unwrap_err().to_string();
    assert!(error.starts_with("cannot read missing.onnx"), "{error}");

    let mut only = Dataset::new("only-training", FER_7, 48);
    only.push(row(Split::Training, 0, None), data.picture(0));
    let net = [model(FER_7, 1.0)];
    let error = evaluate(&net, &only, &[Split::PrivateTest], settings(1), QUIET).unwrap_err();
    let words = "only-training has no PrivateTest rows; it has 1 Training";
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn votes_are_scored_three_ways_beside_the_label() {
    let mut data = Dataset::new("test", FER_7, 48);
    let happy = FERPLUS_8.index_of("happiness").unwrap();
    (0..3).for_each(|seed| {
        data.push(row(Split::PublicTest, 3, None), &picture(48, happy, seed));
    });
    let votes = [
        [0, 10, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 5, 3, 1, 1, 0, 0, 0, 0, 0],
        [0, 4, 3, 0, 0, 0, 0, 0, 3, 0],
    ];
    let data = data.with_votes(votes.map(Votes).to_vec());
    let net = [model(FERPLUS_8, 0.05)];
    let judged = evaluate(&net, &data, &[Split::PublicTest], settings(1), QUIET).unwrap();
    let found: Vec<_> = judged.evaluation.splits[0]
        .protocols
        .iter()
        .map(|result| (result.protocol.as_str(), result.all.rows, result.all.accuracy))
        .collect();
    let expected = [
        ("ferplus.plurality", 3, 1.0),
        ("ferplus.authors", 2, 1.0),
        ("ferplus.majority", 1, 1.0),
        ("label", 3, 1.0),
    ];
    assert_eq!(found, expected);
}
