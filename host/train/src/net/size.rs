//! The size of a network.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Numbers of parameters of a module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Weights, which gradients update.
    pub weights: usize,
    /// Batch normalisation's running means and variances.
    pub statistics: usize,
}

impl Size {
    /// Counts without drawing weights.
    pub fn of(module: &impl Module) -> Self {
        let mut count = Count::default();
        module.visit(&mut count);
        count.size
    }
}

#[derive(Default)]
struct Count {
    path: Vec<String>,
    size: Size,
}

impl ModuleVisitor for Count {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let count = param.lazy_shape().num_elements();
        match self.path.last().is_some_and(|name| name.starts_with("running_")) {
            true => self.size.statistics += count,
            false => self.size.weights += count,
        }
    }

    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
}
