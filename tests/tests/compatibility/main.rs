//! Files of version 0.1 (`tests/data/v0.1`, see its README) have the same meaning in this version.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod place;
mod state;
mod training;

use std::fs;

use emocue_models::bundle::{Bundle, Manifest};
use serde_json::Value;

use place::{DATA, Place, SAME_NETWORK, assert_says, bytes, json, kept, says, secret, text};

#[test]
fn bundles_are_read_and_written_as_before() {
    let place = Place::with(&["bundles"]);
    for (name, signed) in [("float", false), ("w8", true), ("int8", true)] {
        let (file, shown) =
            (format!("bundles/{name}.emocue"), json(&format!("bundles/{name}.json")));
        let packed = bytes(&file);
        let bundle = Bundle::read(&packed).unwrap();
        assert_eq!(bundle.signer(), signed.then(|| secret().public()), "{name}");
        let manifest: Manifest = serde_json::from_value(shown.clone()).unwrap();
        assert_eq!(*bundle.manifest(), manifest);
        let show = place.emocue(&["bundle", "show", "--json", &file]);
        assert_eq!(serde_json::from_str::<Value>(&show).unwrap(), shown);

        // An older badge can read what this version writes.
        let payloads: Vec<_> = bundle.payloads().collect();
        let mut again = Bundle::pack(bundle.manifest().clone(), &payloads).unwrap();
        if signed {
            again = Bundle::sign(&again, &secret()).unwrap();
        }
        assert!(again == packed, "{name} is written otherwise");

        let verified =
            place.run("emocue", &["bundle", "verify", &file, "--key", "bundles/signer.pub"]);
        let found = String::from_utf8_lossy(&verified.stdout);
        assert!(found.contains(": whole, "), "{name}: {verified:?}");
        assert_eq!(found.contains("signed by "), signed, "{name}: {verified:?}");
        // The bundle is valid and signed, but a badge refuses it: its network, trained on synthetic pictures, fails the
        // self-test.
        let told = String::from_utf8_lossy(&verified.stderr);
        let refused = told.contains("a badge refuses the bundle");
        assert_eq!(verified.status.success(), signed && !refused, "{name}: {verified:?}");
    }
}

#[test]
fn keys_are_read_as_before() {
    let place = Place::with(&["bundles"]);
    let digits = "07".repeat(32);
    fs::write(place.at("mine"), format!("emocue-secret-key {digits}\n")).unwrap();
    assert_eq!(place.emocue(&["key", "show", "mine"]), text("bundles/signer.pub"));
    assert_eq!(place.emocue(&["key", "show", "bundles/new.pub"]), text("bundles/new.pub"));
    assert_eq!(format!("{}\n", secret().public()), text("bundles/signer.pub"));
}

#[test]
fn configurations_come_to_the_same() {
    let place = Place::with(&["config"]);
    let table = |text: &str| toml::from_str::<Value>(text).unwrap();
    let mut count = 0;
    for entry in fs::read_dir(kept("config")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".toml") else { continue };
        let shown = text(&format!("config/{stem}.shown"));
        place.badge(&["config", "check", &format!("config/{name}")]);
        let now = place.badge(&["config", "show", &format!("config/{name}")]);
        says(&table(&now), &table(&shown), 0.0, stem).unwrap();
        // The output of `config show` is a valid configuration, too.
        assert_eq!(place.badge(&["config", "show", &format!("config/{stem}.shown")]), now);
        count += 1;
    }
    assert_eq!(count, 8);
    for case in json("config/checked.json").as_array().unwrap() {
        fs::write(place.at("case.toml"), case["text"].as_str().unwrap()).unwrap();
        let checked = place.run("emocue-badge", &["config", "check", "case.toml"]);
        let told = String::from_utf8_lossy(&checked.stderr);
        assert_eq!(
            checked.status.code().map(Value::from),
            Some(case["exit"].clone()),
            "{case}: {told}"
        );
    }
}

#[test]
fn graphs_and_bundles_answer_as_before() {
    let place = Place::with(&["rows", "graphs", "plan", "bundles"]);
    let old = json("graphs/eval.json.gz");
    let networks = old["evaluations"].as_array().unwrap();
    let names: Vec<&str> = networks.iter().map(|one| one["name"].as_str().unwrap()).collect();
    let mut words = vec!["eval", "--json"];
    words.extend(names.iter().flat_map(|name| ["--model", name]));
    let now = place.emocue(&[words.as_slice(), &DATA].concat());
    assert_says(&serde_json::from_str(&now).unwrap(), &old, SAME_NETWORK);

    // The figures above count answers; these are the networks' outputs for three drawn inputs.
    let step = |picture: usize, x: u16, y: u16| match picture {
        0 => f32::from(y) / 12.0 - 2.0,
        1 => 2.0 - f32::from(y) / 12.0,
        _ => f32::from(x * y % 17) / 4.0 - 2.0,
    };
    let pixels = (0..3)
        .flat_map(|picture| (0..48).flat_map(move |y| (0..48).map(move |x| step(picture, x, y))));
    let inputs: Vec<u8> = pixels.flat_map(f32::to_le_bytes).collect();
    fs::write(place.at("inputs"), inputs).unwrap();
    for (name, old) in json("graphs/logits.json").as_object().unwrap() {
        let words =
            ["--shape", "1,1,48,48", "--input", "inputs", "--out", "outputs", "--overwrite"];
        place.emocue(&[["infer", name].as_slice(), &words].concat());
        let outputs = fs::read(place.at("outputs")).unwrap();
        let outputs = outputs.as_chunks::<4>().0.iter().map(|value| f32::from_le_bytes(*value));
        assert_says(&outputs.collect(), old, SAME_NETWORK);
    }

    // A bundle has the temperature and threshold of its packed graph.
    let eval = [["eval", "--json", "--bundle", "bundles/w8.emocue"].as_slice(), &DATA].concat();
    let now: Value = serde_json::from_str(&place.emocue(&eval)).unwrap();
    let packed = names.iter().position(|name| name.ends_with("w8.onnx")).unwrap();
    assert_says(&now["evaluations"][0]["splits"], &networks[packed]["splits"], SAME_NETWORK);
}
