//! A graph's metadata: the model's `metadata_props` and its input's size.

use std::collections::BTreeMap;

use emocue_models::bundle::manifest::Form;
use emocue_models::crop::Preprocess;
use emocue_models::failure::{Failure, exit};
use emocue_models::label::LabelSet;
use prost::Message;
use tract_onnx::pb::tensor_shape_proto::dimension;
use tract_onnx::pb::{StringStringEntryProto, ValueInfoProto, type_proto};

use super::calibration::Calibration;

/// Key of the identifier of the logits' [`LabelSet`].
pub const LABELS: &str = "emocue.labels";
/// Key of the [`Preprocess`] that the weights expect, as JSON.
pub const PREPROCESS: &str = "emocue.preprocess";

/// Key of the classifier's [`Calibration`], as JSON.
pub const CALIBRATION: &str = "emocue.calibration";

/// Key of the label sets' identifiers of all outputs, in their order, as a JSON list; the first is that of [`LABELS`].
pub const HEADS: &str = "emocue.heads";

/// Key of the share of each class in the training targets, by label set, as JSON.
pub const PRIORS: &str = "emocue.priors";

/// The metadata of a classifier's `.onnx` bytes; `None` for missing entries.
#[derive(Clone, Debug, PartialEq)]
pub struct GraphMetadata {
    /// Its form, which follows from its operators.
    pub form: Form,
    /// Classes of the logits, from [`LABELS`].
    pub labels: Option<LabelSet>,
    /// Label sets of the outputs, from [`HEADS`], at most one for each output; without that entry only the first
    /// output's.
    pub heads: Vec<LabelSet>,
    /// Share of each class in the training targets, by label set, from [`PRIORS`].
    pub priors: BTreeMap<String, Vec<f32>>,
    /// The preprocessing, from [`PREPROCESS`].
    pub preprocess: Option<Preprocess>,
    /// The calibration, from [`CALIBRATION`].
    pub calibration: Option<Calibration>,
    /// Height and width of the first input if it is `[N, C, H, W]`, px; `None` for a dynamic size.
    pub input: Option<[Option<usize>; 2]>,
    /// All entries of `metadata_props`.
    pub entries: BTreeMap<String, String>,
}

/// A graph cannot be read, or its metadata are invalid or contradict its input.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The bytes are not a `ModelProto`.
    #[error("it is not an ONNX graph: {0}")]
    Onnx(#[from] prost::DecodeError),
    /// A label set that this program does not know.
    #[error("its {LABELS} is {0:?}, which is none of {known} and not a list of class names", known = known_labels())]
    Labels(String),
    /// A preprocessing that cannot be read.
    #[error("its {PREPROCESS} cannot be read: {0}")]
    Preprocess(serde_json::Error),
    /// Heads that are not a list of label sets, or another than the graph's first.
    #[error("its {HEADS} is {found}, expected a list of label sets that begins with {first}")]
    Heads {
        /// The entry in the graph.
        found: String,
        /// The label set of the first output.
        first: String,
    },
    /// Priors that cannot be read.
    #[error("its {PRIORS} cannot be read: {0}")]
    Priors(serde_json::Error),
    /// A calibration that cannot be read.
    #[error("its {CALIBRATION} cannot be read: {0}")]
    Calibration(serde_json::Error),
    /// The input is not that of a classifier.
    #[error("its input is not a square of a fixed size")]
    Input,
    /// A preprocessing for another input.
    #[error("its {PREPROCESS} is for {declared} px, but its input has {input} px")]
    Side {
        /// Side of the preprocessing's crop, px.
        declared: usize,
        /// Side of the graph's input, px.
        input: usize,
    },
}

impl Failure for MetadataError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Onnx(_) => "Give a file as `emocue export` or another framework writes it.",
            Self::Labels(_) => return None,
            Self::Heads { .. } | Self::Priors(_) | Self::Preprocess(_) => {
                "Export it again with this version of the program."
            }
            Self::Calibration(_) => "Calibrate it again with this version of the program.",
            Self::Input => "Export it for the size that it was trained on.",
            Self::Side { .. } => "Export it again, so that both agree.",
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

impl GraphMetadata {
    /// Side of the input if it is a square of a fixed size, px.
    pub fn side(&self) -> Option<usize> {
        match self.input? {
            [Some(height), Some(width)] if height == width => Some(height),
            _ => None,
        }
    }

