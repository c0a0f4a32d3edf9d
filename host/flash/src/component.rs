//! What is flashed: the files that a user named. Each is read once, and checked as far as possible on this computer.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use emocue_config::{Config, ConfigError};
use emocue_models::bundle::{NamedBundleError, SecretKey, bytes_of};
use emocue_models::failure::{Failure, exit};
use emocue_models::files;

use crate::bundle::{PrepareError, PreparedBundle, SigningOptions, prepare};
use crate::console::FlashConsole;
use crate::elf::Machine;
use crate::file::{FileError, reading};
use crate::key::{self, KeyError};

/// A component of a badge's software.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Component {
    /// The program and its service files
    App,
    /// The networks
    Bundle,
    /// The configuration
    Config,
}

impl Component {
    /// Its name, which is also its option's.
    pub fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Bundle => "bundle",
            Self::Config => "config",
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A component is missing, or its file is invalid.
#[derive(Debug, thiserror::Error)]
pub enum ComponentError {
    /// A component was requested without its file.
    #[error("--what {component} needs --{component} FILE")]
    Needs {
        /// The component.
        component: Component,
        /// How to get such a file.
        help: &'static str,
    },
    /// A file was named, but its component was not requested.
    #[error("--{0} names a file, but --what leaves it out")]
    NotAsked(Component),
    /// Neither a component nor a file was named.
    #[error("nothing to flash")]
    Empty,
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The bundle's file cannot be read.
    #[error(transparent)]
    BundleFile(#[from] NamedBundleError),
    /// The bundle is invalid, or cannot be signed.
    #[error(transparent)]
    Bundle(#[from] PrepareError),
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file is not a program.
    #[error("{} is not a Linux program", .0.display())]
    NotProgram(PathBuf),
    /// The file is another program.
    #[error("{} is a program for {machine}, but not emocue-badge", path.display())]
    OtherProgram {
        /// Path of the file.
        path: PathBuf,
        /// The machine that it is built for.
        machine: Machine,
    },
    /// A badge would refuse the configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Failure for ComponentError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Needs { help, .. } => help,
            Self::NotAsked(component) => {
                return Some(format!(
                    "Add {component} to --what, or leave --what out: then all files that are named are flashed."
                ));
            }
            Self::Empty => "Name at least one of --app FILE, --bundle FILE|default, --config FILE.",
            Self::File(error) => return error.help(),
            Self::BundleFile(error) => return error.help(),
            Self::Bundle(error) => return error.help(),
            Self::Key(error) => return error.help(),
            Self::NotProgram(_) => {
                "Build one with `cargo xtask cross --profile dist`, or `cross build` as docs/flashing.md says."
            }
            Self::OtherProgram { .. } => return None,
            Self::Config(error) => return error.help(),
        };
        Some((*help).to_owned())
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::Needs { .. } | Self::NotAsked(_) | Self::Empty => exit::USAGE,
            Self::Config(error) => error.exit_code(),
            Self::File(error) => error.exit_code(),
            Self::BundleFile(error) => error.exit_code(),
            Self::Bundle(error) => error.exit_code(),
            Self::Key(error) => error.exit_code(),
            Self::NotProgram(_) | Self::OtherProgram { .. } => exit::INPUT,
        }
    }
}

/// The components that are flashed: those in `what`, or if that is empty, those whose files are `named`.
///
/// # Errors
/// [`ComponentError`] when the two contradict each other or both are empty.
pub fn select(what: &[Component], named: &[Component]) -> Result<Vec<Component>, ComponentError> {
    if what.is_empty() && named.is_empty() {
        return Err(ComponentError::Empty);
    }
    if what.is_empty() {
        return Ok(named.to_vec());
    }
    for component in what.iter().copied().filter(|component| !named.contains(component)) {
        let help = match component {
            // There is a default bundle.
            Component::Bundle => continue,
            Component::App => {
                "`cargo xtask cross --profile dist` builds it for 64-bit boards and prints where it is."
            }
            Component::Config => "Begin with device/boards/example.toml.",
        };
        return Err(ComponentError::Needs { component, help });
    }
    match named.iter().find(|component| !what.contains(component)) {
        Some(component) => Err(ComponentError::NotAsked(*component)),
        None => Ok(what.to_vec()),
    }
}

/// The files that a user named, unchecked.
#[derive(Debug, Default)]
pub struct NamedFiles {
    app: Option<(PathBuf, Vec<u8>)>,
    bundle: Option<(PathBuf, Cow<'static, [u8]>)>,
    config: Option<(PathBuf, String)>,
    /// The key that signs the bundle.
    key: Option<SecretKey>,
}

impl NamedFiles {
    /// Reads each named file once.
    ///
    /// # Errors
    /// [`ComponentError`] when one cannot be read.
    pub fn read(
        app: Option<&Path>,
        bundle: Option<&Path>,
        config: Option<&Path>,
        key: Option<&Path>,
    ) -> Result<Self, ComponentError> {
        let app = app.map(|path| {
            files::read_at_most(path, files::MAX_BINARY)
                .map(|bytes| (path.to_owned(), bytes))
                .map_err(reading(path))
        });
        let config = config.map(|path| {
            let text = files::read_text(path);
            text.map(|text| (path.to_owned(), text)).map_err(reading(path))
        });
        let bundle = bundle.map(|name| bytes_of(name).map(|bytes| (name.to_owned(), bytes)));
        Ok(Self {
            app: app.transpose()?,
            config: config.transpose()?,
            bundle: bundle.transpose()?,
            key: key.map(key::read_secret).transpose()?,
        })
    }

