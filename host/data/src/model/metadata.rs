//! What a graph says about itself: the model's `metadata_props` and its input's size.

use std::collections::BTreeMap;

use emocue_models::bundle::manifest::Form;
use emocue_models::crop::Preprocess;
use emocue_models::label::LabelSet;
use prost::Message;
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::{StringStringEntryProto, ValueInfoProto, type_proto};

use super::Calibration;

/// Key of the identifier of the logits' [`LabelSet`].
pub const LABELS: &str = "emocue.labels";
/// Key of the [`Preprocess`] that the weights expect, as JSON.
pub const PREPROCESS: &str = "emocue.preprocess";

/// Key of the classifier's [`Calibration`], as JSON.
pub const CALIBRATION: &str = "emocue.calibration";

/// What `.onnx` bytes say about a classifier; `None` where they do not.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// What it computes with, by its operators.
    pub form: Form,
    /// Classes of the logits, from [`LABELS`].
    pub labels: Option<LabelSet>,
    /// From a face to the input, from [`PREPROCESS`].
    pub preprocess: Option<Preprocess>,
    /// Temperature and threshold, from [`CALIBRATION`].
    pub calibration: Option<Calibration>,
    /// Side of the first input where it is a square `[N, 1, side, side]` of known size, px.
    pub side: Option<usize>,
    /// All of `metadata_props`, ours and others'.
    pub entries: BTreeMap<String, String>,
}

/// A graph cannot be read, or says what cannot be.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The bytes are no `ModelProto`.
    #[error(
        "it is no ONNX graph: {0}\n  Give a file as `emocue export` or another framework writes it."
    )]
    Onnx(#[from] prost::DecodeError),
    /// A label set that this program does not know.
    #[error("its {LABELS} is {0:?}, which is none of {known}", known = known_labels())]
    Labels(String),
    /// A preprocessing that cannot be read.
    #[error(
        "its {PREPROCESS} cannot be read: {0}\n  Export it again with this version of the program."
    )]
    Preprocess(serde_json::Error),
    /// A calibration that cannot be read.
    #[error(
        "its {CALIBRATION} cannot be read: {0}\n  Calibrate it again with this version of the program."
    )]
    Calibration(serde_json::Error),
}

/// The known label sets' identifiers, for a message.
pub fn known_labels() -> String {
    let ids: Vec<&str> = emocue_models::label::LABEL_SETS.iter().map(|set| set.id).collect();
    ids.join(", ")
}

/// The few fields of `ModelProto` that are needed: prost skips the others, so that large weights are
/// not copied.
#[derive(Message)]
struct Outline {
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphOutline>,
    #[prost(message, repeated, tag = "14")]
    metadata_props: Vec<StringStringEntryProto>,
}

/// The inputs of `GraphProto`, and its operators.
#[derive(Message)]
struct GraphOutline {
    #[prost(message, repeated, tag = "1")]
    node: Vec<NodeOutline>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfoProto>,
}

/// The operator of `NodeProto`.
#[derive(Message)]
struct NodeOutline {
    #[prost(string, tag = "4")]
    op_type: String,
}

/// What a graph with these nodes computes with.
fn form(nodes: &[NodeOutline]) -> Form {
    let any = |begin: &str| nodes.iter().any(|node| node.op_type.starts_with(begin));
    match (any("QLinear"), any("DequantizeLinear")) {
        (true, _) => Form::Int8,
        (false, true) => Form::W8,
        (false, false) => Form::Float32,
    }
}

/// Reads what the graph in `onnx` says about itself.
///
/// # Errors
/// [`MetadataError`] when the bytes are no graph or an entry of ours cannot be understood.
pub fn read(onnx: &[u8]) -> Result<Description, MetadataError> {
    let outline = Outline::decode(onnx)?;
    let entries: BTreeMap<String, String> =
        outline.metadata_props.into_iter().map(|entry| (entry.key, entry.value)).collect();
    let labels = match entries.get(LABELS) {
        Some(id) => Some(LabelSet::by_id(id).ok_or_else(|| MetadataError::Labels(id.clone()))?),
        None => None,
    };
    let preprocess = entries.get(PREPROCESS).map(|json| serde_json::from_str(json)).transpose();
    let preprocess = preprocess.map_err(MetadataError::Preprocess)?;
    let calibration = entries.get(CALIBRATION).map(|json| serde_json::from_str(json)).transpose();
    let calibration = calibration.map_err(MetadataError::Calibration)?;
    let graph = outline.graph.unwrap_or_default();
    let side = graph.input.first().and_then(square_side);
    Ok(Description { form: form(&graph.node), labels, preprocess, calibration, side, entries })
}

/// `S` of an input `[N, C, S, S]`.
fn square_side(input: &ValueInfoProto) -> Option<usize> {
    let type_proto::Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    let size = |dim: &tract_onnx::pb::tensor_shape_proto::Dimension| match dim.value.as_ref()? {
        dimension::Value::DimValue(size) => usize::try_from(*size).ok(),
        dimension::Value::DimParam(_) => None,
    };
    match tensor.shape.as_ref()?.dim.as_slice() {
        [_, _, height, width] if size(height) == size(width) => size(height),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::FER_7;

    use super::*;
    use emocue_quantize::onnx::{Dim, GraphBuilder, Model};

    fn model() -> Model {
        let mut graph = GraphBuilder::new("net");
        let side = Dim::Fixed(64);
        let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), side, side]);
        let y = graph.relu("y", &x);
        graph.output(&y, &[Dim::BATCH, Dim::Fixed(1), side, side]);
        graph.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read_and_the_last_word_counts() {
        let preprocess = Preprocess { size: 64, ..Preprocess::default() };
        let json = serde_json::to_string(&preprocess).unwrap();
        let model = model()
            .with_metadata(&[(LABELS, "ck-7"), ("author", "someone")])
            .with_metadata(&[(LABELS, "fer-7"), (PREPROCESS, &json)]);
        let found = read(&model.to_bytes()).unwrap();
        assert_eq!(found.labels, Some(FER_7));
        assert_eq!((found.preprocess, found.side), (Some(preprocess), Some(64)));
        assert_eq!((found.entries.len(), found.entries["author"].as_str()), (3, "someone"));
    }

    #[test]
    fn silence_is_no_mistake_but_nonsense_is() {
        let silent = read(&model().to_bytes()).unwrap();
        assert_eq!((silent.side, silent.form), (Some(64), Form::Float32));
        assert_eq!((silent.labels, silent.preprocess, silent.calibration), (None, None, None));
        let said = |key, value| {
            read(&model().with_metadata(&[(key, value)]).to_bytes()).unwrap_err().to_string()
        };
        assert!(said(LABELS, "fer-9").contains("none of fer-7, ferplus-8"));
        assert!(said(PREPROCESS, "{}").contains("cannot be read"));
        assert!(read(b"no graph").is_err());
    }
}
