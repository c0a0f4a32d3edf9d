//! Weight averaging over several trainings ("model soup", Wortsman et al. 2022).

use crate::onnx::{GraphReadError, OnnxGraph, Values};

/// Graphs whose weights cannot be averaged.
#[derive(Debug, thiserror::Error)]
pub enum AverageError {
    /// A graph cannot be read.
    #[error("graph {number}: {source}")]
    Read {
        /// Counts from 1.
        number: usize,
        /// The cause.
        source: GraphReadError,
    },
    /// A graph differs from the first in operators, names or shapes, or its weights are not floats.
    #[error("graph {number} is another network than the first: {what}")]
    Other {
        /// Counts from 1.
        number: usize,
        /// What differs.
        what: String,
    },
    /// A share is not positive and finite, or there is no graph.
    #[error("{0}")]
    Shares(String),
}

/// The first graph with the weighted mean of all graphs' weights. `graphs` are `.onnx` bytes of one architecture, each
/// with its share, `> 0`; shares are divided by their sum. Metadata and everything else are the first graph's.
///
/// # Errors
/// [`AverageError`] when a graph cannot be read or differs in shapes or operators, when a share is not positive and
/// finite, and without a graph.
pub fn average(graphs: &[(&[u8], f32)]) -> Result<Vec<u8>, AverageError> {
    let sum: f32 = graphs.iter().map(|(_, share)| share).sum();
    if let Some((_, share)) = graphs.iter().find(|(_, share)| !share.is_finite() || *share <= 0.0) {
        return Err(AverageError::Shares(format!("a share of {share} is not positive")));
    }
    let mut mean: Option<OnnxGraph> = None;
    for (number, (onnx, share)) in (1..).zip(graphs) {
        let read = OnnxGraph::read(onnx);
        let mut graph = read.map_err(|source| AverageError::Read { number, source })?;
        let share = share / sum;
        match &mut mean {
            None => {
                for constant in graph.constants.values_mut() {
                    if let Values::F32(values) = &mut constant.values {
                        values.iter_mut().for_each(|value| *value *= share);
                    }
                }
                mean = Some(graph);
            }
            Some(mean) => {
                add(mean, &graph, share).map_err(|what| AverageError::Other { number, what })?;
            }
        }
    }
    let mean = mean.ok_or_else(|| AverageError::Shares("no graph is given".to_owned()))?;
    Ok(mean.to_bytes())
}

/// Adds `other`'s weights times `share`; the error says what differs.
fn add(mean: &mut OnnxGraph, other: &OnnxGraph, share: f32) -> Result<(), String> {
    let operators = |graph: &OnnxGraph| -> Vec<(String, Vec<String>)> {
        graph.nodes.iter().map(|node| (node.op_type.clone(), node.input.clone())).collect()
    };
    if operators(mean) != operators(other) {
        return Err("its operators differ".to_owned());
    }
    let attributes = |graph: &OnnxGraph| -> Vec<_> {
        graph.nodes.iter().map(|node| node.attribute.clone()).collect()
    };
    if attributes(mean) != attributes(other) || mean.input != other.input {
        return Err("its input or its operators' attributes differ".to_owned());
    }
    for key in ["emocue.labels", "emocue.heads"] {
        if let (Some(ours), Some(theirs)) = (mean.metadata(key), other.metadata(key))
            && ours != theirs
        {
            return Err(format!("its outputs have other classes ({key} is {theirs}, not {ours})"));
        }
    }
    for (name, constant) in &mut mean.constants {
        let Some(theirs) = other.constants.get(name) else {
            return Err(format!("it has no {name}"));
        };
        match (&mut constant.values, &theirs.values) {
            (Values::F32(values), Values::F32(more)) if constant.shape == theirs.shape => {
                values.iter_mut().zip(more).for_each(|(value, more)| *value += share * more);
            }
            (Values::F32(_), _) => {
                return Err(format!("{name} is {:?}, not {:?}", theirs.shape, constant.shape));
            }
            (values, more) if *values == *more => {}
            _ => return Err(format!("{name} is not of floats")),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{Array, Dim, GraphBuilder};

    fn dense(weights: [f32; 4], name: &str) -> Vec<u8> {
        let mut graph = GraphBuilder::new("net");
        let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(2)]);
        let y = graph.dense(name, &x, Array::new(&[2, 2], &weights), &[weights[0], 0.0]);
        graph.output(&y, &[Dim::BATCH, Dim::Fixed(2)]);
        graph.finish().unwrap().with_metadata(&[("from", name)]).to_bytes()
    }

    #[test]
    fn networks_with_other_classes_are_not_averaged() {
        let with = |labels: &str| {
            let mut graph = GraphBuilder::new("net");
            let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(2)]);
            let y = graph.dense("d", &x, Array::new(&[2, 2], &[1.0; 4]), &[0.0; 2]);
            graph.output(&y, &[Dim::BATCH, Dim::Fixed(2)]);
            graph.finish().unwrap().with_metadata(&[("emocue.labels", labels)]).to_bytes()
        };
        let (fer, raf) = (with("fer-7"), with("raf-7"));
        average(&[(&fer, 1.0), (&fer, 1.0)]).unwrap();
        let said = average(&[(&fer, 1.0), (&raf, 1.0)]).unwrap_err().to_string();
        assert!(said.contains("raf-7, not fer-7"), "{said}");
    }

    #[test]
    fn weights_are_averaged_by_their_shares() {
        let (a, b) = (dense([1.0, 2.0, 3.0, 4.0], "d"), dense([5.0, 2.0, -1.0, 0.0], "d"));
        // Constants are written by name.
        let expected = |weights| OnnxGraph::read(&dense(weights, "d")).unwrap().to_bytes();
        let mean = average(&[(&a, 3.0), (&b, 1.0)]).unwrap();
        assert_eq!(mean, expected([2.0, 2.0, 2.0, 3.0]));
        assert_eq!(average(&[(&a, 0.2)]).unwrap(), expected([1.0, 2.0, 3.0, 4.0]));
    }

    #[test]
    fn another_network_is_refused_with_its_number() {
        let a = dense([1.0; 4], "d");
        let error = |graphs: &[(&[u8], f32)]| average(graphs).unwrap_err().to_string();
        assert!(
            error(&[(&a, 1.0), (&dense([1.0; 4], "e"), 1.0)]).starts_with("graph 2 is another")
        );
        assert!(error(&[(&a, 1.0), (b"no graph", 1.0)]).starts_with("graph 2: "));
        assert!(error(&[(&a, 1.0), (&a, 0.0)]).contains("not positive"));
        assert!(error(&[(&a, f32::NAN)]).contains("not positive"));
        assert!(error(&[]).contains("no graph"));
    }
}
