//! `emocue import`: import of published weights and of other projects' graphs.

use crate::output::outln;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use emocue_data::model::ClassifierModel;
use emocue_data::model::labels::label_set;
use emocue_data::model::metadata::{self, LABELS, MetadataError, PREPROCESS};
use emocue_models::bundle::manifest::DetectorSpec;
use emocue_models::bundle::{Bundle, bytes_of, in_bundle};
use emocue_models::crop::Preprocess;
use emocue_models::failure::{Failure, Problem, exit};
use emocue_models::files::write_atomically;
use emocue_models::label::LabelSet;
use emocue_quantize::onnx::Model;
use emocue_run::haar::HaarSettings;
use emocue_run::single_shot::{Outputs, SingleShot, SingleShotSettings};
use emocue_weights::WeightsFile;

use super::onet::OnetArg;
use super::open::{read, read_text};
use super::output::{
    CASCADE_OR_BUNDLE, GRAPH_OR_BUNDLE, ONNX, OverwriteArg, UntestedArg, create_dir,
};
use crate::bundle::{BundleParts, DetectorParts};
use crate::import::mtcnn::FILES;
use crate::import::{adopt, haar, mtcnn};

/// Convert published weights and third-party graphs into networks that the badge runs.
#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(subcommand)]
    source: Source,
}

#[derive(Debug, Subcommand)]
enum Source {
    /// MTCNN's three networks from facenet-pytorch 2.6.0: pnet.onnx, rnet.onnx, onet.onnx
    Mtcnn {
        /// Folder with pnet.pt, rnet.pt and onet.pt (in the package: facenet_pytorch/data)
        #[arg(long, value_name = "DIR")]
        weights: PathBuf,
        /// Folder to write to; created if missing
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
        #[command(flatten)]
        overwrite: OverwriteArg,
    },
    /// A Haar cascade from OpenCV's XML, the detector that most programs use
    Haar(HaarArgs),
    /// Your own graph: converted to luma, checked in tract, ready for quantize and bundle pack
    Onnx(OnnxArgs),
    /// Whether the tensors of a file of weights can be listed; what `emocue train --transfer` asks first
    #[command(hide = true)]
    CheckWeights {
        /// The safetensors file or PyTorch state dict
        file: PathBuf,
    },
}

#[derive(Args, Debug)]
struct OnnxArgs {
    /// The graph.
    model: PathBuf,
    /// Kind of graph.
    #[arg(long, value_enum)]
    kind: Kind,
    /// A classifier's classes in its order: a label set, a list (angry,happy,neutral), or a .json or .toml file with one.
    #[arg(long, value_name = "SET", value_parser = label_set, required_if_eq("kind", "classifier"))]
    labels: Option<LabelSet>,
    /// A classifier's pixel enters as (pixel / 255 - mean) / std [default: 0.5]
    #[arg(long)]
    mean: Option<f32>,
    /// Divisor in the formula of --mean [default: 0.25]; 0.00392157 for pixels of 0 to 255, with --mean 0
    #[arg(long)]
    std: Option<f32>,
    #[command(flatten)]
    onet: OnetArg,
    #[command(flatten)]
    target: Target,
}

#[derive(Args, Debug)]
struct HaarArgs {
    /// The cascade, e.g. haarcascade_frontalface_default.xml of OpenCV 3 or 4.
    xml: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// Where what was imported goes.
#[derive(Args, Debug)]
struct Target {
    /// The file to write (.onnx, of a Haar cascade .haar), or, if the name ends in .emocue, a bundle with it.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    #[command(flatten)]
    untested: UntestedArg,
    /// The bundle's model card, Markdown: the network's origin and what it must not be used for.
    #[arg(long, value_name = "MD")]
    card: Option<PathBuf>,
    /// The bundle that provides the other parts: the classifier for a detector, the detector with its settings for a
    /// classifier.
    #[arg(long, value_name = "BUNDLE", default_value = "default")]
    with: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The face detector of OpenCV's model zoo, face_detection_yunet.
    Yunet,
    /// A network from square pictures of faces to one value for each class.
    Classifier,
}

/// Imports, writes the files and prints their paths.
///
/// # Errors
/// What is missing or invalid; nothing is written then.
pub fn run(args: &ImportArgs) -> Result<(), Box<dyn Failure>> {
    match &args.source {
        Source::Mtcnn { weights, output, overwrite } => {
            for name in FILES {
                overwrite.check(&output.join(name), ONNX, &[])?;
            }
            let nets = mtcnn::import(weights)?;
            create_dir(output)?;
            for (name, bytes) in FILES.into_iter().zip([&nets.pnet, &nets.rnet, &nets.onet]) {
                save(&output.join(name), bytes)?;
            }
            Ok(())
        }
        Source::CheckWeights { file } => {
            WeightsFile::open(file)?;
            Ok(())
        }
        Source::Haar(HaarArgs { xml, target }) => {
            target.overwrite.check(&target.output, CASCADE_OR_BUNDLE, &[])?;
            let cascade = haar::import(&read(xml)?)
                .map_err(|error| Problem::at(xml.display().to_string(), &error))?;
            target.save(xml, Imported::Haar(cascade))
        }
        Source::Onnx(args) => {
            let target = &args.target;
            target.overwrite.check(&target.output, GRAPH_OR_BUNDLE, &[])?;
            target.save(&args.model, args.adopt(read(&args.model)?)?)
        }
    }
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Failure>> {
    write_atomically(path, bytes)?;
    outln!("{} ({} bytes)", path.display(), bytes.len());
    Ok(())
}

/// An imported network.
enum Imported {
    Haar(Vec<u8>),
    Yunet(Vec<u8>, Option<Vec<u8>>),
    Classifier(Box<ClassifierModel>),
}

impl Imported {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Haar(bytes) | Self::Yunet(bytes, _) => bytes,
            Self::Classifier(model) => model.onnx().to_vec(),
        }
    }
}

