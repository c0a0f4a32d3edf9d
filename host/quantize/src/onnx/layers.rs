//! The layers that networks here consist of, as ONNX operators.

use super::builder::{Array, Attribute, GraphBuilder, Value};
use Attribute::{Float, Int, Ints, Text};

/// Stride, padding and groups of a convolution; by default stride 1, no padding, one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Vertical and horizontal stride, px.
    pub stride: [usize; 2],
    /// Zero padding: vertical (above and below each), horizontal (left and right each), px.
    pub pad: [usize; 2],
    /// Groups of channels.
    pub groups: usize,
}

impl Default for Conv {
    fn default() -> Self {
        Self { stride: [1, 1], pad: [0, 0], groups: 1 }
    }
}

/// Window, stride and padding of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Window height and width, px.
    pub kernel: [usize; 2],
    /// Vertical and horizontal stride, px.
    pub stride: [usize; 2],
    /// Padding: vertical (above and below each), horizontal (left and right each), px. It is never the maximum.
    pub pad: [usize; 2],
    /// Whether a last window that reaches past the border counts (PyTorch's `ceil_mode`).
    pub ceil: bool,
}

impl Pool {
    /// A square window of `kernel` px moved by `stride` px, without padding, whole windows only.
    pub const fn square(kernel: usize, stride: usize) -> Self {
        Self { kernel: [kernel; 2], stride: [stride; 2], pad: [0, 0], ceil: false }
    }

    fn attributes(self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("kernel_shape", ints(&self.kernel)),
            ("strides", ints(&self.stride)),
            ("pads", pads(self.pad)),
            ("ceil_mode", Int(i64::from(self.ceil))),
        ]
    }
}

fn ints(values: &[usize]) -> Attribute {
    Ints(values.iter().map(|&v| v as i64).collect())
}

/// ONNX expects the beginnings of all axes, then the ends.
fn pads([vertical, horizontal]: [usize; 2]) -> Attribute {
    ints(&[vertical, horizontal, vertical, horizontal])
}

impl GraphBuilder {
    /// `Conv`: `x` `[N,I,H,W]`, `weight` `[O,I/groups,kh,kw]`, `bias` `[O]`.
    pub fn conv(
        &mut self,
        name: &str,
        x: &Value,
        weight: Array<'_>,
        bias: Option<&[f32]>,
        how: Conv,
    ) -> Value {
        let kernel = weight.shape.get(2..).unwrap_or_default().to_vec();
        let weight = self.constant(&format!("{name}.weight"), weight);
        let bias = bias.map(|b| self.constant(&format!("{name}.bias"), Array::new(&[b.len()], b)));
        let inputs: Vec<&Value> = [x, &weight].into_iter().chain(bias.as_ref()).collect();
        let attributes = [
            ("kernel_shape", ints(&kernel)),
            ("strides", ints(&how.stride)),
            ("pads", pads(how.pad)),
            ("group", Int(how.groups as i64)),
        ];
        self.node("Conv", name, &inputs, &attributes)
    }

    /// `Gemm` as a dense layer: `x` `[N,I]`, `weight` `[O,I]` as PyTorch's `Linear` stores it, `bias` `[O]`.
    pub fn dense(&mut self, name: &str, x: &Value, weight: Array<'_>, bias: &[f32]) -> Value {
        let weight = self.constant(&format!("{name}.weight"), weight);
        let bias = self.constant(&format!("{name}.bias"), Array::new(&[bias.len()], bias));
        let attributes = [("alpha", Float(1.0)), ("beta", Float(1.0)), ("transB", Int(1))];
        self.node("Gemm", name, &[x, &weight, &bias], &attributes)
    }

    /// `Relu`.
    pub fn relu(&mut self, name: &str, x: &Value) -> Value {
        self.node("Relu", name, &[x], &[])
    }

    /// `PRelu`; `slope` must broadcast against `x`: `[C,1,1]` for `[N,C,H,W]`, `[C]` for `[N,C]`.
    pub fn prelu(&mut self, name: &str, x: &Value, slope: Array<'_>) -> Value {
        let slope = self.constant(&format!("{name}.slope"), slope);
        self.node("PRelu", name, &[x, &slope], &[])
    }

    /// `Sigmoid`.
    pub fn sigmoid(&mut self, name: &str, x: &Value) -> Value {
        self.node("Sigmoid", name, &[x], &[])
    }

