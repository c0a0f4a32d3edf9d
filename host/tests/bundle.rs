//! `emocue bundle` as a program: it writes exactly what was packed, or nothing.

#![allow(clippy::unwrap_used)] // helpers of tests

use std::path::Path;
use std::process::{Command, Output};

use emocue_models::bundle::{Bundle, DEFAULT};
use emocue_quantize::onnx::{Array, Conv, Dim, GraphBuilder};

/// A network of `side` px whose outputs, each from the picture's mean, have the given numbers of values.
fn judge(side: usize, outputs: &[usize]) -> Vec<u8> {
    let mut graph = GraphBuilder::new("judge");
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(side), Dim::Fixed(side)]);
    let mean = graph.global_average_pool("pool", &x);
    let mean = graph.flatten("mean", &mean);
    for (index, count) in outputs.iter().enumerate() {
        let weight = vec![0.5; *count];
        let shape = [*count, 1];
        let weight = Array::new(&shape, &weight);
        let y = graph.dense(&format!("y{index}"), &mean, weight, &vec![0.0; *count]);
        graph.output(&y, &[Dim::BATCH, Dim::Fixed(*count)]);
    }
    graph.finish().unwrap().to_bytes()
}

/// A classifier of `side` px that always answers happiness, its second class.
fn happy(side: usize, classes: usize) -> Vec<u8> {
    let mut graph = GraphBuilder::new("happy");
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(side), Dim::Fixed(side)]);
    let mean = graph.global_average_pool("pool", &x);
    let mean = graph.flatten("mean", &mean);
    let mut bias = vec![0.0; classes];
    bias[1] = 9.0;
    let weight = vec![0.0; classes];
    let y = graph.dense("y", &mean, Array::new(&[classes, 1], &weight), &bias);
    graph.output(&y, &[Dim::BATCH, Dim::Fixed(classes)]);
    graph.finish().unwrap().to_bytes()
}

/// A bundle whose detector is MTCNN.
const MTCNN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/mtcnn.emocue");

fn mtcnn() -> Vec<u8> {
    std::fs::read(MTCNN).unwrap()
}

/// Everything that `pack` needs, in `folder`.
fn parts(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let mtcnn = mtcnn();
    let mtcnn = Bundle::read(&mtcnn).unwrap();
    for name in ["pnet.onnx", "rnet.onnx", "onet.onnx"] {
        write(name, mtcnn.payload(name).unwrap());
    }
    write("classifier.onnx", &happy(48, 8));
    write("CARD.md", b"# A model for a test\n");
    write("metrics.json", br#"{ "ferplus.private.plurality": 0.125 }"#);
}

fn emocue(folder: &Path, arguments: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    command.current_dir(folder).args(arguments.split_whitespace()).output().unwrap()
}

const PACK: &str = "bundle pack --detector . --classifier classifier.onnx --card CARD.md \
    --metrics metrics.json --name test --content-version 7 --min-face 30 --temperature 1.5 \
    --threshold 0.45 --provenance seed=1 --labels ferplus-8 --overwrite -o out.emocue";

#[test]
fn what_is_packed_is_shown_and_comes_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    parts(folder);
    let packed = emocue(folder, PACK);
    assert!(packed.status.success(), "{packed:?}");

    let shown = emocue(folder, "bundle show --json out.emocue");
    let manifest: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(manifest["content_version"], 7);
    assert_eq!(manifest["detector"]["mtcnn"]["settings"]["min_face"], 30.0);
    assert_eq!(manifest["classifier"]["temperature"], 1.5);
    assert_eq!(manifest["metrics"]["ferplus.private.plurality"], 0.125);
    assert_eq!(manifest["provenance"]["seed"], "1");
    assert_eq!(emocue(folder, "bundle show --card out.emocue").stdout, b"# A model for a test\n");

    let unpacked = emocue(folder, "bundle unpack out.emocue -o taken/apart");
    assert!(unpacked.status.success(), "{unpacked:?}");
    for name in ["pnet.onnx", "rnet.onnx", "onet.onnx", "classifier.onnx"] {
        let read = |path: &Path| std::fs::read(path).unwrap();
        assert_eq!(
            read(&folder.join("taken/apart").join(name)),
            read(&folder.join(name)),
            "{name}"
        );
    }
    let json = std::fs::read(folder.join("taken/apart/manifest.json")).unwrap();
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&json).unwrap(), manifest);
}

#[test]
fn people_see_a_page_and_a_card_to_fill_in() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    parts(folder);
    let template = emocue(folder, "bundle card --template");
    assert!(template.status.success(), "{template:?}");
    std::fs::write(folder.join("CARD.md"), &template.stdout).unwrap();
    assert!(emocue(folder, PACK).status.success());
    let page = String::from_utf8(emocue(folder, "bundle show out.emocue").stdout).unwrap();
    for expected in
        ["test 7", "not signed", "faces of 30 px", "ferplus-8", "seed: 1", "Model card: NAME"]
    {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert_eq!(emocue(folder, "bundle card out.emocue").stdout, template.stdout);
    assert_eq!(emocue(folder, "bundle card").status.code(), Some(2));
}

