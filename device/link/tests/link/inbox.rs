//! A file that comes in parts, across power failures and damage.

use std::fs;

use emocue_link::Inbox;
use emocue_link::inbox::InboxError;
use emocue_link::message::{FileKind, MAX_TRANSFER};
use sha2::{Digest, Sha256};

const BYTES: u32 = 150_000;

/// The most that a power failure may lose, bytes.
const SYNC: u32 = 64 << 10;

fn sha256(file: &[u8]) -> [u8; 32] {
    Sha256::digest(file).into()
}

/// Gives the inbox parts of `file` from `offset` up to `end`.
fn feed(inbox: &mut Inbox, file: &[u8], mut offset: u32, end: u32) {
    while offset < end {
        let part = &file[offset as usize..(offset + 1000).min(end) as usize];
        offset = inbox.chunk(offset, part).unwrap();
    }
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_whole_file_lies_alone_in_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("made/with/the/first");
    let file = crate::common::file(BYTES as usize);
    let mut inbox = Inbox::new(&folder);
    for (kind, name) in [(FileKind::Bundle, "received.emocue"), (FileKind::Config, "received.toml")]
    {
        assert_eq!(inbox.begin(kind, BYTES, sha256(&file)).unwrap(), 0);
        feed(&mut inbox, &file, 0, BYTES);
        let path = inbox.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), file);
        assert_eq!(names(&folder), [name]);
        assert!(matches!(inbox.finish(), Err(InboxError::NotBegun)));
        assert!(matches!(inbox.chunk(0, &[1]), Err(InboxError::NotBegun)));
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn parts_that_do_not_follow_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::common::file(5000);
    let mut inbox = Inbox::new(folder.path());
    inbox.begin(FileKind::Bundle, 5000, sha256(&file)).unwrap();
    assert_eq!(inbox.chunk(0, &file[..2000]).unwrap(), 2000);
    assert_eq!(inbox.chunk(0, &file[..2000]).unwrap(), 2000);
    assert_eq!(inbox.chunk(1000, &file[1000..3000]).unwrap(), 2000);
    assert_eq!(inbox.chunk(3000, &file[3000..]).unwrap(), 2000);
    assert!(matches!(inbox.chunk(4999, &[0; 2]), Err(InboxError::TooMuch { bytes: 5000 })));
    assert!(matches!(inbox.chunk(u32::MAX, &[0; 2]), Err(InboxError::TooMuch { .. })));
    let missing = inbox.finish().unwrap_err();
    assert!(matches!(missing, InboxError::NotWhole { have: 2000, bytes: 5000 }), "{missing}");
    assert_eq!(inbox.chunk(2000, &file[2000..]).unwrap(), 5000);
    assert_eq!(fs::read(inbox.finish().unwrap()).unwrap(), file);
}

#[test]
fn goes_on_where_it_was_when_only_the_cable_was_pulled() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::common::file(BYTES as usize);
    let mut inbox = Inbox::new(folder.path());
    inbox.begin(FileKind::Bundle, BYTES, sha256(&file)).unwrap();
    feed(&mut inbox, &file, 0, 70_000);
    assert_eq!(inbox.begin(FileKind::Bundle, BYTES, sha256(&file)).unwrap(), 70_000);
    feed(&mut inbox, &file, 70_000, BYTES);
    assert_eq!(fs::read(inbox.finish().unwrap()).unwrap(), file);
}

#[test]
fn goes_on_from_what_is_surely_there_after_a_power_failure() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::common::file(BYTES as usize);
    let part = folder.path().join("incoming.part");
    let mut inbox = Inbox::new(folder.path());
    inbox.begin(FileKind::Bundle, BYTES, sha256(&file)).unwrap();
    feed(&mut inbox, &file, 0, 100_000);
    drop(inbox);
    // What was not synced may be anything.
    let mut bytes = fs::read(&part).unwrap();
    assert_eq!(bytes.len(), 100_000);
    bytes[70_000..].fill(0);
    fs::write(&part, bytes).unwrap();
    let mut inbox = Inbox::new(folder.path());
    let offset = inbox.begin(FileKind::Bundle, BYTES, sha256(&file)).unwrap();
    assert!((SYNC..=70_000).contains(&offset), "{offset}");
    feed(&mut inbox, &file, offset, BYTES);
    assert_eq!(fs::read(inbox.finish().unwrap()).unwrap(), file);
    // A part that is shorter than its synced length is not resumed.
    inbox.begin(FileKind::Bundle, BYTES, sha256(&file)).unwrap();
    feed(&mut inbox, &file, 0, 100_000);
    drop(inbox);
    fs::write(&part, &file[..60_000]).unwrap();
    let mut inbox = Inbox::new(folder.path());
    assert_eq!(inbox.begin(FileKind::Bundle, BYTES, sha256(&file)).unwrap(), 0);
}

