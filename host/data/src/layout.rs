//! The layouts of published datasets, their detection, and reading.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use emocue_models::label::{FER_7, LabelSet};

use super::dataset::Dataset;
use super::map::Map;
use super::table::open_csv;
use super::{
    DataError, SIDE, affectnet, below, children, ck_plus, fer2013, ferplus_folders, folder, jaffe,
    name_of, npz, picture, raf_db, yolo,
};

/// A layout that a dataset is published in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatasetLayout {
    /// FER2013 as a CSV file from Kaggle.
    Fer2013,
    /// FER+ as folders of pictures with a list of votes.
    FerPlus,
    /// RAF-DB's basic expressions.
    RafDb,
    /// CK+ (extended Cohn-Kanade) as folders of pictures.
    CkPlus,
    /// JAFFE (Japanese Female Facial Expression).
    Jaffe,
    /// AffectNet in its releases.
    AffectNet,
    /// Boxes with classes in YOLO's layout.
    Yolo,
    /// A NumPy archive.
    Npz,
    /// The Toronto Face Database.
    Toronto,
    /// A folder for each class.
    Folder,
}

/// Options for reading a dataset.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Width and height of every picture, px.
    pub side: usize,
    /// The label set, for layouts that do not define it.
    pub labels: Option<LabelSet>,
    /// A mapping of classes.
    pub map: Option<Map>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { side: SIDE, labels: None, map: None }
    }
}

impl DatasetLayout {
    /// All layouts.
    pub const ALL: [Self; 10] = [
        Self::Fer2013,
        Self::FerPlus,
        Self::RafDb,
        Self::CkPlus,
        Self::Jaffe,
        Self::AffectNet,
        Self::Yolo,
        Self::Npz,
        Self::Toronto,
        Self::Folder,
    ];

    /// Its name on the command line, such as `"raf-db"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fer2013 => "fer2013",
            Self::FerPlus => "ferplus",
            Self::RafDb => "raf-db",
            Self::CkPlus => "ck-plus",
            Self::Jaffe => "jaffe",
            Self::AffectNet => "affectnet",
            Self::Yolo => "yolo",
            Self::Npz => "npz",
            Self::Toronto => "toronto",
            Self::Folder => "folder",
        }
    }

    /// Its characteristics.
    pub fn looks_like(self) -> &'static str {
        match self {
            Self::Fer2013 => {
                "A CSV file with the columns emotion, pixels and (but for train.csv) Usage"
            }
            Self::FerPlus => {
                "FER2013Train, FER2013Valid and FER2013Test with pictures and label.csv"
            }
            Self::RafDb => {
                "EmoLabel/list_patition_label.txt and Image/aligned, or DATASET/train/1 to 7 and test/1 to 7"
            }
            Self::CkPlus => "CK+48: folders anger to surprise with S010_004_00000017.png",
            Self::Jaffe => "Files like KA.AN1.39.tiff",
            Self::AffectNet => {
                "train_set and val_set with images and annotations, or training.csv and validation.csv"
            }
            Self::Yolo => "data.yaml with names, and train, valid and test with images and labels",
            Self::Npz => {
                "A NumPy archive: inputs_train and target_train, x_train and y_train, X and y; needs --data-labels"
            }
            Self::Toronto => "toronto_face.npz",
            Self::Folder => "A folder per class, also below train, val and test",
        }
    }

    /// Detects the layout of a file or folder from its names and first bytes.
    ///
    /// # Errors
    /// [`DataError`] with a list of all layouts when none matches, and for an archive that is not unpacked.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        let io = |source| DataError::Io { path: path.to_owned(), source };
        let unknown =
            |what: String| DataError::DatasetLayout { path: path.to_owned(), what, known: known() };
        if path.metadata().map_err(io)?.is_dir() {
            return of_folder(&root_of(path)?)?
                .ok_or_else(|| unknown("the folder looks like none of the layouts".to_owned()));
        }
        let mut start = Vec::new();
        File::open(path).map_err(io)?.take(512).read_to_end(&mut start).map_err(io)?;
        let name = name_of(path).to_lowercase();
        if name.ends_with(".npz") {
            return Ok(if name.contains("toronto") { Self::Toronto } else { Self::Npz });
        }
        if let Some(archive) = archive(&start, &name) {
            let what = format!("this is {archive}; unpack it and name the folder");
            return Err(unknown(what));
        }
        if !(name.ends_with(".csv") || name.ends_with(".csv.gz")) {
            return Err(unknown("the file looks like none of the layouts".to_owned()));
        }
        let mut table = open_csv(path, true)?;
        let header = table.headers().map(|header| header.iter().collect::<Vec<_>>().join(","));
        let header = header.unwrap_or_default();
        let columns: Vec<&str> =
            header.trim_start_matches('\u{feff}').split(',').map(str::trim).collect();
        let first = columns.first().copied().unwrap_or_default();
        if columns.contains(&"pixels") {
            Ok(Self::Fer2013)
        } else if first == affectnet::COLUMNS[0]
            || (columns.len() == affectnet::COLUMNS.len() && first.contains('/'))
        {
            Ok(Self::AffectNet)
        } else {
            Err(unknown(format!("the header \"{header:.120}\" is none of the layouts'")))
        }
    }
}

