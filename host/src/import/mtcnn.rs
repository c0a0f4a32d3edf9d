//! MTCNN (Zhang et al. 2016, "Joint face detection and alignment using multitask cascaded convolutional
//! networks") from the published PyTorch state dicts of `facenet-pytorch` to ONNX graphs for luma.
//!
//! Four transformations, none of which changes results beyond rounding:
//! - **Luma**: the first convolution's weights are summed over its three input channels, which is equivalent for a grey
//!   picture.
//! - **Normalisation**: `(x - 127.5) / 128` is folded into the first convolution. It has no padding, so every window
//!   sees the same offset; the graphs' input is `0..=255`.
//! - **Two-class softmax**: `softmax([a, b])[1] = sigmoid(b - a)`, so the two rows become their difference.
//! - **Axis order**: the published networks flatten `[W,H,C]` before their first dense layer; the columns of
//!   its weights are put in ONNX's `[C,H,W]` order.

use std::path::{Path, PathBuf};

use emocue_run::mtcnn::MtcnnNets;

use emocue_models::failure::{Failure, exit};
use emocue_models::files;
use emocue_quantize::onnx::{Array, Conv, Dim, GraphBuilder, GraphError, Pool, Value};
use emocue_weights::{WeightsError, WeightsFile};

/// MTCNN's networks as `emocue import mtcnn` writes them: P-, R- and O-Net.
pub const FILES: [&str; 3] = ["pnet.onnx", "rnet.onnx", "onet.onnx"];

/// The networks' inputs were trained on `(x - MEAN) * SCALE`.
const MEAN: f64 = 127.5;
const SCALE: f64 = 1.0 / 128.0;

/// The published weights cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The weights are missing or belong to other networks.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A graph was built wrongly: a defect of this program.
    #[error(transparent)]
    Graph(#[from] GraphError),
}

impl Failure for ImportError {
    fn help(&self) -> Option<String> {
        match self {
            Self::Weights(error) => error.help(),
            Self::Graph(_) => None,
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Weights(error) => error.exit_code(),
            Self::Graph(_) => exit::FAILED,
        }
    }
}

/// A network's file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {source}", path.display())]
pub struct ReadError {
    /// Path of the file.
    pub path: PathBuf,
    /// The operating system's error.
    pub source: std::io::Error,
}

impl Failure for ReadError {
    fn exit_code(&self) -> u8 {
        exit::INPUT
    }
}

/// Reads the networks in `folder`.
///
/// # Errors
/// [`ReadError`] naming the file.
pub fn nets_in(folder: &Path) -> Result<MtcnnNets, ReadError> {
    let read = |name: &str| {
        let path = folder.join(name);
        files::read_at_most(&path, files::MAX_BINARY).map_err(|source| ReadError { path, source })
    };
    let [pnet, rnet, onet] = FILES;
    Ok(MtcnnNets { pnet: read(pnet)?, rnet: read(rnet)?, onet: read(onet)? })
}

/// Reads `pnet.pt`, `rnet.pt` and `onet.pt` in `folder` and returns the three networks as ONNX.
///
/// # Errors
/// [`ImportError`], naming the file and the tensor.
pub fn import(folder: &Path) -> Result<MtcnnNets, ImportError> {
    let open = |name: &str| WeightsFile::open(&folder.join(name));
    Ok(MtcnnNets {
        pnet: pnet(&open("pnet.pt")?)?,
        rnet: rnet(&open("rnet.pt")?)?,
        onet: onet(&open("onet.pt")?)?,
    })
}

/// Proposal network: `luma` `[N,1,H,W]` to `score` `[N,1,h,w]` and `box` `[N,4,h,w]`, one cell for each window of 12 px
/// with a stride of 2 px.
fn pnet(weights: &WeightsFile) -> Result<Vec<u8>, ImportError> {
    let (h, w) = (Dim::Named("h"), Dim::Named("w"));
    let mut net = Net::new("pnet", weights, [Dim::Named("H"), Dim::Named("W")]);
    net.first_conv(10)?;
    net.prelu("prelu1", 10, Spatial)?;
    net.pool("pool1", 2);
    net.conv("conv2", [16, 10, 3])?;
    net.prelu("prelu2", 16, Spatial)?;
    net.conv("conv3", [32, 16, 3])?;
    net.prelu("prelu3", 32, Spatial)?;
    net.conv_score("score", "conv4_1", 32, &[Dim::BATCH, Dim::Fixed(1), h, w])?;
    net.conv_output("box", "conv4_2", [4, 32, 1], &[Dim::BATCH, Dim::Fixed(4), h, w])?;
    net.finish()
}

