//! Whether a window passes a cascade's stages.

use emocue_models::bundle::haar::HaarCascade;

use super::features::Features;
use super::integral::Integrals;

/// OpenCV lowers every stage's threshold by it.
const THRESHOLD_EPSILON: f32 = 1e-5;

/// The result for a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It passed all stages.
    Passed,
    /// A later stage failed it.
    Failed,
    /// The first stage failed it.
    FailedFirst,
}

#[derive(Debug)]
struct Stage {
    threshold: f32,
    /// Roots of its trees, as children are counted.
    roots: Vec<i32>,
}

/// Children at 0 and above are nodes; below, the leaf `!child`.
#[derive(Clone, Copy, Debug)]
struct Node {
    feature: usize,
    threshold: f32,
    left: i32,
    right: i32,
}

/// All trees, in flat arrays.
#[derive(Debug)]
pub(super) struct Stages {
    stages: Vec<Stage>,
    nodes: Vec<Node>,
    leaves: Vec<f32>,
}

impl Stages {
    /// `cascade` was checked.
    pub(super) fn of(cascade: &HaarCascade) -> Self {
        let mut all = Self { stages: Vec::new(), nodes: Vec::new(), leaves: Vec::new() };
        for stage in &cascade.stages {
            let mut roots = Vec::with_capacity(stage.trees.len());
            for tree in &stage.trees {
                let (nodes, leaves) = (all.nodes.len() as i32, all.leaves.len() as i32);
                let child = |child: i16| match i32::from(child) {
                    node @ 1.. => nodes + node,
                    leaf => !(leaves - leaf),
                };
                roots.push(nodes);
                all.nodes.extend(tree.nodes.iter().map(|node| Node {
                    feature: usize::from(node.feature),
                    threshold: node.threshold,
                    left: child(node.left),
                    right: child(node.right),
                }));
                all.leaves.extend_from_slice(&tree.leaves);
            }
            let threshold = stage.threshold - THRESHOLD_EPSILON;
            all.stages.push(Stage { threshold, roots });
        }
        all
    }

    /// Evaluates the window at `(x, y)` of the picture in `integrals`.
    pub(super) fn judge(
        &self,
        features: &Features,
        integrals: &Integrals,
        x: usize,
        y: usize,
    ) -> Verdict {
        let window = integrals.window(x, y);
        let Some(factor) = features.factor(integrals, window) else { return Verdict::Failed };
        for (index, stage) in self.stages.iter().enumerate() {
            let mut sum = 0.0;
            for &root in &stage.roots {
                let mut at = root;
                while let Some(node) = usize::try_from(at).ok().map(|at| self.nodes[at]) {
                    let value = features.value(node.feature, integrals, window) * factor;
                    at = if value < node.threshold { node.left } else { node.right };
                }
                sum += f64::from(self.leaves[!at as usize]);
            }
            if sum < f64::from(stage.threshold) {
                return if index == 0 { Verdict::FailedFirst } else { Verdict::Failed };
            }
        }
        Verdict::Passed
    }
}
