//! Training throughput of the face detector on this CPU, frames/s, without drawing the frames;
//! `tools/peers/face_step.py` compares it with PyTorch.
//!
//! ```sh
//! cargo run --release -p emocue-train --example face_step -- 10
//! ```

use std::time::Instant;

use burn::module::Module as _;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Distribution, Tensor};
use emocue_models::geometry::{Face, Landmarks, Rect};
use emocue_train::face::loss::{cells, loss};
use emocue_train::face::net::FaceNet;
use emocue_train::face::recipe::FaceRecipe;
use emocue_train::face::targets::Targets;
use emocue_train::face::{HEIGHT, WIDTH};
use emocue_train::{build, ema};

/// Threads, each with its share of a batch.
const WORKERS: usize = 2;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let steps: usize = std::env::args().nth(1).as_deref().unwrap_or("10").parse()?;
    let recipe = FaceRecipe::load("face")?.ok_or("the recipe face is built in")?;
    let device = Device::flex().autodiff();
    device.seed(1);
    let mut net = FaceNet::new(&recipe.net, &device);
    let mut average = net.valid();
    let mut optimizer = build::optimizer(&recipe.optimizer);
    let share = recipe.optimizer.batch / WORKERS;
    let rect = Rect::new(100.0, 80.0, 40.0, 50.0);
    let landmarks = Some(Landmarks::from_points([rect.center(); 5]));
    let targets = vec![Targets::new(&[Face { rect, score: 1.0, landmarks }], &[], None); share];
    let gradient = |net: FaceNet| {
        let luma =
            Tensor::random([share, 1, HEIGHT, WIDTH], Distribution::Normal(0.0, 1.0), &device);
        let net = net.fork(&device);
        let losses = loss(cells(net.forward(&luma)), &targets, &recipe.loss, &device);
        GradientsParams::from_grads(losses.total.backward(), &net)
    };
    let mut started = Instant::now();
    for step in 0..=steps {
        // The first step draws the weights and warms up; it is not timed.
        if step == 1 {
            started = Instant::now();
        }
        let mut accumulator = GradientsAccumulator::new();
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..WORKERS).map(|_| scope.spawn(|| gradient(net.clone()))).collect();
            for thread in threads {
                if let Ok(grads) = thread.join() {
                    accumulator.accumulate(&net, grads);
                }
            }
        });
        net = optimizer.step(0.001, net, accumulator.grads());
        average = ema::update(average, &net.valid(), 0.999);
    }
    let frames = (steps * share * WORKERS) as f64;
    println!("{:.2}", frames / started.elapsed().as_secs_f64());
    Ok(())
}
