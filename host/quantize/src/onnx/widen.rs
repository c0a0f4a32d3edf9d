//! Conversion of 16-bit floats to 32-bit floats: the same function with higher precision.

use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto, ValueInfoProto, type_proto};
use tract_onnx::prelude::f16;

/// Attributes that hold a data type.
const TYPES: [&str; 3] = ["to", "dtype", "output_dtype"];

/// Converts all 16-bit floats of `model` to 32-bit floats; returns whether there were any.
pub(super) fn widen(model: &mut ModelProto) -> bool {
    model.graph.as_mut().is_some_and(graph)
}

fn graph(graph: &mut GraphProto) -> bool {
    let mut changed = false;
    for tensor in &mut graph.initializer {
        changed |= widen_tensor(tensor);
    }
    for value in graph.input.iter_mut().chain(&mut graph.output).chain(&mut graph.value_info) {
        changed |= widen_value(value);
    }
    for attribute in graph.node.iter_mut().flat_map(|node| &mut node.attribute) {
        changed |= attribute.t.as_mut().is_some_and(widen_tensor);
        for tensor in &mut attribute.tensors {
            changed |= widen_tensor(tensor);
        }
        for inner in attribute.g.iter_mut().chain(&mut attribute.graphs) {
            changed |= self::graph(inner);
        }
        if TYPES.contains(&attribute.name.as_str()) && is_half(attribute.i as i32) {
            attribute.i = DataType::Float as i64;
            changed = true;
        }
    }
    changed
}

fn is_half(of: i32) -> bool {
    [DataType::Float16 as i32, DataType::Bfloat16 as i32].contains(&of)
}

fn widen_value(value: &mut ValueInfoProto) -> bool {
    let Some(type_proto::Value::TensorType(tensor)) =
        value.r#type.as_mut().and_then(|of| of.value.as_mut())
    else {
        return false;
    };
    let half = is_half(tensor.elem_type);
    if half {
        tensor.elem_type = DataType::Float as i32;
    }
    half
}

fn widen_tensor(tensor: &mut TensorProto) -> bool {
    let external = tensor.data_location == Some(DataLocation::External as i32);
    if external || !is_half(tensor.data_type) {
        return false;
    }
    let floats = half_values(tensor);
    tensor.raw_data = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
    tensor.int32_data.clear();
    tensor.data_type = DataType::Float as i32;
    true
}

/// The values of a tensor of 16-bit floats.
pub(super) fn half_values(tensor: &TensorProto) -> Vec<f32> {
    let value = |bits: u16| match tensor.data_type == DataType::Bfloat16 as i32 {
        true => f32::from_bits(u32::from(bits) << 16),
        false => f16::from_bits(bits).to_f32(),
    };
    if tensor.raw_data.is_empty() {
        return tensor.int32_data.iter().map(|bits| value(*bits as u16)).collect();
    }
    let words = tensor.raw_data.chunks_exact(2);
    words.map(|word| value(u16::from_le_bytes([word[0], word[1]]))).collect()
}
