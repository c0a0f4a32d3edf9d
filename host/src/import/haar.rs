//! Imports OpenCV's Haar cascades from their XML files.

use std::str::FromStr;

use emocue_models::bundle::haar::{
    HaarCascade, HaarError, HaarFeature, HaarNode, HaarRect, HaarStage, HaarTree,
};
use emocue_models::failure::{Failure, exit};
use roxmltree::{Document, Node};

/// Largest file, bytes; OpenCV's largest cascade has 2.7 MB.
const MAX_BYTES: usize = 16 << 20;

/// A file is not a supported cascade.
#[derive(Debug, thiserror::Error)]
pub enum HaarImportError {
    /// The file is too large.
    #[error("{0} bytes are too many for a cascade (at most {MAX_BYTES})")]
    TooLarge(usize),
    /// The file is not text.
    #[error("not an XML file: {0}")]
    Text(#[from] std::str::Utf8Error),
    /// The file is not XML.
    #[error("not an XML file: {0}")]
    Xml(#[from] roxmltree::Error),
    /// The format of OpenCV 1, which current versions convert when they read it.
    #[error("a cascade in the format of OpenCV 1")]
    OldFormat,
    /// An unsupported kind of cascade.
    #[error("line {line}: unsupported {what} {found:?}; expected {expected}")]
    Unsupported {
        /// Line of the file.
        line: u32,
        /// Name of the entry.
        what: &'static str,
        /// Its value.
        found: String,
        /// The supported value.
        expected: &'static str,
    },
    /// An entry is missing.
    #[error("line {line}: <{parent}> has no <{child}>")]
    Missing {
        /// Line of the file.
        line: u32,
        /// Name of the parent element.
        parent: String,
        /// Name of the missing element.
        child: &'static str,
    },
    /// An entry is invalid.
    #[error("line {line}: <{entry}> is invalid: expected {expected}")]
    Entry {
        /// Line of the file.
        line: u32,
        /// Its name.
        entry: String,
        /// The expected content.
        expected: &'static str,
    },
    /// The cascade is invalid.
    #[error(transparent)]
    Cascade(#[from] HaarError),
}

impl Failure for HaarImportError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::OldFormat | Self::Missing { .. } | Self::Text(_) | Self::Xml(_) => {
                "Use a cascade of OpenCV 3 or 4, e.g. data/haarcascades/haarcascade_frontalface_default.xml."
            }
            _ => return None,
        };
        Some(help.to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

/// Converts the cascade of an XML file to the format of bundles.
///
/// # Errors
/// [`HaarImportError`], naming the line.
pub fn import(xml: &[u8]) -> Result<Vec<u8>, HaarImportError> {
    if xml.len() > MAX_BYTES {
        return Err(HaarImportError::TooLarge(xml.len()));
    }
    let document = Document::parse(std::str::from_utf8(xml)?)?;
    Ok(cascade(document.root_element())?.to_bytes()?)
}

fn cascade(storage: Node<'_, '_>) -> Result<HaarCascade, HaarImportError> {
    let found = storage.children().find(Node::is_element);
    let root = found.ok_or_else(|| missing(storage, "cascade"))?;
    if root.attribute("type_id") == Some("opencv-haar-classifier") {
        return Err(HaarImportError::OldFormat);
    }
    for (what, name, expected) in
        [("cascade", "stageType", "BOOST"), ("feature type", "featureType", "HAAR")]
    {
        let entry = child(root, name)?;
        let found = entry.text().unwrap_or_default().trim();
        if found != expected {
            let (line, found) = (line(entry), found.to_owned());
            return Err(HaarImportError::Unsupported { line, what, found, expected });
        }
    }
    let side = |name| -> Result<u8, HaarImportError> {
        let entry = child(root, name)?;
        let found: Vec<u8> = numbers(entry, "a whole number up to 255")?;
        found.first().copied().ok_or_else(|| invalid(entry, "a whole number up to 255"))
    };
    let stages = items(child(root, "stages")?).map(stage).collect::<Result<_, _>>()?;
    let features = items(child(root, "features")?).map(feature).collect::<Result<_, _>>()?;
    Ok(HaarCascade { width: side("width")?, height: side("height")?, features, stages })
}

fn stage(entry: Node<'_, '_>) -> Result<HaarStage, HaarImportError> {
    let threshold = child(entry, "stageThreshold")?;
    let found: Vec<f32> = numbers(threshold, "a number")?;
    let trees = items(child(entry, "weakClassifiers")?).map(tree).collect::<Result<_, _>>()?;
    let threshold = *found.first().ok_or_else(|| invalid(threshold, "a number"))?;
    Ok(HaarStage { threshold, trees })
}

fn tree(entry: Node<'_, '_>) -> Result<HaarTree, HaarImportError> {
    const EXPECTED: &str = "for each node: left, right, feature, threshold";
    let nodes = child(entry, "internalNodes")?;
    let values: Vec<&str> = nodes.text().unwrap_or_default().split_ascii_whitespace().collect();
    let node = |values: &[&str]| {
        let [left, right, feature, threshold] = values else { return None };
        Some(HaarNode {
            left: left.parse().ok()?,
            right: right.parse().ok()?,
            feature: feature.parse().ok()?,
            threshold: threshold.parse().ok()?,
        })
    };
    let found: Option<Vec<HaarNode>> = values.chunks(4).map(node).collect();
    Ok(HaarTree {
        nodes: found.ok_or_else(|| invalid(nodes, EXPECTED))?,
        leaves: numbers(child(entry, "leafValues")?, "numbers")?,
    })
}

fn feature(entry: Node<'_, '_>) -> Result<HaarFeature, HaarImportError> {
    const EXPECTED: &str = "x, y, width, height and weight";
    let rect = |entry: Node<'_, '_>| {
        let values: Vec<f32> = numbers(entry, EXPECTED)?;
        let [sides @ .., weight] = values.as_slice() else { return Err(invalid(entry, EXPECTED)) };
        let whole = |side: &f32| ((*side as u8) as f32 == *side).then_some(*side as u8);
        let sides: Option<Vec<u8>> = sides.iter().map(whole).collect();
        match sides.as_deref() {
            Some(&[x, y, width, height]) => Ok(HaarRect { x, y, width, height, weight: *weight }),
            _ => Err(invalid(entry, EXPECTED)),
        }
    };
    let rects = items(child(entry, "rects")?).map(rect).collect::<Result<_, _>>()?;
    let tilted = child(entry, "tilted").ok().and_then(|entry| entry.text());
    Ok(HaarFeature { tilted: tilted.is_some_and(|text| text.trim() != "0"), rects })
}

/// The elements of a list, which OpenCV names `_`.
fn items<'a, 'i>(list: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    list.children().filter(Node::is_element)
}

fn child<'a, 'i>(
    parent: Node<'a, 'i>,
    name: &'static str,
) -> Result<Node<'a, 'i>, HaarImportError> {
    let found = parent.children().find(|child| child.has_tag_name(name));
    found.ok_or_else(|| missing(parent, name))
}

fn numbers<T: FromStr>(
    entry: Node<'_, '_>,
    expected: &'static str,
) -> Result<Vec<T>, HaarImportError> {
    let words = entry.text().unwrap_or_default().split_ascii_whitespace();
    let found: Option<Vec<T>> = words.map(|word| word.parse().ok()).collect();
    found.ok_or_else(|| invalid(entry, expected))
}

fn line(node: Node<'_, '_>) -> u32 {
    node.document().text_pos_at(node.range().start).row
}

fn missing(parent: Node<'_, '_>, child: &'static str) -> HaarImportError {
    let name = parent.tag_name().name().to_owned();
    HaarImportError::Missing { line: line(parent), parent: name, child }
}

fn invalid(entry: Node<'_, '_>, expected: &'static str) -> HaarImportError {
    let name = entry.tag_name().name().to_owned();
    HaarImportError::Entry { line: line(entry), entry: name, expected }
}

#[cfg(test)]
mod tests {
    use emocue_models::geometry::Rect;
    use emocue_models::picture::{self, Rules};
    use emocue_run::Detector as _;
    use emocue_run::haar::{Haar, HaarSettings};
    use emocue_run::portraits::PORTRAITS;

    use super::*;

    const XML: &str = include_str!("haar/small.xml");

    fn refused(xml: &str) -> String {
        import(xml.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn trees_and_features_are_read() {
        let cascade = HaarCascade::from_bytes(&import(XML.as_bytes()).unwrap()).unwrap();
        assert_eq!((cascade.width, cascade.height), (24, 20));
        assert_eq!(cascade.stages[1].threshold, 1.75);
        let tree = &cascade.stages[1].trees[0];
        assert_eq!(tree.leaves, [-0.5, 1.0, 0.25]);
        let node = HaarNode { feature: 2, threshold: 0.03125, left: -1, right: -2 };
        assert_eq!(tree.nodes[1], node);
        assert!(!cascade.features[0].tilted && cascade.features[2].tilted);
        let rect = HaarRect { x: 12, y: 4, width: 3, height: 5, weight: 2.0 };
        assert_eq!(cascade.features[2].rects[1], rect);
        assert_eq!(cascade.features[3].rects.len(), 3);
    }

    /// What `cv2.CascadeClassifier("small.xml").detectMultiScale(picture, 1.1, 5, minSize=(30, 30))` of OpenCV 4.14 finds
    /// in the embedded portraits.
    const OPENCV: [&[[f32; 4]]; 2] = [
        &[[204.0, 282.0, 53.0, 44.0], [370.0, 324.0, 63.0, 53.0]],
        &[
            [63.0, 448.0, 115.0, 97.0],
            [175.0, 95.0, 125.0, 104.0],
            [223.0, 93.0, 130.0, 108.0],
            [247.0, 284.0, 49.0, 41.0],
            [249.0, 265.0, 46.0, 39.0],
            [405.0, 483.0, 54.0, 45.0],
        ],
    ];

    #[test]
    fn an_imported_cascade_finds_what_opencv_finds() {
        let mut haar =
            Haar::load(&import(XML.as_bytes()).unwrap(), HaarSettings::default()).unwrap();
        let mut faces = Vec::new();
        for (portrait, expected) in PORTRAITS.iter().zip(OPENCV) {
            let picture = picture::decode(portrait.jpeg, &Rules::BADGE).unwrap();
            haar.detect(&picture, &mut faces).unwrap();
            assert_eq!(faces.len(), expected.len(), "{}: {faces:?}", portrait.file);
            for [x, y, width, height] in expected.iter().copied() {
                let rect = Rect::new(x, y, width, height);
                let found = faces.iter().any(|face| face.rect.iou(&rect) > 0.9);
                assert!(found, "{}: {rect:?} is not in {faces:?}", portrait.file);
            }
        }
    }

    #[test]
    fn other_files_are_refused_with_the_line() {
        let changed = |from: &str, to: &str| refused(&XML.replace(from, to));
        assert!(refused("<html>").contains("not an XML file"));
        assert!(
            changed("opencv-cascade-classifier", "opencv-haar-classifier").contains("OpenCV 1")
        );
        let lbp = "line 5: unsupported feature type \"LBP\"; expected HAAR";
        assert_eq!(changed("HAAR", "LBP"), lbp);
        assert!(changed("<featureType>", "<other>").contains("not an XML file"));
        assert!(changed("<width>24", "<width>240").starts_with("the window: "));
        assert!(changed("stageThreshold", "x").contains("line 14: <_> has no <stageThreshold>"));
        assert!(changed("1 0 1 1.e-01", "1 0 1").contains("<internalNodes> is invalid"));
        assert!(changed("12 4 3 5 2.", "12 4 3.5 5 2.").contains("<_> is invalid: expected x, y"));
        assert!(changed("12 4 3 5 2.", "12 4 13 5 2.").contains("not inside the window"));
        // Recursive entity expansion.
        let bomb = "<!DOCTYPE a [<!ENTITY b \"&b;&b;\">]><a>&b;</a>";
        assert!(refused(bomb).contains("not an XML file"));
    }
}
