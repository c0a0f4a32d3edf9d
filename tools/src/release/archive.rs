//! An archive of both programs for computers, which runs from any folder.

use std::fs;
use std::path::{Path, PathBuf};

use emocue_package::{Content, FILES};

use super::build;
use super::deb::Parts;
use super::tree::{Tree, files_below};
use crate::Result;
use crate::cargo::root;

/// Source files in the archive's top folder.
const TOP: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"];

/// Makes the archive in `folder`, if the platform has one, and returns its path. `manuals` are the folders that
/// correspond to `/usr/share`, one per program.
pub(crate) fn make(
    parts: &Parts<'_>,
    manuals: &[PathBuf],
    folder: &Path,
) -> Result<Option<PathBuf>> {
    let Some(platform) = parts.facts.archive else { return Ok(None) };
    let name = format!("emocue-{}-{platform}", parts.sources.version);
    let staging = tempfile::Builder::new().prefix(".archive-").tempdir_in(folder)?;
    let tree = Tree::new(staging.path().join(&name))?;
    for program in parts.facts.programs {
        let place = tree.place(&format!("bin/{}", program.name))?;
        build::strip(parts.facts, &parts.programs.join(program.name), &place)?;
        tree.set_mode(&place, 0o755)?;
    }
    for share in manuals {
        for page in files_below(share)? {
            let below = page.strip_prefix(share)?.display().to_string();
            tree.put(&format!("share/{below}"), &fs::read(&page)?, 0o644)?;
        }
    }
    for source in TOP {
        tree.put(source, &read(source)?, 0o644)?;
    }
    tree.put("third-party-licences.txt", parts.licences.as_bytes(), 0o644)?;
    // The files that `emocue flash` installs, at their places below `badge/`, and the documents.
    for file in FILES {
        match (file.content, file.flash) {
            (Content::Text(text), Some(place)) => {
                tree.put(&format!("badge{place}"), text.as_bytes(), file.mode)?;
            }
            (Content::Source(source), _) => tree.put(source, &read(source)?, file.mode)?,
            (Content::Text(_) | Content::Program | Content::Config, _) => {}
        }
    }
    let archive = folder.join(format!("{name}.tar.gz"));
    tree.pack(&archive, parts.sources.time)?;
    Ok(Some(archive))
}

fn read(source: &str) -> Result<Vec<u8>> {
    Ok(fs::read(root().join(source)).map_err(|e| format!("{source}: {e}"))?)
}
