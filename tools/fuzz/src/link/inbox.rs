//! The inbox under requests in any order, with restarts and damaged files between.

use std::fs;

use arbitrary::{Result, Unstructured};
use emocue_link::Inbox;
use emocue_link::message::MAX_CHUNK;
use tempfile::TempDir;

use super::{announced, emocue_sha, folder};
use crate::FuzzTarget;

/// The inbox.
pub const LINK_INBOX: FuzzTarget = FuzzTarget {
    name: "link_inbox",
    what: "an inbox under any requests, restarts and damaged files: what is handed on has its hash",
    run: |data| {
        let _ = inbox(&mut Unstructured::new(data));
    },
    seeds: || {
        let begin = [0, 1, 20, 0];
        let whole = [&begin[..], &[1, 1, 2, 2, 2, 0, 0, 2, 9, 9]].concat();
        let restart = [&begin[..], &[1, 1, 3, 0, 1, 20, 0, 1, 1, 2]].concat();
        vec![whole, restart, vec![4, 0, 3, 0, 1, 9, 9, 2, 1, 0, 5, 6], (0..96).collect()]
    },
};

fn inbox(input: &mut Unstructured<'_>) -> Result<()> {
    thread_local!(static FOLDER: TempDir = folder());
    let folder = FOLDER.with(|folder| folder.path().join("inbox"));
    let _ = fs::remove_dir_all(&folder);
    let mut inbox = Inbox::new(&folder);
    let (_, mut file, mut hash) = announced(input)?;
    let mut at = 0;
    for _ in 0..24 {
        match input.int_in_range(0..=5)? {
            0 => {
                let (kind, next, next_hash) = announced(input)?;
                (file, hash) = (next, next_hash);
                at = inbox.begin(kind, file.len() as u32, hash).unwrap_or(0);
                assert!(at as usize <= file.len());
            }
            1 => {
                let length = usize::from(input.arbitrary::<u8>()?) * 16;
                let rest = file.get(at as usize..).unwrap_or_default();
                let part = &rest[..length.min(rest.len()).min(MAX_CHUNK)];
                if let Ok(next) = inbox.chunk(at, part) {
                    assert!(next as usize <= file.len(), "{next} of {}", file.len());
                    at = next;
                }
            }
            2 => {
                let offset = input.arbitrary()?;
                let length = usize::from(input.arbitrary::<u8>()?);
                let _ = inbox.chunk(offset, input.bytes(length.min(input.len()))?);
            }
            3 => {
                if let Ok(path) = inbox.finish() {
                    let bytes = fs::read(path).expect("it is handed on");
                    assert_eq!(emocue_sha(&bytes), hash, "another file than was announced");
                }
            }
            4 => inbox = Inbox::new(&folder),
            _ => {
                let name =
                    ["incoming.info", "incoming.part"][usize::from(input.arbitrary::<bool>()?)];
                let Ok(mut bytes) = fs::read(folder.join(name)) else { continue };
                let place = usize::from(input.arbitrary::<u16>()?) % (bytes.len() + 1);
                match bytes.get_mut(place) {
                    Some(byte) => *byte ^= input.arbitrary::<u8>()?,
                    None => bytes.push(1),
                }
                fs::write(folder.join(name), bytes).expect("memory takes it");
            }
        }
    }
    Ok(())
}
