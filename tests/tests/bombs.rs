//! Networks that would exhaust memory or time: a badge refuses to install them and continues as before, and so do the
//! host's verbs.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use emocue_models::bundle::{Bundle, DEFAULT, SecretKey};
use emocue_quantize::onnx::{Array, Dim, GraphBuilder, Value};

/// The path of a program, which is in the folder of the tests.
fn program(name: &str) -> PathBuf {
    let mut folder = std::env::current_exe().unwrap();
    folder.pop();
    folder.pop();
    folder.join(name)
}

/// A classifier whose logits are the means of the channels that `body` computes from a face.
fn classifier(channels: usize, body: impl FnOnce(&mut GraphBuilder, Value) -> Value) -> Vec<u8> {
    let mut graph = GraphBuilder::new("bomb");
    let face = graph.input("face", &[Dim::BATCH, Dim::Fixed(1), Dim::Fixed(48), Dim::Fixed(48)]);
    let huge = body(&mut graph, face);
    let pooled = graph.global_average_pool("pool", &huge);
    let flat = graph.flatten("flat", &pooled);
    let weight = vec![0.001; channels * 8];
    let logits = graph.dense("logits", &flat, Array::new(&[8, channels], &weight), &[0.0; 8]);
    graph.output(&logits, &[Dim::BATCH, Dim::Fixed(8)]);
    graph.finish().unwrap().to_bytes()
}

/// Tries to install the default bundle with this classifier.
fn install(folder: &Path, classifier: &[u8]) -> Output {
    let bundle = Bundle::read(DEFAULT).unwrap();
    let mut manifest = bundle.manifest().clone();
    manifest.content_version = 900;
    let payloads: Vec<(&str, &[u8])> = bundle
        .payloads()
        .map(|(name, bytes)| (name, if name == "classifier.onnx" { classifier } else { bytes }))
        .collect();
    let key = SecretKey::from_seed(&[1; 32]);
    let signed = Bundle::sign(&Bundle::pack(manifest, &payloads).unwrap(), &key).unwrap();
    let file = folder.join("bomb.emocue");
    std::fs::write(&file, signed).unwrap();
    let config = folder.join("emocue.toml");
    let state = folder.join("state");
    let text = format!("[update]\nkeys = [\"{}\"]\nstate = {state:?}\n", key.public());
    std::fs::write(&config, text).unwrap();
    let mut command = Command::new(program("emocue-badge"));
    command.args(["slot", "install"]).arg(&file).arg("--config").arg(&config);
    command.output().unwrap()
}

fn refused(output: &Output, folder: &Path) -> String {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(5), "{told}");
    assert!(told.contains("it fails the self-test"), "{told}");
    assert!(!folder.join("state/slots/a.emocue").exists());
    told
}

#[test]
fn a_network_that_takes_all_memory_is_refused() {
    const TIMES: i64 = 1 << 17;
    let folder = tempfile::tempdir().unwrap();
    // 1.2 GB for one face.
    let bomb = classifier(TIMES as usize, |graph, face| {
        let repeats = graph.integers("repeats", &[1, TIMES, 1, 1]);
        graph.node("Tile", "tile", &[&face, &repeats], &[])
    });
    let told = refused(&install(folder.path(), &bomb), folder.path());
    assert!(told.contains("memory"), "{told}");
}

