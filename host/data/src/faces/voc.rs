//! Pascal VOC: an XML file for each picture, in `Annotations` or beside the pictures, with `object`s that have a `name`
//! and a `bndbox`.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use emocue_models::geometry::Rect;
use roxmltree::{Document, Node, ParsingOptions};

use super::super::{DataError, children, name_of, picture};
use super::collect::Collect;
use super::{FaceSet, MarkedFace};

const HELP: &str = "Expected <annotation> with <filename> and <object>s with <name> and <bndbox> of <xmin>, <ymin>, <xmax>, <ymax>, pictures in JPEGImages, in images or beside.";

/// The largest file, bytes: a picture with some 10,000 faces.
const MAX_FILE: u64 = 4 << 20;

/// Most elements and texts of a file.
const MAX_NODES: u32 = 300_000;

/// Folders of the pictures, relative to the set's folder.
const PICTURES: [&str; 3] = ["JPEGImages", "images", ""];

/// The XML files of the set in `path`; empty if the first one is not Pascal VOC.
pub(super) fn files_in(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    let is_xml = |file: &PathBuf| file.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml"));
    let mut files = Vec::new();
    if path.is_dir() {
        let (folders, own) = children(path)?;
        files = own;
        let named = folders.iter().find(|f| name_of(f).eq_ignore_ascii_case("annotations"));
        if let (Some(folder), false) = (named, files.iter().any(is_xml)) {
            files = children(folder)?.1;
        }
    } else {
        files.push(path.to_owned());
    }
    files.retain(is_xml);
    let is_voc = |file: &PathBuf| {
        let text = text_of(file).unwrap_or_default();
        parse(&text).is_ok_and(|xml| xml.root_element().has_tag_name("annotation"))
    };
    Ok(if files.first().is_some_and(is_voc) { files } else { Vec::new() })
}

/// Reads all files of the set in `path`.
pub(super) fn read(path: &Path) -> Result<FaceSet, DataError> {
    let files = files_in(path)?;
    let folder = files.first().and_then(|file| file.parent()).unwrap_or(path);
    let root = match folder.parent() {
        Some(parent) if name_of(folder).eq_ignore_ascii_case("annotations") => parent,
        _ => folder,
    };
    let mut set = Collect::new(name_of(root), root);
    for file in &files {
        let bad = |what: String| DataError::File { path: file.clone(), what, help: HELP };
        let text = text_of(file)?;
        let xml = parse(&text).map_err(|error| bad(error.to_string()))?;
        let root_element = xml.root_element();
        let named = text_in(root_element, "filename").unwrap_or_default();
        let name = picture_of(root, file, named).ok_or_else(|| {
            bad(format!("the picture \"{named:.80}\" is not beside it, in JPEGImages or images"))
        })?;
        set.picture(&name).map_err(bad)?;
        for object in root_element.children().filter(|node| node.has_tag_name("object")) {
            let row = xml.text_pos_at(object.range().start).row as usize;
            let bad = |what: String| DataError::Row { path: file.clone(), row, what, help: HELP };
            let shape = object.children().find(|node| node.has_tag_name("bndbox"));
            let shape = shape.ok_or_else(|| bad("an object without bndbox".to_owned()))?;
            let mut corners = [0.0; 4];
            for (corner, tag) in corners.iter_mut().zip(["xmin", "ymin", "xmax", "ymax"]) {
                let text = text_in(shape, tag).unwrap_or_default();
                *corner = text
                    .parse()
                    .map_err(|_| bad(format!("{tag} \"{text:.40}\" is not a number")))?;
            }
            let [left, top, right, bottom] = corners;
            let face = MarkedFace {
                rect: Rect::from_corners(left, top, right, bottom),
                label: text_in(object, "name").unwrap_or_default().to_owned(),
                ignore: text_in(object, "difficult") == Some("1"),
                ..MarkedFace::default()
            };
            set.face(face).map_err(bad)?;
        }
    }
    set.finish(path)
}

fn text_of(file: &Path) -> Result<String, DataError> {
    let io = |source| DataError::Io { path: file.to_owned(), source };
    let mut text = String::new();
    File::open(file).map_err(io)?.take(MAX_FILE).read_to_string(&mut text).map_err(io)?;
    Ok(text)
}

/// Without document type definitions, which prevents entity expansion.
fn parse(text: &str) -> Result<Document<'_>, roxmltree::Error> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options)
}

