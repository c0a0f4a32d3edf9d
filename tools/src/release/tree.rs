//! A folder that becomes a package or an archive.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;
use crate::cargo::check;

/// The files of a package below a staging root, with their final permissions.
pub(crate) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// An empty one.
    pub(crate) fn new(root: PathBuf) -> Result<Self> {
        fs::create_dir_all(&root)?;
        let tree = Self { root };
        tree.set_mode(&tree.root, 0o755)?;
        Ok(tree)
    }

    /// Its root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The path of a package's file below the root; creates its folders.
    pub(crate) fn place(&self, path: &str) -> Result<PathBuf> {
        let place = self.root.join(path.trim_start_matches('/'));
        let mut missing = Vec::new();
        let mut folder = place.parent();
        while let Some(above) = folder.filter(|above| !above.exists()) {
            missing.push(above.to_owned());
            folder = above.parent();
        }
        for folder in missing.iter().rev() {
            fs::create_dir(folder)?;
            self.set_mode(folder, 0o755)?;
        }
        Ok(place)
    }

    /// Writes a file.
    ///
    /// # Errors
    /// When there is one already, so that no file of a release replaces another.
    pub(crate) fn put(&self, path: &str, bytes: &[u8], mode: u32) -> Result<()> {
        let place = self.place(path)?;
        fs::File::create_new(&place)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(|e| format!("{}: {e}", place.display()))?;
        self.set_mode(&place, mode)
    }

    /// Writes a file compressed with gzip, as for manuals and changelogs; `.gz` is added to its name.
    pub(crate) fn put_compressed(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let place = self.place(path)?;
        fs::write(&place, bytes).map_err(|e| format!("{}: {e}", place.display()))?;
        // Reproducible: without a name and a time.
        check(Command::new("gzip").args(["-9", "--no-name", "--force"]).arg(&place))?;
        self.set_mode(&self.place(&format!("{path}.gz"))?, 0o644)
    }

    /// Sets permission bits, independently of the umask.
    pub(crate) fn set_mode(&self, path: &Path, mode: u32) -> Result<()> {
        Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
    }

    /// Its files, sorted, as paths without a leading slash.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let mut files = Vec::new();
        for path in files_below(&self.root)? {
            let path = path.strip_prefix(&self.root)?;
            files.push(path.to_str().ok_or("a path that is no text")?.to_owned());
        }
        Ok(files)
    }

    /// Packs it reproducibly into `archive`: sorted, with the same times and without user names.
    pub(crate) fn pack(&self, archive: &Path, time: u64) -> Result<()> {
        let (Some(above), Some(name)) = (self.root.parent(), self.root.file_name()) else {
            return Err("a tree without a name".into());
        };
        let mut tar = Command::new("tar")
            .args(["--create", "--format=gnu", "--sort=name", "--owner=0", "--group=0"])
            .args(["--numeric-owner", &format!("--mtime=@{time}"), "--directory"])
            .args([above.as_os_str(), name])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| format!("cannot start tar: {e}"))?;
        let packed = tar.stdout.take().ok_or("tar without output")?;
        let written = check(
            Command::new("gzip")
                .args(["-9", "--no-name"])
                .stdin(packed)
                .stdout(fs::File::create_new(archive)?),
        );
        let status = tar.wait()?;
        if !status.success() {
            return Err(format!("tar: {status}").into());
        }
        written
    }
}

/// Every file below a folder, sorted.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_make_the_same_archive() {
        let folder = tempfile::tempdir().unwrap();
        let mut archives = Vec::new();
        for (name, order) in [("first", ["a/b", "c"]), ("second", ["c", "a/b"])] {
            let tree = Tree::new(folder.path().join(name).join("tree")).unwrap();
            for path in order {
                tree.put(path, path.as_bytes(), 0o644).unwrap();
            }
            tree.put_compressed("manual.1", b"text").unwrap();
            assert_eq!(tree.files().unwrap(), ["a/b", "c", "manual.1.gz"]);
            tree.put("c", b"another", 0o644).unwrap_err();
            let archive = folder.path().join(format!("{name}.tar.gz"));
            tree.pack(&archive, 1_000_000_000).unwrap();
            archives.push(fs::read(archive).unwrap());
        }
        assert_eq!(archives[0], archives[1]);
    }
}
