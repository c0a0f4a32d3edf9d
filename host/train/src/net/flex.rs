//! Helpers for this crate's operators on burn's CPU backend.

use burn::backend::flex::FlexTensor;
use burn::backend::{DispatchTensor, DispatchTensorKind};
use burn::tensor::TensorData;

/// Whether the tensor is on the CPU backend, with autodiff or without.
pub(super) fn is_on_flex(tensor: &DispatchTensor) -> bool {
    match &tensor.kind {
        DispatchTensorKind::Autodiff(inner) => matches!(**inner, DispatchTensorKind::Flex(_)),
        kind => matches!(kind, DispatchTensorKind::Flex(_)),
    }
}

/// The values of a contiguous `f32` tensor.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    let layout = tensor.layout();
    &tensor.storage()[layout.start_offset()..][..layout.num_elements()]
}

/// A contiguous tensor; `values` must fill `shape`.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
