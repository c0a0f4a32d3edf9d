//! Limits on the sizes that an untrusted graph declares. They are checked before anything is allocated for it.

use prost::Message as _;
use tract_onnx::pb::tensor_shape_proto::dimension::Value::DimValue;
use tract_onnx::pb::type_proto;
use tract_onnx::pb::{GraphProto, ModelProto, TensorProto, ValueInfoProto};

use super::error::GraphReadError;

/// Most nodes, those of subgraphs included. ResNet-152 has about 500; tract's analysis of 30,000 nodes takes a minute.
const MOST_NODES: usize = 4096;

/// Most values of one tensor: 1 GB of 32-bit floats.
const MOST_VALUES: usize = 1 << 28;

/// Reads a graph whose sizes are within bounds.
///
/// # Errors
/// [`GraphReadError::Onnx`] when the bytes are not a graph, [`GraphReadError::TooLarge`] naming what is too large.
pub fn decode(onnx: &[u8]) -> Result<ModelProto, GraphReadError> {
    let model = ModelProto::decode(onnx)?;
    let mut nodes = 0;
    model.graph.as_ref().map_or(Ok(()), |graph| check(graph, &mut nodes))?;
    Ok(model)
}

fn check(graph: &GraphProto, nodes: &mut usize) -> Result<(), GraphReadError> {
    *nodes += graph.node.len();
    if *nodes > MOST_NODES {
        let what = format!("the graph has more than {MOST_NODES} nodes");
        return Err(GraphReadError::TooLarge { what });
    }
    graph.initializer.iter().try_for_each(check_tensor)?;
    graph.input.iter().chain(&graph.output).try_for_each(check_value)?;
    for attribute in graph.node.iter().flat_map(|node| &node.attribute) {
        attribute.t.iter().chain(&attribute.tensors).try_for_each(check_tensor)?;
        attribute.g.iter().chain(&attribute.graphs).try_for_each(|inner| check(inner, nodes))?;
    }
    Ok(())
}

fn check_tensor(tensor: &TensorProto) -> Result<(), GraphReadError> {
    within(&tensor.name, tensor.dims.iter().copied())
}

/// Checks the fixed sizes only.
fn check_value(value: &ValueInfoProto) -> Result<(), GraphReadError> {
    let Some(type_proto::Value::TensorType(tensor)) =
        value.r#type.as_ref().and_then(|of| of.value.as_ref())
    else {
        return Ok(());
    };
    let sizes = tensor.shape.iter().flat_map(|shape| &shape.dim);
    let fixed = sizes.filter_map(|size| match size.value.as_ref()? {
        DimValue(size) => Some(*size),
        _ => None,
    });
    // Exporters write -1 or 0 for a dynamic size.
    within(&value.name, fixed.filter(|size| *size > 0))
}

fn within(name: &str, sizes: impl Iterator<Item = i64> + Clone) -> Result<(), GraphReadError> {
    let count = sizes.clone().try_fold(1_usize, |count, size| {
        count.checked_mul(usize::try_from(size).ok()?).filter(|count| *count <= MOST_VALUES)
    });
    match count {
        Some(_) => Ok(()),
        None => {
            let shape: Vec<i64> = sizes.collect();
            Err(GraphReadError::TooLarge {
                what: format!("{name} has the shape {shape:?}, more than {MOST_VALUES} values"),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use tract_onnx::pb::{NodeProto, tensor_shape_proto::Dimension};

    use super::*;
    use crate::onnx::OnnxGraph;

    fn graph(change: impl FnOnce(&mut GraphProto)) -> Vec<u8> {
        let mut graph = GraphProto::default();
        change(&mut graph);
        ModelProto { graph: Some(graph), ..ModelProto::default() }.encode_to_vec()
    }

    fn refused(bytes: &[u8]) -> String {
        let error = OnnxGraph::read(bytes).unwrap_err();
        assert!(matches!(error, GraphReadError::TooLarge { .. }), "{error}");
        assert!(error.help().is_some());
        error.to_string()
    }

    #[test]
    fn a_graph_cannot_ask_for_more_than_there_is() {
        let tensor = |dims: &[i64]| TensorProto {
            name: "w".to_owned(),
            dims: dims.to_vec(),
            ..TensorProto::default()
        };
        for dims in [&[1 << 33][..], &[1 << 32, 1 << 32], &[1 << 40, 0], &[-1], &[92_682, 92_682]] {
            let bytes = graph(|graph| graph.initializer.push(tensor(dims)));
            assert!(bytes.len() < 120);
            assert!(refused(&bytes).contains("w has the shape"), "{dims:?}");
            let inside = graph(|graph| {
                let attribute =
                    tract_onnx::pb::AttributeProto { t: Some(tensor(dims)), ..Default::default() };
                graph.node.push(NodeProto { attribute: vec![attribute], ..NodeProto::default() });
            });
            refused(&inside);
        }
        let nodes = graph(|graph| graph.node.resize(30_000, NodeProto::default()));
        assert!(refused(&nodes).contains("4096 nodes"));
    }

    #[test]
    fn an_input_cannot_be_larger_than_there_is() {
        let size = |size| Dimension { value: Some(DimValue(size)), ..Dimension::default() };
        let bytes = |sizes: &[i64]| {
            graph(|graph| {
                let shape = tract_onnx::pb::TensorShapeProto {
                    dim: sizes.iter().map(|of| size(*of)).collect(),
                };
                let tensor = type_proto::Tensor { shape: Some(shape), ..Default::default() };
                let of = tract_onnx::pb::TypeProto {
                    value: Some(type_proto::Value::TensorType(tensor)),
                    ..Default::default()
                };
                graph.input.push(ValueInfoProto {
                    name: "x".to_owned(),
                    r#type: Some(of),
                    ..ValueInfoProto::default()
                });
            })
        };
        assert!(decode(&bytes(&[-1, 3, 640, 640])).is_ok());
        assert!(refused(&bytes(&[1, 1, 92_682, 92_682])).contains("x has the shape"));
    }
}