#[test]
fn another_file_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::common::file(BYTES as usize);
    let mut inbox = Inbox::new(folder.path());
    let wanted = [
        (FileKind::Bundle, BYTES, [1; 32]),
        (FileKind::Bundle, BYTES, [2; 32]),
        (FileKind::Config, BYTES, [2; 32]),
        (FileKind::Config, BYTES - 1, [2; 32]),
    ];
    for (kind, bytes, sha256) in wanted {
        assert_eq!(inbox.begin(kind, bytes, sha256).unwrap(), 0);
        feed(&mut inbox, &file, 0, 70_000);
        assert_eq!(inbox.begin(kind, bytes, sha256).unwrap(), 70_000);
    }
    assert!(matches!(
        inbox.begin(FileKind::Bundle, MAX_TRANSFER + 1, [0; 32]),
        Err(InboxError::TooLarge(_))
    ));
}

#[test]
fn a_damaged_info_file_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::common::file(BYTES as usize);
    let info = folder.path().join("incoming.info");
    let mut begun = Inbox::new(folder.path());
    begun.begin(FileKind::Bundle, BYTES, sha256(&file)).unwrap();
    feed(&mut begun, &file, 0, 70_000);
    drop(begun);
    let (part, good) = (fs::read(folder.path().join("incoming.part")), fs::read(&info).unwrap());
    let begin = |bytes: &[u8]| {
        fs::write(folder.path().join("incoming.part"), part.as_ref().unwrap()).unwrap();
        fs::write(&info, bytes).unwrap();
        Inbox::new(folder.path()).begin(FileKind::Bundle, BYTES, sha256(&file)).unwrap()
    };
    assert!(begin(&good) >= SYNC);
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        assert_eq!(begin(&bytes), 0, "byte {at}");
    }
    for length in 0..good.len() {
        assert_eq!(begin(&good[..length]), 0, "{length} bytes");
    }
    assert_eq!(begin(&[0; 100_000]), 0);
}

#[test]
fn a_file_that_is_not_what_was_announced_is_discarded() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::common::file(3000);
    let mut inbox = Inbox::new(folder.path());
    inbox.begin(FileKind::Bundle, 3000, [9; 32]).unwrap();
    inbox.chunk(0, &file).unwrap();
    let damaged = inbox.finish().unwrap_err();
    assert!(matches!(damaged, InboxError::Damaged), "{damaged}");
    assert_eq!(names(folder.path()), [""; 0]);
    assert_eq!(inbox.begin(FileKind::Bundle, 3000, [9; 32]).unwrap(), 0);
}

#[cfg(unix)]
#[test]
fn a_planted_link_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let victim = folder.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    let file = crate::common::file(BYTES as usize);
    let mut inbox = Inbox::new(folder.path());
    let plant = |name: &str| {
        let _ = fs::remove_file(folder.path().join(name));
        std::os::unix::fs::symlink(&victim, folder.path().join(name)).unwrap();
    };
    plant("incoming.part");
    plant("incoming.info.new");
    assert_eq!(inbox.begin(FileKind::Bundle, BYTES, sha256(&file)).unwrap(), 0);
    plant("incoming.info.new");
    feed(&mut inbox, &file, 0, 100_000);
    drop(inbox);
    // In place of a part that was begun.
    plant("incoming.part");
    let mut inbox = Inbox::new(folder.path());
    assert_eq!(inbox.begin(FileKind::Bundle, BYTES, sha256(&file)).unwrap(), 0);
    plant("received.emocue");
    feed(&mut inbox, &file, 0, BYTES);
    assert_eq!(fs::read(inbox.finish().unwrap()).unwrap(), file);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_was_only_announced_takes_no_room() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    let mut inbox = Inbox::new(folder.path());
    inbox.begin(FileKind::Bundle, MAX_TRANSFER, [1; 32]).unwrap();
    assert_eq!(fs::metadata(folder.path().join("incoming.part")).unwrap().blocks(), 0);
}

#[test]
fn a_cleared_inbox_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let file = crate::common::file(3000);
    let mut inbox = Inbox::new(folder.path());
    inbox.begin(FileKind::Bundle, 3000, sha256(&file)).unwrap();
    feed(&mut inbox, &file, 0, 3000);
    inbox.finish().unwrap();
    inbox.begin(FileKind::Config, 3000, sha256(&file)).unwrap();
    inbox.clear();
    assert_eq!(names(folder.path()), [""; 0]);
    assert!(matches!(inbox.finish(), Err(InboxError::NotBegun)));
}

#[test]
fn a_folder_that_cannot_be_made_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    let mut inbox = Inbox::new(folder.path().join("file/below"));
    let error = inbox.begin(FileKind::Bundle, 3000, [9; 32]).unwrap_err().to_string();
    assert!(error.contains("file/below"), "{error}");
}