/// Refinement network: `luma` `[N,1,24,24]` to `score` `[N,1]` and `box` `[N,4]`.
fn rnet(weights: &WeightsFile) -> Result<Vec<u8>, ImportError> {
    let mut net = Net::new("rnet", weights, [Dim::Fixed(24); 2]);
    net.first_conv(28)?;
    net.prelu("prelu1", 28, Spatial)?;
    net.pool("pool1", 3);
    net.conv("conv2", [48, 28, 3])?;
    net.prelu("prelu2", 48, Spatial)?;
    net.pool("pool2", 3);
    net.conv("conv3", [64, 48, 2])?;
    net.prelu("prelu3", 64, Spatial)?;
    net.first_dense("dense4", 128, [64, 3, 3])?;
    net.prelu("prelu4", 128, Flat)?;
    net.dense_score("score", "dense5_1", 128)?;
    net.dense_output("box", "dense5_2", [4, 128])?;
    net.finish()
}

/// Output network: `luma` `[N,1,48,48]` to `score` `[N,1]`, `box` `[N,4]` and `landmarks` `[N,10]`
/// (five x, then five y).
fn onet(weights: &WeightsFile) -> Result<Vec<u8>, ImportError> {
    let mut net = Net::new("onet", weights, [Dim::Fixed(48); 2]);
    net.first_conv(32)?;
    net.prelu("prelu1", 32, Spatial)?;
    net.pool("pool1", 3);
    net.conv("conv2", [64, 32, 3])?;
    net.prelu("prelu2", 64, Spatial)?;
    net.pool("pool2", 3);
    net.conv("conv3", [64, 64, 3])?;
    net.prelu("prelu3", 64, Spatial)?;
    net.pool("pool3", 2);
    net.conv("conv4", [128, 64, 2])?;
    net.prelu("prelu4", 128, Spatial)?;
    net.first_dense("dense5", 256, [128, 3, 3])?;
    net.prelu("prelu5", 256, Flat)?;
    net.dense_score("score", "dense6_1", 256)?;
    net.dense_output("box", "dense6_2", [4, 256])?;
    net.dense_output("landmarks", "dense6_3", [10, 256])?;
    net.finish()
}

/// The shape over which a PReLU's slopes broadcast: `[N,C,H,W]` or `[N,C]`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Axes {
    Spatial,
    Flat,
}
use Axes::{Flat, Spatial};

/// One network: a chain of published layers, whose last value is `x`.
struct Net<'a> {
    weights: &'a WeightsFile,
    graph: GraphBuilder,
    x: Value,
}

impl<'a> Net<'a> {
    fn new(name: &str, weights: &'a WeightsFile, [height, width]: [Dim; 2]) -> Self {
        let mut graph = GraphBuilder::new(name);
        let x = graph.input("luma", &[Dim::BATCH, Dim::Fixed(1), height, width]);
        Self { weights, graph, x }
    }

    fn read(&self, layer: &str, part: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        self.weights.floats_of_shape(&format!("{layer}.{part}"), shape)
    }

    /// `conv1`, `[O,3,3,3]` over `(rgb - MEAN) * SCALE`, as `[O,1,3,3]` over luma.
    fn first_conv(&mut self, outputs: usize) -> Result<(), WeightsError> {
        let rgb = self.read("conv1", "weight", &[outputs, 3, 3, 3])?;
        let mut bias = self.read("conv1", "bias", &[outputs])?;
        let mut luma = Vec::with_capacity(outputs * 9);
        for (filter, bias) in rgb.chunks_exact(27).zip(&mut bias) {
            let taps =
                |i: usize| (0..3).map(|channel| f64::from(filter[channel * 9 + i])).sum::<f64>();
            let total: f64 = (0..9).map(taps).sum();
            luma.extend((0..9).map(|i| (taps(i) * SCALE) as f32));
            *bias = (f64::from(*bias) - MEAN * SCALE * total) as f32;
        }
        let shape = [outputs, 1, 3, 3];
        let weight = Array::new(&shape, &luma);
        self.x = self.graph.conv("conv1", &self.x, weight, Some(&bias), Conv::default());
        Ok(())
    }

    fn conv(&mut self, layer: &str, shape: [usize; 3]) -> Result<(), WeightsError> {
        self.x = self.conv_as(layer, layer, shape)?;
        Ok(())
    }

