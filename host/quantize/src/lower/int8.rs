//! Full int8 as the integer engine runs it: `QLinearConv` and `QLinearMatMul`, pools and moves on `i8`, and operators
//! without an integer form between a `DequantizeLinear` and a `QuantizeLinear`.
//!
//! Stored values are `0..=127`: a `Clip` removes negative integers, which is a ReLU where the zero point is 0. A
//! product that an addition or an activation follows is rounded to all 256 integers in the graph, since `QLinearConv`
//! must round; the engine skips this rounding.
//!
//! A value of the float graph keeps its name as a float and is called `NAME_quantized` in integers; either is written
//! once, when a node first reads it. Once a value is stored, all its readers read the stored integers, float operators
//! through a `DequantizeLinear`.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::NodeProto;

use super::domains::Domains;
use super::parts::{Lowered, LoweredLayer, fresh, quantized_layer, scales, zeros};
use crate::calibrate::ActivationRanges;
use crate::error::QuantizeError;
use crate::onnx::node::{int, label};
use crate::onnx::{Constant, OnnxGraph, Values};
use crate::operators::{Treatment, treatment};
use crate::range::{Affine, Integers};
use crate::settings::QuantizeSettings;
use crate::weights::QuantizedWeights;

pub(super) fn lower(
    graph: &OnnxGraph,
    ranges: &ActivationRanges,
    settings: QuantizeSettings,
) -> Result<Lowered, QuantizeError> {
    let mut target = graph.clone();
    target.nodes.clear();
    let floats = HashMap::from([(graph.input.name.clone(), graph.input.name.clone())]);
    let mut lowering = Lowering {
        source: graph,
        domains: Domains::of(graph, settings.keep_outputs),
        ranges,
        settings,
        target,
        floats,
        integers: HashMap::new(),
        never: HashSet::new(),
        done: HashSet::new(),
        layers: Vec::new(),
    };
    for at in 0..graph.nodes.len() {
        lowering.node(at)?;
    }
    for output in &graph.outputs {
        lowering.float(&output.name);
    }
    let Lowering { mut target, layers, .. } = lowering;
    target.drop_unread();
    Ok(Lowered { graph: target, layers })
}

struct Lowering<'a> {
    source: &'a OnnxGraph,
    domains: Domains,
    ranges: &'a ActivationRanges,
    settings: QuantizeSettings,
    target: OnnxGraph,
    /// Values that are written as floats, with their names in the target.
    floats: HashMap<String, String>,
    /// Values that are written as integers, with their names in the target, scales and zero points.
    integers: HashMap<String, (String, Affine)>,
    /// Values that must not become integers.
    never: HashSet<String>,
    /// Nodes that have been merged into an earlier one.
    done: HashSet<usize>,
    layers: Vec<LoweredLayer>,
}

