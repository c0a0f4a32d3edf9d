//! `cargo xtask privacy`: checks that the badge's default build has no network access.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde::Deserialize;

use crate::Result;
use crate::cargo::{cargo, output, root};

/// The list of banned crates, for this check and for cargo-deny.
const LIST: &str = "device/deny.toml";

/// The part of [`LIST`] that this check needs.
#[derive(Deserialize)]
struct Deny {
    bans: Bans,
}

#[derive(Deserialize)]
struct Bans {
    /// Crate names without versions.
    deny: Vec<String>,
}

/// Lines that the lint must refuse in the badge's code.
const FORBIDDEN: &[&str] = &[
    "pub fn a() -> bool { std::net::TcpStream::connect((\"localhost\", 1)).is_ok() }",
    "pub fn b() -> bool { std::net::TcpListener::bind((\"localhost\", 1)).is_ok() }",
    "pub fn c() -> bool { std::net::UdpSocket::bind((\"localhost\", 1)).is_ok() }",
    "pub fn d() -> bool { std::net::ToSocketAddrs::to_socket_addrs(\"localhost:1\").is_ok() }",
];

/// Prefix of a file with a bundle signing key; the key's 64 hexadecimal digits follow.
pub(crate) const SECRET: &str = "emocue-secret-key ";

/// Prefixes of all kinds of secret keys.
const SECRETS: [&str; 2] = [SECRET, "emocue-journal-secret-key "];

/// Checks the dependencies, that the lint on `std::net` works, and that no secret key is committed.
pub(crate) fn run() -> Result<()> {
    no_secrets()?;
    let text = std::fs::read_to_string(root().join(LIST)).map_err(|e| format!("{LIST}: {e}"))?;
    let banned = banned(&text)?;
    for (build, options) in [("default build", &[][..]), ("build for boards", &["--all-features"])]
    {
        let tree = ["tree", "--package", "emocue-device", "--edges", "normal", "--prefix", "none"];
        let tree = output(cargo().args(tree).args(options).args(["--format", "{p}"]))?;
        let found = networking(&tree, &banned);
        if !found.is_empty() {
            let hint = "see who brings it with `cargo tree -p emocue-device -i CRATE`";
            return Err(
                format!("networking crates in the {build}: {}; {hint}", found.join(", ")).into()
            );
        }
        println!(
            "privacy: no networking crate among the {} crates of the {build}",
            names(&tree).len()
        );
    }
    for line in FORBIDDEN {
        lint_refuses(line)?;
    }
    println!("privacy: std::net is refused in the badge's own code");
    Ok(())
}

/// Searches every file under version control for secret keys.
fn no_secrets() -> Result<()> {
    let listed = Command::new("git").current_dir(root()).args(["ls-files", "-z"]).output();
    let listed = match listed {
        Ok(listed) if listed.status.success() => String::from_utf8(listed.stdout)?,
        // An archive of the sources has no history to leak.
        _ => {
            println!("privacy: no git here, so no committed files to search for secret keys");
            return Ok(());
        }
    };
    let files: Vec<_> = listed.split_terminator('\0').collect();
    for file in &files {
        // A deleted file that is still in the index.
        let Ok(bytes) = std::fs::read(root().join(file)) else { continue };
        if has_secret(&bytes) {
            return Err(
                format!("{file} holds a secret key; remove it and never use that key").into()
            );
        }
    }
    println!("privacy: no secret key in {} files", files.len());
    Ok(())
}

fn has_secret(bytes: &[u8]) -> bool {
    let of = |label: &[u8]| {
        let mut starts = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(label));
        starts.any(|at| {
            let digits = &bytes[at + label.len()..];
            digits.len() >= 64 && digits[..64].iter().all(u8::is_ascii_hexdigit)
        })
    };
    SECRETS.iter().any(|label| of(label.as_bytes()))
}

