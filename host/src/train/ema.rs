//! Exponentially averaged weights (Polyak averaging), which generalise better than the last ones.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;

/// Moves `average` towards `net` by `1 - decay`; batch norm's running statistics too. Neither tracks
/// gradients.
pub fn update<M: Module>(average: M, net: &M, decay: f32) -> M {
    let mut current = Flat::default();
    net.visit(&mut current);
    average.map(&mut Blend { current: current.0, decay })
}

#[derive(Default)]
struct Flat(HashMap<ParamId, Tensor<1>>);

impl ModuleVisitor for Flat {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.insert(param.id, param.val().reshape([-1]));
    }
}

struct Blend {
    current: HashMap<ParamId, Tensor<1>>,
    decay: f32,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(current) = self.current.remove(&param.id) else { return param };
        let decay = self.decay;
        param.map(|value| {
            let shape = value.dims();
            value.mul_scalar(decay) + current.reshape(shape).mul_scalar(1.0 - decay)
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::net::badge::BadgeNet;

    fn first(net: &BadgeNet) -> f32 {
        net.stem.conv.weight.val().into_data().try_to_vec::<f32>().unwrap()[0]
    }

    #[test]
    fn moves_by_one_minus_decay() {
        let device = Device::flex();
        let a = BadgeNet::new(4, &device);
        let b = a.valid();
        let b = update(b, &a, 0.9);
        assert!((first(&a) - first(&b)).abs() < 1e-6);

        struct Zero;
        impl ModuleMapper for Zero {
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                param.map(|value| value.mul_scalar(0.0))
            }
        }
        let zero = a.valid().map(&mut Zero);
        assert_eq!(first(&zero), 0.0);
        let quarter = update(zero, &a, 0.75);
        assert!((first(&quarter) - 0.25 * first(&a)).abs() < 1e-6);
    }
}
