//! A run's folder: its files, the stage of its training, and its lock.
//!
//! | File | What |
//! |---|---|
//! | `checkpoint.bin` | the training's whole state ([`crate::checkpoint`]) |
//! | `metrics.jsonl` | a JSON object for each finished epoch |
//! | `<label set>.onnx` | the graph of a head |
//! | `eval.json` | the evaluation of the graphs as deployed, written by the evaluating program |
//! | `arguments.json` | the command line of its start |
//! | `failed.txt` | the error of the last attempt, if it failed |
//! | `teacher-*.bin` | the outputs of a teacher |
//! | `landmarks-*.csv` | the rows' landmarks, for a recipe with a camera |
//! | `lock` | held by the training that runs there |

mod error;
mod folder;
mod landmarks;
mod lock;
mod training;

pub use error::RunError;
pub use folder::{EVAL_FILE, FAILED_FILE, RunFolder, RunStage, RunStart, record_failure};
pub use lock::{Lock, lock};
pub use training::{Prepared, TrainRequest, Trained, Training};
