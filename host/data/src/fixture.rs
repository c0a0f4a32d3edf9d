//! Synthetic pictures and files for the readers' tests.

#![allow(clippy::unwrap_used, reason = "a test helper that panics fails its test")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use emocue_models::failure::{Failure, write as report};
use image::{GrayImage, Luma};

/// A synthetic picture with structure, different for every `seed`.
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

/// Rows of [`fer2013_with_votes`].
pub const ROWS: usize = 40;

/// Writes synthetic FER2013 and FER+ files in their published layouts into `folder`: the position of a bar gives the
/// class. The last eight rows are PublicTest. Returns the paths of both files.
pub fn fer2013_with_votes(folder: &Path) -> (PathBuf, PathBuf) {
    let (fer2013, ferplus) = (folder.join("fer2013.csv"), folder.join("fer2013new.csv"));
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
    write(&fer2013, pixels);
    write(&ferplus, votes);
    (fer2013, ferplus)
}
