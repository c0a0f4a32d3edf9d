//! Every target reads its seeds and its known inputs, without libFuzzer.

use std::collections::BTreeSet;
use std::path::Path;

use emocue_fuzz::targets;

/// Largest folder of known inputs, bytes: they are for faults and what covers most, not for a corpus.
const MOST: usize = 48 << 10;

#[test]
fn every_known_input_is_read_or_refused() {
    for target in targets() {
        for (number, seed) in (target.seeds)().iter().enumerate() {
            println!("{}: seed {number}", target.name);
            (target.run)(seed);
            // Cut, as a transfer or a card leaves it.
            (target.run)(&seed[..seed.len() / 2]);
        }
        assert!(!(target.seeds)().is_empty(), "{}", target.name);
        (target.run)(b"");
        let mut total = 0;
        for path in files(&target.inputs()) {
            println!("{}: {path}", target.name);
            let input = std::fs::read(target.inputs().join(&path)).unwrap();
            total += input.len();
            (target.run)(&input);
        }
        assert!(total <= MOST, "{}: {total} bytes of inputs", target.name);
    }
}

#[test]
fn every_target_has_a_program_and_every_program_a_target() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names: BTreeSet<String> = targets().map(|target| target.name.to_owned()).collect();
    assert_eq!(names.len(), targets().count());
    let programs: BTreeSet<String> = files(&here.join("fuzz_targets"))
        .into_iter()
        .map(|file| file.trim_end_matches(".rs").to_owned())
        .collect();
    assert_eq!(programs, names);
    let manifest = std::fs::read_to_string(here.join("Cargo.toml")).unwrap();
    for name in &names {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
    }
    for folder in files(&here.join("inputs")) {
        assert!(names.contains(&folder), "inputs/{folder} is of no target");
    }
}

/// The names in a folder; none where it is missing.
fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.expect("a readable folder").file_name().to_string_lossy().into_owned()
    };
    let mut names: Vec<String> = entries.map(name).collect();
    names.sort();
    names
}
