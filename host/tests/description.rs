//! All verbs use the same model description of a graph: they give the same answers as `emocue eval`, or all refuse it.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;
use std::process::{Command, Output};

use emocue_data::model::ClassifierModel;
use emocue_host::cli::open::open_model;
use emocue_models::bundle::manifest::DetectorSpec;
use emocue_models::bundle::{Bundle, DEFAULT};
use emocue_models::crop::Preprocess;
use emocue_quantize::onnx::{Array, Dim, GraphBuilder, Model, pb};
use prost::Message as _;

const CLASSES: usize = 7;

/// The answer is always happiness, so that a badge accepts the network.
const BIAS: [f32; CLASSES] = [0.0, 0.0, 0.0, 12.0, 0.0, 0.0, 0.0];

/// A graph without metadata: class `k` is the brightness of band `k` of a square of `side` px, plus [`BIAS`].
fn bands(side: usize) -> Model {
    let mut graph = GraphBuilder::new("bands");
    let size = Dim::Fixed(side);
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), size, size]);
    let flat = graph.flatten("flat", &x);
    let pixels = side * side;
    let band = side / CLASSES * side;
    let mut weight = vec![0.0; CLASSES * pixels];
    (0..CLASSES).for_each(|k| weight[k * pixels + k * band..][..band].fill(0.004));
    let shape = [CLASSES, pixels];
    let weight = Array::new(&shape, &weight);
    let logits = graph.dense("y", &flat, weight, &BIAS);
    graph.output(&logits, &[Dim::BATCH, Dim::Fixed(CLASSES)]);
    graph.finish().unwrap()
}

/// A row of 48 px whose bands differ.
fn row() -> Vec<u8> {
    (0..48 * 48).map(|at| ((at / 48 * 97) % 251 / 2 + at % 48) as u8).collect()
}

fn answer(model: &ClassifierModel) -> Vec<f32> {
    model.load().unwrap().classify_row(&row()).unwrap().to_vec()
}

fn close(found: &ClassifierModel, expected: &[f32], tolerance: f32) {
    let found = answer(found);
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance, "{found} {expected}");
    }
}

fn emocue(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    command.current_dir(folder).args(arguments.split_whitespace()).output().unwrap()
}

/// The verbs that convert the graph, and their output files.
const VERBS: [(&str, &str); 3] = [
    ("quantize net.onnx --form w8 --keep-below 1 --fer2013 fer2013.csv -o w8.onnx", "w8.onnx"),
    (
        "import onnx net.onnx --kind classifier --labels fer-7 --mean 0.5 --std 0.25 -o adopted.onnx",
        "adopted.onnx",
    ),
    (
        "bundle pack --detector default --classifier net.onnx --labels fer-7 --card CARD.md --name n --content-version 1 -o packed.emocue",
        "packed.emocue",
    ),
];

/// A folder with the graph, calibration data, and the other parts of a bundle.
fn folder(onnx: &[u8]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("net.onnx"), onnx).unwrap();
    std::fs::write(at.join("CARD.md"), "# A model for a test\n").unwrap();
    let pixels: Vec<String> = row().iter().map(u8::to_string).collect();
    let mut csv = "emotion,pixels,Usage\n".to_owned();
    for label in 0..16 {
        csv += &format!("{},{},Training\n", label % 7, pixels.join(" "));
    }
    std::fs::write(at.join("fer2013.csv"), csv).unwrap();
    folder
}

#[test]
fn a_graph_without_metadata_means_the_same_to_every_verb() {
    let onnx = bands(64).to_bytes();
    let evaluated = ClassifierModel::from_onnx("net.onnx", onnx.clone(), FER_7).unwrap();
    assert_eq!(evaluated.spec().preprocess, Preprocess::of_size(64));
    let expected = answer(&evaluated);
    let folder = folder(&onnx);
    for (verb, result) in VERBS {
        let output = emocue(folder.path(), verb);
        assert!(output.status.success(), "{verb}: {output:?}");
        let path = folder.path().join(result);
        let model = open_model(&path, FER_7).unwrap();
        assert_eq!(model.spec().preprocess, evaluated.spec().preprocess, "{verb}");
        let (found, own) = (model.spec(), evaluated.spec());
        assert_eq!((found.temperature, found.threshold), (own.temperature, own.threshold));
        close(&model, &expected, if result == "w8.onnx" { 0.01 } else { 1e-6 });
    }
}

const FER_7: Option<emocue_models::label::LabelSet> = Some(emocue_models::label::FER_7);

/// The same graph with the shapes of its intermediate values and a symbolic batch size, as written by shape inference.
fn with_inner_shapes(onnx: &[u8]) -> Vec<u8> {
    let mut model = pb::ModelProto::decode(onnx).unwrap();
    let graph = model.graph.as_mut().unwrap();
    let like = graph.output[0].clone();
    graph.value_info = graph.node.iter().map(|node| inner(&like, &node.output[0])).collect();
    model.encode_to_vec()
}

