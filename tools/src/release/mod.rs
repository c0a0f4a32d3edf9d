//! `cargo xtask release`: makes all release files from a clean checkout.

mod archive;
pub(crate) mod build;
mod crates;
pub(crate) mod deb;
mod licences;
mod output;
pub(crate) mod platform;
mod sbom;
pub(crate) mod source;
mod sums;
mod tree;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum as _};
use emocue_models::bundle::Sha256;
use emocue_models::failure::Problem;

use crate::cargo::{Profile, root, target_folder};
use crate::cross::toolchain::Compiler;
use crate::{Result, manual};
use crates::Crate;
use output::Output;
use platform::{Facts, Platform, Program};
use source::Sources;
pub(crate) use sums::SUMS;

/// Options of `cargo xtask release`.
#[derive(Args)]
pub(crate) struct ReleaseArgs {
    /// Only for this kind of machine; repeatable
    #[arg(long, value_enum)]
    only: Vec<Platform>,
    /// Package the programs without a new build
    #[arg(long)]
    no_build: bool,
    /// The build profile; releases use `dist`
    #[arg(long, value_enum, default_value = "dist")]
    profile: Profile,
    /// Sign with this key, which `emocue key new` made
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Folder to make (default: target/release-files)
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Replace the folder of an earlier release
    #[arg(long)]
    overwrite: bool,
    /// Allow uncommitted changes in the release
    #[arg(long)]
    allow_dirty: bool,
}

/// Builds, packages, lists and signs; the folder appears only when it is complete.
pub(crate) fn run(args: &ReleaseArgs) -> Result<()> {
    let sources = Sources::here(args.allow_dirty)?;
    let key = args.key.as_deref().map(sums::read_key).transpose()?;
    let changelog = fs::read_to_string(root().join("CHANGELOG.md"))?;
    let notes = source::notes(&changelog, sources.version).ok_or_else(|| {
        Problem::new(format!("CHANGELOG.md says nothing about {}", sources.version))
            .help("Write a section for it, or one called Unreleased.")
    })?;
    let folder = args.output.clone().unwrap_or_else(|| target_folder().join("release-files"));
    let output = Output::begin(folder, args.overwrite)?;
    let platforms = match &args.only[..] {
        [] => Platform::value_variants(),
        only => only,
    };
    if !args.no_build {
        // Of all platforms, before the first one is built for half an hour.
        platforms.iter().try_for_each(|platform| build::check_compilers(*platform))?;
    }
    for platform in platforms {
        artefacts(*platform, args, &sources, output.folder())?;
    }
    fs::write(
        output.folder().join("RELEASE-NOTES.md"),
        words(&sources, notes, &compilers(platforms)?),
    )?;
    sums::write(output.folder(), key.as_ref())?;
    let folder = output.finish()?;
    table(&folder)?;
    match key {
        Some(key) => println!("signed by {}", key.public()),
        None => {
            println!("not signed: nobody can tell this release from another's; --key FILE signs it")
        }
    }
    Ok(())
}

/// Makes all artefacts of a platform.
fn artefacts(platform: Platform, args: &ReleaseArgs, sources: &Sources, to: &Path) -> Result<()> {
    let facts = platform.facts();
    let programs = build::programs(platform, facts.programs, args.profile, sources, args.no_build)?;
    let pages = target_folder().join("manual");
    let built = args.no_build.then(|| target_folder().join(Profile::Release.name()));
    let manuals: Vec<_> = facts
        .programs
        .iter()
        .map(|program| manual::write(program.name, &pages, built.as_deref()))
        .collect::<Result<_>>()?;
    let inside = crates::of(facts, std::slice::from_ref(facts.badge()))?;
    let texts = licences::texts(&inside)?;
    let parts =
        deb::Parts { facts, programs: &programs, manual: &manuals[0], licences: &texts, sources };
    let package = deb::make(&parts, &deb::version(sources.version), to)?;
    list(&package, &inside, sources)?;
    let inside = crates::of(facts, facts.programs)?;
    let texts = licences::texts(&inside)?;
    let parts = deb::Parts { licences: &texts, ..parts };
    if let Some(archive) = archive::make(&parts, &manuals, to)? {
        list(&archive, &inside, sources)?;
    }
    Ok(())
}

/// The licences of all crates in programs of a platform.
pub(crate) fn licences_of(facts: &Facts, programs: &[Program]) -> Result<String> {
    licences::texts(&crates::of(facts, programs)?)
}

/// Writes an artefact's bill of materials next to it.
fn list(artefact: &Path, crates: &[Crate], sources: &Sources) -> Result<()> {
    let name = artefact.file_name().and_then(|name| name.to_str()).ok_or("an artefact's name")?;
    let hash = Sha256::of(&fs::read(artefact)?).to_string();
    let bill = sbom::bill(name, &hash, crates, sources)?;
    Ok(fs::write(artefact.with_file_name(format!("{name}.cdx.json")), bill)?)
}

/// The compiler of each platform's programs. Others may give other bytes.
fn compilers(platforms: &[Platform]) -> Result<String> {
    let mut lines = "## Compilers\n\n".to_owned();
    for platform in platforms {
        let facts = platform.facts();
        let compiler = Compiler::for_board(facts.board)?;
        writeln!(lines, "- {}: {}", facts.debian, compiler.version)?;
    }
    Ok(lines.trim_end().to_owned())
}

/// The release notes.
fn words(sources: &Sources, notes: &str, compilers: &str) -> String {
    let commit = sources
        .commit
        .as_ref()
        .map_or_else(String::new, |commit| format!("\n\nMade from commit {commit}."));
    format!("# Emocue {}\n\n{notes}\n\n{compilers}{commit}\n", sources.version)
}

/// Prints the files of the release.
fn table(folder: &Path) -> Result<()> {
    println!("{}", folder.display());
    for file in tree::files_below(folder)? {
        let size = fs::metadata(&file)?.len() as f64 / 1e6;
        println!("  {size:>8.2} MB  {}", file.strip_prefix(folder)?.display());
    }
    Ok(())
}
