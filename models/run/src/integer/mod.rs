//! Integer parts of a graph, run by [`emocue_kernels`] as one operator of tract each.
//!
//! A quantized graph computes in 8-bit integers between a `QuantizeLinear` and a `DequantizeLinear`. [`replace`] finds
//! such regions before tract reads the graph, and replaces each by one node:
//!
//! 1. `layers`, `fusion`: nodes become layers. `QLinearConv`, `DequantizeLinear`, `Add`, `Relu`, `QuantizeLinear` in a
//!    row are one convolution with a residual and an activation, which is rounded once.
//! 2. `regions`: layers that pass integers to each other form a region. It begins and ends with floats.
//! 3. `compile`: a region's layers are built and get their memory.
//! 4. `program`: they run.
//!
//! Values must be 0 to 127, as `emocue-quantize` writes them: a `Clip` on `i8` clips at 0. A region with a layer that
//! the engine does not support is run by tract as a whole, and its [`RegionReport`] says why. Where floats return to a
//! region, as in squeeze and excitation, it is split (`stages`).

mod compile;
mod fusion;
mod layers;
mod parameters;
mod program;
mod regions;
mod shapes;
mod stages;

use std::collections::HashSet;
use std::fmt;

use emocue_kernels::{Isa, VARIABLE};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, GraphProto, NodeProto};

use crate::graph::Index;
pub(crate) use program::Program;
use regions::Region;
use shapes::Shapes;

/// The operator of a node that replaces a region.
pub(crate) const OPERATOR: &str = "EmocueIntegerRegion";
/// Its attribute: the number of the region.
pub(crate) const NUMBER: &str = "number";

/// What runs an integer region of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionReport {
    /// Names of the graph's values that it reads.
    pub inputs: Vec<String>,
    /// Names of the graph's values that it writes.
    pub outputs: Vec<String>,
    /// Number of its layers after fusion.
    pub layers: usize,
    /// The instruction set of the integer engine that runs it, or why tract does.
    pub engine: Result<&'static str, String>,
}

impl fmt::Display for RegionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |names: &[String]| match names {
            [] => "nothing".to_owned(),
            names => names.join(", "),
        };
        let layers = if self.layers == 1 { "layer" } else { "layers" };
        let (inputs, outputs) = (names(&self.inputs), names(&self.outputs));
        write!(f, "{inputs} to {outputs}, {} {layers}: ", self.layers)?;
        match &self.engine {
            Ok(isa) => write!(f, "integer engine ({isa})"),
            Err(reason) => write!(f, "tract, since {reason}"),
        }
    }
}

/// Replaces every region of `graph` that the engine can run. Returns the programs, by the number that their nodes have,
/// and a report for every region. `shape` is that of the graph's only input.
pub(crate) fn replace(
    graph: &mut GraphProto,
    shape: &[usize],
    isa: Isa,
) -> (Vec<Program>, Vec<RegionReport>) {
    let (mut programs, mut reports) = (Vec::new(), Vec::new());
    let index = Index::new(graph);
    let mut shapes = Shapes::new(graph, shape);
    let groups = regions::groups(&index, layers::layers(&index));
    let mut accepted: Vec<&Region<'_>> = Vec::new();
    for group in &groups {
        let (before, mut built) = (accepted.len(), Vec::new());
        let mut refusal = None;
        for region in group {
            match build(region, &index, &accepted, &mut shapes, isa) {
                Ok(program) => built.push(program),
                Err(reason) => {
                    refusal = Some(reason);
                    break;
                }
            }
            accepted.push(region);
        }
        // They exchange values, so tract computes all of them or none.
        match &refusal {
            None => programs.append(&mut built),
            Some(_) => accepted.truncate(before),
        }
        reports.extend(group.iter().map(|region| RegionReport {
            inputs: region.inputs.iter().map(|&name| name.to_owned()).collect(),
            outputs: region.outputs.iter().map(|&name| name.to_owned()).collect(),
            layers: region.layers.len(),
            engine: refusal.clone().map_or(Ok(isa.name()), Err),
        }));
    }
    let nodes = accepted.iter().enumerate().map(|(number, region)| node(region, number));
    let nodes: Vec<NodeProto> = nodes.collect();
    let gone: HashSet<usize> = accepted.iter().flat_map(|region| region.nodes()).collect();
    // A `DequantizeLinear` whose readers are all gone was part of them.
    let integers: HashSet<&str> = accepted.iter().flat_map(|region| region.stored()).collect();
    let dead = index.nodes.iter().enumerate().filter(|(_, node)| {
        node.op_type == "DequantizeLinear"
            && node.input.first().is_some_and(|name| integers.contains(name.as_str()))
    });
    let gone: HashSet<usize> = gone.union(&dead.map(|(at, _)| at).collect()).copied().collect();
    if !nodes.is_empty() {
        put(graph, &gone, nodes);
    }
    (programs, reports)
}

fn build<'a>(
    region: &Region<'a>,
    index: &Index<'a>,
    accepted: &[&Region<'a>],
    shapes: &mut Shapes<'a>,
    isa: Isa,
) -> Result<Program, String> {
    if isa == Isa::PORTABLE && std::env::var_os(VARIABLE).is_none() {
        // tract's floats are faster than portable integer code, which tests choose by name.
        return Err("this processor has no instructions that the integer engine knows".to_owned());
    }
    if let Some(reason) = region.refusal() {
        return Err(reason);
    }
    if region.inputs.is_empty() || region.outputs.is_empty() {
        return Err("it does not begin and end with floats".to_owned());
    }
    if region.feeds_itself(index, accepted) {
        return Err("what it computes comes back to it".to_owned());
    }
    compile::compile(region, index, shapes, isa)
}

/// The node that replaces a region.
fn node(region: &Region<'_>, number: usize) -> NodeProto {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    NodeProto {
        name: format!("integer region {number}"),
        op_type: OPERATOR.to_owned(),
        input: names(&region.inputs),
        output: names(&region.outputs),
        attribute: vec![AttributeProto {
            name: NUMBER.to_owned(),
            r#type: AttributeType::Int as i32,
            i: number as i64,
            ..AttributeProto::default()
        }],
        ..NodeProto::default()
    }
}

/// Replaces the nodes that are `gone` by `nodes`, and removes the constants that nothing reads any more. tract accepts
/// nodes in any order.
fn put(graph: &mut GraphProto, gone: &HashSet<usize>, nodes: Vec<NodeProto>) {
    let mut at = 0..;
    graph.node.retain(|_| at.next().is_none_or(|at| !gone.contains(&at)));
    graph.node.extend(nodes);
    let read: HashSet<&String> = graph.node.iter().flat_map(|node| &node.input).collect();
    let outputs = &graph.output;
    graph.initializer.retain(|tensor| {
        read.contains(&tensor.name) || outputs.iter().any(|output| output.name == tensor.name)
    });
}

#[cfg(test)]
mod tests;
