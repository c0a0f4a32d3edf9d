//! Groups layers into regions, and finds their inputs and outputs.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::layers::{Layer, Operation, Written};
use super::stages;
use crate::graph::Index;

/// Layers that pass integers to each other, in the order of computation.
#[derive(Clone, Debug)]
pub(super) struct Region<'a> {
    pub(super) layers: Vec<Layer<'a>>,
    /// Names of the floats that it reads.
    pub(super) inputs: Vec<&'a str>,
    /// Names of the floats that it writes.
    pub(super) outputs: Vec<&'a str>,
}

/// The regions that `layers` form, in the order of their first nodes. Regions of a group exchange integers, but one
/// also reads floats that depend on another's, so one node cannot replace all of them.
pub(super) fn groups<'a>(index: &Index<'a>, layers: Vec<Layer<'a>>) -> Vec<Vec<Region<'a>>> {
    let stages = stages::stages(index, &layers);
    // The group of each integer value; groups that meet are joined.
    let mut owners: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<(usize, Layer<'a>)>> = Vec::new();
    for (stage, layer) in stages.into_iter().zip(layers) {
        let written = match layer.writes {
            Written::Stored(name, _) => vec![name],
            Written::Unknown(ref names) => names.clone(),
            Written::Floats(_) => Vec::new(),
        };
        let names: Vec<&str> = layer.reads.iter().map(|(name, _)| *name).chain(written).collect();
        let mut met: Vec<usize> =
            names.iter().filter_map(|name| owners.get(name).copied()).collect();
        met.sort_unstable();
        met.dedup();
        let group = met.first().copied().unwrap_or_else(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        for other in met.into_iter().skip(1) {
            let moved = std::mem::take(&mut groups[other]);
            groups[group].extend(moved);
            owners.values_mut().filter(|owner| **owner == other).for_each(|owner| *owner = group);
        }
        owners.extend(names.into_iter().map(|name| (name, group)));
        groups[group].push((stage, layer));
    }
    groups.into_iter().filter(|layers| !layers.is_empty()).map(split).collect()
}

/// A region for each stage. What a later one reads passes between them as floats, under the name that its integers had:
/// quantized again, they are the same.
fn split<'a>(layers: Vec<(usize, Layer<'a>)>) -> Vec<Region<'a>> {
    let mut written: HashMap<&str, usize> = HashMap::new();
    let mut parts: BTreeMap<usize, Vec<Layer<'a>>> = BTreeMap::new();
    for (stage, layer) in &layers {
        if let Written::Stored(name, _) = layer.writes {
            written.insert(name, *stage);
        }
        parts.entry(*stage).or_default().push(layer.clone());
    }
    let mut passed = HashSet::new();
    for (stage, layer) in &layers {
        for (name, quantization) in &layer.reads {
            let Some(from) = written.get(name).filter(|from| *from < stage) else { continue };
            if passed.insert((*name, *stage)) {
                let begin = Layer {
                    nodes: Vec::new(),
                    label: name,
                    reads: Vec::new(),
                    writes: Written::Stored(name, *quantization),
                    operation: Operation::Quantize { floats: name },
                };
                parts.entry(*stage).or_default().insert(0, begin);
            }
            if passed.insert((*name, *from)) {
                let end = Layer {
                    nodes: Vec::new(),
                    label: name,
                    reads: vec![(*name, *quantization)],
                    writes: Written::Floats(name),
                    operation: Operation::Dequantize,
                };
                parts.entry(*from).or_default().push(end);
            }
        }
    }
    parts.into_values().map(Region::of).collect()
}

impl<'a> Region<'a> {
    fn of(layers: Vec<Layer<'a>>) -> Self {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for layer in &layers {
            if let Operation::Quantize { floats } = layer.operation
                && !inputs.contains(&floats)
            {
                inputs.push(floats);
            }
            if let Written::Floats(floats) = layer.writes {
                outputs.push(floats);
            }
        }
        Self { layers, inputs, outputs }
    }

    /// The integer values that its layers exchange.
    pub(super) fn stored(&self) -> impl Iterator<Item = &'a str> {
        self.layers.iter().filter_map(|layer| match layer.writes {
            Written::Stored(name, _) => Some(name),
            _ => None,
        })
    }

    /// The nodes that it stands for.
    pub(super) fn nodes(&self) -> impl Iterator<Item = usize> {
        self.layers.iter().flat_map(|layer| layer.nodes.iter().copied())
    }

    /// Why tract has to run it, by its layers alone.
    pub(super) fn refusal(&self) -> Option<String> {
        self.layers.iter().find_map(|layer| match &layer.operation {
            Operation::Refused(reason) => Some(format!("{}: {reason}", layer.label)),
            _ => None,
        })
    }

    /// Whether it depends on its own outputs through other nodes, so that one node cannot replace it. `others` are
    /// regions that are one node each.
    pub(super) fn feeds_itself(&self, index: &Index<'a>, others: &[&Region<'a>]) -> bool {
        let own: HashSet<usize> = self.nodes().collect();
        let mut reached: HashSet<&str> = HashSet::new();
        let mut next: Vec<&str> = self.outputs.clone();
        while let Some(value) = next.pop() {
            if !reached.insert(value) {
                continue;
            }
            for reader in index.readers(value).iter().filter(|reader| !own.contains(*reader)) {
                match others.iter().find(|other| other.nodes().any(|node| node == *reader)) {
                    Some(other) => next.extend(&other.outputs),
                    None => next.extend(index.nodes[*reader].output.iter().map(String::as_str)),
                }
            }
        }
        self.inputs.iter().any(|input| reached.contains(input))
    }
}
