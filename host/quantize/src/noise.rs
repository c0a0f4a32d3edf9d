//! Quantization noise, layer by layer.

use crate::engine::{CalibrationInput, Engine};
use crate::error::QuantizeError;
use crate::lower::LoweredLayer;
use crate::onnx::{Constant, OnnxGraph, Values};
use crate::probe::Probe;

/// Calibration rows that are compared.
const ROWS: usize = 64;

/// Quantization noise of a layer's output against the float graph's.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNoise {
    /// The node's name and operator.
    pub layer: String,
    /// Signal-to-noise ratio, dB, at most 150: 20 means an error of a tenth. The noise of all layers before it is
    /// included.
    pub signal_to_noise: f64,
}

/// Compares the layers of `lowered` with the same values of the `float` graph on the first `rows`.
///
/// # Errors
/// [`QuantizeError::Engine`] when the engine refuses either graph.
pub(crate) fn noise(
    engine: &dyn Engine,
    [float, lowered]: [&OnnxGraph; 2],
    layers: &[LoweredLayer],
    rows: &[CalibrationInput],
) -> Result<Vec<LayerNoise>, QuantizeError> {
    let (lowered, names) = readable(lowered, layers);
    let floats: Vec<String> = layers.iter().map(|layer| layer.value.clone()).collect();
    let (float, quantized) =
        (Probe::new(engine, float, &floats), Probe::new(engine, &lowered, &names));
    let mut sums = vec![(0f64, 0f64); layers.len()];
    for row in rows.iter().take(ROWS) {
        let values = float.run(row)?.into_iter().zip(quantized.run(row)?);
        for ((signal, noise), (expected, actual)) in sums.iter_mut().zip(values) {
            for (a, b) in expected.iter().zip(&actual) {
                *signal += f64::from(*a) * f64::from(*a);
                *noise += f64::from(a - b) * f64::from(a - b);
            }
        }
    }
    let layer_noise = |(layer, (signal, noise)): (&LoweredLayer, (f64, f64))| LayerNoise {
        layer: layer.label.clone(),
        // Above the precision of 32-bit floats.
        signal_to_noise: (10.0 * (signal / noise.max(f64::MIN_POSITIVE)).log10()).min(150.0),
    };
    Ok(layers.iter().zip(sums).map(layer_noise).collect())
}

/// `lowered` with every layer's output dequantized, and the names of the dequantized values.
fn readable(lowered: &OnnxGraph, layers: &[LoweredLayer]) -> (OnnxGraph, Vec<String>) {
    let mut graph = lowered.clone();
    let mut names = Vec::with_capacity(layers.len());
    for (number, layer) in layers.iter().enumerate() {
        let Some(affine) = layer.affine else {
            names.push(layer.lowered.clone());
            continue;
        };
        let name = format!("noise probe {number}");
        let (scale, zero) = (format!("{name}: scale"), format!("{name}: zero"));
        let constant = |values| Constant::scalar(values);
        graph.constants.insert(scale.clone(), constant(Values::F32(vec![affine.scale])));
        graph.constants.insert(zero.clone(), constant(Values::I8(vec![affine.zero_point])));
        graph.nodes.push(tract_onnx::pb::NodeProto {
            op_type: "DequantizeLinear".to_owned(),
            input: vec![layer.lowered.clone(), scale, zero],
            output: vec![name.clone()],
            ..Default::default()
        });
        names.push(name);
    }
    (graph, names)
}