    /// Checks all files, and signs the bundle if necessary.
    ///
    /// # Errors
    /// [`ComponentError`] for an invalid program, configuration or bundle.
    pub fn check(
        self,
        intended_use: Option<&str>,
        dry_run: bool,
        console: &mut dyn FlashConsole,
    ) -> Result<Components, ComponentError> {
        let app = self.app.map(|(path, bytes)| AppFile::new(path, bytes)).transpose()?;
        let config = self.config.map(|(path, text)| ConfigFile::new(path, text)).transpose()?;
        let options = SigningOptions { key: self.key.as_ref(), intended_use, dry_run };
        let bundle = self.bundle.map(|(name, bytes)| prepare(&name, &bytes, &options, console));
        Ok(Components { app, bundle: bundle.transpose()?, config })
    }
}

/// Everything that is flashed together.
#[derive(Debug, Default)]
pub struct Components {
    /// The program.
    pub app: Option<AppFile>,
    /// The networks.
    pub bundle: Option<PreparedBundle>,
    /// The configuration.
    pub config: Option<ConfigFile>,
}

/// A badge's program.
#[derive(Debug)]
pub struct AppFile {
    /// Path of its file.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The machine that it is built for.
    pub machine: Machine,
}

impl AppFile {
    /// Checks a program.
    ///
    /// # Errors
    /// [`ComponentError`] when it is not a program, or a program other than `emocue-badge`.
    pub fn new(path: PathBuf, bytes: Vec<u8>) -> Result<Self, ComponentError> {
        let Some(machine) = Machine::of(&bytes) else {
            return Err(ComponentError::NotProgram(path));
        };
        // A program contains its own name, for its help text.
        const NAME: &[u8] = b"emocue-badge";
        if !bytes.windows(NAME.len()).any(|window| window == NAME) {
            return Err(ComponentError::OtherProgram { path, machine });
        }
        Ok(Self { path, bytes, machine })
    }
}

/// A badge's configuration.
#[derive(Debug)]
pub struct ConfigFile {
    /// Path of its file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl ConfigFile {
    /// Checks a configuration as a badge does.
    ///
    /// # Errors
    /// [`ComponentError::Config`] when a badge would refuse it.
    pub fn new(path: PathBuf, text: String) -> Result<Self, ComponentError> {
        Config::check(&path.display().to_string(), &text)?;
        Ok(Self { path, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_components_are_those_that_are_asked_for_or_named() {
        use Component::{App, Bundle, Config};
        assert_eq!(select(&[], &[App, Config]).unwrap(), [App, Config]);
        assert_eq!(select(&[Bundle], &[]).unwrap(), [Bundle]);
        assert_eq!(select(&[App, Bundle], &[App]).unwrap(), [App, Bundle]);
        assert!(matches!(select(&[], &[]), Err(ComponentError::Empty)));
        let needs = select(&[App], &[]);
        assert!(matches!(needs, Err(ComponentError::Needs { component: App, .. })));
        let not_asked = select(&[App], &[App, Config]);
        assert!(matches!(not_asked, Err(ComponentError::NotAsked(Config))));
    }

    #[test]
    fn invalid_programs_and_configurations_are_refused() {
        let app = |bytes: &[u8]| AppFile::new("file".into(), bytes.to_vec());
        assert!(matches!(app(b"[camera\n"), Err(ComponentError::NotProgram(_))));
        for (text, place) in [
            ("[camera\n", "file:1:"),
            ("[camera]\nsorce = \"portraits\"\n", "file:2:1: unknown key \"sorce\" in [camera]"),
            ("board = \"pi-9\"\n", "file:1:9: no board is called \"pi-9\""),
            ("[pace]\nfps = 0.0\n", "file:2:7: pace.fps is impossible"),
        ] {
            let error = ConfigFile::new("file".into(), text.into()).unwrap_err();
            assert!(error.to_string().starts_with(place), "{error}");
            assert!(error.help().is_some(), "{error:?}");
        }
        let mut elf = vec![0x7f, b'E', b'L', b'F', 2, 1];
        elf.resize(18, 0);
        elf.extend([183, 0]);
        let error = app(&elf).unwrap_err().to_string();
        assert!(error.contains("64-bit ARM (aarch64), but not emocue-badge"), "{error}");
        elf.extend(b" emocue-badge ");
        assert_eq!(app(&elf).unwrap().bytes, elf);
    }
}
