//! Files: their content after a fault, and what is refused.

use std::fs;
use std::io;
use std::path::Path;

use proptest::prelude::*;

use crate::append::{AppendError, Appender, Medium, end};
use crate::folder::{Listed, list, part};
use crate::header::Header;
use crate::*;

fn secret() -> JournalSecretKey {
    JournalSecretKey::from_bytes(&[3; 32])
}

fn interval(slot: u32) -> Interval {
    let mut counts = Counts::default();
    counts.add(Counted::Unsure, slot as u16 + 1);
    Interval { slot, streamed_s: 60, counts }
}

fn slots(opened: &Opened) -> Vec<u32> {
    opened.intervals.iter().map(|interval| interval.slot).collect()
}

/// A journal of three intervals, and its folder.
fn three() -> (tempfile::TempDir, Journal) {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::begin(&folder.path().join("journal"), &secret().public()).unwrap();
    (0..3).for_each(|slot| journal.append(&interval(slot)).unwrap());
    (folder, journal)
}

#[test]
fn a_journal_of_the_first_release_is_read() {
    let opened = read(include_bytes!("../golden/v1.sealed"), &secret()).unwrap();
    assert_eq!(opened.intervals, [5_900_000, 5_900_001, 5_900_004].map(interval));
    assert_eq!((opened.damaged.as_slice(), opened.torn), (&[][..], 0));
}

#[test]
fn what_is_appended_is_read_with_the_secret_key_alone() {
    let (_folder, journal) = three();
    let opened = read_file(journal.path(), &secret()).unwrap();
    assert_eq!(opened.intervals, [0, 1, 2].map(interval));
    assert_eq!((opened.id, opened.key), (journal.id(), secret().public()));
    assert_eq!((opened.damaged.as_slice(), opened.torn, journal.len()), (&[][..], 0, 3));
    let bytes = fs::read(journal.path()).unwrap();
    assert_eq!(key_of(&bytes).unwrap(), (secret().public(), journal.id(), bytes.len()));
    let other = JournalSecretKey::from_bytes(&[4; 32]);
    let error = read_file(journal.path(), &other).unwrap_err();
    let text = emocue_models::failure::line(&error);
    for part in ["journal-0001.sealed: ", &secret().public().short(), &other.public().short()] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn records_cannot_be_swapped_copied_or_moved_to_another_file() {
    let (folder, journal) = three();
    let bytes = fs::read(journal.path()).unwrap();
    let (header, records) = bytes.split_at(HEADER);
    let [a, b, c] = [0, 1, 2].map(|at| &records[at * RECORD..(at + 1) * RECORD]);
    let opened = read(&[header, b, a, c].concat(), &secret()).unwrap();
    assert_eq!((slots(&opened), opened.damaged), (vec![2], vec![0, 1]));
    let opened = read(&[header, a, a, c].concat(), &secret()).unwrap();
    assert_eq!((slots(&opened), opened.damaged), (vec![0, 2], vec![1]));
    let second = Journal::begin(&folder.path().join("journal"), &secret().public()).unwrap();
    assert!(second.path().ends_with("journal-0002.sealed"));
    let other = fs::read(second.path()).unwrap();
    let opened = read(&[other.as_slice(), a].concat(), &secret()).unwrap();
    assert_eq!((slots(&opened), opened.damaged), (vec![], vec![0]));
}

#[test]
fn every_changed_byte_is_noticed_and_the_rest_is_read() {
    let (_folder, journal) = three();
    let bytes = fs::read(journal.path()).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        match read(&changed, &secret()) {
            Err(error) => assert!(at < HEADER, "byte {at}: {error}"),
            Ok(opened) => {
                let hit = ((at - HEADER) / RECORD) as u32;
                assert_eq!(opened.damaged, [hit], "byte {at}");
                assert_eq!(opened.intervals.len(), 2);
            }
        }
    }
}

#[test]
fn power_that_fails_at_any_byte_of_an_append_leaves_all_records_before() {
    let (_folder, mut journal) = three();
    let path = journal.path().to_owned();
    journal.append(&interval(3)).unwrap();
    let whole = fs::read(&path).unwrap();
    let before = end(3) as usize;
    for length in before..whole.len() {
        // Data that was not on the disk may be missing, zeros, or anything.
        let mut zeros = whole[..length].to_vec();
        zeros.resize(whole.len(), 0);
        for left in [&whole[..length], &zeros] {
            fs::write(&path, left).unwrap();
            let opened = read_file(&path, &secret()).unwrap();
            assert_eq!(slots(&opened), [0, 1, 2], "{length} bytes");
            assert_eq!(opened.torn, (left.len() - before) % RECORD);
            // The next append cuts an incomplete one off.
            let mut journal = Journal::resume(&path).unwrap();
            journal.append(&interval(9)).unwrap();
            let opened = read_file(&path, &secret()).unwrap();
            assert_eq!((slots(&opened), opened.torn), (vec![0, 1, 2, 9], 0), "{length} bytes");
        }
    }
}

