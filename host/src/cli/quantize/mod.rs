//! `emocue quantize`

mod detector;

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use emocue_models::crop::Preprocess;
use emocue_models::geometry::Rect;
use emocue_run::Recorded;

use super::SourceArgs;
use emocue_data::dataset::Dataset;
use emocue_data::model::{metadata, preprocess};
use emocue_data::picture::pictures_in;
use emocue_data::{Split, picture, resize};
use emocue_models::files::write_atomically;
use emocue_quantize::noise::LayerNoise;
use emocue_quantize::onnx::graph::Graph;
use emocue_quantize::range::Method;
use emocue_quantize::weights::Granularity;
use emocue_quantize::{Form, Settings, quantize};

/// Layers that the table shows.
const WORST: usize = 8;

/// Turn a float ONNX graph into one with 8-bit weights, or with integers all through.
///
/// Activations' ranges come from rows of a dataset, taken at even distances from its Training split through the
/// badge's own preprocessing. The same arguments give the same bytes.
#[derive(Args, Debug)]
pub struct QuantizeArgs {
    /// The float graph, one input; or a folder with MTCNN's pnet.onnx, rnet.onnx and onet.onnx, which --data names
    /// a folder of pictures for.
    model: PathBuf,
    #[command(flatten)]
    data: SourceArgs,
    /// What the result computes with.
    #[arg(long, value_enum)]
    form: Form,
    /// The quantized graph, or the folder for them.
    #[arg(short, long, value_name = "ONNX")]
    output: PathBuf,
    /// The graph takes luma of 0 to 255, as detectors do: --data names a folder of pictures, whose middles are
    /// brought to the input's square.
    #[arg(long, requires = "data")]
    raw: bool,
    /// One scale for all weights of a layer (int8 does so by itself: tract runs that fastest).
    #[arg(long, conflicts_with = "per_channel")]
    per_tensor: bool,
    /// A scale for every output channel (w8 does so by itself).
    #[arg(long)]
    per_channel: bool,
    /// How activations' ranges are chosen.
    #[arg(long, value_enum, default_value = "best")]
    ranges: Method,
    /// Balance channels between neighbouring convolutions first.
    #[arg(long)]
    equalize: bool,
    /// With w8, layers with fewer weights than this stay in floats.
    #[arg(long, value_name = "COUNT")]
    keep_below: Option<usize>,
    /// Leave biases as they are, instead of making up for the weights' rounding.
    #[arg(long)]
    keep_bias: bool,
    /// Rows to calibrate on.
    #[arg(long, default_value_t = 512)]
    rows: usize,
    /// The input's shape, where the graph leaves more than the batch open: 1,1,48,48.
    #[arg(long, value_delimiter = ',', value_name = "SIZES")]
    shape: Option<Vec<usize>>,
}

/// Runs the verb.
///
/// # Errors
/// What went wrong and what to do next; nothing is written then.
pub fn run(args: &QuantizeArgs) -> Result<(), Box<dyn Error>> {
    if args.model.is_dir() {
        return detector::run(args);
    }
    let path = args.model.display();
    let named = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let onnx =
        std::fs::read(&args.model).map_err(|error| format!("cannot read {path}: {error}"))?;
    metadata::read(&onnx).map_err(|error| named(&error))?;
    let shape = Graph::read(&onnx).and_then(|graph| graph.input_shape(args.shape.as_deref()));
    let shape = shape.map_err(|error| named(&error))?;
    let rows = match (args.raw, &args.data.data) {
        (true, Some(folder)) => middles(folder, &shape, args.rows)?,
        _ => {
            let preprocess = preprocess(&path.to_string(), &onnx, shape.last().copied())?;
            rows(&args.data.read()?, &preprocess, args.rows, &shape)
        }
    };
    let result = quantize(&onnx, &rows, args.settings());
    let result = result.map_err(|error| named(&error))?;
    write_atomically(&args.output, &result.onnx)?;
    println!(
        "{}: {} bytes, {:.2} of the float graph's {}; {} rows calibrated it",
        args.output.display(),
        result.onnx.len(),
        result.onnx.len() as f64 / onnx.len() as f64,
        onnx.len(),
        rows.len()
    );
    if args.equalize {
        println!("{} pairs of layers were equalised", result.equalized);
    }
    print!("{}", table(&result.layers));
    Ok(())
}

impl QuantizeArgs {
    fn settings(&self) -> Settings {
        let usual = Settings::of(self.form);
        let granularity = match (self.per_tensor, self.per_channel) {
            (true, _) => Granularity::PerTensor,
            (_, true) => Granularity::PerChannel,
            _ => usual.granularity,
        };
        Settings {
            granularity,
            ranges: self.ranges,
            equalize: self.equalize,
            keep_below: self.keep_below.unwrap_or(usual.keep_below),
            correct_bias: !self.keep_bias,
            ..usual
        }
    }
}

/// `count` rows at even distances from the Training split, or from all where there is none, as the network sees
/// them.
fn rows(data: &Dataset, preprocess: &Preprocess, count: usize, shape: &[usize]) -> Vec<Recorded> {
    let data = data.clone().resized(preprocess.size);
    let mut from = data.rows(Split::Training);
    if from.is_empty() {
        from = (0..data.len()).collect();
    }
    let count = count.min(from.len());
    let row = |at: usize| {
        let mut values = vec![0.0; preprocess.pixels()];
        preprocess.normalise(data.picture(from[at * from.len() / count]), &mut values);
        Recorded { shape: shape.to_vec(), values }
    };
    (0..count).map(row).collect()
}

/// The middle squares of `count` pictures in `folder`, as luma `0..=255` of `shape`.
fn middles(folder: &Path, shape: &[usize], count: usize) -> Result<Vec<Recorded>, Box<dyn Error>> {
    let [1, 1, side, width] = *shape else {
        return Err(format!("--raw needs an input [1,1,S,S], not {shape:?}").into());
    };
    if side != width {
        return Err(format!("--raw needs a square input, not {side}x{width}\n  Name one with --shape 1,1,{side},{side}.").into());
    }
    let pictures = pictures_in(folder)?;
    let count = count.min(pictures.len());
    let middle = |at: usize| -> Result<Recorded, Box<dyn Error>> {
        let frame = picture::read(&pictures[at * pictures.len() / count])?;
        let (width, height) = (frame.width() as f32, frame.height() as f32);
        let square = width.min(height);
        let rect = Rect::new((width - square) / 2.0, (height - square) / 2.0, square, square);
        let values = resize::cut(&frame, &rect, side).into_iter().map(f32::from).collect();
        Ok(Recorded { shape: shape.to_vec(), values })
    };
    (0..count).map(middle).collect()
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
