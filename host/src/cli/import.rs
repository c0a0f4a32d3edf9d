//! `emocue import`: published weights to ONNX.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::baseline::mtcnn;
use crate::files::write_atomically;

/// Turn published weights into networks that the badge runs.
#[derive(Debug, Args)]
pub struct ImportArgs {
    #[command(subcommand)]
    what: Published,
}

#[derive(Debug, Subcommand)]
enum Published {
    /// MTCNN's three networks from facenet-pytorch 2.6.0: pnet.onnx, rnet.onnx, onet.onnx
    Mtcnn {
        /// Folder with pnet.pt, rnet.pt and onet.pt (in the package: facenet_pytorch/data)
        #[arg(long, value_name = "DIR")]
        weights: PathBuf,
        /// Folder to write to; made when missing
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
}

/// The import failed.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The weights are missing, damaged or another network's.
    #[error(transparent)]
    Mtcnn(#[from] mtcnn::ImportError),
    /// The result cannot be written.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

/// Imports, writes the files and says what it wrote.
///
/// # Errors
/// [`ImportError`]; nothing is written when the weights are bad.
pub fn run(args: &ImportArgs) -> Result<(), ImportError> {
    let Published::Mtcnn { weights, output } = &args.what;
    let nets = mtcnn::import(weights)?;
    std::fs::create_dir_all(output).map_err(|e| {
        std::io::Error::new(e.kind(), format!("cannot make the folder {}: {e}", output.display()))
    })?;
    for (name, bytes) in
        [("pnet.onnx", &nets.pnet), ("rnet.onnx", &nets.rnet), ("onet.onnx", &nets.onet)]
    {
        let path = output.join(name);
        write_atomically(&path, bytes)?;
        println!("{} ({} bytes)", path.display(), bytes.len());
    }
    Ok(())
}
