//! Calibration: the range of every activation of a float graph on real inputs.

use std::collections::BTreeMap;

use crate::engine::{CalibrationInput, Engine};
use crate::error::QuantizeError;
use crate::layer::channels;
use crate::onnx::OnnxGraph;
use crate::operators::activations;
use crate::probe::Probe;
use crate::range::{Affine, Distribution, Extremes, Integers, RangeMethod};

/// Fewest calibration rows: ranges are fitted to half of them and compared on the other half.
const LEAST: usize = 8;

/// Statistics of one activation.
#[derive(Clone, Debug)]
struct Activation {
    extremes: Extremes,
    seen: Distribution,
}

/// Statistics of every activation, by its name in the graph.
#[derive(Clone, Debug)]
pub(crate) struct ActivationRanges {
    activations: BTreeMap<String, Activation>,
    method: RangeMethod,
}

impl ActivationRanges {
    /// Scale and zero point of the activation `value`.
    ///
    /// # Errors
    /// [`QuantizeError::Constant`] when it has the same value on all rows.
    pub(crate) fn affine(&self, value: &str, integers: Integers) -> Result<Affine, QuantizeError> {
        match self.activations.get(value) {
            Some(Activation { extremes, seen }) if extremes.low < extremes.high => {
                Ok(seen.choose(self.method, integers))
            }
            found => Err(QuantizeError::Constant {
                value: value.to_owned(),
                constant: found.map_or(0.0, |activation| activation.extremes.low),
            }),
        }
    }

    /// The mean of each channel of `value`.
    pub(crate) fn means(&self, value: &str) -> Option<Vec<f64>> {
        self.activations.get(value).map(|activation| activation.extremes.means())
    }
}

/// Runs `graph` on every row and collects the statistics by which [`ActivationRanges::affine`] chooses ranges.
///
/// # Errors
/// [`QuantizeError`] when there are too few rows, one does not fit or a value is not finite.
pub(crate) fn calibrate(
    engine: &dyn Engine,
    graph: &OnnxGraph,
    rows: &[CalibrationInput],
    method: RangeMethod,
) -> Result<ActivationRanges, QuantizeError> {
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
    let inner = activations(graph);
    let probe = Probe::new(engine, graph, &inner);
    let names: Vec<String> = inner.into_iter().chain([graph.input.name.clone()]).collect();

    // Twice, since histograms need the extremes and all values of all rows would not fit into memory.
    let mut extremes: Vec<Extremes> =
        names.iter().map(|name| Extremes::new(channels(graph, name))).collect();
    for (number, row) in rows.iter().enumerate() {
        let values = probe.run(row)?;
        let values = values.iter().chain([&row.values]);
        for ((name, extremes), values) in names.iter().zip(&mut extremes).zip(values) {
            if !values.iter().all(|value| value.is_finite()) {
                return Err(QuantizeError::Overflow { value: name.clone(), row: number });
            }
            extremes.add(values);
        }
    }
    let mut distributions: Vec<Distribution> = extremes.iter().map(Distribution::new).collect();
    for (number, row) in rows.iter().enumerate() {
        let values = probe.run(row)?;
        let values = values.iter().chain([&row.values]);
        distributions.iter_mut().zip(values).for_each(|(seen, values)| seen.add(number, values));
    }
    let activations = extremes.into_iter().zip(distributions);
    let activations = activations.map(|(extremes, seen)| Activation { extremes, seen });
    Ok(ActivationRanges { activations: names.into_iter().zip(activations).collect(), method })
}