impl Target {
    fn is_bundle(&self) -> bool {
        self.output.extension().is_some_and(|extension| extension == "emocue")
    }

    /// Writes a network imported from the file `source`, alone or in a bundle.
    fn save(&self, source: &Path, imported: Imported) -> Result<(), Box<dyn Failure>> {
        let bytes =
            if self.is_bundle() { self.bundle(source, imported)? } else { imported.into_bytes() };
        save(&self.output, &bytes)
    }

    /// A bundle of it and the other parts of `--with`.
    fn bundle(&self, source: &Path, imported: Imported) -> Result<Vec<u8>, Box<dyn Failure>> {
        let card = self.card.as_deref().ok_or_else(|| {
            Problem::usage("a bundle needs a model card")
                .help(
                    "Fill in what `emocue bundle card --template` prints, and name the file with --card.",
                )
        })?;
        let bytes = bytes_of(&self.with)?;
        let base = Bundle::read(&bytes).map_err(in_bundle(&self.with))?;
        let name = self.with.display().to_string();
        let classifier = || ClassifierModel::from_bundle(&name, &base);
        let (detector, classifier) = match imported {
            Imported::Haar(cascade) => {
                (DetectorParts::haar(cascade, HaarSettings::default()), classifier()?)
            }
            Imported::Yunet(onnx, onet) => {
                let settings = settings_of(&base.manifest().detector);
                let detector = DetectorParts::single_shot(onnx, Outputs::Yunet, onet, settings);
                (detector, classifier()?)
            }
            Imported::Classifier(model) => (DetectorParts::of_bundle(&base), *model),
        };
        let stem = self.output.file_stem().unwrap_or_default().to_string_lossy();
        let source = source.file_name().unwrap_or_default().to_string_lossy();
        Ok(self.untested.pack(BundleParts {
            detector,
            classifier,
            card: read_text(card)?,
            metrics: BTreeMap::new(),
            name: stem.into_owned(),
            content_version: 1,
            provenance: [("imported".to_owned(), source.into_owned())].into(),
        })?)
    }
}

impl OnnxArgs {
    /// Adapts the graph to the badge and runs it once.
    fn adopt(&self, onnx: Vec<u8>) -> Result<Imported, Box<dyn Failure>> {
        let name = self.model.display().to_string();
        let at = |failure: &dyn Failure| Problem::at(&name, failure);
        if self.kind == Kind::Yunet {
            let adopted = adopt::yunet(&onnx).map_err(|error| at(&error))?;
            if !self.target.is_bundle() {
                self.onet.refuse("a graph alone")?;
            }
            let onet = self.onet.read()?;
            let settings = SingleShotSettings::default();
            SingleShot::load(&adopted, Outputs::Yunet, onet.as_deref(), settings)
                .map_err(|error| at(&error))?;
            return Ok(Imported::Yunet(adopted, onet));
        }
        self.onet.refuse("a classifier")?;
        let adopted = adopt::classifier(&onnx).map_err(|error| at(&error))?;
        let metadata = metadata::read(&adopted).map_err(|error| at(&error))?;
        let side = metadata.side().ok_or(MetadataError::Input).map_err(|error| at(&error))?;
        // The defaults of every verb for a graph without preprocessing.
        let usual = Preprocess::of_size(side);
        let (mean, std) = (self.mean.unwrap_or(usual.mean), self.std.unwrap_or(usual.std));
        if self.mean.is_none() || self.std.is_none() {
            outln!(
                "{name}: taken to expect (pixel / 255 - {mean}) / {std}; --mean and --std say otherwise"
            );
        }
        let preprocess = Preprocess { mean, std, ..usual };
        let preprocess = serde_json::to_string(&preprocess)
            .map_err(|error| Problem::new(format!("{name}: {error}")))?;
        let labels = self.labels.map_or("", |set| set.id);
        let entries = [(LABELS, labels), (PREPROCESS, preprocess.as_str())];
        let adopted = Model::from_bytes(&adopted)
            .map_err(|error| Problem::new(format!("{name}: {error}")).code(exit::INPUT))?
            .with_metadata(&entries)
            .to_bytes();
        let model = ClassifierModel::from_onnx(&name, adopted, None)?;
        // Loading runs it once and compares its output with the classes.
        model.load()?;
        Ok(Imported::Classifier(Box::new(model)))
    }
}

/// Settings for a single-shot network, taken from a bundle's detector where both have them.
fn settings_of(detector: &DetectorSpec) -> SingleShotSettings {
    let usual = SingleShotSettings::default();
    match detector {
        DetectorSpec::Yunet { settings, .. } => (*settings).into(),
        DetectorSpec::SingleShot { outputs: Outputs::Yunet, settings, .. } => *settings,
        // A Haar cascade may detect smaller faces.
        other => SingleShotSettings { min_face: other.min_face().max(usual.smallest), ..usual },
    }
}
