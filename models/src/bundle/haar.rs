//! A Haar cascade (Viola and Jones 2001, Lienhart and Maydt 2002) as a bundle carries it.
//!
//! Bytes: [`MAGIC`], then [`HaarCascade`] in postcard. Coordinates are px of the window that the cascade was trained on.

use serde::{Deserialize, Serialize};

use crate::failure::{Failure, exit};

/// The first bytes of a cascade's file.
pub const MAGIC: [u8; 8] = *b"EMOHAAR1";

/// Largest file, bytes: OpenCV's largest cascade takes a quarter of it.
pub const MAX_BYTES: usize = 1 << 20;

/// Sides of a window, px.
const SIDES: std::ops::RangeInclusive<u8> = 8..=96;

/// Most stages, and most nodes of all trees together.
const MAX_STAGES: usize = 64;
const MAX_NODES: usize = 1 << 15;

/// Stages that a window passes one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaarCascade {
    /// Width of the window, px.
    pub width: u8,
    /// Height of the window, px.
    pub height: u8,
    /// What the nodes compare.
    pub features: Vec<HaarFeature>,
    /// In the order of evaluation, cheapest first.
    pub stages: Vec<HaarStage>,
}

/// A weighted sum of the pixels of two or three rectangles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaarFeature {
    /// Whether the rectangles are turned by 45 degrees.
    pub tilted: bool,
    /// Two or three.
    pub rects: Vec<HaarRect>,
}

/// A rectangle, px. A tilted one has its top corner at `x, y`, and goes `width` steps down to the right and `height`
/// steps down to the left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaarRect {
    /// Left edge.
    pub x: u8,
    /// Top edge.
    pub y: u8,
    /// Width.
    pub width: u8,
    /// Height.
    pub height: u8,
    /// Factor of its sum.
    pub weight: f32,
}

/// Trees whose leaves are added up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaarStage {
    /// The sum that a window needs to pass.
    pub threshold: f32,
    /// At least one.
    pub trees: Vec<HaarTree>,
}

/// A decision tree. Its first node is the root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaarTree {
    /// At least one; children come after their parents.
    pub nodes: Vec<HaarNode>,
    /// One more than nodes.
    pub leaves: Vec<f32>,
}

/// A comparison. A child above 0 is a node of the tree, else the leaf of its negative number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct HaarNode {
    /// Which of the cascade's features.
    pub feature: u16,
    /// In units of the window's standard deviation times its area.
    pub threshold: f32,
    /// Where the feature is below the threshold.
    pub left: i16,
    /// Where it is not.
    pub right: i16,
}

/// Bytes that are not a cascade, or one that cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum HaarError {
    /// The bytes do not begin with [`MAGIC`].
    #[error("not a Haar cascade of Emocue")]
    NotACascade,
    /// More than [`MAX_BYTES`].
    #[error("a Haar cascade of {0} bytes; the largest may have {MAX_BYTES}")]
    TooLarge(usize),
    /// The bytes cannot be decoded.
    #[error("damaged Haar cascade: {0}")]
    Encoding(#[from] postcard::Error),
    /// Something in it cannot be run.
    #[error("{place}: {reason}")]
    Invalid {
        /// Which part: `"stage 3, tree 0"`.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Failure for HaarError {
    fn help(&self) -> Option<String> {
        let imported = matches!(self, Self::NotACascade);
        imported.then(|| "Make one from OpenCV's XML with `emocue import haar`.".to_owned())
    }

    fn exit_code(&self) -> u8 {
        exit::NETWORK
    }
}

impl HaarCascade {
    /// Whether `bytes` begin as a cascade's file does.
    pub fn begins(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC)
    }

    /// Decodes and checks a file's content.
    ///
    /// # Errors
    /// [`HaarError`] for bytes that are not a cascade, or a cascade that cannot be run.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HaarError> {
        if bytes.len() > MAX_BYTES {
            return Err(HaarError::TooLarge(bytes.len()));
        }
        let encoded = bytes.strip_prefix(&MAGIC).ok_or(HaarError::NotACascade)?;
        let (cascade, rest) = postcard::take_from_bytes::<Self>(encoded)?;
        if !rest.is_empty() {
            return Err(invalid("the end", format!("{} bytes are left over", rest.len())));
        }
        cascade.check()?;
        Ok(cascade)
    }

    /// The content of a file.
    ///
    /// # Errors
    /// [`HaarError`] when the cascade could not be run or is too large.
    pub fn to_bytes(&self) -> Result<Vec<u8>, HaarError> {
        self.check()?;
        let bytes = postcard::to_extend(self, MAGIC.to_vec())?;
        if bytes.len() > MAX_BYTES {
            return Err(HaarError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    }

    /// Whether any feature is tilted.
    pub fn has_tilted(&self) -> bool {
        self.features.iter().any(|feature| feature.tilted)
    }

    /// Refuses what cannot be run: every rectangle lies in the window, every tree ends, every number is finite.
    ///
    /// # Errors
    /// [`HaarError::Invalid`] for the first part that is wrong.
    pub fn check(&self) -> Result<(), HaarError> {
        if !SIDES.contains(&self.width) || !SIDES.contains(&self.height) {
            let reason = format!(
                "{}x{} px; a side has {} to {}",
                self.width,
                self.height,
                SIDES.start(),
                SIDES.end()
            );
            return Err(invalid("the window", reason));
        }
        for (index, feature) in self.features.iter().enumerate() {
            self.check_feature(feature)
                .map_err(|reason| invalid(format!("feature {index}"), reason))?;
        }
        let nodes: usize =
            self.stages.iter().flat_map(|stage| &stage.trees).map(|tree| tree.nodes.len()).sum();
        if !(1..=MAX_STAGES).contains(&self.stages.len()) || nodes > MAX_NODES {
            let reason = format!(
                "{} stages with {nodes} nodes; expected 1 to {MAX_STAGES} with at most {MAX_NODES}",
                self.stages.len()
            );
            return Err(invalid("the cascade", reason));
        }
        for (index, stage) in self.stages.iter().enumerate() {
            if !stage.threshold.is_finite() || stage.trees.is_empty() {
                let reason = "it has no tree, or a threshold that is not finite";
                return Err(invalid(format!("stage {index}"), reason));
            }
            for (number, tree) in stage.trees.iter().enumerate() {
                tree.check(self.features.len())
                    .map_err(|reason| invalid(format!("stage {index}, tree {number}"), reason))?;
            }
        }
        Ok(())
    }

    fn check_feature(&self, feature: &HaarFeature) -> Result<(), &'static str> {
        if !(2..=3).contains(&feature.rects.len()) {
            return Err("it has two or three rectangles");
        }
        let [columns, rows] = [self.width, self.height].map(u32::from);
        let inside = |rect: &HaarRect| {
            let [x, y, width, height] = [rect.x, rect.y, rect.width, rect.height].map(u32::from);
            let fits = match feature.tilted {
                true => height <= x && x + width <= columns && y + width + height <= rows,
                false => x + width <= columns && y + height <= rows,
            };
            fits && width > 0 && height > 0
        };
        match &feature.rects {
            rects if !rects.iter().all(inside) => Err("a rectangle is not inside the window"),
            rects if !rects.iter().all(|rect| rect.weight.is_finite()) => {
                Err("a weight is not finite")
            }
            _ => Ok(()),
        }
    }
}

