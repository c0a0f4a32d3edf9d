//! `cargo xtask privacy`: the badge's default build has no way to the network.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use crate::Result;
use crate::cargo::{cargo, output, root};

/// Crates that open sockets or speak to servers; `deny.toml` repeats them for cargo-deny.
const NETWORKING: &[&str] = &[
    "actix-web",
    "async-std",
    "attohttpc",
    "axum",
    "curl",
    "curl-sys",
    "h2",
    "h3",
    "hyper",
    "hyper-util",
    "isahc",
    "libssh2-sys",
    "mio",
    "minreq",
    "native-tls",
    "openssl",
    "openssl-sys",
    "quinn",
    "reqwest",
    "rumqttc",
    "rustls",
    "smol",
    "socket2",
    "ssh2",
    "tiny_http",
    "tokio",
    "tonic",
    "tungstenite",
    "ureq",
    "warp",
    "zmq",
];

/// What the lint must refuse, line by line, in the badge's own code.
const FORBIDDEN: &[&str] = &[
    "pub fn a() -> bool { std::net::TcpStream::connect((\"localhost\", 1)).is_ok() }",
    "pub fn b() -> bool { std::net::TcpListener::bind((\"localhost\", 1)).is_ok() }",
    "pub fn c() -> bool { std::net::UdpSocket::bind((\"localhost\", 1)).is_ok() }",
    "pub fn d() -> bool { std::net::ToSocketAddrs::to_socket_addrs(\"localhost:1\").is_ok() }",
];

/// What a secret key's file begins with; the key's 64 hexadecimal digits follow.
const SECRET: &str = "emocue-secret-key ";

/// Checks the dependencies, that the lint on `std::net` bites, and that nobody committed a secret key.
pub(crate) fn run() -> Result<()> {
    no_secrets()?;
    for (build, options) in [("default build", &[][..]), ("build for boards", &["--all-features"])]
    {
        let tree = ["tree", "--package", "emocue-device", "--edges", "normal", "--prefix", "none"];
        let tree = output(cargo().args(tree).args(options).args(["--format", "{p}"]))?;
        let found = networking(&tree);
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

/// Reads every file that is under version control.
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
        // One that was removed, but not yet from the index.
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
    let label = SECRET.as_bytes();
    let mut starts = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(label));
    starts.any(|at| {
        let digits = &bytes[at + label.len()..];
        digits.len() >= 64 && digits[..64].iter().all(u8::is_ascii_hexdigit)
    })
}

/// The crates of a `cargo tree` listing, each once.
fn names(tree: &str) -> BTreeSet<&str> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

/// The networking crates of a `cargo tree` listing.
fn networking(tree: &str) -> Vec<&'static str> {
    let names = names(tree);
    NETWORKING.iter().copied().filter(|banned| names.contains(banned)).collect()
}

/// Lints `line` as if it stood in the badge.
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
    // Any other failure would prove nothing.
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

    #[test]
    fn finds_a_networking_crate_by_its_whole_name() {
        let tree =
            "emocue-device v0.1.0 (/x/device)\nserde v1.0.0\ntokio v1.40.0\ntokio-like v1.0.0\n";
        assert_eq!(networking(tree), ["tokio"]);
        assert!(networking("mio-extras v1.0.0\n").is_empty());
    }

    #[test]
    fn a_secret_key_is_found_wherever_it_stands() {
        let key = format!("{SECRET}{}", "0f".repeat(32));
        assert!(has_secret(format!("a text\nwith a key: {key}\n").as_bytes()));
        assert!(!has_secret(&key.as_bytes()[..key.len() - 1]));
        assert!(!has_secret(SECRET.as_bytes()));
    }

    #[test]
    fn cargo_deny_bans_the_same_crates() {
        let deny = std::fs::read_to_string(root().join("deny.toml")).unwrap();
        let deny: toml::Table = deny.parse().unwrap();
        let bans = deny["bans"]["deny"].as_array().unwrap();
        let banned: Vec<_> = bans.iter().filter_map(|ban| ban["crate"].as_str()).collect();
        assert_eq!(banned, NETWORKING);
    }
}
