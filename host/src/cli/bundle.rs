//! `emocue bundle`: pack, sign, verify, show, unpack and model cards.

use crate::output::{out, outln};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use emocue_data::model::ClassifierModel;
use emocue_data::model::labels::label_set;
use emocue_flash::acceptance;
use emocue_flash::key::{self, KeyError};
use emocue_flash::sign::{Changes, INTENDED_USE, sign};
use emocue_models::bundle::haar::HaarCascade;
use emocue_models::bundle::{Bundle, DEFAULT_NAME, PublicKey, Sha256, bytes_of, in_bundle};
use emocue_models::failure::{Failure, Problem, exit};
use emocue_models::files::write_atomically;
use emocue_models::label::LabelSet;
use emocue_models::plain::plain_line;
use emocue_run::haar::HaarSettings;
use emocue_run::mtcnn::MtcnnSettings;
use emocue_run::single_shot::SingleShotSettings;

use super::onet::{OnetArg, not_for};
use super::open::{read, read_text};
use super::output::{BUNDLE, OverwriteArg, UntestedArg};
use crate::bundle::{
    BundleParts, CARD_TEMPLATE, DetectorParts, MeasuredFigures, files, summary, unpack,
};
use crate::import::adopt::outputs_of;
use crate::import::mtcnn::nets_in;
use crate::report::read_eval;

/// Pack, sign, verify, show or unpack bundles of networks for a badge.
#[derive(Args, Debug)]
pub struct BundleArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Check a bundle and print its description and contents
    Show {
        /// A bundle's file, or `default` for the embedded one
        bundle: PathBuf,
        /// Print the whole manifest as JSON instead
        #[arg(long, conflicts_with = "card")]
        json: bool,
        /// Print the model card (Markdown) instead
        #[arg(long)]
        card: bool,
    },
    /// Print a bundle's model card (Markdown), or a template for one
    Card {
        /// A bundle's file, or `default` for the embedded one
        #[arg(required_unless_present = "template")]
        bundle: Option<PathBuf>,
        /// Print a template to fill in, for `bundle pack --card`
        #[arg(long, conflicts_with = "bundle")]
        template: bool,
    },
    /// Check a bundle and write its ONNX files, manifest.json and card.md
    Unpack {
        /// A bundle's file, or `default` for the embedded one
        bundle: PathBuf,
        /// Folder to write to; created if missing
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
        #[command(flatten)]
        overwrite: OverwriteArg,
    },
    /// Make a bundle and check that it runs
    Pack(Box<PackArgs>),
    /// Sign a bundle, which badges require
    Sign(SignArgs),
    /// Check only what a badge runs of a bundle: its card and its self-test
    #[command(hide = true)]
    Check {
        /// A bundle's file, or `default` for the embedded one
        bundle: PathBuf,
    },
    /// Check a bundle as a badge does: integrity, model card, self-test, and signature with its key
    Verify {
        /// A bundle's file, or `default` for the embedded one
        bundle: PathBuf,
        /// Accept only this key's signature: 64 digits, or a key's file; repeatable
        #[arg(long, value_name = "KEY")]
        key: Vec<String>,
    },
}

#[derive(Args, Debug)]
struct SignArgs {
    /// A bundle's file, or `default` for the embedded one
    bundle: PathBuf,
    /// The secret key, as `emocue key new` writes it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Intended use of the bundle, recorded in its manifest
    #[arg(long, value_name = "TEXT")]
    intended_use: Option<String>,
    /// Another content version: number of the release of this name
    #[arg(long, value_name = "N")]
    content_version: Option<u32>,
    /// File to write; may be the bundle's own
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
}

