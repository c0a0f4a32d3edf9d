//! The wearer's journals.

use emocue_journal::{
    Counted, HEADER, Interval, Journal, JournalSecretKey, MAX_RECORDS, RECORD, key_of, read,
    read_file,
};

use crate::FuzzTarget;
use crate::link::folder;

/// A sealed journal.
pub const JOURNAL: FuzzTarget = FuzzTarget {
    name: "journal",
    what: "a sealed journal, as it is, with its header repaired, and sealed anew with a byte changed: what is read seals, and reads again the same",
    run: journal,
    seeds: || {
        let golden = include_bytes!("../../../device/journal/golden/v1.sealed").to_vec();
        let moved = [&golden[..HEADER], &golden[HEADER + RECORD..], &golden[HEADER..]].concat();
        vec![golden, moved, vec![7; 60], (0..=255).collect()]
    },
};

/// Bytes from which an interval is made.
const PLAIN: usize = 8;

/// Most intervals that are sealed for an input.
const MOST: usize = 8;

fn journal(data: &[u8]) {
    let secret = JournalSecretKey::from_bytes(&[3; 32]);
    let _ = key_of(data);
    let repaired = repaired(&secret, data);
    for bytes in [data, &repaired] {
        let Ok(opened) = read(bytes, &secret) else { continue };
        assert!(opened.intervals.len() + opened.damaged.len() <= MAX_RECORDS as usize);
        assert!(opened.torn < RECORD);
        // Only what was sealed opens, so there is something in known inputs alone.
        if !opened.intervals.is_empty() {
            assert_eq!(sealed(&secret, &opened.intervals).0, opened.intervals);
        }
    }
    changed(&secret, data);
}

/// The same with a header for this key, and its sum.
fn repaired(secret: &JournalSecretKey, data: &[u8]) -> Vec<u8> {
    let mut bytes = data.to_vec();
    if bytes.len() >= HEADER {
        bytes[..8].copy_from_slice(b"emojrnl\x01");
        bytes[8..40].copy_from_slice(&secret.public().to_bytes());
        let sum = crc32fast::hash(&bytes[..HEADER - 4]).to_le_bytes();
        bytes[HEADER - 4..HEADER].copy_from_slice(&sum);
    }
    bytes
}

/// Seals intervals made of `data` and changes a byte: that record alone does not open.
fn changed(secret: &JournalSecretKey, data: &[u8]) {
    let Some((at, data)) = data.split_first_chunk::<3>() else { return };
    let plain = data.as_chunks::<PLAIN>().0.iter().take(MOST);
    let interval = |bytes: &[u8; PLAIN]| {
        let [a, b, c, d, streamed, answer, times, more] = *bytes;
        let mut interval =
            Interval { slot: u32::from_le_bytes([a, b, c, d]), ..Interval::default() };
        interval.streamed_s = u16::from(streamed) + u16::from(more) % 46;
        let answer = Counted::ALL[usize::from(answer) % Counted::ALL.len()];
        interval.counts.add(answer, u16::from_le_bytes([times, more]));
        interval
    };
    let intervals: Vec<Interval> = plain.map(interval).collect();
    let (read_again, mut bytes) = sealed(secret, &intervals);
    assert_eq!(read_again, intervals);
    let [low, high, flip] = *at;
    let at = usize::from(u16::from_le_bytes([low, high])) % bytes.len();
    bytes[at] ^= flip | 1;
    if let Ok(opened) = read(&bytes, secret) {
        let hit =
            at.checked_sub(HEADER).map(|at| at / RECORD).expect("a changed header is noticed");
        assert_eq!(opened.damaged, [hit as u32]);
        let rest = intervals.iter().enumerate().filter(|(index, _)| *index != hit);
        assert!(rest.map(|(_, interval)| interval).eq(&opened.intervals));
    }
}

/// What is read of a new journal of `intervals`, and its bytes.
fn sealed(secret: &JournalSecretKey, intervals: &[Interval]) -> (Vec<Interval>, Vec<u8>) {
    let folder = folder();
    let mut journal = Journal::begin(folder.path(), &secret.public()).expect("a folder in memory");
    for interval in intervals {
        journal.append(interval).expect("room for a few records");
    }
    let opened = read_file(journal.path(), secret).expect("what was just sealed");
    (opened.intervals, std::fs::read(journal.path()).expect("what was just written"))
}
