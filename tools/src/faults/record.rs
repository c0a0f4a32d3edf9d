//! A program's operations on a folder, recorded with strace.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::disk::Op;
use super::process::{Done, finish};
use super::strace::{self, Call, Descriptor};
use crate::Result;

/// System calls that change no file, whatever their arguments. A call that is neither listed here nor handled below is
/// an error when it touches the folder.
const HARMLESS: [&str; 33] = [
    "access",
    "chdir",
    "close_range",
    "faccessat",
    "faccessat2",
    "fadvise64",
    "fchdir",
    "fgetxattr",
    "flock",
    "fstat",
    "fstatfs",
    "getcwd",
    "getdents",
    "getdents64",
    "getxattr",
    "inotify_add_watch",
    "lgetxattr",
    "listxattr",
    "lstat",
    "newfstatat",
    "poll",
    "ppoll",
    "pread64",
    "preadv",
    "preadv2",
    "read",
    "readahead",
    "readlink",
    "readlinkat",
    "readv",
    "stat",
    "statfs",
    "statx",
];

/// System calls that return the id of a new process or thread.
const MAKES_A_PROCESS: [&str; 4] = ["clone", "clone3", "fork", "vfork"];

/// Longest write that strace prints completely, bytes.
const LONGEST_WRITE: &str = "16777216";

/// Runs `command` under strace.
///
/// Returns its operations on `folder`, and its result.
///
/// # Errors
/// When strace cannot record everything, or its output cannot be parsed.
pub(super) fn record(command: &Command, folder: &Path) -> Result<(Vec<Op>, Done)> {
    let scratch = tempfile::tempdir()?;
    let trace = scratch.path().join("trace");
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-y", "-xx", "-v", "-qq", "-s", LONGEST_WRITE, "--seccomp-bpf"])
        .args(["-e", "trace=%file,%desc,%process,sync", "-e", "signal=none", "-o"])
        .arg(&trace)
        .arg("--")
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(here) = command.get_current_dir() {
        traced.current_dir(here);
    }
    let done = finish(&mut traced).map_err(|e| {
        format!("cannot start strace, which the power losses need (apt install strace): {e}")
    })?;
    let trace = fs::read_to_string(&trace)
        .map_err(|e| format!("strace has not written its trace: {e}; {}", done.stderr))?;
    Ok((ops(&strace::calls(&trace)?, &folder.canonicalize()?)?, done))
}

/// The operations of `calls` on `folder`.
pub(super) fn ops(calls: &[Call], folder: &Path) -> Result<Vec<Op>> {
    let mut recorder = Recorder { folder: folder.to_owned(), ..Recorder::default() };
    // A child's calls may come before the return of the call that created it.
    for call in calls.iter().filter(|call| MAKES_A_PROCESS.contains(&&*call.name)) {
        if let Some(child) = call.returned {
            let shares = call.args.iter().any(|arg| arg.contains("CLONE_FILES"));
            recorder.parents.insert(child, Parent { process: call.process, shares });
        }
    }
    for call in calls {
        // A failed call has changed nothing.
        if call.returned.is_some() {
            recorder.call(call).ok_or_else(|| {
                let args = call.args.join(", ");
                format!("cannot follow {}({})", call.name, strace::shortened(&args))
            })?;
        }
    }
    Ok(recorder.ops)
}

/// Translates the calls of a program and of its children.
#[derive(Default)]
struct Recorder {
    folder: PathBuf,
    /// The parent of each process or thread.
    parents: HashMap<i64, Parent>,
    /// The open files of the folder, by process and descriptor.
    open: HashMap<i64, HashMap<i32, usize>>,
    /// The process of the current call; for a thread, the process with its descriptors.
    process: i64,
    handles: usize,
    ops: Vec<Op>,
}

struct Parent {
    process: i64,
    /// Whether descriptors are shared, as between threads, or copied.
    shares: bool,
}

impl Recorder {
    /// The process that owns the descriptors; a new process gets a copy of its parent's.
    fn enter(&mut self, process: i64) -> i64 {
        match self.parents.get(&process) {
            Some(Parent { process: parent, shares: true }) => self.enter(*parent),
            Some(Parent { process: parent, shares: false })
                if !self.open.contains_key(&process) =>
            {
                let parent = self.enter(*parent);
                let copy = self.open.get(&parent).cloned().unwrap_or_default();
                self.open.insert(process, copy);
                process
            }
            _ => process,
        }
    }

