use emocue_data::degrade::drawn_face;
use emocue_data::fixture;
use emocue_data::model::metadata;
use emocue_models::geometry::{Face, Rect};
use emocue_models::label::FER_7;
use emocue_models::luma::Luma;
use emocue_quantize::onnx::{Array, Dim, GraphBuilder};
use emocue_run::Detector;

use super::*;

/// Finds a face that fills a picture from 64 px on.
struct WholePicture;

impl Detector for WholePicture {
    fn detect(&mut self, frame: &Luma, faces: &mut Vec<Face>) -> Result<(), RunError> {
        faces.clear();
        let (width, height) = (frame.width() as f32, frame.height() as f32);
        if width >= 64.0 {
            let rect = Rect::new(0.0, 0.0, width, height);
            faces.push(Face { rect, score: 1.0, landmarks: None });
        }
        Ok(())
    }
}

/// Answers happiness for a bright face, neutral for a dark one.
fn brightness() -> ClassifierModel {
    let mut graph = GraphBuilder::new("brightness");
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(48), Dim::Fixed(48)]);
    let flat = graph.flatten("flat", &x);
    let mut weight = vec![0.0; 7 * 2304];
    let happiness = FER_7.index_of("happiness").unwrap();
    weight[happiness * 2304..(happiness + 1) * 2304].fill(0.01);
    let mut bias = vec![-9.0; 7];
    bias[happiness] = 20.0;
    bias[FER_7.index_of("neutral").unwrap()] = 0.0;
    let logits = graph.dense("y", &flat, Array::new(&[7, 2304], &weight), &bias);
    graph.output(&logits, &[Dim::BATCH, Dim::Fixed(7)]);
    let onnx = graph.finish().unwrap().with_metadata(&[(metadata::LABELS, FER_7.id)]).to_bytes();
    ClassifierModel::from_onnx("brightness.onnx", onnx, None).unwrap()
}

fn judge(threads: usize, expression: Option<&str>) -> Result<GroupsResult, GroupsError> {
    let root = tempfile::tempdir().unwrap();
    // Two large faces and one that is too small.
    let faces: Vec<GroupedFace> = [(96, "female"), (120, "female"), (32, "male")]
        .into_iter()
        .enumerate()
        .map(|(at, (side, group))| {
            let (name, face) = (format!("{at}.png"), drawn_face(side));
            let file = root.path().join(&name);
            fixture::write(&file, "");
            let side = side as u32;
            image::GrayImage::from_raw(side, side, face.pixels().to_vec())
                .unwrap()
                .save(&file)
                .unwrap();
            let expression = expression.map(str::to_owned);
            GroupedFace { file, name, groups: vec![group.to_owned()], expression }
        })
        .collect();
    let settings = PredictSettings { threads, ..PredictSettings::default() };
    let task = GroupsTask {
        set: "drawn".into(),
        faces: faces.iter().collect(),
        detector: Box::new(|| Ok(Box::new(WholePicture))),
        settings,
    };
    let rows = task.rows(&|_| ())?;
    assert_eq!((rows.len(), GroupsTask::steps(&rows)), (2, 2 * 17));
    task.judge(&rows, &[brightness()], &|_| ())
}

#[test]
fn darkness_changes_the_answer_and_compression_does_not() {
    let result = judge(1, Some("happy")).unwrap();
    assert_eq!(judge(3, Some("happy")).unwrap(), result, "whatever the threads");
    assert_eq!((result.pictures, result.faces, result.conditions.len()), (3, 2, 17));
    let found: Vec<_> = result.found.iter().map(|f| (f.group.as_str(), f.found.value)).collect();
    assert_eq!(found[1..], [("female", 1.0), ("male", 0.0)]);
    let figures = |condition: &str| {
        let under = result.conditions.iter().find(|under| under.condition == condition).unwrap();
        under.group("female").unwrap()
    };
    assert_eq!(
        (figures("clean").agreement.value, figures("clean").accuracy.unwrap().value),
        (1.0, 1.0)
    );
    assert_eq!(figures("jpeg").agreement.value, 1.0);
    let dark = figures("light x0.1");
    assert_eq!((dark.agreement.value, dark.accuracy.unwrap().value), (0.0, 0.0));
    assert_eq!(dark.sure_changed.map(|figure| figure.value), Some(1.0), "and it is sure");
    assert!(result.sentences.is_empty(), "two faces are too few to say anything");
    let text = text::text(&result);
    assert!(text.contains("2 faces found in 3 pictures") && text.contains("light x0.1"), "{text}");
}

#[test]
fn an_expression_that_the_network_does_not_know_is_named() {
    let error = judge(1, Some("contempt")).unwrap_err();
    let message = "0.png: \"contempt\" is not a class of the network (anger, disgust, fear,";
    assert!(error.to_string().starts_with(message), "{error}");
    assert!(judge(1, None).unwrap().conditions[1].groups[0].accuracy.is_none());
}

fn answer(class: usize, sure: bool) -> GroupAnswer {
    GroupAnswer { class, sure }
}

#[test]
fn figures_by_hand() {
    let answers = [
        (answer(0, true), answer(0, true), Some(0)),
        (answer(1, true), answer(0, true), Some(1)),
        (answer(1, false), answer(0, true), None),
        (answer(2, false), answer(2, false), Some(0)),
    ];
    let figures = GroupFigures::of("a", answers.into_iter()).unwrap();
    assert_eq!((figures.agreement.value, figures.agreement.of), (0.5, 4));
    assert_eq!(figures.coverage.value, 0.5);
    assert_eq!(figures.sure_changed.map(|figure| (figure.value, figure.of)), Some((0.5, 2)));
    assert_eq!(figures.accuracy.map(|figure| figure.of), Some(3));
    assert!((figures.accuracy.unwrap().value - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(GroupFigures::of("a", [].into_iter()), None);
}

#[test]
fn small_groups_and_clean_faces_have_no_worst() {
    let group = |name: &str, faces: usize, same: usize| {
        let answers =
            (0..faces).map(|at| (answer(usize::from(at < same), true), answer(1, true), None));
        GroupFigures::of(name, answers).unwrap()
    };
    let groups = vec![
        group(EVERYBODY, 105, 60),
        group("a", 50, 20),
        group("b", 50, 40),
        group("rare", 5, 0),
    ];
    let under = GroupsUnder::of("hand", false, groups.clone());
    assert_eq!(under.worst.as_deref(), Some("a"));
    assert!((under.spread.unwrap() - 0.4).abs() < 1e-12);
    assert_eq!(under.group("b").unwrap().agreement.value, 0.8);
    let clean = GroupsUnder::of("clean", true, groups);
    assert_eq!((clean.worst, clean.spread), (None, None));
}
