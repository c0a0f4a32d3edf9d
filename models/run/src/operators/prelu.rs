//! PReLU in one pass. tract would compare, multiply and select in three, which costs MTCNN half of its time.

use std::sync::Arc;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

pub(super) fn parse(
    _context: &ParsingContext<'_>,
    _node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(ParsedPrelu), vec![]))
}

/// As it stands in the file: the value and the slopes, which may be `[C]` or `[C,1,1]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct ParsedPrelu;

impl Expansion for ParsedPrelu {
    fn name(&self) -> StaticName {
        "ParsedPrelu".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 2)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&inputs[0].datum_type, &outputs[0].datum_type)?;
        solver.equals(&inputs[0].shape, &outputs[0].shape)?;
        Ok(())
    }

    fn wire(
        &self,
        name: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let x = model.outlet_fact(inputs[0])?;
        let channels = x.shape.get(1).context("PRelu needs a channel axis")?.to_usize()?;
        let slopes = model.outlet_fact(inputs[1])?;
        let slopes = slopes.konst.clone().context("PRelu needs constant slopes")?;
        ensure!(
            x.datum_type == f32::datum_type() && slopes.datum_type() == f32::datum_type(),
            "PRelu needs f32"
        );
        ensure!(slopes.len() == channels, "{} slopes for {channels} channels", slopes.len());
        model.wire_node(name, Prelu { slopes }, &inputs[..1])
    }
}

/// `x` where positive, else `x` times its channel's slope; axis 1 holds the channels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Prelu {
    slopes: Arc<Tensor>,
}

impl Op for Prelu {
    fn name(&self) -> StaticName {
        "Prelu".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Prelu {
    op_out_of_plan!();

    fn eval(&self, _ctx: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let mut x = args_1!(inputs).into_tensor();
        let slopes = self.slopes.try_as_plain_ram()?;
        let slopes = slopes.as_slice::<f32>()?;
        let plane: usize = x.shape().iter().skip(2).product();
        let mut values = x.try_as_plain_ram_mut()?;
        let values = values.as_slice_mut::<f32>()?;
        if plane > 0 {
            for (plane, &slope) in values.chunks_exact_mut(plane).zip(slopes.iter().cycle()) {
                for value in plane {
                    *value *= if *value > 0.0 { 1.0 } else { slope };
                }
            }
        }
        Ok(tvec!(x.into_tvalue()))
    }
}

impl TypedOp for Prelu {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(tvec!(inputs[0].without_value()))
    }

    as_op!();
}
