//! Integer regions of quantized graphs run in the integer engine, with the same results as in tract, which computes the
//! same nodes one by one.

#![allow(clippy::unwrap_used)] // helpers of tests

use emocue_host::quantize::BadgeEngine;
use emocue_quantize::onnx::{
    Array, Attribute, Conv, Dim, GraphBuilder, OnnxGraph, Pool, Value, Values,
};
use emocue_quantize::{
    Arithmetic, CalibrationInput, Engine as _, QuantizeSettings, TractEngine, quantize,
};
use emocue_run::{RegionReport, Session};
use emocue_train::net::{NetSpec, zoo};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const SIDE: usize = 12;

/// Inputs in the range of normalised luma, smooth as pictures are.
fn rows(count: usize, shape: &[usize]) -> Vec<CalibrationInput> {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let side = shape[shape.len() - 1];
    let mut row = || {
        let [a, b, c, d] = [(); 4].map(|()| rng.random_range(-1.0..1.0f32));
        let value = |at: usize| {
            let (x, y) = ((at % side) as f32 / side as f32, (at / side) as f32 / side as f32);
            (a * 9.0 * x + b * 7.0 * y + c).sin() + (d * 20.0 * x * y).cos() - 0.5
        };
        let values = (0..shape.iter().product()).map(value).collect();
        CalibrationInput { shape: shape.to_vec(), values }
    };
    (0..count).map(|_| row()).collect()
}

fn int8(onnx: &[u8], rows: &[CalibrationInput]) -> Vec<u8> {
    quantize(&BadgeEngine, onnx, rows, QuantizeSettings::of(Arithmetic::Int8)).unwrap().onnx
}

/// The mean and the largest difference between the engine's and tract's results, relative to the range of tract's.
fn difference(onnx: &[u8], session: &Session, rows: &[CalibrationInput]) -> (f32, f32) {
    let tract = TractEngine.load(onnx, &rows[0].shape).unwrap();
    let (mut sum, mut most, mut count) = (0.0, 0.0_f32, 0);
    let (mut low, mut high) = (f32::MAX, f32::MIN);
    for row in rows {
        let expected = tract.run(&row.values).unwrap();
        let found = session.run(|input| input.copy_from_slice(&row.values)).unwrap();
        assert_eq!(expected.len(), found.len());
        for (at, expected) in expected.iter().enumerate() {
            let found = found.get(at).unwrap();
            assert_eq!(expected.len(), found.len());
            for (a, b) in expected.iter().zip(found) {
                (low, high) = (low.min(*a), high.max(*a));
                sum += (a - b).abs();
                most = most.max((a - b).abs());
                count += 1;
            }
        }
    }
    let spread = high - low;
    (sum / count as f32 / spread, most / spread)
}

/// `count` weights, from -0.4 to 0.4.
fn weights(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-0.4..0.4)).collect()
}

/// A convolution of `[outputs, inputs of a group, side]`, padded to keep the size.
fn conv(
    graph: &mut GraphBuilder,
    name: &str,
    x: &Value,
    [to, from, side]: [usize; 3],
    how: Conv,
) -> Value {
    let (weight, bias) = (weights(to * from * side * side, to as u64), weights(to, 3));
    let how = Conv { pad: [side / 2, side / 2], ..how };
    let shape = [to, from, side, side];
    graph.conv(name, x, Array::new(&shape, &weight), Some(&bias), how)
}

fn graph(build: impl FnOnce(&mut GraphBuilder, &Value) -> Value) -> Vec<u8> {
    let mut graph = GraphBuilder::new("net");
    let side = Dim::Fixed(SIDE);
    let luma = graph.input("luma", &[Dim::BATCH, Dim::Fixed(1), side, side]);
    let output = build(&mut graph, &luma);
    graph.output(&output, &[Dim::BATCH]);
    graph.finish().unwrap().to_bytes()
}

/// Checks that all regions run in the engine, with tract's results except for roundings that the engine skips; returns
/// the regions.
fn check(name: &str, onnx: &[u8], shape: &[usize], most: f32) -> Vec<RegionReport> {
    let rows = rows(16, shape);
    let quantized = int8(onnx, &rows);
    let session = Session::load(name, &quantized, shape).unwrap();
    let regions: Vec<String> = session.regions().iter().map(ToString::to_string).collect();
    assert!(!regions.is_empty(), "{name}");
    assert!(session.regions().iter().all(|region| region.engine.is_ok()), "{name}: {regions:#?}");
    let (mean, largest) = difference(&quantized, &session, &rows);
    println!("{name}: {mean:.4} on average, {largest:.4} at most; {} regions", regions.len());
    assert!(mean < most / 3.0 && largest < most, "{name}: {mean} and {largest}");
    session.regions().to_vec()
}

