//! Layers of several nodes: a product, an addition, an activation, rounding.
//!
//! In ONNX operators: `QLinearConv`, `DequantizeLinear`, `Add` (whose other input comes from a `DequantizeLinear` too),
//! `Relu`, `QuantizeLinear`, `Clip`. Only the next node reads what one of them writes.

use std::rc::Rc;

use emocue_kernels::Quantization;

use super::layers::{Layer, Operation, Written, label, refused};
use super::parameters::{Follows, Geometry, Weighted, geometry};
use crate::graph::{Constant, Index, Numbers, float, int};

/// Floats that are integers read by a `DequantizeLinear`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dequantized<'a> {
    pub(super) stored: &'a str,
    pub(super) quantization: Quantization,
}

impl<'a> Dequantized<'a> {
    pub(super) fn of(index: &Index<'a>, floats: &str) -> Option<Self> {
        let node = operator(index, index.writer(floats)?, &["DequantizeLinear"])?;
        let quantization = quantization(index, node, 1).ok()?;
        Some(Self { stored: index.nodes[node].input.first()?, quantization })
    }
}

/// The product of a `QLinearConv` or `QLinearMatMul` whose rounding is left out, since only the node `reader` reads it
/// as floats: the nodes, the product first.
fn product(index: &Index<'_>, floats: &str, reader: usize) -> Option<[usize; 2]> {
    let dequantize = operator(index, index.writer(floats)?, &["DequantizeLinear"])?;
    let integers = index.nodes[dequantize].input.first()?;
    let product = operator(index, index.writer(integers)?, &["QLinearConv", "QLinearMatMul"])?;
    let alone = index.only_reader(integers) == Some(dequantize)
        && index.only_reader(floats) == Some(reader);
    let same = |offset: usize| {
        let of = |node: usize, at: usize| index.constant(&index.nodes[node], at);
        let (a, b) = (of(product, 6 + offset), of(dequantize, 1 + offset));
        a.is_some() && a == b
    };
    (alone && same(0) && same(1)).then_some([product, dequantize])
}

fn operator(index: &Index<'_>, node: usize, names: &[&str]) -> Option<usize> {
    names.contains(&index.nodes[node].op_type.as_str()).then_some(node)
}

/// The scale and zero point at inputs `at` and `at + 1`.
fn quantization(index: &Index<'_>, node: usize, at: usize) -> Result<Quantization, String> {
    let node = &index.nodes[node];
    let scale = index.scalar(node, at).ok_or("its scale is not one constant float")?;
    let zero = index.constant(node, at + 1).ok_or("its zero point is not a constant of i8")?;
    match zero.bytes() {
        Some([zero_point]) if *zero_point >= 0 => {
            Ok(Quantization { scale, zero_point: *zero_point })
        }
        Some([zero_point]) => Err(format!("its zero point is {zero_point}: expected 0 to 127")),
        _ => Err("its zero point is not one constant i8".to_owned()),
    }
}

/// The quantization of the integers named `value`, from the node that wrote them.
pub(super) fn meaning(index: &Index<'_>, value: &str) -> Option<Quantization> {
    let (mut value, mut reader) = (value, usize::MAX);
    loop {
        // Only earlier nodes are followed, so this ends even for a cyclic graph.
        let writer = index.writer(value).filter(|writer| *writer < reader)?;
        reader = writer;
        let node = &index.nodes[writer];
        match node.op_type.as_str() {
            "QuantizeLinear" => return quantization(index, writer, 1).ok(),
            "QLinearConv" | "QLinearMatMul" => return quantization(index, writer, 6).ok(),
            "Clip" | "Relu" | "MaxPool" | "Flatten" | "Resize" => value = node.input.first()?,
            _ => return None,
        }
    }
}

/// The integers that `node` writes, clipped at 0: the name, and the node that clips them.
fn cut<'a>(index: &Index<'a>, node: usize) -> Result<(&'a str, Option<usize>), String> {
    let written = index.nodes[node].output.first().ok_or("it has no output")?;
    let cuts = |reader: &usize| {
        let node = &index.nodes[*reader];
        match node.op_type.as_str() {
            "Relu" => true,
            "Clip" => {
                let bound = |at| index.constant(node, at).and_then(|c| c.numbers.integer(0));
                let top = node.input.get(2).is_none_or(String::is_empty) || bound(2) == Some(127);
                bound(1) == Some(0) && top
            }
            _ => false,
        }
    };
    match index.only_reader(written).filter(cuts) {
        Some(reader) => {
            let name = index.nodes[reader].output.first().ok_or("a Clip has no output")?;
            Ok((name, Some(reader)))
        }
        None => Ok((written, None)),
    }
}

