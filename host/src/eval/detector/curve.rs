//! Curves over the detections of many frames: recall against false alarms, and average precision.

use serde::Serialize;

use super::interval::{Figure, bootstrap, share};
use super::look::{FaceKind, Look};

/// Smallest face that counts for the average precision; longer side, px.
pub const AP_LEAST: f32 = 40.0;

/// Largest number of points of a curve.
const POINTS: usize = 60;

/// A selection of annotated faces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selection {
    /// The kind of face; `None` for all.
    pub kind: Option<FaceKind>,
    /// Smallest longer side, px.
    pub from: f32,
    /// Upper limit of the longer side, px, exclusive.
    pub to: f32,
}

impl Selection {
    /// Whether it includes a face of this kind and longer side, px.
    pub(super) fn has(&self, kind: FaceKind, side: f32) -> bool {
        (self.from..self.to).contains(&side) && self.kind.is_none_or(|own| own == kind)
    }
}

/// Recall of the selected faces at `threshold`.
pub fn recall(looks: &[&Look], selection: &Selection, threshold: f32) -> Option<Figure> {
    let marks = looks.iter().flat_map(|look| &look.marks);
    let marks = marks.filter(|mark| selection.has(mark.kind, mark.side));
    let (mut hits, mut of) = (0, 0);
    for mark in marks {
        of += 1;
        hits += usize::from(mark.score.is_some_and(|score| score >= threshold));
    }
    share(hits, of)
}

/// Number of false alarms at `threshold`.
pub fn alarms(looks: &[Look], threshold: f32) -> usize {
    let alarms = looks.iter().flat_map(|look| &look.alarms);
    alarms.filter(|alarm| alarm.score >= threshold).count()
}

/// The lowest threshold with at most `share` false alarms per empty picture, but not below `least`, the score from
/// which detections were requested.
pub fn threshold_at(empty: &[Look], share: f64, least: f32) -> f32 {
    let mut scores: Vec<f32> =
        empty.iter().flat_map(|look| &look.alarms).map(|alarm| alarm.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let allowed = (share * empty.len() as f64).floor() as usize;
    // Just above the score of the first alarm that is not allowed.
    scores.get(allowed).map_or(least, |score| score.next_up()).max(least)
}

/// A point of a detector's curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CurvePoint {
    /// The threshold on the score.
    pub threshold: f32,
    /// False alarms for each thousand empty pictures.
    pub alarms_per_1000: f64,
    /// Recall.
    pub recall: f64,
}

