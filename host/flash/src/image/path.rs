//! Resolves paths of the system in an image, with its symbolic links.

use emocue_models::bundle::Sha256;

use super::debugfs::{Inode, Kind, Tools};
use super::error::ImageError;
use crate::follow::follow;
use crate::root::{Existing, RootError};
use crate::table::{folder, name};

/// `path` with all links resolved.
pub(super) fn followed(tools: &Tools, path: &str) -> Result<String, ImageError> {
    let link = |path: &str| -> Result<_, ImageError> {
        Ok(match tools.stat(path)? {
            Some(Inode { kind: Kind::Link(to), .. }) => Some(to),
            _ => None,
        })
    };
    let inside: Option<String> = follow(path, link)?;
    inside.ok_or_else(|| RootError::Links(path.to_owned()).into())
}

/// `path` with all links resolved, except one at its end.
pub(super) fn real(tools: &Tools, path: &str) -> Result<String, ImageError> {
    let folder = followed(tools, folder(path))?;
    Ok(format!("{}/{}", folder.trim_end_matches('/'), name(path)))
}

/// What is at a path.
pub(super) fn existing(tools: &Tools, path: &str) -> Result<Existing, ImageError> {
    let real = real(tools, path)?;
    let Some(inode) = tools.stat(&real)? else { return Ok(Existing::Nothing) };
    Ok(match inode.kind {
        Kind::Link(to) => Existing::Link(to),
        Kind::File => Existing::File { sha256: Sha256::of(&tools.dump(&real)?), mode: inode.mode },
        Kind::Folder | Kind::Other => Existing::Other,
    })
}
