use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::module::Module as _;
use burn::tensor::{Device, Tensor, TensorData};
use emocue_models::geometry::{Face, Landmarks, Point, Rect};
use emocue_models::luma::Luma;
use emocue_run::Session;

use super::checkpoint::FaceCheckpoint;
use super::material::{Material, Photograph};
use super::net::{FaceNet, FaceNetSpec};
use super::recipe::FaceRecipe;
use super::train::{FaceTraining, FaceWatcher, train};
use super::validate::FaceMetrics;
use super::view::Pyramid;
use super::views::Views;
use super::{HEIGHT, VALUES, WIDTH, disturb};
use crate::net::spec::Precision;
use crate::train::TrainOutcome;

const SMALL: FaceNetSpec = FaceNetSpec { stem: 4, width: 8, from_teacher: false, keep: 0.25 };

fn recipe(frames: usize) -> FaceRecipe {
    let mut recipe = FaceRecipe::load("face").unwrap().unwrap();
    recipe.net = SMALL;
    recipe.optimizer.batch = 4;
    recipe.schedule.frames = frames;
    recipe.schedule.warmup_frames = 4;
    recipe.schedule.validate_every = 16;
    recipe.scenes.views = 2;
    recipe
}

/// Bright discs with two dark eyes on stripes, and stripes alone.
fn material() -> Material {
    let stripes = |x: usize, y: usize| ((x * 3 + y * 5) % 90 + 40) as u8;
    let picture = |face: Option<Rect>| {
        let mut pixels: Vec<u8> = (0..200 * 150).map(|i| stripes(i % 200, i / 200)).collect();
        if let Some(rect) = face {
            for (at, pixel) in pixels.iter_mut().enumerate() {
                let point = Point::new((at % 200) as f32, (at / 200) as f32);
                let half = rect.width / 2.0;
                let eye = |x: f32| point.distance(Point::new(x, rect.y + half)) < half / 4.0;
                if point.distance(rect.center()) < half {
                    let eyes = eye(rect.x + half * 0.6) || eye(rect.x + half * 1.4);
                    *pixel = if eyes { 10 } else { 230 };
                }
            }
        }
        Pyramid::new(Luma::from_raw(200, 150, pixels).unwrap())
    };
    let photograph = |x: f32, y: f32, side: f32| {
        let rect = Rect::new(x, y, side, side);
        let landmarks = Landmarks::from_points([rect.center(); 5]);
        let face = Face { rect, score: 1.0, landmarks: Some(landmarks) };
        Photograph { pyramid: picture(Some(rect)), faces: vec![face], ignored: vec![] }
    };
    Material {
        photographs: vec![photograph(40.0, 30.0, 60.0), photograph(100.0, 60.0, 50.0)],
        empty: vec![picture(None)],
        choosing: vec![photograph(70.0, 40.0, 70.0)],
        choosing_empty: vec![picture(None)],
        ..Material::default()
    }
}

/// Stops after some steps and records the reports.
#[derive(Default)]
struct Kept {
    stop: AtomicBool,
    after: Option<usize>,
    losses: Vec<f32>,
    looks: Vec<FaceMetrics>,
}

struct Watcher<'a>(&'a mut Vec<f32>, &'a mut Vec<FaceMetrics>, Option<usize>, &'a AtomicBool);

impl FaceWatcher for Watcher<'_> {
    fn step(&mut self, _: usize, _: usize, loss: f32) {
        self.0.push(loss);
        if Some(self.0.len()) == self.2 {
            self.3.store(true, Ordering::Relaxed);
        }
    }

    fn look(&mut self, metrics: &FaceMetrics) {
        self.1.push(metrics.clone());
    }
}

impl Kept {
    fn train(&mut self, dir: &Path, at: &mut FaceCheckpoint) -> TrainOutcome {
        let (material, views) = (material(), Views { each: 2, ..Views::default() });
        let devices = [Device::flex().autodiff()];
        let plan = FaceTraining { material: &material, views: &views, dir, devices: &devices };
        let Self { stop, after, losses, looks } = self;
        stop.store(false, Ordering::Relaxed);
        train(&plan, at, stop, &mut Watcher(losses, looks, *after, stop)).unwrap()
    }
}

