//! Transfer learning: published weights as the initial weights of a training. The body's tensors are looked up under
//! the names of torchvision and similar libraries; heads keep their drawn weights, since their classes differ.
//!
//! Published networks have three colour planes. The weights of the first convolution are summed over the planes, which
//! is equivalent for a grey picture in all three.

mod graph;
mod names;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use emocue_data::model::metadata::MetadataError;
use emocue_models::failure::{Failure, exit};
use emocue_quantize::onnx::GraphReadError;
use emocue_weights::{StoredTensor, WeightsError, WeightsFile};

use super::Network;
pub use graph::transfer_graph;

/// A tensor of the file has another shape than the body needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// In the file.
    pub name: String,
    /// The shape that the body needs, in the file's layout.
    pub expected: Vec<usize>,
    /// In the file.
    pub actual: Vec<usize>,
}

/// The result of a transfer. Names are the file's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransferReport {
    /// Tensors that were loaded.
    pub matched: Vec<String>,
    /// Tensors of the body that the file does not have; they keep their drawn weights.
    pub missing: Vec<String>,
    /// Tensors of another shape; the body keeps its drawn weights.
    pub mismatched: Vec<Mismatch>,
    /// Tensors of the file that do not belong to the body, such as another dataset's classes.
    pub unused: Vec<String>,
}

impl fmt::Display for TransferReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tensors taken", self.matched.len())?;
        let shapes = |m: &Mismatch| format!("{} {:?} for {:?}", m.name, m.actual, m.expected);
        let mismatched: Vec<String> = self.mismatched.iter().map(shapes).collect();
        for (what, names) in [
            ("not in the file", &self.missing),
            ("of another shape", &mismatched),
            ("unused", &self.unused),
        ] {
            if !names.is_empty() {
                write!(f, "; {} {what}: {}", names.len(), some(names))?;
            }
        }
        Ok(())
    }
}

/// The first few of many names.
fn some(names: &[String]) -> String {
    let more = if names.len() > 4 { ", ..." } else { "" };
    names.iter().take(4).map(String::as_str).collect::<Vec<_>>().join(", ") + more
}

/// Weights cannot be transferred.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// The file or a tensor in it cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The graph cannot be read.
    #[error(transparent)]
    Graph(#[from] GraphReadError),
    /// The graph's model description cannot be read.
    #[error(transparent)]
    Metadata(#[from] MetadataError),
    /// No tensor fits: probably another network's file.
    #[error(
        "nothing in {} fits a {kind} of this size: it has {theirs}, the network takes {ours}",
        path.display()
    )]
    NothingMatched {
        /// The weights file.
        path: PathBuf,
        /// The architecture.
        kind: &'static str,
        /// Some names in the file.
        theirs: String,
        /// Some names that the network expects.
        ours: String,
    },
    /// No names of published weights are known for the architecture.
    #[error("no published weights are known for a {0}")]
    NoNames(&'static str),
}

impl Failure for TransferError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Weights(error) => return error.help(),
            Self::Graph(error) => return error.help(),
            Self::Metadata(error) => return error.help(),
            Self::NothingMatched { .. } => {
                "Give a file of this architecture, or change kind and width in the recipe's [net]."
            }
            Self::NoNames(_) => {
                "They are for resnet9, resnet18, resnet50, senet50, vgg16, vgg19 and alexnet. An exported graph (.onnx) or another run's folder is for every network."
            }
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::NoNames(_) => exit::USAGE,
            Self::Weights(error) => error.exit_code(),
            Self::NothingMatched { .. } | Self::Graph(_) | Self::Metadata(_) => exit::INPUT,
        }
    }
}

/// A tensor of the body.
struct Slot {
    /// Layer and tensor, this crate's names.
    key: String,
    /// Possible names in the file.
    names: Vec<String>,
    /// In PyTorch's layout.
    shape: Vec<usize>,
}

impl Slot {
    /// Whether a tensor of shape `actual` fits; colour planes are summed.
    fn takes(&self, actual: &[usize]) -> bool {
        actual == self.shape
            || matches!((actual, &self.shape[..]), ([a, 3, rest @ ..], [b, 1, same @ ..])
                if rest.len() == 2 && a == b && rest == same)
    }
}

/// Loads into `net` the weights in `file`, a safetensors file or a PyTorch state dict (`.pt`, `.pth`), alone or inside
/// a checkpoint.
///
/// # Errors
/// [`TransferError`] when the file cannot be read or nothing in it fits. A file that fits in part is used in part, as
/// the report says.
pub fn transfer(net: Network, file: &Path) -> Result<(Network, TransferReport), TransferError> {
    let kind = net.spec().kind();
    let table = names::of(net.spec());
    if table.is_empty() {
        return Err(TransferError::NoNames(kind));
    }
    let table: HashMap<String, Vec<String>> =
        table.into_iter().map(|names| (names.ours, names.theirs)).collect();
    let weights = WeightsFile::open(file)?;
    // The others include batch normalisation's counters.
    let floats = weights.tensors().iter().filter(|(_, tensor)| tensor.is_float());
    let tensors: FloatTensors = floats.map(|(name, tensor)| (name.as_str(), tensor)).collect();

    let mut wanted = Wanted { place: Place::default(), slots: Vec::new(), table: &table };
    net.visit(&mut wanted);
    let (chosen, report) = choose(&wanted.slots, &tensors);
    if chosen.is_empty() {
        let theirs: Vec<String> = tensors.keys().map(ToString::to_string).collect();
        let ours: Vec<String> =
            wanted.slots.iter().filter_map(|s| s.names.first().cloned()).collect();
        let (path, theirs, ours) = (file.to_owned(), some(&theirs), some(&ours));
        return Err(TransferError::NothingMatched { path, kind, theirs, ours });
    }
    let mut load = Load { place: Place::default(), weights: &weights, chosen, error: None };
    let net = net.map(&mut load);
    match load.error {
        Some(error) => Err(error.into()),
        None => Ok((net, report)),
    }
}