/// The layer that ends in the `QuantizeLinear` number `at`; the beginning of a region where no integers come before it.
pub(super) fn quantize<'a>(index: &Index<'a>, at: usize) -> Layer<'a> {
    let built = || {
        let to = quantization(index, at, 1)?;
        let (stored, clip) = cut(index, at)?;
        let floats = index.nodes[at].input.first().ok_or("it has no input")?;
        if clip.is_none() && !(to.zero_point == 0 && is_rectified(index, floats)) {
            return Err("its values may be below 0".to_owned());
        }
        let writes = Written::Stored(stored, to);
        let mut nodes: Vec<usize> = clip.into_iter().chain([at]).collect();
        if let Some(found) = before(index, floats, at)? {
            nodes.extend(found.nodes);
            let (label, reads, operation) = (found.label, found.reads, found.operation);
            return Ok(Layer { nodes, label, reads, writes, operation });
        }
        let operation = Operation::Quantize { floats };
        Ok(Layer { nodes, label: label(&index.nodes[at]), reads: vec![], writes, operation })
    };
    built().unwrap_or_else(|reason: String| refused(index, at, reason))
}

/// Whether no value is below 0.
fn is_rectified(index: &Index<'_>, floats: &str) -> bool {
    let writer = index.writer(floats).map(|at| &index.nodes[at]);
    writer.is_some_and(|node| match node.op_type.as_str() {
        "Relu" | "Sigmoid" => true,
        "Clip" => index.scalar(node, 1).is_some_and(|least| least >= 0.0),
        _ => false,
    })
}

/// What is computed before a `QuantizeLinear`.
struct Before<'a> {
    nodes: Vec<usize>,
    label: &'a str,
    reads: Vec<(&'a str, Quantization)>,
    operation: Operation<'a>,
}

/// What computes `floats`, which the node `reader` reads, from integers; `None` where floats come in between.
fn before<'a>(
    index: &Index<'a>,
    floats: &'a str,
    reader: usize,
) -> Result<Option<Before<'a>>, String> {
    let (mut floats, mut reader, mut nodes) = (floats, reader, Vec::new());
    let mut follows = Follows::Nothing;
    if let Some(writer) = index.writer(floats).filter(|_| index.only_reader(floats) == Some(reader))
        && let Some(found) = activation(index, writer)
    {
        (follows, reader) = (found, writer);
        floats = index.nodes[writer].input.first().ok_or("an activation has no input")?;
        nodes.push(writer);
    }
    let Some(writer) = index.writer(floats) else { return Ok(None) };
    let node = &index.nodes[writer];
    let alone = index.only_reader(floats) == Some(reader);
    match node.op_type.as_str() {
        "DequantizeLinear" => {
            if let Some(product) = product(index, floats, reader) {
                return weighted(index, product, None, follows, nodes).map(Some);
            }
            let Some(from) = Dequantized::of(index, floats) else { return Ok(None) };
            Ok(Some(Before {
                nodes,
                label: label(node),
                reads: vec![(from.stored, from.quantization)],
                operation: Operation::Pointwise(follows),
            }))
        }
        "Add" if alone => sum(index, writer, follows, nodes),
        "AveragePool" | "GlobalAveragePool" | "GlobalMaxPool" | "Concat"
            if alone && follows == Follows::Nothing =>
        {
            let from = |name: &'a String| Dequantized::of(index, name);
            let Some(from) = node.input.iter().map(from).collect::<Option<Vec<_>>>() else {
                return Ok(None);
            };
            let operation = match node.op_type.as_str() {
                "Concat" if int(node, "axis", 1) == 1 => Operation::Concat,
                "Concat" => return Ok(None),
                "GlobalAveragePool" => Operation::AveragePool(None),
                "GlobalMaxPool" => Operation::MaxPool(None),
                _ if int(node, "count_include_pad", 0) != 0 => return Ok(None),
                _ => Operation::AveragePool(Some(geometry(node, 1)?)),
            };
            nodes.push(writer);
            let reads = from.iter().map(|from| (from.stored, from.quantization)).collect();
            Ok(Some(Before { nodes, label: label(node), reads, operation }))
        }
        _ => Ok(None),
    }
}

