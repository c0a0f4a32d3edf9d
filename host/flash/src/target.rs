//! Targets of a flash.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::ssh::Address;

/// Default baud rate of a port; a USB cable ignores it.
pub const BAUD: u32 = 115_200;

/// A badge, or the card of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlashTarget {
    /// A badge in the network, over SSH.
    Ssh(Address),
    /// The root of a card that is mounted on this computer.
    Mount(PathBuf),
    /// A card's image in a file.
    Image(PathBuf),
    /// A badge on a cable.
    Serial(Port),
}

/// A serial port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its device.
    pub path: PathBuf,
    /// Its baud rate, bits per second.
    pub baud: u32,
}

/// A text that is not a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?}: {reason}\n  A badge is reached as\n    ssh://user@host[:port][/root]  over the network\n    /media/you/rootfs              on its card, mounted on this computer\n    card.img                       on a card's image, or one of its root partition\n    serial:/dev/ttyACM0[@baud]     through the cable"
)]
pub struct TargetError {
    text: String,
    reason: &'static str,
}

impl FromStr for FlashTarget {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let wrong = |reason| TargetError { text: text.to_owned(), reason };
        if let Some(address) = text.strip_prefix("ssh://") {
            return Address::parse(address).map(Self::Ssh).map_err(wrong);
        }
        if let Some(port) = text.strip_prefix("serial:") {
            return Port::parse(port).map(Self::Serial).map_err(wrong);
        }
        if text.contains("://") {
            return Err(wrong("no such kind of target"));
        }
        place(Path::new(text)).map_err(wrong)
    }
}

/// A path is a card's root if it is a folder, and an image if it is a file.
fn place(path: &Path) -> Result<FlashTarget, &'static str> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err("there is no such file or folder");
        }
        Err(_) => return Err("this path cannot be looked at; with sudo it may be"),
    };
    if metadata.is_dir() {
        return Ok(FlashTarget::Mount(path.to_owned()));
    }
    if metadata.is_file() {
        return Ok(FlashTarget::Image(path.to_owned()));
    }
    Err(match path.starts_with("/dev") {
        true => {
            "this is a device: of a card, mount the largest partition and name that folder; of a cable, write serial: before it"
        }
        false => "this is neither a folder nor a file",
    })
}

impl Port {
    /// Parses what follows `serial:`.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (path, baud) = match text.rsplit_once('@') {
            Some((path, baud)) => (path, Some(baud)),
            None => (text, None),
        };
        if path.is_empty() {
            return Err("the port's device is missing");
        }
        let baud = baud.map_or(Ok(BAUD), str::parse);
        let baud = baud.map_err(|_| "the baud rate behind @ is not a number")?;
        Ok(Self { path: path.into(), baud })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<FlashTarget, String> {
        text.parse().map_err(|error: TargetError| error.to_string())
    }

    #[test]
    fn every_kind_of_target_is_parsed() {
        assert!(matches!(parse("ssh://pi@badge"), Ok(FlashTarget::Ssh(_))));
        let port = |baud| Ok(FlashTarget::Serial(Port { path: "/dev/ttyACM0".into(), baud }));
        assert_eq!(parse("serial:/dev/ttyACM0"), port(BAUD));
        assert_eq!(parse("serial:/dev/ttyACM0@9600"), port(9600));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        assert!(matches!(parse(path), Ok(FlashTarget::Mount(_))));
        let image = folder.path().join("a.img");
        std::fs::write(&image, "").unwrap();
        assert!(matches!(parse(image.to_str().unwrap()), Ok(FlashTarget::Image(_))));
    }

    #[test]
    fn other_texts_are_answered_with_all_kinds() {
        for (text, reason) in [
            ("ftp://x", "no such kind"),
            ("ssh://", "the host is missing"),
            ("serial:", "device is missing"),
            ("serial:/dev/x@fast", "not a number"),
            ("no/such/file", "no such file"),
            ("/dev/null", "this is a device"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(reason), "{error}");
            for kind in ["ssh://user@host", "/media/", "card.img", "serial:/dev/"] {
                assert!(error.contains(kind), "{error}");
            }
        }
    }
}
