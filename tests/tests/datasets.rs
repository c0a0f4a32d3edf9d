//! Tests on the real datasets, if `EMOCUE_DATA` names their folder.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::PathBuf;

use emocue_data::dataset::Dataset;
use emocue_data::model::ClassifierModel;
use emocue_data::predict::PredictSettings;
use emocue_data::summary::Summary;
use emocue_data::votes::Votes;
use emocue_data::{Split, fer2013, ferplus};
use emocue_host::eval::{also_in_training, evaluate};
use emocue_models::bundle::{self, Bundle};

/// FER2013 with FER+ votes; else `None` and a note on standard error.
fn dataset() -> Option<Dataset> {
    let Some(folder) = std::env::var_os("EMOCUE_DATA").map(PathBuf::from) else {
        println!("skipped: EMOCUE_DATA names no folder with fer2013.csv.gz and fer2013new.csv");
        return None;
    };
    let fer = fer2013::read(&folder.join("fer2013.csv.gz")).unwrap();
    Some(ferplus::read(&folder.join("fer2013new.csv"), fer).unwrap())
}

#[test]
fn published_counts_hold() {
    let Some(data) = dataset() else { return };
    let rows = |split| data.rows(split).len();
    let splits = [Split::Training, Split::PublicTest, Split::PrivateTest].map(rows);
    assert_eq!(splits, [28_709, 3_589, 3_589]);
    let mut classes = [0; 7];
    (0..data.len()).for_each(|row| classes[data.label(row)] += 1);
    assert_eq!(classes, [4_953, 547, 5_121, 8_989, 6_077, 4_002, 6_198]);
    let private = data.rows(Split::PrivateTest);
    let scored = |way: fn(&Votes) -> Option<usize>| {
        private.iter().filter(|row| data.votes(**row).and_then(way).is_some()).count()
    };
    assert_eq!(
        [Votes::plurality as fn(&Votes) -> _, Votes::authors, Votes::above_half].map(scored),
        [3_521, 3_153, 2_729]
    );
    let leaks = also_in_training(&data);
    assert_eq!(private.iter().filter(|row| leaks.contains(row)).count(), 288);
    // Every Training row with the pixels of a test row is found, for either test split.
    let leaked = data.leaked_rows();
    assert!(leaked.iter().all(|row| data.split(*row) == Split::Training));
    println!("{} Training rows also stand in a test", leaked.len());
    assert!(leaked.len() > 500);
}

#[test]
fn summary_tells_what_is_known_of_fer2013() {
    let Some(data) = dataset() else { return };
    let summary = Summary::of(&data);
    assert_eq!((summary.rows, summary.votes, summary.subjects), (35_887, true, None));
    assert_eq!(summary.splits.iter().map(|split| split.black).sum::<usize>(), 12);
    // The twelve black rows are one more group, which is not counted here.
    let duplicates = summary.duplicates;
    assert_eq!((duplicates.groups, duplicates.conflicting), (1_515, 56));
    let leaks = |split| {
        let found = duplicates
            .across
            .iter()
            .find(|across| across.split == split && across.also_in == Split::Training);
        found.map(|across| across.rows)
    };
    assert_eq!(leaks(Split::PublicTest), Some(279));
    assert_eq!(leaks(Split::PrivateTest), Some(288));
}

#[test]
fn default_bundle_reaches_its_bar_as_deployed() {
    let Some(data) = dataset() else { return };
    let bundle = Bundle::read(bundle::DEFAULT).unwrap();
    let net = [ClassifierModel::from_bundle("default", &bundle).unwrap()];
    let judged =
        evaluate(&net, &data, &[Split::PrivateTest], PredictSettings::default(), &|_| {}).unwrap();
    let split = &judged.evaluation.splits[0];
    assert_eq!((split.rows, split.also_in_training), (3_589, 288));
    let [plurality, authors, majority, label] = split.protocols.as_slice() else {
        panic!("four protocols")
    };
    assert_eq!(
        [plurality, authors, majority, label].map(|result| result.all.rows),
        [3_521, 3_153, 2_729, 3_589]
    );
    let accuracy = plurality.all.accuracy;
    assert!(accuracy >= 0.82, "{accuracy:.4}");
    assert!(authors.all.accuracy > accuracy && majority.all.accuracy > authors.all.accuracy);
    // The manifest has the same figure.
    let told = bundle.manifest().metrics["ferplus.private.plurality"];
    assert!((told - accuracy).abs() < 5e-3, "{told} {accuracy}");
}
