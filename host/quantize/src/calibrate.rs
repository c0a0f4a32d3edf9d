//! What a float graph computes on real inputs: the range of every activation.

use std::collections::BTreeMap;

use emocue_run::Recorded;

use super::QuantizeError;
use super::lower::{activations, channels};
use super::probe::Probe;
use super::range::{Affine, Extremes, Method, Seen};
use crate::onnx::graph::Graph;

/// Fewest rows to calibrate on: half of them fit, half compare.
const LEAST: usize = 8;

/// What is known of one activation.
#[derive(Clone, Debug)]
struct Activation {
    extremes: Extremes,
    affine: Affine,
    method: Method,
}

/// What is known of every activation, by its name in the graph.
#[derive(Clone, Debug)]
pub struct Calibration(BTreeMap<String, Activation>);

impl Calibration {
    /// The integers of the activation `value`.
    ///
    /// # Errors
    /// [`QuantizeError::Constant`] when it never changed.
    pub fn affine(&self, value: &str) -> Result<Affine, QuantizeError> {
        match self.0.get(value) {
            Some(Activation { extremes, affine, .. }) if extremes.low < extremes.high => {
                Ok(*affine)
            }
            found => Err(QuantizeError::Constant {
                value: value.to_owned(),
                constant: found.map_or(0.0, |activation| activation.extremes.low),
            }),
        }
    }

    /// The mean of each channel of `value`.
    pub fn means(&self, value: &str) -> Option<Vec<f64>> {
        self.0.get(value).map(|activation| activation.extremes.means())
    }

    /// Which method chose each range.
    pub fn methods(&self) -> impl Iterator<Item = (&str, Method)> {
        self.0.iter().map(|(name, activation)| (name.as_str(), activation.method))
    }
}

/// Runs `graph` on every row and chooses the ranges of its activations by `method`.
///
/// # Errors
/// [`QuantizeError`] when there are too few rows, one does not fit or a value is not finite.
pub fn calibrate(
    graph: &Graph,
    rows: &[Recorded],
    method: Method,
) -> Result<Calibration, QuantizeError> {
    if rows.len() < LEAST {
        return Err(QuantizeError::NoData { rows: rows.len(), least: LEAST });
    }
    for row in rows {
        graph.input_shape(Some(&row.shape))?;
        let expected = row.shape.iter().product();
        if row.values.len() != expected {
            return Err(QuantizeError::WrongRow { actual: row.values.len(), expected });
        }
    }
    let names = activations(graph);
    let probe = Probe::new(graph, &names);

    let channels = names.iter().chain([&graph.input.name]).map(|name| channels(graph, name));
    let mut extremes: Vec<Extremes> = channels.map(Extremes::new).collect();
    each(&probe, rows, |row, at, values| {
        if !values.iter().all(|value| value.is_finite()) {
            let value = names.get(at).unwrap_or(&graph.input.name).clone();
            return Err(QuantizeError::Overflow { value, row });
        }
        extremes[at].see(values);
        Ok(())
    })?;
    let mut seen: Vec<Seen> = extremes.iter().map(Seen::new).collect();
    each(&probe, rows, |row, at, values| {
        seen[at].see(row, values);
        Ok(())
    })?;
    let names = names.into_iter().chain([graph.input.name.clone()]);
    let activation = |(extremes, seen): (Extremes, Seen)| {
        let (affine, method) = seen.choose(method);
        Activation { extremes, affine, method }
    };
    Ok(Calibration(names.zip(extremes.into_iter().zip(seen).map(activation)).collect()))
}

/// Hands `see` the number of the row, the number of the value and its content; the input itself comes last.
fn each(
    probe: &Probe,
    rows: &[Recorded],
    mut see: impl FnMut(usize, usize, &[f32]) -> Result<(), QuantizeError>,
) -> Result<(), QuantizeError> {
    for (row, input) in rows.iter().enumerate() {
        let mut count = 0;
        probe.run(input, |at, values| {
            count = count.max(at + 1);
            see(row, at, values)
        })?;
        see(row, count, &input.values)?;
    }
    Ok(())
}
