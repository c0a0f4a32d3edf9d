//! A run's folder: which files lie there, how far its training is, and who may write to it.
//!
//! | File | What |
//! |---|---|
//! | `checkpoint.bin` | the training's whole state ([`crate::checkpoint`]) |
//! | `metrics.jsonl` | a JSON object for each finished epoch |
//! | `<label set>.onnx` | the graph of a head |
//! | `eval.json` | the figures of the graphs as deployed, written by who judges them |
//! | `arguments.json` | the command line that it was begun with |
//! | `failed.txt` | why the last try ended, where it failed |
//! | `teacher-*.bin` | answers of a teacher |
//! | `landmarks.csv` | where the rows' eyes, noses and mouths lie, for a recipe with a camera |
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