/// A file's float tensors by name.
type FloatTensors<'a> = BTreeMap<&'a str, &'a StoredTensor>;

/// Pairs slots with the names of the file's tensors. The common prefix of all names (`module.`, `state_dict.`) is the
/// one with the most matches.
fn choose(slots: &[Slot], tensors: &FloatTensors) -> (HashMap<String, String>, TransferReport) {
    let mut prefixes = BTreeSet::from([""]);
    for name in tensors.keys() {
        prefixes.extend(name.match_indices('.').map(|(at, _)| &name[..=at]));
    }
    let find = |prefix: &str, slot: &Slot| {
        let mut names = slot.names.iter().map(|name| format!("{prefix}{name}"));
        names.find(|name| tensors.contains_key(name.as_str()))
    };
    let hits = |prefix: &str| slots.iter().filter(|slot| find(prefix, slot).is_some()).count();
    // The shortest of equal ones: the tensors that are not nested.
    let prefix = prefixes.into_iter().rev().max_by_key(|prefix| hits(prefix)).unwrap_or_default();

    let mut chosen = HashMap::new();
    let mut report = TransferReport::default();
    let mut seen = BTreeSet::new();
    for slot in slots {
        let Some(name) = find(prefix, slot) else {
            report.missing.extend(slot.names.first().cloned());
            continue;
        };
        let actual = tensors[name.as_str()].shape().to_vec();
        seen.insert(name.clone());
        if slot.takes(&actual) {
            chosen.insert(slot.key.clone(), name.clone());
            report.matched.push(name);
        } else {
            report.mismatched.push(Mismatch { name, expected: slot.shape.clone(), actual });
        }
    }
    let unused = tensors.keys().filter(|name| !seen.contains(**name));
    report.unused = unused.map(ToString::to_string).collect();
    (chosen, report)
}

/// The path of a traversal: fields and indices, each with its container.
#[derive(Default)]
struct Place(Vec<(String, String)>);

impl Place {
    fn enter(&mut self, name: &str, container: &str) {
        self.0.push((name.to_owned(), container.to_owned()));
    }

    /// The layer's path inside the body and the tensor's own name; `None` in a head. Variants of enums
    /// are not part of it.
    fn split(&self) -> Option<(String, &str)> {
        let fields = self.0.iter().filter(|(_, container)| !container.starts_with("Enum:"));
        let names: Vec<&str> = fields.map(|(name, _)| name.as_str()).collect();
        match names.as_slice() {
            ["body", layer @ .., tensor] => Some((layer.join("."), tensor)),
            _ => None,
        }
    }

    /// Whether this is a dense layer's matrix, which PyTorch stores as `[out, in]`.
    fn is_transposed(&self) -> bool {
        let last = self.0.last().map(|(name, container)| (name.as_str(), container.as_str()));
        last == Some(("weight", "Struct:Linear"))
    }
}

/// Collects the body's tensors.
struct Wanted<'a> {
    place: Place,
    slots: Vec<Slot>,
    table: &'a HashMap<String, Vec<String>>,
}

impl ModuleVisitor for Wanted<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some((layer, tensor)) = self.place.split() else { return };
        let theirs = match tensor {
            "gamma" => "weight",
            "beta" => "bias",
            other => other,
        };
        let mut shape = param.lazy_shape().to_vec();
        if self.place.is_transposed() {
            shape.reverse();
        }
        let names = self.table.get(&layer).map_or(&[][..], Vec::as_slice);
        let names = names.iter().map(|name| format!("{name}.{theirs}")).collect();
        self.slots.push(Slot { key: format!("{layer}.{tensor}"), names, shape });
    }

    fn enter_module(&mut self, name: &str, container: &str) {
        self.place.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.0.pop();
    }
}

/// Loads the chosen tensors into the body.
struct Load<'a> {
    place: Place,
    weights: &'a WeightsFile,
    chosen: HashMap<String, String>,
    error: Option<WeightsError>,
}

impl Load<'_> {
    /// The values of one tensor in the body's layout: `shape`, row-major.
    fn values(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let values = self.weights.floats(name)?;
        if self.place.is_transposed() {
            let [inputs, outputs] = [shape[0], shape[1]];
            let turned = |at: usize| values[at % outputs * inputs + at / outputs];
            return Ok((0..values.len()).map(turned).collect());
        }
        let count: usize = shape.iter().product();
        if values.len() == count {
            return Ok(values);
        }
        // [out, planes, k, k] to [out, 1, k, k].
        let area = shape[2] * shape[3];
        let planes = values.len() / count;
        let kernel = |kernel: &[f32]| -> Vec<f32> {
            (0..area).map(|at| kernel[at..].iter().step_by(area).sum()).collect()
        };
        Ok(values.chunks_exact(planes * area).flat_map(kernel).collect())
    }
}

impl ModuleMapper for Load<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let key = self.place.split().map(|(layer, tensor)| format!("{layer}.{tensor}"));
        let Some(name) = key.and_then(|key| self.chosen.remove(&key)) else { return param };
        let shape = param.lazy_shape();
        match self.values(&name, &shape) {
            Ok(values) => {
                let data = TensorData::new(values, shape);
                let tensor = Tensor::from_data(data, &param.lazy_device());
                let id = param.id;
                param.transform_for_load(tensor, id)
            }
            Err(error) => {
                self.error.get_or_insert(error);
                param
            }
        }
    }

    fn enter_module(&mut self, name: &str, container: &str) {
        self.place.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.0.pop();
    }
}

#[cfg(test)]
mod tests;
