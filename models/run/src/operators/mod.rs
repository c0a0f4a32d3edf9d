//! Operators that tract does not have.

mod prelu;
mod region;

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::*;

use crate::integer::{OPERATOR, Program};

/// An ONNX reader that knows these operators. Shapes of inner values follow from the input's: those in the file may
/// be symbols (`N`), which tract does not unify with the sizes that it runs.
pub(crate) fn onnx() -> tract_onnx::Onnx {
    let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
    onnx.op_register.insert("PRelu", prelu::parse);
    onnx.op_register.insert(OPERATOR, region::parse);
    onnx
}

/// Gives the nodes of regions their programs.
pub(crate) fn link(model: &mut InferenceModel, programs: Vec<Program>) {
    let programs: Vec<Arc<Program>> = programs.into_iter().map(Arc::new).collect();
    for node in model.nodes_mut() {
        if let Some(operator) = node.op_as_mut::<Box<dyn Expansion>>()
            && let Some(region) = operator.as_any_mut().downcast_mut::<region::ParsedRegion>()
        {
            region.link(&programs);
        }
    }
}
