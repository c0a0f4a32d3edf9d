//! Reading one node of a float ONNX graph: its label in messages, its attributes, the value of a `Constant`.

use tract_onnx::pb::{AttributeProto, NodeProto};

use super::constant::{Constant, Values};
use super::error::GraphReadError;

/// A node's label in messages: its name and operator; its output's name if it has none.
pub fn label(node: &NodeProto) -> String {
    let name = Some(&node.name).filter(|name| !name.is_empty()).or(node.output.first());
    format!("{} ({})", name.map_or("", String::as_str), node.op_type)
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

/// An integer attribute, or its default.
pub fn int(node: &NodeProto, name: &str, default: i64) -> i64 {
    attribute(node, name).map_or(default, |attribute| attribute.i)
}

/// A float attribute, or its default.
pub fn float(node: &NodeProto, name: &str, default: f32) -> f32 {
    attribute(node, name).map_or(default, |attribute| attribute.f)
}

/// A text attribute, or its default.
pub fn text(node: &NodeProto, name: &str, default: &str) -> String {
    attribute(node, name)
        .map_or_else(|| default.to_owned(), |found| String::from_utf8_lossy(&found.s).into_owned())
}

/// Groups of channels of a convolution.
pub(crate) fn groups(node: &NodeProto) -> usize {
    int(node, "group", 1).max(1) as usize
}

/// The value of a `Constant` node; `None` for another operator.
pub(crate) fn constant_node(node: &NodeProto) -> Result<Option<Constant>, GraphReadError> {
    if node.op_type != "Constant" {
        return Ok(None);
    }
    if let Some(tensor) = attribute(node, "value").and_then(|attribute| attribute.t.clone()) {
        return Constant::read(tensor).map(Some);
    }
    let found = |name| attribute(node, name);
    let list = |count: usize, values| Constant { shape: vec![count], values };
    Ok(if let Some(of) = found("value_float") {
        Some(Constant::scalar(Values::F32(vec![of.f])))
    } else if let Some(of) = found("value_floats") {
        Some(list(of.floats.len(), Values::F32(of.floats.clone())))
    } else if let Some(of) = found("value_int") {
        Some(Constant::scalar(Values::I64(vec![of.i])))
    } else {
        found("value_ints").map(|of| list(of.ints.len(), Values::I64(of.ints.clone())))
    })
}