fn text_in<'a>(node: Node<'a, '_>, tag: &str) -> Option<&'a str> {
    let child = node.children().find(|child| child.has_tag_name(tag))?;
    child.text().map(str::trim).filter(|text| !text.is_empty())
}

/// The picture's name relative to the set's folder: the name in the file, or that of the XML file.
fn picture_of(root: &Path, file: &Path, named: &str) -> Option<String> {
    let stem = file.file_stem()?.to_string_lossy();
    let last = named.rsplit(['/', '\\']).next().unwrap_or(named);
    let by_stem = ["jpg", "jpeg", "png", "bmp"].map(|ending| format!("{stem}.{ending}"));
    let names = std::iter::once(last.to_owned()).chain(by_stem);
    let named_picture = |name: &String| picture::is_picture(Path::new(name));
    names.filter(named_picture).find_map(|name| {
        let places = PICTURES.map(|folder| Path::new(folder).join(&name));
        let place = places.into_iter().find(|place| root.join(place).is_file())?;
        Some(place.display().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faces;
    use crate::fixture;

    const OBJECT: &str = "<object><name>with_mask</name><difficult>0</difficult><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>11</xmax><ymax>22</ymax></bndbox></object>";

    fn read_in(annotations: &str, pictures: &str, xml: &str) -> Result<FaceSet, String> {
        let root = tempfile::tempdir().unwrap();
        fixture::save(&root.path().join(pictures).join("a.png"), 40, 1);
        fixture::write(&root.path().join(annotations).join("a.xml"), xml);
        let layout = Some(faces::FaceLayout::Voc);
        faces::read_as(root.path(), layout).map_err(fixture::reported)
    }

    fn annotation(objects: &str) -> String {
        format!("<annotation><filename>a.png</filename>{objects}</annotation>")
    }

    #[test]
    fn pictures_are_found_where_tools_put_them() {
        for (annotations, pictures) in
            [("Annotations", "JPEGImages"), ("annotations", "images"), ("", ""), ("", "images")]
        {
            for name in ["a.png", "a", "C:\\\\photos\\\\a.png", ""] {
                let xml = annotation(OBJECT).replace("a.png", name);
                let set = read_in(annotations, pictures, &xml).unwrap();
                let face = &set.pictures[0].faces[0];
                assert_eq!(face.rect, Rect::new(1.0, 2.0, 10.0, 20.0));
                assert_eq!((&*face.label, face.ignore), ("with_mask", false));
            }
        }
    }

    #[test]
    fn difficult_objects_do_not_count() {
        let xml = annotation(&format!("{OBJECT}{}", OBJECT.replace(">0<", ">1<")));
        let set = read_in("Annotations", "images", &xml).unwrap();
        let ignored: Vec<bool> = set.pictures[0].faces.iter().map(|face| face.ignore).collect();
        assert_eq!(ignored, [false, true]);
    }

    #[test]
    fn what_cannot_be_trusted_is_refused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;\">]><annotation><filename>&c;</filename></annotation>";
        let many = "<object/>".repeat(400_000);
        for (xml, word) in [
            (bomb.to_owned(), "layout voc"),
            (annotation("<object><name>x</name></object>"), "row 1: an object without bndbox"),
            (annotation(&OBJECT.replace(">11<", ">NaN<")), "row 1: NaN is not a position"),
            (annotation(&OBJECT.replace(">11<", "><")), "xmax \"\" is not a number"),
            (
                annotation(&OBJECT.replace(">1<", ">100<").replace(">11<", ">120<")),
                "1 boxes outside",
            ),
            (annotation(&OBJECT.replace(">11<", ">1<")), "1 boxes without an area"),
            (annotation(""), "no face is marked"),
            (annotation(&many), "layout voc"),
            ("<html/>".to_owned(), "layout voc"),
            ("<annotation>".to_owned(), "layout voc"),
        ] {
            let error = read_in("Annotations", "images", &xml).unwrap_err();
            assert!(error.contains(word), "{xml:.60}: {error}");
        }
        let root = tempfile::tempdir().unwrap();
        fixture::write(&root.path().join("Annotations/a.xml"), annotation(OBJECT));
        let error = fixture::reported(faces::read(root.path()).unwrap_err());
        assert!(error.contains("the picture \"a.png\""), "{error}");
    }
}
