//! A training that is cut and resumed goes the way of one that is not, in the library and from outside.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::{Device, Tensor, TensorData};
use emocue_host::cli::SourceArgs;
use emocue_host::data::dataset::Dataset;
use emocue_host::net::noise::Noise;
use emocue_host::net::{NetSpec, Network};
use emocue_host::train::checkpoint::{Checkpoint, EpochMetrics, FILE};
use emocue_host::train::examples::Examples;
use emocue_host::train::recipe::{ClassWeights, Decay, Recipe, Rule};
use emocue_host::train::schedule::best;
use emocue_host::train::validate::Validation;
use emocue_host::train::{
    Outcome, Plan, Progress, TrainError, Watcher, begin, lock, optimizer, train,
};

const ROWS: usize = 40;

/// Both datasets in their published layouts, drawn here: a bar whose place tells the class.
fn data(dir: &Path) -> SourceArgs {
    let (fer2013, ferplus) = (dir.join("fer2013.csv"), dir.join("fer2013new.csv"));
    let mut pixels = String::from("emotion,pixels,Usage\n");
    let mut votes = String::from(
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n",
    );
    for row in 0..ROWS {
        let usage = if row < ROWS - 8 { "Training" } else { "PublicTest" };
        let class = row % 7;
        let value =
            |i: usize| if i / 48 / 6 == class { 200 + row % 50 } else { (i * 31 + row) % 60 };
        let picture: Vec<String> = (0..48 * 48).map(|i| value(i).to_string()).collect();
        writeln!(pixels, "{class},{},{usage}", picture.join(" ")).unwrap();
        let counts: Vec<&str> = (0..10).map(|i| if i == class { "10" } else { "0" }).collect();
        writeln!(votes, "{usage},,{}", counts.join(",")).unwrap();
    }
    std::fs::write(&fer2013, pixels).unwrap();
    std::fs::write(&ferplus, votes).unwrap();
    SourceArgs::fer2013_with_votes(fer2013, ferplus)
}

fn recipe() -> Recipe {
    let mut recipe = Recipe::load("badge").unwrap();
    recipe.net = NetSpec::Badge { width: 4, dropout: 0.1 };
    recipe.optimizer.batch = 8;
    recipe.schedule.epochs = 3;
    recipe.schedule.warmup_epochs = 1.0;
    recipe
}

/// Records the losses and stops after `stop_at` steps.
struct Recorder<'a> {
    losses: Vec<f32>,
    stop_at: usize,
    stop: &'a AtomicBool,
}