    /// The preprocessing: the graph's, else FER2013's geometry scaled to the input's side. `open` is the side, px, of
    /// an input of dynamic size.
    ///
    /// # Errors
    /// [`MetadataError::Input`] if the input is not a square or its size is unknown, [`MetadataError::Side`] if the
    /// graph's preprocessing has another size.
    pub fn preprocess_for(&self, open: Option<usize>) -> Result<Preprocess, MetadataError> {
        let input = self.input.ok_or(MetadataError::Input)?;
        let declared = self.preprocess.as_ref().map(|preprocess| preprocess.size);
        let fixed = input.into_iter().flatten().next();
        let side = fixed.or(open).or(declared).ok_or(MetadataError::Input)?;
        if input.into_iter().flatten().any(|size| size != side) {
            return Err(MetadataError::Input);
        }
        match &self.preprocess {
            None => Ok(Preprocess::of_size(side)),
            Some(declared) if declared.size == side => Ok(declared.clone()),
            Some(declared) => Err(MetadataError::Side { declared: declared.size, input: side }),
        }
    }
}

/// The known label sets' identifiers, for a message.
pub fn known_labels() -> String {
    let ids: Vec<&str> = emocue_models::label::LABEL_SETS.iter().map(|set| set.id).collect();
    ids.join(", ")
}

/// The fields of `ModelProto` that are needed; prost skips the others, so that large weights are not copied.
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
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfoProto>,
}

/// The operator of `NodeProto`.
#[derive(Message)]
struct NodeOutline {
    #[prost(string, tag = "4")]
    op_type: String,
}

/// The form of a graph with these nodes.
fn form(nodes: &[NodeOutline]) -> Form {
    let any = |begin: &str| nodes.iter().any(|node| node.op_type.starts_with(begin));
    match (any("QLinear"), any("DequantizeLinear")) {
        (true, _) => Form::Int8,
        (false, true) => Form::W8,
        (false, false) => Form::Float32,
    }
}

/// Reads the metadata of the graph in `onnx`.
///
/// # Errors
/// [`MetadataError`] when the bytes are not a graph or an `emocue` entry is invalid.
pub fn read(onnx: &[u8]) -> Result<GraphMetadata, MetadataError> {
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
    let priors = entries.get(PRIORS).map(|json| serde_json::from_str(json)).transpose();
    let priors = priors.map_err(MetadataError::Priors)?.unwrap_or_default();
    let graph = outline.graph.unwrap_or_default();
    let mut heads = heads(&entries, labels)?;
    heads.truncate(graph.output.len());
    let (form, input) = (form(&graph.node), graph.input.first().and_then(picture_size));
    Ok(GraphMetadata { form, labels, heads, priors, preprocess, calibration, input, entries })
}

/// The label sets of [`HEADS`], or only the first output's.
fn heads(
    entries: &BTreeMap<String, String>,
    labels: Option<LabelSet>,
) -> Result<Vec<LabelSet>, MetadataError> {
    let Some(text) = entries.get(HEADS) else { return Ok(labels.into_iter().collect()) };
    let sets = || -> Option<Vec<LabelSet>> {
        let ids: Vec<String> = serde_json::from_str(text).ok()?;
        let sets = ids.iter().map(|id| LabelSet::by_id(id)).collect::<Option<Vec<_>>>()?;
        (sets.first().copied() == labels).then_some(sets)
    };
    sets().ok_or_else(|| MetadataError::Heads {
        found: text.clone(),
        first: labels.map_or("none", |set| set.id).to_owned(),
    })
}

