//! The parameters of layers: windows, weights, activations.

use std::rc::Rc;

use emocue_kernels::{Activation, Shape, Window};
use tract_onnx::pb::NodeProto;

use crate::graph::{Constant, int, ints, text};

/// Weights and what follows their products.
#[derive(Clone, Debug)]
pub(super) struct Weighted {
    pub(super) weights: Rc<Constant>,
    /// One, or one for each output.
    pub(super) scales: Vec<f32>,
    /// None, or one for each output.
    pub(super) biases: Vec<f32>,
    pub(super) follows: Follows,
}

/// An activation; slopes are one or one for each channel.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Follows {
    Nothing,
    Relu,
    ReluUpTo(f32),
    Prelu(Vec<f32>),
}

/// A window, and the number of groups of channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Geometry {
    pub(super) window: Window,
    pub(super) groups: usize,
    /// Whether a last window may extend beyond the edge (`ceil_mode`).
    pub(super) ceil: bool,
}

/// Window and groups of a convolution or pool; `rank` 4.
pub(super) fn geometry(node: &NodeProto, groups: usize) -> Result<Geometry, String> {
    let sizes = |name: &str, default: &[usize]| match ints(node, name) {
        None => Ok(default.to_vec()),
        Some(values) if values.len() == default.len() => values
            .iter()
            .map(|value| usize::try_from(*value).map_err(|_| format!("its {name} are negative")))
            .collect::<Result<Vec<_>, _>>(),
        Some(values) => Err(format!("it has {} {name}: expected {}", values.len(), default.len())),
    };
    let kernel = sizes("kernel_shape", &[0, 0])?;
    let (strides, pads) = (sizes("strides", &[1, 1])?, sizes("pads", &[0; 4])?);
    if sizes("dilations", &[1, 1])? != [1, 1] {
        return Err("it is dilated".to_owned());
    }
    if strides[0] != strides[1] {
        return Err(format!("its strides differ: {strides:?}"));
    }
    if !matches!(text(node, "auto_pad", "NOTSET"), "NOTSET" | "VALID") {
        return Err("its padding depends on the input".to_owned());
    }
    let ceil = int(node, "ceil_mode", 0) != 0;
    if ceil && pads.iter().any(|pad| *pad > 0) {
        return Err("it has both padding and a last window over the edge".to_owned());
    }
    let window = Window {
        kernel: [kernel[0], kernel[1]],
        stride: strides[0],
        pads: [pads[0], pads[1], pads[2], pads[3]],
    };
    Ok(Geometry { window, groups, ceil })
}

/// The window of a pool; without a geometry the whole plane.
pub(super) fn window(geometry: Option<Geometry>, shape: Shape) -> Window {
    let whole = Window { kernel: [shape.height, shape.width], stride: 1, pads: [0; 4] };
    geometry.map_or(whole, |geometry| geometry.over(shape))
}

impl Geometry {
    /// The window over values of `shape`, padded for a last one that extends beyond the edge.
    pub(super) fn over(self, shape: Shape) -> Window {
        let Window { kernel, stride, mut pads } = self.window;
        if self.ceil {
            for (axis, side) in [shape.height, shape.width].into_iter().enumerate() {
                let rest = side.saturating_sub(kernel[axis]) % stride.max(1);
                pads[axis + 2] += if rest == 0 { 0 } else { stride - rest };
            }
        }
        Window { kernel, stride, pads }
    }
}

impl Weighted {
    /// Outputs of a matrix, whose weights are `[inputs][outputs]`.
    pub(super) fn rows(&self) -> usize {
        self.weights.shape.get(1).copied().unwrap_or(0)
    }
}

/// The weights of a matrix product in the order `[outputs][inputs]`.
pub(super) fn columns(parts: &Weighted) -> Result<Vec<i8>, String> {
    let weights = parts.weights.bytes().ok_or("its weights are not of i8")?;
    let [inputs, outputs] = parts.weights.shape[..] else {
        return Err(format!("its weights have {} axes: expected 2", parts.weights.shape.len()));
    };
    let column = |output| (0..inputs).map(move |input| weights[input * outputs + output]);
    Ok((0..outputs).flat_map(column).collect())
}

/// One value is repeated for all; without any, the default is.
pub(super) fn repeated(values: &[f32], count: usize, default: f32) -> Vec<f32> {
    match values {
        [] => vec![default; count],
        [one] => vec![*one; count],
        values => values.to_vec(),
    }
}

impl Follows {
    pub(super) fn slopes(&self, channels: usize) -> Vec<f32> {
        match self {
            Self::Prelu(slopes) => repeated(slopes, channels, 1.0),
            _ => Vec::new(),
        }
    }

    pub(super) fn activation<'s>(&self, slopes: &'s [f32]) -> Activation<'s> {
        match self {
            Self::Nothing => Activation::Linear,
            Self::Relu => Activation::Relu,
            Self::ReluUpTo(most) => Activation::ReluUpTo(*most),
            Self::Prelu(_) => Activation::Prelu(slopes),
        }
    }
}