impl Watcher for Recorder<'_> {
    fn step(&mut self, progress: &Progress) {
        self.losses.push(progress.loss);
        if progress.step == self.stop_at {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn epoch(&mut self, _: &EpochMetrics) {}
}

fn logits(net: &Network) -> Vec<f32> {
    let luma: Vec<f32> = (0..48 * 48).map(|i| (i % 97) as f32 / 48.0 - 1.0).collect();
    let luma = Tensor::<4>::from_data(TensorData::new(luma, [1, 1, 48, 48]), &Device::flex());
    net.forward(luma, &mut Noise::off())[0].to_data().iter::<f32>().collect()
}

/// What every test trains on.
struct Bench {
    folder: tempfile::TempDir,
    data: Dataset,
    device: Device,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = data(folder.path()).read().unwrap();
        Self { folder, data, device: Device::flex().autodiff() }
    }

    fn dir(&self, name: &str) -> PathBuf {
        let dir = self.folder.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    fn begin(&self, recipe: &Recipe) -> (Examples, Checkpoint) {
        let examples = Examples::training(&self.data, recipe, None).unwrap();
        let fingerprint = examples.fingerprint(&self.data);
        (examples, begin(recipe.clone(), 3, fingerprint, &self.device))
    }

    fn train(
        &self,
        dir: &Path,
        examples: &Examples,
        at: &mut Checkpoint,
        stop_at: usize,
    ) -> Result<(Outcome, Vec<f32>), TrainError> {
        let stop = AtomicBool::new(false);
        let mut recorder = Recorder { losses: Vec::new(), stop_at, stop: &stop };
        let devices = [self.device.clone(), self.device.clone()];
        let plan = Plan { data: &self.data, examples, dir, devices: &devices };
        let outcome = train(&plan, at, &stop, &mut recorder)?;
        Ok((outcome, recorder.losses))
    }

    fn load(&self, dir: &Path) -> Checkpoint {
        Checkpoint::load(dir, &self.device, optimizer).unwrap()
    }
}

/// Trains `recipe` once whole and once cut in the middle of the second epoch: the curves agree.
fn resumes(recipe: &Recipe) {
    let bench = Bench::new();
    let (examples, mut whole) = bench.begin(recipe);
    assert_eq!((examples.len(), examples.leaked, examples.not_a_face), (ROWS - 8, 0, 0));
    let (outcome, expected) =
        bench.train(&bench.dir("whole"), &examples, &mut whole, usize::MAX).unwrap();
    assert_eq!((outcome, expected.len()), (Outcome::Finished, 12));

    let cut_dir = bench.dir("cut");
    let (_, mut first) = bench.begin(recipe);
    let (outcome, mut losses) = bench.train(&cut_dir, &examples, &mut first, 6).unwrap();
    assert_eq!((outcome, losses.len()), (Outcome::Interrupted, 6));
    drop(first);
    let mut second = bench.load(&cut_dir);
    let (outcome, rest) = bench.train(&cut_dir, &examples, &mut second, usize::MAX).unwrap();
    losses.extend(rest);
    assert_eq!((outcome, losses.len()), (Outcome::Finished, 12));
    for (a, b) in losses.iter().zip(&expected) {
        assert!((a - b).abs() < 1e-3 * b.abs(), "{losses:?}\n{expected:?}");
    }
    assert!(expected[11] < expected[0], "{expected:?}");
    // What is exported is the same too, batch norm's statistics included.
    let (a, b) = (logits(&whole.average), logits(&second.average));
    for (a, b) in a.iter().zip(&b) {
        assert!((a - b).abs() < 1e-2 * b.abs().max(1.0), "{a} {b}");
    }
    let metrics = std::fs::read_to_string(cut_dir.join("metrics.jsonl")).unwrap();
    let epochs: Vec<serde_json::Value> =
        metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(epochs.len(), 3);
    assert!(epochs[2]["validation"]["ferplus-8"].as_f64().unwrap() >= 0.0);
}

#[test]
fn resumed_training_repeats_the_loss_curve() {
    resumes(&recipe());
}

#[test]
fn so_does_every_other_rule_and_decay() {
    let mut adam = recipe();
    adam.optimizer.rule = Rule::AdamW { beta_1: 0.9, beta_2: 0.999 };
    adam.optimizer.learning_rate = 3e-3;
    adam.schedule.decay = Decay::Plateau { patience: 1, factor: 0.5, floor: 0.01 };
    adam.augment.mixup = 0.2;
    adam.heads[0].class_weights = ClassWeights::Root;
    resumes(&adam);

    let mut adam = recipe();
    adam.optimizer.rule = Rule::Adam { beta_1: 0.9, beta_2: 0.999 };
    adam.optimizer.learning_rate = 3e-3;
    adam.optimizer.ema_decay = 0.0;
    adam.optimizer.batch = 4;
    adam.optimizer.accumulate = 2;
    adam.schedule.decay = Decay::Step { every: 1, factor: 0.5 };
    resumes(&adam);
}

#[test]
fn patience_ends_a_training_and_keeps_the_best_weights() {
    let bench = Bench::new();
    let mut recipe = recipe();
    recipe.schedule.epochs = 500;
    recipe.schedule.patience = 2;
    let (examples, mut at) = bench.begin(&recipe);
    let dir = bench.dir("run");
    let (outcome, _) = bench.train(&dir, &examples, &mut at, usize::MAX).unwrap();
    assert_eq!(outcome, Outcome::Stopped);
    let loaded = bench.load(&dir);
    let scores = loaded.scores();
    let best = best(&scores).unwrap();
    assert_eq!(scores.len() - 1 - best, 2, "{scores:?}");
    let kept = loaded.exported(&dir, &Device::flex()).unwrap();
    let accuracies = Validation::new(&bench.data, &recipe).accuracies(&kept, &Device::flex());
    assert_eq!(accuracies["ferplus-8"], scores[best]);
}

#[test]
fn refuses_other_data_than_the_checkpoints() {
    let bench = Bench::new();
    let (_, mut at) = bench.begin(&recipe());
    let fewer = Examples::training(&bench.data, &recipe(), Some(10)).unwrap();
    let error = bench.train(&bench.dir("run"), &fewer, &mut at, 1).unwrap_err();
    assert!(error.to_string().contains("other examples"), "{error}");
}

#[test]
fn one_training_a_folder() {
    let dir = tempfile::tempdir().unwrap();
    let first = lock(dir.path()).unwrap();
    let error = lock(dir.path()).unwrap_err().to_string();
    assert!(error.contains("another training runs in"), "{error}");
    drop(first);
    lock(dir.path()).unwrap();
}

#[test]
fn refuses_a_damaged_checkpoint() {
    let bench = Bench::new();
    let dir = bench.dir("run");
    bench.begin(&recipe()).1.save(&dir).unwrap();
    let path = dir.join(FILE);
    let bytes = std::fs::read(&path).unwrap();
    for damaged in [&bytes[..bytes.len() / 2], b"", b"something else entirely"] {
        std::fs::write(&path, damaged).unwrap();
        let error = Checkpoint::load(&dir, &bench.device, optimizer).err().unwrap().to_string();
        assert!(error.contains(FILE) && error.contains("--resume"), "{error}");
    }
}

/// A disk that fills up, here a limit on the size of files, costs no checkpoint.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_last_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let files = data(folder.path());
    let recipe_path = folder.path().join("tiny.toml");
    let mut short = recipe();
    short.schedule.epochs = 1;
    std::fs::write(&recipe_path, toml::to_string(&short).unwrap()).unwrap();
    let run_dir = folder.path().join("run");
    let train = |limit: &str, extra: &[&str]| {
        // Beyond the limit a write fails, as on a full disk, once the signal is ignored.
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_emocue"), "train", "--run"]).arg(&run_dir);
        command.arg("--fer2013").args(&files.fer2013).arg("--ferplus").args(&files.ferplus);
        command.args(extra).output().unwrap()
    };
    let recipe_arguments = ["--recipe", recipe_path.to_str().unwrap()];
    let output = train("unlimited", &recipe_arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let before = std::fs::read(run_dir.join(FILE)).unwrap();

    let output = train("8", &[&recipe_arguments[..], &["--overwrite"]].concat());
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains(FILE) && error.contains("space"), "{error}");
    assert_eq!(std::fs::read(run_dir.join(FILE)).unwrap(), before);
}

