//! Runs `debugfs` and `e2fsck` of e2fsprogs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::error::ImageError;
use crate::text::indented;

/// Folders of these programs on systems where they are not in the user's `PATH`.
const FOLDERS: [&str; 4] =
    ["/usr/sbin", "/sbin", "/opt/homebrew/opt/e2fsprogs/sbin", "/usr/local/opt/e2fsprogs/sbin"];

/// Name of the image in the tools' working folder, so that no special characters reach them.
const NAME: &str = "image";

/// The tools, for one file system.
#[derive(Debug)]
pub(super) struct Tools {
    folder: TempDir,
    device: String,
}

/// The metadata of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inode {
    pub(super) kind: Kind,
    /// Its size, bytes.
    pub(super) bytes: u64,
    /// Permission bits.
    pub(super) mode: u32,
    pub(super) user: u32,
    pub(super) group: u32,
    /// Modification time, s since 1970.
    pub(super) modified: u64,
}

/// The kind of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link(String),
    Other,
}

impl Tools {
    /// For the file system that begins at `offset` in `image`.
    pub(super) fn new(image: &Path, offset: u64) -> Result<Self, ImageError> {
        let folder = tempfile::tempdir().map_err(ImageError::Scratch)?;
        #[cfg(unix)]
        std::os::unix::fs::symlink(image, folder.path().join(NAME)).map_err(ImageError::Scratch)?;
        #[cfg(not(unix))]
        let _ = image;
        Ok(Self { folder, device: format!("{NAME}?offset={offset}") })
    }

    /// The metadata of `path`; a link at its end is not followed.
    pub(super) fn stat(&self, path: &str) -> Result<Option<Inode>, ImageError> {
        let command = format!("stat {}", plain(path)?);
        let output = self.debugfs(&["-R", &command])?;
        if output.missing() {
            return Ok(None);
        }
        let text = output.good(&command)?;
        let failed = || ImageError::Debugfs { command: command.clone(), output: text.clone() };
        let inode = parse(&text).ok_or_else(failed)?;
        Ok(Some(match inode.kind {
            // The target of a link that is too long for its inode is stored in blocks.
            Kind::Link(to) if to.is_empty() => {
                let to = String::from_utf8_lossy(&self.dump(path)?).into_owned();
                Inode { kind: Kind::Link(to), ..inode }
            }
            _ => inode,
        }))
    }

    /// The content of the file at `path`.
    pub(super) fn dump(&self, path: &str) -> Result<Vec<u8>, ImageError> {
        let file = self.folder.path().join("dumped");
        let command = format!("dump {} dumped", plain(path)?);
        self.debugfs(&["-R", &command])?.good(&command)?;
        std::fs::read(&file).map_err(ImageError::Scratch)
    }

    /// Writes bytes to a file in the working folder for [`change`](Self::change); returns its name.
    pub(super) fn lay(&self, number: usize, bytes: &[u8]) -> Result<String, ImageError> {
        let name = format!("content-{number}");
        std::fs::write(self.folder.path().join(&name), bytes).map_err(ImageError::Scratch)?;
        Ok(name)
    }

    /// Runs commands that change the file system.
    pub(super) fn change(&self, script: &[String]) -> Result<(), ImageError> {
        for command in script {
            command.split(' ').try_for_each(|word| plain(word).map(drop))?;
        }
        let text = script.join("\n") + "\n";
        std::fs::write(self.folder.path().join("script"), text).map_err(ImageError::Scratch)?;
        self.debugfs(&["-w", "-f", "script"])?.good("a script").map(drop)
    }

    /// Runs `e2fsck` without changing anything.
    pub(super) fn check(&self) -> Result<(), ImageError> {
        let output = self.run("e2fsck", &["-f", "-n"])?;
        match output.ok {
            true => Ok(()),
            false => Err(ImageError::Damaged(indented(&format!("{}\n{}", output.out, output.err)))),
        }
    }

    fn debugfs(&self, arguments: &[&str]) -> Result<ToolOutput, ImageError> {
        self.run("debugfs", arguments)
    }

