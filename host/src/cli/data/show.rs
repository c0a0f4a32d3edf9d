//! `emocue data show`

use crate::output::outln;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use emocue_models::failure::{Failure, Problem, exit};

use crate::cli::SourceArgs;
use crate::cli::output::{OverwriteArg, PNG};
use emocue_data::Split;
use emocue_data::sheet::{MOST_PER_CLASS, SheetOptions, draw, png};
use emocue_models::files::write_atomically;

/// Arguments of `show`.
#[derive(Args, Debug)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    source: SourceArgs,
    /// The PNG file to write
    #[arg(short, long, value_name = "PNG")]
    output: PathBuf,
    #[command(flatten)]
    overwrite: OverwriteArg,
    /// Only this split
    #[arg(long, value_enum)]
    split: Option<SplitName>,
    /// Only this class; repeatable
    #[arg(long, value_name = "NAME")]
    class: Vec<String>,
    /// Number of pictures of each class
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_PER_CLASS)))]
    per_class: u32,
    /// Seed of the random choice
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitName {
    Training,
    Public,
    Private,
}

/// Reads the dataset and draws the sheet.
pub(super) fn run(args: &ShowArgs) -> Result<(), Box<dyn Failure>> {
    args.overwrite.check(&args.output, PNG, &[])?;
    let data = args.source.read()?;
    let labels = data.labels();
    let class = |name: &String| {
        labels.class_of(name).ok_or_else(|| {
            let classes = labels.names.join(", ");
            Problem::usage(format!("{} has no class \"{name}\"; there are {classes}", labels.id))
        })
    };
    let options = SheetOptions {
        split: args.split.map(|split| match split {
            SplitName::Training => Split::Training,
            SplitName::Public => Split::PublicTest,
            SplitName::Private => Split::PrivateTest,
        }),
        classes: args.class.iter().map(class).collect::<Result<_, Problem>>()?,
        per_class: args.per_class,
        seed: args.seed,
    };
    let sheet = draw(&data, &options);
    let png = png(&sheet).map_err(|error| {
        Problem::new(format!("cannot pack the sheet as PNG: {error}")).code(exit::OUTPUT)
    })?;
    write_atomically(&args.output, &png)?;
    let output = args.output.display();
    outln!(
        "{output}: {}x{} px; it shows people, so keep it to yourself",
        sheet.width(),
        sheet.height()
    );
    Ok(())
}
