//! Choice of the root partition in an image, and refusal of file systems that cannot be written.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};

use crate::image::{Card, MIB, SECTOR, empty, ext4_of, run, tools};
use crate::kit::{Kit, bad, good};

/// A card with an MBR whose partitions have these types, folders and sizes (MiB). The last two are logical partitions.
fn card_of(kit: &Kit, partitions: &[(u8, &str, u64)]) -> Vec<u64> {
    let path = kit.path("card.img");
    let _ = fs::remove_file(&path);
    let total: u64 = partitions.iter().map(|(.., size)| size + 1).sum();
    let mut file = empty(&path, (total + 2) * MIB);
    let mut sectors = vec![(0, [0; SECTOR as usize])];
    let entry = |sector: &mut [u8; 512], row: usize, kind: u8, start: u64, size: u64| {
        let at = 446 + 16 * row;
        sector[at + 4] = kind;
        sector[at + 8..at + 12].copy_from_slice(&((start / SECTOR) as u32).to_le_bytes());
        sector[at + 12..at + 16].copy_from_slice(&((size / SECTOR) as u32).to_le_bytes());
    };
    let (mut offsets, mut start) = (Vec::new(), MIB);
    let primary = partitions.len().saturating_sub(2);
    let extended =
        MIB + partitions[..primary].iter().map(|(.., size)| (size + 1) * MIB).sum::<u64>();
    entry(&mut sectors[0].1, primary, 0x05, extended, (total + 1) * MIB - extended);
    for (row, (kind, _, size)) in partitions.iter().enumerate() {
        if row < primary {
            entry(&mut sectors[0].1, row, *kind, start, size * MIB);
            offsets.push(start);
        } else {
            // The record of a logical partition is one MiB before it.
            let mut sector = [0; SECTOR as usize];
            entry(&mut sector, 0, *kind, MIB / 2, size * MIB);
            if row + 1 < partitions.len() {
                entry(&mut sector, 1, 0x05, start + (size + 1) * MIB - extended, MIB);
            }
            sectors.push((start, sector));
            offsets.push(start + MIB / 2);
        }
        start += (size + 1) * MIB;
    }
    for (at, mut sector) in sectors {
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        file.seek(SeekFrom::Start(at)).unwrap();
        file.write_all(&sector).unwrap();
    }
    for ((_, folder, size), offset) in partitions.iter().zip(&offsets) {
        ext4_of(kit, folder, "", &path, *offset, *size);
    }
    offsets
}

#[test]
fn the_root_is_known_by_what_is_in_it_and_not_by_its_size() {
    if !tools() {
        return;
    }
    let kit = Kit::new();
    // The root is the second or a logical partition, and the largest has data.
    for rows in [
        [(0x83, "home", 8), (0x83, "root", 24), (0x83, "home", 40), (0x83, "home", 8)],
        [(0x83, "home", 8), (0x83, "home", 40), (0x83, "home", 8), (0x83, "root", 24)],
        [(0x83, "home", 8), (0x83, "home", 40), (0x83, "root", 24), (0x83, "home", 8)],
    ] {
        let offsets = card_of(&kit, &rows);
        let row = rows.iter().position(|(_, folder, _)| *folder == "root").unwrap();
        let number = if row < 2 { row + 1 } else { row + 3 };
        let said = good(&kit.flash(&["--to", "card.img", "--config", "emocue.toml"]));
        assert!(said.contains(&format!("partition {number} (")), "{said}");
        let card = Card { offset: offsets[row], kit: &kit };
        assert_eq!(card.read("/etc/emocue/emocue.toml"), kit.read("emocue.toml"));
        card.assert_clean();
    }
    card_of(&kit, &[(0x83, "home", 8), (0x83, "home", 40), (0x83, "home", 8), (0x83, "home", 8)]);
    let before = kit.read("card.img");
    let none = bad(&kit.flash(&["--to", "card.img", "--config", "emocue.toml"]), 3);
    assert!(none.contains("no partition that looks like the root"), "{none}");
    assert!(none.contains("partition 6 (") && none.contains("etc is missing"), "{none}");
    assert!(none.contains("--partition N"), "{none}");
    assert_eq!(kit.read("card.img"), before);
    let named = ["--to", "card.img", "--config", "emocue.toml", "--partition", "2"];
    let said = good(&kit.flash(&named));
    assert!(said.contains("does not look like the root"), "{said}");
}

#[test]
fn a_full_image_and_an_unsupported_feature_are_named_as_the_cause() {
    if !tools() {
        return;
    }
    let kit = Kit::new();
    let path = kit.path("card.img");
    let image = |folder: &str, features: &str| {
        let _ = fs::remove_file(&path);
        empty(&path, 24 * MIB);
        ext4_of(&kit, folder, features, &path, 0, 24);
    };
    let refused = |arguments: &[&str], code| {
        let before = fs::read(&path).unwrap();
        let said = bad(&kit.flash(&[&["--to", "card.img", "--yes"], arguments].concat()), code);
        assert_eq!(fs::read(&path).unwrap(), before);
        assert!(!said.contains("failing") && !said.contains("debugfs failed"), "{said}");
        said
    };
    for feature in ["inline_data", "quota"] {
        image("root", feature);
        run("e2fsck", &["-f", "-y", path.to_str().unwrap()]);
        let said = refused(&["--config", "emocue.toml"], 3);
        assert!(said.contains(&format!("the feature {feature}")), "{said}");
    }
    let random: Vec<u8> = (0..21_600_000_u32).map(|at| (at ^ at >> 7) as u8 | 1).collect();
    kit.write("root/fill", &random);
    image("root", "");
    let said = refused(&["--bundle", "mine.emocue"], 4);
    assert!(said.contains("has no room: 1.") && said.contains(" kB are free"), "{said}");
    assert!(said.contains("truncate -s +") && said.contains("resize2fs"), "{said}");
    // A dry run says so too.
    refused(&["--bundle", "mine.emocue", "--dry-run"], 4);
    // Files that fit are written.
    good(&kit.flash(&["--to", "card.img", "--config", "emocue.toml"]));
}