/// A sum of two values, or of a product and its bias.
fn sum<'a>(
    index: &Index<'a>,
    add: usize,
    follows: Follows,
    mut nodes: Vec<usize>,
) -> Result<Option<Before<'a>>, String> {
    let node = &index.nodes[add];
    let [a, b] = node.input.as_slice() else { return Ok(None) };
    nodes.push(add);
    for (floats, at, other) in [(a, 1, b), (b, 0, a)] {
        let Some(product) = product(index, floats, add) else { continue };
        if let Some(bias) = index.constant(node, at) {
            return match index.nodes[product[0]].op_type.as_str() {
                "QLinearMatMul" => {
                    weighted(index, product, Some(Added::Bias(bias)), follows, nodes).map(Some)
                }
                _ => Ok(None),
            };
        }
        if let Some(residual) = Dequantized::of(index, other) {
            let added = Some(Added::Residual(residual));
            return weighted(index, product, added, follows, nodes).map(Some);
        }
    }
    let (Some(a), Some(b)) = (Dequantized::of(index, a), Dequantized::of(index, b)) else {
        return Ok(None);
    };
    let reads = [a, b].map(|from| (from.stored, from.quantization)).to_vec();
    Ok(Some(Before { nodes, label: label(node), reads, operation: Operation::Pointwise(follows) }))
}

/// What is added to a product.
enum Added<'a> {
    Bias(Rc<Constant>),
    Residual(Dequantized<'a>),
}

fn weighted<'a>(
    index: &Index<'a>,
    product: [usize; 2],
    added: Option<Added<'a>>,
    follows: Follows,
    mut nodes: Vec<usize>,
) -> Result<Before<'a>, String> {
    nodes.extend(product);
    let node = &index.nodes[product[0]];
    let mut reads = vec![input(index, product[0])?];
    let mut layer = weights(index, product[0], follows)?;
    let is_conv = node.op_type == "QLinearConv";
    match added {
        Some(Added::Bias(bias)) => {
            let bias = bias.floats().ok_or("its bias is not of floats")?;
            layer.biases = bias.to_vec();
        }
        Some(Added::Residual(residual)) if is_conv => {
            reads.push((residual.stored, residual.quantization));
        }
        Some(Added::Residual(_)) => return Err("a matrix product is added to values".to_owned()),
        None => {}
    }
    let operation = match is_conv {
        true => Operation::Conv(layer, conv_geometry(index, product[0])?),
        false => Operation::Dense(layer),
    };
    Ok(Before { nodes, label: label(node), reads, operation })
}

/// A convolution whose result is stored as it is.
pub(super) fn conv<'a>(index: &Index<'a>, at: usize) -> Result<Layer<'a>, String> {
    let to = quantization(index, at, 6)?;
    let (stored, Some(clip)) = cut(index, at)? else {
        return Err("its values may be below 0".to_owned());
    };
    let operation =
        Operation::Conv(weights(index, at, Follows::Nothing)?, conv_geometry(index, at)?);
    Ok(Layer {
        nodes: vec![at, clip],
        label: label(&index.nodes[at]),
        reads: vec![input(index, at)?],
        writes: Written::Stored(stored, to),
        operation,
    })
}

