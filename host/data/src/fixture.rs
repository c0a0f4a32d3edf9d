//! Synthetic pictures and files for the readers' tests.

#![allow(clippy::unwrap_used, reason = "a test helper that panics fails its test")]

use std::path::Path;

use emocue_models::failure::{Failure, write as report};
use image::{GrayImage, Luma};

/// A picture with structure, another one for every `seed`; nobody's face.
pub fn face(side: u32, seed: u32) -> GrayImage {
    GrayImage::from_fn(side, side, |x, y| {
        Luma([((x * (3 + seed % 7) + y * 5) ^ (seed * 37)) as u8])
    })
}

/// Writes `face(side, seed)` at `path`, folders included, in the format of its extension.
pub fn save(path: &Path, side: u32, seed: u32) {
    write(path, b"");
    face(side, seed).save(path).unwrap();
}

/// Writes `bytes` at `path`, folders included.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// An error as a program reports it, help included.
pub fn reported(error: impl Failure) -> String {
    let mut out = Vec::new();
    report(&error, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}
