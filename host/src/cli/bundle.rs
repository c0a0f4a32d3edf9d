//! `emocue bundle`: pack, show and unpack.

use std::error::Error;
use std::io::{Write as _, stdout};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use emocue_models::bundle::{Bundle, Sha256};
use emocue_models::run::mtcnn::MtcnnSettings;

use crate::bundle::{Parts, bytes_of, in_bundle, pack, unpack};
use crate::files::write_atomically;

/// Pack, show or unpack what a badge runs.
#[derive(Args, Debug)]
pub struct BundleArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check a bundle and print its manifest as JSON
    Show {
        /// A bundle's file, or `default` for the one that the badge carries
        bundle: String,
        /// Print the model card (Markdown) instead
        #[arg(long)]
        card: bool,
    },
    /// Check a bundle and write its ONNX files, manifest.json and card.md
    Unpack {
        /// A bundle's file, or `default` for the one that the badge carries
        bundle: String,
        /// Folder to write to; made when missing
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
    /// Make a bundle and check that it runs
    Pack(Box<PackArgs>),
}

#[derive(Args, Debug)]
struct PackArgs {
    /// Folder with pnet.onnx, rnet.onnx and onet.onnx, as `emocue import mtcnn` writes it, or YuNet's graph, as
    /// `emocue import onnx` does
    #[arg(long, value_name = "PATH")]
    detector: PathBuf,
    /// The classifier, as `emocue export` writes it
    #[arg(long, value_name = "ONNX")]
    classifier: PathBuf,
    /// The model card, Markdown
    #[arg(long, value_name = "MD")]
    card: PathBuf,
    /// Measurements, a JSON object of numbers
    #[arg(long, value_name = "JSON")]
    metrics: Option<PathBuf>,
    /// What the bundle is called
    #[arg(long)]
    name: String,
    /// Counts the releases of this name
    #[arg(long, value_name = "N")]
    content_version: u32,
    /// Label set of the classifier's output, where its graph does not tell
    #[arg(long, value_name = "SET")]
    labels: Option<String>,
    /// Smallest face to look for, px
    #[arg(long, default_value_t = MtcnnSettings::default().min_face, value_name = "PX")]
    min_face: f32,
    /// Softens (above 1) or sharpens the probabilities, instead of what the classifier's graph says
    #[arg(long)]
    temperature: Option<f32>,
    /// A probability below it means unsure, 0 to 1, instead of what the graph says
    #[arg(long)]
    threshold: Option<f32>,
    /// Where it comes from: data=..., recipe=..., seed=...; once for each
    #[arg(long, value_parser = key_and_value, value_name = "KEY=VALUE")]
    provenance: Vec<(String, String)>,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Does what is asked and prints the result.
///
/// # Errors
/// [`HostBundleError`](crate::bundle::HostBundleError); nothing is written when a part or the bundle is bad.
pub fn run(args: &BundleArgs) -> Result<(), Box<dyn Error>> {
    match &args.action {
        Action::Show { bundle, card } => {
            let bytes = bytes_of(bundle)?;
            let checked = Bundle::read(&bytes).map_err(in_bundle(bundle))?;
            let text = match card {
                true => checked.manifest().card.clone(),
                false => serde_json::to_string_pretty(checked.manifest())? + "\n",
            };
            stdout().write_all(text.as_bytes())?;
        }
        Action::Unpack { bundle, output } => {
            let bytes = bytes_of(bundle)?;
            let checked = Bundle::read(&bytes).map_err(in_bundle(bundle))?;
            for path in unpack(&checked, output)? {
                println!("{}", path.display());
            }
        }
        Action::Pack(args) => {
            let bytes = pack(&args.parts())?;
            write_atomically(&args.output, &bytes)?;
            println!(
                "{} ({} bytes, SHA-256 {})",
                args.output.display(),
                bytes.len(),
                Sha256::of(&bytes)
            );
        }
    }
    Ok(())
}

impl PackArgs {
    fn parts(&self) -> Parts {
        Parts {
            detector: self.detector.clone(),
            classifier: self.classifier.clone(),
            card: self.card.clone(),
            metrics: self.metrics.clone(),
            name: self.name.clone(),
            content_version: self.content_version,
            labels: self.labels.clone(),
            min_face: self.min_face,
            temperature: self.temperature,
            threshold: self.threshold,
            provenance: self.provenance.iter().cloned().collect(),
        }
    }
}
