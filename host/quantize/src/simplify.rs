//! Rewrites a graph to the same function with fewer kinds of nodes: an earlier quantization is undone, identities are
//! removed, and batch normalisation is folded into a convolution.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, NodeProto};

use crate::error::QuantizeError;
use crate::layer::{Bias, bias_of, fit_together, weights_of};
use crate::onnx::node::{float, label};
use crate::onnx::{Constant, GraphReadError, OnnxGraph, Values};
use crate::restore::restore_floats;

/// Simplifies `graph` and refuses weights that are not finite.
///
/// # Errors
/// [`QuantizeError`] naming the node or tensor.
pub(crate) fn simplify(graph: &mut OnnxGraph) -> Result<(), QuantizeError> {
    restore_floats(graph);
    for (name, constant) in &graph.constants {
        let odd = constant.floats().unwrap_or_default().iter().find(|value| !value.is_finite());
        if let Some(value) = odd {
            let (tensor, value) = (name.clone(), *value);
            return Err(GraphReadError::NotFinite { tensor, value }.into());
        }
    }
    graph.drop_passing();
    fit_together(graph)?;
    fold_norms(graph)?;
    graph.drop_unread();
    Ok(())
}

/// `gamma * (x - mean) / sqrt(var + epsilon) + beta` as `factor * x + offset` for each channel.
fn affine(graph: &OnnxGraph, node: &NodeProto) -> Result<Vec<(f64, f64)>, QuantizeError> {
    let read = |at| graph.constant_of(node, at).and_then(Constant::floats);
    let (Some(gamma), Some(beta), Some(mean), Some(var)) = (read(1), read(2), read(3), read(4))
    else {
        return Err(QuantizeError::Unsupported {
            node: label(node),
            why: "its parameters are not constants".to_owned(),
        });
    };
    if [beta, mean, var].iter().any(|part| part.len() != gamma.len()) || gamma.is_empty() {
        let lengths = [gamma, beta, mean, var].map(<[f32]>::len);
        let what = format!("parameters of {lengths:?} values");
        return Err(QuantizeError::Inconsistent { node: label(node), what });
    }
    let epsilon = f64::from(float(node, "epsilon", 1e-5));
    let channels = gamma.iter().zip(beta).zip(mean.iter().zip(var));
    let channel = |((gamma, beta), (mean, var)): ((&f32, &f32), (&f32, &f32))| {
        let factor = f64::from(*gamma) / (f64::from(*var) + epsilon).sqrt();
        (factor, f64::from(*beta) - f64::from(*mean) * factor)
    };
    Ok(channels.map(channel).collect())
}

fn fold_norms(graph: &mut OnnxGraph) -> Result<(), QuantizeError> {
    while let Some(at) = graph.nodes.iter().position(|node| node.op_type == "BatchNormalization") {
        let affine = affine(graph, &graph.nodes[at])?;
        let input = graph.nodes[at].input.first().cloned().unwrap_or_default();
        let before = graph.nodes.iter().position(|node| node.output.first() == Some(&input));
        let before = before.filter(|before| {
            let node = &graph.nodes[*before];
            node.op_type == "Conv"
                && graph.only_reader(&input) == Some(at)
                && !matches!(bias_of(graph, node), Bias::Other)
                && weights_of(graph, node).is_some_and(|layer| layer.outputs == affine.len())
        });
        match before {
            Some(before) => {
                let norm = graph.nodes.remove(at);
                fold_into(graph, before, &affine);
                graph.nodes[before].output = norm.output.into_iter().take(1).collect();
            }
            None => as_conv(graph, at, &affine),
        }
    }
    Ok(())
}

/// Folds the normalisation into the convolution that is node `at`.
fn fold_into(graph: &mut OnnxGraph, at: usize, affine: &[(f64, f64)]) {
    let node = &graph.nodes[at];
    let weight = node.input[1].clone();
    let Some(Constant { shape, values: Values::F32(values) }) = graph.constants.get(&weight) else {
        return;
    };
    let bias = match bias_of(graph, node) {
        Bias::Constant(_, bias) => Some(bias.to_vec()),
        _ => None,
    };
    let mut values = values.clone();
    let size = (values.len() / affine.len().max(1)).max(1);
    let mut offsets = Vec::with_capacity(affine.len());
    for (channel, (kernel, (factor, offset))) in values.chunks_mut(size).zip(affine).enumerate() {
        kernel.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
        let before = bias.as_ref().map_or(0.0, |bias| f64::from(bias[channel]));
        offsets.push((before * factor + offset) as f32);
    }
    let folded = Constant { shape: shape.clone(), values: Values::F32(values) };
    let bias = Constant { shape: vec![affine.len()], values: Values::F32(offsets) };
    // New names: another layer may share the old tensors.
    let stem = graph.nodes[at].output[0].clone();
    let (weight, offsets) = (format!("{stem}.folded_weight"), format!("{stem}.folded_bias"));
    graph.nodes[at].input.truncate(1);
    graph.nodes[at].input.extend([weight.clone(), offsets.clone()]);
    graph.constants.extend([(weight, folded), (offsets, bias)]);
}

/// A normalisation that follows no convolution becomes a depthwise 1x1 convolution.
fn as_conv(graph: &mut OnnxGraph, at: usize, affine: &[(f64, f64)]) {
    let (factors, offsets): (Vec<f32>, Vec<f32>) =
        affine.iter().map(|(factor, offset)| (*factor as f32, *offset as f32)).unzip();
    let count = affine.len();
    let node = &mut graph.nodes[at];
    node.output.truncate(1);
    let stem = node.output.first().cloned().unwrap_or_default();
    let (weight, bias) = (format!("{stem}.folded_weight"), format!("{stem}.folded_bias"));
    node.op_type = "Conv".to_owned();
    node.input.truncate(1);
    node.input.extend([weight.clone(), bias.clone()]);
    node.attribute = vec![ints("kernel_shape", &[1, 1]), group(count as i64)];
    let weights = Constant { shape: vec![count, 1, 1, 1], values: Values::F32(factors) };
    let biases = Constant { shape: vec![count], values: Values::F32(offsets) };
    graph.constants.extend([(weight, weights), (bias, biases)]);
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Ints as i32,
        ints: values.to_vec(),
        ..AttributeProto::default()
    }
}

fn group(count: i64) -> AttributeProto {
    AttributeProto {
        name: "group".to_owned(),
        r#type: AttributeType::Int as i32,
        i: count,
        ..AttributeProto::default()
    }
}