    /// `Add`, with broadcasting.
    pub fn add(&mut self, name: &str, a: &Value, b: &Value) -> Value {
        self.node("Add", name, &[a, b], &[])
    }

    /// `MaxPool` over the last two axes.
    pub fn max_pool(&mut self, name: &str, x: &Value, how: Pool) -> Value {
        self.node("MaxPool", name, &[x], &how.attributes())
    }

    /// `AveragePool` over the last two axes; padding is excluded (`count_include_pad` 0).
    pub fn average_pool(&mut self, name: &str, x: &Value, how: Pool) -> Value {
        self.node("AveragePool", name, &[x], &how.attributes())
    }

    /// `GlobalAveragePool`: `[N,C,H,W]` to `[N,C,1,1]`.
    pub fn global_average_pool(&mut self, name: &str, x: &Value) -> Value {
        self.node("GlobalAveragePool", name, &[x], &[])
    }

    /// `Resize` to `factors` times the height and the width, by repeating every pixel.
    pub fn enlarge(&mut self, name: &str, x: &Value, factors: [usize; 2]) -> Value {
        let [down, right] = factors.map(|factor| factor as f32);
        let scales = [1.0, 1.0, down, right];
        let scales = self.constant(&format!("{name}.scales"), Array::new(&[4], &scales));
        let how = [
            ("mode", Text("nearest")),
            ("coordinate_transformation_mode", Text("asymmetric")),
            ("nearest_mode", Text("floor")),
        ];
        self.node("Resize", name, &[x, &Value::NONE, &scales], &how)
    }

    /// `Flatten` from axis 1: `[N,C,H,W]` to `[N,C*H*W]`.
    pub fn flatten(&mut self, name: &str, x: &Value) -> Value {
        self.node("Flatten", name, &[x], &[("axis", Int(1))])
    }

    /// `Reshape`; in `shape`, 0 copies the axis and -1 is inferred.
    pub fn reshape(&mut self, name: &str, x: &Value, shape: &[i64]) -> Value {
        let shape = self.integers(&format!("{name}.shape"), shape);
        self.node("Reshape", name, &[x, &shape], &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine as _, TractEngine};
    use crate::onnx::Dim;

    /// Every layer once, with values that can be checked by hand.
    #[test]
    fn the_engine_computes_what_was_built() {
        let mut graph = GraphBuilder::new("all");
        let side = Dim::Fixed(4);
        let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), side, side]);
        // Channel 0 is x - 8, channel 1 is 2x.
        let weight = Array::new(&[2, 1, 1, 1], &[1.0, 2.0]);
        let y = graph.conv("conv", &x, weight, Some(&[-8.0, 0.0]), Conv::default());
        let y = graph.prelu("prelu", &y, Array::new(&[2, 1, 1], &[0.5, 1.0]));
        let y = graph.max_pool("pool", &y, Pool { ceil: true, ..Pool::square(3, 2) });
        let doubled = graph.add("add", &y, &y);
        let y = graph.average_pool("average", &doubled, Pool::square(2, 1));
        let y = graph.flatten("flatten", &y);
        let weight = Array::new(&[3, 2], &[1.0, 0.0, 0.0, 1.0, -1.0, 0.0]);
        let dense = graph.dense("dense", &y, weight, &[0.0, 1.0, 0.0]);
        let y = graph.relu("relu", &dense);
        graph.output(&y, &[Dim::BATCH, Dim::Fixed(3)]);
        let pooled = graph.global_average_pool("global", &doubled);
        let y = graph.reshape("reshape", &pooled, &[0, -1]);
        let y = graph.sigmoid("sigmoid", &y);
        graph.output(&y, &[Dim::BATCH, Dim::Fixed(2)]);
        let bytes = graph.finish().unwrap().to_bytes();

        let input: Vec<f32> = (0u8..16).map(f32::from).collect();
        let outputs = TractEngine.load(&bytes, &[1, 1, 4, 4]).unwrap().run(&input).unwrap();
        // x counts 0..16, so windows of 3 with stride 2 and a partial last window give the maxima 10, 11, 14, 15.
        assert_eq!(outputs[0], [9.0, 51.0, 0.0]);
        let sigmoid = |v: f32| 1.0 / (1.0 + (-v).exp());
        for (actual, expected) in outputs[1].iter().zip([9.0, 50.0].map(sigmoid)) {
            assert!((actual - expected).abs() < 1e-5, "{actual} is not {expected}");
        }
    }
}
