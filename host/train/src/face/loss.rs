//! The loss of one worker's share of a step.

use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Int, Tensor, TensorData};

use super::VALUES;
use super::grid::CELLS;
use super::recipe::LossWeights;
use super::targets::Targets;

/// Largest logarithm of a box's side in strides: its `exp` is above any face.
const MOST: f32 = 5.0;

/// The parts of a loss.
#[derive(Clone, Debug)]
pub struct Losses {
    /// The loss that is minimised.
    pub total: Tensor<1>,
    /// Focal loss of the scores, per positive cell.
    pub score: Tensor<1>,
    /// Mean of 1 - generalised IoU of the boxes, `0..=2`.
    pub boxes: Tensor<1>,
    /// Mean absolute error of the landmarks' coordinates, in face sizes.
    pub landmarks: Tensor<1>,
}

/// The network's maps at all levels as one tensor `[N,VALUES,CELLS]`.
pub fn cells(maps: Vec<Tensor<4>>) -> Tensor<3> {
    let flat = |map: Tensor<4>| {
        let [n, values, rows, columns] = map.dims();
        map.reshape([n, values, rows * columns])
    };
    Tensor::cat(maps.into_iter().map(flat).collect(), 2)
}

/// The loss of `cells` `[N,VALUES,CELLS]` against one [`Targets`] a frame.
pub fn loss(
    cells: Tensor<3>,
    targets: &[Targets],
    weights: &LossWeights,
    device: &Device,
) -> Losses {
    let n = targets.len();
    let found: usize = targets.iter().map(|targets| targets.positives.len()).sum();
    let count = found.max(1) as f32;
    let logits = cells.clone().narrow(1, 0, 1).reshape([n, CELLS]);
    let score = focal(logits, targets, weights.focal, device).div_scalar(count);
    if found == 0 {
        let zero = Tensor::zeros([1], device);
        return Losses { total: score.clone(), score, boxes: zero.clone(), landmarks: zero };
    }
    let rows = Positives::of(targets);
    let values = cells.swap_dims(1, 2).reshape([n * CELLS, VALUES]);
    let index = Tensor::<1, Int>::from_data(TensorData::new(rows.rows, [found]), device);
    let values = values.select(0, index);
    let wanted = Tensor::<2>::from_data(TensorData::new(rows.values, [found, VALUES - 1]), device);
    let boxes = boxes(values.clone().narrow(1, 1, 4), wanted.clone().narrow(1, 0, 4));
    let boxes = boxes.div_scalar(count);
    let factors = Tensor::<2>::from_data(TensorData::new(rows.factors, [found, 1]), device);
    let off = values.narrow(1, 5, 10) - wanted.narrow(1, 4, 10);
    let landmarks = (off.abs() * factors).sum().div_scalar(10.0 * rows.marked.max(1.0));
    let total = score.clone()
        + boxes.clone().mul_scalar(weights.boxes)
        + landmarks.clone().mul_scalar(weights.landmarks);
    Losses { total, score, boxes, landmarks }
}

/// Sum over the counted cells of `|y - p|^gamma` times the binary cross-entropy (focal loss, Lin et al. 2017).
fn focal(logits: Tensor<2>, targets: &[Targets], gamma: f32, device: &Device) -> Tensor<1> {
    let n = targets.len();
    let mut wanted = vec![0.0_f32; n * CELLS];
    let mut counts = vec![0.0_f32; n * CELLS];
    for (frame, targets) in targets.iter().enumerate() {
        for (to, counts) in counts[frame * CELLS..][..CELLS].iter_mut().zip(&targets.counts) {
            *to = f32::from(u8::from(*counts));
        }
        for positive in &targets.positives {
            wanted[frame * CELLS + positive.cell] = 1.0;
        }
    }
    let wanted = Tensor::<2>::from_data(TensorData::new(wanted, [n, CELLS]), device);
    let counts = Tensor::<2>::from_data(TensorData::new(counts, [n, CELLS]), device);
    let off = (sigmoid(logits.clone()) - wanted.clone()).abs();
    let entropy =
        logits.clone().clamp_min(0.0) - logits.clone() * wanted + logits.abs().neg().exp().log1p();
    let weight = (off.detach() + 1e-6).powf_scalar(gamma) * counts;
    (entropy * weight).sum()
}

/// Sum of 1 - generalised IoU of boxes `[P,4]`: centre and the logarithms of width and height, in strides.
fn boxes(found: Tensor<2>, wanted: Tensor<2>) -> Tensor<1> {
    let [a, b] = [found, wanted].map(Corners::of);
    let shared = |low: fn(&Corners) -> &Tensor<2>, high: fn(&Corners) -> &Tensor<2>| {
        let end = high(&a).clone().min_pair(high(&b).clone());
        (end - low(&a).clone().max_pair(low(&b).clone())).clamp_min(0.0)
    };
    let hull = |low: fn(&Corners) -> &Tensor<2>, high: fn(&Corners) -> &Tensor<2>| {
        let end = high(&a).clone().max_pair(high(&b).clone());
        end - low(&a).clone().min_pair(low(&b).clone())
    };
    let shared = shared(|c| &c.left, |c| &c.right) * shared(|c| &c.top, |c| &c.bottom);
    let hull = hull(|c| &c.left, |c| &c.right) * hull(|c| &c.top, |c| &c.bottom) + 1e-6;
    let union = a.area() + b.area() - shared.clone() + 1e-6;
    let iou = shared / union.clone();
    let loss = iou.neg() + 1.0 + (hull.clone() - union) / hull;
    loss.sum()
}

struct Corners {
    left: Tensor<2>,
    right: Tensor<2>,
    top: Tensor<2>,
    bottom: Tensor<2>,
}

impl Corners {
    fn of(values: Tensor<2>) -> Self {
        let at = |column| values.clone().narrow(1, column, 1);
        let half = |column| at(column).clamp_max(MOST).exp().mul_scalar(0.5);
        let (width, height) = (half(2), half(3));
        Self {
            left: at(0) - width.clone(),
            right: at(0) + width,
            top: at(1) - height.clone(),
            bottom: at(1) + height,
        }
    }

    fn area(&self) -> Tensor<2> {
        (self.right.clone() - self.left.clone()) * (self.bottom.clone() - self.top.clone())
    }
}

/// The positive cells, frame by frame.
struct Positives {
    /// Indices into `[N*CELLS]`.
    rows: Vec<i32>,
    values: Vec<f32>,
    /// 1 / size in strides, 0 without landmarks.
    factors: Vec<f32>,
    /// Number of those with landmarks.
    marked: f32,
}

impl Positives {
    fn of(targets: &[Targets]) -> Self {
        let mut all = Self { rows: vec![], values: vec![], factors: vec![], marked: 0.0 };
        for (frame, targets) in targets.iter().enumerate() {
            for positive in &targets.positives {
                all.rows.push((frame * CELLS + positive.cell) as i32);
                all.values.extend(positive.values);
                let known = f32::from(u8::from(positive.landmarks));
                all.factors.push(known / positive.size.max(0.1));
                all.marked += known;
            }
        }
        all
    }
}
