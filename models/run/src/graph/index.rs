//! Which nodes write and read each value of a graph.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto, TensorProto};

use super::constants::Constant;

/// A graph's nodes by the values that they write and read.
pub(crate) struct Index<'a> {
    pub(crate) nodes: &'a [NodeProto],
    writers: HashMap<&'a str, usize>,
    readers: HashMap<&'a str, Vec<usize>>,
    outputs: HashSet<&'a str>,
    tensors: HashMap<&'a str, &'a TensorProto>,
    /// Constants that were asked for.
    constants: RefCell<HashMap<&'a str, Option<Rc<Constant>>>>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(graph: &'a GraphProto) -> Self {
        let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut writers = HashMap::new();
        for (at, node) in graph.node.iter().enumerate() {
            for name in node.input.iter().filter(|name| !name.is_empty()) {
                readers.entry(name).or_default().push(at);
            }
            writers.extend(node.output.iter().map(|name| (name.as_str(), at)));
        }
        Self {
            nodes: &graph.node,
            writers,
            readers,
            outputs: graph.output.iter().map(|output| output.name.as_str()).collect(),
            tensors: graph.initializer.iter().map(|t| (t.name.as_str(), t)).collect(),
            constants: RefCell::default(),
        }
    }

    /// The node that writes `value`.
    pub(crate) fn writer(&self, value: &str) -> Option<usize> {
        self.writers.get(value).copied()
    }

    /// Each node that reads `value`, as often as it does.
    pub(crate) fn readers(&self, value: &str) -> &[usize] {
        self.readers.get(value).map_or(&[], Vec::as_slice)
    }

    /// Whether the graph returns `value`.
    pub(crate) fn is_output(&self, value: &str) -> bool {
        self.outputs.contains(value)
    }

    /// The node that alone reads `value`, which the graph does not return.
    pub(crate) fn only_reader(&self, value: &str) -> Option<usize> {
        match self.readers(value) {
            [reader] if !self.is_output(value) => Some(*reader),
            _ => None,
        }
    }

    /// The constant that input number `at` of `node` is.
    pub(crate) fn constant(&self, node: &'a NodeProto, at: usize) -> Option<Rc<Constant>> {
        let (name, tensor) = self.tensors.get_key_value(node.input.get(at)?.as_str())?;
        let mut known = self.constants.borrow_mut();
        known.entry(name).or_insert_with(|| Constant::read(tensor).map(Rc::new)).clone()
    }

    /// Whether `name` is a constant's.
    pub(crate) fn is_constant(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// The only value of a float constant.
    pub(crate) fn scalar(&self, node: &'a NodeProto, at: usize) -> Option<f32> {
        self.constant(node, at)?.float()
    }
}

fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

/// An integer attribute, or its default.
pub(crate) fn int(node: &NodeProto, name: &str, default: i64) -> i64 {
    attribute(node, name).map_or(default, |attribute| attribute.i)
}

/// A float attribute, or its default.
pub(crate) fn float(node: &NodeProto, name: &str, default: f32) -> f32 {
    attribute(node, name).map_or(default, |attribute| attribute.f)
}

/// A list of integers, or `None` where the attribute is missing.
pub(crate) fn ints<'a>(node: &'a NodeProto, name: &str) -> Option<&'a [i64]> {
    attribute(node, name).map(|attribute| attribute.ints.as_slice())
}

/// A text attribute, or its default.
pub(crate) fn text<'a>(node: &'a NodeProto, name: &str, default: &'a str) -> &'a str {
    attribute(node, name).map_or(default, |found| std::str::from_utf8(&found.s).unwrap_or_default())
}
