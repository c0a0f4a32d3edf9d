//! A run allocates nothing.

use allocation_counter::measure;
use emocue_kernels::{
    Activation, AveragePool, Conv, ConvSpec, Dense, DenseSpec, Isa, MaxPool, Pointwise,
    PointwiseSpec, Quantization, Shape, Stem, Window, concat, upsample,
};

use crate::tensor::dirty;

#[test]
fn a_run_allocates_nothing() {
    let unsigned = Quantization::unsigned(0.5);
    let planes = |channels, side| dirty(Shape::new(channels, side, side), 2, 0);
    let spec = ConvSpec {
        inputs: 32,
        outputs: 64,
        groups: 1,
        window: Window::same(3, 1),
        weights: &[1; 64 * 32 * 9],
        weight_scales: &[0.01; 64],
        biases: &[0.0; 64],
        input: unsigned,
        output: unsigned,
        residual: Some(unsigned),
        activation: Activation::Relu,
    };
    let first = ConvSpec { inputs: 1, weights: &[1; 64 * 9], residual: None, ..spec };
    let pointwise = PointwiseSpec {
        channels: 64,
        input: unsigned,
        residual: Some(unsigned),
        output: unsigned,
        activation: Activation::Relu,
    };
    let dense = DenseSpec {
        shape: Shape::new(64, 1, 1),
        outputs: 8,
        weights: &[1; 8 * 64],
        weight_scales: &[0.01; 8],
        biases: &[0.0; 8],
        input: unsigned,
    };
    for isa in Isa::available() {
        let picture = Shape::new(1, 8, 8);
        let stem = Stem::new(&first, isa).unwrap();
        let mut scratch = stem.scratch(picture).unwrap();
        let conv = Conv::new(&spec, isa).unwrap();
        let each = ConvSpec { inputs: 64, groups: 64, weights: &[1; 64 * 9], ..spec };
        let each = Conv::new(&each, isa).unwrap();
        let pool = MaxPool::new(Window::valid(2, 2), isa).unwrap();
        let mean = AveragePool::new(64, Window::valid(4, 1), unsigned, unsigned, isa).unwrap();
        let pointwise = Pointwise::new(&pointwise, isa).unwrap();
        let dense = Dense::new(&dense, isa).unwrap();
        let (x, mut a, mut b, mut c) = (planes(32, 8), planes(64, 8), planes(64, 8), planes(64, 8));
        let (mut half, mut one, mut both) = (planes(64, 4), planes(64, 1), planes(128, 8));
        let mut logits = [0.0; 8];
        let info = measure(|| {
            stem.run(&[5; 64], picture, &mut scratch, &mut a).unwrap();
            conv.run(&x, Some(&a), &mut b).unwrap();
            each.run(&b, Some(&b), &mut a).unwrap();
            pointwise.run(&a, Some(&b), &mut c).unwrap();
            concat(&[&c, &b], &mut both).unwrap();
            pool.run(&a, &mut half).unwrap();
            upsample(&half, [2, 2], &mut a).unwrap();
            mean.run(&half, &mut one).unwrap();
            dense.run(&one, &mut logits).unwrap();
        });
        assert_eq!(info.count_total, 0, "{isa}");
    }
}
