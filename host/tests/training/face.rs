//! A detector's training as a user runs it, on drawn pictures and with a teacher that detects a face in every white
//! cell.

#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use emocue_data::faces::{Half, half_of};
use emocue_quantize::onnx::{Array, Attribute, Conv, Dim, GraphBuilder, OnnxGraph};
use emocue_run::Session;
use emocue_train::face::recipe::FaceRecipe;

use crate::interrupt::{assert_saved, interrupt};

/// A YuNet with the highest score in every white cell at stride 8.
fn teacher() -> Vec<u8> {
    let mut graph = GraphBuilder::new("teacher");
    let open = [Dim::Fixed(1), Dim::Fixed(1), Dim::Named("height"), Dim::Named("width")];
    let x = graph.input("input", &open);
    let mut outputs = Vec::new();
    for (kind, each) in ["cls", "obj", "bbox", "kps"].into_iter().zip([1, 1, 4, 10]) {
        for stride in [8, 16, 32] {
            let name = format!("{kind}_{stride}");
            let area = stride * stride;
            let weight = if stride == 8 && each == 1 { 0.05 / area as f32 } else { 0.0 };
            let weights = vec![weight; each * area];
            let bias = vec![if each == 1 { -6.0 } else { 0.0 }; each];
            let how = Conv { stride: [stride; 2], ..Conv::default() };
            let shape = [each, 1, stride, stride];
            let kernel = Array::new(&shape, &weights);
            let maps = graph.conv(&format!("{name} maps"), &x, kernel, Some(&bias), how);
            let last = Attribute::Ints(vec![0, 2, 3, 1]);
            let cells = format!("{name} cells");
            let cells = graph.node("Transpose", &cells, &[&maps], &[("perm", last)]);
            let target = graph.integers(&format!("{name} shape"), &[1, -1, each as i64]);
            let rows = if each == 1 { format!("{name} rows") } else { name.clone() };
            let mut value = graph.node("Reshape", &rows, &[&cells, &target], &[]);
            if each == 1 {
                value = graph.sigmoid(&name, &value);
            }
            outputs.push(value);
        }
    }
    for value in &outputs {
        graph.output(value, &[Dim::Fixed(1)]);
    }
    graph.finish().unwrap().to_bytes()
}

/// The files and arguments of a training.
struct Given {
    folder: tempfile::TempDir,
}

impl Given {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for sub in ["set/images", "empty"] {
            std::fs::create_dir_all(path.join(sub)).unwrap();
        }
        let mut rows = "file,x,y,w,h,label\n".to_owned();
        for number in 0..24_u32 {
            let (x, y) = (20 + number % 5 * 11, 15 + number % 4 * 9);
            let stripes = |x: u32, y: u32| ((x * 3 + y * 5) % 90 + 20) as u8;
            let picture = image::GrayImage::from_fn(160, 120, |px, py| {
                let inside = (x..x + 40).contains(&px) && (y..y + 40).contains(&py);
                image::Luma([if inside { 240 } else { stripes(px, py) }])
            });
            picture.save(path.join(format!("set/images/{number}.png"))).unwrap();
            rows += &format!("images/{number}.png,{x},{y},40,40,face\n");
            let empty = image::GrayImage::from_fn(160, 120, |x, y| image::Luma([stripes(x, y)]));
            empty.save(path.join(format!("empty/{number}.png"))).unwrap();
        }
        std::fs::write(path.join("set/annotations.csv"), rows).unwrap();
        std::fs::write(path.join("teacher.onnx"), teacher()).unwrap();
        let mut recipe = FaceRecipe::load("face").unwrap().unwrap();
        (recipe.net.stem, recipe.net.width, recipe.net.from_teacher) = (4, 8, false);
        recipe.optimizer.batch = 4;
        recipe.scenes.views = 1;
        recipe.schedule.frames = 1_000_000;
        recipe.schedule.validate_every = 8;
        recipe.schedule.warmup_frames = 0;
        let given = Self { folder };
        given.write_recipe("endless.toml", &recipe);
        recipe.schedule.frames = 16;
        given.write_recipe("short.toml", &recipe);
        given
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write_recipe(&self, name: &str, recipe: &FaceRecipe) {
        std::fs::write(self.path(name), toml::to_string(recipe).unwrap()).unwrap();
    }