fn begin(frames: usize) -> FaceCheckpoint {
    let device = Device::flex().autodiff();
    FaceCheckpoint::begin(recipe(frames), 3, Material::default().fingerprint(), &device)
}

#[test]
fn a_training_learns_and_its_looks_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut kept = Kept::default();
    let mut at = begin(240);
    assert_eq!(kept.train(dir.path(), &mut at), TrainOutcome::Finished);
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    let (first, last) = (mean(&kept.losses[..10]), mean(&kept.losses[50..]));
    assert!(last < 0.8 * first, "{first} {last}");
    assert_eq!(kept.looks.len(), 240 / 16);
    let lines = std::fs::read_to_string(dir.path().join("metrics.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), kept.looks.len());
    assert!(kept.looks.iter().all(|look| (0.0..=1.0).contains(&look.precision)));
}

#[test]
fn an_interrupted_training_resumes_to_the_same_bits() {
    let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut straight = Kept::default();
    straight.train(whole.path(), &mut begin(32));
    let mut first = Kept { after: Some(3), ..Kept::default() };
    assert_eq!(first.train(cut.path(), &mut begin(32)), TrainOutcome::Interrupted);
    let device = Device::flex().autodiff();
    let (mut at, damaged) = FaceCheckpoint::resume(cut.path(), &device).unwrap();
    assert!(damaged.is_none());
    assert_eq!(at.state.frames, 12);
    let mut second = Kept::default();
    assert_eq!(second.train(cut.path(), &mut at), TrainOutcome::Finished);
    let bits = |losses: &[f32]| losses.iter().map(|loss| loss.to_bits()).collect::<Vec<_>>();
    assert_eq!([bits(&first.losses), bits(&second.losses)].concat(), bits(&straight.losses));
}

#[test]
fn layers_that_multiply_in_sixteen_bits_have_nearly_the_same_losses() {
    let losses = [Precision::F32, Precision::Bf16].map(|precision| {
        let dir = tempfile::tempdir().unwrap();
        let (mut kept, mut at) = (Kept::default(), begin(32));
        at.state.recipe.optimizer.precision = precision;
        kept.train(dir.path(), &mut at);
        kept.losses
    });
    // The first step has the same weights.
    let first = (losses[1][0] - losses[0][0]).abs() / losses[0][0];
    assert!(first > 0.0 && first < 0.02, "{losses:?}");
    let [exact, rounded] = losses.each_ref().map(|losses| losses.iter().sum::<f32>());
    assert!((rounded - exact).abs() < 0.05 * exact, "{losses:?}");
}

#[test]
fn the_first_weights_keep_their_share_of_the_exported_ones() {
    let dir = tempfile::tempdir().unwrap();
    let mut at = begin(32);
    let first = at.average.clone();
    Kept::default().train(dir.path(), &mut at);
    let device = Device::flex().autodiff();
    let (resumed, _) = FaceCheckpoint::resume(dir.path(), &device).unwrap();
    let input: Vec<f32> = (0..32 * 64).map(|i| (i % 17) as f32 / 8.0 - 1.0).collect();
    let bias = |net: &FaceNet| -> Vec<f32> {
        let bias = net.heads[0].out.bias.as_ref().unwrap().val();
        bias.into_data().iter::<f32>().collect()
    };
    let [first, average, exported] = [&first, &at.average, &resumed.exported()].map(bias);
    assert_ne!(first, average);
    for ((first, average), exported) in first.iter().zip(&average).zip(&exported) {
        assert!((0.25 * first + 0.75 * average - exported).abs() < 1e-6);
    }
    let luma = Tensor::from_data(TensorData::new(input, [1, 1, 32, 64]), &Device::flex());
    let both =
        [at.exported(), resumed.exported()].map(|net| net.maps(&luma)[0].clone().into_data());
    assert_eq!(both[0], both[1], "a resumed training exports the same");
}

#[test]
fn a_training_is_not_resumed_on_other_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let device = Device::flex().autodiff();
    let mut at = FaceCheckpoint::begin(recipe(8), 3, "others".to_owned(), &device);
    let (material, views) = (material(), Views { each: 2, ..Views::default() });
    let devices = [device];
    let plan =
        FaceTraining { material: &material, views: &views, dir: dir.path(), devices: &devices };
    let (mut losses, mut looks, stop) = (vec![], vec![], AtomicBool::new(false));
    let mut watcher = Watcher(&mut losses, &mut looks, None, &stop);
    let error = train(&plan, &mut at, &stop, &mut watcher).unwrap_err();
    assert!(error.to_string().contains("other examples"), "{error}");
}

