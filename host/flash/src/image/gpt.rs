//! Reads the partitions' positions in a GPT. Existing crates are not used, because they allocate as many entries as a
//! header declares.

use std::io::{self, Read, Seek, SeekFrom};

use super::partition::Partition;

/// Sector sizes of disks, bytes.
const SECTORS: [u64; 2] = [512, 4096];

/// Bytes of a header that its CRC covers.
const HEADER: usize = 92;

/// Bytes of an entry that are read.
const ENTRY: usize = 128;

/// Most bytes of all entries: 64 times the usual size.
const MOST: usize = 1 << 20;

/// The partitions of a GPT, or of its backup at the end of the disk; `None` if neither is valid.
pub(super) fn read(disk: &mut (impl Read + Seek)) -> Option<Vec<Partition>> {
    SECTORS.into_iter().find_map(|sector| {
        let length = disk.seek(SeekFrom::End(0)).ok()?;
        let last = (length / sector).checked_sub(1)? * sector;
        [sector, last].into_iter().find_map(|at| table(disk, at, sector).ok().flatten())
    })
}

/// The partitions of the header at byte `at`.
fn table(
    disk: &mut (impl Read + Seek),
    at: u64,
    sector: u64,
) -> io::Result<Option<Vec<Partition>>> {
    let mut header = [0; HEADER];
    disk.seek(SeekFrom::Start(at))?;
    disk.read_exact(&mut header)?;
    let crc = long(&header, 16);
    header[16..20].fill(0);
    let is_header = header.starts_with(b"EFI PART") && long(&header, 12) as usize == HEADER;
    if !is_header || crc32fast::hash(&header) != crc {
        return Ok(None);
    }
    let (count, size) = (long(&header, 80) as usize, long(&header, 84) as usize);
    let bytes = count.checked_mul(size).filter(|bytes| size >= ENTRY && *bytes <= MOST);
    let (Some(bytes), Some(start)) = (bytes, wide(&header, 72).checked_mul(sector)) else {
        return Ok(None);
    };
    let mut entries = vec![0; bytes];
    disk.seek(SeekFrom::Start(start))?;
    disk.read_exact(&mut entries)?;
    if crc32fast::hash(&entries) != long(&header, 88) {
        return Ok(None);
    }
    let numbered = (1..).zip(entries.chunks_exact(size));
    Ok(Some(numbered.filter_map(|(number, entry)| partition(number, entry, sector)).collect()))
}

/// The partition of an entry; `None` for one that is unused or ends before it begins.
fn partition(number: u32, entry: &[u8], sector: u64) -> Option<Partition> {
    let is_used = entry[..16].iter().any(|byte| *byte != 0);
    let (first, last) = (wide(entry, 32), wide(entry, 40));
    let sectors = last.checked_sub(first)?.checked_add(1)?;
    let (offset, bytes) = (first.checked_mul(sector)?, sectors.checked_mul(sector)?);
    is_used.then_some(Partition { number: Some(number), offset, bytes })
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn wide(bytes: &[u8], at: usize) -> u64 {
    u64::from(long(bytes, at)) | u64::from(long(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A disk of 64 sectors with a header in sector `header` and entries of `size` bytes from sector 2 on, of which the
    /// first two are used.
    fn disk(sector: usize, header: usize, count: u32, size: u32) -> Vec<u8> {
        let mut disk = vec![0; 64 * sector];
        for (number, last) in [(0, 30_u64), (1, 19)] {
            let entry = &mut disk[2 * sector + number * 128..][..128];
            entry[..16].fill(7);
            entry[32..40].copy_from_slice(&20_u64.to_le_bytes());
            entry[40..48].copy_from_slice(&last.to_le_bytes());
        }
        let bytes = (count as usize).saturating_mul(size as usize);
        let entries = disk.get(2 * sector..).and_then(|rest| rest.get(..bytes));
        let crc = entries.map_or(0, crc32fast::hash);
        let place = &mut disk[header * sector..][..HEADER];
        place[..8].copy_from_slice(b"EFI PART");
        for (at, value) in [(12, HEADER as u32), (72, 2), (80, count), (84, size), (88, crc)] {
            place[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        let crc = crc32fast::hash(place);
        place[16..20].copy_from_slice(&crc.to_le_bytes());
        disk
    }

    #[test]
    fn the_table_or_its_copy_is_read_in_either_size_of_sector() {
        for sector in [512, 4096] {
            for header in [1, 63] {
                let bytes = sector as u64;
                let found = Partition { number: Some(1), offset: 20 * bytes, bytes: 11 * bytes };
                let read = read(&mut Cursor::new(disk(sector, header, 4, 128)));
                // The second entry ends before it begins.
                assert_eq!(read, Some(vec![found]), "{sector}, {header}");
            }
        }
    }

    #[test]
    fn a_header_that_announces_too_much_takes_no_memory() {
        for (count, size) in [(u32::MAX, 128), (u32::MAX, 0), (1, u32::MAX), (4, 127), (0, 0)] {
            assert_eq!(read(&mut Cursor::new(disk(512, 1, count, size))), None, "{count} {size}");
        }
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = disk(512, 1, 2, 128);
        for at in (512..512 + HEADER).chain(1024..1024 + 256) {
            let mut bytes = good.clone();
            bytes[at] ^= 4;
            assert_eq!(read(&mut Cursor::new(bytes)), None, "byte {at}");
        }
        assert_eq!(read(&mut Cursor::new([0; 9])), None);
    }
}
