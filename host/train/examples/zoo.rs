//! Writes every architecture at an eighth of its width as ONNX, in floats and quantized, to compare runtimes on all
//! operators:
//!
//! ```sh
//! cargo run --release -p emocue-host --example crops -- crops-48.u8 48 512 models/run/pictures/*.jpg
//! cargo run --release -p emocue-train --example zoo -- nets crops-48.u8
//! python3 tools/judge/onnxruntime_judge.py --emocue target/release/emocue --crops crops-48.u8 nets/*.onnx
//! ```

use std::error::Error;
use std::path::PathBuf;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use emocue_data::resize::scaled;

use emocue_models::crop::Preprocess;
use emocue_models::label::FERPLUS_8;
use emocue_quantize::{Arithmetic, CalibrationInput, QuantizeSettings, TractEngine, quantize};
use emocue_train::net::noise::Noise;
use emocue_train::net::{NetSpec, Network};

/// Side of the crops in the file, px.
const SIDE: usize = 48;
/// Crops that are used.
const CROPS: usize = 512;
/// Rows of a batch from which batch normalisation takes statistics; also the calibration rows.
const BATCH: usize = 32;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(crops)) = (arguments.next().map(PathBuf::from), arguments.next())
    else {
        return Err("zoo FOLDER CROPS".into());
    };
    std::fs::create_dir_all(&folder)?;
    let crops = std::fs::read(crops)?;
    let device = Device::flex().autodiff();
    for (number, spec) in NetSpec::zoo(8).iter().enumerate() {
        let side = spec.side();
        let rows: Vec<CalibrationInput> =
            crops.chunks_exact(SIDE * SIDE).take(CROPS).map(|c| input(c, side)).collect();
        device.seed(1);
        let net = Network::new(spec, &[FERPLUS_8], &device);
        // Gives batch normalisation running statistics other than its defaults.
        for batch in rows.chunks_exact(BATCH) {
            let values = batch.iter().flat_map(|row| row.values.iter().copied()).collect();
            let data = TensorData::new(values, [BATCH, 1, side, side]);
            net.forward(Tensor::from_data(data, &device), &mut Noise::off());
        }
        let float = net.valid().export(0)?.to_bytes();
        let write = |form: &str, bytes: &[u8]| {
            let path = folder.join(format!("classifier-{number}-{}{form}.onnx", spec.kind()));
            println!("{}: {} bytes", path.display(), bytes.len());
            std::fs::write(&path, bytes)
        };
        write("", &float)?;
        for (name, form) in [("-w8", Arithmetic::W8), ("-int8", Arithmetic::Int8)] {
            let rows = &rows[..BATCH.min(rows.len())];
            write(name, &quantize(&TractEngine, &float, rows, QuantizeSettings::of(form))?.onnx)?;
        }
    }
    Ok(())
}

/// The network's input of side `side`, px, for a crop.
fn input(crop: &[u8], side: usize) -> CalibrationInput {
    let mut values = vec![0.0; side * side];
    Preprocess::of_size(side).normalise(&scaled(crop, SIDE, side), &mut values);
    CalibrationInput { shape: vec![1, 1, side, side], values }
}
