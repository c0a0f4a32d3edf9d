//! Published weights as the beginning of a training: the body's tensors are looked up under the names
//! that torchvision and its kin use; heads stay fresh, since their classes differ.
//!
//! Published nets see three colour planes. Their first convolution's planes are summed, which gives the
//! same for a grey picture given to all three.

mod names;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use burn_store::burn_pack::Tensor as Stored;
use burn_store::{ModuleStore, PytorchStore, SafetensorsStore, bridge};
use emocue_models::failure::{Failure, exit};

use super::Network;

/// A tensor of the file has another shape than the body needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// In the file.
    pub name: String,
    /// In the file's layout.
    pub expected: Vec<usize>,
    /// In the file.
    pub actual: Vec<usize>,
}

/// What a transfer did. Names are the file's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TransferReport {
    /// Tensors taken.
    pub matched: Vec<String>,
    /// Tensors of the body that the file does not have; they stay fresh.
    pub missing: Vec<String>,
    /// Tensors of another shape; the body's stay fresh.
    pub mismatched: Vec<Mismatch>,
    /// Tensors of the file that the body has no place for, such as another data set's classes.
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
    /// The system refuses the file.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The weights file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// The file is neither of the formats, or damaged.
    #[error(
        "{} is damaged, or neither safetensors nor what torch.save writes: {reason}",
        path.display()
    )]
    Damaged {
        /// The weights file.
        path: PathBuf,
        /// The reader's words.
        reason: String,
    },
    /// Not one tensor fits: another network's file.
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
        /// Some names that would do.
        ours: String,
    },
    /// The architecture has no published weights that we know the names of.
    #[error("no published weights are known for a {0}")]
    NoNames(&'static str),
    /// NaN or infinity would silently spoil the training.
    #[error("{}: tensor {name} holds {value}", path.display())]
    NotFinite {
        /// The weights file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The value.
        value: f32,
    },
}

impl Failure for TransferError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Io { .. } => return None,
            Self::Damaged { .. } => "Save a state dict, or download the file again.",
            Self::NothingMatched { .. } => {
                "Give a file of this architecture, or change kind and width in the recipe's [net]."
            }
            Self::NoNames(_) => {
                "They are for resnet9, resnet18, resnet50, senet50, vgg16, vgg19 and alexnet."
            }
            Self::NotFinite { .. } => "Download the file again.",
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::NoNames(_) => exit::USAGE,
            Self::Io { .. }
            | Self::Damaged { .. }
            | Self::NothingMatched { .. }
            | Self::NotFinite { .. } => exit::INPUT,
        }
    }
}

/// A tensor of the body.
struct Slot {
    /// Layer and tensor, our name.
    key: String,
    /// The file may have it under any of these.
    names: Vec<String>,
    /// In PyTorch's layout.
    shape: Vec<usize>,
}

impl Slot {
    /// Whether a tensor of shape `actual` fills it; colour planes are summed.
    fn takes(&self, actual: &[usize]) -> bool {
        actual == self.shape
            || matches!((actual, &self.shape[..]), ([a, 3, rest @ ..], [b, 1, same @ ..])
                if rest.len() == 2 && a == b && rest == same)
    }
}

/// Begins `net` with the weights in `file`, a safetensors file or a PyTorch state dict (`.pt`, `.pth`),
/// alone or inside a checkpoint.
///
/// # Errors
/// [`TransferError`] when the file cannot be read or nothing in it fits; a file that fits in part is
/// used in part, as the report says.
pub fn transfer(net: Network, file: &Path) -> Result<(Network, TransferReport), TransferError> {
    let kind = net.spec().kind();
    let table = names::of(net.spec());
    if table.is_empty() {
        return Err(TransferError::NoNames(kind));
    }
    let table: HashMap<String, Vec<String>> =
        table.into_iter().map(|names| (names.ours, names.theirs)).collect();
    let tensors = read(file)?;

    let mut wanted = Wanted { place: Place::default(), slots: Vec::new(), table: &table };
    net.visit(&mut wanted);
    let (chosen, report) = choose(&wanted.slots, &tensors);
    if chosen.is_empty() {
        let theirs: Vec<String> = tensors.keys().cloned().collect();
        let ours: Vec<String> =
            wanted.slots.iter().filter_map(|s| s.names.first().cloned()).collect();
        let (path, theirs, ours) = (file.to_owned(), some(&theirs), some(&ours));
        return Err(TransferError::NothingMatched { path, kind, theirs, ours });
    }
    let mut load = Load { place: Place::default(), file, chosen, error: None };
    let net = net.map(&mut load);
    match load.error {
        Some(error) => Err(error),
        None => Ok((net, report)),
    }
}

