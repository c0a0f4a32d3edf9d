//! Output files: an existing file is not replaced without `--overwrite`, and the extension must match the format.

use std::path::Path;

use clap::Args;
use emocue_flash::acceptance;
use emocue_models::bundle::{Bundle, in_bundle};
use emocue_models::failure::{self, Failure, Problem, exit};
use emocue_models::files::refuse_existing;

use crate::bundle::{BundleParts, PackError, pack, pack_untested};
use crate::output::errln;

/// Whether files that are there already are replaced.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct OverwriteArg {
    /// Replace an existing file
    #[arg(long)]
    overwrite: bool,
}

/// Whether a bundle is written that a badge would refuse.
#[derive(Args, Clone, Copy, Debug)]
pub struct UntestedArg {
    /// Write the bundle even if a badge would refuse it, to try it on this computer
    #[arg(long)]
    untested: bool,
}

impl UntestedArg {
    /// Packs the parts; a bundle that a badge would refuse is only accepted with `--untested`.
    ///
    /// # Errors
    /// [`PackError`] for an invalid part, or a bundle that a badge would refuse.
    pub(super) fn pack(self, parts: BundleParts) -> Result<Vec<u8>, PackError> {
        if !self.untested {
            return pack(parts);
        }
        let name = parts.name.clone();
        let bytes = pack_untested(parts)?;
        let bundle = Bundle::read(&bytes).map_err(in_bundle(&name))?;
        if let Err(refused) = acceptance::check(&name, &bundle) {
            errln!("warning: {}", failure::line(&refused));
        }
        Ok(bytes)
    }
}

/// The format of an output file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    /// Its name in messages, with its article.
    name: &'static str,
    /// Extensions of its files.
    extensions: &'static [&'static str],
}

pub(super) const ONNX: Format = Format { name: "an ONNX graph", extensions: &["onnx"] };
pub(super) const BUNDLE: Format = Format { name: "a bundle", extensions: &["emocue"] };
pub(super) const GRAPH_OR_BUNDLE: Format =
    Format { name: "an ONNX graph or a bundle", extensions: &["onnx", "emocue"] };
pub(super) const CASCADE_OR_BUNDLE: Format =
    Format { name: "a Haar cascade or a bundle", extensions: &["haar", "emocue"] };
pub(super) const HTML: Format = Format { name: "an HTML page", extensions: &["html", "htm"] };
pub(super) const PNG: Format = Format { name: "a PNG picture", extensions: &["png"] };
pub(super) const CSV: Format = Format { name: "a CSV table", extensions: &["csv"] };
pub(super) const SVG: Format = Format { name: "an SVG picture", extensions: &["svg"] };

impl OverwriteArg {
    /// Checks that the file `output` may be written: it does not exist, is one of `inputs`, or may be replaced; and its
    /// extension, if any, is one of `format`. It is called before any work.
    ///
    /// # Errors
    /// The existing file, or the extensions of the format.
    pub(super) fn check(
        self,
        output: &Path,
        format: Format,
        inputs: &[&Path],
    ) -> Result<(), Box<dyn Failure>> {
        let extension = output.extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
        let fits = |extension: &String| format.extensions.contains(&extension.as_str());
        if extension.as_ref().is_some_and(|extension| !fits(extension)) {
            let names: Vec<String> = format.extensions.iter().map(|e| format!(".{e}")).collect();
            let message = format!("{}: the output is {}", output.display(), format.name);
            let help = format!("Choose a name that ends in {}.", names.join(" or "));
            return Err(Problem::usage(message).help(help).into());
        }
        self.allow(output, inputs)
    }

    /// As [`check`](Self::check), for a file of any name.
    ///
    /// # Errors
    /// The existing file.
    pub(super) fn allow(self, output: &Path, inputs: &[&Path]) -> Result<(), Box<dyn Failure>> {
        if self.overwrite {
            return Ok(());
        }
        Ok(refuse_existing(output, inputs)?)
    }
}

/// Creates the folder of results.
///
/// # Errors
/// The operating system's error.
pub(super) fn create_dir(path: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(path).map_err(|error| {
        let message = format!("cannot create the folder {}: {error}", path.display());
        Problem::new(message).code(exit::OUTPUT)
    })
}
