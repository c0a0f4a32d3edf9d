//! Quantized graphs give the same results as their float graphs, in the badge's runtime.

#![allow(clippy::unwrap_used)] // helpers of tests

use emocue_host::quantize::{BadgeEngine, QuantizeFailure};
use emocue_models::failure::Failure as _;
use emocue_quantize::onnx::{
    Array, Attribute, Conv, Dim, GraphBuilder, OnnxGraph, Pool, Value, Values,
};
use emocue_quantize::{
    Arithmetic, CalibrationInput, Granularity, QuantizeError, QuantizeSettings, QuantizedGraph,
    RangeMethod, quantize,
};
use emocue_run::Session;
use emocue_train::net::{NetSpec, zoo};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const SIDE: usize = 12;

/// Inputs in the range of normalised luma, smooth as pictures are.
fn rows(count: usize, side: usize) -> Vec<CalibrationInput> {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut row = || {
        let [a, b, c, d] = [(); 4].map(|()| rng.random_range(-1.0..1.0f32));
        let value = |at: usize| {
            let (x, y) = ((at % side) as f32 / side as f32, (at / side) as f32 / side as f32);
            (a * 9.0 * x + b * 7.0 * y + c).sin() + (d * 20.0 * x * y).cos() - 0.5
        };
        let values = (0..side * side).map(value).collect();
        CalibrationInput { shape: vec![1, 1, side, side], values }
    };
    (0..count).map(|_| row()).collect()
}

/// The default settings, except that small layers are quantized: these networks have no others.
fn settings(form: Arithmetic) -> QuantizeSettings {
    QuantizeSettings { keep_below: 0, ..QuantizeSettings::of(form) }
}

/// All outputs of tract, concatenated.
fn answers(onnx: &[u8], side: usize, row: &CalibrationInput) -> Vec<f32> {
    let session = Session::load("net", onnx, &[1, 1, side, side]).unwrap();
    let outputs = session.run(|input| input.copy_from_slice(&row.values)).unwrap();
    (0..outputs.len()).flat_map(|at| outputs.get(at).unwrap().to_vec()).collect()
}

/// Signal-to-noise ratio of `quantized` against `float`, dB.
fn agreement(float: &[u8], quantized: &[u8], side: usize, rows: &[CalibrationInput]) -> f64 {
    let (mut signal, mut noise) = (0f64, 0f64);
    for row in rows {
        let (a, b) = (answers(float, side, row), answers(quantized, side, row));
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(&b) {
            signal += f64::from(*a).powi(2);
            noise += f64::from(a - b).powi(2);
        }
    }
    10.0 * (signal / noise.max(1e-30)).log10()
}

fn run(
    onnx: &[u8],
    rows: &[CalibrationInput],
    settings: QuantizeSettings,
) -> Result<QuantizedGraph, QuantizeError> {
    quantize(&BadgeEngine, onnx, rows, settings)
}

/// A graph from one luma input to the value of `build`.
fn graph(build: impl FnOnce(&mut GraphBuilder, &Value) -> Value) -> Vec<u8> {
    let mut graph = GraphBuilder::new("net");
    let side = Dim::Fixed(SIDE);
    let luma = graph.input("luma", &[Dim::BATCH, Dim::Fixed(1), side, side]);
    let output = build(&mut graph, &luma);
    graph.output(&output, &[Dim::BATCH]);
    graph.finish().unwrap().to_bytes()
}

/// `count` weights, from -0.4 to 0.4.
fn weights(count: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| rng.random_range(-0.4..0.4)).collect()
}

fn conv(graph: &mut GraphBuilder, name: &str, x: &Value, [to, from]: [usize; 2]) -> Value {
    let shape = [to, from, 3, 3];
    let (weight, bias) = (weights(to * from * 9, to as u64), weights(to, 3));
    let how = Conv { pad: [1, 1], ..Conv::default() };
    graph.conv(name, x, Array::new(&shape, &weight), Some(&bias), how)
}

fn dense(graph: &mut GraphBuilder, name: &str, x: &Value, [to, from]: [usize; 2]) -> Value {
    let (weight, bias) = (weights(to * from, 8), weights(to, 9));
    graph.dense(name, x, Array::new(&[to, from], &weight), &bias)
}

/// Every architecture at an eighth of its width.
fn zoo() -> Vec<(NetSpec, Vec<u8>)> {
    zoo::graphs(8).unwrap()
}

#[test]
fn every_architecture_keeps_its_answers() {
    for (spec, onnx) in zoo() {
        let side = spec.side();
        let rows = rows(16, side);
        for form in [Arithmetic::W8, Arithmetic::Int8] {
            let settings =
                QuantizeSettings { granularity: Granularity::PerChannel, ..settings(form) };
            let result = run(&onnx, &rows, settings).unwrap();
            let agreement = agreement(&onnx, &result.onnx, side, &rows[..4]);
            let least = if form == Arithmetic::W8 { 28.0 } else { 20.0 };
            assert!(agreement > least, "{} {form:?}: {agreement} dB", spec.kind());
        }
    }
}