/// The file's float tensors; their values are read when asked for.
fn read(path: &Path) -> Result<BTreeMap<String, Stored>, TransferError> {
    let io = |source| TransferError::Io { path: path.to_owned(), source };
    let damaged = |reason: String| TransferError::Damaged { path: path.to_owned(), reason };
    let mut magic = [0; 9];
    let count = File::open(path).and_then(|mut file| file.read(&mut magic)).map_err(io)?;
    // safetensors begins with its header's length and the header's brace.
    let all = if count == 9 && magic[8] == b'{' {
        let mut store = SafetensorsStore::from_file(path);
        store.get_all_tensors().map_err(|error| damaged(error.to_string()))?.clone()
    } else {
        let mut store = PytorchStore::from_file(path).map_indices_contiguous(false);
        store.get_all_tensors().map_err(|error| damaged(error.to_string()))?.clone()
    };
    // Among them the counters of batch normalisation.
    Ok(all.into_iter().filter(|(_, tensor)| tensor.dtype.is_float()).collect())
}

/// Pairs slots with the file's tensors. What all names begin with (`module.`, `state_dict.`) is found by
/// trying which beginning fits most.
fn choose(
    slots: &[Slot],
    tensors: &BTreeMap<String, Stored>,
) -> (HashMap<String, Stored>, TransferReport) {
    let mut prefixes = BTreeSet::from([""]);
    for name in tensors.keys() {
        prefixes.extend(name.match_indices('.').map(|(at, _)| &name[..=at]));
    }
    let find = |prefix: &str, slot: &Slot| {
        let mut names = slot.names.iter().map(|name| format!("{prefix}{name}"));
        names.find(|name| tensors.contains_key(name))
    };
    let hits = |prefix: &str| slots.iter().filter(|slot| find(prefix, slot).is_some()).count();
    // The first of the best: what is not nested.
    let prefix = prefixes.into_iter().rev().max_by_key(|prefix| hits(prefix)).unwrap_or_default();

    let mut chosen = HashMap::new();
    let mut report = TransferReport::default();
    let mut seen = BTreeSet::new();
    for slot in slots {
        let Some(name) = find(prefix, slot) else {
            report.missing.extend(slot.names.first().cloned());
            continue;
        };
        let stored = &tensors[&name];
        let actual = stored.shape.to_vec();
        seen.insert(name.clone());
        if slot.takes(&actual) {
            chosen.insert(slot.key.clone(), stored.clone());
            report.matched.push(name);
        } else {
            report.mismatched.push(Mismatch { name, expected: slot.shape.clone(), actual });
        }
    }
    report.unused = tensors.keys().filter(|name| !seen.contains(*name)).cloned().collect();
    (chosen, report)
}

/// Where a traversal stands: fields and indices, each with what it lies in.
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

    /// Whether this is a dense layer's matrix, which PyTorch keeps as `[out, in]`.
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

/// Puts the chosen tensors in place.
struct Load<'a> {
    place: Place,
    file: &'a Path,
    chosen: HashMap<String, Stored>,
    error: Option<TransferError>,
}

impl Load<'_> {
    /// The values of one tensor as the body keeps them: `shape`, row-major.
    fn values(&self, stored: Stored, shape: &[usize]) -> Result<Vec<f32>, TransferError> {
        let name = stored.name.clone();
        let data = bridge::into_data(stored).map_err(|error| TransferError::Damaged {
            path: self.file.to_owned(),
            reason: format!("tensor {name}: {error}"),
        })?;
        let values: Vec<f32> = data.iter::<f32>().collect();
        if let Some(value) = values.iter().copied().find(|value| !value.is_finite()) {
            return Err(TransferError::NotFinite { path: self.file.to_owned(), name, value });
        }
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
        let Some(stored) = key.and_then(|key| self.chosen.remove(&key)) else { return param };
        let shape = param.lazy_shape();
        match self.values(stored, &shape) {
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
