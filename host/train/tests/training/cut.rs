//! A training that is interrupted and resumed gives the same result as one that is not, and its checkpoints are checked
//! when they are read.

use burn::tensor::Device;
use emocue_models::failure::Failure as _;
use emocue_train::TrainOutcome;
use emocue_train::checkpoint::{Checkpoint, FILE, PREVIOUS, TrainingState};
use emocue_train::examples::TrainingExamples;
use emocue_train::recipe::{ClassWeights, Decay, Recipe, Rule};
use emocue_train::run::lock;
use emocue_train::schedule::best;
use emocue_train::validate::Validation;

use crate::bench::{Bench, ROWS, logits, recipe};

/// Trains `recipe` once uninterrupted and once interrupted in the middle of the second epoch: the losses agree.
fn resumes(recipe: &Recipe) {
    let bench = Bench::new();
    let (examples, mut whole) = bench.begin(recipe);
    assert_eq!((examples.len(), examples.leaked, examples.not_a_face), (ROWS - 8, 0, 0));
    let (outcome, expected) =
        bench.train(&bench.dir("whole"), &examples, &mut whole, usize::MAX).unwrap();
    assert_eq!((outcome, expected.len()), (TrainOutcome::Finished, 12));

    let cut_dir = bench.dir("cut");
    let (_, mut first) = bench.begin(recipe);
    let (outcome, mut losses) = bench.train(&cut_dir, &examples, &mut first, 6).unwrap();
    assert_eq!((outcome, losses.len()), (TrainOutcome::Interrupted, 6));
    drop(first);
    let mut second = bench.load(&cut_dir);
    let (outcome, rest) = bench.train(&cut_dir, &examples, &mut second, usize::MAX).unwrap();
    losses.extend(rest);
    assert_eq!((outcome, losses.len()), (TrainOutcome::Finished, 12));
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
    assert_eq!(outcome, TrainOutcome::Stopped);
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
    let fewer = TrainingExamples::training(&bench.data, &recipe(), Some(10)).unwrap();
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
fn every_flipped_bit_is_refused_by_name_and_the_checkpoint_before_is_resumed_from() {
    let bench = Bench::new();
    let dir = bench.dir("run");
    let (_, mut at) = bench.begin(&recipe());
    at.save(&dir).unwrap();
    at.state.step = 5;
    at.save(&dir).unwrap();
    let path = dir.join(FILE);
    let good = std::fs::read(&path).unwrap();
    let places = (0..48).chain((48..good.len()).step_by(good.len() / 40)).chain([good.len() - 1]);
    for (at, bit) in places.zip((0..8).cycle()) {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << bit;
        std::fs::write(&path, bytes).unwrap();
        let error = Checkpoint::load(&dir, &bench.device).err().unwrap().to_string();
        assert!(error.contains(FILE), "bit {bit} of byte {at}: {error}");
        let (resumed, damaged) = Checkpoint::resume(&dir, &bench.device).unwrap();
        assert_eq!(resumed.state.step, 0, "bit {bit} of byte {at}");
        assert_eq!(damaged.unwrap().to_string(), error);
        assert_eq!(TrainingState::peek(&dir).unwrap().unwrap().step, 0);
    }
    // The damaged checkpoint does not replace the previous one, which can be resumed.
    at.state.step = 7;
    at.save(&dir).unwrap();
    assert_eq!(TrainingState::peek(&dir).unwrap().unwrap().step, 7);
    std::fs::write(&path, b"").unwrap();
    assert_eq!(TrainingState::peek(&dir).unwrap().unwrap().step, 0);
    std::fs::remove_file(dir.join(PREVIOUS)).unwrap();
    assert!(TrainingState::peek(&dir).is_err());
}

#[test]
fn a_checkpoint_without_a_hash_is_read_and_one_of_another_training_is_not_kept() {
    let bench = Bench::new();
    let dir = bench.dir("run");
    let (_, mut at) = bench.begin(&recipe());
    at.save(&dir).unwrap();
    let path = dir.join(FILE);
    let hashed = std::fs::read(&path).unwrap();
    // Format version 2: the version, then the content without a hash.
    let plain = [b"EMOTRN\0\x02", &hashed[8 + 32..]].concat();
    std::fs::write(&path, plain).unwrap();
    let (resumed, damaged) = Checkpoint::resume(&dir, &bench.device).unwrap();
    assert!(resumed.state == at.state && damaged.is_none());
    at.save(&dir).unwrap();
    assert!(dir.join(PREVIOUS).is_file());
    at.state.seed += 1;
    at.save(&dir).unwrap();
    assert!(!dir.join(PREVIOUS).exists());
}

/// An untrusted run folder may contain anything: a correct hash does not make the content valid.
#[test]
fn a_checkpoint_that_is_wrong_inside_is_read_or_refused() {
    let bench = Bench::new();
    let dir = bench.dir("run");
    bench.begin(&recipe()).1.save(&dir).unwrap();
    let path = dir.join(FILE);
    let good = std::fs::read(&path).unwrap()[8 + 32..].to_vec();
    // Lengths, names and types are between the values: every byte of the first part is changed, and samples of the
    // rest.
    let places = (0..400).chain((400..good.len()).step_by(good.len() / 200));
    for (number, at) in places.enumerate() {
        let mut content = good.clone();
        content[at] = [0, 0x7f, 0x80, 0xff, content[at] ^ 1][number % 5];
        if number % 7 == 0 {
            content.truncate(at);
        }
        std::fs::write(&path, [b"EMOTRN\0\x02", content.as_slice()].concat()).unwrap();
        let _ = TrainingState::peek(&dir);
        match Checkpoint::load(&dir, &bench.device) {
            Ok(read) => drop(read.exported(&dir, &Device::flex())),
            Err(error) => assert!(error.to_string().contains(FILE), "byte {at}: {error}"),
        }
    }
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
        let error = Checkpoint::load(&dir, &bench.device).err().unwrap();
        let help = error.help().unwrap();
        assert!(error.to_string().contains(FILE) && help.contains("--resume"), "{error}");
    }
}
