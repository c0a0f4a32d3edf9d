//! The text of a result.

use std::fmt::Write as _;

use emocue_quantize::{LayerNoise, QuantizedGraph};
use emocue_run::RegionReport;

use super::read::FloatNetwork;

/// Number of layers that are shown.
const WORST: usize = 8;

/// Sizes, the number of calibration rows, the layers with the most noise, and the integer regions of the graph.
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

/// The layers with the lowest signal-to-noise ratio.
fn table(layers: &[LayerNoise]) -> String {
    let mut worst: Vec<&LayerNoise> = layers.iter().collect();
    worst.sort_by(|a, b| a.signal_to_noise.total_cmp(&b.signal_to_noise));
    let mut table = format!("signal to noise of {} layers, the worst first, dB:\n", layers.len());
    for layer in worst.iter().take(WORST) {
        let _ = writeln!(table, "{:8.1}  {}", layer.signal_to_noise, layer.layer);
    }
    table
}