impl Lowering<'_> {
    fn node(&mut self, at: usize) -> Result<(), QuantizeError> {
        if self.done.contains(&at) {
            return Ok(());
        }
        let node = &self.source.nodes[at];
        let input = node.input.first().cloned().unwrap_or_default();
        let output = node.output.first().cloned().unwrap_or_default();
        match treatment(node) {
            Some(Treatment::Layer)
                if !self.never.contains(&input) && !self.domains.is_kept(&output) =>
            {
                if let Some((quantized, bias)) =
                    quantized_layer(self.source, node, self.ranges, self.settings)
                {
                    return match node.op_type.as_str() {
                        "Conv" => self.conv(at, &quantized, bias),
                        _ => self.matrix_product(node, &quantized, bias),
                    };
                }
            }
            Some(Treatment::Moves)
                if self.integers.contains_key(&input) && self.domains.is_stored(&output) =>
            {
                self.moves(node, &input);
                return Ok(());
            }
            _ => {}
        }
        self.in_floats(node)
    }

    /// `value` as a float.
    fn float(&mut self, value: &str) -> String {
        if let Some(known) = self.floats.get(value) {
            return known.clone();
        }
        if let Some((name, affine)) = self.integers.get(value).cloned() {
            let [scale, zero] = self.affine_constants(&name, affine);
            self.write("DequantizeLinear", value, vec![name, scale, zero], value);
            self.floats.insert(value.to_owned(), value.to_owned());
        }
        value.to_owned()
    }

    /// `value` as stored integers.
    fn integers(&mut self, value: &str) -> Result<(String, Affine), QuantizeError> {
        if let Some(known) = self.integers.get(value) {
            return Ok(known.clone());
        }
        let floats = self.float(value);
        self.store(value, floats)
    }

    /// Stores the floats named `floats` as the integers of `value`.
    fn store(&mut self, value: &str, floats: String) -> Result<(String, Affine), QuantizeError> {
        let affine = self.ranges.affine(value, Integers::Stored)?;
        let name = fresh(&self.target, &format!("{value}_quantized"));
        let [scale, zero] = self.affine_constants(&name, affine);
        let is_rectified =
            affine.zero_point == 0
                && self.target.nodes.last().is_some_and(|node| {
                    node.op_type == "Relu" && node.output.first() == Some(&floats)
                });
        let name = match is_rectified {
            true => {
                self.write("QuantizeLinear", &name, vec![floats, scale, zero], &name);
                name
            }
            false => {
                let whole = fresh(&self.target, &format!("{name}_whole"));
                self.write("QuantizeLinear", &name, vec![floats, scale, zero], &whole);
                self.cut_off(whole, name)
            }
        };
        self.integers.insert(value.to_owned(), (name.clone(), affine));
        Ok((name, affine))
    }

    /// Clips the integers `whole` at 0; the result is called `name`.
    fn cut_off(&mut self, whole: String, name: String) -> String {
        let least = "least_stored".to_owned();
        let zero = Constant::scalar(Values::I8(vec![0]));
        self.target.constants.entry(least.clone()).or_insert(zero);
        self.write("Clip", &name, vec![whole, least], &name);
        name
    }

    /// The constants `NAME_scale` and `NAME_zero_point`.
    fn affine_constants(&mut self, name: &str, affine: Affine) -> [String; 2] {
        let (scale, zero) = (format!("{name}_scale"), format!("{name}_zero_point"));
        let scalar = |values| Constant::scalar(values);
        self.target.constants.insert(scale.clone(), scalar(Values::F32(vec![affine.scale])));
        self.target.constants.insert(zero.clone(), scalar(Values::I8(vec![affine.zero_point])));
        [scale, zero]
    }

    fn write(&mut self, operator: &str, name: &str, input: Vec<String>, output: &str) {
        self.target.nodes.push(NodeProto {
            name: format!("{name}_{operator}"),
            op_type: operator.to_owned(),
            input,
            output: vec![output.to_owned()],
            ..NodeProto::default()
        });
    }

    /// Writes the node unchanged, on floats; its output is quantized if it is stored.
    fn in_floats(&mut self, node: &NodeProto) -> Result<(), QuantizeError> {
        let stays = treatment(node) == Some(Treatment::StaysFloat)
            || (treatment(node) != Some(Treatment::Layer)
                && node.input.iter().any(|input| self.never.contains(input)));
        let inputs: Vec<String> = node.input.iter().map(|input| self.float(input)).collect();
        let mut written = NodeProto { input: inputs, ..node.clone() };
        let stored = node.output.first().filter(|output| self.domains.is_stored(output) && !stays);
        let Some(value) = stored else {
            self.target.nodes.push(written);
            for output in &node.output {
                self.floats.insert(output.clone(), output.clone());
                if stays {
                    self.never.insert(output.clone());
                }
            }
            return Ok(());
        };
        let exact = fresh(&self.target, &format!("{value}_exact"));
        written.output[0].clone_from(&exact);
        self.target.nodes.push(written);
        self.store(value, exact)?;
        Ok(())
    }

    /// Writes the node on integers; scale and zero point do not change.
    fn moves(&mut self, node: &NodeProto, input: &str) {
        let (name, affine) = self.integers[input].clone();
        let output = node.output.first().cloned().unwrap_or_default();
        let quantized = fresh(&self.target, &format!("{output}_quantized"));
        let mut moved = node.clone();
        moved.input[0] = name;
        moved.output = vec![quantized.clone()];
        self.target.nodes.push(moved);
        self.integers.insert(output, (quantized, affine));
    }

    fn conv(
        &mut self,
        at: usize,
        quantized: &QuantizedWeights,
        bias: Option<Vec<f32>>,
    ) -> Result<(), QuantizeError> {
        let node = &self.source.nodes[at];
        let mut output = node.output.first().cloned().unwrap_or_default();
        // A range that begins at 0 saturates at 0, as Relu does.
        if let Some(next) = self.source.only_reader(&output)
            && self.source.nodes[next].op_type == "Relu"
        {
            output = self.source.nodes[next].output.first().cloned().unwrap_or_default();
            self.done.insert(next);
        }
        let integers = match self.domains.is_passing(&output) {
            true => Integers::Passing,
            false => Integers::Stored,
        };
        let (x, x_affine) = self.integers(&node.input[0])?;
        let affine = self.ranges.affine(&output, integers)?;
        let name = fresh(&self.target, &format!("{output}_quantized"));
        let shape = self.source.constants[&node.input[1]].shape.clone();
        let weight = Constant { shape, values: Values::I8(quantized.values.clone()) };
        let mut input = self.operands(&x, x_affine, &node.input[1], weight, quantized);
        input.extend(self.affine_constants(&name, affine));
        if let Some(bias) = bias {
            let step = |(channel, bias): (usize, &f32)| {
                let scale = f64::from(x_affine.scale) * f64::from(quantized.scale(channel));
                (f64::from(*bias) / scale).round_ties_even() as i32
            };
            let values: Vec<i32> = bias.iter().enumerate().map(step).collect();
            let steps = fresh(&self.target, &format!("{output}.bias_quantized"));
            let constant = Constant { shape: vec![values.len()], values: Values::I32(values) };
            self.target.constants.insert(steps.clone(), constant);
            input.push(steps);
        }
        let whole = match integers {
            Integers::Passing => name.clone(),
            Integers::Stored => fresh(&self.target, &format!("{name}_whole")),
        };
        self.target.nodes.push(NodeProto {
            name: node.name.clone(),
            op_type: "QLinearConv".to_owned(),
            input,
            output: vec![whole.clone()],
            attribute: node.attribute.clone(),
            ..NodeProto::default()
        });
        let name = match integers {
            Integers::Passing => name,
            Integers::Stored => self.cut_off(whole, name),
        };
        self.integers.insert(output.clone(), (name.clone(), affine));
        self.layers.push(LoweredLayer {
            label: label(node),
            value: output,
            lowered: name,
            affine: Some(affine),
        });
        Ok(())
    }

    /// `QLinearMatMul`, which has no bias, so the bias is added in floats after it.
    fn matrix_product(
        &mut self,
        node: &NodeProto,
        quantized: &QuantizedWeights,
        bias: Option<Vec<f32>>,
    ) -> Result<(), QuantizeError> {
        let output = node.output.first().cloned().unwrap_or_default();
        let (x, x_affine) = self.integers(&node.input[0])?;
        let product = self.product_range(&output, bias.as_deref())?;
        let product_name = fresh(&self.target, &format!("{output}.product"));
        let name = fresh(&self.target, &format!("{product_name}_quantized"));
        let weight = self.columns(node, quantized);
        let mut input = self.operands(&x, x_affine, &node.input[1], weight, quantized);
        input.extend(self.affine_constants(&name, product));
        self.target.nodes.push(NodeProto {
            name: node.name.clone(),
            op_type: "QLinearMatMul".to_owned(),
            input,
            output: vec![name.clone()],
            ..NodeProto::default()
        });
        self.integers.insert(product_name.clone(), (name, product));
        let mut float = self.float(&product_name);
        if let Some(bias) = bias {
            let constant = fresh(&self.target, &format!("{output}.corrected_bias"));
            let values = Constant { shape: vec![bias.len()], values: Values::F32(bias) };
            self.target.constants.insert(constant.clone(), values);
            let sum = fresh(&self.target, &format!("{output}_exact"));
            self.write("Add", &output, vec![float, constant], &sum);
            float = sum;
        }
        let (lowered, affine) = match self.domains.is_stored(&output) {
            true => {
                let (name, affine) = self.store(&output, float)?;
                (name, Some(affine))
            }
            false => {
                // Under its original name, since it may be the graph's output.
                if let Some(last) = self.target.nodes.last_mut() {
                    last.output = vec![output.clone()];
                }
                self.floats.insert(output.clone(), output.clone());
                (output.clone(), None)
            }
        };
        self.layers.push(LoweredLayer { label: label(node), value: output, lowered, affine });
        Ok(())
    }

    /// The range of a product before its bias is added.
    fn product_range(&self, output: &str, bias: Option<&[f32]>) -> Result<Affine, QuantizeError> {
        let affine = self.ranges.affine(output, Integers::Passing)?;
        let Some(bias) = bias else { return Ok(affine) };
        let least = bias.iter().copied().fold(f32::INFINITY, f32::min);
        let most = bias.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let (low, high) = affine.bounds();
        Ok(Affine::of(low - most, high - least, Integers::Passing))
    }

    /// A matrix's weights as `[inputs, outputs]`.
    fn columns(&self, node: &NodeProto, quantized: &QuantizedWeights) -> Constant {
        let shape = &self.source.constants[&node.input[1]].shape;
        if int(node, "transB", 0) == 0 {
            return Constant { shape: shape.clone(), values: Values::I8(quantized.values.clone()) };
        }
        let (rows, columns) = (shape[0], shape[1]);
        let turned = |at: usize| quantized.values[at % rows * columns + at / rows];
        Constant {
            shape: vec![columns, rows],
            values: Values::I8((0..rows * columns).map(turned).collect()),
        }
    }

    /// The first six inputs of `QLinearConv` and `QLinearMatMul`: input and weights, each with scale and zero point.
    fn operands(
        &mut self,
        x: &str,
        x_affine: Affine,
        weight_name: &str,
        weight: Constant,
        quantized: &QuantizedWeights,
    ) -> Vec<String> {
        let [x_scale, x_zero] = self.affine_constants(x, x_affine);
        let name = fresh(&self.target, &format!("{weight_name}_quantized"));
        self.target.constants.insert(name.clone(), weight);
        let scale = fresh(&self.target, &format!("{weight_name}_scale"));
        self.target.constants.insert(scale.clone(), scales(quantized));
        let zero = fresh(&self.target, &format!("{weight_name}_zero_point"));
        self.target.constants.insert(zero.clone(), zeros(quantized));
        vec![x.to_owned(), x_scale, x_zero, name, scale, zero]
    }
}
