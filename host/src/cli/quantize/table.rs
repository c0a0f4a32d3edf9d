//! What the verb prints of a result.

use std::fmt::Write as _;

use emocue_quantize::{LayerNoise, QuantizedGraph};
use emocue_run::RegionReport;

use super::read::FloatNetwork;

/// Layers that are shown.
const WORST: usize = 8;

/// Sizes, the rows that were used, the layers that lost most, and what computes each integer part of the graph.
pub(super) fn text(
    network: &FloatNetwork,
    result: &QuantizedGraph,
    regions: &[RegionReport],
    equalize: bool,
) -> String {
    let mut text = format!(
        "{}: {} bytes, {:.2} of the float graph's {}; {} rows calibrated it\n",
        network.output.display(),
        result.onnx.len(),
        result.onnx.len() as f64 / network.onnx.len() as f64,
        network.onnx.len(),
        network.rows.len()
    );
    if equalize {
        let _ = writeln!(text, "{} pairs of layers were equalised", result.equalized);
    }
    text += &table(&result.layers);
    for region in regions {
        let _ = writeln!(text, "{region}");
    }
    text
}

/// The layers with the least signal to noise.
fn table(layers: &[LayerNoise]) -> String {
    let mut worst: Vec<&LayerNoise> = layers.iter().collect();
    worst.sort_by(|a, b| a.signal_to_noise.total_cmp(&b.signal_to_noise));
    let mut table = format!("signal to noise of {} layers, the worst first, dB:\n", layers.len());
    for layer in worst.iter().take(WORST) {
        let _ = writeln!(table, "{:8.1}  {}", layer.signal_to_noise, layer.layer);
    }
    table
}
