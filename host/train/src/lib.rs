//! Expression networks and their training: the only crate that uses burn.
//!
//! | Module | What |
//! |---|---|
//! | [`net`] | architectures, each defined once for burn, ONNX and a counter of operations |
//! | [`recipe`] | every setting of a training, as TOML |
//! | [`backend`] | devices: this CPU, CUDA, Vulkan |
//! | [`run`] | a run's folder: its files, and a training in it from start to exported graphs |
//! | [`examples`], [`augment`], [`camera`], [`teacher`] | rows and targets, augmentation, knowledge distillation |
//! | [`train`], [`worker`], [`loss`], [`schedule`], [`ema`] | the loop over epochs and steps, and its parts |
//! | [`watcher`] | progress of a training for its caller |
//! | [`build`] | a recipe's network and optimiser in burn |
//! | [`checkpoint`] | a training's whole state in one file |
//! | [`validate`], [`export`] | the averaged weights: validation between epochs, and export to ONNX |
//! | [`face`] | the face detector's training |
//! | [`perceptron`] | a small network on vectors that are not pictures |
//!
//! `emocue train` is three calls: [`run::RunFolder::claim`] locks the folder, [`run::RunFolder::decide`] decides what
//! is left to do there, and [`run::Training`] does it.

#![warn(clippy::disallowed_macros)]

pub mod augment;
pub mod backend;
pub mod build;
pub mod camera;
pub mod checkpoint;
pub mod ema;
pub mod examples;
pub mod export;
pub mod face;
pub mod loss;
pub mod net;
mod panics;
pub mod perceptron;
mod pool;
pub mod recipe;
pub mod run;
pub mod schedule;
pub mod teacher;
pub mod train;
pub mod validate;
pub mod watcher;
pub mod worker;

pub use train::{TrainError, TrainOutcome, TrainingInput, begin};
pub use watcher::{TrainingProgress, TrainingWatcher};