#[test]
fn the_default_bundle_needs_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let shown = emocue(folder.path(), "bundle show --json default");
    let manifest: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(manifest["classifier"]["labels"], "ferplus-8");
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    let ended = command.args(["bundle", "show", "default"]).stdout(writer).output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(141), b"".as_slice()));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_a_full_disk_does_not_take_is_told() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    let ended = command.args(["bundle", "show", "default"]).stdout(full).output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(4), "{told}");
    assert!(told.starts_with("error: cannot write the output: No space left"), "{told}");
}

#[test]
fn a_bundle_that_a_badge_would_refuse_is_not_packed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    parts(folder);
    std::fs::write(folder.join("out.emocue"), "old").unwrap();
    let without_card = folder.join("CARD.md");
    for (arguments, reason) in [
        (PACK.replace("--threshold 0.45", "--threshold 1"), "astronaut.jpg: unsure"),
        (PACK.replace("--min-face 30", "--min-face 4000"), "0 faces found instead of one"),
        (PACK.to_owned(), "it has no model card"),
    ] {
        if reason.contains("card") {
            std::fs::write(&without_card, "\n").unwrap();
        }
        let failed = emocue(folder, &arguments);
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(5), "{said}");
        assert!(
            said.contains("a badge refuses the bundle test: ") && said.contains(reason),
            "{said}"
        );
        assert_eq!(std::fs::read(folder.join("out.emocue")).unwrap(), b"old");
    }
    // With `--untested` it is written, but not signed.
    let made = emocue(folder, &format!("{PACK} --untested"));
    let warned = String::from_utf8(made.stderr).unwrap();
    assert!(made.status.success() && warned.contains("warning: a badge refuses"), "{warned}");
    assert!(emocue(folder, "key new -o key").status.success());
    let signed = emocue(folder, "bundle sign out.emocue --key key -o signed.emocue");
    assert_eq!(signed.status.code(), Some(5), "{signed:?}");
    assert!(!folder.join("signed.emocue").exists());
}

#[test]
fn a_bad_part_is_named_and_the_old_bundle_stays() {
    let seven = judge(48, &[7]);
    let bad: [(&str, &[u8], i32, &str); 5] = [
        ("rnet.onnx", b"not a graph", 5, "rnet"),
        ("pnet.onnx", b"not a graph", 5, "pnet"),
        ("classifier.onnx", &seven, 5, "7 logits for the classes of ferplus-8"),
        ("metrics.json", br#"{ "accuracy": "high" }"#, 3, "metrics.json: invalid type"),
        ("CARD.md", b"\xff\xfe", 3, "CARD.md"),
    ];
    for (name, bytes, code, expected) in bad {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        parts(folder);
        std::fs::write(folder.join("out.emocue"), "old").unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
        let failed = emocue(folder, PACK);
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(code), "{name}: {said}");
        assert!(said.contains(expected), "{name}: {said}");
        assert_eq!(std::fs::read(folder.join("out.emocue")).unwrap(), b"old", "{name}");
    }
}

/// The network of [`judge`] with a NaN in its first layer, which a Relu hides.
fn diverged(side: usize, classes: usize) -> Vec<u8> {
    let mut graph = GraphBuilder::new("diverged");
    let x = graph.input("x", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(side), Dim::Fixed(side)]);
    let shape = [2, 1, 1, 1];
    let weight = Array::new(&shape, &[1.0, 1.0]);
    let x = graph.conv("first", &x, weight, Some(&[0.0, f32::NAN]), Conv::default());
    let x = graph.relu("relu", &x);
    let x = graph.global_average_pool("pool", &x);
    let x = graph.flatten("mean", &x);
    let (weight, shape) = (vec![0.5; classes * 2], [classes, 2]);
    let y = graph.dense("y", &x, Array::new(&shape, &weight), &vec![0.0; classes]);
    graph.output(&y, &[Dim::BATCH, Dim::Fixed(classes)]);
    graph.finish().unwrap().to_bytes()
}

#[test]
fn weights_that_are_not_numbers_are_refused_by_every_way_in() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let import = "import onnx classifier.onnx --kind classifier --labels ferplus-8 --card CARD.md -o out.emocue";
    for (part, arguments) in
        [("classifier.onnx", PACK), ("rnet.onnx", PACK), ("classifier.onnx", import)]
    {
        parts(folder);
        let (side, classes) = if part == "rnet.onnx" { (24, 5) } else { (48, 8) };
        std::fs::write(folder.join(part), diverged(side, classes)).unwrap();
        let failed = emocue(folder, arguments);
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(5), "{part}: {said}");
        assert!(said.contains(&format!("{part}: first.bias holds NaN")), "{part}: {said}");
        assert!(!folder.join("out.emocue").exists(), "{part}");
    }
}

