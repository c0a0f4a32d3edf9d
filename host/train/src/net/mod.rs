//! Network architectures, one file each, and the type of all: [`Network`].

pub mod alexnet;
pub mod badge;
mod body;
pub mod conv;
mod depthwise;
mod flex;
pub mod graph;
pub mod head;
pub mod layers;
pub mod mini_xception;
pub mod mlp;
pub mod noise;
pub mod norm;
pub mod plain_cnn;
mod pool;
pub mod pramerdorfer;
pub mod resnet;
pub mod resnet9;
mod size;
pub mod spec;
pub mod transfer;
pub mod vgg;
pub mod zoo;

use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::module::Module;
use burn::store::RecordError;
use burn::tensor::{Device, Tensor};
use emocue_models::label::LabelSet;

use body::Body;
use emocue_quantize::onnx::{Dim, GraphBuilder, GraphError, Model};
use graph::{Macs, Onnx, Precision, Rounding, Tensors};
use head::{Head, LOGITS};
use noise::Noise;
pub use size::Size;
pub use spec::{NetError, NetSpec};

/// Locks the random generator while initial weights are seeded and drawn: burn has one generator for the whole process.
pub fn drawing() -> MutexGuard<'static, ()> {
    static DRAWING: Mutex<()> = Mutex::new(());
    DRAWING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A face classifier: one body, and a head for each label set.
#[derive(Module, Debug)]
pub struct Network {
    body: Body,
    heads: Vec<Head>,
    #[module(skip)]
    spec: NetSpec,
    #[module(skip)]
    labels: Vec<LabelSet>,
    #[module(skip)]
    rounding: Option<Rounding>,
    #[module(skip)]
    precision: Precision,
}

impl Network {
    /// A network with initial weights, which are drawn from the device's seed when they are first read. `spec` must
    /// pass [`NetSpec::check`].
    pub fn new(spec: &NetSpec, labels: &[LabelSet], device: &Device) -> Self {
        let (body, features) = Body::new(spec, 1, device);
        let head = |set: &LabelSet| Head::new(features, set.len(), device);
        Self {
            body,
            heads: labels.iter().map(head).collect(),
            spec: spec.clone(),
            labels: labels.to_vec(),
            rounding: None,
            precision: Precision::F32,
        }
    }

    /// The same, with a forward pass that rounds as a quantized graph does; exported weights are not rounded.
    #[must_use]
    pub fn rounded(self, rounding: Option<Rounding>) -> Self {
        Self { rounding, ..self }
    }

    /// The same, with layers that multiply in `precision`, forward and backward.
    #[must_use]
    pub fn multiplying_in(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The architecture and sizes it was built with.
    pub fn spec(&self) -> &NetSpec {
        &self.spec
    }

    /// The heads' label sets, in order.
    pub fn labels(&self) -> &[LabelSet] {
        &self.labels
    }

    /// The same with `other`'s body, and with its heads for common label sets, which are also returned.
    ///
    /// # Errors
    /// burn's error when `other` has another body.
    pub fn begin_with(mut self, other: Self) -> Result<(Self, Vec<LabelSet>), RecordError> {
        // Loading may draw weights before it replaces them.
        let _drawing = drawing();
        self.body = self.body.try_load_record(other.body.into_record())?;
        let mut taken = Vec::new();
        for (labels, theirs) in other.labels.into_iter().zip(other.heads) {
            let Some(at) = self.labels.iter().position(|ours| *ours == labels) else { continue };
            let ours = self.heads.remove(at);
            self.heads.insert(at, ours.try_load_record(theirs.into_record())?);
            taken.push(labels);
        }
        Ok((self, taken))
    }

    /// Normalised luma `[N,1,S,S]`, `S` = [`NetSpec::side`], to the logits `[N,classes]` of every
    /// head.
    pub fn forward(&self, luma: Tensor<4>, noise: &mut Noise) -> Vec<Tensor<2>> {
        let mut graph = Tensors::new(noise).rounded(self.rounding).multiplying_in(self.precision);
        let features = self.body.forward(&mut graph, &luma);
        let mut logits = |head: &Head| {
            let logits = head.forward(&mut graph, &features, LOGITS);
            let [n, classes, _, _] = logits.dims();
            logits.reshape([n, classes])
        };
        self.heads.iter().map(&mut logits).collect()
    }

    /// Multiply-accumulates for one picture and one head.
    pub fn macs(&self) -> u64 {
        let mut graph = Macs::default();
        let side = self.spec.side();
        let features = self.body.forward(&mut graph, &[1, side, side]);
        if let Some(head) = self.heads.first() {
            head.forward(&mut graph, &features, LOGITS);
        }
        graph.count
    }

    /// Trained weights, those of all heads included; batch normalisation's running statistics are not counted.
    pub fn num_params(&self) -> usize {
        Size::of(self).weights
    }

    /// The graph of head number `head`: from `luma` `[N,1,S,S]` (normalised) to that head's `logits` `[N,classes]`.
    /// Further outputs are the logits of the other heads, in [`Network::order`], each named after its label set.
    ///
    /// # Errors
    /// [`GraphError`] when there is no such head or two values of the architecture share a name.
    pub fn export(&self, head: usize) -> Result<Model, GraphError> {
        let mut builder = GraphBuilder::new(&format!("emocue-{}", self.spec.kind()));
        let side = Dim::Fixed(self.spec.side());
        let luma = builder.input("luma", &[Dim::BATCH, Dim::Fixed(1), side, side]);
        if head < self.heads.len() {
            let features = self.body.forward(&mut Onnx::new(&mut builder), &luma);
            for (place, at) in self.order(head).into_iter().enumerate() {
                let labels = self.labels[at];
                let name = if place == 0 { LOGITS } else { labels.id };
                let logits = self.heads[at].forward(&mut Onnx::new(&mut builder), &features, name);
                builder.output(&logits, &[Dim::BATCH, Dim::Fixed(labels.len())]);
            }
        }
        builder.finish()
    }

    /// The heads in the order of the outputs of the graph of head number `first`: that one, then the others.
    pub fn order(&self, first: usize) -> Vec<usize> {
        let others = (0..self.heads.len()).filter(|at| *at != first);
        std::iter::once(first).chain(others).collect()
    }
}

#[cfg(test)]
mod tests;