#[test]
#[ignore = "it is stopped after two minutes of CPU time; `cargo xtask full` waits for that"]
fn a_network_that_takes_all_time_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    // Little memory and no weights, but repeated sines of eight million pixels: it exceeds the time limit.
    let bomb = classifier(1, |graph, face| {
        let repeats = graph.integers("repeats", &[1, 1, 60, 60]);
        let mut x = graph.node("Tile", "tile", &[&face, &repeats], &[]);
        for layer in 0..8000 {
            x = graph.node("Sin", &format!("sin{layer}"), &[&x], &[]);
        }
        x
    });
    let told = refused(&install(folder.path(), &bomb), folder.path());
    // The signal of the CPU limit, or the limit of the wall time; a panic for lack of memory is an exit status.
    assert!(told.contains("signal: 9 ") || told.contains("take longer than"), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_host_refuses_a_network_that_takes_all_memory() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // 5.9 GB for one face.
    let bomb = classifier(1, |graph, face| {
        let repeats = graph.integers("repeats", &[1, 1, 800, 800]);
        graph.node("Tile", "tile", &[&face, &repeats], &[])
    });
    std::fs::write(at("bomb.onnx"), &bomb).unwrap();
    std::fs::write(at("x.f32"), vec![0; 4 * 48 * 48]).unwrap();
    std::fs::write(at("card.md"), "# A bomb\n").unwrap();
    let _ = install(folder.path(), &bomb);
    for arguments in [
        "import onnx bomb.onnx --kind classifier --labels ferplus-8 -o out.onnx",
        "import onnx bomb.onnx --kind classifier --labels ferplus-8 --card card.md -o out.emocue",
        "infer bomb.onnx --shape 1,1,48,48 --input x.f32 -o out.f32",
        "bundle verify bomb.emocue",
        "bundle sign bomb.emocue --key key -o out.emocue",
    ] {
        let mut command = Command::new(program("emocue"));
        command.current_dir(folder.path());
        if arguments.contains("--key") {
            let mut key = Command::new(program("emocue"));
            let made = key.args(["key", "new", "-o"]).arg(at("key")).output().unwrap();
            assert!(made.status.success());
        }
        let output = command.args(arguments.split(' ')).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(5), "{arguments}: {said}");
        assert!(said.contains("too much memory or time"), "{arguments}: {said}");
        for name in ["out.onnx", "out.emocue", "out.f32"] {
            assert!(!at(name).exists(), "{arguments} wrote {name}");
        }
    }
}

/// A tar file of 1.5 KB with a sparse member of 7 GB of zeros, at the position of the values in the oldest PyTorch
/// format.
fn sparse_weights() -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..8].copy_from_slice(b"storages");
    header[124..135].copy_from_slice(b"00000000000");
    header[148..156].fill(b' ');
    header[156] = b'S';
    header[257..265].copy_from_slice(b"ustar  \0");
    // One hole, followed by no data.
    header[386..397].copy_from_slice(format!("{:011o}", 7_u64 << 30).as_bytes());
    header[398..409].copy_from_slice(b"00000000000");
    header[483..494].copy_from_slice(format!("{:011o}", 7_u64 << 30).as_bytes());
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    [&header[..], &[0; 1024]].concat()
}

#[cfg(target_os = "linux")]
#[test]
fn the_host_refuses_weights_that_take_all_memory() {
    let folder = tempfile::tempdir().unwrap();
    // 35 MB of a pickle's "None", each of which takes 88 bytes in memory.
    let pickle = [b"\x80\x02".to_vec(), vec![b'N'; 35 << 20]].concat();
    let cases: [(&[u8], i32, &str); 3] = [
        (&sparse_weights(), 3, "out of memory"),
        (&pickle, 5, "too much memory or time"),
        (b"neither", 3, "is damaged, or neither safetensors nor what torch.save writes"),
    ];
    for (bytes, code, why) in cases {
        for name in ["bomb.pth", "pnet.pt", "rnet.pt", "onet.pt"] {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        for arguments in [
            "train --data . --recipe badge --transfer bomb.pth --run out",
            "import mtcnn --weights . -o out",
        ] {
            let mut command = Command::new(program("emocue"));
            let command = command.current_dir(folder.path()).args(arguments.split(' '));
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(code), "{arguments}: {said}");
            assert!(said.contains(why) && said.contains("\nhelp: "), "{arguments}: {said}");
            assert!(!said.contains("panicked"), "{arguments}: {said}");
            assert!(!folder.path().join("out").exists(), "{arguments}");
        }
    }
}

#[test]
fn a_network_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for bytes in [&b""[..], &[0xff; 1000], &[0x0a; 100_000]] {
        refused(&install(folder.path(), bytes), folder.path());
    }
}
