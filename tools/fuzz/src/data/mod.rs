//! Data sets: tables, archives, folders and annotations of others.

mod annotations;
mod folders;
mod npz;
mod table;

pub use annotations::ANNOTATIONS;
pub use folders::FOLDERS;
pub use npz::NPZ;
pub use table::TABLE;

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use emocue_data::dataset::Dataset;
use emocue_data::faces::{FaceSet, MarkedFace};
use emocue_data::summary::Summary;
use emocue_data::{DataError, fixture};
use emocue_models::failure::{self, Failure};
use image::ImageFormat;
use tempfile::TempDir;

use crate::link::folder;

/// Side of the pictures that are read here, px.
const SIDE: usize = 8;

/// An empty folder in memory, the same for every input.
fn scratch() -> PathBuf {
    thread_local!(static FOLDER: TempDir = folder());
    let folder = FOLDER.with(|folder| folder.path().join("data"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("memory takes it");
    folder
}

fn file(path: &Path, bytes: &[u8]) {
    fixture::write(path, bytes);
}

/// A square picture that can be read.
fn picture(format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    fixture::face(SIDE as u32, 3).write_to(&mut out, format).expect("memory takes it");
    out.into_inner()
}

/// Marked faces lie in their pictures and have an area, or the error can be reported.
fn check_faces(read: Result<FaceSet, DataError>) {
    let set = match read {
        Ok(set) => set,
        Err(error) => {
            assert!(!failure::line(&error).is_empty());
            drop((error.help(), error.exit_code()));
            return;
        }
    };
    assert!(set.faces() > 0);
    for picture in &set.pictures {
        let luma = picture.read().expect("pictures are whole");
        let (width, height) = (luma.width() as f32, luma.height() as f32);
        for MarkedFace { rect, .. } in &picture.faces {
            assert!(rect.width > 0.0 && rect.height > 0.0, "{rect:?}");
            assert!(rect.x >= 0.0 && rect.right() <= width + 0.1, "{rect:?}");
            assert!(rect.y >= 0.0 && rect.bottom() <= height + 0.1, "{rect:?}");
        }
    }
}

/// What holds for every data set, and for every error.
fn check(read: Result<Dataset, DataError>) {
    let data = match read {
        Ok(data) => data,
        Err(error) => {
            assert!(!failure::line(&error).is_empty());
            drop((error.help(), error.exit_code()));
            return;
        }
    };
    for row in 0..data.len() {
        assert!(data.label(row) < data.labels().names.len());
        assert_eq!(data.picture(row).len(), data.side() * data.side());
        if let Some(votes) = data.votes(row) {
            let _ = (votes.plurality(), votes.distribution());
        }
    }
    let _ = Summary::of(&data);
    let _ = data.leaked_rows();
}
