//! Times one ONNX graph as the badge runs it, on request of another program: for interleaved comparisons with other
//! runtimes (`tools/peers/`).
//!
//! ```sh
//! echo 100 | cargo run --release -p emocue-run --example timed -- classifier.onnx 1,1,48,48 input.f32
//! ```
//!
//! The file holds one input, little-endian f32. Each line of standard input is a count; the graph is run that many
//! times, and the time of the fastest run, s, is printed on a line.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use emocue_run::Session;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [graph, shape, input] = arguments.as_slice() else {
        return Err("expected GRAPH SHAPE INPUT".into());
    };
    let shape: Vec<usize> = shape.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let bytes = std::fs::read(input)?;
    let (values, rest) = bytes.as_chunks::<4>();
    let values: Vec<f32> = values.iter().copied().map(f32::from_le_bytes).collect();
    if values.len() != shape.iter().product::<usize>() || !rest.is_empty() {
        return Err(format!("{input}: {} bytes are not one input of {shape:?}", bytes.len()).into());
    }
    let session = Session::load(graph, &std::fs::read(graph)?, &shape)?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let mut least = Duration::MAX;
        for _ in 0..line?.trim().parse::<u32>()? {
            let start = Instant::now();
            session.run(|target| target.copy_from_slice(&values))?;
            least = least.min(start.elapsed());
        }
        writeln!(out, "{:.9}", least.as_secs_f64())?;
        out.flush()?;
    }
    Ok(())
}