    fn run(&self, tool: &'static str, arguments: &[&str]) -> Result<ToolOutput, ImageError> {
        let output = Command::new(program(tool))
            .args(arguments)
            .arg(&self.device)
            .current_dir(self.folder.path())
            .env("LC_ALL", "C")
            .env("PAGER", "cat")
            .stdin(Stdio::null())
            .output()
            .map_err(|source| ImageError::Tool { tool, source })?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(ToolOutput {
            ok: output.status.success(),
            out: text(output.stdout),
            err: text(output.stderr),
        })
    }
}

/// The output of a tool.
struct ToolOutput {
    ok: bool,
    out: String,
    err: String,
}

impl ToolOutput {
    /// Error messages of `debugfs`: everything on standard error but its version line. Its exit status is always 0.
    fn complaints(&self) -> String {
        let complaint = |line: &&str| !line.starts_with("debugfs ") && !line.trim().is_empty();
        self.err.lines().filter(complaint).collect::<Vec<_>>().join("; ")
    }

    fn missing(&self) -> bool {
        self.complaints().contains("File not found by ext2_lookup")
    }

    fn good(self, command: &str) -> Result<String, ImageError> {
        let output = self.complaints();
        match self.ok && output.is_empty() {
            true => Ok(self.out),
            false => Err(ImageError::Debugfs { command: command.to_owned(), output }),
        }
    }
}

/// Checks that `debugfs` reads a word literally.
fn plain(word: &str) -> Result<&str, ImageError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./@+:".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => Ok(word),
        false => Err(ImageError::Name(word.to_owned())),
    }
}

/// The path of a tool.
fn program(tool: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
    let mut programs = folders.map(|folder| folder.join(tool));
    programs.find(|program| program.is_file()).unwrap_or_else(|| tool.into())
}

/// Parses the output of `stat`.
pub(super) fn parse(text: &str) -> Option<Inode> {
    let after = |key: &str| {
        let rest = &text[text.find(key)? + key.len()..];
        rest.trim_start().split([' ', '\n', '\t', ':']).next()
    };
    let kind = match after("Type:")? {
        "regular" => Kind::File,
        "directory" => Kind::Folder,
        "symlink" => {
            let to = text.split_once("Fast link dest: \"").and_then(|(_, rest)| {
                rest.trim_end().rsplit_once('"').map(|(to, _)| to.to_owned())
            });
            Kind::Link(to.unwrap_or_default())
        }
        _ => Kind::Other,
    };
    let modified = after(" mtime:").and_then(|hex| hex.strip_prefix("0x"));
    Some(Inode {
        kind,
        bytes: after("Size:").and_then(|bytes| bytes.parse().ok()).unwrap_or(0),
        mode: u32::from_str_radix(after("Mode:")?, 8).ok()? & 0o7777,
        user: after("User:")?.parse().ok()?,
        group: after("Group:")?.parse().ok()?,
        modified: modified.and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_stat_prints() {
        let text = "Inode: 14   Type: symlink    Mode:  0777   Flags: 0x0\n\
            User:     5   Group:    12   Project:     0   Size: 7\n \
            ctime: 0x6b06580f:00000000 -- Wed Nov 25 03:37:51 2026\n \
            mtime: 0x6b06580e:00000000 -- Wed Nov 25 03:37:50 2026\n\
            Fast link dest: \"usr/bin\"\n";
        let link = Inode {
            kind: Kind::Link("usr/bin".into()),
            bytes: 7,
            mode: 0o777,
            user: 5,
            group: 12,
            modified: 0x6b06_580e,
        };
        assert_eq!(parse(text), Some(link));
        let file = text.replace("symlink    Mode:  0777", "regular    Mode:  0755");
        assert_eq!(parse(&file).map(|inode| (inode.kind, inode.mode)), Some((Kind::File, 0o755)));
        assert_eq!(parse("stat: nothing"), None);
    }

    #[test]
    fn nothing_but_plain_names_is_handed_over() {
        assert!(plain("/etc/systemd/system/a-b.service").is_ok());
        for odd in ["", "/a b", "/a\nrm /b", "/a\"", "<2>"] {
            assert!(plain(odd).is_err(), "{odd:?}");
        }
    }
}