    fn train(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_emocue"));
        command.current_dir(self.folder.path()).arg("train").args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

const SETS: [&str; 6] =
    ["--faces", "set/annotations.csv", "--empty", "empty", "--teacher", "teacher.onnx"];

fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{out}{err}")
}

#[test]
fn a_training_can_be_interrupted_and_resumed_with_nothing_but_its_folder() {
    let given = Given::new();
    let interrupted = |arguments: &[&str]| {
        let mut child = given.train(arguments).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let look = lines.by_ref().find(|line| line.contains("average precision")).unwrap();
        interrupt(&child);
        lines.for_each(drop);
        assert_saved(child);
        let frames = look.split(' ').next().unwrap().parse::<usize>().unwrap();
        (frames, look)
    };
    let begin = [&["--run", "run", "--recipe", "endless.toml"][..], &SETS].concat();
    let (first, look) = interrupted(&begin);
    assert_eq!(first, 8, "{look}");
    let (second, look) = interrupted(&["--run", "run", "--resume"]);
    assert!(second > first, "{look}");
    let exported = Command::new(env!("CARGO_BIN_EXE_emocue"))
        .current_dir(given.folder.path())
        .args(["export", "--run", "run", "-o", "so-far.onnx"])
        .output()
        .unwrap();
    assert!(said(&exported).contains("a detector after"), "{}", said(&exported));
    assert!(given.path("so-far.onnx").is_file());
    // The teacher's outputs were stored, and a second start does not overwrite the first.
    assert!(given.path("run/teacher-views.bin").is_file());
    let refused = given.train(&begin).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("--resume"));
}

#[test]
fn a_finished_training_leaves_a_graph_and_never_read_the_half_that_judges() {
    let given = Given::new();
    // Reading any of these pictures fails.
    let judging = (0..24).map(|number| format!("{number}.png"));
    let mut spoiled = 0;
    for name in judging.filter(|name| half_of(name) == Half::Judging) {
        std::fs::write(given.path("empty").join(&name), "not a picture").unwrap();
        spoiled += 1;
    }
    assert!((4..20).contains(&spoiled), "{spoiled} of 24");
    let arguments = [&["--run", "run", "--recipe", "short.toml"][..], &SETS].concat();
    let output = given.train(&arguments).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let graph = std::fs::read(given.path("run/face.onnx")).unwrap();
    let session = Session::load("face", &graph, &[1, 1, 256, 320]).unwrap();
    let outputs = session.run(|_| ()).unwrap();
    assert_eq!(outputs.get(0).unwrap().len(), 15 * 40 * 32);
    let lines = std::fs::read_to_string(given.path("run/metrics.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 2);

    // It is calibrated on frames as on the badge, and its outputs stay floats.
    let quantize = ["quantize", "run/face.onnx", "--form", "int8", "--data", "set/images"];
    let output = Command::new(env!("CARGO_BIN_EXE_emocue"))
        .current_dir(given.folder.path())
        .args([&quantize[..], &["-o", "int8.onnx"]].concat())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("24 rows calibrated it"), "{}", said(&output));
    let graph = OnnxGraph::read(&std::fs::read(given.path("int8.onnx")).unwrap()).unwrap();
    let count = |operator: &str| graph.nodes.iter().filter(|n| n.op_type == operator).count();
    assert_eq!([count("QLinearConv"), count("Conv")], [38, 3]);
}

#[test]
fn what_is_missing_is_named_before_a_folder_is_made() {
    let given = Given::new();
    let refused = |arguments: &[&str], code: i32, words: &str| {
        let all = [&["--run", "never", "--recipe", "short.toml"][..], arguments].concat();
        let output = given.train(&all).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(said(&output).contains(words), "{}", said(&output));
        assert!(!Path::new(&given.path("never")).exists(), "{arguments:?}");
    };
    refused(&["--faces", "set/annotations.csv", "--teacher", "teacher.onnx"], 2, "--empty");
    refused(&["--faces", "set/annotations.csv", "--empty", "empty"], 2, "--teacher");
    refused(
        &["--faces", "nowhere.csv", "--empty", "empty", "--teacher", "teacher.onnx"],
        3,
        "nowhere.csv",
    );
    std::fs::write(given.path("other.onnx"), "nothing").unwrap();
    let other = ["--faces", "set/annotations.csv", "--empty", "empty", "--teacher", "other.onnx"];
    refused(&other, 5, "ONNX");
}
