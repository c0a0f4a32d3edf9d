//! Small graphs with every operator that is treated in a way of its own.

use emocue_quantize::onnx::{Array, Attribute, Conv, Dim, GraphBuilder, Pool};

/// They as `.onnx` files.
pub(super) const GRAPHS: &[fn() -> Vec<u8>] = &[dense, convolutional, grouped, normalised];

fn values(count: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 5) as f32).sin()).collect()
}

fn dense() -> Vec<u8> {
    let mut graph = GraphBuilder::new("dense");
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(4)]);
    let y = graph.dense("fc", &x, Array::new(&[3, 4], &values(12)), &values(3));
    let y = graph.node("Softmax", "softmax", &[&y], &[("axis", Attribute::Int(-1))]);
    graph.output(&y, &[Dim::BATCH, Dim::Fixed(3)]);
    graph.finish().expect("a good graph").to_bytes()
}

fn convolutional() -> Vec<u8> {
    let mut graph = GraphBuilder::new("conv");
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(8), Dim::Fixed(8)]);
    let weight = values(18);
    let how = Conv { pad: [1, 1], ..Conv::default() };
    let y = graph.conv("conv", &x, Array::new(&[2, 1, 3, 3], &weight), Some(&values(2)), how);
    let y = graph.relu("relu", &y);
    let y = graph.max_pool("pool", &y, Pool::square(2, 2));
    let y = graph.prelu("prelu", &y, Array::new(&[2, 1, 1], &values(2)));
    let y = graph.average_pool("average", &y, Pool::square(2, 2));
    let y = graph.flatten("flat", &y);
    let y = graph.dense("fc", &y, Array::new(&[7, 8], &values(56)), &values(7));
    graph.output(&y, &[Dim::BATCH, Dim::Fixed(7)]);
    let model = graph.finish().expect("a good graph");
    model.with_metadata(&[("emocue.labels", "fer-7")]).to_bytes()
}

fn grouped() -> Vec<u8> {
    let mut graph = GraphBuilder::new("grouped");
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(4), Dim::Fixed(6), Dim::Fixed(6)]);
    let how = Conv { groups: 4, stride: [2, 1], ..Conv::default() };
    let y = graph.conv("depth", &x, Array::new(&[4, 1, 3, 3], &values(36)), None, how);
    let z = graph.conv("point", &y, Array::new(&[4, 4, 1, 1], &values(16)), None, Conv::default());
    let y = graph.add("add", &y, &z);
    let y = graph.sigmoid("sigmoid", &y);
    let y = graph.global_average_pool("mean", &y);
    let y = graph.reshape("shape", &y, &[-1, 4]);
    graph.output(&y, &[Dim::BATCH, Dim::Fixed(4)]);
    graph.finish().expect("a good graph").to_bytes()
}

fn normalised() -> Vec<u8> {
    let mut graph = GraphBuilder::new("normalised");
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(3), Dim::Fixed(6), Dim::Fixed(6)]);
    let mut y =
        graph.conv("conv", &x, Array::new(&[2, 3, 3, 3], &values(54)), None, Conv::default());
    let parts = ["scale", "bias", "mean", "var"]
        .map(|part| graph.constant(part, Array::new(&[2], &[0.5, 1.5])));
    let [scale, bias, mean, var] = &parts;
    let epsilon = [("epsilon", Attribute::Float(1e-5))];
    y = graph.node("BatchNormalization", "norm", &[&y, scale, bias, mean, var], &epsilon);
    y = graph.node("Identity", "same", &[&y], &[]);
    y = graph.node("Clip", "clip", &[&y], &[]);
    y = graph.node("Transpose", "turn", &[&y], &[("perm", Attribute::Ints(vec![0, 2, 3, 1]))]);
    y = graph.node("Mul", "scaled", &[&y, scale], &[]);
    y = graph.node("Concat", "both", &[&y, &y], &[("axis", Attribute::Int(1))]);
    graph.output(&y, &[Dim::BATCH, Dim::Fixed(8), Dim::Fixed(4), Dim::Fixed(2)]);
    graph.finish().expect("a good graph").to_bytes()
}