#[test]
fn one_graph_one_file() {
    let (_, onnx) = zoo().swap_remove(0);
    let rows = rows(16, 48);
    for form in [Arithmetic::W8, Arithmetic::Int8] {
        let bytes = || run(&onnx, &rows, settings(form)).unwrap().onnx;
        assert_eq!(bytes(), bytes());
    }
}

/// Padding is the zero point, the maximum of integers is the maximum of their values, a flattened map keeps its order.
#[test]
fn borders_pools_and_dense_layers_keep_their_answers() {
    let onnx = graph(|graph, luma| {
        let x = conv(graph, "first", luma, [6, 1]);
        let slopes = [0.1, -0.2, 0.3, 1.5, 0.0, 0.25];
        let x = graph.prelu("slopes", &x, Array::new(&[6, 1, 1], &slopes));
        let pool = Pool { ceil: true, ..Pool::square(3, 2) };
        let x = graph.max_pool("pool", &x, pool);
        let x = conv(graph, "second", &x, [4, 6]);
        let x = graph.relu("relu", &x);
        let x = graph.flatten("flat", &x);
        let x = dense(graph, "dense", &x, [5, 4 * 36]);
        graph.sigmoid("score", &x)
    });
    let rows = rows(32, SIDE);
    for granularity in [Granularity::PerTensor, Granularity::PerChannel] {
        for (form, least) in [(Arithmetic::W8, 35.0), (Arithmetic::Int8, 25.0)] {
            let settings = QuantizeSettings { granularity, ..settings(form) };
            let result = run(&onnx, &rows, settings).unwrap();
            let agreement = agreement(&onnx, &result.onnx, SIDE, &rows);
            assert!(agreement > least, "{form:?} {granularity:?}: {agreement} dB");
            assert_eq!(result.layers.len(), 3);
        }
    }
}

/// tract turns a softmax between integers into a lookup table of ones.
#[test]
fn a_softmax_and_what_follows_stay_in_floats() {
    let onnx = graph(|graph, luma| {
        let x = conv(graph, "first", luma, [4, 1]);
        let x = graph.flatten("flat", &x);
        let x = graph.node("Softmax", "softmax", &[&x], &[("axis", Attribute::Int(1))]);
        let scaled = graph.constant("scale", Array::new(&[1], &[100.0]));
        let x = graph.node("Mul", "scaled", &[&x, &scaled], &[]);
        dense(graph, "dense", &x, [3, 4 * SIDE * SIDE])
    });
    let rows = rows(16, SIDE);
    let result = run(&onnx, &rows, settings(Arithmetic::Int8)).unwrap();
    let agreement = agreement(&onnx, &result.onnx, SIDE, &rows);
    assert!(agreement > 25.0, "{agreement} dB");
}

/// A graph with 8-bit weights can be quantized to full int8, or to 8-bit weights again.
#[test]
fn a_quantized_graph_can_be_quantized_again() {
    let (_, onnx) = zoo().swap_remove(0);
    let rows = rows(16, 48);
    let first = run(&onnx, &rows, settings(Arithmetic::W8)).unwrap().onnx;
    let again = QuantizeSettings { correct_bias: false, ..settings(Arithmetic::W8) };
    let second = run(&first, &rows, again).unwrap();
    assert!(agreement(&first, &second.onnx, 48, &rows[..4]) > 100.0);
    let integers = run(&first, &rows, settings(Arithmetic::Int8)).unwrap();
    assert_eq!(integers.layers.len(), second.layers.len());
    assert!(agreement(&first, &integers.onnx, 48, &rows[..4]) > 25.0);
    // Integers are restored to floats, except for saturated values.
    let back = run(&integers.onnx, &rows, again).unwrap();
    assert_eq!(back.layers.len(), second.layers.len());
    let agreement = agreement(&first, &back.onnx, 48, &rows[..4]);
    assert!(agreement > 30.0, "{agreement} dB");
}

#[test]
fn small_layers_are_spared() {
    let (_, onnx) = zoo().swap_remove(0);
    let rows = rows(16, 48);
    let layers = |keep_below| {
        let settings = QuantizeSettings { keep_below, ..settings(Arithmetic::W8) };
        run(&onnx, &rows, settings).unwrap().layers.len()
    };
    let (all, some) = (layers(0), layers(500));
    assert!(some > 0 && some < all, "{some} of {all}");
}