/// `[H, W]` of an input `[N, C, H, W]`.
fn picture_size(input: &ValueInfoProto) -> Option<[Option<usize>; 2]> {
    let type_proto::Value::TensorType(tensor) = input.r#type.as_ref()?.value.as_ref()?;
    let size = |dim: &tract_onnx::pb::tensor_shape_proto::Dimension| match dim.value.as_ref()? {
        dimension::Value::DimValue(size) => usize::try_from(*size).ok().filter(|size| *size > 0),
        dimension::Value::DimParam(_) => None,
    };
    match tensor.shape.as_ref()?.dim.as_slice() {
        [_, _, height, width] => Some([size(height), size(width)]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::{FER_7, FERPLUS_8};

    use super::*;
    use emocue_quantize::onnx::{Dim, GraphBuilder, Model};

    fn model() -> Model {
        model_of([Dim::Fixed(64), Dim::Fixed(64)])
    }

    fn model_of([height, width]: [Dim; 2]) -> Model {
        let mut graph = GraphBuilder::new("net");
        let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), height, width]);
        let y = graph.relu("y", &x);
        graph.output(&y, &[Dim::BATCH, Dim::Fixed(1), height, width]);
        graph.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read_and_the_last_entry_counts() {
        let preprocess = Preprocess { size: 64, ..Preprocess::default() };
        let json = serde_json::to_string(&preprocess).unwrap();
        let model = model()
            .with_metadata(&[(LABELS, "ck-7"), ("author", "someone")])
            .with_metadata(&[(LABELS, "fer-7"), (PREPROCESS, &json)]);
        let found = read(&model.to_bytes()).unwrap();
        assert_eq!(found.labels, Some(FER_7));
        assert_eq!((found.preprocess.clone(), found.side()), (Some(preprocess), Some(64)));
        assert_eq!((found.entries.len(), found.entries["author"].as_str()), (3, "someone"));
    }

    #[test]
    fn missing_entries_are_allowed_and_invalid_ones_refused() {
        let silent = read(&model().to_bytes()).unwrap();
        assert_eq!((silent.side(), silent.form), (Some(64), Form::Float32));
        assert_eq!((silent.labels, silent.preprocess, silent.calibration), (None, None, None));
        assert!(silent.heads.is_empty() && silent.priors.is_empty());
        let said = |key, value| {
            read(&model().with_metadata(&[(key, value)]).to_bytes()).unwrap_err().to_string()
        };
        assert!(said(LABELS, "fer-9").contains("none of fer-7, ferplus-8"));
        assert!(said(PREPROCESS, "{}").contains("cannot be read"));
        assert!(said(PRIORS, "[]").contains("cannot be read"));
        assert!(said(HEADS, r#"["fer-7"]"#).contains("begins with none"));
        assert!(read(b"not a graph").is_err());
    }

    #[test]
    fn heads_are_the_outputs_in_their_order() {
        let mut graph = GraphBuilder::new("net");
        let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(64), Dim::Fixed(64)]);
        for name in ["a", "b"] {
            let y = graph.relu(name, &x);
            graph.output(&y, &[Dim::BATCH]);
        }
        let model = graph.finish().unwrap();
        let with = |heads: &str| {
            let entries = [(LABELS, "ferplus-8"), (HEADS, heads), (PRIORS, r#"{"fer-7":[1.0]}"#)];
            read(&model.clone().with_metadata(&entries).to_bytes())
        };
        let found = with(r#"["ferplus-8","fer-7"]"#).unwrap();
        assert_eq!(found.heads, [FERPLUS_8, FER_7]);
        assert_eq!(found.priors["fer-7"], [1.0]);
        // A graph whose other outputs were dropped.
        assert_eq!(with(r#"["ferplus-8","fer-7","ck-7"]"#).unwrap().heads.len(), 2);
        for wrong in [r#"["fer-7","ferplus-8"]"#, r#"["ferplus-8","fer-9"]"#, "ferplus-8"] {
            let error = with(wrong).unwrap_err().to_string();
            assert!(error.contains("begins with ferplus-8"), "{error}");
        }
    }

    #[test]
    fn one_rule_gives_the_preprocessing() {
        let declared = |size| Preprocess { mean: 0.4, ..Preprocess::of_size(size) };
        let found = |sizes: [Dim; 2], own: Option<usize>, open| {
            let json = own.map(|size| serde_json::to_string(&declared(size)).unwrap());
            let entries: Vec<_> = json.iter().map(|json| (PREPROCESS, json.as_str())).collect();
            let onnx = model_of(sizes).with_metadata(&entries).to_bytes();
            read(&onnx).unwrap().preprocess_for(open).map_err(|error| error.to_string())
        };
        let square = [Dim::Fixed(64); 2];
        let (open, wide) = ([Dim::Named("H"), Dim::Named("W")], [Dim::Fixed(48), Dim::Fixed(64)]);
        assert_eq!(found(square, None, None).unwrap(), Preprocess::of_size(64));
        assert_eq!(found(square, Some(64), None).unwrap(), declared(64));
        assert_eq!(found(open, Some(40), None).unwrap(), declared(40));
        assert_eq!(found(open, None, Some(40)).unwrap(), Preprocess::of_size(40));
        let refused = [
            (found(square, Some(48), None), "is for 48 px, but its input has 64 px"),
            (found(open, Some(48), Some(40)), "is for 48 px, but its input has 40 px"),
            (found(open, None, None), "not a square of a fixed size"),
            (found(wide, None, None), "not a square of a fixed size"),
            (found(wide, Some(48), Some(48)), "not a square of a fixed size"),
        ];
        for (found, expected) in refused {
            assert!(found.unwrap_err().contains(expected), "{expected}");
        }
    }
}
