//! Shapes of floats that a region may begin with.

use std::collections::HashMap;

use tract_onnx::pb::{GraphProto, NodeProto};

use crate::graph::Index;

/// Operators whose output has the shape of their first input.
const SAME: &[&str] = &[
    "Clip",
    "Elu",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "LogSoftmax",
    "PRelu",
    "Relu",
    "Sigmoid",
    "Softmax",
    "Tanh",
];

/// Operators that broadcast their inputs.
const BROADCAST: &[&str] = &["Add", "Div", "Max", "Min", "Mul", "Pow", "Sub"];

/// Most nodes between a known shape and one that is asked for.
const FAR: usize = 64;

/// Shapes, outermost axis first; `None` where one was asked for and is not known.
pub(super) struct Shapes<'a>(HashMap<&'a str, Option<Vec<usize>>>);

impl<'a> Shapes<'a> {
    /// That of the graph's only input, and those of its constants.
    pub(super) fn new(graph: &'a GraphProto, shape: &[usize]) -> Self {
        let mut known = HashMap::new();
        for tensor in &graph.initializer {
            let sizes = tensor.dims.iter().map(|size| usize::try_from(*size).unwrap_or(0));
            known.insert(tensor.name.as_str(), Some(sizes.collect()));
        }
        let input = graph.input.iter().find(|input| !known.contains_key(input.name.as_str()));
        if let Some(input) = input {
            known.insert(&input.name, Some(shape.to_vec()));
        }
        Self(known)
    }

    pub(super) fn insert(&mut self, name: &'a str, shape: Vec<usize>) {
        self.0.insert(name, Some(shape));
    }

    /// The shape of `floats`, through operators that are known here.
    pub(super) fn of(&mut self, index: &Index<'a>, floats: &'a str) -> Option<Vec<usize>> {
        self.within(index, floats, FAR)
    }

    /// Each value is visited once, whatever the graph.
    fn within(&mut self, index: &Index<'a>, floats: &'a str, steps: usize) -> Option<Vec<usize>> {
        if let Some(known) = self.0.get(floats) {
            return known.clone();
        }
        let node = &index.nodes[index.writer(floats)?];
        let steps = steps.checked_sub(1)?;
        let shape = self.written(index, node, steps);
        self.0.insert(floats, shape.clone());
        shape
    }

    fn written(
        &mut self,
        index: &Index<'a>,
        node: &'a NodeProto,
        steps: usize,
    ) -> Option<Vec<usize>> {
        let first = node.input.first()?;
        match node.op_type.as_str() {
            operator if SAME.contains(&operator) => self.within(index, first, steps),
            operator if BROADCAST.contains(&operator) => {
                let mut inputs = node.input.iter();
                inputs
                    .try_fold(Vec::new(), |a, name| broadcast(a, self.within(index, name, steps)?))
            }
            "Reshape" => reshaped(index, node, self.within(index, first, steps)?),
            "Unsqueeze" => unsqueezed(index, node, self.within(index, first, steps)?),
            _ => None,
        }
    }
}

/// The broadcast shape of two values.
fn broadcast(a: Vec<usize>, b: Vec<usize>) -> Option<Vec<usize>> {
    let axes = a.len().max(b.len());
    let size = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(axes) {
        Some(at) => shape[at],
        None => 1,
    };
    let both = (0..axes).map(|axis| match (size(&a, axis), size(&b, axis)) {
        (a, b) if a == b || b == 1 => Some(a),
        (1, b) => Some(b),
        _ => None,
    });
    both.collect()
}

/// `Reshape`, where 0 keeps a size and -1 is inferred.
fn reshaped<'a>(index: &Index<'a>, node: &'a NodeProto, from: Vec<usize>) -> Option<Vec<usize>> {
    let sizes = index.constant(node, 1)?;
    let count: usize = from.iter().product();
    let mut shape = Vec::new();
    let mut left = None;
    for axis in 0..sizes.shape.iter().product() {
        shape.push(match sizes.numbers.integer(axis)? {
            0 => *from.get(axis)?,
            -1 => {
                left = Some(axis);
                1
            }
            size => usize::try_from(size).ok()?,
        });
    }
    let known: usize = shape.iter().product();
    if let Some(axis) = left {
        shape[axis] = count.checked_div(known)?;
    }
    (shape.iter().product::<usize>() == count).then_some(shape)
}

/// `Unsqueeze`, which adds axes of size 1; their positions are those in the result.
fn unsqueezed<'a>(index: &Index<'a>, node: &'a NodeProto, from: Vec<usize>) -> Option<Vec<usize>> {
    let axes = index.constant(node, 1)?;
    let count: usize = axes.shape.iter().product();
    let mut shape = vec![0; from.len().checked_add(count)?];
    for at in 0..count {
        let axis = axes.numbers.integer(at)?;
        let axis = if axis < 0 { axis.checked_add_unsigned(shape.len() as u64)? } else { axis };
        *shape.get_mut(usize::try_from(axis).ok()?)? = 1;
    }
    let mut rest = from.into_iter();
    for size in shape.iter_mut().filter(|size| **size == 0) {
        *size = rest.next()?;
    }
    rest.next().is_none().then_some(shape)
}
