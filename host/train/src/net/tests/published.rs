//! Sizes against the published ones.

use super::*;
use crate::face::net::FaceNet;
use crate::face::recipe::FaceRecipe;

/// Weights, running statistics and multiply-accumulates of an architecture for colour or grey pictures
/// and `classes`.
fn measured(spec: &NetSpec, channels: usize, classes: usize) -> (usize, usize, u64) {
    let device = Device::flex();
    let (body, features) = Body::new(spec, channels, &device);
    let head = Head::new(features, classes, &device);
    let (body_size, head_size) = (Size::of(&body), Size::of(&head));
    let mut graph = Macs::default();
    let features = body.forward(&mut graph, &[channels, spec.side(), spec.side()]);
    head.forward(&mut graph, &features, LOGITS);
    (body_size.weights + head_size.weights, body_size.statistics, graph.count)
}

#[test]
fn imagenets_networks_have_torchvisions_sizes() {
    let dense = vec![4096, 4096];
    let vgg16 = |batch_norm| {
        let dense = dense.clone();
        NetSpec::Vgg16 { side: 224, width: 64, batch_norm, dense, dropout: 0.5 }
    };
    let vgg19 = NetSpec::Vgg19 {
        side: 224,
        width: 64,
        batch_norm: false,
        dense: dense.clone(),
        dropout: 0.5,
    };
    let (side, width, stem, dropout) = (224, 64, 7, 0.0);
    // Weights as torchvision counts them (SENet-50: pretrained-models), and 10^9 multiply-accumulates.
    for (spec, weights, giga) in [
        (NetSpec::Resnet18 { side, width, stem, dropout }, 11_689_512, 1.81),
        (NetSpec::Resnet50 { side, width, stem, dropout }, 25_557_032, 4.09),
        (NetSpec::Senet50 { side, width, stem, dropout }, 28_088_024, 3.87),
        (vgg16(false), 138_357_544, 15.47),
        (vgg16(true), 138_365_992, 15.47),
        (vgg19, 143_667_240, 19.63),
        (NetSpec::Alexnet { side, width, dense, dropout: 0.5 }, 61_100_840, 0.71),
    ] {
        let (actual, _, macs) = measured(&spec, 3, 1000);
        assert_eq!(actual, weights, "{spec:?}");
        assert!((macs as f64 / 1e9 - giga).abs() < 0.011, "{spec:?}: {macs}");
    }
}

#[test]
fn small_networks_have_their_published_sizes() {
    // Keras counts running statistics: 58,423 in all, 56,951 of them trained.
    let mini = |branches| NetSpec::MiniXception { width: 8, branches };
    let (weights, statistics, _) = measured(&mini(1), 1, 7);
    assert_eq!((weights, weights + statistics), (56_951, 58_423));

    let resnet9 = NetSpec::Resnet9 { width: 64, dropout: 0.2 };
    assert_eq!(measured(&resnet9, 3, 10).0, 6_575_370);
}

/// For architectures without a published count: the sum over the layers.
#[test]
fn our_own_readings_have_the_sizes_of_their_layers() {
    let conv = |from: usize, to: usize, kernel: usize| from * to * kernel * kernel;
    let norm = |channels: usize| 2 * channels;
    let dense = |from: usize, to: usize| (from + 1) * to;

    // The second branch differs from the first by its 5x5 kernels, and the head reads both.
    let stage = |from: usize, kernel: usize| {
        let to = 2 * from;
        let first = conv(1, from, kernel) + conv(from, to, 1) + norm(to);
        let second = conv(1, to, kernel) + conv(to, to, 1) + norm(to);
        first + second + conv(from, to, 1) + norm(to)
    };
    let branch = |kernel: usize| {
        let stem = conv(1, 8, kernel) + conv(8, 8, kernel) + 2 * norm(8);
        stem + [8, 16, 32, 64].map(|from| stage(from, kernel)).iter().sum::<usize>()
    };
    let expected = branch(3) + branch(5) + conv(256, 7, 3) + 7;
    assert_eq!(measured(&NetSpec::MiniXception { width: 8, branches: 2 }, 1, 7).0, expected);

    // Four pools reduce maps from 48x48 to 3x3.
    let spec = NetSpec::PlainCnn { width: 32, convs: 4, dense: 256, dropout: 0.5 };
    let convs = [(1, 32), (32, 64), (64, 128), (128, 256)].map(|(a, b)| conv(a, b, 3) + b);
    let expected = convs.iter().sum::<usize>() + dense(9 * 256, 256) + dense(256, 3);
    assert_eq!(measured(&spec, 1, 3).0, expected);

    let spec = NetSpec::Pramerdorfer { width: 32, dropout: 0.3 };
    let blocks = [(1, 32), (32, 64), (64, 128), (128, 256)];
    let blocks = blocks.map(|(a, b)| conv(a, b, 3) + conv(b, b, 3) + 2 * norm(b));
    let expected = blocks.iter().sum::<usize>() + dense(9 * 256, 256) + dense(256, 7);
    assert_eq!(measured(&spec, 1, 7).0, expected);
    assert!((1_750_000..1_850_000).contains(&expected), "the paper says 1.8 million: {expected}");

    // The FER2013 study's VGG-19: one dense layer on 512 features.
    let spec =
        NetSpec::Vgg19 { side: 48, width: 64, batch_norm: true, dense: vec![], dropout: 0.5 };
    assert_eq!(measured(&spec, 3, 7).0, 20_024_384 + norm(5504) + dense(512, 7));

    let spec = NetSpec::Badge { width: 24, dropout: 0.1 };
    let block = |from: usize, to: usize| {
        let shortcut = if from == to { 0 } else { conv(from, to, 1) + norm(to) };
        conv(from, to, 3) + conv(to, to, 3) + 2 * norm(to) + shortcut
    };
    let blocks = [(24, 24), (24, 24), (24, 48), (48, 48), (48, 96), (96, 96)];
    let blocks: usize = blocks.iter().map(|(from, to)| block(*from, *to)).sum();
    let expected = conv(1, 24, 5) + norm(24) + blocks + dense(96, 8);
    assert_eq!(measured(&spec, 1, 8).0, expected);
}

#[test]
fn every_recipes_network_can_be_built() {
    #[derive(serde::Deserialize)]
    struct Recipe {
        net: NetSpec,
    }

    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    let mut kinds = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if let Some(recipe) = FaceRecipe::load(path.to_str().unwrap()).unwrap() {
            assert!(FaceNet::new(&recipe.net, &Device::flex()).macs([240, 320]) > 1_000_000);
            continue;
        }
        let recipe: Recipe = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        recipe.net.check().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let net = Network::new(&recipe.net, &LABELS, &Device::flex());
        assert!(net.num_params() > 50_000 && net.macs() > 1_000_000, "{}", path.display());
        kinds.insert(recipe.net.kind());
    }
    let zoo = NetSpec::zoo(8).into_iter().map(|spec| spec.kind());
    assert_eq!(kinds, zoo.collect());
}