/// A matrix product, and its bias, whose result is floats.
pub(super) fn dense<'a>(index: &Index<'a>, at: usize) -> Result<Layer<'a>, String> {
    let integers = index.nodes[at].output.first().ok_or("it has no output")?;
    let only =
        index.only_reader(integers).and_then(|at| operator(index, at, &["DequantizeLinear"]));
    let dequantize = only.ok_or("its result is not read as floats")?;
    let same = |offset: usize| {
        let scale = index.constant(&index.nodes[at], 6 + offset);
        scale.is_some() && scale == index.constant(&index.nodes[dequantize], 1 + offset)
    };
    if !same(0) || !same(1) {
        return Err("its result is read with another scale or zero point".to_owned());
    }
    let mut nodes = vec![at, dequantize];
    let mut floats = index.nodes[dequantize].output.first().ok_or("it has no output")?;
    let mut layer = weights(index, at, Follows::Nothing)?;
    if let Some(add) = index.only_reader(floats).and_then(|at| operator(index, at, &["Add"])) {
        let node = &index.nodes[add];
        let bias = [0, 1].into_iter().find_map(|at| index.constant(node, at));
        if let Some(bias) = bias.as_ref().and_then(|bias| bias.floats())
            && bias.len() == *layer.weights.shape.last().unwrap_or(&0)
        {
            layer.biases = bias.to_vec();
            nodes.push(add);
            floats = node.output.first().ok_or("an Add has no output")?;
        }
    }
    Ok(Layer {
        nodes,
        label: label(&index.nodes[at]),
        reads: vec![input(index, at)?],
        writes: Written::Floats(floats),
        operation: Operation::Dense(layer),
    })
}

/// What a product reads.
fn input<'a>(index: &Index<'a>, at: usize) -> Result<(&'a str, Quantization), String> {
    let name = index.nodes[at].input.first().ok_or("it has no input")?;
    Ok((name, quantization(index, at, 1)?))
}

fn weights(index: &Index<'_>, at: usize, follows: Follows) -> Result<Weighted, String> {
    let node = &index.nodes[at];
    let weights = index.constant(node, 3).ok_or("its weights are not constants")?;
    weights.bytes().ok_or("its weights are not of i8")?;
    let scales = index.constant(node, 4).ok_or("its weights' scales are not constants")?;
    let scales = scales.floats().ok_or("its weights' scales are not of floats")?.to_vec();
    let zeros = index.constant(node, 5).ok_or("its weights' zero points are not constants")?;
    if !zeros.bytes().is_some_and(|zeros| zeros.iter().all(|zero| *zero == 0)) {
        return Err("its weights have a zero point".to_owned());
    }
    let mut biases = Vec::new();
    if node.op_type == "QLinearConv" && node.input.get(8).is_some_and(|name| !name.is_empty()) {
        let bias = index.constant(node, 8).ok_or("its bias is not constant")?;
        let Numbers::I32(steps) = &bias.numbers else {
            return Err("its bias is not of i32".to_owned());
        };
        let input = f64::from(index.scalar(node, 1).ok_or("its scale is not one constant float")?);
        let scale = |channel: usize| match scales.as_slice() {
            [one] => *one,
            scales => scales.get(channel).copied().unwrap_or(f32::NAN),
        };
        let value =
            |(at, steps): (usize, &i32)| (f64::from(*steps) * input * f64::from(scale(at))) as f32;
        biases = steps.iter().enumerate().map(value).collect();
    }
    Ok(Weighted { weights, scales, biases, follows })
}

fn conv_geometry(index: &Index<'_>, at: usize) -> Result<Geometry, String> {
    let node = &index.nodes[at];
    let groups = usize::try_from(int(node, "group", 1)).map_err(|_| "its groups are negative")?;
    let mut geometry = geometry(node, groups)?;
    let shape = index.constant(node, 3).map(|weights| weights.shape.clone()).unwrap_or_default();
    let [_, _, height, width] = shape[..] else {
        return Err(format!("its weights have {} axes: expected 4", shape.len()));
    };
    geometry.window.kernel = [height, width];
    Ok(geometry)
}

/// The activation that a node is.
fn activation(index: &Index<'_>, at: usize) -> Option<Follows> {
    let node = &index.nodes[at];
    match node.op_type.as_str() {
        "Relu" => Some(Follows::Relu),
        "LeakyRelu" => Some(Follows::Prelu(vec![float(node, "alpha", 0.01)])),
        "PRelu" => Some(Follows::Prelu(index.constant(node, 1)?.floats()?.to_vec())),
        "Clip" if index.scalar(node, 1) == Some(0.0) => {
            let top = node.input.get(2).filter(|name| !name.is_empty());
            Some(match top {
                Some(_) => Follows::ReluUpTo(index.scalar(node, 2)?),
                None => Follows::Relu,
            })
        }
        _ => None,
    }
}
