use super::*;
use crate::faults::tree::Tree;
use crate::faults::{crash, disk};

/// The operations of a trace that was written without -xx; its strings are converted to the form of -xx.
fn golden(trace: &str) -> Result<Vec<Op>> {
    let (mut text, mut within) = (String::new(), false);
    for character in trace.chars() {
        let edge = matches!(character, '"' | '<' | '>');
        if within && !edge {
            text += &format!("\\x{:02x}", u32::from(character));
        } else {
            text.push(character);
        }
        within ^= edge;
    }
    ops(&strace::calls(&text)?, Path::new("/d/st"))
}

#[test]
fn every_call_on_the_folder_is_followed() {
    let trace = r#"1 execve("/bin/x", ["x"], 0x7ffd /* 9 vars */) = 0
1 openat(AT_FDCWD</d>, "/d/other", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</d/other>
1 write(3</d/other>, "elsewhere", 9) = 9
1 close(3</d/other>) = 0
1 mkdir("/d/st/slots", 0777) = 0
1 openat(AT_FDCWD</d>, "/d/st/slots/a.tmp", O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0644) = 3</d/st/slots/a.tmp>
1 writev(3</d/st/slots/a.tmp>, [{iov_base="ab", iov_len=2}, {iov_base="c", iov_len=1}], 2) = 3
1 pwrite64(3</d/st/slots/a.tmp>, "Z", 1, 1) = 1
1 lseek(3</d/st/slots/a.tmp>, 0, SEEK_END) = 3
1 fcntl(3</d/st/slots/a.tmp>, F_DUPFD_CLOEXEC, 0) = 4</d/st/slots/a.tmp>
1 write(4</d/st/slots/a.tmp>, "de", 2) = 1
1 fsync(3</d/st/slots/a.tmp>) = 0
1 ftruncate(3</d/st/slots/a.tmp>, 3) = 0
1 close(3</d/st/slots/a.tmp>) = 0
1 fdatasync(4</d/st/slots/a.tmp>) = 0
1 openat(AT_FDCWD</d>, "/d/st/slots", O_RDONLY|O_CLOEXEC|O_DIRECTORY) = 3</d/st/slots>
1 renameat(3</d/st/slots>, "a.tmp", 3</d/st/slots>, "a") = 0
1 fsync(3</d/st/slots>) = 0
1 symlink("a", "/d/st/slots/l") = 0
1 link("/d/st/slots/a", "/d/st/slots/h") = 0
1 unlinkat(3</d/st/slots>, "h", 0) = 0
1 unlink("/d/st/slots/none") = -1 ENOENT (No such file or directory)
1 sync() = 0
1 exit_group(0) = ?
1 +++ exited with 0 +++
"#;
    let open = |handle, path: &str, create| Op::Open {
        handle,
        path: path.into(),
        create,
        truncate: create,
        append: false,
    };
    let write = |at, bytes: &[u8]| Op::Write { handle: 0, at, bytes: bytes.into() };
    let expected = [
        Op::MakeFolder { path: "slots".into() },
        open(0, "slots/a.tmp", true),
        write(None, b"abc"),
        write(Some(1), b"Z"),
        Op::Seek { handle: 0, to: 3 },
        // A short write: one of two bytes.
        write(None, b"d"),
        Op::Sync { handle: 0 },
        Op::SetLength { handle: 0, length: 3 },
        Op::Sync { handle: 0 },
        open(1, "slots", false),
        Op::Rename { from: "slots/a.tmp".into(), to: "slots/a".into() },
        Op::Sync { handle: 1 },
        Op::Symlink { path: "slots/l".into(), target: "a".into() },
        Op::Link { from: "slots/a".into(), to: "slots/h".into() },
        Op::Remove { path: "slots/h".into() },
        Op::SyncAll,
    ];
    assert_eq!(golden(trace).unwrap(), expected);
}

#[test]
fn what_cannot_be_followed_is_an_error_only_on_the_folder() {
    let opened = "1 openat(AT_FDCWD</d>, \"/d/st/a\", O_RDWR|O_CREAT, 0644) = 3</d/st/a>\n";
    for call in [
        "copy_file_range(4</d/x>, NULL, 3</d/st/a>, NULL, 9, 0) = 9",
        "sendfile(3</d/st/a>, 4</d/x>, NULL, 9) = 9",
        "fallocate(3</d/st/a>, 0, 0, 9) = 0",
        "ioctl(3</d/st/a>, BTRFS_IOC_CLONE or FICLONE, 4) = 0",
        "mmap(NULL, 9, PROT_READ|PROT_WRITE, MAP_SHARED, 3</d/st/a>, 0) = 0x7f00",
        "fcntl(3</d/st/a>, F_SETFL, O_RDWR|O_APPEND) = 0",
        "openat(AT_FDCWD</d>, \"/d/st/b\", O_WRONLY|O_CREAT|O_SYNC, 0644) = 5</d/st/b>",
        "openat(AT_FDCWD</d>, \"/d/st\", O_RDWR|O_TMPFILE, 0600) = 5</d/st/#7>",
        "truncate(\"/d/st/a\", 0) = 0",
        "rename(\"/d/x\", \"/d/st/x\") = 0",
        "renameat2(AT_FDCWD</d>, \"/d/st/a\", AT_FDCWD</d>, \"/d/st/b\", RENAME_EXCHANGE) = 0",
        "write(9</d/st/z>, \"a\", 1) = 1",
        "write(3</d/st/a>, \"a\"..., 9) = 9",
    ] {
        let error = golden(&format!("{opened}1 {call}\n")).unwrap_err().to_string();
        assert!(error.starts_with("cannot follow "), "{call}: {error}");
        if !call.contains("...") {
            let elsewhere = format!("1 {}\n", call.replace("/d/st", "/d/else"));
            assert_eq!(golden(&elsewhere).unwrap(), [], "{call}");
        }
    }
}

#[test]
fn threads_share_and_children_copy() {
    let trace = r#"1 clone3({flags=CLONE_VM|CLONE_FILES|CLONE_THREAD}, 88) = 2
2 openat(AT_FDCWD</d>, "/d/st/a", O_WRONLY|O_CREAT, 0644) = 3</d/st/a>
4 close(3</d/st/a>) = 0
1 write(3</d/st/a>, "by the thread's descriptor", 26) = 26
1 clone(child_stack=NULL, flags=CLONE_VM|CLONE_VFORK|SIGCHLD) = 4
4 openat(AT_FDCWD</d>, "/d/st/b", O_WRONLY|O_CREAT, 0644) = 3</d/st/b>
1 write(3</d/st/a>, "still a", 7) = 7
4 write(3</d/st/b>, "the child's", 11) = 11
"#;
    let ops = golden(trace).unwrap();
    let handles: Vec<_> = ops
        .iter()
        .filter_map(|op| match op {
            Op::Write { handle, .. } => Some(*handle),
            _ => None,
        })
        .collect();
    assert_eq!(handles, [0, 0, 1]);
}

#[test]
#[ignore = "needs strace; `cargo xtask full` runs it"]
fn a_real_program_that_writes_in_place_is_caught() {
    let folder = tempfile::tempdir().unwrap();
    let (new, disk) = (folder.path().join("new"), folder.path().join("disk"));
    fs::create_dir(&disk).unwrap();
    fs::write(disk.join("file"), "the old bytes").unwrap();
    fs::write(&new, "the new bytes, more of them").unwrap();
    let before = disk::Disk::holding(&Tree::read(&disk).unwrap()).unwrap();
    let mut command = Command::new("dd");
    command.arg(format!("if={}", new.display())).arg("conv=fsync");
    command.arg(format!("of={}", disk.join("file").display()));
    let (ops, done) = record(&command, &disk).unwrap();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let run = crash::Run { before, ops };
    let end = run.end().unwrap();
    assert_eq!(end.difference(&Tree::read(&disk).unwrap()), None);
    let trees = run.states().unwrap().into_iter().map(|state| run.tree(&state).unwrap());
    // Trees with neither the old file nor the new one.
    let torn = trees.filter(|tree| *tree != end && *tree != run.before.now()).count();
    assert!(torn >= 3, "{torn}");
}
