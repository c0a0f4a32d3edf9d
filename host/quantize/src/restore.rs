//! From a quantized graph back to floats, to quantize it again or to read its intermediate values.

use std::collections::HashMap;

use tract_onnx::pb::NodeProto;

use crate::onnx::node::int;
use crate::onnx::{Constant, OnnxGraph, Values};

/// The smallest `i8`: where it is the zero point, saturation is a ReLU.
const LEAST: i8 = -128;

/// Replaces integers by the floats that they represent: weights, and values between a `QuantizeLinear` and a
/// `DequantizeLinear`. Rounding is dropped, and so is saturation, except at 0, where it is a ReLU. Nodes of other forms
/// are left unchanged.
pub fn restore_floats(graph: &mut OnnxGraph) {
    // Values that were integers and are floats now, with their zero points.
    let mut restored: HashMap<String, i8> = HashMap::new();
    let mut rest = Vec::with_capacity(graph.nodes.len());
    for node in std::mem::take(&mut graph.nodes) {
        if let (Some(constant), Some(output)) = (dequantized(graph, &node), node.output.first()) {
            graph.constants.insert(output.clone(), constant);
            continue;
        }
        match in_floats(graph, &node, &mut restored) {
            Some(nodes) => rest.extend(nodes),
            None => rest.push(node),
        }
    }
    graph.nodes = rest;
    graph.drop_unread();
}

/// The nodes that compute in floats what `node` computed in integers.
fn in_floats(
    graph: &mut OnnxGraph,
    node: &NodeProto,
    restored: &mut HashMap<String, i8>,
) -> Option<Vec<NodeProto>> {
    let (input, output) = (node.input.first()?, node.output.first()?.clone());
    let as_it_was = restored.get(input).copied();
    match (node.op_type.as_str(), as_it_was) {
        ("QuantizeLinear", _) => {
            let zero = zero_point(graph, node, 2)?;
            restored.insert(output.clone(), zero);
            Some(vec![with(node, "Identity", vec![input.clone()], output)])
        }
        ("DequantizeLinear", Some(_)) => {
            Some(vec![with(node, "Identity", vec![input.clone()], output)])
        }
        ("QLinearConv" | "QLinearMatMul", Some(_)) => {
            let zero = zero_point(graph, node, 7)?;
            let inputs = operands(graph, node)?;
            restored.insert(output.clone(), zero);
            let operator = node.op_type.trim_start_matches("QLinear");
            if zero != LEAST {
                return Some(vec![with(node, operator, inputs, output)]);
            }
            let product = format!("{output}.before_relu");
            let relu = with(node, "Relu", vec![product.clone()], output);
            let attribute = Vec::new();
            Some(vec![with(node, operator, inputs, product), NodeProto { attribute, ..relu }])
        }
        ("Clip" | "Relu", Some(zero)) => {
            let operator = if zero == 0 { "Relu" } else { "Identity" };
            restored.insert(output.clone(), zero);
            Some(vec![with(node, operator, vec![input.clone()], output)])
        }
        (_, Some(zero)) => {
            restored.insert(output, zero);
            Some(vec![node.clone()])
        }
        _ => None,
    }
}

fn with(node: &NodeProto, operator: &str, input: Vec<String>, output: String) -> NodeProto {
    NodeProto { op_type: operator.to_owned(), input, output: vec![output], ..node.clone() }
}

fn zero_point(graph: &OnnxGraph, node: &NodeProto, at: usize) -> Option<i8> {
    match graph.constant_of(node, at) {
        Some(Constant { values: Values::I8(values), .. }) => values.first().copied(),
        _ => None,
    }
}

/// Input, weights and bias of an integer layer, as floats.
fn operands(graph: &mut OnnxGraph, node: &NodeProto) -> Option<Vec<String>> {
    let read = |at| graph.constant_of(node, at);
    let weights = read(3)?;
    let axis = if node.op_type == "QLinearConv" { 0 } else { 1 };
    let values = scaled(weights, read(4)?.floats()?, &[0], axis)?;
    let input = f64::from(*read(1)?.floats()?.first()?);
    let scales = read(4)?.floats()?.to_vec();
    let bias = match read(8) {
        Some(Constant { values: Values::I32(steps), shape }) => {
            let scale = |at: usize| f64::from(scales[at % scales.len()]);
            let value = |(at, step): (usize, &i32)| (f64::from(*step) * input * scale(at)) as f32;
            let values = Values::F32(steps.iter().enumerate().map(value).collect());
            Some(Constant { shape: shape.clone(), values })
        }
        _ => None,
    };
    let name = format!("{}.floats", node.input[3]);
    graph.constants.insert(name.clone(), values);
    let mut inputs = vec![node.input[0].clone(), name];
    if let Some(bias) = bias {
        let name = format!("{}.floats", node.input[8]);
        graph.constants.insert(name.clone(), bias);
        inputs.push(name);
    }
    Some(inputs)
}

/// The result of a `DequantizeLinear` of a constant.
fn dequantized(graph: &OnnxGraph, node: &NodeProto) -> Option<Constant> {
    let read = |at| graph.constant_of(node, at);
    if node.op_type != "DequantizeLinear" {
        return None;
    }
    let zeros = match read(2) {
        Some(Constant { values: Values::I8(zeros), .. }) => zeros.as_slice(),
        Some(_) => return None,
        None => &[0],
    };
    scaled(read(0)?, read(1)?.floats()?, zeros, int(node, "axis", 1))
}

/// Dequantizes integers with the scales and zero points along `axis`.
fn scaled(integers: &Constant, scales: &[f32], zeros: &[i8], axis: i64) -> Option<Constant> {
    let Constant { shape, values: Values::I8(integers) } = integers else { return None };
    if scales.is_empty() || zeros.is_empty() {
        return None;
    }
    let axis = if axis < 0 { axis.checked_add(shape.len() as i64)? } else { axis };
    let inner: usize = shape.iter().skip(usize::try_from(axis).ok()?.checked_add(1)?).product();
    let value = |(at, q): (usize, &i8)| {
        let channel = at / inner.max(1);
        let of = |count: usize| if count == 1 { 0 } else { channel % count };
        scales[of(scales.len())] * (f32::from(*q) - f32::from(zeros[of(zeros.len())]))
    };
    let floats = integers.iter().enumerate().map(value).collect();
    Some(Constant { shape: shape.clone(), values: Values::F32(floats) })
}
