//! Why a badge was not flashed, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use super::elf::Machine;
use super::image::ImageError;
use super::ssh::SshError;
use emocue_models::bundle::NamedBundleError;

use crate::key::KeyError;
use crate::sign::SignError;

/// Something could not be flashed. What was on the badge is still there, unless the text says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum FlashError {
    /// A file was asked for and not named.
    #[error("--what {part} needs --{part} FILE\n  {how}")]
    Needs {
        /// The part.
        part: &'static str,
        /// Where such a file comes from.
        how: &'static str,
    },
    /// A file was named and not asked for.
    #[error(
        "--{0} names a file, but --what leaves it out\n  Add {0} to --what, or leave --what out: then all files that are named are flashed."
    )]
    NotAsked(&'static str),
    /// Nothing was named.
    #[error(
        "nothing to flash\n  Name at least one of --app FILE, --bundle FILE|default, --config FILE."
    )]
    Empty,
    /// Another target than a cable was asked to roll back.
    #[error(
        "only a badge on a cable is told to roll back from here\n  On the badge itself, `emocue-badge slot rollback` does it: docs/recovery.md."
    )]
    RollbackByCable,
    /// A file of this computer or of a mounted card cannot be read.
    #[error("cannot read {}: {source}{}", path.display(), hint(source))]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file of this computer or of a mounted card cannot be written.
    #[error("cannot write {}: {source}{}", path.display(), hint(source))]
    Write {
        /// Which file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The program is none.
    #[error("{} is no Linux program\n  Build one with `cargo xtask cross --profile dist`, or `cross build` as README.md says.", .0.display())]
    NoProgram(PathBuf),
    /// The program is another one.
    #[error("{} is a program for {machine}, but not emocue-badge", path.display())]
    OtherProgram {
        /// Which file.
        path: PathBuf,
        /// What it is made for.
        machine: Machine,
    },
    /// The program is for another machine.
    #[error("{} is made for {made_for}, and {place} runs programs for {runs}\n  Build it for that: {}", path.display(), runs.build_hint())]
    Machine {
        /// The program's file.
        path: PathBuf,
        /// What it is made for.
        made_for: Machine,
        /// Where it would have gone.
        place: String,
        /// What runs there.
        runs: Machine,
    },
    /// Nobody knows what the badge runs.
    #[error(
        "cannot tell what programs {place} runs: {reason}\n  Is it really the root of a Linux system?"
    )]
    UnknownMachine {
        /// Where.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// The configuration is no TOML.
    #[error("{} is no TOML: {source}  `emocue-badge config check {}` checks all of it.", path.display(), path.display())]
    Toml {
        /// Which file.
        path: PathBuf,
        /// What the parser met, with line and column.
        source: toml::de::Error,
    },
    /// The badge's own check refuses the configuration.
    #[error("the badge refuses this configuration, so the old one stays:\n{0}")]
    ConfigRefused(String),
    /// The bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] NamedBundleError),
    /// The bundle cannot be signed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The signed bundle cannot be written.
    #[error(transparent)]
    WriteSigned(io::Error),
    /// A badge refuses a bundle without a card.
    #[error(
        "the bundle {0} has no model card, so no badge takes it\n  Pack it again with `emocue bundle pack --card CARD.md`."
    )]
    NoCard(String),
    /// There is nothing to sign with.
    #[error("the bundle {bundle} must be signed by you, and there is no key in {}\n  Make one, once: `emocue key new -o {}`; or name yours with --key FILE.", key.display(), key.display())]
    NoKey {
        /// The bundle.
        bundle: String,
        /// Where the key would be.
        key: PathBuf,
    },
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// What the bundle is meant for is not one plain line.
    #[error("an intended use is one line of 1 to {max} characters", max = super::bundle::MAX_USE)]
    IntendedUse,
    /// What the bundle is meant for was asked, and there was no answer.
    #[error("the bundle does not say what it is meant for, and there is no terminal to ask on\n  Say it with --intended-use TEXT: {}.", super::bundle::USES.map(|text| format!("{text:?}")).join(", "))]
    NoIntendedUse,
    /// A folder that is no root of a badge.
    #[error("{} {reason}", path.display())]
    NoRoot {
        /// Which folder.
        path: PathBuf,
        /// Why not, and which one it might be.
        reason: &'static str,
    },
    /// Something is in the way that is no file.
    #[error(
        "{0} is there already and is no file, so it is not replaced\n  Look at what it is, and move it away."
    )]
    InTheWay(String),
    /// Symbolic links lead in a circle.
    #[error("{0} leads through more symbolic links than there can be\n  Mend the links there.")]
    Links(String),
    /// What was read back is not what was written.
    #[error(
        "{0} reads back differently from what was written, so it was not put into place\n  The card or the disk may be failing: try another one."
    )]
    ReadBack(String),
    /// An image cannot be read or changed.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The badge cannot be reached or does not do what it should.
    #[error(transparent)]
    Ssh(#[from] SshError),
    /// The program does not run on the badge.
    #[error(
        "the new program does not pass its own demo on the badge, so the old one stays:\n{0}\n  A message about GLIBC means a system that is older than the build: see \"Build it onto a board\" in README.md."
    )]
    Demo(String),
    /// The badge does not take the bundle.
    #[error(
        "the badge does not take the bundle, so it goes on with the one that it has:\n{said}\n  {next}"
    )]
    BundleRefused {
        /// What the badge says.
        said: String,
        /// What to do.
        next: &'static str,
    },
    /// A cable cannot carry the program.
    #[error(
        "a program cannot be flashed through the cable: a badge may not write its own program, so that nobody can change it with a cable\n  Flash it with --to ssh://user@host, the card's mount point, or a card's image."
    )]
    AppByCable,
    /// The badge on the cable says no, or nothing.
    #[error("{reason}{next}")]
    Serial {
        /// The port, and what is wrong with it or what the badge says.
        reason: String,
        /// What to do, on a line of its own; may be empty.
        next: &'static str,
    },
    /// Everything is in place, but the badge is not well.
    #[error(
        "everything is in place, but the badge is not well:\n{0}\n  docs/recovery.md tells what to do."
    )]
    SelfTest(String),
    /// Ctrl-C.
    #[error("stopped; what was on the badge is still there")]
    Interrupted,
}

/// What helps with the system's reason.
fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::PermissionDenied => {
            "\n  It belongs to another user, as a card's root does: try the same command with sudo."
        }
        io::ErrorKind::StorageFull => {
            "\n  There is no room left: remove what you do not need there."
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "\n  It is mounted for reading only: the card's lock may be set, or its file system may need fsck."
        }
        _ => "",
    }
}

/// Says that `path` cannot be read.
pub(super) fn reading(path: &Path) -> impl FnOnce(io::Error) -> FlashError {
    move |source| FlashError::Read { path: path.to_owned(), source }
}

/// Says that `path` cannot be written.
pub(super) fn writing(path: &Path) -> impl FnOnce(io::Error) -> FlashError {
    move |source| FlashError::Write { path: path.to_owned(), source }
}

/// Text of another program, indented below ours.
pub(super) fn indented(text: &str) -> String {
    text.trim().lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
