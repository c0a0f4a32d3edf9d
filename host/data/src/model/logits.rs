//! Ensures that a classifier outputs logits: a softmax that the graph shows is removed; a classifier that outputs
//! probabilities in another way, which only a run shows, is refused.

use emocue_models::bundle::manifest::ClassifierSpec;
use emocue_quantize::onnx::{LogitGraph, to_logits};
use emocue_run::Session;

use super::error::ModelError;

/// Greys, as fractions of white, of the rows that a suspect network is run on; a pattern is added.
const ROWS: [f32; 4] = [0.0, 0.35, 0.65, 1.0];
/// Tolerance of sums that should be equal.
const ROUNDING: f32 = 2e-3;

/// The classifier `onnx` with logits as its output.
///
/// # Errors
/// [`ModelError::Graph`] for weights that are not finite or an unsupported output, [`ModelError::Probabilities`] if a
/// run shows that it outputs probabilities.
pub(super) fn with_logits(
    name: &str,
    spec: &ClassifierSpec,
    onnx: Vec<u8>,
) -> Result<Vec<u8>, ModelError> {
    let model = || name.to_owned();
    let LogitGraph { onnx: changed, suspect } =
        to_logits(&onnx).map_err(|source| ModelError::Graph { model: model(), source })?;
    let onnx = changed.unwrap_or(onnx);
    match suspect {
        Some(node) if answers_probabilities(name, spec.preprocess.size, &onnx) => {
            Err(ModelError::Probabilities { model: model(), node })
        }
        _ => Ok(onnx),
    }
}

/// Whether the outputs for different rows look like probabilities. A network that does not run is refused later, when
/// it is loaded.
fn answers_probabilities(name: &str, side: usize, onnx: &[u8]) -> bool {
    let answers = || {
        let session = Session::load(name, onnx, &[1, 1, side, side]).ok()?;
        let row = |white: f32| {
            let fill = |input: &mut [f32]| {
                for (at, value) in input.iter_mut().enumerate() {
                    *value = white * 2.0 - 1.0 + ((at * 7 + at / side * 3) % 11) as f32 * 0.05;
                }
            };
            session.run(fill).and_then(|outputs| outputs.get(0).map(<[f32]>::to_vec)).ok()
        };
        ROWS.into_iter().map(row).collect::<Option<Vec<_>>>()
    };
    answers().is_some_and(|answers| are_probabilities(&answers))
}

/// Whether all outputs are non-negative with the same positive sum, and either differ or sum to 1 or 100.
fn are_probabilities(answers: &[Vec<f32>]) -> bool {
    let Some(first) = answers.first() else { return false };
    let sum: f32 = first.iter().sum();
    let near = |a: f32, b: f32| (a - b).abs() <= ROUNDING * b;
    let share = |answer: &Vec<f32>| {
        near(answer.iter().sum(), sum) && answer.iter().all(|value| *value >= -ROUNDING * sum)
    };
    let differ = answers.iter().any(|answer| answer.iter().zip(first).any(|(a, b)| !near(*a, *b)));
    sum > 0.0 && answers.iter().all(share) && (differ || near(sum, 1.0) || near(sum, 100.0))
}

#[cfg(test)]
mod tests {
    use emocue_models::label::FER_7;
    use emocue_quantize::onnx::{Array, Attribute, Conv, Dim, GraphBuilder, Value};

    use super::super::ClassifierModel;
    use super::*;

    const CLASSES: usize = 7;