#[cfg(feature = "clap")]
impl clap::ValueEnum for DatasetLayout {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()).help(self.looks_like()))
    }
}

/// One line for each layout.
fn known() -> String {
    let lines = DatasetLayout::ALL
        .iter()
        .map(|layout| format!("--layout {:<10} {}", layout.name(), layout.looks_like()));
    lines.collect::<Vec<_>>().join("\n")
}

/// The kind of archive according to the first bytes.
fn archive(start: &[u8], name: &str) -> Option<&'static str> {
    match start {
        [b'P', b'K', 3 | 5, ..] => Some("a packed ZIP archive"),
        [0x1f, 0x8b, ..] if !name.ends_with(".csv.gz") => Some("a packed gzip archive"),
        [b'R', b'a', b'r', b'!', ..] => Some("a packed RAR archive"),
        [b'7', b'z', 0xBC, 0xAF, ..] => Some("a packed 7z archive"),
        [0xFD, b'7', b'z', b'X', b'Z', ..] => Some("a packed xz archive"),
        _ if start.get(257..262) == Some(b"ustar") => Some("a packed tar archive"),
        _ => None,
    }
}

/// The dataset's root folder: enclosing folders that contain no data but one folder are skipped, as archives have them.
/// A single split or class is not skipped.
fn root_of(path: &Path) -> Result<PathBuf, DataError> {
    let mut root = path.to_owned();
    while root.is_dir() {
        let (folders, files) = children(&root)?;
        let is_data = |file: &PathBuf| {
            let name = name_of(file).to_lowercase();
            picture::is_picture(file)
                || [".csv", ".yaml", ".npz"].iter().any(|end| name.ends_with(end))
        };
        let [only] = folders.as_slice() else { break };
        let (below, inside) = children(only)?;
        let is_part = folder::is_part(only) || inside.iter().any(|file| picture::is_picture(file));
        if is_part || below.is_empty() || files.iter().any(is_data) {
            break;
        }
        root.clone_from(only);
    }
    Ok(root)
}

fn of_folder(root: &Path) -> Result<Option<DatasetLayout>, DataError> {
    if raf_db::list_below(root).is_some() {
        return Ok(Some(DatasetLayout::RafDb));
    }
    if affectnet::has_annotations(root) || affectnet::has_lists(root) {
        return Ok(Some(DatasetLayout::AffectNet));
    }
    if ferplus_folders::is_in(root) {
        return Ok(Some(DatasetLayout::FerPlus));
    }
    if yolo::is_in(root) {
        return Ok(Some(DatasetLayout::Yolo));
    }
    if raf_db::has_folders(root) {
        return Ok(Some(DatasetLayout::RafDb));
    }
    // Only the first picture is tested; the reader checks every one.
    for entry in below(root) {
        let entry = entry?;
        if !(entry.file_type().is_file() && picture::is_picture(entry.path())) {
            continue;
        }
        let name = entry.file_name().to_string_lossy();
        return Ok(match entry.depth() {
            1 => jaffe::told_by(&name).map(|_| DatasetLayout::Jaffe),
            2 if ck_plus::subject(&name).is_some() => Some(DatasetLayout::CkPlus),
            _ => Some(DatasetLayout::Folder),
        });
    }
    Ok(None)
}

