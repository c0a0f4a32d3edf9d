//! Multiply-accumulates per second of each instruction set: `cargo run --release -p emocue-kernels --example rate`.
//! `EMOCUE_ISA` chooses one.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use emocue_kernels::{
    Activation, Conv, ConvSpec, Isa, Planes, Quantization, Shape, VARIABLE, Window,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A layer of the default classifier: side of its kernel, inputs, outputs, side of its picture, whether planes are
/// added, and how many times the network has it.
struct Row {
    kernel: usize,
    inputs: usize,
    outputs: usize,
    side: usize,
    adds: bool,
    times: u32,
}

#[rustfmt::skip]
const CLASSIFIER: &[Row] = &[
    // The stem, a 5x5 whose 25 luma values are gathered.
    Row { kernel: 1, inputs: 32, outputs: 32, side: 24, adds: false, times: 1 },
    Row { kernel: 3, inputs: 32, outputs: 32, side: 24, adds: false, times: 2 },
    Row { kernel: 3, inputs: 32, outputs: 32, side: 24, adds: true, times: 2 },
    Row { kernel: 1, inputs: 32, outputs: 64, side: 12, adds: false, times: 1 },
    Row { kernel: 3, inputs: 32, outputs: 64, side: 12, adds: false, times: 1 },
    Row { kernel: 3, inputs: 64, outputs: 64, side: 12, adds: false, times: 1 },
    Row { kernel: 3, inputs: 64, outputs: 64, side: 12, adds: true, times: 2 },
    Row { kernel: 1, inputs: 64, outputs: 128, side: 6, adds: false, times: 1 },
    Row { kernel: 3, inputs: 64, outputs: 128, side: 6, adds: false, times: 1 },
    Row { kernel: 3, inputs: 128, outputs: 128, side: 6, adds: false, times: 1 },
    Row { kernel: 3, inputs: 128, outputs: 128, side: 6, adds: true, times: 2 },
];

impl Row {
    fn macs(&self) -> f64 {
        let each = self.kernel * self.kernel * self.inputs * self.outputs;
        (each * self.side * self.side) as f64
    }

    /// The shortest of many times.
    fn time(&self, isa: Isa, repeats: u32) -> Result<Duration> {
        let products = self.inputs * self.kernel * self.kernel;
        let weights: Vec<i8> = (0..self.outputs * products)
            .map(|at| ((at * 7919 + at / 13) % 255) as i8)
            .map(|weight| weight.max(-127))
            .collect();
        let quantization = Quantization::unsigned(1.0);
        let spec = ConvSpec {
            inputs: self.inputs,
            outputs: self.outputs,
            groups: 1,
            window: Window::same(self.kernel, 1),
            weights: &weights,
            weight_scales: &vec![0.01 / (products as f32).sqrt(); self.outputs],
            biases: &vec![20.0; self.outputs],
            input: quantization,
            output: quantization,
            residual: self.adds.then_some(quantization),
            activation: Activation::Relu,
        };
        let conv = Conv::new(&spec, isa)?;
        let planes = |channels| Planes::new(Shape::new(channels, self.side, self.side), 1, 0);
        let (mut x, mut residual) = (planes(self.inputs)?, planes(self.outputs)?);
        for planes in [&mut x, &mut residual] {
            let values: Vec<i8> = (0..planes.shape().len()).map(|at| (at % 127) as i8).collect();
            planes.store(&values)?;
        }
        let mut out = planes(self.outputs)?;
        let residual = self.adds.then_some(&residual);
        let mut least = Duration::MAX;
        for _ in 0..repeats {
            let start = Instant::now();
            conv.run(&x, residual, &mut out)?;
            least = least.min(start.elapsed());
        }
        Ok(least)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let chosen = std::env::var_os(VARIABLE).map(|_| Isa::chosen()).transpose()?;
    let sets: Vec<Isa> = chosen.map_or_else(|| Isa::available().collect(), |isa| vec![isa]);
    print!("{:24}", "GMAC/s");
    for isa in &sets {
        print!("{isa:>14}");
    }
    println!();
    let mut totals = vec![Duration::ZERO; sets.len()];
    let mut macs = 0.0;
    for row in CLASSIFIER {
        let Row { kernel, inputs, outputs, side, adds, times } = row;
        let added = if *adds { " +" } else { "" };
        let name = format!("{kernel}x{kernel} {inputs}->{outputs} @{side}{added}");
        print!("{name:24}");
        macs += row.macs() * f64::from(*times);
        for (isa, total) in sets.iter().zip(&mut totals) {
            let repeats = if *isa == Isa::PORTABLE { 5 } else { 500 };
            let time = row.time(*isa, repeats)?;
            *total += time * *times;
            print!("{:14.1}", row.macs() / time.as_secs_f64() / 1e9);
        }
        println!();
    }
    print!("{:24}", format!("all {:.1} MMAC", macs / 1e6));
    for total in &totals {
        print!("{:14.1}", macs / total.as_secs_f64() / 1e9);
    }
    print!("\n{:24}", "microseconds");
    for total in &totals {
        print!("{:14.1}", total.as_secs_f64() * 1e6);
    }
    println!();
    Ok(())
}
