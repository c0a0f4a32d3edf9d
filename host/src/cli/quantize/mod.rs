//! `emocue quantize`

mod read;
mod table;

use crate::output::out;
use std::path::PathBuf;

use clap::Args;
use emocue_models::failure::Failure;
use emocue_models::files::write_atomically;
use emocue_quantize::{Arithmetic, Granularity, QuantizeSettings, RangeMethod, quantize};
use emocue_run::Session;

use super::SourceArgs;
use super::output::{ONNX, OverwriteArg, create_dir};
use crate::import::mtcnn::FILES;
use crate::quantize::{BadgeEngine, QuantizeFailure};

/// Convert a float ONNX graph to 8-bit weights, or to full int8.
///
/// Activations' ranges come from rows of a dataset, evenly spaced in its Training split, with the badge's own
/// preprocessing. The same arguments give the same bytes.
#[derive(Args, Debug)]
pub struct QuantizeArgs {
    /// The float graph, one input; or a folder with MTCNN's pnet.onnx, rnet.onnx and onet.onnx. For a detector --data names
    /// a folder of pictures.
    model: PathBuf,
    #[command(flatten)]
    data: SourceArgs,
    /// Arithmetic of the result.
    #[arg(long, value_enum)]
    form: Arithmetic,
    /// The quantized graph, or the folder for them.
    #[arg(short, long, value_name = "ONNX")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// The graph takes luma of 0 to 255, as detectors do: --data names a folder of pictures, whose centre crops are
    /// resampled to the input's square.
    #[arg(long, requires = "data")]
    raw: bool,
    /// One scale for all weights of a layer.
    #[arg(long, conflicts_with = "per_channel")]
    per_tensor: bool,
    /// A scale for every output channel (the default).
    #[arg(long)]
    per_channel: bool,
    /// How activations' ranges are chosen.
    #[arg(long, value_enum, default_value = "best")]
    ranges: RangeMethod,
    /// Equalise channels between neighbouring convolutions first.
    #[arg(long)]
    equalize: bool,
    /// With w8, layers with fewer weights than this stay in floats.
    #[arg(long, value_name = "COUNT")]
    keep_below: Option<usize>,
    /// With int8, layers that write the graph's outputs stay in floats, as always for a detector of one network.
    #[arg(long)]
    keep_outputs: bool,
    /// Leave biases as they are: no bias correction for the rounding of weights.
    #[arg(long)]
    keep_bias: bool,
    /// Number of calibration rows.
    #[arg(long, default_value_t = 512)]
    rows: usize,
    /// The input's shape, if the graph leaves more than the batch size open: 1,1,48,48.
    #[arg(long, value_delimiter = ',', value_name = "SIZES")]
    shape: Option<Vec<usize>>,
}

/// Runs the verb.
///
/// # Errors
/// The failure, with help; nothing is written then.
pub fn run(args: &QuantizeArgs) -> Result<(), Box<dyn Failure>> {
    args.check_outputs()?;
    let networks = read::networks(args)?;
    let mut results = Vec::with_capacity(networks.len());
    for network in &networks {
        let settings = args.settings(network.keep_outputs);
        let result = quantize(&BadgeEngine, &network.onnx, &network.rows, settings);
        let named = |error| QuantizeFailure { network: network.name.clone(), error };
        results.push(result.map_err(named)?);
    }
    // Files are written only after all networks have succeeded.
    if args.model.is_dir() {
        create_dir(&args.output)?;
    }
    for (network, result) in networks.iter().zip(&results) {
        write_atomically(&network.output, &result.onnx)?;
    }
    for (network, result) in networks.iter().zip(&results) {
        // Loads it as the badge does, for the size of the first calibration input.
        let shape = network.rows.first().map(|row| &row.shape[..]).unwrap_or_default();
        let session = Session::load(&network.name, &result.onnx, shape)?;
        out!("{}", table::text(network, result, session.regions(), args.equalize));
    }
    Ok(())
}

impl QuantizeArgs {
    /// Checks before any work that no file would be replaced without `--overwrite`.
    fn check_outputs(&self) -> Result<(), Box<dyn Failure>> {
        if !self.model.is_dir() {
            return self.overwrite.check(&self.output, ONNX, &[]);
        }
        FILES.iter().try_for_each(|name| self.overwrite.check(&self.output.join(name), ONNX, &[]))
    }

    fn settings(&self, keep_outputs: bool) -> QuantizeSettings {
        let usual = QuantizeSettings::of(self.form);
        let granularity = match (self.per_tensor, self.per_channel) {
            (true, _) => Granularity::PerTensor,
            (_, true) => Granularity::PerChannel,
            _ => usual.granularity,
        };
        QuantizeSettings {
            granularity,
            ranges: self.ranges,
            equalize: self.equalize,
            keep_below: self.keep_below.unwrap_or(usual.keep_below),
            keep_outputs,
            correct_bias: !self.keep_bias,
            ..usual
        }
    }
}