/// Reads `path` in `layout`, or in the detected one.
///
/// # Errors
/// [`DataError`] naming file and row; see the readers.
pub fn read(
    path: &Path,
    layout: Option<DatasetLayout>,
    options: &ReadOptions,
) -> Result<Dataset, DataError> {
    let layout = match layout {
        Some(layout) => layout,
        None => DatasetLayout::of(path)?,
    };
    let path = &root_of(path)?;
    let ReadOptions { side, labels, map } = options;
    let is_silent =
        [DatasetLayout::Npz, DatasetLayout::Toronto, DatasetLayout::Folder, DatasetLayout::Yolo]
            .contains(&layout);
    let brings_labels = !is_silent;
    if labels.is_some() && (brings_labels || map.is_some()) {
        let what = format!(
            "--data-labels does not go with {}",
            if brings_labels { layout.name() } else { "--map" }
        );
        let help = "--data-labels tells what the labels of an npz or the names of a folder per class mean.";
        return Err(DataError::Asked { what, help });
    }
    let data = match layout {
        DatasetLayout::Fer2013 => fer2013::read(path)?.resized(*side),
        DatasetLayout::FerPlus => ferplus_folders::read(path, *side)?,
        DatasetLayout::RafDb => raf_db::read(path, *side)?,
        DatasetLayout::CkPlus => ck_plus::read(path, *side)?,
        DatasetLayout::Jaffe => jaffe::read(path, *side)?,
        DatasetLayout::AffectNet => affectnet::read(path, *side)?,
        DatasetLayout::Toronto => npz::read(path, layout.name(), labels.unwrap_or(FER_7), *side)?,
        DatasetLayout::Npz => {
            let labels = labels.ok_or_else(|| DataError::Asked {
                what: format!("{} does not tell what its labels mean", path.display()),
                help: "Name their order with --data-labels: fer-7, ferplus-8, affectnet-8, raf-7, ck-7 or valence-3.",
            })?;
            npz::read(path, layout.name(), labels, *side)?
        }
        // A map applies to the dataset's own names, not to those of a label set.
        DatasetLayout::Folder => return folder::read(path, *labels, map.as_ref(), *side),
        DatasetLayout::Yolo => return yolo::read(path, *labels, map.as_ref(), *side),
    };
    match map {
        Some(map) => map.apply(data),
        None => Ok(data),
    }
}

#[cfg(test)]
mod tests {
    use emocue_models::label::VALENCE_3;

    use super::*;
    use crate::fixture;

