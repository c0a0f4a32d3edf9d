//! What operators of this crate need of burn's CPU backend.

use burn::backend::flex::FlexTensor;
use burn::backend::{DispatchTensor, DispatchTensorKind};
use burn::tensor::TensorData;

/// Whether the tensor lives on the CPU backend, tracked or not.
pub(super) fn is_on_flex(tensor: &DispatchTensor) -> bool {
    match &tensor.kind {
        DispatchTensorKind::Autodiff(inner) => matches!(**inner, DispatchTensorKind::Flex(_)),
        kind => matches!(kind, DispatchTensorKind::Flex(_)),
    }
}

/// Of a contiguous `f32` tensor.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    let layout = tensor.layout();
    &tensor.storage()[layout.start_offset()..][..layout.num_elements()]
}

/// Contiguous, from as many values as the shape has.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
