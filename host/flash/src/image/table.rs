//! Partition tables: a GPT, else an MBR with its logical partitions.

use std::collections::BTreeSet;
use std::io::{self, Read, Seek, SeekFrom};

use super::gpt;
use super::partition::Partition;

/// Sector size of an MBR, bytes.
const SECTOR: u64 = 512;

/// Types of an MBR's extended partitions, which contain logical ones.
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];

/// Most logical partitions that are read.
const MOST: u32 = 128;

/// The partitions of a GPT, else of an MBR; empty without a table.
pub(super) fn read(file: &mut (impl Read + Seek)) -> Vec<Partition> {
    gpt::read(file).unwrap_or_else(|| mbr(file))
}

/// An entry of an MBR, or of the chain of sectors that describe logical partitions.
#[derive(Clone, Copy)]
struct Entry {
    kind: u8,
    /// First sector; what it is relative to depends on the kind of entry.
    start: u64,
    sectors: u64,
}

impl Entry {
    fn partition(self, number: u32, base: u64) -> Partition {
        let offset = (base + self.start) * SECTOR;
        Partition { number: Some(number), offset, bytes: self.sectors * SECTOR }
    }
}

/// The four entries of the sector `at`; `None` without the signature of a boot record.
fn entries(file: &mut (impl Read + Seek), at: u64) -> io::Result<Option<[Entry; 4]>> {
    let mut sector = [0; SECTOR as usize];
    file.seek(SeekFrom::Start(at * SECTOR))?;
    file.read_exact(&mut sector)?;
    if sector[510..] != [0x55, 0xaa] {
        return Ok(None);
    }
    let long = |at: usize| {
        let bytes = [sector[at], sector[at + 1], sector[at + 2], sector[at + 3]];
        u64::from(u32::from_le_bytes(bytes))
    };
    Ok(Some([446, 462, 478, 494].map(|at| Entry {
        kind: sector[at + 4],
        start: long(at + 8),
        sectors: long(at + 12),
    })))
}

/// The partitions of an MBR: primary ones are 1 to 4, logical ones from 5. An invalid chain ends where it breaks.
fn mbr(file: &mut (impl Read + Seek)) -> Vec<Partition> {
    let Ok(Some(table)) = entries(file, 0) else { return Vec::new() };
    let mut partitions = Vec::new();
    let used = (1..).zip(table).filter(|(_, entry)| entry.kind != 0 && entry.sectors > 0);
    let (extended, primary): (Vec<_>, Vec<_>) =
        used.partition(|(_, entry)| EXTENDED.contains(&entry.kind));
    partitions.extend(primary.into_iter().map(|(number, entry)| entry.partition(number, 0)));
    let (mut number, mut seen) = (5, BTreeSet::new());
    for (_, outer) in extended {
        let mut link = Some(outer.start);
        while let Some(at) = link.filter(|at| number < 5 + MOST && seen.insert(*at)) {
            let Ok(Some([own, next, ..])) = entries(file, at) else { break };
            if own.kind != 0 && own.sectors > 0 {
                partitions.push(own.partition(number, at));
                number += 1;
            }
            link = (next.kind != 0 && next.start > 0).then_some(outer.start + next.start);
        }
    }
    partitions
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A sector with these entries: kind, start, sectors.
    fn sector(entries: &[(u8, u32, u32)]) -> Vec<u8> {
        let mut sector = vec![0; SECTOR as usize];
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        for ((kind, start, sectors), at) in entries.iter().zip([446, 462, 478, 494]) {
            sector[at + 4] = *kind;
            sector[at + 8..at + 12].copy_from_slice(&start.to_le_bytes());
            sector[at + 12..at + 16].copy_from_slice(&sectors.to_le_bytes());
        }
        sector
    }

    /// Number, first sector and sectors of every partition on a disk with these sectors.
    fn read(sectors: &[(usize, Vec<u8>)]) -> Vec<(u32, u64, u64)> {
        let mut disk = vec![0; 64 * SECTOR as usize];
        for (at, sector) in sectors {
            disk[at * SECTOR as usize..][..SECTOR as usize].copy_from_slice(sector);
        }
        let partitions = mbr(&mut Cursor::new(disk)).into_iter();
        let row =
            |part: Partition| (part.number.unwrap(), part.offset / SECTOR, part.bytes / SECTOR);
        partitions.map(row).collect()
    }

    #[test]
    fn logical_partitions_count_from_five() {
        let table = sector(&[(0x0c, 1, 4), (0x05, 10, 40), (0, 0, 0), (0x83, 52, 8)]);
        let first = sector(&[(0x83, 2, 8), (0x05, 20, 10)]);
        let second = sector(&[(0x83, 3, 5)]);
        let disk = [(0, table), (10, first), (30, second)];
        assert_eq!(read(&disk), [(1, 1, 4), (4, 52, 8), (5, 12, 8), (6, 33, 5)]);
    }

    #[test]
    fn a_broken_chain_ends_where_it_breaks() {
        let table = sector(&[(0x0f, 10, 40)]);
        for next in [(0x05, 0, 10), (0x05, 20, 10), (0x05, u32::MAX, u32::MAX)] {
            let first = sector(&[(0x83, 2, 8), next]);
            // In the second case the chain is a cycle.
            let back = sector(&[(0x83, 1, 1), (0x05, 0, 10)]);
            let disk = [(0, table.clone()), (10, first), (30, back)];
            assert_eq!(read(&disk)[0], (5, 12, 8));
        }
        assert_eq!(read(&[(0, sector(&[(0x83, u32::MAX, u32::MAX)]))]).len(), 1);
        assert_eq!(read(&[]), []);
    }
}