#[test]
fn classes_in_the_networks_own_order_reach_the_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    parts(folder);
    std::fs::write(folder.join("classifier.onnx"), happy(48, 5)).unwrap();
    let order = "angry,happy,neutral,sad,surprised";
    std::fs::write(
        folder.join("map.toml"),
        "angry = 0\nhappy = 1\nneutral = 2\nsad = 3\nsurprised = 4",
    )
    .unwrap();
    for labels in [order, "map.toml"] {
        // The default bundle's detector needs runtime 4.
        for (runtime, arguments) in [
            (3, PACK.replace("ferplus-8", labels)),
            (
                4,
                format!(
                    "import onnx classifier.onnx --kind classifier --labels {labels} --card CARD.md --overwrite -o out.emocue"
                ),
            ),
        ] {
            let made = emocue(folder, &arguments);
            assert!(made.status.success(), "{arguments}: {made:?}");
            let shown = emocue(folder, "bundle show --json out.emocue");
            let manifest: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
            let expected = "anger,happiness,neutral,sadness,surprise";
            assert_eq!(manifest["classifier"]["labels"], expected, "{arguments}");
            assert_eq!(manifest["min_runtime"], runtime, "{arguments}");
        }
    }
    let failed = emocue(folder, &PACK.replace("ferplus-8", "angry,calm"));
    let said = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(failed.status.code(), Some(2), "{said}");
    assert!(said.contains("\"calm\", is not a class name"), "{said}");
}

#[test]
fn a_bundles_detector_goes_into_another_with_its_settings() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    parts(folder);
    let pack = PACK.replace("--min-face 30 ", "");
    let detector_of = |bytes: &[u8]| Bundle::read(bytes).unwrap().manifest().detector.clone();
    for (name, expected) in [("default", detector_of(DEFAULT)), (MTCNN, detector_of(&mtcnn()))] {
        let made = emocue(folder, &pack.replace("--detector .", &format!("--detector {name}")));
        assert!(made.status.success(), "{made:?}");
        let packed = std::fs::read(folder.join("out.emocue")).unwrap();
        assert_eq!(detector_of(&packed), expected);
    }
    let nearer = emocue(folder, &PACK.replace("--detector .", "--detector default"));
    assert!(nearer.status.success(), "{nearer:?}");
    let packed = std::fs::read(folder.join("out.emocue")).unwrap();
    assert_eq!(detector_of(&packed), detector_of(DEFAULT).looking_for(30.0));

    for (detector, option) in [(".", "--sure 0.6"), ("default", "--maybe 0.2")] {
        let refused = emocue(
            folder,
            &pack.replace("--detector .", &format!("--detector {detector} {option}")),
        );
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        let (option, _) = option.split_once(' ').unwrap();
        assert!(said.contains(&format!("{option} is not for ")), "{said}");
    }
}

#[test]
fn a_missing_part_and_a_damaged_bundle_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    parts(folder);
    emocue(folder, PACK);
    let mut bytes = std::fs::read(folder.join("out.emocue")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(folder.join("damaged.emocue"), bytes).unwrap();
    std::fs::remove_file(folder.join("onet.onnx")).unwrap();
    for (arguments, code, expected) in [
        (PACK, 3, "cannot read ./onet.onnx: "),
        (&PACK.replace("--labels ferplus-8", ""), 3, "classifier.onnx does not name its classes"),
        ("bundle show damaged.emocue", 5, "damaged.emocue: byte "),
        (
            "bundle unpack damaged.emocue -o apart",
            5,
            "is damaged, its SHA-256 differs\nhelp: Copy the bundle again.",
        ),
        ("bundle show missing.emocue", 3, "cannot read missing.emocue: "),
    ] {
        let failed = emocue(folder, arguments);
        let said = String::from_utf8(failed.stderr).unwrap();
        assert_eq!(failed.status.code(), Some(code), "{arguments}: {said}");
        assert!(said.contains(expected), "{arguments}: {said}");
    }
    assert!(!folder.join("apart").exists());
}

#[test]
fn a_graph_that_is_brought_becomes_a_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    parts(folder);
    let import = "import onnx classifier.onnx --kind classifier --labels ferplus-8 -o mine.emocue";
    let refused = emocue(folder, import);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--card"), "{refused:?}");
    assert!(!folder.join("mine.emocue").exists());

    let made = emocue(folder, &format!("{import} --card CARD.md --mean 0 --std 1"));
    assert!(made.status.success(), "{made:?}");
    let shown = emocue(folder, "bundle show --json mine.emocue");
    let manifest: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(manifest["name"], "mine");
    assert_eq!(manifest["provenance"]["imported"], "classifier.onnx");
    assert_eq!(manifest["classifier"]["preprocess"]["std"], 1.0);
    assert_eq!(manifest["classifier"]["form"], "float32");
    assert!(manifest["detector"]["single_shot"].is_object(), "that of the default bundle");
}

/// File systems allow names that are not UTF-8.
#[cfg(unix)]
#[test]
fn a_bundle_may_have_any_name() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(std::ffi::OsStr::from_bytes(b"mine-\xe9.emocue"));
    std::fs::write(&path, DEFAULT).unwrap();
    let shown = Command::new(env!("CARGO_BIN_EXE_emocue"))
        .args(["bundle", "show"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(shown.status.success(), "{shown:?}");
    assert!(String::from_utf8(shown.stdout).unwrap().contains("default"));
}