    fn files(&mut self) -> &mut HashMap<i32, usize> {
        self.open.entry(self.process).or_default()
    }

    /// Translates one call; `None` when it is not supported.
    fn call(&mut self, call: &Call) -> Option<()> {
        self.process = self.enter(call.process);
        let arg = |at: usize| call.args.get(at).map(String::as_str);
        let number = |at: usize| arg(at).and_then(|arg| arg.parse::<u64>().ok());
        match call.name.as_str() {
            "openat" => self.opened(call)?,
            "close" => {
                if let Some(number) = strace::descriptor(arg(0)?)?.number {
                    self.files().remove(&number);
                }
            }
            "dup" | "dup2" | "dup3" => self.duplicated(call)?,
            "fcntl" if arg(1)?.starts_with("F_DUPFD") => self.duplicated(call)?,
            "fcntl" if arg(1)?.starts_with("F_SETFL") => self.untouched(call)?,
            "fcntl" => {}
            // Terminal and descriptor ioctls only; cloning a file is not supported.
            "ioctl" if arg(1)?.starts_with('T') || arg(1)?.starts_with("FIO") => {}
            "lseek" => {
                if let Some(handle) = self.handle(arg(0)?)? {
                    let to = u64::try_from(call.returned?).ok()?;
                    self.ops.push(Op::Seek { handle, to });
                }
            }
            "write" | "pwrite64" => {
                let at = if call.name == "write" { None } else { Some(3) };
                self.written(call, strace::bytes, at)?;
            }
            "writev" | "pwritev" => {
                let at = if call.name == "writev" { None } else { Some(3) };
                self.written(call, strace::vectors, at)?;
            }
            "ftruncate" => {
                if let Some(handle) = self.handle(arg(0)?)? {
                    self.ops.push(Op::SetLength { handle, length: number(1)? });
                }
            }
            "fsync" | "fdatasync" => {
                if let Some(handle) = self.handle(arg(0)?)? {
                    self.ops.push(Op::Sync { handle });
                }
            }
            "sync" => self.ops.push(Op::SyncAll),
            "syncfs" => {
                if self.handle(arg(0)?)?.is_some() {
                    self.ops.push(Op::SyncAll);
                }
            }
            "mkdir" | "mkdirat" => {
                if let Some((path, _)) = self.named(call, call.name == "mkdirat")? {
                    self.ops.push(Op::MakeFolder { path });
                }
            }
            "unlink" | "unlinkat" | "rmdir" => {
                if let Some((path, _)) = self.named(call, call.name == "unlinkat")? {
                    self.ops.push(Op::Remove { path });
                }
            }
            "rename" | "renameat" | "renameat2" => {
                // Exchanging two files is not supported.
                if call.name == "renameat2" && !matches!(arg(4)?, "0" | "RENAME_NOREPLACE") {
                    return self.untouched(call);
                }
                self.moved(call, call.name != "rename", |from, to| Op::Rename { from, to })?;
            }
            "link" | "linkat" => {
                self.moved(call, call.name == "linkat", |from, to| Op::Link { from, to })?;
            }
            "symlink" | "symlinkat" => {
                let target =
                    PathBuf::from(OsString::from(String::from_utf8(strace::bytes(arg(0)?)?).ok()?));
                let behind = Call { args: call.args[1..].to_vec(), ..call.clone() };
                if let Some((path, _)) = self.named(&behind, call.name == "symlinkat")? {
                    self.ops.push(Op::Symlink { path, target });
                }
            }
            "mmap" => {
                let writes = arg(2)?.contains("PROT_WRITE") && arg(3)?.contains("MAP_SHARED");
                if writes {
                    self.untouched(call)?;
                }
            }
            name if MAKES_A_PROCESS.contains(&name) => {
                // Copies the descriptors before the parent changes its own.
                self.enter(call.returned?);
            }
            name if HARMLESS.contains(&name) => {}
            _ => self.untouched(call)?,
        }
        Some(())
    }

