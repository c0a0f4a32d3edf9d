//! One step of training for every architecture.

use burn::module::ModuleVisitor;
use burn::optim::GradientsParams;

use super::*;
use emocue_data::random::generator;

/// Checks that every weight has a finite gradient.
struct Finite<'a> {
    grads: &'a GradientsParams,
    path: Vec<String>,
    wrong: Vec<String>,
}

impl ModuleVisitor for Finite<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let finite = |grad: Tensor<D>| grad.into_data().iter::<f32>().all(f32::is_finite);
        let good = self.grads.get::<D>(param.id).is_some_and(finite);
        if !good && !path.contains("running_") {
            self.wrong.push(path);
        }
    }

    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
}

#[test]
fn every_weight_of_every_architecture_gets_a_finite_gradient() {
    const COUNT: usize = 3;
    let device = Device::flex().autodiff();
    for spec in NetSpec::zoo(8) {
        device.seed(3);
        let net = Network::new(&spec, &LABELS, &device);
        let shape = [COUNT, 1, spec.side(), spec.side()];
        let data = TensorData::new(pictures(COUNT, spec.side()), shape);
        let noise = || Noise::of((0..COUNT).map(|row| generator(1, 0, row)).collect());
        let run = |noise: &mut Noise| {
            net.forward(Tensor::from_data(data.clone(), &device), noise)
                .into_iter()
                .map(|logits| logits.powi_scalar(2).sum())
                .fold(Tensor::<1>::zeros([1], &device), |sum, part| sum + part)
        };
        let loss = run(&mut noise());
        let value = loss.clone().into_scalar::<f32>();
        assert_eq!(value, run(&mut noise()).into_scalar::<f32>(), "{spec:?}: dropout is repeated");
        // A new network's logits are small, but its input reaches the heads.
        let size = (value / (COUNT * (LABELS[0].len() + LABELS[1].len())) as f32).sqrt();
        assert!((0.003..3.0).contains(&size), "{spec:?}: logits of size {size}");
        let grads = GradientsParams::from_grads(loss.backward(), &net);
        let mut check = Finite { grads: &grads, path: Vec::new(), wrong: Vec::new() };
        net.visit(&mut check);
        assert!(check.wrong.is_empty() && value.is_finite(), "{spec:?}: {:?}", check.wrong);
    }
}