    fn conv_as(
        &mut self,
        name: &str,
        layer: &str,
        [outputs, inputs, kernel]: [usize; 3],
    ) -> Result<Value, WeightsError> {
        let shape = [outputs, inputs, kernel, kernel];
        let weight = self.read(layer, "weight", &shape)?;
        let bias = self.read(layer, "bias", &[outputs])?;
        let weight = Array::new(&shape, &weight);
        Ok(self.graph.conv(name, &self.x, weight, Some(&bias), Conv::default()))
    }

    fn prelu(&mut self, layer: &str, channels: usize, axes: Axes) -> Result<(), WeightsError> {
        let slope = self.read(layer, "weight", &[channels])?;
        let shape = [channels, 1, 1];
        let shape = if axes == Spatial { &shape[..] } else { &shape[..1] };
        self.x = self.graph.prelu(layer, &self.x, Array::new(shape, &slope));
        Ok(())
    }

    /// The published networks pool partial windows at the border, too (`ceil_mode`).
    fn pool(&mut self, name: &str, kernel: usize) {
        let pool = Pool { ceil: true, ..Pool::square(kernel, 2) };
        self.x = self.graph.max_pool(name, &self.x, pool);
    }

    /// A dense layer on `[C,H,W]` maps, whose published columns are in the order `[W,H,C]`.
    fn first_dense(
        &mut self,
        layer: &str,
        outputs: usize,
        [channels, height, width]: [usize; 3],
    ) -> Result<(), WeightsError> {
        let inputs = channels * height * width;
        let published = self.read(layer, "weight", &[outputs, inputs])?;
        let bias = self.read(layer, "bias", &[outputs])?;
        let mut weight = Vec::with_capacity(published.len());
        for row in published.chunks_exact(inputs) {
            for c in 0..channels {
                for y in 0..height {
                    weight.extend((0..width).map(|x| row[(x * height + y) * channels + c]));
                }
            }
        }
        let flat = self.graph.flatten("flatten", &self.x);
        self.x = self.graph.dense(layer, &flat, Array::new(&[outputs, inputs], &weight), &bias);
        Ok(())
    }

    fn conv_score(
        &mut self,
        name: &str,
        layer: &str,
        inputs: usize,
        shape: &[Dim],
    ) -> Result<(), WeightsError> {
        let weight = difference(&self.read(layer, "weight", &[2, inputs, 1, 1])?);
        let bias = difference(&self.read(layer, "bias", &[2])?);
        let weight_shape = [1, inputs, 1, 1];
        let weight = Array::new(&weight_shape, &weight);
        let logit = self.graph.conv(layer, &self.x, weight, Some(&bias), Conv::default());
        let score = self.graph.sigmoid(name, &logit);
        self.graph.output(&score, shape);
        Ok(())
    }

    fn dense_score(&mut self, name: &str, layer: &str, inputs: usize) -> Result<(), WeightsError> {
        let weight = difference(&self.read(layer, "weight", &[2, inputs])?);
        let bias = difference(&self.read(layer, "bias", &[2])?);
        let logit = self.graph.dense(layer, &self.x, Array::new(&[1, inputs], &weight), &bias);
        let score = self.graph.sigmoid(name, &logit);
        self.graph.output(&score, &[Dim::BATCH, Dim::Fixed(1)]);
        Ok(())
    }

    fn conv_output(
        &mut self,
        name: &str,
        layer: &str,
        weight: [usize; 3],
        shape: &[Dim],
    ) -> Result<(), WeightsError> {
        let value = self.conv_as(name, layer, weight)?;
        self.graph.output(&value, shape);
        Ok(())
    }

    fn dense_output(
        &mut self,
        name: &str,
        layer: &str,
        shape: [usize; 2],
    ) -> Result<(), WeightsError> {
        let weight = self.read(layer, "weight", &shape)?;
        let bias = self.read(layer, "bias", &shape[..1])?;
        let value = self.graph.dense(name, &self.x, Array::new(&shape, &weight), &bias);
        self.graph.output(&value, &[Dim::BATCH, Dim::Fixed(shape[0])]);
        Ok(())
    }

    fn finish(self) -> Result<Vec<u8>, ImportError> {
        Ok(self.graph.finish()?.to_bytes())
    }
}

/// The second half minus the first: the face's row minus the background's.
fn difference(rows: &[f32]) -> Vec<f32> {
    let (background, face) = rows.split_at(rows.len() / 2);
    face.iter().zip(background).map(|(f, b)| f - b).collect()
}
