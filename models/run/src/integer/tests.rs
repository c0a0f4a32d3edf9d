use emocue_kernels::Isa;
use emocue_models::bundle::{Bundle, DEFAULT};
use proptest::prelude::*;
use prost::Message as _;
use tract_onnx::pb::{GraphProto, ModelProto, attribute_proto::AttributeType};

use super::*;
use crate::graph::fold;

/// A graph of the default bundle.
fn graph(name: &str) -> GraphProto {
    let bundle = Bundle::read(DEFAULT).unwrap();
    ModelProto::decode(bundle.payload(name).unwrap()).unwrap().graph.unwrap()
}

#[test]
fn the_default_networks_are_one_node_each() {
    for (name, outputs) in [("classifier.onnx", 2), ("onet.onnx", 3)] {
        let mut graph = graph(name);
        let (programs, reports) = replace(&mut graph, &[1, 1, 48, 48], Isa::best());
        if Isa::best() == Isa::PORTABLE {
            return;
        }
        assert_eq!((programs.len(), reports.len()), (1, 1), "{reports:?}");
        assert_eq!(programs[0].outputs.len(), outputs);
        let regions = graph.node.iter().filter(|node| node.op_type == OPERATOR).count();
        assert_eq!(regions, 1);
        // What is left: O-Net's score.
        assert_eq!(graph.node.len(), if name == "onet.onnx" { 2 } else { 1 });
        assert!(graph.initializer.is_empty(), "{} constants", graph.initializer.len());
    }
}

/// One change to a graph, by numbers that choose what and where.
fn change(graph: &mut GraphProto, [what, at, to, value]: [usize; 4]) {
    let operators = [
        "Relu",
        "Clip",
        "QLinearConv",
        "QuantizeLinear",
        "DequantizeLinear",
        "MaxPool",
        "Concat",
        "Flatten",
        "Resize",
        "GlobalAveragePool",
        "GlobalMaxPool",
        "QLinearMatMul",
        "Sigmoid",
        "PRelu",
    ];
    let count = graph.node.len();
    let names: Vec<String> = graph.node.iter().flat_map(|node| node.output.clone()).collect();
    let node = &mut graph.node[at % count];
    match what % 8 {
        0 => node.op_type = operators[to % operators.len()].to_owned(),
        1 => {
            let inputs = node.input.len().max(1);
            if let Some(input) = node.input.get_mut(to % inputs) {
                input.clone_from(&names[value % names.len()]);
            }
        }
        2 => drop(node.input.pop()),
        3 => {
            let attributes = node.attribute.len().max(1);
            if let Some(attribute) = node.attribute.get_mut(to % attributes) {
                if attribute.r#type == AttributeType::Ints as i32 {
                    let places = attribute.ints.len().max(1);
                    if let Some(place) = attribute.ints.get_mut(value % places) {
                        *place = [-1, 0, 1, 2, 7, 1 << 20, i64::MAX][to % 7];
                    }
                } else {
                    attribute.i = [-1, 0, 2, 16, 32, i64::MAX][value % 6];
                }
            }
        }
        4 => drop(graph.node.remove(at % count)),
        5 => {
            let constants = graph.initializer.len();
            let tensor = &mut graph.initializer[to % constants];
            let places = tensor.dims.len().max(1);
            if let Some(size) = tensor.dims.get_mut(value % places) {
                *size = [0, 1, 3, 16, 1 << 30, -4][at % 6];
            }
        }
        6 => {
            let constants = graph.initializer.len();
            let tensor = &mut graph.initializer[to % constants];
            let mut raw = tensor.raw_data.to_vec();
            let bytes = raw.len().max(1);
            if let Some(byte) = raw.get_mut(value % bytes) {
                *byte = at as u8;
            }
            tensor.raw_data = raw;
        }
        _ => node.output.push(names[value % names.len()].clone()),
    }
}

#[test]
fn a_cycle_of_moves_stays_with_tract() {
    let mut graph = graph("classifier.onnx");
    let moves = |node: &NodeProto| ["MaxPool", "Flatten", "Relu"].contains(&node.op_type.as_str());
    let cycle: Vec<_> = (0..graph.node.len()).filter(|at| moves(&graph.node[*at])).collect();
    assert!(!cycle.is_empty());
    for at in cycle {
        let itself = graph.node[at].output[0].clone();
        graph.node[at].input[0] = itself;
    }
    let (programs, reports) = replace(&mut graph, &[1, 1, 48, 48], Isa::best());
    assert_eq!(programs.len(), reports.iter().filter(|report| report.engine.is_ok()).count());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// For every graph, each region runs or stays with tract.
    #[test]
    fn no_graph_is_too_strange(
        changes in prop::collection::vec(prop::array::uniform4(0_usize..1 << 20), 1..4),
        onet: bool,
    ) {
        let mut graph = graph(if onet { "onet.onnx" } else { "classifier.onnx" });
        for numbers in changes {
            if !graph.node.is_empty() {
                change(&mut graph, numbers);
            }
        }
        fold(&mut graph);
        let (programs, reports) = replace(&mut graph, &[1, 1, 48, 48], Isa::best());
        let in_engine = reports.iter().filter(|report| report.engine.is_ok()).count();
        prop_assert_eq!(programs.len(), in_engine);
        let nodes = graph.node.iter().filter(|node| node.op_type == OPERATOR).count();
        prop_assert_eq!(nodes, in_engine);
    }
}
