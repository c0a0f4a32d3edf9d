//! A multilayer perceptron: dense layers with ReLU between them, on feature vectors.

use burn::module::Module;
use burn::tensor::{Device, Tensor};

use super::graph::{Graph, Tensors};
use super::head::{Features, Head, LOGITS};
use super::layers::{DenseStack, DropPlace};
use super::noise::Noise;

/// `[N, features]` to logits `[N, classes]`.
#[derive(Module, Debug)]
pub struct Mlp {
    hidden: DenseStack,
    head: Head,
}

impl Mlp {
    /// Weights drawn from the device's seed; without `hidden` layers it is logistic regression.
    pub fn new(features: usize, hidden: &[usize], classes: usize, device: &Device) -> Self {
        let last = hidden.last().copied().unwrap_or(features);
        Self {
            hidden: DenseStack::new(features, hidden, 0.0, DropPlace::After, device),
            head: Head::new(Features::Row(last), classes, device),
        }
    }

    /// Logits, in any [`Graph`].
    pub fn forward<G: Graph>(&self, graph: &mut G, rows: &G::Value) -> G::Value {
        let features = self.hidden.forward(graph, rows);
        self.head.forward(graph, &features, LOGITS)
    }

    /// Logits `[N, classes]` of `rows` `[N, features]`, in burn.
    pub fn logits(&self, rows: Tensor<2>) -> Tensor<2> {
        let [count, features] = rows.dims();
        let mut noise = Noise::off();
        let logits =
            self.forward(&mut Tensors::new(&mut noise), &rows.reshape([count, features, 1, 1]));
        let classes = logits.dims()[1];
        logits.reshape([count, classes])
    }
}
