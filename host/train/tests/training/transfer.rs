//! A training that starts from the weights of another.

use burn::module::Module as _;
use emocue_train::net::{NetSpec, Network};
use emocue_train::recipe::Head;

use crate::bench::{Bench, logits, recipe};

#[test]
fn another_trainings_weights_answer_the_same_at_first() {
    let bench = Bench::new();
    let (examples, mut first) = bench.begin(&recipe());
    bench.train(&bench.dir("first"), &examples, &mut first, usize::MAX).unwrap();
    let first = first.exported(&bench.dir("first"), &bench.device).unwrap();
    let expected = logits(&first.valid());

    let fresh = |recipe| bench.begin(&recipe).1.net;
    let (net, heads) = fresh(recipe()).begin_with(first.clone()).unwrap();
    assert_eq!(heads.iter().map(|labels| labels.id).collect::<Vec<_>>(), ["ferplus-8", "fer-7"]);
    assert_eq!(logits(&net.valid()), expected);

    // With other classes, the body is transferred and the head is not.
    let mut other = recipe();
    other.heads = vec![Head { labels: "valence-3".to_owned(), ..other.heads[0].clone() }];
    let before = logits(&fresh(other.clone()).valid());
    let (net, heads) = fresh(other).begin_with(first.clone()).unwrap();
    assert_eq!(heads, []);
    assert_ne!(logits(&net.valid()), before);

    let mut wider = recipe();
    wider.net = NetSpec::Badge { width: 8, dropout: 0.1 };
    let labels = wider.label_sets();
    let wider = Network::new(&wider.net, &labels, &bench.device);
    let error = wider.begin_with(first).unwrap_err().to_string();
    assert!(error.contains("stem"), "{error}");
}
