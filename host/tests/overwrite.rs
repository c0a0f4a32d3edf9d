//! Existing files are replaced only with `--overwrite`, and the extension must match the format.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// All verbs that write a file named by the user. Inputs do not exist: outputs are checked before them.
const VERBS: [&str; 16] = [
    "report --eval none.json -o kept.html",
    "export --run none -o kept.onnx",
    "quantize none.onnx --form w8 --data none -o kept.onnx",
    "calibrate none.onnx --data none -o kept.onnx",
    "bundle pack --detector none --classifier none.onnx --card none.md --name n --content-version 1 -o kept.emocue",
    "bundle sign none.emocue --key none -o kept.emocue",
    "bundle unpack default -o folder",
    "import mtcnn --weights none -o folder",
    "import onnx none.onnx --kind yunet -o kept.onnx",
    "import haar none.xml -o kept.haar",
    "data show --data none -o kept.png",
    "eval --data none --report kept.html",
    "compare --data none --report kept.html",
    "infer none.onnx --shape 1 --input none -o kept.raw",
    "baseline knn --data none --plot kept.svg",
    "train --plan none.toml --slurm kept.sh",
];

fn emocue(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
    command.current_dir(folder).args(line.split_whitespace()).output().unwrap()
}

fn message(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("folder")).unwrap();
    for name in ["html", "onnx", "haar", "emocue", "png", "raw", "svg", "sh"] {
        fs::write(folder.path().join("kept").with_extension(name), "kept").unwrap();
    }
    for name in ["card.md", "onet.onnx"] {
        fs::write(folder.path().join("folder").join(name), "kept").unwrap();
    }
    folder
}

#[test]
fn no_verb_replaces_a_file_unasked() {
    for verb in VERBS {
        let folder = folder();
        let refused = emocue(folder.path(), verb);
        let text = message(&refused);
        assert_eq!(refused.status.code(), Some(4), "{verb}: {text}");
        assert!(text.contains(" exists\nhelp: Replace it with --overwrite"), "{verb}: {text}");
        for at in ["", "folder"] {
            for file in fs::read_dir(folder.path().join(at)).unwrap() {
                let path = file.unwrap().path();
                assert!(path.is_dir() || fs::read(&path).unwrap() == b"kept", "{verb}: {path:?}");
            }
        }
        let text = message(&emocue(folder.path(), &format!("{verb} --overwrite")));
        assert!(!text.contains(" exists"), "{verb}: {text}");
        assert!(text.is_empty() || text.contains("none"), "{verb}: {text}");
    }
}

#[test]
fn a_file_that_is_named_twice_is_changed_in_place_where_nothing_is_lost() {
    let folder = folder();
    for verb in [
        "calibrate kept.onnx --data none -o ./kept.onnx",
        "bundle sign kept.emocue --key none -o kept.emocue",
    ] {
        let text = message(&emocue(folder.path(), verb));
        assert!(!text.is_empty() && !text.contains(" exists"), "{verb}: {text}");
    }
    // What comes out is another graph, and the first one would be lost.
    for verb in [
        "quantize kept.onnx --form w8 --data none -o kept.onnx",
        "import onnx kept.onnx --kind yunet -o ./kept.onnx",
    ] {
        let refused = emocue(folder.path(), verb);
        assert_eq!(refused.status.code(), Some(4), "{verb}: {}", message(&refused));
    }
}

#[test]
fn a_name_of_another_format_is_refused() {
    let folder = folder();
    for (verb, ending) in [
        ("data show --data none -o sheet.jpg", ".png"),
        ("report --eval none.json -o page.pdf", ".html or .htm"),
        ("export --run none -o net.pt", ".onnx"),
        ("bundle sign default --key none -o mine.onnx", ".emocue"),
        ("import onnx none.onnx --kind yunet -o net.pt", ".onnx or .emocue"),
        ("import haar none.xml -o net.onnx", ".haar or .emocue"),
        ("baseline knn --data none --plot plot.png", ".svg"),
    ] {
        let refused = emocue(folder.path(), verb);
        let text = message(&refused);
        assert_eq!(refused.status.code(), Some(2), "{verb}: {text}");
        assert!(text.contains(&format!("help: Choose a name that ends in {ending}.")), "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_written_exits_with_4() {
    let folder = folder();
    let refused = emocue(folder.path(), "bundle unpack default -o kept.png/parts");
    assert!([Some(4), Some(7)].contains(&refused.status.code()), "{}", message(&refused));
    fs::create_dir(folder.path().join("folder/manifest.json")).unwrap();
    let refused = emocue(folder.path(), "bundle unpack default -o folder --overwrite");
    let text = message(&refused);
    assert_eq!(refused.status.code(), Some(4), "{text}");
    assert!(
        text.contains("cannot write folder/manifest.json: ") && !text.contains(".new"),
        "{text}"
    );
}
