//! `emocue import`: published weights and other people's graphs, as the badge needs them.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use emocue_models::crop::Preprocess;
use emocue_models::label::LabelSet;
use emocue_models::run::yunet::{Yunet, YunetSettings};

use super::create_dir;
use crate::baseline::mtcnn;
use crate::data::map::label_set;
use crate::detector::FILES;
use crate::eval::candidate::Candidate;
use crate::files::write_atomically;
use crate::onnx::metadata::{self, LABELS, PREPROCESS};
use crate::onnx::{Model, adopt};

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
    /// File to write.
    #[arg(short, long, value_name = "ONNX")]
    output: PathBuf,
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