/// The crates of a `cargo tree` listing, each once.
fn names(tree: &str) -> BTreeSet<&str> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

/// The crates that the text of [`LIST`] bans.
fn banned(text: &str) -> Result<Vec<String>> {
    let deny: Deny = toml::from_str(text).map_err(|e| format!("{LIST}: {e}"))?;
    // An empty list would check nothing.
    if deny.bans.deny.is_empty() {
        return Err(format!("{LIST} bans no crate").into());
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if let Some(name) = deny.bans.deny.iter().find(|name| !name.chars().all(plain)) {
        return Err(
            format!("{LIST}: expected a crate's name without a version, found {name:?}").into()
        );
    }
    Ok(deny.bans.deny)
}

/// The banned crates of a `cargo tree` listing.
fn networking<'a>(tree: &str, banned: &'a [String]) -> Vec<&'a str> {
    let names = names(tree);
    banned.iter().map(String::as_str).filter(|name| names.contains(name)).collect()
}

/// Lints `line` with the badge's configuration.
fn lint_refuses(line: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
    let manifest = "[package]\nname = \"attempt\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
                    [lib]\npath = \"lib.rs\"\n\n[workspace]\n";
    write("Cargo.toml", manifest)?;
    write("lib.rs", line)?;
    std::fs::copy(root().join("device/clippy.toml"), folder.path().join("clippy.toml"))?;
    let lint = lint(folder.path())?;
    if lint.status.success() {
        return Err(format!("device/clippy.toml lets this pass: {line}").into());
    }
    let said = String::from_utf8_lossy(&lint.stderr);
    // Any other failure is no evidence.
    if !said.contains("use of a disallowed") {
        return Err(format!("clippy failed for another reason:\n{said}").into());
    }
    Ok(())
}

fn lint(folder: &Path) -> Result<Output> {
    let mut command: Command = cargo();
    command.current_dir(folder).args(["clippy", "--quiet", "--offline"]);
    command.env("CARGO_TARGET_DIR", folder.join("target")).args(["--", "-D", "warnings"]);
    Ok(command.output().map_err(|e| format!("cannot start {command:?}: {e}"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> Vec<String> {
        banned(&std::fs::read_to_string(root().join(LIST)).unwrap()).unwrap()
    }

    #[test]
    fn finds_a_networking_crate_by_its_whole_name() {
        let tree =
            "emocue-device v0.1.0 (/x/device)\nserde v1.0.0\ntokio v1.40.0\ntokio-like v1.0.0\n";
        assert_eq!(networking(tree, &list()), ["tokio"]);
        assert!(networking("mio-extras v1.0.0\n", &list()).is_empty());
    }

    #[test]
    fn a_secret_key_is_found_wherever_it_stands() {
        for label in SECRETS {
            let key = format!("{label}{}", "0f".repeat(32));
            assert!(has_secret(format!("a text\nwith a key: {key}\n").as_bytes()));
            assert!(!has_secret(&key.as_bytes()[..key.len() - 1]));
            assert!(!has_secret(label.as_bytes()));
        }
    }

    #[test]
    fn the_list_has_the_well_known_ones() {
        let list = list();
        let known =
            ["curl", "hyper", "mio", "openssl-sys", "reqwest", "rustls", "socket2", "tokio"];
        for name in known {
            assert!(list.iter().any(|banned| banned == name), "{name}");
        }
    }

    #[test]
    fn a_list_that_would_check_less_is_refused() {
        assert_eq!(banned("[bans]\ndeny = [\"tokio\"]\n").unwrap(), ["tokio"]);
        assert!(banned("[bans]\ndeny = []\n").is_err());
        assert!(banned("[bans]\ndeny = [\"tokio@1\"]\n").is_err());
        assert!(banned("[bans]\ndeny = [{ crate = \"tokio@1.0.0\" }]\n").is_err());
        assert!(banned("[licenses]\nallow = []\n").is_err());
    }
}
