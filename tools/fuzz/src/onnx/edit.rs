//! Mistakes in a graph, one after the other.

use arbitrary::{Result, Unstructured};
use prost::Message as _;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::type_proto::Value as Kind;
use tract_onnx::pb::{GraphProto, ModelProto};

use super::graphs::GRAPHS;

/// Operators that nodes are changed to.
const OPERATORS: &[&str] = &[
    "Conv",
    "Gemm",
    "MatMul",
    "BatchNormalization",
    "Relu",
    "PRelu",
    "Clip",
    "Identity",
    "Dropout",
    "Constant",
    "Softmax",
    "LogSoftmax",
    "Flatten",
    "Reshape",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Concat",
    "Mul",
    "Add",
    "Sub",
    "Div",
    "Resize",
    "MaxPool",
    "AveragePool",
    "GlobalMaxPool",
    "LeakyRelu",
    "Pad",
    "Cast",
    "DequantizeLinear",
    "QuantizeLinear",
    "QLinearConv",
    "Loop",
];

/// A small number mostly, else any.
fn number(input: &mut Unstructured<'_>) -> Result<i64> {
    match input.int_in_range(0..=7)? {
        0 => input.arbitrary(),
        1 => Ok(i64::from(input.arbitrary::<i32>()?)),
        _ => input.int_in_range(-2..=9),
    }
}

/// The element of a list that the input names.
fn one<'a, T>(input: &mut Unstructured<'_>, list: &'a mut [T]) -> Result<Option<&'a mut T>> {
    let count = list.len();
    let at = usize::from(input.arbitrary::<u8>()?) % count.max(1);
    Ok(list.get_mut(at))
}

/// A name that the graph has.
fn name(input: &mut Unstructured<'_>, graph: &GraphProto) -> Result<String> {
    let nodes = graph.node.iter().flat_map(|node| node.output.iter().chain(&node.input));
    let names: Vec<&String> = nodes.chain(graph.initializer.iter().map(|it| &it.name)).collect();
    Ok(if input.ratio(1_u8, 16)? { String::new() } else { (*input.choose(&names)?).clone() })
}

/// One of the graphs with a few mistakes, as a file.
pub(super) fn edited(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let bytes = input.choose(GRAPHS)?();
    let mut model = ModelProto::decode(bytes.as_slice()).expect("a good graph");
    let Some(graph) = &mut model.graph else { return Ok(bytes) };
    for _ in 0..input.int_in_range(1..=12)? {
        if edit(input, graph).is_err() {
            break;
        }
    }
    if input.ratio(1_u8, 8).unwrap_or(false)
        && let Some(opset) = model.opset_import.first_mut()
    {
        opset.version = number(input).unwrap_or(11);
    }
    Ok(model.encode_to_vec())
}

fn edit(input: &mut Unstructured<'_>, graph: &mut GraphProto) -> Result<()> {
    match input.int_in_range(0..=13)? {
        0 => {
            if let Some(node) = one(input, &mut graph.node)? {
                node.op_type = (*input.choose(OPERATORS)?).to_owned();
            }
        }
        1 | 2 => {
            let to = name(input, graph)?;
            if let Some(node) = one(input, &mut graph.node)?
                && let Some(place) = one(input, &mut node.input)?
            {
                *place = to;
            }
        }
        3 => {
            let to = name(input, graph)?;
            if let Some(node) = one(input, &mut graph.node)? {
                match input.int_in_range(0..=3)? {
                    0 => node.output.clear(),
                    1 => node.input.clear(),
                    2 => node.output.push(to),
                    _ => node.input.push(to),
                }
            }
        }
        4 | 5 => {
            let value = number(input)?;
            if let Some(node) = one(input, &mut graph.node)?
                && let Some(attribute) = one(input, &mut node.attribute)?
            {
                match one(input, &mut attribute.ints)? {
                    Some(place) if input.ratio(7_u8, 8)? => *place = value,
                    Some(_) => attribute.ints.push(value),
                    None => attribute.i = value,
                }
                attribute.f = f32::from_bits(value as u32);
            }
        }
        6 | 7 => {
            let value = number(input)?;
            if let Some(tensor) = one(input, &mut graph.initializer)? {
                match one(input, &mut tensor.dims)? {
                    Some(place) if input.ratio(7_u8, 8)? => *place = value,
                    _ => tensor.dims.push(value),
                }
            }
        }
        8 => {
            if let Some(tensor) = one(input, &mut graph.initializer)? {
                let length = usize::from(input.arbitrary::<u8>()?);
                tensor.raw_data.truncate(length);
                if input.arbitrary()? {
                    tensor.dims = vec![length as i64 / 4];
                }
            }
        }
        9 => {
            if let Some(tensor) = one(input, &mut graph.initializer)? {
                tensor.data_type = input.int_in_range(0..=17)?;
            }
        }
        10 => {
            if let Some(tensor) = one(input, &mut graph.initializer)?
                && let Some(byte) = one(input, &mut tensor.raw_data)?
            {
                *byte = input.arbitrary()?;
            }
        }
        11 => {
            let to = name(input, graph)?;
            if let Some(output) = one(input, &mut graph.output)? {
                output.name = to;
            }
        }
        12 => {
            let value = number(input)?;
            if let Some(described) = one(input, &mut graph.input)?
                && let Some(Kind::TensorType(tensor)) =
                    described.r#type.as_mut().and_then(|it| it.value.as_mut())
                && let Some(shape) = &mut tensor.shape
                && let Some(dim) = one(input, &mut shape.dim)?
            {
                dim.value = Some(Value::DimValue(value));
            }
        }
        _ => {
            let count = graph.node.len();
            let at = usize::from(input.arbitrary::<u8>()?) % count.max(1);
            match input.int_in_range(0..=2)? {
                0 if count > 0 => drop(graph.node.remove(at)),
                1 if count > 0 => graph.node.swap(at, count / 2),
                _ => graph.node.extend(graph.node.get(at).cloned()),
            }
        }
    }
    Ok(())
}
