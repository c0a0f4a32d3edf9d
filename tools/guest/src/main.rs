//! Hardware for the badge inside a virtual machine: what the kernel has no virtual device for.

mod cuse;
mod i2c;
#[cfg(all(feature = "vivid", target_os = "linux"))]
mod vivid;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage:
  emocue-guest panel BUS ADDRESS LOG SILENT    /dev/BUS with a panel, until killed; messages go to LOG, and
                                               nobody answers while the file SILENT is there
  emocue-guest play DEVICE FILE WIDTH HEIGHT   a picture (YUYV) into a virtual camera, until killed
  emocue-guest set DEVICE CONTROL VALUE        a control of a virtual camera, by its name";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("emocue-guest: {}: {error}", arguments.join(" "));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["panel", bus, address, log, silent] => {
            let address = u16::from_str_radix(address.trim_start_matches("0x"), 16)?;
            cuse::serve(bus, address, Path::new(log), Path::new(silent))
        }
        #[cfg(all(feature = "vivid", target_os = "linux"))]
        ["play", device, file, width, height] => {
            vivid::play(device, &std::fs::read(file)?, width.parse()?, height.parse()?)
        }
        #[cfg(all(feature = "vivid", target_os = "linux"))]
        ["set", device, control, value] => vivid::set(device, control, value.parse()?),
        _ => Err(USAGE.into()),
    }
}