#[derive(Args, Debug)]
struct PackArgs {
    /// The detector: that of a bundle with all its settings (default, or a bundle's file); a folder with pnet.onnx,
    /// rnet.onnx and onet.onnx, as `emocue import mtcnn` writes it; the graph of YuNet, as `emocue import onnx` writes
    /// it, or of emocue-face, as `emocue export` writes it; or a Haar cascade, as `emocue import haar` writes it
    #[arg(long, value_name = "PATH")]
    detector: PathBuf,
    #[command(flatten)]
    onet: OnetArg,
    /// The classifier, as `emocue export` writes it
    #[arg(long, value_name = "ONNX")]
    classifier: PathBuf,
    /// The model card, Markdown; `emocue bundle card --template` prints a template to fill in
    #[arg(long, value_name = "MD")]
    card: PathBuf,
    /// Measurements, a JSON object of numbers
    #[arg(long, value_name = "JSON")]
    metrics: Option<PathBuf>,
    /// Output of `emocue eval --conditions --groups CSV --json` for the classifier: its figures become metrics and
    /// sections of the card
    #[arg(long, value_name = "JSON")]
    eval: Option<PathBuf>,
    /// Name of the bundle
    #[arg(long)]
    name: String,
    /// Content version: number of the release of this name
    #[arg(long, value_name = "N")]
    content_version: u32,
    /// Classes of the classifier's output, if its graph does not name its own: a label set, a list in the network's
    /// order (angry,happy,neutral), or a .json or .toml file with one
    #[arg(long, value_name = "SET", value_parser = label_set)]
    labels: Option<LabelSet>,
    /// Smallest face to detect, px [default: 40; of a Haar cascade 30]
    #[arg(long, value_name = "PX")]
    min_face: Option<f32>,
    #[command(flatten)]
    scores: ScoreArgs,
    /// Temperature: softens (above 1) or sharpens the probabilities; overrides the value in the classifier's graph
    #[arg(long)]
    temperature: Option<f32>,
    /// Threshold below which a probability means unsure, 0 to 1; overrides the value in the graph
    #[arg(long)]
    threshold: Option<f32>,
    /// Provenance: data=..., recipe=..., seed=...; repeatable
    #[arg(long, value_parser = key_and_value, value_name = "KEY=VALUE")]
    provenance: Vec<(String, String)>,
    /// Sign it with this secret key, as `emocue key new` writes it
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    #[command(flatten)]
    untested: UntestedArg,
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Runs the verb and prints the result.
///
/// # Errors
/// What is missing or invalid; nothing is written then.
pub fn run(args: &BundleArgs) -> Result<(), Box<dyn Failure>> {
    match &args.action {
        Action::Show { bundle, json, card } => {
            let bytes = bytes_of(bundle)?;
            let checked = Bundle::read(&bytes).map_err(in_bundle(bundle))?;
            let text = match (card, json) {
                (true, _) => checked.manifest().card.clone(),
                (_, true) => manifest_json(checked.manifest())?,
                _ => summary(&checked, bytes.len()),
            };
            out!("{text}");
        }
        Action::Card { bundle, .. } => match bundle {
            Some(bundle) => {
                let bytes = bytes_of(bundle)?;
                out!("{}", Bundle::read(&bytes).map_err(in_bundle(bundle))?.manifest().card);
            }
            None => out!("{CARD_TEMPLATE}"),
        },
        Action::Unpack { bundle, output, overwrite } => {
            let bytes = bytes_of(bundle)?;
            let checked = Bundle::read(&bytes).map_err(in_bundle(bundle))?;
            for path in files(&checked, output) {
                overwrite.allow(&path, &[])?;
            }
            for path in unpack(&checked, output)? {
                outln!("{}", path.display());
            }
        }
        Action::Pack(args) => {
            args.overwrite.check(&args.output, BUNDLE, &[])?;
            let mut bytes = args.untested.pack(args.parts()?)?;
            if let Some(key) = &args.key {
                let key = key::read_secret(key)?;
                bytes = sign(&bytes, &key, &Changes::default())?;
            }
            save(&args.output, &bytes)?;
        }
        Action::Sign(args) => {
            args.overwrite.check(&args.output, BUNDLE, &[&args.bundle])?;
            let key = key::read_secret(&args.key)?;
            let changes = Changes {
                intended_use: args.intended_use.clone(),
                content_version: args.content_version,
            };
            let signed = sign(&bytes_of(&args.bundle)?, &key, &changes)?;
            save(&args.output, &signed)?;
        }
        Action::Check { bundle } => {
            let bytes = bytes_of(bundle)?;
            let checked = Bundle::read(&bytes).map_err(in_bundle(bundle))?;
            acceptance::check(bundle, &checked)?;
        }
        Action::Verify { bundle, key } => verify(bundle, key)?,
    }
    Ok(())
}

fn manifest_json(manifest: &emocue_models::bundle::Manifest) -> Result<String, Problem> {
    let text = serde_json::to_string_pretty(manifest);
    text.map(|text| text + "\n").map_err(|error| Problem::new(error.to_string()))
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), Box<dyn Failure>> {
    write_atomically(path, bytes)?;
    outln!("{} ({} bytes, SHA-256 {})", path.display(), bytes.len(), Sha256::of(bytes));
    Ok(())
}

fn verify(bundle: &Path, keys: &[String]) -> Result<(), Box<dyn Failure>> {
    let keys: Result<Vec<PublicKey>, KeyError> = keys.iter().map(|key| key::public(key)).collect();
    let keys = keys?;
    let bytes = bytes_of(bundle)?;
    let checked = Bundle::read(&bytes).map_err(in_bundle(bundle))?;
    let manifest = checked.manifest();
    outln!("{} {}: whole, {} bytes", manifest.name, manifest.content_version, bytes.len());
    if let Some(intended_use) = manifest.provenance.get(INTENDED_USE) {
        outln!("meant for: {}", plain_line(intended_use));
    }
    let signer = checked.signer().ok_or_else(|| {
        Problem::new(format!("{} is not signed, so badges refuse it", bundle.display()))
            .help("Sign it with `emocue bundle sign`.")
            .code(exit::NETWORK)
    })?;
    outln!("signed by {signer}");
    if !keys.is_empty() && !keys.contains(&signer) {
        let short = signer.short();
        let message = format!("its signer {short} is none of the keys that were given");
        return Err(Problem::new(message).code(exit::NETWORK).into());
    }
    Ok(acceptance::check(bundle, &checked)?)
}

impl PackArgs {
    /// Reads every part.
    fn parts(&self) -> Result<BundleParts, Box<dyn Failure>> {
        let name = self.classifier.display().to_string();
        let classifier = ClassifierModel::from_onnx(&name, read(&self.classifier)?, self.labels)?
            .with_calibration(self.temperature, self.threshold);
        let mut card = read_text(&self.card)?;
        let mut metrics =
            self.metrics.as_deref().map(read_metrics).transpose()?.unwrap_or_default();
        if let Some(path) = &self.eval {
            let measured = MeasuredFigures::of(&read_eval(path)?, &classifier)
                .map_err(|error| Problem::at(path.display().to_string(), &error))?;
            card = measured.added_to(&card);
            metrics.extend(measured.metrics);
        }
        Ok(BundleParts {
            detector: self.detector()?,
            classifier,
            card,
            metrics,
            name: self.name.clone(),
            content_version: self.content_version,
            provenance: self.provenance.iter().cloned().collect(),
        })
    }

