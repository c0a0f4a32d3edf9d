//! An integer region of a graph as one operator.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

use crate::graph::int;
use crate::integer::{NUMBER, Program};

pub(super) fn parse(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let number = usize::try_from(int(node, NUMBER, -1)).ok();
    let outputs = node.output.len();
    Ok((expand(ParsedRegion { number, outputs, program: None }), vec![]))
}

/// As it stands in the graph, and its program once that is known.
#[derive(Clone, Debug)]
pub(super) struct ParsedRegion {
    number: Option<usize>,
    outputs: usize,
    program: Option<Arc<Program>>,
}

impl ParsedRegion {
    pub(super) fn link(&mut self, programs: &[Arc<Program>]) {
        self.program = self.number.and_then(|number| programs.get(number)).cloned();
    }

    /// A node that was in the file has no program.
    fn program(&self) -> TractResult<&Arc<Program>> {
        self.program.as_ref().context("the graph has an operator of the integer engine's own")
    }
}

impl Expansion for ParsedRegion {
    fn name(&self) -> StaticName {
        "ParsedRegion".into()
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.outputs)
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        _inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let program = self.program()?;
        check_output_arity(outputs, program.outputs.len())?;
        for (output, shape) in outputs.iter().zip(&program.outputs) {
            let shape: TVec<TDim> = shape.iter().map(|size| size.to_dim()).collect();
            solver.equals(&output.datum_type, f32::datum_type())?;
            solver.equals(&output.shape, shape)?;
        }
        Ok(())
    }

    fn wire(
        &self,
        name: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        model.wire_node(name, Region(self.program()?.clone()), inputs)
    }
}

#[derive(Clone, Debug)]
struct Region(Arc<Program>);

impl PartialEq for Region {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Region {}

impl Hash for Region {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl Op for Region {
    fn name(&self) -> StaticName {
        "IntegerRegion".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Region {
    op_out_of_plan!();

    fn eval(&self, _ctx: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let plain = inputs.iter().map(|input| input.try_as_plain_ram());
        let plain = plain.collect::<TractResult<TVec<_>>>()?;
        let floats = plain.iter().map(|input| input.as_slice::<f32>());
        let floats = floats.collect::<TractResult<TVec<_>>>()?;
        let tensor = |shape: &Vec<usize>| Tensor::zero::<f32>(shape);
        let mut outputs = self.0.outputs.iter().map(tensor).collect::<TractResult<TVec<_>>>()?;
        {
            let plain = outputs.iter_mut().map(|output| output.try_as_plain_ram_mut());
            let mut plain = plain.collect::<TractResult<TVec<_>>>()?;
            let slices = plain.iter_mut().map(|output| output.as_slice_mut::<f32>());
            let mut slices = slices.collect::<TractResult<TVec<_>>>()?;
            self.0.run(&floats, &mut slices)?;
        }
        Ok(outputs.into_iter().map(IntoTValue::into_tvalue).collect())
    }
}

impl TypedOp for Region {
    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.0.outputs.iter().map(f32::fact).collect())
    }

    as_op!();
}
