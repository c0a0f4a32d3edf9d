//! Cuts a classifier's graph before its last dense layer, to use the network as a feature extractor.

use std::collections::HashSet;

use emocue_models::failure::{Failure, exit};
use emocue_quantize::onnx::{GraphReadError, OnnxGraph, decode};
use emocue_quantize::restore_floats;
use prost::Message as _;
use tract_onnx::pb::{GraphProto, ValueInfoProto};

/// A graph that cannot be cut.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The bytes are not an ONNX file.
    #[error(transparent)]
    Damaged(#[from] GraphReadError),
    /// The first output does not depend on a dense layer.
    #[error("the graph's first output does not depend on a Gemm or MatMul with constant weights")]
    NoDenseLayer,
}

impl Failure for CutError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Damaged(error) => error.help(),
            Self::NoDenseLayer => Some(
                "Features are read before the last dense layer in 32-bit floats; use a network that has one."
                    .to_owned(),
            ),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Damaged(_) => exit::INPUT,
            Self::NoDenseLayer => exit::NETWORK,
        }
    }
}

/// The graph up to the input of the last dense layer (`Gemm`, `MatMul`): its only output is that input, the pooled
/// features. Nodes that are no longer needed are removed, and integers are restored to floats.
///
/// # Errors
/// [`CutError`] when the bytes are not an ONNX graph or its first output depends on no dense layer.
pub fn before_dense(onnx: &[u8]) -> Result<Vec<u8>, CutError> {
    let mut model = decode(onnx)?;
    if model.graph.iter().flat_map(|graph| &graph.node).any(|node| node.op_type == "QLinearMatMul")
    {
        let mut floats = OnnxGraph::read(onnx)?;
        restore_floats(&mut floats);
        model = decode(&floats.to_bytes())?;
    }
    let graph = model.graph.as_mut().ok_or(CutError::NoDenseLayer)?;
    let name = dense_input(graph).ok_or(CutError::NoDenseLayer)?;
    let needed = needed_for(graph, &name);
    graph.node.retain(|node| node.output.iter().any(|output| needed.contains(output)));
    graph.initializer.retain(|constant| needed.contains(&constant.name));
    graph.value_info.clear();
    // The runtime infers the shape.
    graph.output = vec![ValueInfoProto { name, ..ValueInfoProto::default() }];
    Ok(model.encode_to_vec())
}

/// The input of the last dense layer before the first output. ONNX lists nodes in the order of computation.
fn dense_input(graph: &GraphProto) -> Option<String> {
    let needed = needed_for(graph, &graph.output.first()?.name);
    let constants: HashSet<&str> = graph.initializer.iter().map(|c| c.name.as_str()).collect();
    let dense = graph.node.iter().rev().find(|node| {
        matches!(node.op_type.as_str(), "Gemm" | "MatMul")
            && node.output.iter().any(|output| needed.contains(output))
    })?;
    dense.input.iter().take(2).find(|input| !constants.contains(input.as_str())).cloned()
}

/// Every value that `name` is computed from, itself included.
fn needed_for(graph: &GraphProto, name: &str) -> HashSet<String> {
    let mut needed = HashSet::from([name.to_owned()]);
    for node in graph.node.iter().rev() {
        if node.output.iter().any(|output| needed.contains(output)) {
            needed.extend(node.input.iter().cloned());
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use emocue_run::Session;

    use super::*;
    use emocue_quantize::onnx::{Array, Conv, Dim, GraphBuilder};

    /// From a picture of 2x2 px to the means of two channels, and if `dense`, to logits.
    fn graph(dense: bool) -> Vec<u8> {
        let mut graph = GraphBuilder::new("net");
        let side = Dim::Fixed(2);
        let x = graph.input("luma", &[Dim::BATCH, Dim::Fixed(1), side, side]);
        let weight = Array::new(&[2, 1, 1, 1], &[1.0, -3.0]);
        let maps = graph.conv("conv", &x, weight, None, Conv::default());
        let pooled = graph.global_average_pool("pool", &maps);
        let mut end = graph.flatten("features", &pooled);
        if dense {
            let weight = Array::new(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
            let logits = graph.dense("dense", &end, weight, &[0.5; 3]);
            end = graph.sigmoid("sigmoid", &logits);
        }
        graph.output(&end, &[Dim::BATCH, Dim::Fixed(if dense { 3 } else { 2 })]);
        graph.finish().unwrap().to_bytes()
    }

    #[test]
    fn gives_what_the_dense_layer_reads() {
        let run = |onnx: &[u8]| {
            let session = Session::load("net", onnx, &[2, 1, 2, 2]).unwrap();
            let pixels = [1.0, 2.0, 3.0, 6.0, 0.0, 0.0, 4.0, 0.0];
            let outputs = session.run(|input| input.copy_from_slice(&pixels)).unwrap();
            assert_eq!(outputs.len(), 1);
            outputs.get(0).unwrap().to_vec()
        };
        let cut = before_dense(&graph(true)).unwrap();
        assert_eq!(run(&cut), run(&graph(false)));
        assert_eq!(run(&cut), [3.0, -9.0, 1.0, -3.0]);
        let kept = decode(&cut).unwrap().graph.unwrap();
        let names: Vec<_> = kept.node.iter().map(|node| node.op_type.as_str()).collect();
        assert_eq!(names, ["Conv", "GlobalAveragePool", "Flatten"]);
        assert_eq!(kept.initializer.len(), 1);
    }

    #[test]
    fn says_when_there_is_nothing_to_cut() {
        assert!(matches!(before_dense(&graph(false)), Err(CutError::NoDenseLayer)));
        assert!(matches!(before_dense(b"no graph"), Err(CutError::Damaged(_))));
        assert!(matches!(before_dense(&[]), Err(CutError::NoDenseLayer)));
    }
}