#[test]
fn every_architecture_runs_in_the_engine() {
    for (spec, onnx) in zoo::graphs(8).unwrap() {
        let regions = check(spec.kind(), &onnx, &[1, 1, spec.side(), spec.side()], 0.08);
        if let NetSpec::Badge { .. } = spec {
            // One region has both heads, so that the second head costs only its own layer.
            assert_eq!(regions.len(), 1, "{regions:?}");
            assert_eq!(regions[0].outputs, ["logits", "fer-7"]);
        }
    }
}

#[test]
fn every_layer_answers_as_tract_does() {
    type Build = fn(&mut GraphBuilder, &Value) -> Value;
    let stem = |graph: &mut GraphBuilder, luma: &Value| {
        let x = conv(graph, "stem", luma, [16, 1, 5], Conv { stride: [2, 2], ..Conv::default() });
        graph.relu("stem.relu", &x)
    };
    let cases: [(&str, Build); 6] = [
        ("residual", |graph, x| {
            let y = conv(graph, "a", x, [16, 16, 3], Conv::default());
            let y = graph.relu("a.relu", &y);
            let y = conv(graph, "b", &y, [16, 16, 3], Conv::default());
            let y = graph.add("sum", &y, x);
            conv(graph, "c", &y, [5, 16, 1], Conv::default())
        }),
        ("depthwise after a 1x1 without activation", |graph, x| {
            let y = conv(graph, "a", x, [24, 16, 1], Conv::default());
            let y = conv(graph, "b", &y, [24, 1, 3], Conv { groups: 24, ..Conv::default() });
            let y = graph.relu("relu", &y);
            conv(graph, "c", &y, [4, 24, 1], Conv::default())
        }),
        ("slopes below 0 and above 1", |graph, x| {
            let y = conv(graph, "a", x, [6, 16, 3], Conv::default());
            let slopes = [0.1, -0.2, 0.3, 1.5, 0.0, 0.25];
            let y = graph.prelu("prelu", &y, Array::new(&[6, 1, 1], &slopes));
            let y = graph.max_pool("pool", &y, Pool { ceil: true, ..Pool::square(3, 2) });
            let y = graph.flatten("flat", &y);
            let y =
                graph.dense("fc", &y, Array::new(&[20, 54], &weights(20 * 54, 8)), &weights(20, 9));
            let y = graph.prelu("prelu2", &y, Array::new(&[20], &weights(20, 4)));
            graph.dense("out", &y, Array::new(&[3, 20], &weights(60, 2)), &[0.5, 0.0, -0.5])
        }),
        ("groups of blocks", |graph, x| {
            let y = conv(graph, "a", x, [32, 16, 1], Conv::default());
            let y = graph.relu("a.relu", &y);
            let y = conv(graph, "b", &y, [32, 16, 3], Conv { groups: 2, ..Conv::default() });
            conv(graph, "c", &y, [3, 32, 1], Conv::default())
        }),
        ("concatenation", |graph, x| {
            let a = conv(graph, "a", x, [16, 16, 3], Conv::default());
            let a = graph.relu("a.relu", &a);
            let b = conv(graph, "b", x, [9, 16, 1], Conv::default());
            let y = graph.node("Concat", "both", &[&a, &b], &[("axis", Attribute::Int(1))]);
            conv(graph, "c", &y, [3, 25, 1], Conv::default())
        }),
        ("mean", |graph, x| {
            let y = graph.global_average_pool("mean", x);
            let y = graph.flatten("flat", &y);
            graph.dense("out", &y, Array::new(&[3, 16], &weights(48, 2)), &[0.5, 0.0, -0.5])
        }),
    ];
    for (name, build) in cases {
        let onnx = graph(|graph, luma| {
            let x = stem(graph, luma);
            build(graph, &x)
        });
        check(name, &onnx, &[1, 1, SIDE, SIDE], 0.04);
    }
}

/// A batch gives the results of its pictures.
#[test]
fn a_batch_answers_as_its_pictures_do() {
    let onnx = graph(|graph, luma| {
        let x = conv(graph, "stem", luma, [16, 1, 3], Conv::default());
        let x = graph.relu("relu", &x);
        let x = graph.flatten("flat", &x);
        let count = 3 * 16 * SIDE * SIDE;
        graph.dense("out", &x, Array::new(&[3, count / 3], &weights(count, 2)), &[0.0; 3])
    });
    let rows = rows(16, &[1, 1, SIDE, SIDE]);
    let quantized = int8(&onnx, &rows);
    let one = Session::load("one", &quantized, &[1, 1, SIDE, SIDE]).unwrap();
    let three = Session::load("three", &quantized, &[3, 1, SIDE, SIDE]).unwrap();
    assert!(three.regions()[0].engine.is_ok(), "{:?}", three.regions());
    let all: Vec<f32> = rows[..3].iter().flat_map(|row| row.values.clone()).collect();
    let found = three.run(|input| input.copy_from_slice(&all)).unwrap().get(0).unwrap().to_vec();
    for (row, found) in rows.iter().zip(found.chunks(3)) {
        let outputs = one.run(|input| input.copy_from_slice(&row.values)).unwrap();
        assert_eq!(outputs.get(0).unwrap(), found);
    }
}

