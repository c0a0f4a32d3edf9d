//! 8-bit weights, float arithmetic: every layer's weights come from a `DequantizeLinear`, which runtimes fold when
//! they load.

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, NodeProto};

use super::parts::{Lowered, LoweredLayer, fresh, quantized_layer, scales, zeros};
use crate::calibrate::ActivationRanges;
use crate::onnx::node::label;
use crate::onnx::{Constant, OnnxGraph, Values};
use crate::settings::QuantizeSettings;
use crate::weights::QuantizedWeights;

/// Replaces the weights only.
pub(super) fn lower(
    graph: &OnnxGraph,
    ranges: &ActivationRanges,
    settings: QuantizeSettings,
) -> Lowered {
    let mut target = graph.clone();
    target.nodes.clear();
    let mut layers = Vec::new();
    for node in &graph.nodes {
        let mut node = node.clone();
        let layer = quantized_layer(graph, &node, ranges, settings);
        if let Some((quantized, bias)) =
            layer.filter(|(quantized, _)| quantized.values.len() >= settings.keep_below)
        {
            let output = node.output.first().cloned().unwrap_or_default();
            let dequantize = dequantize(&mut target, &node, &quantized);
            node.input[1].clone_from(&dequantize.output[0]);
            if let Some(bias) = bias {
                let name = fresh(&target, &format!("{output}.corrected_bias"));
                let bias = Constant { shape: vec![bias.len()], values: Values::F32(bias) };
                target.constants.insert(name.clone(), bias);
                node.input.truncate(2);
                node.input.push(name);
            }
            target.nodes.push(dequantize);
            layers.push(LoweredLayer {
                label: label(&node),
                value: output.clone(),
                lowered: output,
                affine: None,
            });
        }
        target.nodes.push(node);
    }
    target.drop_unread();
    Lowered { graph: target, layers }
}

/// The `DequantizeLinear` that computes the weights of the layer `node`.
fn dequantize(target: &mut OnnxGraph, node: &NodeProto, quantized: &QuantizedWeights) -> NodeProto {
    let weight = &node.input[1];
    let shape = target.constants[weight].shape.clone();
    let integers = fresh(target, &format!("{weight}_quantized"));
    target
        .constants
        .insert(integers.clone(), Constant { shape, values: Values::I8(quantized.values.clone()) });
    let scale = fresh(target, &format!("{weight}_scale"));
    target.constants.insert(scale.clone(), scales(quantized));
    let zero = fresh(target, &format!("{weight}_zero_point"));
    target.constants.insert(zero.clone(), zeros(quantized));
    let output = fresh(target, &format!("{weight}_dequantized"));
    let axis = AttributeProto {
        name: "axis".to_owned(),
        r#type: AttributeType::Int as i32,
        i: quantized.axis as i64,
        ..AttributeProto::default()
    };
    NodeProto {
        name: output.clone(),
        op_type: "DequantizeLinear".to_owned(),
        input: vec![integers, scale, zero],
        output: vec![output],
        attribute: vec![axis],
        ..NodeProto::default()
    }
}