/// Ctrl-C, `--resume`, `export` as a person runs them.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_checkpoint_that_resumes_and_exports() {
    let folder = tempfile::tempdir().unwrap();
    let files = data(folder.path());
    let recipe_path = folder.path().join("tiny.toml");
    let mut endless = recipe();
    endless.schedule.epochs = 10_000;
    std::fs::write(&recipe_path, toml::to_string(&endless).unwrap()).unwrap();
    let run_dir = folder.path().join("run");
    let emocue = |verb: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
        command.arg(verb).arg("--run").arg(&run_dir).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let with_data = |command: &mut Command| {
        command.arg("--fer2013").args(&files.fer2013).arg("--ferplus").args(&files.ferplus);
    };
    let interrupted = |extra: &[&str]| {
        let mut command = emocue("train");
        with_data(&mut command);
        let mut child = command.args(extra).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // It has begun once an epoch is reported.
        let begun = lines.by_ref().map(Result::unwrap).find(|line| line.starts_with("epoch"));
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let last = lines.map(Result::unwrap).collect::<Vec<_>>().join("\n");
        assert!(child.wait().unwrap().success());
        assert!(last.contains("--resume"), "{last}");
        begun.unwrap()
    };
    let first = interrupted(&["--recipe", recipe_path.to_str().unwrap()]);
    assert!(first.starts_with("epoch 1:"), "{first}");
    let resumed = interrupted(&["--resume"]);
    assert!(!resumed.starts_with("epoch 1:"), "{resumed}");

    // A second start must not silently throw the first away.
    let mut again = emocue("train");
    with_data(&mut again);
    let output = again.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--resume"));

    let onnx = folder.path().join("net.onnx");
    let output = emocue("export").arg("-o").arg(&onnx).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::metadata(&onnx).unwrap().len() > 10_000);
}