#[test]
fn power_that_fails_while_a_file_is_begun_leaves_one_that_says_so() {
    let (_folder, journal) = three();
    let header = &fs::read(journal.path()).unwrap()[..HEADER];
    for length in 0..HEADER {
        assert_eq!(read(&header[..length], &secret()), Err(ReadError::NotBegun), "{length} bytes");
    }
    assert_eq!(read(&[0; HEADER], &secret()), Err(ReadError::NotBegun));
    fs::write(journal.path(), &header[..7]).unwrap();
    let folder = journal.path().parent().unwrap();
    assert_eq!(list(folder).unwrap(), []);
    assert!(
        Journal::begin(folder, &secret().public()).unwrap().path().ends_with("journal-0002.sealed")
    );
}

/// A disk that fails at one of its operations, after some of the bytes of a write.
#[derive(Default)]
struct Failing {
    bytes: Vec<u8>,
    left: usize,
    passes: usize,
    /// Whether it fails from then on, or once.
    for_ever: bool,
}

impl Failing {
    fn step(&mut self) -> io::Result<()> {
        match self.left {
            0 => {
                self.left = if self.for_ever { 0 } else { usize::MAX };
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => {
                self.left = self.left.saturating_sub(usize::from(self.left != usize::MAX));
                Ok(())
            }
        }
    }
}

impl Medium for Failing {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let done = self.step();
        let bytes = if done.is_ok() { bytes } else { &bytes[..self.passes.min(bytes.len())] };
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        self.bytes.resize(self.bytes.len().max(end), 0);
        self.bytes[start..end].copy_from_slice(bytes);
        done
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.step()?;
        self.bytes.resize(length as usize, 0);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.step()
    }
}

#[test]
fn a_disk_that_fails_at_any_write_keeps_the_records_before_and_takes_the_next_ones() {
    let header = Header { key: secret().public(), id: JournalId::random().unwrap() };
    for for_ever in [false, true] {
        for left in 2..30 {
            for passes in [0, 1, RECORD / 2, RECORD - 1, RECORD] {
                let disk = Failing { left, passes, for_ever, ..Failing::default() };
                let mut file = Appender::begin(disk, header).unwrap();
                let mut kept = Vec::new();
                for slot in 0..12 {
                    match file.append(&interval(slot)) {
                        Ok(()) => kept.push(slot),
                        Err(AppendError::Medium(error)) => {
                            assert_eq!(error.kind(), io::ErrorKind::StorageFull);
                        }
                        Err(other) => panic!("{other:?}"),
                    }
                    assert_eq!(file.records() as usize, kept.len());
                }
                assert!(kept.len() >= if for_ever { 0 } else { 11 });
                let opened = read(&file.into_medium().bytes, &secret()).unwrap();
                // Where the disk keeps failing, a whole record may be there although its append was reported as failed.
                assert!(slots(&opened).starts_with(&kept), "{left} {passes}");
                assert!(slots(&opened).len() <= kept.len() + usize::from(for_ever));
                assert_eq!(opened.damaged, [0; 0]);
            }
        }
    }
}

