//! The loss, and the number of correct predictions.

use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

/// Cross-entropy with soft targets, `-sum(target * ln p)` over all rows of `[N, classes]`; a row of zeros adds nothing.
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    (log_softmax(logits, 1) * targets).sum().neg()
}

/// Number of rows whose largest logit is at the class of the target's largest value; a row without a target never
/// counts.
pub fn agreements(logits: Tensor<2>, targets: Tensor<2>) -> usize {
    let classes = logits.dims()[1];
    let (logits, targets) = (values(logits), values(targets));
    let agrees = |(logits, target): &(&[f32], &[f32])| {
        target.iter().any(|value| *value > 0.0) && top(logits) == top(target)
    };
    logits.chunks(classes).zip(targets.chunks(classes)).filter(agrees).count()
}

/// Index of each row's largest value.
pub fn tops(logits: Tensor<2>) -> Vec<usize> {
    let classes = logits.dims()[1];
    values(logits).chunks_exact(classes).map(top).collect()
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

fn top(row: &[f32]) -> usize {
    (0..row.len()).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap_or(0)
}
