//! The platforms of a release.

use std::process::Command;

use clap::ValueEnum;

use crate::cross::{BoardTarget, Built};
use crate::manual::{BADGE, COMPANION};

/// A kind of machine, as Debian names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Platform {
    /// Computers
    Amd64,
    /// Raspberry Pi Zero 2 W, 3, 4, 5 with a 64-bit system; Jetson Nano and Orin
    Arm64,
    /// Raspberry Pi 2, 3, 4 and Zero 2 W with a 32-bit system
    Armhf,
}

/// A platform's programs and its names in other tools.
pub(crate) struct Facts {
    /// Debian's name of the architecture.
    pub(crate) debian: &'static str,
    /// Rust target triple.
    pub(crate) triple: &'static str,
    /// Prefix of the GNU tools.
    gnu: &'static str,
    /// Its target for cross compilation; `None` for this computer's own compiler.
    pub(crate) board: Option<BoardTarget>,
    /// Name of its archive, if it has one.
    pub(crate) archive: Option<&'static str>,
    /// The programs.
    pub(crate) programs: &'static [Program],
}

/// A program and its crate.
pub(crate) struct Program {
    /// Its file name.
    pub(crate) name: &'static str,
    /// The crate and its features.
    pub(crate) built: Built,
}

/// The badge for a board.
const ON_BOARD: Program = Program {
    name: BADGE,
    built: Built { package: "emocue-device", features: "emocue-device/board" },
};

/// The badge for a computer, with webcam support and more image formats.
const ON_COMPUTER: Program = Program {
    name: BADGE,
    built: Built {
        package: "emocue-device",
        features: "emocue-device/board,emocue-device/desktop",
    },
};

/// The host's program.
const HOST: Program =
    Program { name: COMPANION, built: Built { package: "emocue-host", features: "" } };

impl Platform {
    /// Its facts.
    pub(crate) fn facts(self) -> &'static Facts {
        match self {
            Self::Amd64 => &Facts {
                debian: "amd64",
                triple: "x86_64-unknown-linux-gnu",
                gnu: "x86_64-linux-gnu",
                board: None,
                archive: Some("x86_64-linux"),
                programs: &[ON_COMPUTER, HOST],
            },
            Self::Arm64 => &Facts {
                debian: "arm64",
                triple: "aarch64-unknown-linux-gnu",
                gnu: "aarch64-linux-gnu",
                board: Some(BoardTarget::Aarch64),
                archive: Some("aarch64-linux"),
                programs: &[ON_BOARD, HOST],
            },
            Self::Armhf => &Facts {
                debian: "armhf",
                triple: "armv7-unknown-linux-gnueabihf",
                gnu: "arm-linux-gnueabihf",
                board: Some(BoardTarget::Armv7),
                archive: None,
                programs: &[ON_BOARD],
            },
        }
    }
}

impl Facts {
    /// A GNU tool for this platform: `readelf`, `strip`.
    pub(crate) fn tool(&self, name: &str) -> Command {
        Command::new(format!("{}-{name}", self.gnu))
    }

    /// The badge's program, which every platform has.
    pub(crate) fn badge(&self) -> &'static Program {
        &self.programs[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_has_the_badge() {
        for platform in Platform::value_variants() {
            assert_eq!(platform.facts().badge().name, BADGE);
        }
    }
}
