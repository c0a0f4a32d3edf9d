//! What is flashed: the files that a user named, read and checked as far as this computer can.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::FlashError;
use super::bundle::Ready;
use super::elf::Machine;
use super::error::reading;

/// A part of a badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// The program, and what makes it a service
    App,
    /// The networks
    Bundle,
    /// The configuration
    Config,
}

impl Part {
    /// Its name, which is also its option's.
    pub fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Bundle => "bundle",
            Self::Config => "config",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Everything that is flashed together.
#[derive(Debug, Default)]
pub struct Parts {
    /// The program.
    pub app: Option<App>,
    /// The networks.
    pub bundle: Option<Ready>,
    /// The configuration.
    pub config: Option<Config>,
}

/// A badge's program.
#[derive(Debug)]
pub struct App {
    /// Where it was read from.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What it is made for.
    pub machine: Machine,
}

/// A badge's configuration.
#[derive(Debug)]
pub struct Config {
    /// Where it was read from.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// Which parts are flashed: those of `what`, or where that is empty those whose files are `named`.
///
/// # Errors
/// [`FlashError`] when the two contradict each other or both are empty.
pub fn choose(what: &[Part], named: &[Part]) -> Result<Vec<Part>, FlashError> {
    if what.is_empty() && named.is_empty() {
        return Err(FlashError::Empty);
    }
    if what.is_empty() {
        return Ok(named.to_vec());
    }
    let needs = |part: Part, how| FlashError::Needs { part: part.name(), how };
    for part in what.iter().filter(|part| !named.contains(part)) {
        match part {
            // There is a default one.
            Part::Bundle => {}
            Part::App => {
                return Err(needs(
                    Part::App,
                    "`cargo xtask cross --profile dist` builds it for 64-bit boards and says where it lies.",
                ));
            }
            Part::Config => {
                return Err(needs(
                    Part::Config,
                    "Begin with device/boards/example.toml, or with the three lines in README.md.",
                ));
            }
        }
    }
    match named.iter().find(|part| !what.contains(part)) {
        Some(part) => Err(FlashError::NotAsked(part.name())),
        None => Ok(what.to_vec()),
    }
}

impl App {
    /// Reads a program.
    ///
    /// # Errors
    /// [`FlashError`] when it is none, or another one.
    pub fn read(path: &Path) -> Result<Self, FlashError> {
        let bytes = std::fs::read(path).map_err(reading(path))?;
        let path = path.to_owned();
        let Some(machine) = Machine::of(&bytes) else {
            return Err(FlashError::NoProgram(path));
        };
        // A program knows its own name, for its help.
        const NAME: &[u8] = b"emocue-badge";
        if !bytes.windows(NAME.len()).any(|window| window == NAME) {
            return Err(FlashError::OtherProgram { path, machine });
        }
        Ok(Self { path, bytes, machine })
    }
}

impl Config {
    /// Reads a configuration. That it is TOML is all that is checked here; the rest is the badge's own to judge.
    ///
    /// # Errors
    /// [`FlashError`] when it cannot be read or is no TOML.
    pub fn read(path: &Path) -> Result<Self, FlashError> {
        let text = std::fs::read_to_string(path).map_err(reading(path))?;
        match toml::from_str::<toml::Table>(&text) {
            Ok(_) => Ok(Self { path: path.to_owned(), text }),
            Err(source) => Err(FlashError::Toml { path: path.to_owned(), source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_those_that_are_asked_for_or_named() {
        use Part::{App, Bundle, Config};
        assert_eq!(choose(&[], &[App, Config]).unwrap(), [App, Config]);
        assert_eq!(choose(&[Bundle], &[]).unwrap(), [Bundle]);
        assert_eq!(choose(&[App, Bundle], &[App]).unwrap(), [App, Bundle]);
        assert!(matches!(choose(&[], &[]), Err(FlashError::Empty)));
        assert!(matches!(choose(&[App], &[]), Err(FlashError::Needs { part: "app", .. })));
        assert!(matches!(choose(&[App], &[App, Config]), Err(FlashError::NotAsked("config"))));
    }

    #[test]
    fn says_what_is_no_program_and_no_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "[camera\n").unwrap();
        assert!(matches!(App::read(&path), Err(FlashError::NoProgram(_))));
        let error = Config::read(&path).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("config check"), "{error}");
        let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1];
        elf.resize(18, 0);
        elf.extend([183, 0]);
        std::fs::write(&path, &elf).unwrap();
        let error = App::read(&path).unwrap_err().to_string();
        assert!(error.contains("64-bit ARM (aarch64), but not emocue-badge"), "{error}");
        elf.extend(b" emocue-badge ");
        std::fs::write(&path, &elf).unwrap();
        assert_eq!(App::read(&path).unwrap().bytes, elf);
    }
}
