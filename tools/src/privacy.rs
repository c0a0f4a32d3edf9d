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

/// Checks the dependencies and that the lint on `std::net` bites.
pub(crate) fn run() -> Result<()> {
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
    fn cargo_deny_bans_the_same_crates() {
        let deny = std::fs::read_to_string(root().join("deny.toml")).unwrap();
        let deny: toml::Table = deny.parse().unwrap();
        let bans = deny["bans"]["deny"].as_array().unwrap();
        let banned: Vec<_> = bans.iter().filter_map(|ban| ban["crate"].as_str()).collect();
        assert_eq!(banned, NETWORKING);
    }
}