#[test]
fn the_exported_graph_gives_the_same_maps_in_frames_of_any_size() {
    let device = Device::flex().autodiff();
    device.seed(7);
    let net = FaceNet::new(&SMALL, &device);
    let net = net.valid();
    let onnx = net.export().unwrap().to_bytes();
    for [height, width] in [[256, WIDTH], [64, 96], [32, 64]] {
        let mut input = Vec::new();
        let frame: Vec<u8> = (0..height * width).map(|i| (i * 7 % 253) as u8).collect();
        disturb::input(&frame, &mut input);
        let shape = [1, 1, height, width];
        let luma = Tensor::from_data(TensorData::new(input.clone(), shape), &Device::flex());
        let maps = net.maps(&luma);
        let session = Session::load("face", &onnx, &shape).unwrap();
        let outputs = session.run(|target| target.copy_from_slice(&input)).unwrap();
        assert_eq!(outputs.len(), maps.len());
        for (level, map) in maps.into_iter().enumerate() {
            let stride = 8 << level;
            let cells = [height / stride, width / stride];
            assert_eq!(map.dims(), [1, VALUES, cells[0], cells[1]]);
            for (a, b) in outputs.get(level).unwrap().iter().zip(map.into_data().iter::<f32>()) {
                assert!((a - b).abs() <= 1e-4 * b.abs().max(1.0), "{a} {b}");
            }
        }
    }
}

#[test]
fn a_training_frame_is_the_input_with_black_below() {
    let device = Device::flex();
    let net = FaceNet::new(&SMALL, &device);
    let frame: Vec<u8> = (0..HEIGHT * WIDTH).map(|i| (i * 7 % 253) as u8).collect();
    let mut input = Vec::new();
    disturb::input(&frame, &mut input);
    let read = |maps: Vec<Tensor<4>>| -> Vec<Vec<f32>> {
        maps.into_iter().map(|map| map.into_data().iter::<f32>().collect()).collect()
    };
    let luma = TensorData::new(input.clone(), [1, 1, HEIGHT, WIDTH]);
    let frames = read(net.forward(&Tensor::from_data(luma, &device)));
    input.resize(256 * WIDTH, -2.0);
    let luma = TensorData::new(input, [1, 1, 256, WIDTH]);
    let whole = read(net.maps(&Tensor::from_data(luma, &device)));
    for (level, (frame, whole)) in frames.iter().zip(&whole).enumerate() {
        let [columns, rows] = super::grid::grid(level);
        assert_eq!(frame.len(), VALUES * rows * columns);
        // The first value of every cell is the first map.
        assert_eq!(frame[..rows * columns], whole[..rows * columns]);
    }
}

#[test]
fn the_recipes_network_keeps_to_its_budget() {
    let recipe = FaceRecipe::load("face").unwrap().unwrap();
    let millions = FaceNet::new(&recipe.net, &Device::flex()).macs([256, WIDTH]) as f64 / 1e6;
    assert!((40.0..=106.0).contains(&millions), "{millions}");
}
