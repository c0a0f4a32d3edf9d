//! What disks and other machines say of themselves when a badge is flashed.

use std::io::Cursor;

use arbitrary::{Result, Unstructured};
use emocue_flash::elf::Machine;
use emocue_flash::image;
use emocue_flash::ssh::{Address, read_output};
use emocue_models::failure::{self, Failure};

use crate::FuzzTarget;

/// Tables of partitions and ext4's superblocks.
pub const DISK: FuzzTarget = FuzzTarget {
    name: "disk",
    what: "a disk's MBR or GPT and its ext4 superblocks, with CRCs repaired: read, or none there",
    run: |data| {
        let _ = disk(&mut Unstructured::new(data));
    },
    seeds: || vec![vec![0; 40], vec![1; 40], (0..90).collect(), vec![2, 200, 1, 190, 1, 131, 0, 0]],
};

/// What a far shell prints.
pub const SHELL: FuzzTarget = FuzzTarget {
    name: "shell",
    what: "what a far shell, ssh and debugfs print: facts, or an error that can be read",
    run: shell,
    seeds: || {
        [
            "uname=aarch64\nfolder=/etc\nfolder=/usr\nprogram=/bin/sh\nwrites=\nuser=\nsystemd=\n\
             group=video\ngroup=i2c\nemocue end\n",
            "sh=7f454c46020101000000000000000000\nemocue end\n",
            "link=../x\nmade=/etc/emocue\nsha256=00  -\nmode=755\nemocue end\n",
            "Permission denied (publickey).\n",
            "Inode: 14   Type: symlink    Mode:  0777   Flags: 0x0\nUser:     5   Group:    12   \
             Project:     0   Size: 7\n mtime: 0x6b06580e:00000000 --\nFast link dest: \"usr/bin\"\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    },
};

const SECTOR: usize = 512;
/// Sectors of the disks here: room for a GPT and its copy.
const SECTORS: usize = 200;

/// A disk with an MBR whose second entry is extended, and an ext4 superblock in the first.
fn with_mbr() -> Vec<u8> {
    let mut disk = vec![0; SECTORS * SECTOR];
    for (sector, entries) in [
        (0, &[(0x83_u8, 8_u32, 40_u32), (0x05, 60, 100)][..]),
        (60, &[(0x83, 4, 20), (0x05, 40, 30)]),
        (100, &[(0x83, 4, 20)]),
    ] {
        let sector = &mut disk[sector * SECTOR..][..SECTOR];
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        for ((kind, start, sectors), at) in entries.iter().zip([446, 462, 478, 494]) {
            sector[at + 4] = *kind;
            sector[at + 8..at + 12].copy_from_slice(&start.to_le_bytes());
            sector[at + 12..at + 16].copy_from_slice(&sectors.to_le_bytes());
        }
    }
    with_ext4(&mut disk, 8 * SECTOR);
    disk
}

/// A disk with a GPT of one partition with ext4.
fn with_gpt() -> Vec<u8> {
    let mut disk = vec![0; SECTORS * SECTOR];
    let header = &mut disk[SECTOR..2 * SECTOR];
    header[..8].copy_from_slice(b"EFI PART");
    for (at, value) in [(8, 0x0001_0000_u32), (12, 92), (80, 4), (84, 128)] {
        header[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    for (at, value) in [(24, 1_u64), (32, 199), (40, 34), (48, 166), (72, 2)] {
        header[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }
    let entry = &mut disk[2 * SECTOR..][..128];
    entry[..32].fill(7);
    entry[32..40].copy_from_slice(&40_u64.to_le_bytes());
    entry[40..48].copy_from_slice(&120_u64.to_le_bytes());
    with_ext4(&mut disk, 40 * SECTOR);
    disk
}

fn with_ext4(disk: &mut [u8], at: usize) {
    let block = &mut disk[at + 1024..][..1024];
    block[4] = 20;
    block[56..58].copy_from_slice(&0xef53_u16.to_le_bytes());
    block[58] = 1;
    block[96] = 0x42;
}

/// Makes the CRCs of a GPT's header right, so that what they cover is read.
fn repair(disk: &mut [u8]) {
    let header = &disk[SECTOR..2 * SECTOR];
    let long = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let entries = long(80).checked_mul(long(84)).map(|bytes| bytes as usize);
    let (start, size) = ((long(72) as usize).saturating_mul(SECTOR), long(12) as usize);
    let entries = entries.and_then(|bytes| disk.get(start..start.checked_add(bytes)?));
    let crc = entries.map_or(0, crc32fast::hash).to_le_bytes();
    let header = &mut disk[SECTOR..2 * SECTOR];
    header[88..92].copy_from_slice(&crc);
    header[16..20].fill(0);
    let crc = crc32fast::hash(&header[..size.min(SECTOR)]).to_le_bytes();
    header[16..20].copy_from_slice(&crc);
}

fn disk(input: &mut Unstructured<'_>) -> Result<()> {
    let mut disk = if input.arbitrary()? { with_gpt() } else { with_mbr() };
    let gpt = input.arbitrary()?;
    while !input.is_empty() {
        // The sectors that mean something, and where in them.
        let sector = [0, 1, 2, 10, 42, 60, 100][usize::from(input.arbitrary::<u8>()? % 7)];
        let at = sector * SECTOR + usize::from(input.arbitrary::<u16>()?) % SECTOR;
        disk[at] = input.arbitrary()?;
    }
    if gpt {
        repair(&mut disk);
    }
    let cut = disk.len() - usize::from(disk[3]) * SECTOR / 4;
    for (what, end) in image::read_facts(&mut Cursor::new(&disk[..cut]), "").0 {
        assert!(!what.is_empty());
        let _ = end;
    }
    Ok(())
}

fn shell(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let address = Address::parse("pi@badge.local").expect("a good address");
    for printed in [text.to_string(), format!("\nemocue answer\n{text}")] {
        let (_, errors, _) = read_output(&address, &printed);
        for error in errors {
            assert!(!failure::line(&error).is_empty());
            drop((error.help(), error.exit_code()));
        }
    }
    let _ = image::read_facts(&mut Cursor::new(b""), &text);
    let _ = Machine::of(data);
    let _ = Machine::of_uname(&text);
    let _ = Address::parse(&text).map(|address| address.destination());
}
