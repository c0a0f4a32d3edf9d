//! Why a graph cannot be read.

/// A graph cannot be read, or is unsupported.
#[derive(Debug, thiserror::Error)]
pub enum GraphReadError {
    /// Not ONNX.
    #[error("not an ONNX graph: {0}")]
    Onnx(#[from] prost::DecodeError),
    /// A size is above its limit.
    #[error("too large: {what}")]
    TooLarge {
        /// The part that is too large, and the limit.
        what: String,
    },
    /// The operator set is too old.
    #[error("unsupported operator set: expected {oldest} or later")]
    OldOpset {
        /// The oldest that can be read.
        oldest: i64,
    },
    /// An operator has another meaning in the graph's operator set.
    #[error("{node} has changed its meaning since the graph's operator set")]
    ChangedOperator {
        /// Name and operator of the node.
        node: String,
        /// The operator set from which it has today's meaning.
        needed: i64,
    },
    /// Weights are stored in another file.
    #[error("{tensor} is stored in another file, which is unsupported")]
    External {
        /// Name of the tensor.
        tensor: String,
    },
    /// A tensor's values do not match its shape.
    #[error("{tensor} has {actual} values for the shape {shape:?}")]
    WrongCount {
        /// Name of the tensor.
        tensor: String,
        /// The declared shape.
        shape: Vec<usize>,
        /// Number of values found.
        actual: usize,
    },
    /// The graph has no input or several.
    #[error("expected one input, found {}", if .found.is_empty() { "none".to_owned() } else { .found.join(", ") })]
    Inputs {
        /// Their names.
        found: Vec<String>,
    },
    /// The input is not of 32-bit floats.
    #[error("the input \"{input}\" takes {found}, expected 32-bit floats")]
    InputType {
        /// The input's name.
        input: String,
        /// Its type.
        found: String,
    },
    /// NaN or infinity among the weights.
    #[error("{tensor} holds {value}")]
    NotFinite {
        /// Name of the tensor.
        tensor: String,
        /// The value.
        value: f32,
    },
    /// A classifier's output is neither logits nor a softmax.
    #[error("the answer comes from {node}, expected logits or a softmax")]
    Squashed {
        /// Name and operator of the node.
        node: String,
    },
    /// A node reads a value before any node writes it.
    #[error("{node} reads \"{value}\", which nothing before it writes")]
    Undefined {
        /// The node that reads.
        node: String,
        /// The value's name.
        value: String,
    },
    /// Two nodes write the same value.
    #[error("\"{value}\" is written twice")]
    WrittenTwice {
        /// The value's name.
        value: String,
    },
    /// A size of the input is dynamic.
    #[error("axis {axis} of the input \"{input}\" has no fixed size")]
    Dynamic {
        /// The input's name.
        input: String,
        /// Axis, counted from 0.
        axis: usize,
    },
    /// The given shape does not fit the input.
    #[error("the input cannot have the shape {given:?}")]
    Shape {
        /// The given shape.
        given: Vec<usize>,
    },
}

impl GraphReadError {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Onnx(_) => "Give an .onnx file as a framework exports it.".to_owned(),
            Self::TooLarge { .. } => "The file is damaged, or is not a network for faces.".to_owned(),
            Self::OldOpset { .. } => "Export it again with operator set 13 or later.".to_owned(),
            Self::ChangedOperator { needed, .. } => {
                format!("Export the graph again with operator set {needed} or later.")
            }
            Self::External { .. } => {
                "Save the model with its weights inside (save_as_external_data=False).".to_owned()
            }
            Self::WrongCount { .. } => "The file is damaged; export it again.".to_owned(),
            Self::Inputs { .. } => "Split the graph, or make other inputs constants.".to_owned(),
            Self::InputType { .. } => {
                "Export the network in 32-bit floats, without decoding or conversion of the picture inside."
                    .to_owned()
            }
            Self::NotFinite { .. } => {
                "The training diverged or the file is damaged; train or export again.".to_owned()
            }
            Self::Squashed { .. } => {
                "Export the network without it, so that it answers logits.".to_owned()
            }
            Self::WrittenTwice { .. } => {
                "Every value of an ONNX graph has one writer; export it again.".to_owned()
            }
            Self::Undefined { .. } => {
                "The graph is damaged or out of order; export it again.".to_owned()
            }
            Self::Dynamic { .. } => "Give the input's whole shape, such as 1,1,48,48.".to_owned(),
            Self::Shape { .. } => {
                "The shape must agree with the sizes that the graph fixes.".to_owned()
            }
        })
    }
}
