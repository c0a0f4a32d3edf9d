//! What quantization costs, layer by layer.

use emocue_run::Recorded;

use super::QuantizeError;
use super::lower::Layer;
use super::probe::Probe;
use crate::onnx::graph::{Constant, Graph, Values};

/// Rows that are compared.
const ROWS: usize = 64;

/// How far a layer's answer is from the float graph's.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNoise {
    /// The node's name and operator.
    pub layer: String,
    /// Signal to noise, dB: 20 means an error of a tenth. All layers before it are quantized too.
    pub signal_to_noise: f64,
}

/// Compares the layers of `lowered` with the same values of the float `graph` on the first `rows`.
///
/// # Errors
/// [`QuantizeError::Run`] when tract refuses either graph.
pub fn noise(
    graph: &Graph,
    lowered: &Graph,
    layers: &[Layer],
    rows: &[Recorded],
) -> Result<Vec<LayerNoise>, QuantizeError> {
    let (lowered, names) = readable(lowered, layers);
    let floats: Vec<String> = layers.iter().map(|layer| layer.value.clone()).collect();
    let (float, quantized) = (Probe::new(graph, &floats), Probe::new(&lowered, &names));
    let mut sums = vec![(0f64, 0f64); layers.len()];
    for row in rows.iter().take(ROWS) {
        let mut expected = Vec::with_capacity(layers.len());
        float.run(row, |_, values| {
            expected.push(values.to_vec());
            Ok(())
        })?;
        quantized.run(row, |at, values| {
            let (signal, noise) = &mut sums[at];
            for (a, b) in expected[at].iter().zip(values) {
                *signal += f64::from(*a) * f64::from(*a);
                *noise += f64::from(a - b) * f64::from(a - b);
            }
            Ok(())
        })?;
    }
    let told = |(layer, (signal, noise)): (&Layer, (f64, f64))| LayerNoise {
        layer: layer.label.clone(),
        // Beyond what 32-bit floats tell apart.
        signal_to_noise: (10.0 * (signal / noise.max(f64::MIN_POSITIVE)).log10()).min(150.0),
    };
    Ok(layers.iter().zip(sums).map(told).collect())
}

/// `lowered` with every layer's answer as floats, and those floats' names.
fn readable(lowered: &Graph, layers: &[Layer]) -> (Graph, Vec<String>) {
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
