use burn::tensor::Device;
use burn_store::{BurnToPyTorchAdapter, ModuleSnapshot as _, SafetensorsStore};
use emocue_models::label::{FER_7, FERPLUS_8, LabelSet};

use super::*;
use crate::net::body::Body;
use crate::net::graph::Tensors;
use crate::net::noise::Noise;
use crate::net::tests::{Shake, pictures};
use crate::net::{NetSpec, head::Head};

const LABELS: [LabelSet; 2] = [FERPLUS_8, FER_7];

/// A published network, for colour pictures and with other classes.
#[derive(Module, Debug)]
struct Published {
    body: Body,
    head: Head,
}

fn published(spec: &NetSpec, channels: usize) -> Published {
    let device = Device::flex();
    device.seed(11);
    let (body, features) = Body::new(spec, channels, &device);
    let head = Head::new(features, 10, &device);
    Published { body, head }.valid().map(&mut Shake::new(3))
}

/// Writes it with PyTorch's names: `renames` maps patterns of this crate's paths.
fn write(net: &Published, path: &Path, renames: &[(&str, &str)]) {
    let mut store = SafetensorsStore::from_file(path)
        .with_to_adapter(BurnToPyTorchAdapter)
        .skip_enum_variants(true);
    for (from, to) in renames {
        store = store.with_key_remapping(*from, *to);
    }
    net.save_into(&mut store).unwrap();
}

/// torchvision's names of a residual net with two convolutions a block.
const RESNET18: &[(&str, &str)] = &[
    (r"^body\.stem\.conv\.", "conv1."),
    (r"^body\.stem\.norm\.", "bn1."),
    (r"^body\.stages\.(\d)\.blocks\.(\d)\.", "stage$1.$2."),
    (r"convs\.0\.conv", "conv1"),
    (r"convs\.0\.norm", "bn1"),
    (r"convs\.1\.conv", "conv2"),
    (r"convs\.1\.norm", "bn2"),
    (r"shortcut\.conv", "downsample.0"),
    (r"shortcut\.norm", "downsample.1"),
    (r"^stage0", "layer1"),
    (r"^stage1", "layer2"),
    (r"^stage2", "layer3"),
    (r"^stage3", "layer4"),
    (r"^head\.", "fc."),
];

const ALEXNET: &[(&str, &str)] = &[
    (r"^body\.convs\.layers\.0\.conv", "features.0"),
    (r"^body\.convs\.layers\.1\.conv", "features.3"),
    (r"^body\.convs\.layers\.2\.conv", "features.6"),
    (r"^body\.convs\.layers\.3\.conv", "features.8"),
    (r"^body\.convs\.layers\.4\.conv", "features.10"),
    (r"^body\.dense\.layers\.0", "classifier.1"),
    (r"^body\.dense\.layers\.1", "classifier.4"),
    (r"^head\.", "classifier.6."),
];

const VGG16: &[(&str, &str)] = &[
    (r"^body\.convs\.stages\.0\.0\.conv", "features.0"),
    (r"^body\.convs\.stages\.0\.0\.norm", "features.1"),
    (r"^body\.convs\.stages\.4\.2\.conv", "features.40"),
    (r"^body\.convs\.stages\.4\.2\.norm", "features.41"),
];

fn resnet18(width: usize) -> NetSpec {
    NetSpec::Resnet18 { side: 48, width, stem: 7, dropout: 0.0 }
}

fn alexnet(side: usize) -> NetSpec {
    NetSpec::Alexnet { side, width: 8, dense: vec![24, 16], dropout: 0.5 }
}

/// The features of grey pictures.
fn features(body: &Body, side: usize, planes: usize) -> Vec<f32> {
    let data = TensorData::new(pictures(2, side), [2, 1, side, side]);
    let luma = Tensor::<4>::from_data(data, &Device::flex()).repeat_dim(1, planes);
    let features = body.forward(&mut Tensors::new(&mut Noise::off()), &luma);
    features.into_data().iter::<f32>().collect()
}

fn fresh(spec: &NetSpec) -> Network {
    Network::new(spec, &LABELS, &Device::flex())
}

#[test]
fn a_colour_networks_body_answers_grey_pictures_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    for (spec, renames) in [(resnet18(8), RESNET18), (alexnet(64), ALEXNET)] {
        let _ = std::fs::remove_file(&path);
        let colour = published(&spec, 3);
        write(&colour, &path, renames);
        let (net, report) = transfer(fresh(&spec), &path).unwrap();
        assert_eq!((&report.missing, &report.mismatched), (&vec![], &vec![]), "{report}");
        assert_eq!(report.unused.len(), 2, "the classes' weight and bias: {report}");
        let expected = features(&colour.body, spec.side(), 3);
        let got = features(&net.valid().body, spec.side(), 1);
        let scale = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
        assert!(scale > 0.0);
        for (a, b) in got.iter().zip(&expected) {
            assert!((a - b).abs() <= 1e-4 * scale, "{spec:?}: {a} {b}");
        }
    }
}

