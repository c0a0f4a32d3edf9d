//! Which values of a graph become integers: the inputs of layers, and values from which they are computed by moving,
//! pooling or adding only.
//!
//! The integer engine computes a product, a sum and an activation in one step and stores the result once, at its end.
//! Values inside a step are passing values.

use std::collections::HashSet;

use tract_onnx::pb::NodeProto;

use crate::layer::weights_of;
use crate::onnx::OnnxGraph;
use crate::operators::{Treatment, treatment};

/// Channels of one block of the engine's memory layout: in a concatenation, all inputs but the last must have a
/// multiple of it.
const BLOCK: usize = 16;

/// Activations that the engine applies to a product before it is stored.
const ACTIVATIONS: &[&str] = &["Relu", "Clip", "PRelu", "LeakyRelu"];

/// The values of a graph that are not floats.
#[derive(Debug, Default)]
pub(super) struct Domains {
    /// Stored as integers `0..=127`.
    stored: HashSet<String>,
    /// Inside a step of the engine, never stored.
    passing: HashSet<String>,
    /// Written by layers that stay floats.
    kept: HashSet<String>,
}

impl Domains {
    /// The domains of `graph`; with `keep_outputs`, layers that write its outputs stay floats.
    pub(super) fn of(graph: &OnnxGraph, keep_outputs: bool) -> Self {
        let mut domains = Self::default();
        if keep_outputs {
            domains.kept = graph.outputs.iter().map(|output| output.name.clone()).collect();
        }
        for (at, node) in graph.nodes.iter().enumerate().rev() {
            domains.read_by(graph, at, node);
        }
        domains
    }

    /// Whether a value is stored as integers.
    pub(super) fn is_stored(&self, value: &str) -> bool {
        self.stored.contains(value)
    }

    /// Whether a value is only passed on to the next node of the same step.
    pub(super) fn is_passing(&self, value: &str) -> bool {
        self.passing.contains(value)
    }

    /// Whether the layer that writes a value stays in floats.
    pub(super) fn is_kept(&self, value: &str) -> bool {
        self.kept.contains(value)
    }

    /// Chooses the domains of the inputs of node `at`; its readers have been handled before.
    fn read_by(&mut self, graph: &OnnxGraph, at: usize, node: &NodeProto) {
        let Some(output) = node.output.first() else { return };
        if self.is_kept(output) {
            return;
        }
        let needed = self.stored.contains(output) || self.passing.contains(output);
        let values = node.input.iter().filter(|input| !graph.constants.contains_key(*input));
        match (treatment(node), node.op_type.as_str()) {
            (Some(Treatment::Layer), _) if weights_of(graph, node).is_some() => {
                self.stored.extend(node.input.first().cloned());
            }
            (Some(Treatment::Moves), _) if needed => {
                self.stored.extend(node.input.first().cloned());
            }
            (_, "AveragePool" | "GlobalAveragePool" | "GlobalMaxPool") if needed => {
                self.stored.extend(values.cloned())
            }
            (_, "Concat") if needed && is_whole(graph, node) => self.stored.extend(values.cloned()),
            (_, "Add") if needed && values.clone().count() == node.input.len() => {
                let product = values.clone().filter(|value| is_only_product(graph, value, at));
                // One of the two may be a product that is still unstored: the later one, since the earlier is stored by
                // then.
                let last = product.max_by_key(|value| writer(graph, value)).cloned();
                for value in values {
                    let domain = if Some(value) == last.as_ref() {
                        &mut self.passing
                    } else {
                        &mut self.stored
                    };
                    domain.insert(value.clone());
                }
            }
            (_, operator) if needed && ACTIVATIONS.contains(&operator) => {
                let Some(value) = values.clone().next() else { return };
                let before = writer(graph, value).map(|at| &graph.nodes[at]);
                let joins = before.is_some_and(|before| {
                    before.op_type == "Add" || weights_of(graph, before).is_some()
                });
                let domain = match joins && graph.only_reader(value) == Some(at) {
                    true => &mut self.passing,
                    false => &mut self.stored,
                };
                domain.insert(value.clone());
            }
            _ => {}
        }
    }
}

fn writer(graph: &OnnxGraph, value: &str) -> Option<usize> {
    graph.nodes.iter().position(|node| node.output.iter().any(|output| output == value))
}

/// Whether `value` is the output of a convolution and node `reader` is its only reader.
fn is_only_product(graph: &OnnxGraph, value: &str, reader: usize) -> bool {
    let node = writer(graph, value).map(|at| &graph.nodes[at]);
    graph.only_reader(value) == Some(reader)
        && node.is_some_and(|node| node.op_type == "Conv" && weights_of(graph, node).is_some())
}

/// Whether all but the last input of a concatenation have whole blocks of channels.
fn is_whole(graph: &OnnxGraph, node: &NodeProto) -> bool {
    let rest = node.input.len().saturating_sub(1);
    let whole =
        |value: &String| channels(graph, value).is_some_and(|count| count.is_multiple_of(BLOCK));
    node.input.iter().take(rest).all(whole)
}

/// Channels of a value, if they follow from a convolution before it.
fn channels(graph: &OnnxGraph, value: &str) -> Option<usize> {
    let mut value = value;
    for _ in 0..graph.nodes.len() {
        let node = &graph.nodes[writer(graph, value)?];
        match weights_of(graph, node) {
            Some(layer) => return Some(layer.outputs),
            None if ["Flatten", "Concat"].contains(&node.op_type.as_str()) => return None,
            None => value = node.input.first()?,
        }
    }
    None
}
