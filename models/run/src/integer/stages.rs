//! How often floats come between integers on the way to a layer.

use std::collections::HashMap;

use super::layers::{Layer, Operation, Written};
use crate::graph::Index;

/// For each layer the number of times that integers became floats, which other nodes computed with, and integers again.
/// Layers of one stage never depend on such nodes that read floats of the same stage.
pub(super) fn stages<'a>(index: &Index<'a>, layers: &[Layer<'a>]) -> Vec<usize> {
    let mut owners: HashMap<usize, usize> = HashMap::new();
    for (number, layer) in layers.iter().enumerate() {
        owners.extend(layer.nodes.iter().map(|node| (*node, number)));
    }
    let mut stages = vec![0; layers.len()];
    let mut integers: HashMap<&str, usize> = HashMap::new();
    let mut floats: HashMap<&str, usize> = HashMap::new();
    for (at, node) in index.nodes.iter().enumerate() {
        let Some(number) = owners.get(&at) else {
            // The floats of a layer's own `DequantizeLinear` are read by layers alone.
            let from =
                node.input.iter().filter_map(|name| floats.get(name.as_str())).max().copied();
            if let Some(stage) = from {
                floats.extend(node.output.iter().map(|name| (name.as_str(), stage)));
            }
            continue;
        };
        let layer = &layers[*number];
        if layer.nodes.iter().any(|node| *node > at) {
            continue;
        }
        let read = layer.reads.iter().filter_map(|(name, _)| integers.get(name));
        stages[*number] = match layer.operation {
            Operation::Quantize { floats: name } => floats.get(name).map_or(0, |stage| stage + 1),
            _ => read.max().copied().unwrap_or(0),
        };
        match layer.writes {
            Written::Stored(name, _) => {
                integers.insert(name, stages[*number]);
            }
            Written::Floats(name) => {
                floats.insert(name, stages[*number]);
            }
            Written::Unknown(_) => {}
        }
    }
    stages
}
