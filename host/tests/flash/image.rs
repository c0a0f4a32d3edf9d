//! Real ext4 file systems in files, with and without partition tables.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Output};

use emocue_flash::image::{Image, ImageError};
use emocue_flash::root::RootError;
use emocue_flash::{FlashPlan, RootFs as _};

use crate::kit::{AARCH64, Kit, StopAfter, app, bad, expected, good, has};

pub(crate) const MIB: u64 = 1 << 20;
pub(crate) const SECTOR: u64 = 512;

pub(crate) fn tools() -> bool {
    ["mkfs.ext4", "debugfs", "e2fsck"].into_iter().all(has)
}

pub(crate) fn run(program: &str, arguments: &[&str]) -> Output {
    let path = std::env::var("PATH").unwrap() + ":/usr/sbin:/sbin";
    let found = path.split(':').map(|folder| Path::new(folder).join(program));
    let program = found.into_iter().find(|file| file.is_file()).unwrap();
    Command::new(program).args(arguments).output().unwrap()
}

/// Writes the kit's root as an ext4 file system of `size` MiB at `offset` of `image`.
fn ext4(kit: &Kit, image: &Path, offset: u64, size: u64) {
    ext4_of(kit, "root", "", image, offset, size);
}

/// The same for another folder, with other features (`-O`).
pub(crate) fn ext4_of(
    kit: &Kit,
    folder: &str,
    features: &str,
    image: &Path,
    offset: u64,
    size: u64,
) {
    let features = if features.is_empty() { "large_file" } else { features };
    let made = run(
        "mkfs.ext4",
        &[
            "-q",
            "-F",
            "-O",
            features,
            "-d",
            kit.path(folder).to_str().unwrap(),
            "-E",
            &format!("offset={offset},root_owner=0:0"),
            image.to_str().unwrap(),
            &format!("{size}M"),
        ],
    );
    assert!(made.status.success(), "{made:?}");
}

pub(crate) fn empty(path: &Path, size: u64) -> File {
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path).unwrap();
    file.set_len(size).unwrap();
    file
}

/// A file system without a partition table.
fn bare(kit: &Kit) -> u64 {
    empty(&kit.path("card.img"), 32 * MIB);
    ext4(kit, &kit.path("card.img"), 0, 32);
    0
}

/// A disk as of Raspberry Pi OS: an MBR with a boot partition and the root.
fn mbr(kit: &Kit) -> u64 {
    let path = kit.path("card.img");
    let mut file = empty(&path, 64 * MIB);
    let mut table = mbrman::MBR::new_from(&mut file, SECTOR as u32, [1, 2, 3, 4]).unwrap();
    let entry = |sys, start: u64, size: u64| mbrman::MBRPartitionEntry {
        boot: mbrman::BOOT_INACTIVE,
        first_chs: mbrman::CHS::empty(),
        sys,
        last_chs: mbrman::CHS::empty(),
        starting_lba: (start / SECTOR) as u32,
        sectors: (size / SECTOR) as u32,
    };
    table[1] = entry(0x0c, 4 * MIB, 8 * MIB);
    table[2] = entry(0x83, 16 * MIB, 40 * MIB);
    table.write_into(&mut file).unwrap();
    file.seek(SeekFrom::Start(4 * MIB)).unwrap();
    file.write_all(b"the boot partition").unwrap();
    ext4(kit, &path, 16 * MIB, 40);
    16 * MIB
}

/// A disk as of JetPack: a GPT with the root first, and a smaller ext4 file system after it.
fn gpt(kit: &Kit) -> u64 {
    let path = kit.path("card.img");
    let mut file = empty(&path, 96 * MIB);
    let mut table = gptman::GPT::new_from(&mut file, SECTOR, [7; 16]).unwrap();
    let entry = |name: &str, start: u64, size: u64| gptman::GPTPartitionEntry {
        partition_type_guid: [0xaf; 16],
        unique_partition_guid: [name.len() as u8; 16],
        starting_lba: start / SECTOR,
        ending_lba: (start + size) / SECTOR - 1,
        attribute_bits: 0,
        partition_name: name.into(),
    };
    table[1] = entry("APP", 20 * MIB, 40 * MIB);
    table[2] = entry("recovery", 64 * MIB, 24 * MIB);
    table.write_into(&mut file).unwrap();
    gptman::GPT::write_protective_mbr_into(&mut file, SECTOR).unwrap();
    ext4(kit, &path, 20 * MIB, 40);
    ext4_of(kit, "home", "", &path, 64 * MIB, 24);
    20 * MIB
}

