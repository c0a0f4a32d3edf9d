//! `emocue import`: published weights and other people's graphs, as the badge needs them.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use emocue_models::bundle::manifest::DetectorSpec;
use emocue_models::bundle::{Bundle, bytes_of, in_bundle};
use emocue_models::crop::Preprocess;
use emocue_models::label::LabelSet;
use emocue_run::yunet::{Yunet, YunetSettings};

use super::create_dir;
use crate::bundle::{Parts, pack, unpack};
use crate::import::adopt;
use crate::import::mtcnn;
use crate::import::mtcnn::FILES;
use emocue_data::map::label_set;
use emocue_data::model::candidate::Candidate;
use emocue_data::model::metadata::{self, LABELS, PREPROCESS};
use emocue_models::files::write_atomically;
use emocue_quantize::onnx::Model;

/// Turn published weights and other people's graphs into networks that the badge runs.
#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(subcommand)]
    what: Published,
}

#[derive(Debug, Subcommand)]
enum Published {
    /// MTCNN's three networks from facenet-pytorch 2.6.0: pnet.onnx, rnet.onnx, onet.onnx
    Mtcnn {
        /// Folder with pnet.pt, rnet.pt and onet.pt (in the package: facenet_pytorch/data)
        #[arg(long, value_name = "DIR")]
        weights: PathBuf,
        /// Folder to write to; made when missing
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
    /// A graph that you bring: folded to luma, tried in tract, ready for quantize and bundle pack
    Onnx(OnnxArgs),
}

#[derive(Args, Debug)]
struct OnnxArgs {
    /// The graph.
    model: PathBuf,
    /// What it is.
    #[arg(long, value_enum)]
    kind: Kind,
    /// The label set of a classifier's answer, in its order.
    #[arg(long, value_name = "SET", value_parser = label_set, required_if_eq("kind", "classifier"))]
    labels: Option<LabelSet>,
    /// A classifier's pixel enters as (pixel / 255 - mean) / std.
    #[arg(long, default_value_t = 0.5)]
    mean: f32,
    /// As above; 0.00392157 for pixels of 0 to 255, with --mean 0.
    #[arg(long, default_value_t = 0.5)]
    std: f32,
    /// The graph to write, or, where the name ends in .emocue, a bundle with it.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The bundle's model card, Markdown: where the network comes from and what it must not be used for.
    #[arg(long, value_name = "MD")]
    card: Option<PathBuf>,
    /// The bundle that gives what the graph is not: the classifier for a detector, the detector for a classifier.
    #[arg(long, value_name = "BUNDLE", default_value = "default")]
    with: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The face detector of OpenCV's model zoo, face_detection_yunet.
    Yunet,
    /// A network from square pictures of faces to one value for each class.
    Classifier,
}

/// Imports, writes the files and says what it wrote.
///
/// # Errors
/// What is missing or wrong; nothing is written then.
pub fn run(args: &ImportArgs) -> Result<(), Box<dyn Error>> {
    match &args.what {
        Published::Mtcnn { weights, output } => {
            let nets = mtcnn::import(weights)?;
            create_dir(output)?;
            for (name, bytes) in FILES.into_iter().zip([&nets.pnet, &nets.rnet, &nets.onet]) {
                write(&output.join(name), bytes)?;
            }
            Ok(())
        }
        Published::Onnx(args) => {
            let path = args.model.display();
            let onnx =
                std::fs::read(&args.model).map_err(|e| format!("cannot read {path}: {e}"))?;
            let adopted = args.adopt(&onnx).map_err(|error| format!("{path}: {error}"))?;
            if args.output.extension().is_some_and(|extension| extension == "emocue") {
                return write(&args.output, &args.bundle(&adopted)?);
            }
            write(&args.output, &adopted)
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    write_atomically(path, bytes)?;
    println!("{} ({} bytes)", path.display(), bytes.len());
    Ok(())
}

impl OnnxArgs {
    /// A bundle of the graph and of what `--with` has besides.
    fn bundle(&self, adopted: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
        let card = self.card.clone().ok_or(
            "a bundle needs a model card\n  Write where the network comes from and name the file with --card.",
        )?;
        let bytes = bytes_of(&self.with)?;
        let base = Bundle::read(&bytes).map_err(in_bundle(&self.with))?;
        let folder = tempfile::tempdir()?;
        unpack(&base, folder.path())?;
        let brought = folder.path().join("brought.onnx");
        write_atomically(&brought, adopted)?;
        let (own_detector, min_face) = match &base.manifest().detector {
            DetectorSpec::Mtcnn { settings, .. } => (folder.path().to_owned(), settings.min_face),
            DetectorSpec::Yunet { network, settings } => {
                (folder.path().join(network), settings.min_face)
            }
        };
        let own_classifier = folder.path().join(&base.manifest().classifier.network);
        let (detector, classifier) = match self.kind {
            Kind::Yunet => (brought, own_classifier),
            Kind::Classifier => (own_detector, brought),
        };
        let stem = self.output.file_stem().unwrap_or_default().to_string_lossy();
        let model = self.model.file_name().unwrap_or_default().to_string_lossy();
        Ok(pack(&Parts {
            detector,
            classifier,
            card,
            metrics: None,
            name: stem.into_owned(),
            content_version: 1,
            labels: None,
            min_face,
            temperature: None,
            threshold: None,
            provenance: [("imported".to_owned(), model.into_owned())].into(),
        })?)
    }

    /// The graph as the badge needs it, after one run.
    fn adopt(&self, onnx: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
        if self.kind == Kind::Yunet {
            let adopted = adopt::yunet(onnx)?;
            Yunet::load(&adopted, YunetSettings::default())?;
            return Ok(adopted);
        }
        let adopted = adopt::classifier(onnx)?;
        let side = metadata::read(&adopted)?.side.ok_or(
            "its input is no square of a fixed size\n  Export it for the size that it was trained on.",
        )?;
        let preprocess = Preprocess { mean: self.mean, std: self.std, ..Preprocess::of_size(side) };
        let preprocess = serde_json::to_string(&preprocess)?;
        let labels = self.labels.map_or("", |set| set.id);
        let entries = [(LABELS, labels), (PREPROCESS, preprocess.as_str())];
        let adopted = Model::from_bytes(&adopted)?.with_metadata(&entries).to_bytes();
        // Loading runs it once and compares its answer with the classes.
        Candidate::from_onnx(&self.model.display().to_string(), adopted.clone(), None)?.load()?;
        Ok(adopted)
    }
}
