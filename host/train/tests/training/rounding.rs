//! Quantization-aware training.

use burn::module::Module as _;
use burn::tensor::{Device, Tensor, TensorData};
use emocue_quantize::{
    Arithmetic, CalibrationInput, Granularity, QuantizeSettings, TractEngine, quantize,
};
use emocue_run::Session;
use emocue_train::TrainOutcome;
use emocue_train::net::graph::Rounding;
use emocue_train::net::noise::Noise;

use crate::bench::{Bench, recipe};

/// Signal-to-noise ratio of `b` against `a`, dB.
fn agreement(a: &[f32], b: &[f32]) -> f32 {
    let signal: f32 = a.iter().map(|a| a * a).sum();
    let noise: f32 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    10.0 * (signal / noise.max(1e-12)).log10()
}

#[test]
fn what_is_trained_is_what_the_integer_graph_answers() {
    let bench = Bench::new();
    let mut recipe = recipe();
    recipe.rounding = Some(Rounding { per_channel: true, activations: true });
    let (examples, mut at) = bench.begin(&recipe);
    let dir = bench.dir("run");
    let (outcome, losses) = bench.train(&dir, &examples, &mut at, usize::MAX).unwrap();
    assert_eq!(outcome, TrainOutcome::Finished);
    assert!(losses[losses.len() - 1] < losses[0], "{losses:?}");

    let net = bench.load(&dir).exported(&dir, &Device::flex()).unwrap().valid();
    let rows: Vec<CalibrationInput> = examples
        .rows()
        .iter()
        .map(|row| {
            let mut values = vec![0.0; 48 * 48];
            recipe.preprocess().normalise(bench.data.picture(*row), &mut values);
            CalibrationInput { shape: vec![1, 1, 48, 48], values }
        })
        .collect();
    let settings = QuantizeSettings {
        granularity: Granularity::PerChannel,
        ..QuantizeSettings::of(Arithmetic::Int8)
    };
    let onnx = net.export(0).unwrap().to_bytes();
    let integers = quantize(&TractEngine, &onnx, &rows, settings).unwrap().onnx;
    let session = Session::load("integers", &integers, &[1, 1, 48, 48]).unwrap();
    let (mut rounded, mut plain) = (0.0, 0.0);
    for row in &rows[..8] {
        let luma = TensorData::new(row.values.clone(), [1, 1, 48, 48]);
        let luma = Tensor::<4>::from_data(luma, &Device::flex());
        let answer = |rounding| -> Vec<f32> {
            let net = net.clone().rounded(rounding);
            net.forward(luma.clone(), &mut Noise::off())[0].to_data().iter::<f32>().collect()
        };
        let outputs = session.run(|input| input.copy_from_slice(&row.values)).unwrap();
        let integers = outputs.get(0).unwrap();
        rounded += agreement(&answer(recipe.rounding), integers) / 8.0;
        plain += agreement(&answer(None), integers) / 8.0;
    }
    println!(
        "integers agree with the rounding net to {rounded:.1} dB, with the plain one to {plain:.1}"
    );
    assert!(rounded > 20.0, "{rounded} dB, plain {plain} dB");
}
