//! The real datasets, where `EMOCUE_DATA` names the folder that holds them.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::PathBuf;

use emocue_host::data::dataset::Dataset;
use emocue_host::data::ferplus::Votes;
use emocue_host::data::{Split, fer2013, ferplus};
use emocue_host::eval::evaluate;
use emocue_models::bundle::{self, Bundle};
use emocue_models::run::ExpressionNet;

/// FER2013 with FER+ votes, or `None` and a word about it.
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
    let scored =
        private.iter().filter(|row| data.votes(**row).and_then(Votes::plurality).is_some()).count();
    assert_eq!(scored, 3_521);
    // Every pixel-identical Training row is found, whichever test it stands in.
    let leaked = data.leaked_rows();
    assert!(leaked.iter().all(|row| data.split(*row) == Split::Training));
    println!("{} Training rows also stand in a test", leaked.len());
    assert!(leaked.len() > 500);
}

#[test]
fn default_bundle_reaches_its_bar_as_deployed() {
    let Some(data) = dataset() else { return };
    let bundle = Bundle::read(bundle::DEFAULT).unwrap();
    let mut net = ExpressionNet::from_bundle(&bundle).unwrap();
    let judged = evaluate(&mut net, &data, Split::PrivateTest, 0.0, |_, _| {}).unwrap();
    let scores = &judged.ferplus_plurality;
    assert_eq!(scores.rows(), 3_521);
    assert!(scores.accuracy() >= 0.78, "{:.4}", scores.accuracy());
    // The manifest tells the same.
    let told = bundle.manifest().metrics["ferplus.private.plurality"];
    assert!((told - scores.accuracy()).abs() < 5e-3, "{told} {}", scores.accuracy());
}
