//! The virtual machine's file system: a cpio archive in the `newc` form, which the kernel unpacks into memory.

use std::fs;
use std::path::Path;

use crate::Result;

/// File types and permissions, as in `st_mode`.
const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;

/// An archive under construction; folders are added as files need them.
#[derive(Default)]
pub(crate) struct Initramfs {
    bytes: Vec<u8>,
    entries: u32,
    folders: Vec<String>,
}

impl Initramfs {
    /// Puts `contents` at `path`, which does not begin with a slash. Every file is executable.
    pub(crate) fn file(&mut self, path: &str, contents: &[u8]) {
        self.parents(path);
        self.entry(path, PROGRAM, contents);
    }

    /// Copies the file `from` to `path`.
    pub(crate) fn copy(&mut self, path: &str, from: &Path) -> Result<()> {
        let contents = fs::read(from).map_err(|e| format!("{}: {e}", from.display()))?;
        self.file(path, &contents);
        Ok(())
    }

    /// Adds an empty folder.
    pub(crate) fn folder(&mut self, path: &str) {
        self.parents(&format!("{path}/"));
    }

    /// The finished archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, &[]);
        self.bytes
    }

    fn parents(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            let folder = path[..at].to_owned();
            if !self.folders.contains(&folder) {
                self.entry(&folder, FOLDER, &[]);
                self.folders.push(folder);
            }
        }
    }

    fn entry(&mut self, path: &str, mode: u32, contents: &[u8]) {
        self.entries += 1;
        let (length, name_length) = (contents.len() as u32, path.len() as u32 + 1);
        // Inode, mode, owner, group, links, time, length, device and special device, name's length, checksum.
        let fields = [self.entries, mode, 0, 0, 1, 0, length, 0, 0, 0, 0, name_length, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend_from_slice(contents);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, mode and contents of every entry, parsed like the kernel does.
    fn entries(mut bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let mut entries = Vec::new();
        while !bytes.is_empty() {
            assert_eq!(&bytes[..6], b"070701");
            let field = |at: usize| {
                let digits = std::str::from_utf8(&bytes[6 + 8 * at..14 + 8 * at]).unwrap();
                u32::from_str_radix(digits, 16).unwrap() as usize
            };
            let (mode, length, name_length) = (field(1), field(6), field(11));
            let name = String::from_utf8(bytes[110..110 + name_length - 1].to_vec()).unwrap();
            let start = (110 + name_length).next_multiple_of(4);
            let contents = bytes[start..start + length].to_vec();
            entries.push((name, mode as u32, contents));
            bytes = &bytes[(start + length).next_multiple_of(4)..];
        }
        entries
    }

    #[test]
    fn an_archive_reads_back_with_each_folder_once_before_its_files() {
        let mut archive = Initramfs::default();
        archive.file("bin/busybox", b"\x7fELF!");
        archive.folder("proc");
        archive.file("init", b"#!/bin/sh\n");
        let read = entries(&archive.finish());
        let names: Vec<_> = read.iter().map(|(name, mode, _)| (name.as_str(), *mode)).collect();
        assert_eq!(
            names,
            [
                ("bin", FOLDER),
                ("bin/busybox", PROGRAM),
                ("proc", FOLDER),
                ("init", PROGRAM),
                ("TRAILER!!!", 0)
            ]
        );
        assert_eq!(read[1].2, b"\x7fELF!");
    }
}
