//! Reads an array of labels.

use emocue_models::label::LabelSet;

use super::{Problem, at_row};
use crate::npy::Array;

/// One label for each picture.
pub(super) enum Classes {
    /// Indices into the label set.
    Sure(Vec<usize>),
    /// Numbers from 0 or from 1.
    Counted(Vec<i64>),
}

/// The labels of an array.
pub(super) fn classes_of(array: &Array, labels: &LabelSet) -> Result<Classes, Problem> {
    let axes: Vec<usize> = array.shape.iter().copied().filter(|axis| *axis != 1).collect();
    if array.is_text() && axes.len() <= 1 {
        let class = |index| {
            let name = array.text(index).unwrap_or_default();
            let class = labels.class_of(&name);
            class
                .ok_or_else(|| at_row(index, format!("\"{name}\" is not a class of {}", labels.id)))
        };
        return Ok(Classes::Sure((0..array.len()).map(class).collect::<Result<_, _>>()?));
    }
    if axes.len() <= 1 {
        let integer = |index| {
            let value = array.number(index);
            let whole = value.fract() == 0.0 && value.abs() < 1e9;
            whole.then_some(value as i64).ok_or_else(|| at_row(index, format!("label {value}")))
        };
        return Ok(Classes::Counted((0..array.len()).map(integer).collect::<Result<_, _>>()?));
    }
    let (strides, classes) = (array.strides(), labels.len());
    let (rows, row_step, class_step) = match array.shape[..] {
        [rows, k] if k == classes => (rows, strides[0], strides[1]),
        [k, rows] if k == classes => (rows, strides[1], strides[0]),
        _ => {
            let (shape, id) = (&array.shape, labels.id);
            let what = format!(
                "labels of shape {shape:?}, expected [N], or one-hot for the {classes} of {id}"
            );
            return Err(what.into());
        }
    };
    let class = |row: usize| {
        let values = (0..classes).map(|class| array.number(row * row_step + class * class_step));
        let values: Vec<f64> = values.collect();
        let ones = values.iter().filter(|value| **value == 1.0).count();
        let zeros = values.iter().filter(|value| **value == 0.0).count();
        let class = values.iter().position(|value| *value == 1.0);
        class
            .filter(|_| ones == 1 && zeros == classes - 1)
            .ok_or_else(|| at_row(row, format!("{values:?} is not one-hot")))
    };
    Ok(Classes::Sure((0..rows).map(class).collect::<Result<_, _>>()?))
}

/// Whether numbers begin at 0 or at 1, over all parts.
pub(super) fn first_label<'a>(
    parts: impl Iterator<Item = &'a Classes>,
    labels: &LabelSet,
) -> Result<i64, Problem> {
    let counted = parts.filter_map(|part| match part {
        Classes::Counted(values) => Some(values),
        Classes::Sure(_) => None,
    });
    let values: Vec<i64> = counted.flatten().copied().collect();
    let (least, most) = (values.iter().min().copied(), values.iter().max().copied());
    let classes = labels.len() as i64;
    match (least, most) {
        (Some(1), Some(most)) if most == classes => Ok(1),
        (Some(least), Some(most)) if least > 0 && most < classes => {
            let what = format!(
                "labels {least} to {most}, with neither 0 nor {classes}: do they count from 0 or from 1?"
            );
            Err(what.into())
        }
        // Labels out of range are reported later, with their rows.
        _ => Ok(0),
    }
}

impl Classes {
    /// Indices into the label set, when counting begins at `first`.
    pub(super) fn indices(self, first: i64, labels: &LabelSet) -> Result<Vec<usize>, Problem> {
        let values = match self {
            Self::Sure(classes) => return Ok(classes),
            Self::Counted(values) => values,
        };
        let class = |(index, value): (usize, &i64)| {
            let class = usize::try_from(value - first).ok().filter(|class| *class < labels.len());
            class.ok_or_else(|| {
                let (id, last) = (labels.id, labels.len() as i64 - 1 + first);
                at_row(index, format!("label {value}, expected {first} to {last} of {id}"))
            })
        };
        values.iter().enumerate().map(class).collect()
    }
}
