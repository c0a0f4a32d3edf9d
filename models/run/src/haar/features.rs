//! A cascade's features where their sums are looked up.

use emocue_models::bundle::haar::{HaarCascade, HaarFeature};

use super::integral::{Corners, Integrals, Plane};

/// Weighted rectangles; a third one without weight is skipped.
#[derive(Clone, Copy, Debug)]
struct Feature {
    corners: [Corners; 3],
    weights: [f32; 3],
}

/// All features, for pictures of one stride.
#[derive(Debug, Default)]
pub(super) struct Features {
    features: Vec<Feature>,
    /// What a window's contrast is measured on: all of it but a border of 1 px.
    inner: [Corners; 2],
    inner_area: f64,
}

impl Features {
    pub(super) fn of(cascade: &HaarCascade, integrals: &Integrals) -> Self {
        let (width, height) = (usize::from(cascade.width) - 2, usize::from(cascade.height) - 2);
        let inner = [1, 1, width, height];
        Self {
            features: cascade.features.iter().map(|it| Feature::of(it, integrals)).collect(),
            inner: [Plane::Luma, Plane::Squares].map(|plane| integrals.corners(plane, inner)),
            inner_area: (width * height) as f64,
        }
    }

    /// The factor that normalises features of the window: 1 / (standard deviation * area); `None` for a window without
    /// contrast.
    pub(super) fn factor(&self, integrals: &Integrals, window: usize) -> Option<f32> {
        let [sum, squares] = self.inner.map(|corners| integrals.sum(window, &corners));
        let sum = f64::from(sum as i32);
        let spread = self.inner_area * f64::from(squares) - sum * sum;
        if spread <= 0.0 {
            return None;
        }
        let factor = (1.0 / spread.sqrt()) as f32;
        (self.inner_area * f64::from(factor) < 0.1).then_some(factor)
    }

    /// The value of a feature.
    pub(super) fn value(&self, index: usize, integrals: &Integrals, window: usize) -> f32 {
        let Feature { corners, weights } = &self.features[index];
        let part = |i: usize| weights[i] * integrals.sum(window, &corners[i]) as i32 as f32;
        let value = part(0) + part(1);
        if weights[2] == 0.0 { value } else { value + part(2) }
    }
}

impl Feature {
    fn of(feature: &HaarFeature, integrals: &Integrals) -> Self {
        let plane = if feature.tilted { Plane::Tilted } else { Plane::Luma };
        let mut found = Self { corners: [[0; 4]; 3], weights: [0.0; 3] };
        let places = found.corners.iter_mut().zip(&mut found.weights);
        for ((corners, weight), rect) in places.zip(&feature.rects) {
            let rectangle = [rect.x, rect.y, rect.width, rect.height].map(usize::from);
            (*corners, *weight) = (integrals.corners(plane, rectangle), rect.weight);
        }
        found
    }
}