/// Recall of faces from [`AP_LEAST`] px against false alarms on empty pictures.
pub fn curve(looks: &[&Look], empty: &[Look], least: f32) -> Vec<CurvePoint> {
    let selection = Selection { kind: None, from: AP_LEAST, to: f32::INFINITY };
    let mut scores: Vec<f32> =
        empty.iter().flat_map(|look| &look.alarms).map(|alarm| alarm.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let mut at: Vec<usize> = (0..POINTS).map(|i| i * scores.len() / POINTS).collect();
    at.extend(0..scores.len().min(20));
    at.sort_unstable();
    at.dedup();
    let thresholds = at.into_iter().filter_map(|at| scores.get(at).map(|score| score.next_up()));
    let point = |threshold: f32| {
        Some(CurvePoint {
            threshold,
            alarms_per_1000: 1000.0 * alarms(empty, threshold) as f64 / empty.len().max(1) as f64,
            recall: recall(looks, &selection, threshold)?.value,
        })
    };
    thresholds.chain([least]).filter_map(point).collect()
}

/// Average precision (all-point interpolation) over faces and false alarms from [`AP_LEAST`] px.
pub fn average_precision(looks: &[&Look]) -> Option<Figure> {
    // Score, picture, whether the detection is correct.
    let mut finds: Vec<(f32, usize, bool)> = Vec::new();
    let mut faces = vec![0_u32; looks.len()];
    for (picture, look) in looks.iter().enumerate() {
        let marks = || look.marks.iter().filter(|mark| mark.side >= AP_LEAST);
        faces[picture] = marks().count() as u32;
        finds.extend(marks().filter_map(|mark| Some((mark.score?, picture, true))));
        let large = look.alarms.iter().filter(|alarm| alarm.side >= AP_LEAST);
        finds.extend(large.map(|alarm| (alarm.score, picture, false)));
    }
    // Of equal scores, false alarms are first, so that the result does not depend on the order of the pictures.
    finds.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.cmp(&b.2)));
    let of = faces.iter().sum::<u32>() as usize;
    bootstrap(looks.len(), of, |weights| {
        let total: u64 =
            faces.iter().zip(weights).map(|(f, w)| u64::from(*f) * u64::from(*w)).sum();
        let (mut right, mut wrong) = (0_u64, 0_u64);
        let mut points = Vec::with_capacity(finds.len());
        for (_, picture, is_face) in &finds {
            let weight = u64::from(weights[*picture]);
            if *is_face {
                right += weight
            } else {
                wrong += weight
            }
            if weight > 0 {
                points.push((right, right as f64 / (right + wrong) as f64));
            }
        }
        // The highest precision at this recall or above.
        let (mut area, mut best, mut above) = (0.0, 0.0_f64, None::<u64>);
        for (right, precision) in points.iter().rev() {
            if let Some(above) = above {
                area += (above - right) as f64 * best;
            }
            above = Some(*right);
            best = best.max(*precision);
        }
        area += above.unwrap_or(0) as f64 * best;
        (total > 0).then(|| area / total as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::super::look::{Alarm, Mark};
    use super::*;

    fn look(marks: &[(f32, Option<f32>)], alarms: &[(f32, f32)]) -> Look {
        let mark = |&(side, score): &(f32, Option<f32>)| Mark {
            kind: FaceKind::Bare,
            side,
            score,
            landmark_error: None,
        };
        let alarm = |&(side, score): &(f32, f32)| Alarm { score, side };
        Look { marks: marks.iter().map(mark).collect(), alarms: alarms.iter().map(alarm).collect() }
    }

    #[test]
    fn average_precision_by_hand() {
        // Right 0.9, wrong 0.8, right 0.7, one face missed: 1/3 * 1 + 1/3 * 2/3.
        let looks = [
            look(&[(50.0, Some(0.9)), (60.0, Some(0.7))], &[(70.0, 0.8)]),
            look(&[(50.0, None), (30.0, Some(0.99))], &[(30.0, 0.95)]),
        ];
        let figure = average_precision(&looks.each_ref()).unwrap();
        assert!((figure.value - (1.0 + 2.0 / 3.0) / 3.0).abs() < 1e-9, "{figure:?}");
        assert_eq!(figure.of, 3);
        let perfect = [look(&[(50.0, Some(0.9))], &[]), look(&[(50.0, Some(0.2))], &[])];
        assert_eq!(average_precision(&perfect.each_ref()).unwrap().value, 1.0);
        assert_eq!(average_precision(&[]), None);
    }

    #[test]
    fn the_threshold_allows_as_many_alarms_as_are_asked_for() {
        let mut empty = vec![look(&[], &[]); 197];
        empty.extend([0.9, 0.8, 0.3].map(|score| look(&[], &[(50.0, score)])));
        let threshold = threshold_at(&empty, 0.01, 0.1);
        assert_eq!(alarms(&empty, threshold), 2);
        assert!(threshold > 0.3 && threshold < 0.31);
        assert_eq!(threshold_at(&empty, 0.05, 0.1), 0.1);
        assert_eq!(threshold_at(&[], 0.01, 0.1), 0.1);
    }

    #[test]
    fn recall_is_of_what_is_selected() {
        let looks = [look(&[(30.0, Some(0.9)), (50.0, Some(0.4)), (70.0, None)], &[])];
        let recall = |from, to, threshold| {
            let selection = Selection { kind: Some(FaceKind::Bare), from, to };
            recall(&looks.each_ref(), &selection, threshold).map(|figure| figure.value)
        };
        assert_eq!(recall(40.0, 80.0, 0.3), Some(0.5));
        assert_eq!(recall(40.0, 80.0, 0.5), Some(0.0));
        assert_eq!(recall(80.0, 160.0, 0.5), None);
    }

    #[test]
    fn a_curve_rises_with_its_alarms() {
        let looks = [look(&[(50.0, Some(0.5)), (50.0, Some(0.2))], &[])];
        let empty = [look(&[], &[(50.0, 0.4)]), look(&[], &[])];
        let points = curve(&looks.each_ref(), &empty, 0.1);
        let pairs: Vec<_> = points.iter().map(|p| (p.alarms_per_1000, p.recall)).collect();
        assert_eq!(pairs, [(0.0, 0.5), (500.0, 1.0)]);
    }
}
