//! Lists and annotations beside pictures that can be read.

use emocue_data::layout::{DatasetLayout, ReadOptions, read};
use emocue_data::map::Map;
use image::ImageFormat;

use super::{SIDE, check, file, picture, scratch};
use crate::FuzzTarget;

/// A list of a data set.
pub const ANNOTATIONS: FuzzTarget = FuzzTarget {
    name: "annotations",
    what: "the lists and annotations of AffectNet, YOLO, RAF-DB, FER+ and JAFFE, and class maps",
    run: annotations,
    seeds: || LISTS.iter().zip(0_u8..).map(|(list, kind)| [&[kind], list.seed].concat()).collect(),
};

/// A layout with one file that an input fills.
struct List {
    layout: DatasetLayout,
    /// The file that an input fills.
    list: &'static str,
    /// The pictures that lie there.
    pictures: &'static [&'static str],
    /// Other files.
    others: &'static [(&'static str, &'static str)],
    seed: &'static [u8],
}

const LISTS: &[List] = &[
    List {
        layout: DatasetLayout::AffectNet,
        list: "training.csv",
        pictures: &["Manually_Annotated_Images/1/a.png"],
        others: &[],
        seed: b"subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n1/a.png,0,0,8,8,1;2,3,-0.1,0.2\n",
    },
    List {
        layout: DatasetLayout::AffectNet,
        list: "train_set/annotations/0_exp.npy",
        pictures: &["train_set/images/0.jpg"],
        others: &[],
        seed: b"\x93NUMPY\x01\0\x3c\0{'descr': '<U1', 'fortran_order': False, 'shape': (), }     \n3\0\0\0",
    },
    List {
        layout: DatasetLayout::Yolo,
        list: "data.yaml",
        pictures: &["train/images/a.png"],
        others: &[("train/labels/a.txt", "0 0.5 0.5 0.5 0.5\n")],
        seed: b"train: ../train/images\nnc: 2\nnames: ['happy', 'sad']\n",
    },
    List {
        layout: DatasetLayout::Yolo,
        list: "train/labels/a.txt",
        pictures: &["train/images/a.png"],
        others: &[("data.yaml", "names:\n  0: happy\n  1: sad\n")],
        seed: b"0 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.5 0.5\n",
    },
    List {
        layout: DatasetLayout::RafDb,
        list: "EmoLabel/list_patition_label.txt",
        pictures: &["Image/aligned/train_00001_aligned.jpg", "Image/aligned/test_0001_aligned.jpg"],
        others: &[],
        seed: b"train_00001.jpg 5\ntest_0001.jpg 1\n",
    },
    List {
        layout: DatasetLayout::RafDb,
        list: "DATASET/train_labels.csv",
        pictures: &["DATASET/train/1/train_00001_aligned.jpg", "DATASET/test/7/test_0001_aligned.jpg"],
        others: &[("DATASET/test_labels.csv", "image,label\ntest_0001_aligned.jpg,7\n")],
        seed: b"image,label\ntrain_00001_aligned.jpg,1\n",
    },
    List {
        layout: DatasetLayout::FerPlus,
        list: "FER2013Train/label.csv",
        pictures: &["FER2013Train/fer0000000.png"],
        others: &[],
        seed: b"fer0000000.png,\"(0, 0, 48, 48)\",4,0,0,1,3,2,0,0,0,0\n",
    },
    List {
        layout: DatasetLayout::Folder,
        list: "map.toml",
        pictures: &["laughing/a.png", "calm/b.png"],
        others: &[],
        seed: b"labels = \"valence-3\"\n[classes]\nlaughing = \"positive\"\ncalm = \"skip\"\n",
    },
    List {
        layout: DatasetLayout::Jaffe,
        list: "KA.HA2.30.tiff",
        pictures: &["KA.AN1.39.tiff"],
        others: &[],
        seed: b"II*\0\x08\0\0\0\0\0",
    },
];

fn annotations(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    let list = &LISTS[usize::from(*kind) % LISTS.len()];
    let root = scratch();
    for name in list.pictures {
        let format = ImageFormat::from_path(name).expect("a picture's name");
        file(&root.join(name), &picture(format));
    }
    for (name, text) in list.others {
        file(&root.join(name), text.as_bytes());
    }
    let path = root.join(list.list);
    file(&path, bytes);
    let mut options = ReadOptions { side: SIDE, labels: None, map: None };
    if list.list.ends_with(".toml") {
        match Map::read(&path) {
            Ok(map) => options.map = Some(map),
            Err(error) => return check(Err(error)),
        }
        std::fs::remove_file(&path).expect("it was written");
    }
    check(read(&root, Some(list.layout), &options));
}
