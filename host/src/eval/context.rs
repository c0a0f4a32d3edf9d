//! The context of a measurement: program, machine, command line. It has no names of persons or hosts.

use serde::{Deserialize, Serialize};

use emocue_flash::shell::quote;

/// The program and the machine, as far as figures depend on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// This program's version.
    pub emocue: String,
    /// Operating system and its version.
    pub system: String,
    /// Instruction set, such as `"x86_64"`.
    pub architecture: String,
    /// Model of the processor; empty if unknown.
    pub processor: String,
    /// Cores that this program may use.
    pub cores: usize,
}

impl Environment {
    /// The environment of the running program.
    pub fn here() -> Self {
        let line = |file: &str, keys: &[&str], split: char| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            value_of(&text, keys, split)
        };
        Self {
            emocue: env!("CARGO_PKG_VERSION").to_owned(),
            system: line("/etc/os-release", &["PRETTY_NAME"], '=')
                .unwrap_or_else(|| std::env::consts::OS.to_owned()),
            architecture: std::env::consts::ARCH.to_owned(),
            processor: line("/proc/cpuinfo", &["model name", "Model", "Hardware"], ':')
                .unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        }
    }
}

/// The first value of any of `keys` in lines of `key split value`.
fn value_of(text: &str, keys: &[&str], split: char) -> Option<String> {
    let value = |key: &&str| {
        let pairs = text.lines().filter_map(|line| line.split_once(split));
        let mut values = pairs.filter(|(name, _)| name.trim() == *key).map(|(_, value)| value);
        Some(values.next()?.trim().trim_matches('"').to_owned())
    };
    keys.iter().find_map(value).filter(|value| !value.is_empty())
}

/// A command line that can be published: absolute paths and paths with `..` are reduced to their last component, since
/// the others may be private.
pub fn command_line(arguments: impl IntoIterator<Item = String>) -> String {
    let mut words = vec!["emocue".to_owned()];
    for argument in arguments.into_iter().skip(1) {
        let word = match argument.split_once('=') {
            Some((key, value)) if key.starts_with("--") => format!("{key}={}", portable(value)),
            _ => portable(&argument),
        };
        words.push(quote(&word));
    }
    words.join(" ")
}

/// A path that can be published.
pub fn portable(path: &str) -> String {
    let parts = || path.split(['/', '\\']).filter(|part| !part.is_empty());
    let drive = path.as_bytes().get(1) == Some(&b':') && path.contains('\\');
    let leaves = path.starts_with(['/', '\\', '~']) || drive || parts().any(|part| part == "..");
    if leaves { parts().next_back().unwrap_or(".").to_owned() } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_does_not_tell_who_worked_where() {
        let arguments = [
            "/home/ada/target/release/emocue",
            "eval",
            "--model=/home/ada/nets/a.onnx",
            "--model",
            "../../ada/b.onnx",
            "--ensemble",
            "runs/c.onnx",
            r"C:\Users\ada\d.onnx",
            "--name",
            "two words",
            "~/ada/e",
        ];
        assert_eq!(
            command_line(arguments.map(str::to_owned)),
            "emocue eval --model=a.onnx --model b.onnx --ensemble runs/c.onnx d.onnx --name 'two words' e"
        );
        assert_eq!((portable("/"), portable("")), (".".to_owned(), String::new()));
    }

    #[test]
    fn reads_what_the_system_tells() {
        let text = "processor\t: 0\nmodel name\t: Fast One\nmodel name\t: Fast One\n";
        assert_eq!(value_of(text, &["model name"], ':').unwrap(), "Fast One");
        assert_eq!(
            value_of("NAME=x\nPRETTY_NAME=\"An OS 1\"\n", &["PRETTY_NAME"], '=').unwrap(),
            "An OS 1"
        );
        assert_eq!(value_of(text, &["Hardware"], ':'), None);
        assert!(Environment::here().cores > 0);
    }
}