#[test]
fn layers_that_write_the_outputs_can_stay_floats() {
    let onnx = graph(|graph, luma| {
        let x = conv(graph, "first", luma, [8, 1]);
        let x = graph.relu("relu", &x);
        conv(graph, "last", &x, [6, 8])
    });
    let rows = rows(16, SIDE);
    let with = |keep_outputs| {
        let settings = QuantizeSettings { keep_outputs, ..settings(Arithmetic::Int8) };
        run(&onnx, &rows, settings).unwrap().onnx
    };
    let (all, kept) = (with(false), with(true));
    let count = |onnx: &[u8], operator: &str| {
        let graph = OnnxGraph::read(onnx).unwrap();
        graph.nodes.iter().filter(|node| node.op_type == operator).count()
    };
    assert_eq!([count(&all, "QLinearConv"), count(&all, "Conv")], [2, 0]);
    assert_eq!([count(&kept, "QLinearConv"), count(&kept, "Conv")], [1, 1]);
    let [all, kept] = [all, kept].map(|result| agreement(&onnx, &result, SIDE, &rows));
    assert!(kept > all + 1.0, "{kept} dB, {all} dB with rounded outputs");
}

#[test]
fn batch_normalisation_becomes_part_of_its_convolution() {
    let norm = |graph: &mut GraphBuilder, name: &str, x: &Value, channels: usize| {
        let vector = |graph: &mut GraphBuilder, part: &str, values: Vec<f32>| {
            graph.constant(&format!("{name}.{part}"), Array::new(&[channels], &values))
        };
        let gamma = vector(graph, "gamma", weights(channels, 1).iter().map(|w| w + 1.0).collect());
        let beta = vector(graph, "beta", weights(channels, 2));
        let mean = vector(graph, "mean", weights(channels, 3));
        let var =
            vector(graph, "var", weights(channels, 4).iter().map(|w| w.abs() + 0.5).collect());
        graph.node("BatchNormalization", name, &[x, &gamma, &beta, &mean, &var], &[])
    };
    let onnx = graph(|graph, luma| {
        let x = norm(graph, "at first", luma, 1);
        let x = conv(graph, "first", &x, [4, 1]);
        let x = norm(graph, "in between", &x, 4);
        let x = graph.relu("relu", &x);
        let x = graph.node("Identity", "same", &[&x], &[]);
        conv(graph, "second", &x, [2, 4])
    });
    let rows = rows(16, SIDE);
    let result = run(&onnx, &rows, settings(Arithmetic::W8)).unwrap();
    assert!(agreement(&onnx, &result.onnx, SIDE, &rows) > 35.0);
    assert_eq!(result.layers.len(), 3, "a lone norm is a layer of its own");
}

/// One channel a thousand times larger than its neighbours.
fn lopsided() -> Vec<u8> {
    graph(|graph, luma| {
        let (mut first, second) = (weights(8 * 9, 1), weights(2 * 8 * 9, 2));
        first[..9].iter_mut().for_each(|w| *w *= 1000.0);
        let shape = [8, 1, 3, 3];
        let x = graph.conv("first", luma, Array::new(&shape, &first), None, Conv::default());
        let x = graph.relu("relu", &x);
        let mut narrow = second;
        for output in 0..2 {
            narrow[output * 72..output * 72 + 9].iter_mut().for_each(|w| *w /= 1000.0);
        }
        let shape = [2, 8, 3, 3];
        graph.conv("second", &x, Array::new(&shape, &narrow), None, Conv::default())
    })
}

#[test]
fn equalisation_rescues_channels_of_different_size() {
    let (onnx, rows) = (lopsided(), rows(16, SIDE));
    let plain = QuantizeSettings { ranges: RangeMethod::MinMax, ..settings(Arithmetic::Int8) };
    let before = run(&onnx, &rows, plain).unwrap();
    let after = run(&onnx, &rows, QuantizeSettings { equalize: true, ..plain }).unwrap();
    assert_eq!((before.equalized, after.equalized), (0, 1));
    let agreement = |result: &QuantizedGraph| agreement(&onnx, &result.onnx, SIDE, &rows);
    let (before, after) = (agreement(&before), agreement(&after));
    assert!(after > before + 10.0 && after > 25.0, "{before} dB, then {after} dB");
}

#[test]
fn every_range_method_works_and_the_best_is_not_the_worst() {
    let (_, onnx) = zoo().swap_remove(0);
    let rows = rows(32, 48);
    let by = |ranges| {
        let settings = QuantizeSettings { ranges, ..settings(Arithmetic::Int8) };
        let result = run(&onnx, &rows, settings).unwrap();
        agreement(&onnx, &result.onnx, 48, &rows[..8])
    };
    let others = [RangeMethod::MinMax, RangeMethod::Percentile, RangeMethod::Mse].map(by);
    let worst = others.into_iter().fold(f64::INFINITY, f64::min);
    let best = by(RangeMethod::Best);
    assert!(best >= worst && worst > 10.0, "{best} {others:?}");
}

