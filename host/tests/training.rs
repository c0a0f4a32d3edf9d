//! A training that is cut and resumed goes the way of one that is not, in the library and from outside.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::{Device, Tensor, TensorData};
use emocue_host::cli::FerArgs;
use emocue_host::net::noise::Noise;
use emocue_host::net::{NetSpec, Network};
use emocue_host::train::checkpoint::{Checkpoint, EpochMetrics, FILE};
use emocue_host::train::examples::Examples;
use emocue_host::train::recipe::Recipe;
use emocue_host::train::{Outcome, Plan, Watcher, begin, optimizer, train};

const ROWS: usize = 40;

/// Both datasets in their published layouts, drawn here: a bar whose place tells the class.
fn data(dir: &Path) -> FerArgs {
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
    FerArgs { fer2013, ferplus }
}

fn recipe() -> Recipe {
    let mut recipe = Recipe::load("badge").unwrap();
    recipe.net = NetSpec::Badge { width: 4, dropout: 0.1 };
    recipe.optimizer.batch = 8;
    recipe.optimizer.epochs = 3;
    recipe
}

/// Records the losses and stops after `stop_at` steps.
struct Recorder<'a> {
    losses: Vec<f32>,
    stop_at: usize,
    stop: &'a AtomicBool,
}

impl Watcher for Recorder<'_> {
    fn step(&mut self, done: usize, _: usize, loss: f32) {
        self.losses.push(loss);
        if done == self.stop_at {
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

#[test]
fn resumed_training_repeats_the_loss_curve() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path()).read().unwrap();
    let examples = Examples::training(&data);
    assert_eq!((examples.len(), examples.leaked, examples.not_a_face), (ROWS - 8, 0, 0));
    let device = Device::flex().autodiff();
    let run = |dir: &Path, at: &mut Checkpoint, stop_at: usize| {
        std::fs::create_dir_all(dir).unwrap();
        let stop = AtomicBool::new(false);
        let mut recorder = Recorder { losses: Vec::new(), stop_at, stop: &stop };
        let plan = Plan { data: &data, examples: &examples, dir, workers: 2 };
        let outcome = train(&plan, at, &device, &stop, &mut recorder).unwrap();
        (outcome, recorder.losses)
    };

    let whole_dir = folder.path().join("whole");
    let mut whole = begin(recipe(), 3, &examples, &device);
    let (outcome, expected) = run(&whole_dir, &mut whole, usize::MAX);
    assert_eq!((outcome, expected.len()), (Outcome::Finished, 12));

    // In the middle of the second epoch.
    let cut_dir = folder.path().join("cut");
    let mut first = begin(recipe(), 3, &examples, &device);
    let (outcome, mut losses) = run(&cut_dir, &mut first, 6);
    assert_eq!((outcome, losses.len()), (Outcome::Interrupted, 6));
    drop(first);
    let mut second = Checkpoint::load(&cut_dir, &device, optimizer).unwrap();
    let (outcome, rest) = run(&cut_dir, &mut second, usize::MAX);
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
    assert_eq!(metrics.lines().count(), 3);
}

#[test]
fn refuses_a_damaged_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path()).read().unwrap();
    let examples = Examples::training(&data);
    let device = Device::flex().autodiff();
    begin(recipe(), 3, &examples, &device).save(folder.path()).unwrap();
    let path = folder.path().join(FILE);
    let bytes = std::fs::read(&path).unwrap();
    for damaged in [&bytes[..bytes.len() / 2], b"", b"something else entirely"] {
        std::fs::write(&path, damaged).unwrap();
        let error = Checkpoint::load(folder.path(), &device, optimizer).err().unwrap().to_string();
        assert!(error.contains(FILE) && error.contains("--resume"), "{error}");
    }
}

/// Ctrl-C, `--resume`, `export` as a person runs them.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_checkpoint_that_resumes_and_exports() {
    let folder = tempfile::tempdir().unwrap();
    let files = data(folder.path());
    let recipe_path = folder.path().join("tiny.toml");
    let mut endless = recipe();
    endless.optimizer.epochs = 10_000;
    std::fs::write(&recipe_path, toml::to_string(&endless).unwrap()).unwrap();
    let run_dir = folder.path().join("run");
    let emocue = |verb: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
        command.arg(verb).arg("--run").arg(&run_dir).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let with_data = |command: &mut Command| {
        command.arg("--fer2013").arg(&files.fer2013).arg("--ferplus").arg(&files.ferplus);
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