pub(crate) struct Card<'a> {
    pub(crate) kit: &'a Kit,
    pub(crate) offset: u64,
}

impl Card<'_> {
    fn debugfs(&self, arguments: &[&str]) -> String {
        let device = format!("{}?offset={}", self.kit.path("card.img").display(), self.offset);
        let output = run("debugfs", &[arguments, &[&device]].concat());
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn read(&self, path: &str) -> Vec<u8> {
        let out = self.kit.path("dumped");
        let _ = fs::remove_file(&out);
        self.debugfs(&["-R", &format!("dump {path} {}", out.display())]);
        fs::read(out).unwrap()
    }

    fn stat(&self, path: &str) -> String {
        self.debugfs(&["-R", &format!("stat {path}")])
    }

    pub(crate) fn assert_clean(&self) {
        let device = format!("{}?offset={}", self.kit.path("card.img").display(), self.offset);
        let checked = run("e2fsck", &["-f", "-n", &device]);
        assert!(checked.status.success(), "{checked:?}");
    }
}

const ALL: [&str; 9] = [
    "--to",
    "card.img",
    "--app",
    "app",
    "--bundle",
    "mine.emocue",
    "--config",
    "emocue.toml",
    "--yes",
];

/// Flashes all components twice, and checks the result with e2fsprogs only.
fn takes_it_all(make: fn(&Kit) -> u64) {
    if !tools() {
        return;
    }
    let kit = Kit::new();
    let card = Card { offset: make(&kit), kit: &kit };
    fs::set_permissions(kit.path("card.img"), fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::read(kit.path("card.img")).unwrap();
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(kit.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    };
    let there = names();
    let dry = good(&kit.flash(&[&ALL[..8], &["--dry-run"]].concat()));
    assert!(dry.contains("/usr/local/bin/emocue-badge") && dry.contains("new"), "{dry}");
    assert_eq!(fs::read(kit.path("card.img")).unwrap(), before);

    good(&kit.flash(&ALL));
    assert_eq!(names(), there);
    let (app_bytes, config, bundle) =
        (kit.read("app"), kit.read("emocue.toml"), kit.read("mine.emocue"));
    // mkfs.ext4 keeps the owners of the folders, and new files get the owner of their folder.
    let folder = fs::metadata(kit.path("root/etc")).unwrap();
    let owner = format!("User: {:5}   Group: {:5}", folder.uid(), folder.gid());
    for (path, mode, content) in expected(&app_bytes, &config, &bundle) {
        let stat = card.stat(path);
        match content {
            Ok(bytes) => {
                assert_eq!(card.read(path), bytes, "{path}");
                assert!(stat.contains(&format!("Mode:  0{mode:o} ")), "{path}: {stat}");
                assert!(stat.contains("Links: 1 "), "{path}: {stat}");
                assert!(stat.contains(&owner), "{path}: {stat}");
            }
            Err(to) => assert!(stat.contains(&format!("Fast link dest: \"{to}\"")), "{stat}"),
        }
    }
    assert!(card.stat("/var/lib/emocue/incoming").contains("Mode:  0700 "));
    card.assert_clean();
    let after = fs::metadata(kit.path("card.img")).unwrap();
    assert_eq!((after.len(), after.permissions().mode() & 0o777), (before.len() as u64, 0o640));

    let again = good(&kit.flash(&ALL));
    assert!(again.contains("All of it is there already"), "{again}");
    // Twice, so that an old file is also replaced.
    for bytes in [310_000, 320_000] {
        let old = kit.read("app");
        kit.write("app", &app(AARCH64, true, bytes));
        good(&kit.flash(&ALL));
        assert_eq!(card.read("/usr/local/bin/emocue-badge"), kit.read("app"));
        assert_eq!(card.read("/usr/local/bin/emocue-badge.old"), old);
        card.assert_clean();
    }
    // Nothing outside of the root's partition has changed.
    let after = fs::read(kit.path("card.img")).unwrap();
    let start = card.offset as usize;
    assert_eq!(after[..start], before[..start]);
    let end = start + if start == 0 { 32 } else { 40 } * MIB as usize;
    assert_eq!(after[end..], before[end..]);
}

#[test]
fn a_bare_file_system_takes_it_all() {
    takes_it_all(bare);
}

#[test]
fn a_disk_with_an_mbr_takes_it_all() {
    takes_it_all(mbr);
}

#[test]
fn a_disk_with_a_gpt_takes_it_all() {
    takes_it_all(gpt);
}

#[test]
fn a_badge_that_owns_its_folder_owns_what_comes_there() {
    if !tools() {
        return;
    }
    let kit = Kit::new();
    fs::create_dir(kit.path("root/var/lib/emocue")).unwrap();
    let card = Card { offset: bare(&kit), kit: &kit };
    for field in ["uid 997", "gid 996", "mode 040700"] {
        card.debugfs(&["-w", "-R", &format!("set_inode_field /var/lib/emocue {field}")]);
    }
    good(&kit.flash(&["--to", "card.img", "--bundle", "mine.emocue"]));
    for path in ["/var/lib/emocue/incoming", "/var/lib/emocue/incoming/bundle.emocue"] {
        let stat = card.stat(path);
        assert!(stat.contains("User:   997   Group:   996"), "{stat}");
    }
    card.assert_clean();
}

#[test]
fn another_partition_may_be_named() {
    if !tools() {
        return;
    }
    let kit = Kit::new();
    gpt(&kit);
    ext4(&kit, &kit.path("card.img"), 64 * MIB, 24);
    let several = bad(&kit.flash(&ALL), 2);
    assert!(several.contains("several partitions that look like the root"), "{several}");
    assert!(several.contains("partition 1 (") && several.contains("--partition N"), "{several}");
    let said = good(&kit.flash(&[&ALL[..], &["--partition", "2"]].concat()));
    assert!(said.contains("partition 2"), "{said}");
    let second = Card { offset: 64 * MIB, kit: &kit };
    assert_eq!(second.read("/etc/emocue/emocue.toml"), kit.read("emocue.toml"));
    second.assert_clean();
    let none = bad(&kit.flash(&[&ALL[..], &["--partition", "3"]].concat()), 2);
    assert!(none.contains("no partition 3 with ext4; those with ext4 are: partition 1"), "{none}");
}

#[test]
fn images_that_are_in_use_damaged_or_something_else_are_refused_and_left_alone() {
    if !tools() {
        return;
    }
    let kit = Kit::new();
    let card = Card { offset: bare(&kit), kit: &kit };
    let refused = |expected: &str| {
        let before = fs::read(kit.path("card.img")).unwrap();
        let said = bad(&kit.flash(&ALL), 3);
        assert!(said.contains(expected), "{said}");
        assert_eq!(fs::read(kit.path("card.img")).unwrap(), before);
    };
    card.debugfs(&["-w", "-R", "set_super_value state 0"]);
    refused("not marked as unmounted");
    card.debugfs(&["-w", "-R", "set_super_value state 3"]);
    refused("has recorded errors");
    card.debugfs(&["-w", "-R", "set_super_value state 1"]);
    card.debugfs(&["-w", "-R", "feature needs_recovery"]);
    refused("journal is not written back");
    card.debugfs(&["-w", "-R", "feature ^needs_recovery"]);
    // A name without its file: only e2fsck notices.
    card.debugfs(&["-w", "-R", "clri /usr/bin/dash"]);
    refused("e2fsck -f");
    fs::remove_file(kit.path("card.img")).unwrap();
    bare(&kit);
    let file = OpenOptions::new().write(true).open(kit.path("card.img")).unwrap();
    file.set_len(20 * MIB).unwrap();
    refused("cut short");
    kit.write("card.img", &[7; 100_000]);
    refused("has no ext4 file system");
    kit.write("card.img", b"");
    refused("has no ext4 file system");
}

#[test]
fn whenever_it_is_interrupted_the_image_is_as_it_was() {
    if !tools() {
        return;
    }
    let kit = Kit::new();
    mbr(&kit);
    let hash = |path: &Path| {
        let mut bytes = Vec::new();
        File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
        emocue_models::bundle::Sha256::of(&bytes)
    };
    let before = hash(&kit.path("card.img"));
    let count = fs::read_dir(kit.folder.path()).unwrap().count();
    let components = kit.components(false);
    for left in [0, 30 * MIB, 64 * MIB] {
        let mut image = Image::open(&kit.path("card.img"), None).unwrap();
        let plan = FlashPlan::new(&mut image, &components).unwrap();
        let result = image.install(&plan.changes(), &mut StopAfter { left });
        assert!(
            matches!(result, Err(ImageError::Root(RootError::Interrupted))),
            "{left}: {result:?}"
        );
        assert_eq!(hash(&kit.path("card.img")), before);
        assert_eq!(fs::read_dir(kit.folder.path()).unwrap().count(), count);
    }
}
