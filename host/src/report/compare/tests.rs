use emocue_models::label::FER_7;

use super::*;
use crate::compare::card::{Cost, FORMAT};
use crate::eval::card::ScoreCard;
use crate::eval::context::Environment;
use crate::eval::detector::card::{DetectorResult, SetInfo};
use crate::eval::detector::people::People;
use crate::eval::metrics::Scores;

fn recognizer(name: &str, kind: Kind, macs: Option<u64>) -> Recognizer {
    let mut scores = Scores::new(FER_7, 0.0);
    scores.add(0, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let cost = Cost { macs, ..Cost::default() };
    let (name, labels) = (name.to_owned(), FER_7.id.to_owned());
    Recognizer { name, kind, labels, cost, cpu_ratio: 1.0, scores: ScoreCard::of(&scores) }
}

fn file(recognizers: Vec<Recognizer>) -> CompareFile {
    CompareFile {
        format: FORMAT.to_owned(),
        environment: Environment::here(),
        command: "emocue compare".to_owned(),
        dataset: "fer2013".to_owned(),
        split: "PublicTest".to_owned(),
        rows: 1,
        also_in_training: 0,
        protocol: "label".to_owned(),
        training_rows: None,
        recognizers,
        detectors: None,
    }
}

#[test]
fn the_page_has_table_bars_and_dots() {
    let net = recognizer("a <net>", Kind::Bundle, Some(3_000_000));
    let page = page(&file(vec![net, recognizer("forest", Kind::Baseline, None)])).unwrap();
    for word in ["a &lt;net&gt;", "forest", "100.00 %", "MMAC", "emocue compare"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    assert_eq!(page.matches("<svg").count(), 2);
    assert_eq!(page.matches("<circle").count(), 1, "what has no MMAC has no dot");
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("http"));
    assert!(!page.contains("people in a picture"));
}

#[test]
fn without_counts_there_is_no_scatter_plot() {
    let page = page(&file(vec![recognizer("forest", Kind::Baseline, None)])).unwrap();
    assert_eq!(page.matches("<svg").count(), 1);
}

#[test]
fn detectors_have_their_three_way_table() {
    let look = crate::eval::detector::look::Look::default();
    let people = People::of([look.clone(), look].iter(), 0.5);
    let result = DetectorResult {
        name: "default".to_owned(),
        threshold: 0.5,
        threshold_at_alarms: None,
        alarms_per_1000: None,
        sizes: Vec::new(),
        average_precision: None,
        conditions: Vec::new(),
        groups: Vec::new(),
        landmark_error: None,
        people,
        curve: Vec::new(),
    };
    let set =
        SetInfo { name: "rooms".to_owned(), pictures: 2, faces: 0, skipped: Default::default() };
    let detectors = DetectorFile {
        format: crate::eval::detector::card::FORMAT.to_owned(),
        environment: Environment::here(),
        command: "emocue compare".to_owned(),
        half: "judging".to_owned(),
        min_face: None,
        reference: None,
        sets: Vec::new(),
        empty: vec![set],
        detectors: vec![result],
    };
    let mut file = file(vec![recognizer("net", Kind::Bundle, Some(1))]);
    file.detectors = Some(detectors);
    let page = page(&file).unwrap();
    for word in ["None, one or several people", "rooms (2 pictures)", "several", "100.0 %"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    let text = crate::compare::text::text(&file);
    let line = text.lines().find(|line| line.contains("none")).unwrap();
    assert_eq!(
        line.split_whitespace().collect::<Vec<_>>(),
        ["default", "100.0", "%", "none", "2", "1.000", "1.000", "1.000"]
    );
}
