//! The check that weights are finite. A runtime may hide values that are not: tract's `Relu` turns NaN into 0, ONNX
//! Runtime's keeps it.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto};

use super::bounds::decode;
use super::error::GraphReadError;
use super::node::label;
use super::widen::half_values;

/// Operators for which an infinite constant is a bound or a mask.
const BOUNDED: &[&str] = &["Clip", "Max", "Min", "Pad", "Where"];

/// Refuses NaN in any constant of the graph `onnx`, and infinity except as a bound or mask.
///
/// # Errors
/// [`GraphReadError::NotFinite`] naming the tensor; [`GraphReadError::Onnx`] when the bytes are not a graph.
pub fn check_finite(onnx: &[u8]) -> Result<(), GraphReadError> {
    check(&decode(onnx)?)
}

pub(super) fn check(model: &ModelProto) -> Result<(), GraphReadError> {
    model.graph.as_ref().map_or(Ok(()), check_graph)
}

fn check_graph(graph: &GraphProto) -> Result<(), GraphReadError> {
    for tensor in &graph.initializer {
        refuse(graph, &tensor.name, &floats(tensor))?;
    }
    for node in &graph.node {
        for attribute in &node.attribute {
            let value = match node.output.first() {
                Some(output) if node.op_type == "Constant" => output.clone(),
                _ => format!("{} of {}", attribute.name, label(node)),
            };
            let singles = attribute.floats.iter().copied().chain([attribute.f]);
            refuse(graph, &value, &singles.collect::<Vec<_>>())?;
            for tensor in attribute.t.iter().chain(&attribute.tensors) {
                refuse(graph, &value, &floats(tensor))?;
            }
            for inner in attribute.g.iter().chain(&attribute.graphs) {
                check_graph(inner)?;
            }
        }
    }
    Ok(())
}

fn refuse(graph: &GraphProto, name: &str, values: &[f32]) -> Result<(), GraphReadError> {
    let Some(value) = values.iter().find(|value| !value.is_finite()) else { return Ok(()) };
    let readers = || graph.node.iter().filter(|node| node.input.iter().any(|input| input == name));
    let bound = || readers().all(|node| BOUNDED.contains(&node.op_type.as_str()));
    if values.iter().all(|value| !value.is_nan()) && readers().next().is_some() && bound() {
        return Ok(());
    }
    Err(GraphReadError::NotFinite { tensor: name.to_owned(), value: *value })
}

/// The values of a tensor of floats; empty for another type or external data.
fn floats(tensor: &TensorProto) -> Vec<f32> {
    let raw = &tensor.raw_data;
    match DataType::try_from(tensor.data_type) {
        Ok(DataType::Float) if raw.is_empty() => tensor.float_data.clone(),
        Ok(DataType::Float) => {
            let words = raw.chunks_exact(4);
            words.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
        }
        Ok(DataType::Double) if raw.is_empty() => {
            tensor.double_data.iter().map(|value| class_of(*value)).collect()
        }
        Ok(DataType::Double) => {
            let words = raw.chunks_exact(8);
            let word = |word: &[u8]| f64::from_le_bytes(std::array::from_fn(|at| word[at]));
            words.map(|bytes| class_of(word(bytes))).collect()
        }
        Ok(DataType::Float16 | DataType::Bfloat16) => half_values(tensor),
        _ => Vec::new(),
    }
}

/// A finite `f32` if `value` is finite, else NaN or infinity.
fn class_of(value: f64) -> f32 {
    if value.is_finite() {
        value.clamp(f32::MIN.into(), f32::MAX.into()) as f32
    } else {
        value as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{Array, Dim, GraphBuilder};

    /// A graph whose constant `c` is read by `op`.
    fn graph(op: &str, values: &[f32]) -> Vec<u8> {
        let mut graph = GraphBuilder::new("net");
        let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(2)]);
        let c = graph.constant("c", Array::new(&[values.len()], values));
        let y = graph.node(op, "y", &[&x, &c], &[]);
        graph.output(&y, &[Dim::BATCH, Dim::Fixed(2)]);
        graph.finish().unwrap().to_bytes()
    }

    /// The same with `c` as the output of a `Constant` node of another type.
    fn as_node(onnx: &[u8], of: DataType) -> Vec<u8> {
        use prost::Message as _;
        let mut model = ModelProto::decode(onnx).unwrap();
        let graph = model.graph.as_mut().unwrap();
        let mut tensor = graph.initializer.remove(0);
        let values = floats(&tensor);
        tensor.data_type = of as i32;
        tensor.raw_data = match of {
            DataType::Double => values.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect(),
            DataType::Bfloat16 => {
                values.iter().flat_map(|v| ((v.to_bits() >> 16) as u16).to_le_bytes()).collect()
            }
            _ => tensor.raw_data,
        };
        let attribute = tract_onnx::pb::AttributeProto {
            name: "value".to_owned(),
            t: Some(tensor),
            ..Default::default()
        };
        let node = tract_onnx::pb::NodeProto {
            op_type: "Constant".to_owned(),
            output: vec!["c".to_owned()],
            attribute: vec![attribute],
            ..Default::default()
        };
        graph.node.insert(0, node);
        model.encode_to_vec()
    }

    #[test]
    fn weights_that_are_not_numbers_are_named_wherever_they_stand() {
        let (nan, infinity) = (f32::NAN, f32::INFINITY);
        for bad in [nan, infinity, -infinity] {
            let onnx = graph("Add", &[1.0, bad]);
            let forms = [
                onnx.clone(),
                as_node(&onnx, DataType::Float),
                as_node(&onnx, DataType::Double),
                as_node(&onnx, DataType::Bfloat16),
            ];
            for onnx in forms {
                let error = check_finite(&onnx).unwrap_err();
                assert_eq!(error.to_string(), format!("c holds {bad}"));
                assert!(error.help().unwrap().contains("diverged"));
            }
        }
        check_finite(&graph("Add", &[1.0, f32::MAX])).unwrap();
        check_finite(&as_node(&graph("Add", &[1.0, 2.0]), DataType::Double)).unwrap();
    }

    #[test]
    fn an_infinite_bound_is_not_a_weight() {
        check_finite(&graph("Max", &[f32::NEG_INFINITY])).unwrap();
        assert!(check_finite(&graph("Max", &[f32::NAN])).is_err());
    }
}