impl HaarTree {
    fn check(&self, features: usize) -> Result<(), &'static str> {
        let Self { nodes, leaves } = self;
        if nodes.is_empty() || leaves.len() != nodes.len() + 1 {
            return Err("it needs nodes, and one more leaf than nodes");
        }
        let finite = |value: &f32| value.is_finite();
        if !leaves.iter().all(finite) || !nodes.iter().all(|node| finite(&node.threshold)) {
            return Err("a leaf or a threshold is not finite");
        }
        for (index, node) in nodes.iter().enumerate() {
            if usize::from(node.feature) >= features {
                return Err("a node compares a feature that is not there");
            }
            // Children only follow their parents, so every path ends.
            let there = |child: i16| match usize::try_from(child) {
                Ok(0) | Err(_) => usize::from(child.unsigned_abs()) < leaves.len(),
                Ok(child) => child > index && child < nodes.len(),
            };
            if !there(node.left) || !there(node.right) {
                return Err("a node's child is not a later node or a leaf");
            }
        }
        Ok(())
    }
}

fn invalid(place: impl Into<String>, reason: impl Into<String>) -> HaarError {
    HaarError::Invalid { place: place.into(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cascade() -> HaarCascade {
        let rect = HaarRect { x: 6, y: 4, width: 4, height: 2, weight: -1.0 };
        let node = HaarNode { feature: 0, threshold: 0.5, left: 0, right: -1 };
        let tree = HaarTree { nodes: vec![node], leaves: vec![-1.0, 1.0] };
        HaarCascade {
            width: 24,
            height: 24,
            features: vec![HaarFeature { tilted: false, rects: vec![rect; 2] }],
            stages: vec![HaarStage { threshold: 0.0, trees: vec![tree] }],
        }
    }

    #[test]
    fn a_cascade_is_read_as_it_was_written() {
        let bytes = cascade().to_bytes().unwrap();
        assert!(HaarCascade::begins(&bytes));
        assert_eq!(HaarCascade::from_bytes(&bytes).unwrap(), cascade());
        let refused = |bytes: &[u8]| HaarCascade::from_bytes(bytes).unwrap_err().to_string();
        assert!(refused(&bytes[..bytes.len() - 1]).contains("damaged"));
        assert!(refused(&[&bytes[..], &[0]].concat()).contains("1 bytes are left over"));
        assert!(refused(b"PK").contains("not a Haar cascade"));
        assert!(refused(&vec![0; MAX_BYTES + 1]).contains("the largest may have"));
    }

    #[test]
    fn what_cannot_be_run_is_refused_with_its_place() {
        type Change = fn(&mut HaarCascade);
        let changes: [(&str, Change); 12] = [
            ("the window", |it| it.width = 200),
            ("the cascade", |it| it.stages.clear()),
            ("feature 0", |it| it.features[0].rects.truncate(1)),
            ("feature 0", |it| it.features[0].rects[1].x = 21),
            ("feature 0", |it| it.features[0].rects[1].height = 0),
            ("feature 0", |it| it.features[0].rects[0].weight = f32::NAN),
            // As a tilted one it reaches past the left edge.
            ("feature 0", |it| {
                it.features[0] = HaarFeature { tilted: true, ..it.features[0].clone() };
                it.features[0].rects[0].x = 1;
            }),
            ("stage 0", |it| it.stages[0].trees.clear()),
            ("stage 0, tree 0", |it| it.stages[0].trees[0].leaves.truncate(1)),
            ("stage 0, tree 0", |it| it.stages[0].trees[0].nodes[0].feature = 1),
            ("stage 0, tree 0", |it| it.stages[0].trees[0].nodes[0].left = i16::MIN),
            ("stage 0, tree 0", |it| {
                // A node that is its own child.
                let tree = &mut it.stages[0].trees[0];
                tree.nodes = vec![HaarNode { left: 1, ..tree.nodes[0] }; 2];
                tree.leaves.push(0.0);
            }),
        ];
        for (place, change) in changes {
            let mut changed = cascade();
            change(&mut changed);
            let error = changed.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{place}: ")), "{place}: {error}");
            assert!(changed.to_bytes().is_err());
        }
    }
}