#[test]
fn a_file_that_cannot_be_begun_is_an_error_and_leaves_nothing() {
    let header = Header { key: secret().public(), id: JournalId::random().unwrap() };
    for left in 0..2 {
        let disk = Failing { left, for_ever: true, ..Failing::default() };
        assert!(Appender::begin(disk, header).is_err());
    }
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/journal");
    let error = Journal::begin(&missing, &secret().public()).unwrap_err();
    assert!(matches!(error, JournalError::Folder { .. }), "{error}");
    assert!(error.to_string().contains("no/journal"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_full_folder_and_a_full_file_are_errors_and_nothing_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..=MAX_FILES as u32 {
        fs::write(folder::path(folder.path(), number), b"x").unwrap();
    }
    let error = Journal::begin(folder.path(), &secret().public()).unwrap_err();
    assert!(matches!(error, JournalError::Full(_)), "{error}");
    assert!(emocue_models::failure::line(&error).contains("366 journals"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), MAX_FILES);
    fs::remove_file(folder::path(folder.path(), 7)).unwrap();
    let mut journal = Journal::begin(folder.path(), &secret().public()).unwrap();
    assert!(journal.path().ends_with("journal-0367.sealed"));
    for slot in 0..MAX_RECORDS {
        journal.append(&interval(slot)).unwrap();
    }
    let error = journal.append(&interval(0)).unwrap_err();
    assert!(matches!(error, JournalError::FileFull(_)), "{error}");
    let opened = read_file(journal.path(), &secret()).unwrap();
    assert_eq!(opened.intervals.len(), MAX_RECORDS as usize);
    // Beyond the last number, free ones are used.
    fs::write(folder::path(folder.path(), 9999), b"x").unwrap();
    fs::remove_file(folder::path(folder.path(), 9)).unwrap();
    fs::remove_file(folder::path(folder.path(), 11)).unwrap();
    let journal = Journal::begin(folder.path(), &secret().public()).unwrap();
    assert!(journal.path().ends_with("journal-0007.sealed"));
}

#[cfg(unix)]
#[test]
fn files_are_their_owner_s_alone_and_planted_links_are_not_followed() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let (outside, journal) = three();
    let folder = journal.path().parent().unwrap();
    assert_eq!((mode(folder), mode(journal.path())), (0o700, 0o600));
    let victim = outside.path().join("victim");
    fs::write(&victim, b"precious").unwrap();
    for leads_to in [&victim, &outside.path().join("missing")] {
        symlink(leads_to, folder.join("journal-0002.sealed")).unwrap();
        let next = Journal::begin(folder, &secret().public()).unwrap();
        assert!(next.path().ends_with("journal-0003.sealed"));
        assert!(Journal::resume(&folder.join("journal-0002.sealed")).is_err());
        // Nor is its target returned.
        assert!(part(folder, 2, 0, 100).is_err());
        assert!(list(folder).unwrap().iter().all(|listed| listed.number != 2));
        fs::remove_file(folder.join("journal-0002.sealed")).unwrap();
        fs::remove_file(next.path()).unwrap();
    }
    assert_eq!(fs::read(&victim).unwrap(), b"precious");
    assert!(!outside.path().join("missing").exists());
    let planted = outside.path().join("planted");
    symlink(folder, &planted).unwrap();
    let error = Journal::begin(&planted, &secret().public()).unwrap_err();
    assert!(matches!(error, JournalError::Folder { .. }), "{error}");
}

#[test]
fn a_folder_is_listed_and_its_files_are_handed_out_in_parts() {
    let (_folder, journal) = three();
    let folder = journal.path().parent().unwrap();
    let whole = fs::read(journal.path()).unwrap();
    let torn = [whole.as_slice(), &[7; 50]].concat();
    fs::write(journal.path(), &torn).unwrap();
    for (name, bytes) in [("journal-0002.sealed", &b"short"[..]), ("journal-00003.sealed", &whole)]
    {
        fs::write(folder.join(name), bytes).unwrap();
    }
    fs::write(folder.join("journal-0004.sealed"), "x".repeat(500)).unwrap();
    let listed = list(folder).unwrap();
    assert_eq!(listed[0], Listed { number: 1, bytes: whole.len() as u32 });
    assert_eq!(listed.len(), 1, "{listed:?}");
    let mut copied = Vec::new();
    loop {
        let part = part(folder, 1, copied.len() as u32, 50).unwrap();
        assert_eq!(part.total as usize, whole.len());
        if part.data.is_empty() {
            break;
        }
        copied.extend(part.data);
    }
    assert_eq!(copied, whole);
    assert!(part(folder, 1, u32::MAX, 50).unwrap().data.is_empty());
    // A file that is not a journal is not returned, whatever its name.
    assert!(matches!(part(folder, 4, 0, 50), Err(JournalError::Content { .. })));
    assert!(part(folder, 5, 0, 50).is_err());
    assert_eq!(list(&folder.join("missing")).unwrap(), []);
}

#[test]
fn a_clock_that_was_set_back_is_seen() {
    let (_folder, mut journal) = three();
    for slot in [10, 4, 4, 5] {
        journal.append(&interval(slot)).unwrap();
    }
    let opened = read_file(journal.path(), &secret()).unwrap();
    assert_eq!(opened.set_back(), [4]);
}

#[test]
fn what_is_not_a_journal_is_refused() {
    let (_folder, journal) = three();
    let bytes = fs::read(journal.path()).unwrap();
    assert_eq!(read(b"{\"not\": \"one\"}", &secret()), Err(ReadError::NotJournal));
    let mut later = bytes.clone();
    later[7] = 2;
    assert_eq!(read(&later, &secret()), Err(ReadError::Later(2)));
    later[7] = 0;
    assert_eq!(read(&later, &secret()), Err(ReadError::Header));
    let long = vec![0; MAX_FILE + 1];
    assert!(matches!(read(&long, &secret()), Err(ReadError::TooLong(_))));
    fs::write(journal.path(), &long).unwrap();
    for error in [
        read_file(journal.path(), &secret()).unwrap_err(),
        Journal::resume(journal.path()).unwrap_err(),
        read_file(journal.path().parent().unwrap(), &secret()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("journal"), "{error}");
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_refused(
        magic: bool,
        bytes in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let bytes = if magic { [b"emojrnl\x01", bytes.as_slice()].concat() } else { bytes };
        if let Ok(opened) = read(&bytes, &secret()) {
            prop_assert!(opened.intervals.is_empty());
        }
    }

    #[test]
    fn every_interval_is_sealed_and_read(
        slot: u32, streamed_s in 0u16..=300, counts in proptest::collection::vec(any::<u16>(), 9),
    ) {
        let mut interval = Interval { slot, streamed_s, ..Interval::default() };
        for (answer, times) in Counted::ALL.into_iter().zip(counts) {
            interval.counts.add(answer, times);
        }
        let header = Header { key: secret().public(), id: JournalId::random().unwrap() };
        let disk = Failing { left: usize::MAX, ..Failing::default() };
        let mut file = Appender::begin(disk, header).unwrap();
        file.append(&interval).unwrap();
        let opened = read(&file.into_medium().bytes, &secret()).unwrap();
        prop_assert_eq!(opened.intervals, [interval]);
    }
}
