//! 8-bit constants are dequantized here: tract would do it during its optimisation, which takes longer.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

use super::constants::{Constant, Numbers};
use super::index::{Index, int};

/// Replaces every `DequantizeLinear` of constants by its result.
pub(crate) fn fold(graph: &mut GraphProto) {
    let index = Index::new(graph);
    let mut folded = HashMap::new();
    for (at, node) in graph.node.iter().enumerate() {
        if let Some(tensor) = dequantized(&index, node) {
            folded.insert(at, tensor);
        }
    }
    if folded.is_empty() {
        return;
    }
    let mut at = 0..;
    graph.node.retain(|_| at.next().is_none_or(|at| !folded.contains_key(&at)));
    graph.initializer.extend(folded.into_values());
    // Constants that nothing reads any more do no harm, but tract would copy each.
    let read: HashSet<&String> = graph.node.iter().flat_map(|node| &node.input).collect();
    let outputs = &graph.output;
    graph.initializer.retain(|tensor| {
        read.contains(&tensor.name) || outputs.iter().any(|output| output.name == tensor.name)
    });
}

fn dequantized<'a>(index: &Index<'a>, node: &'a NodeProto) -> Option<TensorProto> {
    if node.op_type != "DequantizeLinear" || int(node, "block_size", 0) != 0 {
        return None;
    }
    let (integers, scales) = (index.constant(node, 0)?, index.constant(node, 1)?);
    let Constant { shape, numbers } = &*integers;
    let scales = scales.floats()?;
    let zeros = match node.input.get(2).filter(|name| !name.is_empty()) {
        Some(_) => Some(index.constant(node, 2)?),
        None => None,
    };
    let axis = int(node, "axis", 1);
    let axis = if axis < 0 { axis.checked_add_unsigned(shape.len() as u64)? } else { axis };
    let axis = usize::try_from(axis).ok()?;
    let (channels, inner) = match scales.len() {
        1 => (1, 1),
        count => (count, shape.get(axis + 1..)?.iter().product::<usize>()),
    };
    let fits = channels == 1 || shape.get(axis) == Some(&channels);
    if !fits || inner == 0 {
        return None;
    }
    let zero = |channel| match &zeros {
        Some(zeros) => zeros.numbers.integer(channel),
        None => Some(0),
    };
    let zeros = (0..channels).map(zero).collect::<Option<Vec<i64>>>()?;
    let inner = if channels == 1 { shape.iter().product::<usize>().max(1) } else { inner };
    let values = match numbers {
        Numbers::I8(values) => scaled(values, inner, scales, &zeros),
        Numbers::U8(values) => scaled(values, inner, scales, &zeros),
        Numbers::I32(values) => scaled(values, inner, scales, &zeros),
        Numbers::F32(_) | Numbers::I64(_) => return None,
    };
    Some(TensorProto {
        name: node.output.first()?.clone(),
        dims: shape.iter().map(|size| *size as i64).collect(),
        data_type: DataType::Float as i32,
        float_data: values,
        ..TensorProto::default()
    })
}

/// Values of a channel, as many as `inner`, then those of the next, and again from the first.
fn scaled<T: Copy + Into<i64>>(
    values: &[T],
    inner: usize,
    scales: &[f32],
    zeros: &[i64],
) -> Vec<f32> {
    let channels = scales.iter().zip(zeros).cycle();
    let runs = values.chunks(inner).zip(channels);
    runs.flat_map(|(run, (scale, zero))| {
        run.iter().map(move |q| ((*q).into() - zero) as f32 * scale)
    })
    .collect()
}
