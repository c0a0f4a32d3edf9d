//! The teacher's outputs for the clean views of every photograph. The teacher is run once, and its outputs are stored
//! in the run's folder: a frame that is rotated or disturbed uses the outputs for its clean view.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use emocue_models::files::write_atomically;
use emocue_run::RunError;
use emocue_run::stretch::Stretch;
use serde::{Deserialize, Serialize};

use super::material::Material;
use super::recipe::Scenes;
use super::scene::Director;
use super::teacher::{FaceTeacher, KeptCell};

/// File of the outputs, inside a run's folder.
const FILE: &str = "teacher-views.bin";

/// The teacher's outputs for every clean view of every photograph.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Views {
    /// Identifies the pictures, the seed, the teacher and the scenes' settings.
    pub(super) key: String,
    /// Views of each photograph.
    pub each: usize,
    /// The teacher's cells of each view: `each` views of the first photograph, then of the next.
    pub seen: Vec<Vec<KeptCell>>,
}

impl Views {
    /// Reads them from `dir`; if they are missing or of other inputs, runs the teacher and stores its outputs. `None`
    /// if `stop` was set. `done` receives how many more views are done.
    ///
    /// # Errors
    /// [`RunError`] when the teacher cannot be run.
    pub fn load(
        dir: &Path,
        asked: &Asked<'_>,
        stop: &AtomicBool,
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<Option<Self>, RunError> {
        let key = asked.key();
        let path = dir.join(FILE);
        let kept = std::fs::read(&path).ok();
        let kept = kept.and_then(|bytes| postcard::from_bytes::<Self>(&bytes).ok());
        if let Some(kept) = kept.filter(|kept| kept.key == key) {
            return Ok(Some(kept));
        }
        let Some(seen) = asked.ask(stop, done)? else { return Ok(None) };
        let views = Self { key, each: asked.scenes.views, seen };
        // A failed write is ignored: without the file, the teacher is only run again.
        if let Ok(bytes) = postcard::to_stdvec(&views) {
            let _ = write_atomically(&path, &bytes);
        }
        Ok(Some(views))
    }
}

/// The inputs of the teacher's outputs.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The photographs.
    pub material: &'a Material,
    /// The settings by which views are drawn.
    pub scenes: &'a Scenes,
    /// Seed of the training.
    pub seed: u64,
    /// The teacher's graph.
    pub onnx: &'a [u8],
    /// Number of threads.
    pub workers: usize,
}

impl Asked<'_> {
    /// Number of views.
    pub fn count(&self) -> usize {
        self.material.photographs.len() * self.scenes.views
    }

    fn key(&self) -> String {
        let teacher = emocue_models::bundle::Sha256::of(self.onnx);
        let scenes = serde_json::to_string(self.scenes).unwrap_or_default();
        format!("{} {} {teacher} {scenes}", self.material.fingerprint(), self.seed)
    }

    fn ask(
        &self,
        stop: &AtomicBool,
        done: &(dyn Fn(usize) + Sync),
    ) -> Result<Option<Vec<Vec<KeptCell>>>, RunError> {
        let none = Views { each: self.scenes.views, ..Views::default() };
        let director = Director {
            material: self.material,
            views: &none,
            scenes: self.scenes,
            seed: self.seed,
        };
        let next = AtomicUsize::new(0);
        let seen = Mutex::new(vec![Vec::new(); self.count()]);
        let work = || -> Result<(), RunError> {
            let teacher = FaceTeacher::load(self.onnx)?;
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                if at >= self.count() || stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let scene = director.clean(at / self.scenes.views, at % self.scenes.views);
                let mut frame: Vec<f32> = scene.frame.into_iter().map(f32::from).collect();
                Stretch::of(&frame).apply(&mut frame);
                let cells = teacher.look(&frame)?;
                seen.lock().unwrap_or_else(PoisonError::into_inner)[at] = cells;
                done(1);
            }
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.workers.max(1)).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        let complete =
            next.load(Ordering::Relaxed) >= self.count() && !stop.load(Ordering::Relaxed);
        Ok(complete.then(|| seen.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }
}