    fn detector(&self) -> Result<DetectorParts, Box<dyn Failure>> {
        let min_face = |usual: f32| self.min_face.unwrap_or(usual);
        let refuse = |what: &str| self.onet.refuse(what).and_then(|()| self.scores.refuse(what));
        let is_bundle = self.detector.extension().is_some_and(|extension| extension == "emocue");
        if is_bundle || self.detector == Path::new(DEFAULT_NAME) {
            refuse("a bundle's detector, which keeps its own")?;
            let bytes = bytes_of(&self.detector)?;
            let bundle = Bundle::read(&bytes).map_err(in_bundle(&self.detector))?;
            let DetectorParts { spec, networks } = DetectorParts::of_bundle(&bundle);
            let spec = match self.min_face {
                Some(min_face) => spec.looking_for(min_face),
                None => spec,
            };
            return Ok(DetectorParts { spec, networks });
        }
        if self.detector.is_dir() {
            refuse("MTCNN, which has its own")?;
            let usual = MtcnnSettings::default();
            let settings = MtcnnSettings { min_face: min_face(usual.min_face), ..usual };
            return Ok(DetectorParts::mtcnn(nets_in(&self.detector)?, settings));
        }
        let bytes = read(&self.detector)?;
        if HaarCascade::begins(&bytes) {
            refuse("a Haar cascade")?;
            let usual = HaarSettings::default();
            let settings = HaarSettings { min_face: min_face(usual.min_face), ..usual };
            return Ok(DetectorParts::haar(bytes, settings));
        }
        let outputs = outputs_of(&bytes)
            .map_err(|error| Problem::at(self.detector.display().to_string(), &error))?;
        let usual = SingleShotSettings::of(outputs);
        let settings = SingleShotSettings { min_face: min_face(usual.min_face), ..usual };
        let settings = self.scores.of(settings);
        Ok(DetectorParts::single_shot(bytes, outputs, self.onet.read()?, settings))
    }
}

/// From which scores on YuNet and emocue-face find a face.
#[derive(Args, Debug)]
pub(super) struct ScoreArgs {
    /// Lowest score of a face of YuNet or emocue-face, 0 to 1 [default: 0.7]
    #[arg(long, value_name = "SCORE")]
    sure: Option<f32>,
    /// Lowest score of a face that O-Net confirms, or that is near a recent one [default: 0.3 for YuNet, 0.5 for
    /// emocue-face; at most --sure]
    #[arg(long, value_name = "SCORE")]
    maybe: Option<f32>,
    /// Lowest score of O-Net that confirms a low-confidence detection [default: 0.5 for YuNet, 0.6 for emocue-face]
    #[arg(long, value_name = "SCORE")]
    confirm: Option<f32>,
}

impl ScoreArgs {
    /// # Errors
    /// When a score was given, which `detector` cannot use.
    fn refuse(&self, detector: &str) -> Result<(), Problem> {
        let given = [("--sure", self.sure), ("--maybe", self.maybe), ("--confirm", self.confirm)];
        match given.into_iter().find(|(_, score)| score.is_some()) {
            Some((option, _)) => Err(not_for(option, detector)),
            None => Ok(()),
        }
    }

    fn of(&self, usual: SingleShotSettings) -> SingleShotSettings {
        let sure = self.sure.unwrap_or(usual.sure);
        let maybe = self.maybe.unwrap_or(usual.maybe.min(sure));
        let confirm = self.confirm.unwrap_or(usual.confirm);
        SingleShotSettings { sure, maybe, confirm, ..usual }
    }
}

fn read_metrics(path: &Path) -> Result<BTreeMap<String, f64>, Problem> {
    serde_json::from_str(&read_text(path)?).map_err(|error| {
        Problem::new(format!("{}: {error}", path.display()))
            .help("Expected {\"name\": number, ...}.")
            .code(exit::INPUT)
    })
}
