//! Reading and writing ONNX over tract's protobuf schema.
//!
//! A new graph is built with [`GraphBuilder`]; an existing one is opened as an [`OnnxGraph`] and rewritten.
//!
//! ```
//! use emocue_quantize::onnx::{Array, Conv, Dim, GraphBuilder, OnnxGraph};
//!
//! let mut graph = GraphBuilder::new("edges");
//! let luma = graph.input("luma", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(48), Dim::Fixed(48)]);
//! let kernel = Array::new(&[1, 1, 1, 3], &[-1.0, 0.0, 1.0]);
//! let edges = graph.conv("edges", &luma, kernel, None, Conv { pad: [0, 1], ..Conv::default() });
//! graph.output(&edges, &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(48), Dim::Fixed(48)]);
//! let onnx: Vec<u8> = graph.finish()?.to_bytes();
//!
//! let read = OnnxGraph::read(&onnx)?;
//! assert_eq!(read.nodes[0].op_type, "Conv");
//! assert_eq!(read.input_shape(None)?, [1, 1, 48, 48]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bounds;
mod builder;
mod constant;
mod error;
mod finite;
mod graph;
mod layers;
mod logits;
pub mod node;
mod widen;

pub use bounds::decode;
pub use builder::{Array, Attribute, Dim, GraphBuilder, GraphError, Model, Value};
pub use constant::{Constant, Values};
pub use error::GraphReadError;
pub use finite::check_finite;
pub use graph::OnnxGraph;
pub use layers::{Conv, Pool};
pub use logits::{LogitGraph, to_logits};
/// The protobuf messages of the ONNX schema.
pub use tract_onnx::pb;