    /// A network of 48 px; `tail` adds what comes after its logits.
    fn net(tail: impl Fn(&mut GraphBuilder, Value) -> Value) -> Vec<u8> {
        let mut graph = GraphBuilder::new("net");
        let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(48), Dim::Fixed(48)]);
        let weight: Vec<f32> = (0..36).map(|at| (at * 7 % 11) as f32 / 11.0 - 0.4).collect();
        let shape = [4, 1, 3, 3];
        let x = graph.conv("conv", &x, Array::new(&shape, &weight), None, Conv::default());
        let x = graph.relu("relu", &x);
        let x = graph.global_average_pool("pool", &x);
        let x = graph.flatten("flat", &x);
        let weight: Vec<f32> = (0..28).map(|at| (at * 5 % 13) as f32 - 6.0).collect();
        let shape = [CLASSES, 4];
        let bias = [0.3, -0.2, 0.1, 0.0, 0.5, -0.4, 0.2];
        let logits = graph.dense("logits", &x, Array::new(&shape, &weight), &bias);
        let y = tail(&mut graph, logits);
        graph.output(&y, &[Dim::BATCH, Dim::Fixed(CLASSES)]);
        graph.finish().unwrap().to_bytes()
    }

    fn node(graph: &mut GraphBuilder, op: &str, x: &Value) -> Value {
        graph.node(op, &format!("{op} of {}", x.name()), &[x], &[])
    }

    fn softmax(graph: &mut GraphBuilder, x: &Value) -> Value {
        graph.node("Softmax", "softmax", &[x], &[("axis", Attribute::Int(-1))])
    }

    fn scaled(graph: &mut GraphBuilder, op: &str, x: &Value, by: f32) -> Value {
        let by = graph.constant(&format!("{op} by"), Array::new(&[1], &[by]));
        graph.node(op, &format!("{op} of {}", x.name()), &[x, &by], &[])
    }

    fn answer(onnx: Vec<u8>) -> Vec<f32> {
        let model = ClassifierModel::from_onnx("net.onnx", onnx, Some(FER_7)).unwrap();
        let row: Vec<u8> = (0..48 * 48).map(|at| (at * 31 % 251) as u8).collect();
        model.load().unwrap().classify_row(&row).unwrap().to_vec()
    }

    type Tail = fn(&mut GraphBuilder, Value) -> Value;

    #[test]
    fn logits_and_probabilities_with_something_harmless_behind_answer_the_same() {
        let expected = answer(net(|_, logits| logits));
        assert!(expected.iter().any(|p| *p > 0.3), "{expected:?}");
        let tails: [(&str, Tail); 9] = [
            ("softmax", |g, x| softmax(g, &x)),
            ("identity", |g, x| {
                let y = softmax(g, &x);
                node(g, "Identity", &y)
            }),
            ("dropout and identity", |g, x| {
                let y = softmax(g, &x);
                let y = node(g, "Dropout", &y);
                node(g, "Identity", &y)
            }),
            ("reshape", |g, x| {
                let y = softmax(g, &x);
                g.reshape("shaped", &y, &[-1, CLASSES as i64])
            }),
            ("cast", |g, x| {
                let y = softmax(g, &x);
                g.node("Cast", "cast", &[&y], &[("to", Attribute::Int(1))])
            }),
            ("clip", |g, x| {
                let y = softmax(g, &x);
                let low = g.constant("low", Array::new(&[], &[1e-7]));
                let high = g.constant("high", Array::new(&[], &[1.0]));
                let y = g.node("Clip", "clip", &[&y, &low, &high], &[]);
                node(g, "Identity", &y)
            }),
            ("log-softmax", |g, x| {
                g.node("LogSoftmax", "log", &[&x], &[("axis", Attribute::Int(-1))])
            }),
            ("log of softmax", |g, x| {
                let y = softmax(g, &x);
                node(g, "Log", &y)
            }),
            ("identity before", |g, x| {
                let y = node(g, "Identity", &x);
                softmax(g, &y)
            }),
        ];
        for (name, tail) in tails {
            for (found, expected) in answer(net(tail)).iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-4, "{name}: {found} {expected}");
            }
        }
    }

    #[test]
    fn probabilities_that_cannot_be_taken_off_are_refused() {
        let tails: [(&str, Tail, &str); 5] = [
            (
                "percent",
                |g, x| {
                    let y = softmax(g, &x);
                    scaled(g, "Mul", &y, 100.0)
                },
                "net.onnx answers probabilities, by softmax (Softmax)",
            ),
            (
                "offset",
                |g, x| {
                    let y = softmax(g, &x);
                    scaled(g, "Add", &y, 1e-5)
                },
                "softmax (Softmax)",
            ),
            (
                "by hand",
                |g, x| {
                    let y = node(g, "Exp", &x);
                    let sum = g.node("ReduceSum", "sum", &[&y], &[("keepdims", Attribute::Int(1))]);
                    g.node("Div", "shares", &[&y, &sum], &[])
                },
                "(Exp)",
            ),
            (
                "mean of two",
                |g, x| {
                    let a = softmax(g, &x);
                    let half = scaled(g, "Mul", &x, 0.5);
                    let b = g.node("Softmax", "second", &[&half], &[("axis", Attribute::Int(-1))]);
                    let sum = g.add("both", &a, &b);
                    scaled(g, "Div", &sum, 2.0)
                },
                "(Softmax)",
            ),
            ("sigmoid", |g, x| node(g, "Sigmoid", &x), "(Sigmoid), expected logits or a softmax"),
        ];
        for (name, tail, expected) in tails {
            let error = ClassifierModel::from_onnx("net.onnx", net(tail), Some(FER_7)).unwrap_err();
            assert!(error.to_string().contains(expected), "{name}: {error}");
        }
    }

    #[test]
    fn a_gate_before_the_last_layer_is_not_an_answer() {
        let gated = net(|g, x| {
            let gate = node(g, "Sigmoid", &x);
            g.node("Mul", "gated", &[&x, &gate], &[])
        });
        assert!(answer(gated).iter().all(|p| p.is_finite()));
    }

    #[test]
    fn sums_tell_probabilities_from_logits() {
        let both = |a: [f32; 3], b: [f32; 3]| are_probabilities(&[a.to_vec(), b.to_vec()]);
        assert!(both([0.2, 0.3, 0.5], [0.9, 0.1, 0.0]));
        assert!(both([20.0, 30.0, 50.0], [90.0, 10.0, 0.0]));
        assert!(both([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]));
        assert!(!both([0.0, 9.0, 0.0], [0.0, 9.0, 0.0]));
        assert!(!both([0.2, 0.3, 0.5], [0.9, 0.4, 0.0]));
        assert!(!both([-2.0, 3.0, 0.0], [3.0, -2.0, 0.0]));
        assert!(!both([0.0; 3], [0.0; 3]));
    }
}