    fn opened(&mut self, call: &Call) -> Option<()> {
        let opened = i32::try_from(call.returned?).ok()?;
        self.files().remove(&opened);
        let Some((path, flags)) = self.named(call, true)? else { return Some(()) };
        let flags: Vec<_> = flags.first()?.split('|').collect();
        let has = |flag: &str| flags.contains(&flag);
        // The model does not support synchronous writes and files without a name.
        if has("O_SYNC") || has("O_DSYNC") || has("O_TMPFILE") {
            return None;
        }
        let handle = self.handles;
        self.handles += 1;
        self.files().insert(opened, handle);
        let (create, truncate, append) = (has("O_CREAT"), has("O_TRUNC"), has("O_APPEND"));
        self.ops.push(Op::Open { handle, path, create, truncate, append });
        Some(())
    }

    fn duplicated(&mut self, call: &Call) -> Option<()> {
        let handle = self.handle(call.args.first()?)?;
        let copy = i32::try_from(call.returned?).ok()?;
        match handle {
            Some(handle) => self.files().insert(copy, handle),
            None => self.files().remove(&copy),
        };
        Some(())
    }

    fn written(
        &mut self,
        call: &Call,
        bytes: fn(&str) -> Option<Vec<u8>>,
        at: Option<usize>,
    ) -> Option<()> {
        let Some(handle) = self.handle(call.args.first()?)? else { return Some(()) };
        let mut bytes = bytes(call.args.get(1)?)?;
        let written = usize::try_from(call.returned?).ok()?;
        (written <= bytes.len()).then_some(())?;
        bytes.truncate(written);
        let at = match at {
            Some(at) => Some(call.args.get(at)?.parse().ok()?),
            None => None,
        };
        self.ops.push(Op::Write { handle, at, bytes });
        Some(())
    }

    /// The path in the call's first argument (second after a folder's descriptor if `at`), and the arguments after it;
    /// `Some(None)` when the path is outside the folder.
    fn named<'c>(&self, call: &'c Call, at: bool) -> Option<Option<(PathBuf, &'c [String])>> {
        let (base, args) = if at {
            (strace::descriptor(call.args.first()?)?.path, call.args.get(1..)?)
        } else {
            (None, call.args.as_slice())
        };
        let (path, args) = args.split_first()?;
        // A relative path without a folder's descriptor is relative to the working directory, which is never in this
        // folder.
        let Some(path) = strace::path(path, base.as_deref()) else {
            return strace::bytes(path).map(|_| None);
        };
        let path = self.real(path)?;
        Some(path.strip_prefix(&self.folder).ok().map(|path| (path.to_owned(), args)))
    }

    fn moved(&mut self, call: &Call, at: bool, op: fn(PathBuf, PathBuf) -> Op) -> Option<()> {
        let from = self.named(call, at)?;
        let behind = call.args.get(if at { 2.. } else { 1.. })?.to_vec();
        let behind = Call { args: behind, ..call.clone() };
        let to = self.named(&behind, at)?;
        match (from, to) {
            (Some((from, _)), Some((to, _))) => self.ops.push(op(from, to)),
            (None, None) => {}
            // Into the folder from outside, or out of it.
            _ => return None,
        }
        Some(())
    }

    /// The path with symbolic links resolved, so that the folder is recognised when it is reached through a link.
    fn real(&self, path: PathBuf) -> Option<PathBuf> {
        if path.starts_with(&self.folder) {
            return Some(path);
        }
        // The file itself may not exist any more, but a folder above it does.
        let real = path.parent()?.ancestors().find_map(|above| {
            let rest = path.strip_prefix(above).ok()?;
            Some(above.canonicalize().ok()?.join(rest))
        });
        Some(real.unwrap_or(path))
    }

    /// The handle of a descriptor, `Some(None)` when it is outside the folder; `None` when a descriptor of the folder
    /// has no handle.
    fn handle(&self, arg: &str) -> Option<Option<usize>> {
        let Descriptor { number, path } = strace::descriptor(arg)?;
        match path.filter(|path| path.starts_with(&self.folder)) {
            Some(_) => self.open.get(&self.process)?.get(&number?).copied().map(Some),
            None => Some(None),
        }
    }

    /// `None` when an unsupported call may touch the folder.
    fn untouched(&self, call: &Call) -> Option<()> {
        for arg in &call.args {
            let descriptor = strace::descriptor(arg).and_then(|descriptor| descriptor.path);
            let path = strace::path(arg, None).and_then(|path| self.real(path));
            let within = |path: &Path| path.starts_with(&self.folder);
            if descriptor.as_deref().is_some_and(within) || path.as_deref().is_some_and(within) {
                return None;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests;