#[test]
fn a_transferred_net_still_trains() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    write(&published(&resnet18(4), 3), &path, RESNET18);
    let device = Device::flex().autodiff();
    let net = Network::new(&resnet18(4), &LABELS, &device);
    let (net, _) = transfer(net, &path).unwrap();
    let luma = Tensor::ones([2, 1, 48, 48], &device);
    let logits = net.forward(luma, &mut Noise::off());
    let grads = burn::optim::GradientsParams::from_grads(logits[0].clone().sum().backward(), &net);
    // 20 convolutions, 20 normalisations of two tensors, and the first head's two tensors.
    assert_eq!(grads.len(), 62);
}

#[test]
fn what_does_not_fit_is_told_and_stays_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");

    // With DataParallel's prefix and another input side: the first dense layer has another shape.
    let nested: Vec<(&str, &str)> = ALEXNET.iter().copied().chain([("^", "module.")]).collect();
    write(&published(&alexnet(128), 3), &path, &nested);
    let (_, report) = transfer(fresh(&alexnet(64)), &path).unwrap();
    assert_eq!(report.matched.len(), 13);
    let expected = Mismatch {
        name: "module.classifier.1.weight".to_owned(),
        expected: vec![24, 32],
        actual: vec![24, 288],
    };
    assert_eq!(report.mismatched, [expected]);
    let text = report.to_string();
    assert!(
        text.starts_with("13 tensors taken; 1 of another shape: module.classifier.1."),
        "{text}"
    );
    assert!(
        text.ends_with("2 unused: module.classifier.6.bias, module.classifier.6.weight"),
        "{text}"
    );

    // A file that fits in part.
    let spec = NetSpec::Vgg16 { side: 48, width: 4, batch_norm: true, dense: vec![], dropout: 0.5 };
    std::fs::remove_file(&path).unwrap();
    write(&published(&spec, 3), &path, VGG16);
    let (_, report) = transfer(fresh(&spec), &path).unwrap();
    assert_eq!((report.matched.len(), report.missing.len()), (12, 66));
    assert_eq!(report.missing[0], "features.3.weight");
}

#[test]
fn another_networks_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    write(&published(&alexnet(64), 3), &path, ALEXNET);
    let message = |spec: &NetSpec, path: &Path| match transfer(fresh(spec), path) {
        Ok((_, report)) => report.to_string(),
        Err(error) => error.to_string(),
    };
    let text = message(&resnet18(8), &path);
    assert!(text.contains("classifier.1.bias") && text.contains("conv1.weight"), "{text}");
    let text = message(&NetSpec::Badge { width: 8, dropout: 0.0 }, &path);
    assert!(text.contains("no published weights are known for a badge"), "{text}");

    let bytes = std::fs::read(&path).unwrap();
    for damaged in [&bytes[..bytes.len() / 2], b"", b"PK\x03\x04 no zip", b"neither of them"] {
        let path = folder.path().join("damaged");
        std::fs::write(&path, damaged).unwrap();
        let text = message(&alexnet(64), &path);
        assert!(text.contains("damaged, or neither"), "{text}");
    }
    let text = message(&alexnet(64), &folder.path().join("none.pth"));
    assert!(text.starts_with("cannot read"), "{text}");

    let mut spoilt = published(&alexnet(64), 3);
    let Head::Dense(_) = &spoilt.head else { panic!("AlexNet ends in a dense layer") };
    spoilt = spoilt.map(&mut Spoil);
    let path = folder.path().join("nan.safetensors");
    write(&spoilt, &path, ALEXNET);
    let text = message(&alexnet(64), &path);
    assert!(text.contains("holds NaN"), "{text}");
}

struct Spoil;

impl ModuleMapper for Spoil {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|value| value.mul_scalar(f32::NAN))
    }
}

/// Every layer of a body has a unique name, and the last ones are those of torchvision.
#[test]
fn names_are_complete_and_torchvisions() {
    for spec in NetSpec::zoo(8) {
        let table = names::of(&spec);
        if table.is_empty() {
            continue;
        }
        let theirs: BTreeSet<&String> = table.iter().map(|names| &names.theirs[0]).collect();
        assert_eq!(theirs.len(), table.len());
        let table = table.iter().map(|n| (n.ours.clone(), n.theirs.clone())).collect();
        let mut wanted = Wanted { place: Place::default(), slots: Vec::new(), table: &table };
        fresh(&spec).visit(&mut wanted);
        let unnamed = wanted.slots.iter().filter(|slot| slot.names.is_empty());
        assert_eq!(unnamed.map(|slot| &slot.key).collect::<Vec<_>>(), Vec::<&String>::new());
        let layers: BTreeSet<&str> = wanted
            .slots
            .iter()
            .filter_map(|slot| slot.key.rsplit_once('.'))
            .map(|(l, _)| l)
            .collect();
        assert_eq!(layers.len(), table.len(), "{spec:?}");
    }
    let last = |spec: &NetSpec| names::of(spec).pop().unwrap().theirs;
    let vgg =
        |batch_norm| NetSpec::Vgg19 { side: 48, width: 8, batch_norm, dense: vec![], dropout: 0.5 };
    assert_eq!(last(&vgg(false)), ["features.34"]);
    assert_eq!(last(&vgg(true)), ["features.50"]);
    let senet = NetSpec::Senet50 { side: 48, width: 8, stem: 7, dropout: 0.0 };
    assert_eq!(last(&senet), ["layer4.2.se_module.fc2", "layer4.2.conv_up"]);
    assert_eq!(last(&NetSpec::Resnet9 { width: 8, dropout: 0.0 }), ["res2.1.1"]);
}
