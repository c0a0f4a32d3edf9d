//! The fields of an ext4 superblock that tell whether the file system may be changed.

use std::io::{self, Read, Seek, SeekFrom};

/// Offset of the superblock in a file system, and its length, bytes.
const OFFSET: u64 = 1024;
const LENGTH: usize = 1024;

const MAGIC: u16 = 0xef53;
/// `s_state`: unmounted.
const VALID: u16 = 1;
/// `s_state`: the kernel found an error.
const ERRORS: u16 = 2;
/// `s_feature_incompat`: the journal must be replayed; always set while mounted.
const RECOVER: u32 = 4;
/// `s_feature_incompat`: sizes have 64 bits.
const WIDE: u32 = 0x80;

/// Features that `debugfs` writes wrongly, up to version 1.47: the offset of their word, their bit, their name.
const UNSUPPORTED: [(usize, u32, &str); 2] = [
    // Small files read back longer than they were written.
    (96, 0x8000, "inline_data"),
    // Written blocks are not counted.
    (100, 0x100, "quota"),
];

/// The content of a superblock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Superblock {
    /// Size of the file system, bytes.
    pub(super) bytes: u64,
    /// Why it may not be changed.
    pub(super) unclean: Option<&'static str>,
    /// A feature with which it cannot be changed.
    pub(super) unsupported: Option<&'static str>,
    /// Size of a block, bytes.
    pub(super) block: u64,
    /// Number of free blocks.
    pub(super) free_blocks: u64,
    /// Number of free inodes.
    pub(super) free_inodes: u64,
}

impl Superblock {
    /// Reads the superblock of the file system at `offset`, bytes; `None` if there is none.
    pub(super) fn read(file: &mut (impl Read + Seek), offset: u64) -> io::Result<Option<Self>> {
        let Some(start) = offset.checked_add(OFFSET) else { return Ok(None) };
        file.seek(SeekFrom::Start(start))?;
        let mut block = [0; LENGTH];
        match file.read_exact(&mut block) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            result => result?,
        }
        Ok(Self::parse(&block))
    }

    fn parse(block: &[u8; LENGTH]) -> Option<Self> {
        let short = |at: usize| u16::from_le_bytes([block[at], block[at + 1]]);
        let long = |at: usize| u32::from(short(at)) | u32::from(short(at + 2)) << 16;
        let (state, features, scale) = (short(58), long(96), long(24));
        if short(56) != MAGIC || scale > 6 {
            return None;
        }
        let high = |at: usize| if features & WIDE != 0 { u64::from(long(at)) << 32 } else { 0 };
        let block = 1024 << scale;
        let bytes = (high(0x150) | u64::from(long(4))).checked_mul(block)?;
        let unclean = match () {
            () if state & ERRORS != 0 => Some("it has recorded errors"),
            () if features & RECOVER != 0 => Some("its journal is not written back"),
            () if state & VALID == 0 => Some("it is not marked as unmounted"),
            () => None,
        };
        let mut unsupported = UNSUPPORTED.iter().filter(|(at, bit, _)| long(*at) & bit != 0);
        Some(Self {
            bytes,
            unclean,
            unsupported: unsupported.next().map(|(_, _, name)| *name),
            block,
            free_blocks: high(0x158) | u64::from(long(12)),
            free_inodes: u64::from(long(16)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn block(state: u8, features: u8) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        bytes[1024 + 4] = 9;
        bytes[1024 + 24] = 2;
        bytes[1024 + 56..1024 + 58].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[1024 + 58] = state;
        bytes[1024 + 96] = features;
        bytes
    }

    #[test]
    fn tells_what_may_be_changed() {
        let read = |bytes: Vec<u8>| Superblock::read(&mut Cursor::new(bytes), 0).unwrap();
        let clean = read(block(1, 0x42)).unwrap();
        assert_eq!((clean.bytes, clean.block, clean.unclean), (9 * 4096, 4096, None));
        assert_eq!((clean.free_blocks, clean.free_inodes, clean.unsupported), (0, 0, None));
        for (state, features) in [(0, 0x42), (3, 0x42), (1, 0x46)] {
            assert!(read(block(state, features)).unwrap().unclean.is_some());
        }
        for (at, byte, name) in [(97, 0x80, "inline_data"), (101, 1, "quota")] {
            let mut bytes = block(1, 0x42);
            bytes[1024 + at] = byte;
            assert_eq!(read(bytes).unwrap().unsupported, Some(name));
        }
        assert_eq!(read(vec![0; 4096]), None);
        assert_eq!(read(vec![0; 100]), None);
        assert_eq!(Superblock::read(&mut Cursor::new([0; 9]), u64::MAX).unwrap(), None);
    }
}
