//! Why a graph cannot be read.

/// A graph cannot be read, or lacks what is needed of it.
#[derive(Debug, thiserror::Error)]
pub enum GraphReadError {
    /// Not ONNX.
    #[error("not an ONNX graph: {0}")]
    Onnx(#[from] prost::DecodeError),
    /// More than any network needs.
    #[error("too large: {what}")]
    TooLarge {
        /// What is, and the bound.
        what: String,
    },
    /// Too old.
    #[error("unsupported operator set: expected {oldest} or later")]
    OldOpset {
        /// The oldest that can be read.
        oldest: i64,
    },
    /// An operator that meant something else.
    #[error("{node} has changed its meaning since the graph's operator set")]
    ChangedOperator {
        /// Which node.
        node: String,
        /// Where it means what it does now.
        needed: i64,
    },
    /// Weights elsewhere.
    #[error("{tensor} is stored in another file, which is unsupported")]
    External {
        /// Which tensor.
        tensor: String,
    },
    /// A tensor that does not fill its shape.
    #[error("{tensor} has {actual} values for the shape {shape:?}")]
    WrongCount {
        /// Which tensor.
        tensor: String,
        /// As stated.
        shape: Vec<usize>,
        /// Values there.
        actual: usize,
    },
    /// None or several inputs.
    #[error("expected one input, found {}", if .found.is_empty() { "none".to_owned() } else { .found.join(", ") })]
    Inputs {
        /// Their names.
        found: Vec<String>,
    },
    /// An input that does not take floats.
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
        /// Which tensor.
        tensor: String,
        /// The value.
        value: f32,
    },
    /// A classifier whose answer is neither logits nor probabilities that sum to 1.
    #[error("the answer comes from {node}, expected logits or a softmax")]
    Squashed {
        /// Which node.
        node: String,
    },
    /// A value that no node wrote.
    #[error("{node} reads \"{value}\", which nothing before it writes")]
    Undefined {
        /// The node that reads.
        node: String,
        /// The value's name.
        value: String,
    },
    /// A value that has two writers.
    #[error("\"{value}\" is written twice")]
    WrittenTwice {
        /// The value's name.
        value: String,
    },
    /// A size that is not known.
    #[error("axis {axis} of the input \"{input}\" has no fixed size")]
    Dynamic {
        /// The input's name.
        input: String,
        /// From 0.
        axis: usize,
    },
    /// A shape that the input cannot have.
    #[error("the input cannot have the shape {given:?}")]
    Shape {
        /// What was given.
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