/// A float operator between two regions separates them.
#[test]
fn regions_with_floats_between_them_are_apart() {
    let onnx = graph(|graph, luma| {
        let x = conv(graph, "first", luma, [16, 1, 3], Conv::default());
        let x = graph.sigmoid("sigmoid", &x);
        conv(graph, "second", &x, [3, 16, 3], Conv::default())
    });
    let rows = rows(16, &[1, 1, SIDE, SIDE]);
    let quantized = int8(&onnx, &rows);
    let session = Session::load("net", &quantized, &[1, 1, SIDE, SIDE]).unwrap();
    let engines: Vec<bool> = session.regions().iter().map(|region| region.engine.is_ok()).collect();
    assert_eq!(engines, [true, true], "{:?}", session.regions());
    let (mean, most) = difference(&quantized, &session, &rows);
    assert!(mean < 0.01 && most < 0.04, "{mean} {most}");
}

/// A region that the engine cannot compute runs in tract unchanged, with a reason that names the node.
#[test]
fn what_the_engine_cannot_run_stays_with_tract() {
    let rows = rows(16, &[1, 1, SIDE, SIDE]);
    let onnx = graph(|graph, luma| {
        let x = conv(graph, "first", luma, [16, 1, 3], Conv::default());
        let x = graph.relu("relu", &x);
        conv(graph, "second", &x, [3, 16, 3], Conv::default())
    });
    let quantized = OnnxGraph::read(&int8(&onnx, &rows)).unwrap();
    let conv =
        |graph: &OnnxGraph| graph.nodes.iter().position(|node| node.name == "second").unwrap();
    type Change = Box<dyn Fn(&mut OnnxGraph)>;
    let constant = |at: usize, values: Values| -> Change {
        Box::new(move |graph| {
            let name = graph.nodes[conv(graph)].input[at].clone();
            graph.constants.get_mut(&name).unwrap().values = values.clone();
        })
    };
    let changes: [(&str, Change); 6] = [
        ("weight 7 is -128", {
            Box::new(move |graph: &mut OnnxGraph| {
                let name = graph.nodes[conv(graph)].input[3].clone();
                let Values::I8(weights) = &mut graph.constants.get_mut(&name).unwrap().values
                else {
                    unreachable!()
                };
                weights[7] = -128;
            })
        }),
        ("weight scale 0 is NaN", constant(4, Values::F32(vec![f32::NAN; 3]))),
        ("weight scale 0 is 0e0", constant(4, Values::F32(vec![0.0; 3]))),
        ("weight scale 1 is 9.8", constant(4, Values::F32(vec![0.01, 1e-44, 0.01]))),
        ("weights have a zero point", constant(5, Values::I8(vec![1; 3]))),
        ("zero point is -128", constant(7, Values::I8(vec![-128]))),
    ];
    for (reason, change) in changes {
        let mut graph = quantized.clone();
        change(&mut graph);
        let bytes = graph.to_bytes();
        let session = Session::load("net", &bytes, &[1, 1, SIDE, SIDE]).unwrap();
        let [region] = session.regions() else { panic!("{:?}", session.regions()) };
        let text = region.to_string();
        assert!(text.contains("tract, since second: "), "{text}");
        assert!(text.contains(reason), "{text}");
        let tract = TractEngine.load(&bytes, &[1, 1, SIDE, SIDE]).unwrap();
        let expected = tract.run(&rows[0].values).unwrap();
        let found = session.run(|input| input.copy_from_slice(&rows[0].values)).unwrap();
        for (a, b) in expected[0].iter().zip(found.get(0).unwrap()) {
            assert!(a == b || (a.is_nan() && b.is_nan()), "{reason}: {a} {b}");
        }
    }
}

/// A file cannot contain the engine's operator.
#[test]
fn a_file_with_the_engines_own_operator_is_refused() {
    let onnx = graph(|graph, luma| graph.node("EmocueIntegerRegion", "own", &[luma], &[]));
    let error = Session::load("net", &onnx, &[1, 1, SIDE, SIDE]).err().unwrap().to_string();
    assert!(error.contains("an operator of the integer engine's own"), "{error}");
}
