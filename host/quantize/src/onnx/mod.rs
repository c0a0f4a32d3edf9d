//! Writing ONNX: a small graph builder over the same protobuf schema that the badge's runtime reads.
//!
//! ```
//! use crate::onnx::{Array, Conv, Dim, GraphBuilder};
//!
//! let mut graph = GraphBuilder::new("edges");
//! let luma = graph.input("luma", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(48), Dim::Fixed(48)]);
//! let kernel = Array::new(&[1, 1, 1, 3], &[-1.0, 0.0, 1.0]);
//! let edges = graph.conv("edges", &luma, kernel, None, Conv { pad: [0, 1], ..Conv::default() });
//! graph.output(&edges, &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(48), Dim::Fixed(48)]);
//! let bytes: Vec<u8> = graph.finish()?.to_bytes();
//! # assert!(!bytes.is_empty());
//! # Ok::<(), crate::onnx::GraphError>(())
//! ```

mod builder;
pub mod graph;
mod layers;
pub mod node;

pub use builder::{Array, Attribute, Dim, GraphBuilder, GraphError, Model, Value};
pub use layers::{Conv, Pool};
