//! The crates in a program, from cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::platform::{Facts, Program};
use crate::Result;
use crate::cargo::{cargo, output, root};

/// A crate in a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) licence: String,
    /// Folder of its sources.
    pub(crate) folder: PathBuf,
    /// Whether it belongs to this workspace.
    pub(crate) is_ours: bool,
    pub(crate) authors: Vec<String>,
    /// SHA-256 of its package, if it comes from a registry.
    pub(crate) checksum: Option<String>,
    /// Its dependencies in the same program.
    pub(crate) uses: Vec<String>,
}

impl Crate {
    /// Its package URL (purl).
    pub(crate) fn url(&self) -> String {
        url(&self.name, &self.version)
    }
}

fn url(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{}", version.replace('+', "%2B"))
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
    manifest_path: PathBuf,
    authors: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

/// The crates of programs of a platform, each once, sorted by name and version.
pub(crate) fn of(facts: &Facts, programs: &[Program]) -> Result<Vec<Crate>> {
    let mut wanted = BTreeSet::new();
    for program in programs {
        wanted.extend(tree(facts, program)?);
    }
    // Metadata of the whole workspace; `wanted` selects the crates of these programs.
    let mut metadata = cargo();
    metadata.args(["metadata", "--locked", "--format-version", "1"]);
    metadata.args(["--filter-platform", facts.triple]);
    for program in programs {
        metadata.args(["--features", program.built.features]);
    }
    let metadata = output(&mut metadata)?;
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))?;
    select(&wanted, serde_json::from_str(&metadata)?, toml::from_str(&lock)?)
}

/// Name and version of every crate that a program is built from.
fn tree(facts: &Facts, program: &Program) -> Result<Vec<(String, String)>> {
    let mut tree = cargo();
    tree.args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    tree.args(["--target", facts.triple, "--package", program.built.package]);
    tree.args(["--features", program.built.features]);
    let parse = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.trim_start_matches('v').to_owned()))
    };
    Ok(output(&mut tree)?.lines().filter_map(parse).collect())
}

fn select(
    wanted: &BTreeSet<(String, String)>,
    metadata: Metadata,
    lock: Lock,
) -> Result<Vec<Crate>> {
    let mut checksums: BTreeMap<_, _> = lock
        .package
        .into_iter()
        .map(|locked| ((locked.name, locked.version), locked.checksum))
        .collect();
    let mut ids = BTreeMap::new();
    let mut crates = BTreeMap::new();
    for package in metadata.packages {
        let key = (package.name, package.version);
        if !wanted.contains(&key) {
            continue;
        }
        let licence = package.license.ok_or_else(|| {
            format!("{} {} names no licence; device/deny.toml may know", key.0, key.1)
        });
        let found = Crate {
            name: key.0.clone(),
            version: key.1.clone(),
            licence: expression(&licence?),
            folder: package.manifest_path.parent().map(Path::to_owned).unwrap_or_default(),
            is_ours: package.source.is_none(),
            authors: package.authors,
            checksum: checksums.remove(&key).flatten(),
            uses: Vec::new(),
        };
        ids.insert(package.id, found.url());
        crates.insert(found.url(), found);
    }
    for node in metadata.resolve.nodes {
        let Some(found) = ids.get(&node.id).and_then(|url| crates.get_mut(url)) else { continue };
        let is_inside = |used: &&Dependency| used.dep_kinds.iter().any(|kind| kind.kind.is_none());
        let uses =
            node.deps.iter().filter(is_inside).filter_map(|used| ids.get(&used.pkg).cloned());
        found.uses = uses.collect::<BTreeSet<_>>().into_iter().collect();
    }
    if crates.len() != wanted.len() {
        return Err(format!(
            "cargo tree has {} crates, cargo metadata {}",
            wanted.len(),
            crates.len()
        )
        .into());
    }
    Ok(crates.into_values().collect())
}

/// An SPDX expression; older crates separate licences by a slash.
fn expression(licence: &str) -> String {
    licence.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::release::platform::Platform;

    #[test]
    fn the_badges_crates_are_known_with_licence_and_checksum() {
        let facts = Platform::Amd64.facts();
        let crates = of(facts, std::slice::from_ref(facts.badge())).unwrap();
        assert!(crates.iter().any(|one| one.is_ours && one.name == "emocue-device"));
        assert!(!crates.iter().any(|one| ["emocue-host", "clap_mangen"].contains(&&*one.name)));
        for one in crates.iter().filter(|one| !one.is_ours) {
            assert!(one.checksum.is_some() && one.folder.is_dir(), "{one:?}");
        }
        let clap = crates.iter().find(|one| one.name == "clap").unwrap();
        assert!(clap.uses.iter().any(|used| used.starts_with("pkg:cargo/clap_builder@")));
    }

    #[test]
    fn expressions_are_spdx() {
        assert_eq!(expression("MIT/Apache-2.0"), "MIT OR Apache-2.0");
        assert_eq!(expression("Apache-2.0 / MIT"), "Apache-2.0 OR MIT");
        assert_eq!(url("tract", "1.0.0+x"), "pkg:cargo/tract@1.0.0%2Bx");
    }
}
