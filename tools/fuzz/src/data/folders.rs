//! Folders of any shape, as each of the layouts.

use std::fs;
use std::path::Path;

use arbitrary::{Result, Unstructured};
use emocue_data::layout::{DatasetLayout, ReadOptions, read};
use emocue_models::label::VALENCE_3;
use image::ImageFormat;

use super::{SIDE, check, picture, scratch};
use crate::FuzzTarget;

/// A tree of folders.
pub const FOLDERS: FuzzTarget = FuzzTarget {
    name: "folders",
    what: "trees of folders, files and links, as each layout: rows, or what does not belong",
    run: |data| {
        let _ = folders(&mut Unstructured::new(data));
    },
    seeds: || {
        let mut seeds: Vec<Vec<u8>> = vec![(0..80).collect(), vec![7; 60], vec![200; 60]];
        seeds.extend((0..12).map(|first: u8| {
            (0..48).map(|at: u8| first.wrapping_mul(21).wrapping_add(at.wrapping_mul(5))).collect()
        }));
        seeds
    },
};

/// Names that the layouts know, and some that they do not.
const NAMES: &[&str] = &[
    "train",
    "test",
    "val",
    "valid",
    "train_set",
    "val_set",
    "annotations",
    "images",
    "labels",
    "EmoLabel",
    "list_patition_label.txt",
    "Image",
    "aligned",
    "DATASET",
    "1",
    "7",
    "happy",
    "anger",
    "0_neutral",
    "surprise",
    "FER2013Train",
    "FER2013Valid",
    "FER2013Test",
    "label.csv",
    "KA.AN1.39.tiff",
    "KA.HA2.30.tiff",
    "S010_004_00000017.png",
    "a.png",
    "b.jpg",
    "0_exp.npy",
    "0.jpg",
    "data.yaml",
    "a.txt",
    "training.csv",
    "validation.csv",
    "train_00001_aligned.jpg",
    "train_labels.csv",
    "test_labels.csv",
    "..",
    ".hidden",
    "__MACOSX",
    "fer2013.csv",
    "x.zip",
    "Manually_Annotated_Images",
    "\u{202e}gnp.exe",
    "\u{1b}[2J",
    "contempt",
    "disgust",
];

fn folders(input: &mut Unstructured<'_>) -> Result<()> {
    let root = scratch();
    for _ in 0..input.int_in_range(1..=10)? {
        let mut path = root.clone();
        for _ in 0..input.int_in_range(1..=4)? {
            let name = match input.ratio(15_u8, 16)? {
                true => input.choose(NAMES)?.to_string(),
                false => input.arbitrary::<&str>()?.replace(['/', '\0'], ""),
            };
            // Never above the root.
            if name != ".." && !name.is_empty() {
                path.push(name.chars().take(60).collect::<String>());
            }
        }
        entry(&root, &path, input)?;
    }
    let labels = input.arbitrary::<bool>()?.then_some(VALENCE_3);
    let options = ReadOptions { side: SIDE, labels, map: None };
    check(read(&root, None, &options));
    for layout in DatasetLayout::ALL {
        check(read(&root, Some(layout), &options));
    }
    Ok(())
}

/// One entry; what cannot be made, because a file stands where a folder should be or a link leads nowhere, is left out.
fn entry(root: &Path, path: &Path, input: &mut Unstructured<'_>) -> Result<()> {
    let made = path.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok());
    if !made || path.is_dir() {
        return Ok(());
    }
    let file = |bytes: &[u8]| drop(fs::write(path, bytes));
    match input.int_in_range(0..=6)? {
        0 => drop(fs::create_dir(path)),
        #[cfg(unix)]
        1 => drop(std::os::unix::fs::symlink(root, path)),
        2 | 3 => file(&picture(ImageFormat::Png)),
        4 => file(&picture(ImageFormat::Jpeg)),
        _ => {
            let length = input.arbitrary_len::<u8>()?.min(200);
            file(input.bytes(length)?);
        }
    }
    let _ = root;
    Ok(())
}