/// Message and help of an error.
fn failure(error: QuantizeError) -> String {
    let failure = QuantizeFailure { network: "net.onnx".to_owned(), error };
    format!("{failure}\n{}", failure.help().unwrap_or_default())
}

#[test]
fn what_cannot_be_quantized_is_named() {
    let rows = rows(8, SIDE);
    let error = |onnx: &[u8], rows: &[CalibrationInput], form| {
        failure(run(onnx, rows, settings(form)).unwrap_err())
    };
    let with = |operator: &str| {
        graph(|graph, luma| {
            let x = conv(graph, "first", luma, [4, 1]);
            graph.node(operator, "odd one", &[&x], &[])
        })
    };
    let text = error(&with("Erf"), &rows, Arithmetic::Int8);
    assert!(text.contains("odd one (Erf)") && text.contains("--form w8"), "{text}");
    run(&with("Erf"), &rows, settings(Arithmetic::W8)).unwrap();

    let good = with("Relu");
    assert!(error(&good, &rows[..3], Arithmetic::Int8).contains("3 calibration rows"));
    let with_values = |values| vec![CalibrationInput { values, ..rows[0].clone() }; 8];
    let short = with_values(vec![0.0; 5]);
    assert!(error(&good, &short, Arithmetic::Int8).contains("has 5 values, the input 144"));
    let flat = with_values(vec![0.25; SIDE * SIDE]);
    assert!(error(&good, &flat, Arithmetic::Int8).contains("\"luma\" is 0.25 on all"));
    let mut odd = rows.clone();
    odd[6].values[0] = f32::NAN;
    let text = error(&good, &odd, Arithmetic::W8);
    assert!(text.contains("not finite on calibration row 6"), "{text}");

    let spoilt = graph(|graph, luma| {
        let weight = Array::new(&[1, 1, 1, 1], &[f32::NAN]);
        graph.conv("spoilt", luma, weight, None, Conv::default())
    });
    let text = error(&spoilt, &rows, Arithmetic::W8);
    assert!(text.contains("spoilt.weight holds NaN"), "{text}");

    let bare = graph(|graph, luma| graph.relu("relu", luma));
    assert!(error(&bare, &rows, Arithmetic::W8).contains("no layer"));
    assert!(error(b"no graph at all", &rows, Arithmetic::W8).contains("not an ONNX graph"));
    assert!(error(&good[..good.len() / 2], &rows, Arithmetic::W8).contains("not an ONNX graph"));
}

/// tract takes one more pass for each `u8`; all integers here are `i8`, weights without a zero point.
#[test]
fn integers_have_signs() {
    let (_, onnx) = zoo().swap_remove(0);
    let int8 = run(&onnx, &rows(16, 48), settings(Arithmetic::Int8)).unwrap().onnx;
    let graph = OnnxGraph::read(&int8).unwrap();
    let layers = graph.nodes.iter().filter(|node| node.op_type.starts_with("QLinear"));
    let mut count = 0;
    for node in layers {
        count += 1;
        let constant = |at: usize| &graph.constants[&node.input[at]].values;
        assert!(matches!(constant(2), Values::I8(_)) && matches!(constant(7), Values::I8(_)));
        let zeros = |values: &Values| matches!(values, Values::I8(v) if v.iter().all(|v| *v == 0));
        assert!(zeros(constant(5)), "{}", node.name);
        assert!(matches!(constant(3), Values::I8(weights) if !weights.contains(&-128)));
    }
    assert_eq!(count, 17, "fifteen convolutions and two heads");
}

#[test]
fn open_axes_are_asked_for() {
    let mut builder = GraphBuilder::new("net");
    let (height, width) = (Dim::Named("H"), Dim::Named("W"));
    let luma = builder.input("luma", &[Dim::BATCH, Dim::Fixed(1), height, width]);
    let x = conv(&mut builder, "first", &luma, [4, 1]);
    builder.output(&x, &[Dim::BATCH]);
    let onnx = builder.finish().unwrap().to_bytes();
    let graph = OnnxGraph::read(&onnx).unwrap();
    let text = failure(graph.input_shape(None).unwrap_err().into());
    assert!(text.contains("axis 2") && text.contains("--shape"), "{text}");
    assert_eq!(graph.input_shape(Some(&[1, 1, 9, 7])).unwrap(), [1, 1, 9, 7]);
    let mut rows = rows(8, SIDE);
    run(&onnx, &rows, settings(Arithmetic::Int8)).unwrap();
    rows[3].shape[1] = 3;
    let text = run(&onnx, &rows, settings(Arithmetic::Int8)).unwrap_err().to_string();
    assert!(text.contains("cannot have the shape [1, 3, 12, 12]"), "{text}");
}
