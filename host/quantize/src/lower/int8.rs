//! Full int8: `QLinearConv` and `QLinearMatMul`, pools and moves on `i8`, and what has no integer form between a
//! `DequantizeLinear` and a `QuantizeLinear`.
//!
//! Values are made in the domain in which they are read. A value of the float graph keeps its name as a float
//! and is called `NAME_quantized` in integers; either is written once, when a node first reads it.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::NodeProto;

use super::parts::{Lowered, LoweredLayer, fresh, quantized_layer, scales, zeros};
use crate::calibrate::ActivationRanges;
use crate::error::QuantizeError;
use crate::onnx::node::{int, label};
use crate::onnx::{Constant, OnnxGraph, Values};
use crate::operators::{Treatment, treatment};
use crate::range::Affine;
use crate::settings::QuantizeSettings;
use crate::weights::QuantizedWeights;

pub(super) fn lower(
    graph: &OnnxGraph,
    ranges: &ActivationRanges,
    settings: QuantizeSettings,
) -> Result<Lowered, QuantizeError> {
    let mut target = graph.clone();
    target.nodes.clear();
    let floats = HashSet::from([graph.input.name.clone()]);
    let mut lowering = Lowering {
        source: graph,
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
    ranges: &'a ActivationRanges,
    settings: QuantizeSettings,
    target: OnnxGraph,
    /// Values that are there as floats.
    floats: HashSet<String>,
    /// Values that are there as integers: their names and what they mean.
    integers: HashMap<String, (String, Affine)>,
    /// Values that must not become integers.
    never: HashSet<String>,
    /// Nodes that an earlier one has taken over.
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
        match treatment(node) {
            Some(Treatment::Layer) if !self.never.contains(&input) => {
                if let Some((quantized, bias)) =
                    quantized_layer(self.source, node, self.ranges, self.settings)
                {
                    return match node.op_type.as_str() {
                        "Conv" => self.conv(at, &quantized, bias),
                        _ => self.matrix_product(node, &quantized, bias),
                    };
                }
            }
            Some(Treatment::Moves) if self.integers.contains_key(&input) => {
                self.moves(node, &input);
                return Ok(());
            }
            _ => {}
        }
        self.in_floats(node);
        Ok(())
    }

    /// `value` as a float.
    fn float(&mut self, value: &str) -> String {
        if !self.floats.contains(value)
            && let Some((name, affine)) = self.integers.get(value).cloned()
        {
            let [scale, zero] = self.affine_constants(&name, affine);
            self.write("DequantizeLinear", value, vec![name, scale, zero], value);
            self.floats.insert(value.to_owned());
        }
        value.to_owned()
    }

    /// `value` as integers.
    fn integers(&mut self, value: &str) -> Result<(String, Affine), QuantizeError> {
        if let Some(known) = self.integers.get(value) {
            return Ok(known.clone());
        }
        let affine = self.ranges.affine(value)?;
        let name = fresh(&self.target, &format!("{value}_quantized"));
        let [scale, zero] = self.affine_constants(&name, affine);
        self.write("QuantizeLinear", &name, vec![value.to_owned(), scale, zero], &name);
        self.integers.insert(value.to_owned(), (name.clone(), affine));
        Ok((name, affine))
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

    /// The node as it is, on floats.
    fn in_floats(&mut self, node: &NodeProto) {
        let stays = treatment(node) == Some(Treatment::StaysFloat)
            || (treatment(node) != Some(Treatment::Layer)
                && node.input.iter().any(|input| self.never.contains(input)));
        let inputs: Vec<String> = node.input.iter().map(|input| self.float(input)).collect();
        self.target.nodes.push(NodeProto { input: inputs, ..node.clone() });
        for output in &node.output {
            self.floats.insert(output.clone());
            if stays {
                self.never.insert(output.clone());
            }
        }
    }

    /// The node on integers, which mean afterwards what they meant before.
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
        // A range that begins at 0 cuts off what is below, as Relu does.
        if let Some(next) = self.source.only_reader(&output)
            && self.source.nodes[next].op_type == "Relu"
        {
            output = self.source.nodes[next].output.first().cloned().unwrap_or_default();
            self.done.insert(next);
        }
        let (x, x_affine) = self.integers(&node.input[0])?;
        let affine = self.ranges.affine(&output)?;
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
        self.target.nodes.push(NodeProto {
            name: node.name.clone(),
            op_type: "QLinearConv".to_owned(),
            input,
            output: vec![name.clone()],
            attribute: node.attribute.clone(),
            ..NodeProto::default()
        });
        self.finish(node, output, name, affine);
        Ok(())
    }

    /// `QLinearMatMul`, and the bias in floats behind it, since it knows none.
    fn matrix_product(
        &mut self,
        node: &NodeProto,
        quantized: &QuantizedWeights,
        bias: Option<Vec<f32>>,
    ) -> Result<(), QuantizeError> {
        let output = node.output.first().cloned().unwrap_or_default();
        let (x, x_affine) = self.integers(&node.input[0])?;
        let product = self.product_range(&output, bias.as_deref())?;
        let product_name = match bias {
            Some(_) => format!("{output}.product"),
            None => output.clone(),
        };
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
        let Some(bias) = bias else {
            self.finish(node, output, name, product);
            return Ok(());
        };
        self.integers.insert(product_name.clone(), (name, product));
        let float = self.float(&product_name);
        let constant = fresh(&self.target, &format!("{output}.corrected_bias"));
        let values = Constant { shape: vec![bias.len()], values: Values::F32(bias) };
        self.target.constants.insert(constant.clone(), values);
        self.write("Add", &output, vec![float, constant], &output);
        self.floats.insert(output.clone());
        self.layers.push(LoweredLayer {
            label: label(node),
            value: output.clone(),
            lowered: output,
            affine: None,
        });
        Ok(())
    }

    /// The range of a product before its bias is added.
    fn product_range(&self, output: &str, bias: Option<&[f32]>) -> Result<Affine, QuantizeError> {
        let affine = self.ranges.affine(output)?;
        let Some(bias) = bias else { return Ok(affine) };
        let least = bias.iter().copied().fold(f32::INFINITY, f32::min);
        let most = bias.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let value = |q: i8| affine.scale * (f32::from(q) - f32::from(affine.zero_point));
        Ok(Affine::of(value(-128) - most, value(127) - least))
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

    /// The first six inputs of both integer layers: what is read, and the weights.
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

    fn finish(&mut self, node: &NodeProto, value: String, lowered: String, affine: Affine) {
        self.integers.insert(value.clone(), (lowered.clone(), affine));
        self.layers.push(LoweredLayer { label: label(node), value, lowered, affine: Some(affine) });
    }
}