/// `[N, ?]`, of the element type of `like`.
fn inner(like: &pb::ValueInfoProto, name: &str) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value::DimParam};
    let mut value = pb::ValueInfoProto { name: name.to_owned(), ..like.clone() };
    let Some(pb::type_proto::Value::TensorType(tensor)) = &mut value.r#type.as_mut().unwrap().value
    else {
        panic!("a tensor")
    };
    let symbol =
        |name: &str| Dimension { value: Some(DimParam(name.to_owned())), ..Default::default() };
    tensor.shape = Some(pb::TensorShapeProto { dim: vec![symbol("N"), symbol("unk__0")] });
    value
}

#[test]
fn symbolic_shapes_inside_a_graph_change_nothing() {
    let plain = bands(64).to_bytes();
    let onnx = with_inner_shapes(&plain);
    assert_ne!(onnx, plain);
    let expected = answer(&ClassifierModel::from_onnx("net.onnx", plain, FER_7).unwrap());
    close(&ClassifierModel::from_onnx("net.onnx", onnx.clone(), FER_7).unwrap(), &expected, 0.0);
    let folder = folder(&onnx);
    for (verb, result) in VERBS {
        let output = emocue(folder.path(), verb);
        assert!(output.status.success(), "{verb}: {output:?}");
        let path = folder.path().join(result);
        let model = open_model(&path, FER_7).unwrap();
        close(&model, &expected, if result == "w8.onnx" { 0.01 } else { 1e-6 });
    }
    std::fs::write(folder.path().join("x.f32"), vec![0; 4 * 64 * 64]).unwrap();
    let output = emocue(folder.path(), "infer --shape 1,1,64,64 --input x.f32 -o y net.onnx");
    assert!(output.status.success(), "{output:?}");
    let logits: Vec<u8> = BIAS.iter().flat_map(|logit: &f32| logit.to_le_bytes()).collect();
    assert_eq!(std::fs::read(folder.path().join("y")).unwrap(), logits);
}

/// The same graph with a softmax and an `Identity` after its logits.
fn with_softmax(onnx: &[u8]) -> Vec<u8> {
    let mut model = pb::ModelProto::decode(onnx).unwrap();
    let graph = model.graph.as_mut().unwrap();
    for (op, name) in [("Softmax", "shares"), ("Identity", "answer")] {
        graph.node.push(pb::NodeProto {
            op_type: op.to_owned(),
            input: vec![graph.output[0].name.clone()],
            output: vec![name.to_owned()],
            ..Default::default()
        });
        graph.output[0].name = name.to_owned();
    }
    model.encode_to_vec()
}

#[test]
fn a_softmax_in_the_graph_is_not_taken_twice_by_any_verb() {
    let logits = bands(64).to_bytes();
    let expected = answer(&ClassifierModel::from_onnx("net.onnx", logits.clone(), FER_7).unwrap());
    let folder = folder(&with_softmax(&logits));
    for (verb, result) in VERBS {
        let output = emocue(folder.path(), verb);
        assert!(output.status.success(), "{verb}: {output:?}");
        let path = folder.path().join(result);
        let model = open_model(&path, FER_7).unwrap();
        close(&model, &expected, if result == "w8.onnx" { 0.01 } else { 1e-5 });
    }
}

#[test]
fn a_graph_that_contradicts_itself_is_refused_by_every_verb() {
    let json = serde_json::to_string(&Preprocess::of_size(48)).unwrap();
    let onnx = bands(64).with_metadata(&[("emocue.preprocess", &json)]).to_bytes();
    let expected = "is for 48 px, but its input has 64 px";
    let error = ClassifierModel::from_onnx("net.onnx", onnx.clone(), FER_7).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    let folder = folder(&onnx);
    // `import` replaces the preprocessing by its arguments.
    for (verb, result) in VERBS.into_iter().filter(|(verb, _)| !verb.starts_with("import")) {
        let output = emocue(folder.path(), verb);
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && message.contains(expected), "{verb}: {message}");
        assert!(!folder.path().join(result).exists());
    }
}

#[test]
fn an_imported_classifier_keeps_the_detector_of_its_bundle() {
    let folder = folder(&bands(48).to_bytes());
    let bundle = Bundle::read(DEFAULT).unwrap();
    let mut manifest = bundle.manifest().clone();
    let DetectorSpec::SingleShot { settings, .. } = &mut manifest.detector else {
        panic!("the default bundle has another detector now")
    };
    (settings.min_face, settings.sure, settings.maybe) = (33.0, 0.65, 0.45);
    let detector = manifest.detector.clone();
    let payloads: Vec<_> = bundle.payloads().collect();
    let base = Bundle::pack(manifest, &payloads).unwrap();
    std::fs::write(folder.path().join("base.emocue"), base).unwrap();
    let arguments = "import onnx net.onnx --kind classifier --labels fer-7 --card CARD.md --with base.emocue -o mine.emocue";
    let output = emocue(folder.path(), arguments);
    assert!(output.status.success(), "{output:?}");
    let bytes = std::fs::read(folder.path().join("mine.emocue")).unwrap();
    assert_eq!(Bundle::read(&bytes).unwrap().manifest().detector, detector);
}
