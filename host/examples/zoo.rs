//! Writes every architecture at an eighth of its width as ONNX, to compare runtimes on all operators:
//!
//! ```sh
//! cargo run --release -p emocue-host --example zoo -- nets
//! python3 tools/judge/onnxruntime_judge.py --emocue target/release/emocue nets/*.onnx
//! ```

use std::error::Error;
use std::path::PathBuf;

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use emocue_host::net::noise::Noise;
use emocue_host::net::{NetSpec, Network};
use emocue_models::label::FERPLUS_8;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("which folder? zoo -- FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    let device = Device::flex().autodiff();
    for (number, spec) in NetSpec::zoo(8).iter().enumerate() {
        device.seed(1);
        let net = Network::new(spec, &[FERPLUS_8], &device);
        // Batch normalisation learns statistics that matter.
        let shape = [8, 1, spec.side(), spec.side()];
        for _ in 0..8 {
            let luma = Tensor::random(shape, Distribution::Normal(0.5, 1.5), &device);
            net.forward(luma, &mut Noise::off());
        }
        let path = folder.join(format!("classifier-{number}-{}.onnx", spec.kind()));
        std::fs::write(&path, net.valid().export(0)?.to_bytes())?;
        println!("{}: {} weights, {} MACs", path.display(), net.num_params(), net.macs());
    }
    Ok(())
}
