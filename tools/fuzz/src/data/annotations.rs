//! Lists and annotations beside pictures that can be read.

use emocue_data::faces::{self, FaceLayout};
use emocue_data::layout::{DatasetLayout, ReadOptions, read};
use emocue_data::map::Map;
use image::ImageFormat;

use super::{SIDE, check, check_faces, file, picture, scratch};
use crate::FuzzTarget;

/// A list of a data set.
pub const ANNOTATIONS: FuzzTarget = FuzzTarget {
    name: "annotations",
    what: "the lists and annotations of AffectNet, YOLO, RAF-DB, FER+ and JAFFE, class maps, and marked faces",
    run: annotations,
    seeds: || LISTS.iter().zip(0_u8..).map(|(list, kind)| [&[kind], list.seed].concat()).collect(),
};

/// Who reads a list.
enum Reader {
    Dataset(DatasetLayout),
    Faces(FaceLayout),
}

/// A layout with one file that an input fills.
struct List {
    reader: Reader,
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
        reader: Reader::Dataset(DatasetLayout::AffectNet),
        list: "training.csv",
        pictures: &["Manually_Annotated_Images/1/a.png"],
        others: &[],
        seed: b"subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal\n1/a.png,0,0,8,8,1;2,3,-0.1,0.2\n",
    },
    List {
        reader: Reader::Dataset(DatasetLayout::AffectNet),
        list: "train_set/annotations/0_exp.npy",
        pictures: &["train_set/images/0.jpg"],
        others: &[],
        seed: b"\x93NUMPY\x01\0\x3c\0{'descr': '<U1', 'fortran_order': False, 'shape': (), }     \n3\0\0\0",
    },
    List {
        reader: Reader::Dataset(DatasetLayout::Yolo),
        list: "data.yaml",
        pictures: &["train/images/a.png"],
        others: &[("train/labels/a.txt", "0 0.5 0.5 0.5 0.5\n")],
        seed: b"train: ../train/images\nnc: 2\nnames: ['happy', 'sad']\n",
    },
    List {
        reader: Reader::Dataset(DatasetLayout::Yolo),
        list: "train/labels/a.txt",
        pictures: &["train/images/a.png"],
        others: &[("data.yaml", "names:\n  0: happy\n  1: sad\n")],
        seed: b"0 0.5 0.5 0.5 0.5\n1 0.25 0.25 0.5 0.5\n",
    },
    List {
        reader: Reader::Dataset(DatasetLayout::RafDb),
        list: "EmoLabel/list_patition_label.txt",
        pictures: &["Image/aligned/train_00001_aligned.jpg", "Image/aligned/test_0001_aligned.jpg"],
        others: &[],
        seed: b"train_00001.jpg 5\ntest_0001.jpg 1\n",
    },
    List {
        reader: Reader::Dataset(DatasetLayout::RafDb),
        list: "DATASET/train_labels.csv",
        pictures: &["DATASET/train/1/train_00001_aligned.jpg", "DATASET/test/7/test_0001_aligned.jpg"],
        others: &[("DATASET/test_labels.csv", "image,label\ntest_0001_aligned.jpg,7\n")],
        seed: b"image,label\ntrain_00001_aligned.jpg,1\n",
    },
    List {
        reader: Reader::Dataset(DatasetLayout::FerPlus),
        list: "FER2013Train/label.csv",
        pictures: &["FER2013Train/fer0000000.png"],
        others: &[],
        seed: b"fer0000000.png,\"(0, 0, 48, 48)\",4,0,0,1,3,2,0,0,0,0\n",
    },
    List {
        reader: Reader::Dataset(DatasetLayout::Folder),
        list: "map.toml",
        pictures: &["laughing/a.png", "calm/b.png"],
        others: &[],
        seed: b"labels = \"valence-3\"\n[classes]\nlaughing = \"positive\"\ncalm = \"skip\"\n",
    },
    List {
        reader: Reader::Dataset(DatasetLayout::Jaffe),
        list: "KA.HA2.30.tiff",
        pictures: &["KA.AN1.39.tiff"],
        others: &[],
        seed: b"II*\0\x08\0\0\0\0\0",
    },
    List {
        reader: Reader::Faces(FaceLayout::Csv),
        list: "marks.csv",
        pictures: &["images/a.png"],
        others: &[],
        seed: b"image,x,y,width,height,score,re_x,re_y,le_x,le_y,nose_x,nose_y,rm_x,rm_y,lm_x,lm_y\nimages/a.png,1,1,9,9,.9,2,2,5,2,4,4,2,6,5,6\n",
    },
    List {
        reader: Reader::Faces(FaceLayout::Wider),
        list: "wider_face_val_bbx_gt.txt",
        pictures: &["images/a.png", "images/b.png"],
        others: &[],
        seed: b"a.png\n2\n1 1 4 4 0 0 0 0 0 0 \n2 2 0 4 1 0 0 1 0 0 \nb.png\n0\n0 0 0 0 0 0 0 0 0 0 \n",
    },
    List {
        reader: Reader::Faces(FaceLayout::Voc),
        list: "Annotations/a.xml",
        pictures: &["JPEGImages/a.png"],
        others: &[],
        seed: b"<annotation><filename>a.png</filename><object><name>face</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>6</xmax><ymax>7</ymax></bndbox></object></annotation>",
    },
    List {
        reader: Reader::Faces(FaceLayout::Yolo),
        list: "labels/a.txt",
        pictures: &["images/a.png"],
        others: &[],
        seed: b"0 0.5 0.5 0.5 0.5\n",
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
    let layout = match list.reader {
        Reader::Faces(layout) => return check_faces(faces::read_as(&root, Some(layout))),
        Reader::Dataset(layout) => layout,
    };
    let mut options = ReadOptions { side: SIDE, labels: None, map: None };
    if list.list.ends_with(".toml") {
        match Map::read(&path) {
            Ok(map) => options.map = Some(map),
            Err(error) => return check(Err(error)),
        }
        std::fs::remove_file(&path).expect("it was written");
    }
    check(read(&root, Some(layout), &options));
}
