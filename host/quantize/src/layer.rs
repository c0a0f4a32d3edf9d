//! Layers with constant weights, which are quantized.

use tract_onnx::pb::NodeProto;

use crate::error::QuantizeError;
use crate::onnx::node::{groups, int, label};
use crate::onnx::{Constant, OnnxGraph, Values};

/// Channels of `value` according to the layers that read it; 1 without such a layer.
pub(crate) fn channels(graph: &OnnxGraph, value: &str) -> usize {
    let readers = graph.readers(value).into_iter();
    let first = |at: &usize| graph.nodes[*at].input.first().is_some_and(|input| input == value);
    let layers = readers.filter(first).filter_map(|at| weights_of(graph, &graph.nodes[at]));
    layers.map(|layer| layer.inputs).next().unwrap_or(1)
}

/// A layer with constant weights.
pub(crate) struct Weighted<'a> {
    pub(crate) weight: &'a Constant,
    /// The axis of the output channels.
    pub(crate) axis: usize,
    /// Input channels, which the bias correction needs.
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

pub(crate) fn weights_of<'a>(graph: &'a OnnxGraph, node: &NodeProto) -> Option<Weighted<'a>> {
    let weight = graph.constant_of(node, 1)?;
    weight.floats()?;
    let shape = &weight.shape;
    let (axis, inputs) = match (node.op_type.as_str(), shape.len()) {
        ("Conv", 3..) => (0, shape[1].saturating_mul(groups(node))),
        ("Gemm", 2) if int(node, "transB", 0) != 0 => (0, shape[1]),
        ("Gemm" | "MatMul", 2) => (1, shape[0]),
        _ => return None,
    };
    Some(Weighted { weight, axis, inputs, outputs: shape[axis] })
}

/// The bias of a layer.
pub(crate) enum Bias<'a> {
    /// No bias.
    None,
    /// Constant floats.
    Constant(&'a Constant, &'a [f32]),
    /// A computed value, or integers.
    Other,
}

pub(crate) fn bias_of<'a>(graph: &'a OnnxGraph, node: &NodeProto) -> Bias<'a> {
    if node.op_type == "MatMul" || node.input.get(2).is_none_or(String::is_empty) {
        return Bias::None;
    }
    let constant = graph.constant_of(node, 2);
    let floats = constant.and_then(|bias| Some((bias, bias.floats()?)));
    floats.map_or(Bias::Other, |(bias, floats)| Bias::Constant(bias, floats))
}

/// Refuses layers whose weights, groups and bias contradict each other. Afterwards each constant bias has a value for
/// every output channel: a scalar is repeated.
///
/// # Errors
/// [`QuantizeError::Inconsistent`] naming the node.
pub(crate) fn fit_together(graph: &mut OnnxGraph) -> Result<(), QuantizeError> {
    let mut repeated = Vec::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        let Some(Weighted { weight, inputs, outputs, .. }) = weights_of(graph, node) else {
            continue;
        };
        let wrong = |what: String| Err(QuantizeError::Inconsistent { node: label(node), what });
        if inputs == 0 || outputs == 0 {
            return wrong(format!("its weights of shape {:?} are empty", weight.shape));
        }
        if node.op_type == "Conv" && !outputs.is_multiple_of(groups(node)) {
            return wrong(format!("{outputs} channels do not divide into {} groups", groups(node)));
        }
        let Bias::Constant(bias, floats) = bias_of(graph, node) else { continue };
        match floats {
            [one] if outputs > 1 => repeated.push((at, vec![*one; outputs])),
            // A bias in the shape of a column would add another value to every row of a product.
            _ if floats.len() == outputs
                && (node.op_type == "Conv" || bias.shape.last() == Some(&outputs)) => {}
            [_] => {}
            _ => {
                let shape = &bias.shape;
                return wrong(format!("a bias of shape {shape:?} for {outputs} channels"));
            }
        }
    }
    for (at, values) in repeated {
        // A new name: another layer may share the old tensor.
        let mut name = format!("{}.repeated", graph.nodes[at].input[2]);
        while graph.knows(&name) {
            name.push('_');
        }
        let bias = Constant { shape: vec![values.len()], values: Values::F32(values) };
        graph.constants.insert(name.clone(), bias);
        graph.nodes[at].input[2] = name;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{Array, Conv, Dim, GraphBuilder};

    /// A convolution to 4 channels and a dense layer to 3 values, both with a bias.
    fn graph() -> OnnxGraph {
        let mut graph = GraphBuilder::new("net");
        let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(2), Dim::Fixed(1), Dim::Fixed(1)]);
        let kernel = Array::new(&[4, 2, 1, 1], &[0.5; 8]);
        let y = graph.conv("conv", &x, kernel, Some(&[1.0; 4]), Conv::default());
        let y = graph.flatten("flat", &y);
        let y = graph.dense("fc", &y, Array::new(&[3, 4], &[0.5; 12]), &[1.0; 3]);
        graph.output(&y, &[Dim::BATCH, Dim::Fixed(3)]);
        OnnxGraph::read(&graph.finish().unwrap().to_bytes()).unwrap()
    }

    /// The bias of the first node with this operator.
    fn bias<'a>(graph: &'a mut OnnxGraph, operator: &str) -> &'a mut Constant {
        let node = graph.nodes.iter().find(|node| node.op_type == operator).unwrap();
        graph.constants.get_mut(&node.input[2]).unwrap()
    }

    #[test]
    fn a_bias_of_another_length_is_refused_by_the_nodes_name() {
        for (operator, shape) in
            [("Conv", &[5][..]), ("Conv", &[3]), ("Gemm", &[4]), ("Gemm", &[3, 1]), ("Gemm", &[0])]
        {
            let mut graph = graph();
            let values = Values::F32(vec![1.0; shape.iter().product()]);
            *bias(&mut graph, operator) = Constant { shape: shape.to_vec(), values };
            let error = fit_together(&mut graph).unwrap_err();
            assert!(matches!(error, QuantizeError::Inconsistent { .. }), "{error}");
            assert!(error.to_string().contains(operator), "{error}");
        }
        assert!(fit_together(&mut graph()).is_ok());
    }

    #[test]
    fn a_single_bias_is_repeated_for_every_channel() {
        for operator in ["Conv", "Gemm"] {
            let mut graph = graph();
            *bias(&mut graph, operator) = Constant::scalar(Values::F32(vec![2.0]));
            fit_together(&mut graph).unwrap();
            let channels = if operator == "Conv" { 4 } else { 3 };
            assert_eq!(bias(&mut graph, operator).floats().unwrap(), vec![2.0; channels]);
        }
    }

    #[test]
    fn channels_divide_into_the_groups() {
        let mut graph = graph();
        let conv = graph.nodes.iter_mut().find(|node| node.op_type == "Conv").unwrap();
        let group = conv.attribute.iter_mut().find(|attribute| attribute.name == "group");
        group.unwrap().i = 3;
        let error = fit_together(&mut graph).unwrap_err();
        assert!(error.to_string().contains("4 channels do not divide into 3 groups"), "{error}");
    }
}