    /// A folder with these files; a file with a picture's name is a picture.
    fn tree(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            if picture::is_picture(&path) {
                fixture::save(&path, 48, 1)
            } else {
                fixture::write(&path, b"")
            }
        }
        root
    }

    fn told(files: &[&str]) -> Result<DatasetLayout, String> {
        DatasetLayout::of(tree(files).path()).map_err(fixture::reported)
    }

    #[test]
    fn folders_are_told_by_their_names() {
        assert_eq!(told(&["EmoLabel/list_patition_label.txt"]), Ok(DatasetLayout::RafDb));
        assert_eq!(told(&["basic/EmoLabel/list_patition_label.txt"]), Ok(DatasetLayout::RafDb));
        assert_eq!(told(&["KA.AN1.39.tiff", "README.txt"]), Ok(DatasetLayout::Jaffe));
        assert_eq!(
            told(&["anger/S010_004_00000017.png", "happy/x.txt"]),
            Ok(DatasetLayout::CkPlus)
        );
        assert_eq!(told(&["train_set/annotations/1_exp.npy"]), Ok(DatasetLayout::AffectNet));
        assert_eq!(told(&["validation.csv"]), Ok(DatasetLayout::AffectNet));
        assert_eq!(told(&["happy/1.png", "sad/2.png"]), Ok(DatasetLayout::Folder));
        assert_eq!(told(&["ck/CK+48/anger/S010_004_00000017.png"]), Ok(DatasetLayout::CkPlus));
        assert_eq!(told(&["DATASET/train/1/train_00001_aligned.jpg"]), Ok(DatasetLayout::RafDb));
        assert_eq!(told(&["train/happy/S010_004_00000017.png"]), Ok(DatasetLayout::Folder));
        for files in [&["IMG_1.jpg"][..], &["notes.txt"], &[]] {
            let error = told(files).unwrap_err();
            assert!(
                error.contains("--layout raf-db ") && error.contains("KA.AN1.39.tiff"),
                "{error}"
            );
        }
    }

    #[test]
    fn files_are_told_by_their_first_bytes() {
        let root = tempfile::tempdir().unwrap();
        let told = |name: &str, bytes: &[u8]| {
            let file = root.path().join(name);
            fixture::write(&file, bytes);
            DatasetLayout::of(&file).map_err(fixture::reported)
        };
        assert_eq!(told("a.csv", b"emotion,pixels,Usage\n"), Ok(DatasetLayout::Fer2013));
        assert_eq!(
            told("training.csv", b"subDirectory_filePath,face_x\n"),
            Ok(DatasetLayout::AffectNet)
        );
        assert_eq!(
            told("validation.csv", b"1/a.jpg,1,2,3,4,5;6,0,0,0\n"),
            Ok(DatasetLayout::AffectNet)
        );
        assert_eq!(told("toronto_face.npz", b"PK"), Ok(DatasetLayout::Toronto));
        assert_eq!(told("faces.npz", b"PK"), Ok(DatasetLayout::Npz));
        assert!(told("basic.zip", b"PK\x03\x04").unwrap_err().contains("unpack it"));
        assert!(
            told("fer2013.tar.gz", b"\x1f\x8b\x08").unwrap_err().contains("gzip archive; unpack")
        );
        assert!(told("b.csv", b"name,age\n").unwrap_err().contains("\"name,age\""));
        assert!(told("b.bin", b"?").unwrap_err().contains("--layout folder"));
        let error = fixture::reported(DatasetLayout::of(&root.path().join("missing")).unwrap_err());
        assert!(error.contains("cannot read") && error.contains("missing"), "{error}");
    }

    #[test]
    fn labels_are_asked_for_only_where_the_layout_is_silent() {
        let root = tree(&["KA.AN1.39.tiff", "KA.SU1.40.tiff"]);
        let options = ReadOptions { labels: Some(FER_7), ..ReadOptions::default() };
        let error = fixture::reported(read(root.path(), None, &options).unwrap_err());
        assert!(error.contains("--data-labels does not go with jaffe"), "{error}");
        let npz = tree(&["faces.npz"]);
        let error = read(&npz.path().join("faces.npz"), None, &ReadOptions::default());
        assert!(fixture::reported(error.unwrap_err()).contains("--data-labels: fer-7"));
    }

    #[test]
    fn the_folder_above_a_dataset_is_as_good() {
        let root =
            tree(&["CK+48/anger/S010_004_00000017.png", "CK+48/happy/S011_006_00000011.png"]);
        fixture::write(&root.path().join("readme.txt"), b"x");
        let data = read(root.path(), None, &ReadOptions::default()).unwrap();
        assert_eq!((data.layout(), data.len()), ("ck-plus", 2));
        // A split is not an enclosing folder.
        let root = tree(&["test/happy/1.png", "test/sad/1.png"]);
        let data = read(root.path(), None, &ReadOptions::default()).unwrap();
        assert_eq!(data.rows(crate::Split::PrivateTest).len(), 2);
        // Nor is a class.
        let root = tree(&["happy/a/1.png", "happy/b/2.png"]);
        assert_eq!(read(root.path(), None, &ReadOptions::default()).unwrap().len(), 2);
    }

    #[test]
    fn every_layout_can_be_mapped_by_class_names() {
        let root = tree(&["KA.AN1.39.tiff", "KA.HA1.40.tiff", "KA.SU1.41.tiff"]);
        let map = root.path().join("map.toml");
        let line = |name: &&str| match *name {
            "happiness" => "happiness = \"positive\"\n".to_owned(),
            "surprise" => "surprise = \"skip\"\n".to_owned(),
            name => format!("{name} = \"negative\"\n"),
        };
        let lines: String = FER_7.names.iter().map(line).collect();
        fixture::write(&map, format!("labels = \"valence-3\"\n[classes]\n{lines}"));
        let options = ReadOptions { map: Some(Map::read(&map).unwrap()), ..ReadOptions::default() };
        let data = read(root.path(), None, &options).unwrap();
        assert_eq!((data.labels(), data.len(), data.label(1)), (VALENCE_3, 2, 0));
        assert_eq!(data.skipped()["class surprise"], 1);
    }
}
