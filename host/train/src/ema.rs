//! Exponential moving average of the weights (Polyak averaging), which generalises better than the last weights.

use std::collections::VecDeque;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// `decay * average + (1 - decay) * net`, for weights and batch normalisation's running statistics. Neither module may
/// track gradients.
///
/// Tensors are paired by their position in the module. Identifiers do not work: a loaded record restores those of
/// parameters, but not those of running statistics.
pub fn update<M: Module>(average: M, net: &M, decay: f32) -> M {
    let mut current = Flat::default();
    net.visit(&mut current);
    average.map(&mut Blend { current: current.0, decay })
}

#[derive(Default)]
struct Flat(VecDeque<Tensor<1>>);

impl ModuleVisitor for Flat {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push_back(param.val().reshape([-1]));
    }
}

struct Blend {
    current: VecDeque<Tensor<1>>,
    decay: f32,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(current) = self.current.pop_front() else { return param };
        let decay = self.decay;
        param.map(|value| {
            let shape = value.dims();
            value.mul_scalar(decay) + current.reshape(shape).mul_scalar(1.0 - decay)
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::store::ModuleRecord;
    use burn::tensor::Device;

    use super::*;
    use emocue_models::label::FER_7;

    use crate::net::{NetSpec, Network};

    fn tiny(device: &Device) -> Network {
        Network::new(&NetSpec::Badge { width: 4, dropout: 0.0 }, &[FER_7], device)
    }

    /// Every float of the module, in order.
    fn values(net: &Network) -> Vec<f32> {
        let mut flat = Flat::default();
        net.visit(&mut flat);
        flat.0.into_iter().flat_map(|t| t.into_data().iter::<f32>().collect::<Vec<_>>()).collect()
    }

    struct Scale(f32);

    impl ModuleMapper for Scale {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|value| value.mul_scalar(self.0))
        }
    }

    #[test]
    fn moves_weights_and_statistics_by_one_minus_decay() {
        let net = tiny(&Device::flex());
        let zero = net.valid().map(&mut Scale(0.0));
        let quarter = update(zero, &net, 0.75);
        for (part, whole) in values(&quarter).iter().zip(values(&net)) {
            assert!((part - 0.25 * whole).abs() < 1e-6);
        }
    }

    #[test]
    fn pairs_tensors_of_a_loaded_net_too() {
        let device = Device::flex();
        let net = tiny(&device);
        let bytes = net.clone().into_record().into_bytes().unwrap();
        let record = ModuleRecord::from_bytes(bytes).unwrap();
        let loaded = tiny(&device).load_record(record);
        let zero = loaded.map(&mut Scale(0.0));
        assert_eq!(values(&update(zero, &net, 0.0)), values(&net));
    }
}
